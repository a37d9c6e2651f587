"""Vectorizers and joined labels as ONNX nodes.

A vectorizer is a placeholder while an endpoint is traced, and so are joined labels.
What has no exact counterpart in onnxruntime-extensions is an error that names it: a
model that is a little wrong is worse than none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import onnx
import tensorflow as tf

from tfnlp.errors import ExportError
from tfnlp.export.onnx import string_ops
from tfnlp.export.onnx.columns import inside_rows, limits
from tfnlp.export.onnx.placeholders import Graph, Placeholders
from tfnlp.text.splitters import SPACES, TOKENS
from tfnlp.text.vectorizer.terms import Terms
from tfnlp.text.vectorizer.vectorizer import Vectorizer

_TOKENIZERS = ("whitespace", "words")
_FEATURES = [tf.TensorSpec([None, None], tf.int32)] * 2


@dataclass(frozen=True)
class Vectorized:
    """A call of a vectorizer: string [B] → token ids and padding mask, [B, T]."""

    vectorizer: Vectorizer


@dataclass(frozen=True)
class Joined:
    """A call of `join_chosen`: bool [B, C] → string [B]."""

    names: tuple[str, ...]
    separator: str


class TextPrimitives:
    """Primitives of `tfnlp.text.ops` on whole texts: each adds a placeholder.

    Args:
        placeholders: receives the calls.
    """

    def __init__(self, placeholders: Placeholders):
        self._placeholders = placeholders

    def vectorize(self, vectorizer: Vectorizer, texts: Any) -> dict[str, tf.Tensor]:
        """`tfnlp.text.vectorizer.vectorizer.Vectorizer.__call__`."""
        check(vectorizer)
        texts = tf.convert_to_tensor(texts, tf.string)
        call = Vectorized(vectorizer)
        token_ids, mask = self._placeholders.add(call, [texts], _FEATURES)
        return {"token_ids": token_ids, "padding_mask": mask}

    def join_labels(
        self, chosen: Any, names: Sequence[str], separator: str
    ) -> tf.Tensor:
        """`tfnlp.text.joining.join_chosen`."""
        spec = tf.TensorSpec([None], tf.string)
        call = Joined(tuple(names), separator)
        return self._placeholders.add(call, [chosen], [spec])[0]


def check(vectorizer: Vectorizer) -> None:
    """Makes sure that ONNX can do what a vectorizer does.

    Raises:
        ExportError: names what it cannot.
    """
    terms = vectorizer.terms
    if terms.tokenizer not in _TOKENIZERS:
        raise refused(f"tokenizer={terms.tokenizer!r}")
    if terms.character_ngrams is not None:
        raise refused(f"character_ngrams={terms.character_ngrams}")
    odd = [name for name in terms.standardize if name not in string_ops.STEPS]
    if odd:
        raise refused(f"standardize={odd[0]!r}")


def refused(received: str, *, by: str = "onnxruntime-extensions") -> ExportError:
    """What is said of a step on strings that has no exact counterpart."""
    return ExportError(
        "A model with strings in does exactly what the SavedModel does to them. "
        f"Received: {received}, for which {by} has no operations. "
        "Feed network.onnx with ids, or serve the SavedModel."
    )


def expand(graph: Graph, placeholders: Placeholders) -> None:
    """Replaces the placeholders of texts and labels by string operations."""
    for node, number in graph.placeholders():
        call = placeholders.calls[number]
        if isinstance(call, Vectorized):
            found = ids(graph, node.input[0], call.vectorizer)
        elif isinstance(call, Joined):
            found = (joined(graph, node.input[0], call),)
        else:
            continue
        olds = list(node.output)
        graph.remove([node])
        graph.replace(olds, found)


def joined(graph: Graph, chosen: str, call: Joined) -> str:
    """The chosen names with a separator behind each, without the last one."""
    ended = graph.constant([name + call.separator for name in call.names])
    names = graph.node("Where", chosen, ended, graph.constant([""]))  # [B, C]
    nothing = graph.constant([[""] * len(call.names)])  # see `ids`
    names = graph.node("Concat", names, nothing, axis=0)
    labels = string_ops.joined(graph, names, "")
    labels = graph.node("Slice", labels, *limits(graph, 0, -1))
    return string_ops.pattern(f"{re.escape(call.separator)}$", "")(graph, labels)


def ids(graph: Graph, texts: str, vectorizer: Vectorizer) -> tuple[str, ...]:
    """Token ids and padding mask, int32 [B, T], of texts string [B]."""
    # One row more, taken off again: string operations fail where there is none.
    texts = graph.node("Concat", texts, graph.constant([""]), axis=0)
    tokens, lengths = _tokens(graph, texts, vectorizer)
    entries = vectorizer.vocabulary.entries
    found = graph.node(
        "LabelEncoder",
        tokens,
        domain="ai.onnx.ml",
        keys_strings=entries[2:],
        values_int64s=range(2, len(entries)),
        default_int64=vectorizer.vocabulary.unknown,
    )
    return _padded(graph, found, lengths)


def _tokens(graph: Graph, texts: str, vectorizer: Vectorizer) -> tuple[str, str]:
    """Terms string [B, L], filled up, and how many of them are a row's: int64 [B]."""
    terms = vectorizer.terms
    texts = string_ops.without_nul(graph, texts)
    texts = graph.either(
        string_ops.is_plain(graph, texts),
        lambda: _spaced(graph, texts, terms, plain=True),
        lambda: _spaced(graph, texts, terms, plain=False),
    )
    tokens, lengths = graph.nodes("StringSplit", texts, outputs=2)
    tokens, lengths = _one_at_least(graph, tokens), lengths
    if terms.stop_words:
        tokens, lengths = _without(graph, tokens, lengths, terms.stop_words)
    length = graph.constant([terms.sequence_length])
    tokens = _columns(graph, tokens, graph.constant([0]), length)
    lengths = graph.node("Min", lengths, length)
    if terms.ngrams > 1:
        return _with_ngrams(graph, tokens, lengths, terms.ngrams)
    return tokens, lengths


