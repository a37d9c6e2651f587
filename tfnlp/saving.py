"""Serialization: objects to JSON and back, ``{"class": id, "config": {...}}``.

The id of a class, such as ``tfnlp/Vocabulary``, is fixed: it does not depend on the
module that holds the class, so artefacts outlive every move and every new name. Only
classes of tfnlp itself are found by their id. A class from elsewhere must be handed in,
so that a file never decides which code runs.

Formats of ``task.json``: 1, up to version 0.1, named modules and carried no number; 2
names ids. Every format is read for ever; see ``tests/fixtures/artefacts``.
"""

import importlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tfnlp.errors import ArtefactError

FORMAT = 2
"""The format that is written."""

CLASSES: Mapping[str, str] = {
    "tfnlp/CharacterTokenizer": ("tfnlp.text.tokenizers.characters:CharacterTokenizer"),
    "tfnlp/Classification": "tfnlp.tasks.classification:Classification",
    "tfnlp/Gazetteers": "tfnlp.text.words.gazetteers:Gazetteers",
    "tfnlp/IntentAndSlots": "tfnlp.tasks.intent_and_slots:IntentAndSlots",
    "tfnlp/LanguageModel": "tfnlp.tasks.language_model:LanguageModel",
    "tfnlp/SemanticRoles": "tfnlp.tasks.semantic_roles:SemanticRoles",
    "tfnlp/SentencePieceTokenizer": (
        "tfnlp.text.tokenizers.sentencepiece:SentencePieceTokenizer"
    ),
    "tfnlp/SubwordVectorizer": (
        "tfnlp.text.vectorizer.subword_vectorizer:SubwordVectorizer"
    ),
    "tfnlp/Tagging": "tfnlp.tasks.tagging:Tagging",
    "tfnlp/Translation": "tfnlp.tasks.translation:Translation",
    "tfnlp/Vectorizer": "tfnlp.text.vectorizer.vectorizer:Vectorizer",
    "tfnlp/Vocabulary": "tfnlp.text.vocabulary:Vocabulary",
    "tfnlp/WordFeatures": "tfnlp.text.words.word_features:WordFeatures",
    "tfnlp/WordPieceTokenizer": "tfnlp.text.tokenizers.wordpiece:WordPieceTokenizer",
    "tfnlp/WordTokenizer": "tfnlp.text.tokenizers.words:WordTokenizer",
}
"""Id → where the class is now. An id stays when its class moves or is renamed."""

MOVED: Mapping[str, str] = {
    "tfnlp.tasks.classification:Classification": "tfnlp/Classification",
    "tfnlp.tasks.intent_and_slots:IntentAndSlots": "tfnlp/IntentAndSlots",
    "tfnlp.tasks.language_model:LanguageModel": "tfnlp/LanguageModel",
    "tfnlp.tasks.semantic_roles:SemanticRoles": "tfnlp/SemanticRoles",
    "tfnlp.tasks.tagging:Tagging": "tfnlp/Tagging",
    "tfnlp.tasks.translation:Translation": "tfnlp/Translation",
    "tfnlp.text.gazetteers:Gazetteers": "tfnlp/Gazetteers",
    "tfnlp.text.piece_vectorizer:PieceVectorizer": "tfnlp/SubwordVectorizer",
    "tfnlp.text.subword:Subwords": "tfnlp/SentencePieceTokenizer",
    "tfnlp.text.token_pieces:Characters": "tfnlp/CharacterTokenizer",
    "tfnlp.text.token_pieces:Words": "tfnlp/WordTokenizer",
    "tfnlp.text.vectorizer:Vectorizer": "tfnlp/Vectorizer",
    "tfnlp.text.vocabulary:Vocabulary": "tfnlp/Vocabulary",
    "tfnlp.text.word_features:WordFeatures": "tfnlp/WordFeatures",
    "tfnlp.text.word_pieces:WordPieces": "tfnlp/WordPieceTokenizer",
}
"""What format 1 calls a class → its id."""

