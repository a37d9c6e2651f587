"""Texts with spans of characters: exports of doccano, Prodigy and Label Studio.

Each is JSON lines or a JSON list of objects; which tool wrote one is recognised by its
keys, object by object:

- doccano: `text` and `label`, `labels` or `entities` with `[start, end, type]`,
  or objects with `start_offset`, `end_offset` and `label`;
- Prodigy: `text` and `spans` of `start`, `end`, `label`; answers other than
  `accept` are left out;
- Label Studio: `data` and `annotations` (the first that was not cancelled; texts
  without one are left out), or its short form. Its offsets may count UTF-16 units;
  the marked text says so.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from tfnlp.data.files.columns import Table, as_text
from tfnlp.data.tagging import sentences
from tfnlp.data.tagging.alignment import (
    SHOWN,
    Aligned,
    AlignmentReport,
    Marked,
    Words,
    align,
    plain_words,
)
from tfnlp.data.tagging.sentences import join, label
from tfnlp.errors import DataError

NAMES = ("tokens", "tags", "text")

_CHUNK = 256
_LISTS = ("spans", "entities", "labels", "label", "result")
_TYPES = ("label", "labels", "type")
_NO_SPANS = ("relation", "choices", "textarea", "rating")


class Text(NamedTuple):
    """One annotated text."""

    where: str
    text: str
    marked: list[Marked]


def marked(
    path: Path, *, words: Words = plain_words, encoding: str | None = None
) -> Table:
    """Annotated texts as words and tags in BIO, with the columns of `NAMES`.

    Args:
        words: cuts texts into words.
        encoding: detected if not given.

    Raises:
        DataError: the file is empty or no text; when records are read also: an
            object has no text, or a span lies outside of it.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "export.jsonl"
    >>> _ = path.write_text('{"text": "Ann left.", "label": [[0, 3, "PER"]]}')
    >>> next(marked(path).records())
    ['Ann left .', 'B-PER O O', 'Ann left.']
    """
    encoding = sentences.encoding_of(path, encoding)

    def records() -> Iterator[list[str]]:
        for text, found in _aligned(path, encoding, words):
            yield [join(found.words), join(found.tags), text.text]

    return sentences.table(path, NAMES, records)


def report(
    path: Path, *, words: Words = plain_words, encoding: str | None = None
) -> AlignmentReport:
    """Reads a file once to say which of its spans do not fit the words.

    Raises:
        DataError: as for `marked`.

    Example:
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "export.jsonl"
    >>> _ = path.write_text('{"text": "Annie left.", "label": [[0, 3, "PER"]]}')
    >>> print(report(path).reasons)
    {'widened': 1}
    """
    encoding = sentences.encoding_of(path, encoding)
    texts = spans = 0
    reasons: Counter[str] = Counter()
    examples: list[Any] = []
    for text, found in _aligned(path, encoding, words):
        texts, spans = texts + 1, spans + len(text.marked)
        reasons.update(each.reason for each in found.misaligned)
        examples += found.misaligned[: SHOWN - len(examples)]
    return AlignmentReport(texts, spans, dict(reasons.most_common()), tuple(examples))


def has_spans(found: dict[str, Any]) -> bool:
    """Whether an object says of some characters of its text what they are.

    Example:
    >>> has_spans({"text": "Ann", "label": [[0, 3, "PER"]]})
    True
    >>> has_spans({"text": "Ann", "label": ["good"]}), has_spans({"label": "good"})
    (False, False)
    """
    items = _items(found) or []
    return "data" in found or any(isinstance(item, list | dict) for item in items)


def _aligned(path: Path, encoding: str, words: Words) -> Iterator[tuple[Text, Aligned]]:
    texts = _texts(path, encoding)
    while chunk := list(islice(texts, _CHUNK)):
        cuts = words([text.text for text in chunk])
        for text, cut in zip(chunk, cuts, strict=True):
            yield text, align(text.text, text.marked, cut, where=text.where)


def _texts(path: Path, encoding: str) -> Iterator[Text]:
    for where, found in sentences.objects(path, encoding):
        items = _items(found)
        if found.get("answer", "accept") != "accept" or items is None:
            continue
        text = _text(found, where)
        kept = filter(_is_span, items)
        spans = [span for item in kept for span in _spans(item, text, where)]
        yield Text(where, text, spans)


def _text(found: dict[str, Any], where: str) -> str:
    data = found.get("data", found)
    if isinstance(data, dict):
        if isinstance(data.get("text"), str):
            return data["text"]
        texts = [value for value in data.values() if isinstance(value, str)]
        if "data" in found and len(texts) == 1:
            return texts[0]
    if isinstance(data, str):
        return data
    data = data if isinstance(data, dict) else found
    raise DataError(
        "An annotated text is an object with a `text` and a list of spans. "
        f"Received: {where} with the keys {', '.join(data)}. Call the text `text`."
    )


def _items(found: dict[str, Any]) -> list[Any] | None:
    """The spans of an object, whatever they are called; None if nobody marked it."""
    if isinstance(found.get("annotations"), list):
        kept = [each for each in found["annotations"] if not _is_cancelled(each)]
        if not kept:
            return None
        nested = isinstance(kept[0], dict) and "result" in kept[0]
        return kept[0]["result"] if nested else kept
    lists = (value for name in _LISTS if isinstance(value := found.get(name), list))
    return next(filter(None, lists), [])


def _is_cancelled(item: Any) -> bool:
    return isinstance(item, dict) and bool(item.get("was_cancelled"))


def _is_span(item: Any) -> bool:
    """Label Studio lists what was said of the whole text among the spans."""
    return not isinstance(item, dict) or item.get("type") not in _NO_SPANS


def _spans(item: Any, text: str, where: str) -> Iterator[Marked]:
    """A span for each type of an annotation, usually one."""
    try:
        start, end, types, surface = _parts(item)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            "A span is [start, end, type], or an object with `start`, `end`, `label`. "
            f"Received: {where}: {str(item)[:80]}. Correct it."
        ) from error
    if start >= 0 and surface and _plain(text[start:end]) != _plain(surface):
        start, end = (_character(text, offset) for offset in (start, end))
    if not 0 <= start <= end <= len(text):
        raise DataError(
            f"A span lies inside of its text. Received: {where}: {str(item)[:80]} in a "
            f"text of {len(text):,} characters. Offsets count characters from 0, the "
            "end not included."
        )
    if surface and _plain(text[start:end]) != _plain(surface):
        raise DataError(
            f"The offsets of a span give its text. Received: {where}: {surface[:40]!r} "
            f"at {text[start:end][:40]!r}. Offsets count characters from 0; export "
            "again from the text that was annotated."
        )
    for type in types:
        if not label(type):
            raise DataError(
                f"A span has a type. Received: {where}: {str(item)[:80]}. Give it one, "
                "or leave it out."
            )
        yield Marked(label(type), start, end)


def _parts(item: Any) -> tuple[int, int, list[str], str]:
    if isinstance(item, list):
        start, end, type = item
        return int(start), int(end), [as_text(type)], ""
    value = item.get("value", item)
    start = value["start_offset"] if "start_offset" in value else value["start"]
    end = value["end_offset"] if "end_offset" in value else value["end"]
    types = value[next((name for name in _TYPES if name in value), "label")]
    listed = types if isinstance(types, list) else [types]
    surface = value.get("text")
    return (
        *(int(start), int(end)),
        [as_text(type) for type in listed],
        surface if isinstance(surface, str) else "",
    )


def _plain(text: str) -> str:
    """Text as tools copy it: breaks may have become spaces or `\\\\n`."""
    return "".join(text.replace("\\n", " ").split())


def _character(text: str, offset: int) -> int:
    """The character at an offset in UTF-16 units, as JavaScript counts."""
    units = text.encode("utf-16-le", "surrogatepass")[: 2 * offset]
    beyond = max(0, offset - len(text.encode("utf-16-le", "surrogatepass")) // 2)
    return len(units.decode("utf-16-le", "ignore")) + beyond