def _spaced(graph: Graph, texts: str, terms: Terms, *, plain: bool) -> str:
    """Standardised texts with a space between their tokens: string [B] → [B]."""
    steps = string_ops.PLAIN_STEPS if plain else string_ops.STEPS
    for name in terms.standardize:
        texts = steps[name](graph, texts)
    # ONNX splits at runs of plain spaces, and no token has any other white space.
    texts = string_ops.pattern(rf"{SPACES}|[\t\n\f\r]", " ", plain=plain)(graph, texts)
    if terms.tokenizer == "words":
        texts = string_ops.pattern(TOKENS, r" \0 ", plain=plain)(graph, texts)
    return texts


def _one_at_least(graph: Graph, tokens: str) -> str:
    """Tokens [B, T] with a column more, so that there is one."""
    rows = graph.node("Slice", graph.node("Shape", tokens), *limits(graph, 0, 1))
    ones = graph.node("Concat", rows, graph.constant([1]), axis=0)
    empty = graph.node("Expand", graph.constant([[""]]), ones)
    return graph.node("Concat", tokens, empty, axis=1)


def _without(
    graph: Graph, tokens: str, lengths: str, stops: tuple[str, ...] | Any
) -> tuple[str, str]:
    stop = graph.node(
        "LabelEncoder",
        tokens,
        domain="ai.onnx.ml",
        keys_strings=list(stops),
        values_int64s=[1] * len(stops),
        default_int64=0,
    )
    kept = graph.node("Equal", stop, graph.constant(0))
    kept = graph.node("And", kept, inside_rows(graph, tokens, lengths))
    return _moved_up(graph, tokens, kept)


def _with_ngrams(graph: Graph, tokens: str, lengths: str, most: int) -> tuple[str, str]:
    """Tokens and n-grams of each row, one width behind the other."""
    terms, inside = [tokens], [inside_rows(graph, tokens, lengths)]
    width = _width(graph, tokens)
    for size in range(2, most + 1):
        count = graph.node("Sub", width, graph.constant([size - 1]))
        count = graph.node("Max", count, graph.constant([0]))
        grams = _columns(graph, tokens, graph.constant([0]), count)
        for place in range(1, size):
            start = graph.constant([place])
            end = graph.node("Add", count, start)
            following = _columns(graph, tokens, start, end)
            grams = graph.node("StringConcat", grams, graph.constant([" "]))
            grams = graph.node("StringConcat", grams, following)
        left = graph.node("Sub", lengths, graph.constant([size - 1]))
        terms.append(grams)
        inside.append(inside_rows(graph, grams, left))
    joined = graph.node("Concat", *terms, axis=1)
    return _moved_up(graph, joined, graph.node("Concat", *inside, axis=1))


def _moved_up(graph: Graph, tokens: str, kept: str) -> tuple[str, str]:
    """Moves the kept tokens of every row to its front, in order, and counts them."""
    width = _width(graph, tokens)
    places = _places(graph, width)
    behind = graph.node("Add", places, width)
    key = graph.node("Where", kept, places, behind)  # [B, L]
    _, order = graph.nodes("TopK", key, width, outputs=2, axis=1, largest=0)
    number = graph.node("Cast", kept, to=onnx.TensorProto.INT64)
    lengths = graph.node("ReduceSum", number, graph.constant([1]), keepdims=0)
    return graph.node("GatherElements", tokens, order, axis=1), lengths


def _padded(graph: Graph, found: str, lengths: str) -> tuple[str, str]:
    """Ids [B, L] cut to the longest row; a row without any is one unknown token."""
    lengths = graph.node("Max", lengths, graph.constant([1]))
    longest = graph.node("ReduceMax", lengths, keepdims=1)
    found = _columns(graph, found, graph.constant([0]), longest)
    inside = inside_rows(graph, found, lengths)
    found = graph.node("Where", inside, found, graph.constant(0))
    features = []
    for each in (found, inside):
        each = graph.node("Cast", each, to=onnx.TensorProto.INT32)
        features.append(graph.node("Slice", each, *limits(graph, 0, -1)))
    return features[0], features[1]


def _places(graph: Graph, width: str) -> str:
    limit = graph.node("Squeeze", width, graph.constant([0]))
    return graph.node("Range", graph.constant(0), limit, graph.constant(1))


def _width(graph: Graph, rows: str) -> str:
    """The number of columns of [B, L], as int64 [1]."""
    return graph.node("Slice", graph.node("Shape", rows), *limits(graph, 1, 2))


def _columns(graph: Graph, rows: str, start: str, end: str) -> str:
    return graph.node("Slice", rows, start, end, graph.constant([1]))
