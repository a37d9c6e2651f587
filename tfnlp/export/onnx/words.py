"""Words of taggers in ONNX: what stands for calls of `tfnlp.text` on words.

Splitting, looking up, casing and joining are operations of ONNX itself, which keep
every character; `tfnlp.export.onnx.character_nodes` takes words apart. Knows no task.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfnlp.export.onnx import character_nodes, ragged, string_ops
from tfnlp.export.onnx.columns import (
    and_one,
    before,
    int32,
    int64,
    kept_of,
    running,
    sum_of,
    without_one,
)
from tfnlp.export.onnx.placeholders import CONTRIB, Graph, Marks
from tfnlp.export.onnx.string_ops import pattern
from tfnlp.export.onnx.text import refused
from tfnlp.text import joining, splitters
from tfnlp.text.splitters import SPACES, TOKENS
from tfnlp.text.vocabulary import Vocabulary
from tfnlp.text.words import gazetteers, word_features, word_offsets
from tfnlp.text.words.gazetteers import Gazetteers
from tfnlp.text.words.word_offsets import Words

_STRINGS, _NUMBERS = tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.int32)
_LENGTHS = tf.TensorSpec([None], tf.int64)
_CUT = "\x1f"  # no text has it once spaces are plain
Outputs = tuple[str, ...]


class Call(NamedTuple):
    """A call that a mark stands for; of two with the same inputs one is enough."""

    nodes: Callable[..., Outputs]
    """Adds nodes for the inputs of the mark and the options."""
    options: tuple[Any, ...] = ()


@contextlib.contextmanager
def marked(marks: Marks) -> Iterator[None]:
    """Lets functions of words leave marks in place of strings.

    Raises:
        ExportError: when one is called for what ONNX cannot do.
    """
    twins = _twins(marks)
    before = [getattr(owner, name) for owner, name, _ in twins]
    for owner, name, twin in twins:
        setattr(owner, name, twin)
    try:
        yield
    finally:
        for (owner, name, _), function in zip(twins, before, strict=True):
            setattr(owner, name, function)


def expand(graph: Graph, marks: Marks) -> None:
    """Puts string operations where marks were left."""
    done: dict[Any, Outputs] = {}
    for node, number in graph.marks():
        call = marks.calls[number]
        if not isinstance(call, Call):
            continue
        key = (call, *node.input)
        if key not in done:
            done[key] = call.nodes(graph, *node.input, *call.options)
        olds = list(node.output)
        graph.remove([node])
        graph.replace(olds, done[key])


def _twins(marks: Marks) -> list[tuple[Any, str, Callable]]:
    """Where each function is that strings go through, and what takes its place."""

    def leave(call: Call, *inputs: Any, specs: list[tf.TensorSpec]) -> list[tf.Tensor]:
        return marks.leave(call, [tf.convert_to_tensor(each) for each in inputs], specs)

    def words(call: Call, texts: tf.Tensor) -> Words:
        specs = [_STRINGS, _LENGTHS, _NUMBERS, _NUMBERS]
        flat, lengths, starts, ends = leave(call, texts, specs=specs)
        tokens = tf.RaggedTensor.from_row_lengths(flat, lengths, validate=False)
        places = (tokens.with_flat_values(each) for each in (starts, ends))
        return Words(texts, tokens, *places)

    def of_texts(texts: tf.Tensor, tokenizer: str = "words") -> Words:
        return words(_split(tokenizer), texts)

    def of_tokens(joined: tf.Tensor) -> Words:
        return words(Call(tokens_apart), joined)

    def cut(
        texts: tf.Tensor, starts: tf.RaggedTensor, ends: tf.RaggedTensor
    ) -> tf.Tensor:
        places = (starts.value_rowids(), starts.flat_values, ends.flat_values)
        return leave(Call(character_nodes.cut_out), texts, *places, specs=[_STRINGS])[0]

    def characters(texts: tf.Tensor) -> tf.RaggedTensor:
        flat, lengths = leave(
            Call(character_nodes.letters), texts, specs=[_STRINGS, _LENGTHS]
        )
        return tf.RaggedTensor.from_row_lengths(flat, lengths, validate=False)

    def ids(self: Vocabulary, tokens: Any) -> Any:
        if isinstance(tokens, tf.RaggedTensor):
            return tokens.with_flat_values(ids(self, tokens.flat_values))
        call = Call(looked_up, (self.entries, self.unknown))
        spec = tf.TensorSpec(tokens.shape, tf.int32)
        return leave(call, tokens, specs=[spec])[0]

    def lower(texts: tf.Tensor) -> tf.Tensor:
        return leave(Call(lowered), texts, specs=[_STRINGS])[0]

    def casing_ids(words: tf.Tensor) -> tf.Tensor:
        return leave(Call(cased), words, specs=[_NUMBERS])[0]

    def beside(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        spec = tf.TensorSpec(first.shape, tf.string)
        return leave(Call(joined), first, second, specs=[spec])[0]

    def keys(self: Gazetteers, texts: tf.Tensor) -> tf.Tensor:
        return leave(Call(pieces, (self.cased,)), texts, specs=[_STRINGS])[0]

    return [
        (word_offsets, "of_texts", of_texts),
        (word_offsets, "of_tokens", of_tokens),
        (word_offsets, "cut", cut),
        (splitters, "characters", characters),
        (Vocabulary, "ids", ids),
        (word_features, "lower", lower),
        (word_features, "casing_ids", casing_ids),
        (joining, "beside", beside),
        (Gazetteers, "_keys", keys),
        (tf.ragged, "boolean_mask", ragged.boolean_mask),
    ]


def _split(name: str) -> Call:
    """What cuts texts into words by a named splitter.

    Raises:
        ExportError: it cuts into bytes.
    """
    if name == "characters":
        return Call(character_nodes.texts_to_letters)
    if name not in ("whitespace", "words"):
        raise refused(f"tokenizer={name!r}", by="ONNX")
    return Call(texts_apart, (name,))


def tokens_apart(graph: Graph, joined: str) -> Outputs:
    """Words joined with single spaces, [B] → words [N], counts [B], starts, ends."""
    rows = and_one(graph, joined)
    tokens, counts = graph.nodes("StringSplit", rows, outputs=2, delimiter=b" ")
    tokens, counts = without_one(graph, tokens), without_one(graph, counts)
    sizes = character_nodes.sizes_of(graph, tokens)  # [B, T]
    one = graph.constant(1)
    ends = graph.node("Sub", running(graph, graph.node("Add", sizes, one)), one)
    kept = before(graph, tokens, counts)
    found = kept_of(graph, kept, tokens, graph.node("Sub", ends, sizes), ends)
    return found[0], counts, *(int32(graph, each) for each in found[1:])


def texts_apart(graph: Graph, texts: str, name: str) -> Outputs:
    """Texts [B] → words [N], counts [B], starts [N] and ends [N]."""
    texts = string_ops.without_nul(graph, and_one(graph, texts))
    regex = rf"\s+|{TOKENS}" if name == "words" else r"\s+"

    def marked(plain: bool) -> str:
        spaced = pattern(SPACES, " ", plain=plain)(graph, texts)
        return pattern(regex, rf"{_CUT}\0{_CUT}", plain=plain)(graph, spaced)

    cut = graph.either(
        string_ops.is_plain(graph, texts), lambda: marked(True), lambda: marked(False)
    )
    pieces, _ = graph.nodes("StringSplit", cut, outputs=2, delimiter=_CUT.encode())
    pieces = without_one(graph, pieces)
    sizes = graph.node("StringLength", pieces, domain=CONTRIB)  # [B, P]
    ends = running(graph, sizes)
    blank = graph.node("RegexFullMatch", pieces, pattern=rb"\s*")
    kept = graph.node("Not", blank)
    found = kept_of(graph, kept, pieces, graph.node("Sub", ends, sizes), ends)
    return (
        found[0],
        sum_of(graph, int64(graph, kept)),
        *(int32(graph, each) for each in found[1:]),
    )


def looked_up(
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


def lowered(graph: Graph, words: str) -> Outputs:
    """Words [N] in lower case, of which TensorFlow leaves what is before a NUL."""
    rows = and_one(graph, words)
    parts, _ = graph.nodes("StringSplit", rows, outputs=2, delimiter=b"\x00")
    first = graph.node("Gather", parts, graph.constant(0), axis=1)
    plain = string_ops.PLAIN_STEPS["lower"]
    found = graph.either(
        string_ops.is_plain(graph, first),
        lambda: plain(graph, first),
        lambda: string_ops.lower(graph, first),
    )
    return (without_one(graph, found),)


def cased(graph: Graph, words: str) -> Outputs:
    """How words [N] are cased: int32 [N], see `word_features.CASES`."""
    ones = graph.constant([1], np.int32)
    found = graph.node("Expand", ones, graph.node("Shape", words))
    for place, (_, regex) in enumerate(word_features.CASES[2:], start=2):
        spelled = string_ops.spelled(regex).encode()
        fits = graph.node("RegexFullMatch", words, pattern=spelled)
        found = graph.node("Where", fits, graph.constant(place, np.int32), found)
    return (found,)


def joined(graph: Graph, first: str, second: str) -> Outputs:
    """Strings with a space between them, of the shape of both."""
    spaced = graph.node("StringConcat", first, graph.constant([" "]))
    return (graph.node("StringConcat", spaced, second),)


def pieces(graph: Graph, words: str, cased: bool) -> Outputs:
    """What gazetteers compare of words: string [N]."""
    texts = string_ops.without_nul(graph, and_one(graph, words))
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
    return (without_one(graph, found),)
