"""String primitives on words as ONNX nodes: splitting, look-up, casing, gazetteers.

Splitting, looking up, casing and joining are operations of ONNX itself, which keep
every character; `tfnlp.export.onnx.character_nodes` takes words apart. Knows no task.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfnlp.export.onnx import character_nodes, string_ops
from tfnlp.export.onnx.columns import (
    compress,
    cumulative_sum,
    inside_rows,
    int32,
    int64,
    reduce_sum,
    with_extra_row,
    without_last_row,
)
from tfnlp.export.onnx.placeholders import CONTRIB, Graph, Placeholders
from tfnlp.export.onnx.string_ops import pattern
from tfnlp.export.onnx.text import refused
from tfnlp.text.splitters import SPACES, TOKENS
from tfnlp.text.vocabulary import Vocabulary
from tfnlp.text.words import gazetteers, word_features
from tfnlp.text.words.gazetteers import Gazetteers
from tfnlp.text.words.word_offsets import Words

_STRINGS, _NUMBERS = tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.int32)
_LENGTHS = tf.TensorSpec([None], tf.int64)
_CUT = "\x1f"  # no text has it once spaces are plain
Outputs = tuple[str, ...]


class Call(NamedTuple):
    """What a placeholder stands for; of two with equal inputs one is enough."""

    nodes: Callable[..., Outputs]
    """Adds nodes for the inputs of the placeholder and the options."""
    options: tuple[Any, ...] = ()


def expand(graph: Graph, placeholders: Placeholders) -> None:
    """Replaces the placeholders of words by string operations."""
    done: dict[Any, Outputs] = {}
    for node, number in graph.placeholders():
        call = placeholders.calls[number]
        if not isinstance(call, Call):
            continue
        key = (call, *node.input)
        if key not in done:
            done[key] = call.nodes(graph, *node.input, *call.options)
        olds = list(node.output)
        graph.remove([node])
        graph.replace(olds, done[key])


class WordPrimitives:
    """Primitives of `tfnlp.text.ops` on words: each adds a placeholder to the graph.

    Args:
        placeholders: receives the calls.
    """

    def __init__(self, placeholders: Placeholders):
        self._placeholders = placeholders

    def split_texts(self, texts: Any, tokenizer: str = "words") -> Words:
        """`tfnlp.text.words.word_offsets.of_texts`."""
        return self._words(_split(tokenizer), texts)

    def split_tokens(self, joined: Any) -> Words:
        """`tfnlp.text.words.word_offsets.of_tokens`."""
        return self._words(Call(split_tokens), joined)

    def substrings(
        self, texts: tf.Tensor, starts: tf.RaggedTensor, ends: tf.RaggedTensor
    ) -> tf.Tensor:
        """`tfnlp.text.words.word_offsets.cut`."""
        places = (starts.value_rowids(), starts.flat_values, ends.flat_values)
        call = Call(character_nodes.substrings)
        return self._add(call, texts, *places, specs=[_STRINGS])[0]

    def characters(self, texts: Any) -> tf.RaggedTensor:
        """`tfnlp.text.splitters.characters`."""
        call = Call(character_nodes.characters)
        flat, lengths = self._add(call, texts, specs=[_STRINGS, _LENGTHS])
        return tf.RaggedTensor.from_row_lengths(flat, lengths, validate=False)

    def look_up(self, vocabulary: Vocabulary, tokens: Any) -> Any:
        """`tfnlp.text.vocabulary.Vocabulary.ids`."""
        if isinstance(tokens, tf.RaggedTensor):
            return tokens.with_flat_values(self.look_up(vocabulary, tokens.flat_values))
        tokens = tf.convert_to_tensor(tokens, tf.string)
        call = Call(look_up, (vocabulary.entries, vocabulary.unknown))
        spec = tf.TensorSpec(tokens.shape, tf.int32)
        return self._add(call, tokens, specs=[spec])[0]

    def lower(self, texts: Any) -> tf.Tensor:
        """`tfnlp.text.normalize.lower`."""
        return self._add(Call(lower), texts, specs=[_STRINGS])[0]

    def casing_ids(self, words: Any) -> tf.Tensor:
        """`tfnlp.text.words.word_features.casing_ids`."""
        return self._add(Call(casing_ids), words, specs=[_NUMBERS])[0]

    def concatenate_neighbours(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        """`tfnlp.text.joining.beside`."""
        spec = tf.TensorSpec(first.shape, tf.string)
        call = Call(concatenate_neighbours)
        return self._add(call, first, second, specs=[spec])[0]

    def gazetteer_keys(self, gazetteers: Gazetteers, texts: Any) -> tf.Tensor:
        """`tfnlp.text.words.gazetteers.Gazetteers._keys`."""
        call = Call(gazetteer_keys, (gazetteers.cased,))
        return self._add(call, texts, specs=[_STRINGS])[0]

    def _words(self, call: Call, texts: Any) -> Words:
        texts = tf.convert_to_tensor(texts, tf.string)
        specs = [_STRINGS, _LENGTHS, _NUMBERS, _NUMBERS]
        flat, lengths, starts, ends = self._add(call, texts, specs=specs)
        tokens = tf.RaggedTensor.from_row_lengths(flat, lengths, validate=False)
        places = (tokens.with_flat_values(each) for each in (starts, ends))
        return Words(texts, tokens, *places)

    def _add(
        self, call: Call, *inputs: Any, specs: list[tf.TensorSpec]
    ) -> list[tf.Tensor]:
        tensors = [tf.convert_to_tensor(each) for each in inputs]
        return self._placeholders.add(call, tensors, specs)


def _split(name: str) -> Call:
    """What cuts texts into words by a named splitter.

    Raises:
        ExportError: it cuts into bytes.
    """
    if name == "characters":
        return Call(character_nodes.split_characters)
    if name not in ("whitespace", "words"):
        raise refused(f"tokenizer={name!r}", by="ONNX")
    return Call(split_texts, (name,))


def split_tokens(graph: Graph, joined: str) -> Outputs:
    """Words joined with single spaces, [B] → words [N], counts [B], starts, ends."""
    rows = with_extra_row(graph, joined)
    tokens, counts = graph.nodes("StringSplit", rows, outputs=2, delimiter=b" ")
    tokens, counts = without_last_row(graph, tokens), without_last_row(graph, counts)
    sizes = character_nodes.character_counts(graph, tokens)  # [B, T]
    one = graph.constant(1)
    ends = graph.node("Sub", cumulative_sum(graph, graph.node("Add", sizes, one)), one)
    kept = inside_rows(graph, tokens, counts)
    found = compress(graph, kept, tokens, graph.node("Sub", ends, sizes), ends)
    return found[0], counts, *(int32(graph, each) for each in found[1:])


def split_texts(graph: Graph, texts: str, name: str) -> Outputs:
    """Texts [B] → words [N], counts [B], starts [N] and ends [N]."""
    texts = string_ops.without_nul(graph, with_extra_row(graph, texts))
    regex = rf"\s+|{TOKENS}" if name == "words" else r"\s+"

    def marked(plain: bool) -> str:
        spaced = pattern(SPACES, " ", plain=plain)(graph, texts)
        return pattern(regex, rf"{_CUT}\0{_CUT}", plain=plain)(graph, spaced)

    cut = graph.either(
        string_ops.is_plain(graph, texts), lambda: marked(True), lambda: marked(False)
    )
    pieces, _ = graph.nodes("StringSplit", cut, outputs=2, delimiter=_CUT.encode())
    pieces = without_last_row(graph, pieces)
    sizes = graph.node("StringLength", pieces, domain=CONTRIB)  # [B, P]
    ends = cumulative_sum(graph, sizes)
    blank = graph.node("RegexFullMatch", pieces, pattern=rb"\s*")
    kept = graph.node("Not", blank)
    found = compress(graph, kept, pieces, graph.node("Sub", ends, sizes), ends)
    return (
        found[0],
        reduce_sum(graph, int64(graph, kept)),
        *(int32(graph, each) for each in found[1:]),
    )


def look_up(
    graph: Graph, tokens: str, entries: tuple[str, ...], unknown: int
) -> Outputs:
    """Ids of strings of any shape: int32."""
    found = graph.node(
        "LabelEncoder",
        tokens,
        domain="ai.onnx.ml",
        keys_strings=entries,
        values_int64s=range(len(entries)),
        default_int64=unknown,
    )
    return (int32(graph, found),)


def lower(graph: Graph, words: str) -> Outputs:
    """Words [N] in lower case, of which TensorFlow leaves what is before a NUL."""
    rows = with_extra_row(graph, words)
    parts, _ = graph.nodes("StringSplit", rows, outputs=2, delimiter=b"\x00")
    first = graph.node("Gather", parts, graph.constant(0), axis=1)
    plain = string_ops.PLAIN_STEPS["lower"]
    found = graph.either(
        string_ops.is_plain(graph, first),
        lambda: plain(graph, first),
        lambda: string_ops.lower(graph, first),
    )
    return (without_last_row(graph, found),)


def casing_ids(graph: Graph, words: str) -> Outputs:
    """How words [N] are cased: int32 [N], see `word_features.CASES`."""
    ones = graph.constant([1], np.int32)
    found = graph.node("Expand", ones, graph.node("Shape", words))
    for place, (_, regex) in enumerate(word_features.CASES[2:], start=2):
        spelled = string_ops.spelled(regex).encode()
        fits = graph.node("RegexFullMatch", words, pattern=spelled)
        found = graph.node("Where", fits, graph.constant(place, np.int32), found)
    return (found,)


def concatenate_neighbours(graph: Graph, first: str, second: str) -> Outputs:
    """Strings with a space between them, of the shape of both."""
    spaced = graph.node("StringConcat", first, graph.constant([" "]))
    return (graph.node("StringConcat", spaced, second),)


def gazetteer_keys(graph: Graph, words: str, cased: bool) -> Outputs:
    """What gazetteers compare of words: string [N]."""
    texts = string_ops.without_nul(graph, with_extra_row(graph, words))
    names = gazetteers.STANDARD if cased else (*gazetteers.STANDARD, "lower")

    def standard(plain: bool) -> str:
        steps = string_ops.PLAIN_STEPS if plain else string_ops.STEPS
        found = texts
        for name in names:
            found = steps[name](graph, found)
        found = pattern(gazetteers.PIECES, r" \0 ", plain=plain)(graph, found)
        return steps["whitespace"](graph, found)

    found = graph.either(
        string_ops.is_plain(graph, texts),
        lambda: standard(True),
        lambda: standard(False),
    )
    return (without_last_row(graph, found),)
