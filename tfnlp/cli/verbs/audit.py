"""check a data file for duplicates, empty texts, leaks and label errors"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tfnlp
from tfnlp.cli.parsing.command_line import parse
from tfnlp.cli.tensorflow_logs import load_tensorflow
from tfnlp.errors import DataError, UsageError
from tfnlp.recipes.reading import Reading

if TYPE_CHECKING:
    from tfnlp.data.audit.texts import Audit

_OPTIONAL = ("intent", "predicate")
"""Further fields that some tagged sentences have."""


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Checks a data file before training: duplicates, empty texts, leaks, labels.

    tfnlp audit reviews.csv --text review --label sentiment --test test.csv
    tfnlp audit train.conll --test test.conll
    tfnlp audit corpus/train --source en --target de --test corpus/test

    A column is a name, a number counted from 1, or several joined with +. Tagged
    sentences are detected by the file's format, or chosen by --tags; then tagging
    schemes, spans and words with several tags are checked. The exit code is 3 if
    training is impossible with these rows; warnings do not change it.
    """

    file: str  # file, tfds:NAME or built-in set
    text: str = "text"  # column of the text
    text_pair: str | None = None  # column of the second text, for pairs
    label: str | None = "label"  # column of the label; none if there is none
    tokens: str = "tokens"  # column of the words of a tagged sentence
    tags: str | None = None  # column of their tags; default: tags, or the last one
    source: str | None = None  # of translation pairs: column, or file ending
    target: str | None = None  # of translation pairs: column, or ending such as de
    multi_label: bool = False  # whether a row may have several labels
    sequence_length: int | None = None  # tokens kept of a text; reports truncation
    split: str | None = None  # of a set that comes with splits, e.g. train
    valid: str | None = None  # another file, checked for the same rows
    test: str | None = None  # another file, checked for the same rows
    test_text: str | None = None  # column of the text in the test file, if another
    test_text_pair: str | None = None  # column of the second text there, if another
    test_label: str | None = None  # column of the label there, if another
    json: bool = False  # print JSON instead of a table

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("test_text", "test_text_pair", "test_label"):
            if getattr(self, name) is not None and self.test is None:
                raise UsageError(
                    f"--{name} names a column of the test file. "
                    "Received: no --test. Add --test FILE, or leave it out."
                )

    def is_tagged(self) -> bool:
        """Whether the file holds tagged sentences."""
        from tfnlp.data.datasets import named_sets
        from tfnlp.data.tagging import formats  # needs TensorFlow

        plain = type(self)(file=self.file)
        texts = ("text", "text_pair", "label", "multi_label")
        if self.tags is not None:
            return True
        if any(getattr(self, name) != getattr(plain, name) for name in texts):
            return False
        return not named_sets.is_named(self.file) and formats.holds_tags(
            Path(self.file), self.format
        )

    def columns(self) -> dict[str, str]:
        """Field → column: the texts, and the label if there is one."""
        texts = {"text": self.text}
        if self.text_pair is not None:
            texts = {"first": self.text, "second": self.text_pair}
        return texts if self.label is None else {**texts, "label": self.label}

    def test_columns(self) -> dict[str, str]:
        """The same for the test file."""
        other = {
            "text": self.test_text,
            "first": self.test_text,
            "second": self.test_text_pair,
            "label": self.test_label,
        }
        return {name: other[name] or own for name, own in self.columns().items()}


def main(words: Sequence[str]) -> None:
    """Reads the rows and prints the audit.

    Raises:
        DataError: training is impossible with these rows.
    """
    options = parse(Options, words, positional=("file",), command="tfnlp audit")
    load_tensorflow()
    found = audited(options)
    print(json.dumps(found.to_json(), indent=1) if options.json else found.table())
    if found.errors:
        raise DataError(
            "Rows that cannot be learnt from must not reach training. "
            f"Received: {'; '.join(map(str, found.errors)).rstrip('.')}. "
            f"Correct {options.file}."
        )


def audited(options: Options) -> "Audit":
    """Audits pairs, tagged sentences or texts, by flags and file format."""
    if options.source is not None or options.target is not None:
        return audit_pairs(options)
    return audit_sentences(options) if options.is_tagged() else audit_texts(options)


def audit_pairs(options: Options) -> "Audit":
    """Audits pairs of source and target."""
    columns = {"source": options.source or "source"}
    columns["target"] = options.target or "target"
    others = {"valid": options.valid, "test": options.test}
    return tfnlp.data.audit_pairs(
        options.read(options.file, columns, split=options.split),
        others={n: options.read(file, columns) for n, file in others.items() if file},
    )


def audit_texts(options: Options) -> "Audit":
    """Audits texts and their labels."""
    columns = options.columns()
    compared = {
        "valid": (options.valid, columns),
        "test": (options.test, options.test_columns()),
    }
    return tfnlp.audit(
        options.read(options.file, columns, split=options.split),
        text_fields=tuple(name for name in columns if name != "label"),
        label_field="label" if options.label is not None else None,
        label_separator=options.label_separator if options.multi_label else None,
        others={
            name: options.read(file, its)
            for name, (file, its) in compared.items()
            if file
        },
        sequence_length=options.sequence_length,
    )


def audit_sentences(options: Options) -> "Audit":
    """Audits tagged sentences, with their intents and predicates if present."""
    columns = {"tokens": options.tokens, "tags": options.tags or "tags"}
    columns |= {name: name for name in _OPTIONAL}

    def read(file: str, **more: Any) -> Any:
        return options.read(file, columns, optional=_OPTIONAL, **more)

    rows = read(options.file, split=options.split)
    has = rows.element_spec
    others = {"valid": options.valid, "test": options.test}
    found = tfnlp.data.audit_sentences(
        rows,
        others={name: read(file) for name, file in others.items() if file},
        key_fields=["predicate"] if "predicate" in has else [],
        label_field="intent" if "intent" in has else None,
    )
    for name, file in {"": options.file, **others}.items():
        found.warnings += [
            f"{name}: {message}" if name else message
            for message in misaligned(file, columns, options)
        ]
    return found


def misaligned(file: str | None, columns: dict, options: Reading) -> list[str]:
    """Which marked spans of a file, if it has such, do not end where words do."""
    from tfnlp.data.tagging import formats  # needs TensorFlow

    if file is None:
        return []
    return formats.misaligned(
        file, columns, format=options.format, encoding=options.encoding
    )