_TRANSLATED = {
    "measures": "metrics",
    "no_repeat_ngram": "no_repeat_ngram_size",
    "smoothing": "label_smoothing",
    "source": "source_tokenizer",
    "target": "target_tokenizer",
}
_CLASSIFIED = {
    "focus": "gamma",
    "pairs": "text_pair",
    "separator": "label_separator",
    "smoothing": "label_smoothing",
}
RENAMED_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "tfnlp/Classification": _CLASSIFIED,
    "tfnlp/IntentAndSlots": {"split": "tokenizer"},
    "tfnlp/LanguageModel": {"length": "sequence_length", "pieces": "tokenizer"},
    "tfnlp/SemanticRoles": {"split": "tokenizer"},
    "tfnlp/SubwordVectorizer": {"length": "sequence_length", "pieces": "tokenizer"},
    "tfnlp/Tagging": {"split": "tokenizer"},
    "tfnlp/Translation": _TRANSLATED,
    "tfnlp/Vectorizer": {"length": "sequence_length", "split": "tokenizer"},
    "tfnlp/WordFeatures": {"pairs": "bigrams"},
}
"""Id → argument of its constructor in format 1 → what it is called now."""


class Configurable(Protocol):
    """Anything that can say its own constructor arguments as JSON values."""

    def config(self) -> dict[str, Any]: ...


def pack(thing: Configurable) -> dict[str, Any]:
    """Describes an object as JSON values.

    Example:
    >>> from tfnlp.text.vocabulary import Vocabulary
    >>> pack(Vocabulary(("a", "b")))["class"]
    'tfnlp/Vocabulary'
    """
    return {"class": class_id(type(thing)), "config": thing.config()}


def unpack(packed: Mapping[str, Any], *, classes: Sequence[type] = ()) -> Any:
    """Builds the object that `pack` described; nested descriptions included.

    Args:
        packed: in the format that is written now; see `from_json` for older ones.
        classes: classes from outside tfnlp that the description may name.

    Raises:
        ArtefactError: the description names a class that is unknown here.
    """
    kind = _find_class(packed["class"], classes)
    config = {
        name: unpack(value, classes=classes) if _is_packed(value) else value
        for name, value in packed["config"].items()
    }
    return kind(**config)


def to_json(thing: Configurable) -> str:
    """Writes an object as JSON text, keeping every character of every token."""
    found = {"format": FORMAT, **pack(thing)}
    return json.dumps(found, ensure_ascii=True, indent=1)


def from_json(text: str, *, classes: Sequence[type] = ()) -> Any:
    """Reads what `to_json` of this version, or of an older one, wrote.

    Raises:
        ArtefactError: the format is that of a newer version, or the description names
            a class that is unknown here.
    """
    found = json.loads(text)
    written = check_format(found.pop("format", 1))
    return unpack(_upgraded(found) if written == 1 else found, classes=classes)


def check_format(number: Any) -> int:
    """Returns a format number that this version reads.

    Raises:
        ArtefactError: it is that of a newer version.
    """
    if number not in (1, FORMAT):
        raise ArtefactError(
            f"This version of tfnlp reads artefacts of format {FORMAT} and older. "
            f"Received: format {number}. Load it with the version that wrote it; "
            "its report.json names it."
        )
    return int(number)


def class_id(kind: type) -> str:
    """The id of a class: that of the table, or module and name if it is not ours.

    Raises:
        ArtefactError: a class of tfnlp has no id.
    """
    path = f"{kind.__module__}:{kind.__qualname__}"
    if path in _IDS:
        return _IDS[path]
    if path.startswith("tfnlp."):
        raise ArtefactError(
            "A class of tfnlp needs an id before it can be saved. "
            f"Received: {path}. Give it one in tfnlp.saving.CLASSES."
        )
    return path


_IDS = {path: name for name, path in CLASSES.items()}


def _upgraded(packed: Mapping[str, Any]) -> dict[str, Any]:
    """A description of format 1 as one of today."""
    name = MOVED.get(packed["class"], packed["class"])
    renamed = RENAMED_OPTIONS.get(name, {})
    config = {
        renamed.get(option, option): _upgraded(value) if _is_packed(value) else value
        for option, value in packed["config"].items()
    }
    return {"class": name, "config": config}


def _is_packed(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"class", "config"}


def _find_class(name: str, classes: Sequence[type]) -> type:
    if name in CLASSES:
        module, _, attribute = CLASSES[name].partition(":")
        found: type = getattr(importlib.import_module(module), attribute)
        return found
    for kind in classes:
        if f"{kind.__module__}:{kind.__qualname__}" == name:
            return kind
    if not name.startswith(("tfnlp.", "tfnlp/")):
        raise ArtefactError(
            "A class from outside tfnlp must be handed in to be loaded. "
            f"Received: {name}. Pass classes=[{name.rpartition(':')[2]}]."
        )
    raise ArtefactError(
        f"This version of tfnlp has no class {name}. "
        "Load the artefact with the version that wrote it; its report.json names it."
    )
