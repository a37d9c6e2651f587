"""Words of taggers in ONNX: what stands for calls of `tfnlp.text` on words.

Splitting, looking up, casing and joining are operations of ONNX itself, which keep
every character. Those of onnxruntime-extensions end a string at NUL: taking words apart
into characters goes around it, so that all is exact.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import onnx
import tensorflow as tf

from tfnlp.errors import ExportError
from tfnlp.export.onnx import ragged, replacing
from tfnlp.export.onnx.marks import CONTRIB, Graph, Marks
from tfnlp.export.onnx.replacing import pattern
from tfnlp.text import (
    gazetteers,
    joining,
    split,
    word_features,
    word_offsets,
)
from tfnlp.text.gazetteers import Gazetteers
from tfnlp.text.split import SPACES, TOKENS
from tfnlp.text.vocabulary import Vocabulary
from tfnlp.text.word_offsets import Words

_STRINGS, _NUMBERS = tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.int32)
_LENGTHS = tf.TensorSpec([None], tf.int64)
_CHARACTER, _CUT = "((?s:.))", "\x1f"  # no text has the latter once spaces are plain
_END = 2**62
_ALL = 2**62  # the end of a slice that goes on to the end
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

    def of_texts(texts: tf.Tensor, split: str = "words") -> Words:
        return words(_split(split), texts)

    def of_tokens(joined: tf.Tensor) -> Words:
        return words(Call(tokens_apart), joined)

    def cut(
        texts: tf.Tensor, starts: tf.RaggedTensor, ends: tf.RaggedTensor
    ) -> tf.Tensor:
        places = (starts.value_rowids(), starts.flat_values, ends.flat_values)
        return leave(Call(cut_out), texts, *places, specs=[_STRINGS])[0]

    def characters(texts: tf.Tensor) -> tf.RaggedTensor:
        flat, lengths = leave(Call(letters), texts, specs=[_STRINGS, _LENGTHS])
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
        (split, "characters", characters),
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
        return Call(texts_to_letters)
    if name not in ("whitespace", "words"):
        raise _refused(f"split={name!r}")
    return Call(texts_apart, (name,))


def _refused(received: str) -> ExportError:
    return ExportError(
        "A model with strings in does exactly what the SavedModel does to them. "
        f"Received: {received}, for which ONNX has no operations. "
        "Feed network.onnx with ids, or serve the SavedModel."
    )


def tokens_apart(graph: Graph, joined: str) -> Outputs:
    """Words joined with single spaces, [B] → words [N], counts [B], starts, ends."""
    rows = _and_one(graph, joined)
    tokens, counts = graph.nodes("StringSplit", rows, outputs=2, delimiter=b" ")
    tokens, counts = _without_one(graph, tokens), _without_one(graph, counts)
    sizes = _sizes(graph, tokens)  # [B, T]
    one = graph.constant(1)
    ends = graph.node("Sub", _running(graph, graph.node("Add", sizes, one)), one)
    kept = _before(graph, tokens, counts)
    found = _kept(graph, kept, tokens, graph.node("Sub", ends, sizes), ends)
    return found[0], counts, *(_int32(graph, each) for each in found[1:])


def texts_apart(graph: Graph, texts: str, name: str) -> Outputs:
    """Texts [B] → words [N], counts [B], starts [N] and ends [N]."""
    texts = replacing.without_nul(graph, _and_one(graph, texts))
    regex = rf"\s+|{TOKENS}" if name == "words" else r"\s+"

    def marked(plain: bool) -> str:
        spaced = pattern(SPACES, " ", plain=plain)(graph, texts)
        return pattern(regex, rf"{_CUT}\0{_CUT}", plain=plain)(graph, spaced)

    cut = graph.either(
        replacing.is_plain(graph, texts), lambda: marked(True), lambda: marked(False)
    )
    pieces, _ = graph.nodes("StringSplit", cut, outputs=2, delimiter=_CUT.encode())
    pieces = _without_one(graph, pieces)
    sizes = graph.node("StringLength", pieces, domain=CONTRIB)  # [B, P]
    ends = _running(graph, sizes)
    blank = graph.node("RegexFullMatch", pieces, pattern=rb"\s*")
    kept = graph.node("Not", blank)
    found = _kept(graph, kept, pieces, graph.node("Sub", ends, sizes), ends)
    return found[0], _count(graph, kept), *(_int32(graph, each) for each in found[1:])


def texts_to_letters(graph: Graph, texts: str) -> Outputs:
    """Texts [B] → characters [N], counts [B], starts [N] and ends [N]."""
    flat, counts = letters(graph, texts)
    _, starts = ragged.numbered(graph, counts)
    ends = graph.node("Add", starts, graph.constant(1))
    return flat, counts, _int32(graph, starts), _int32(graph, ends)


def letters(graph: Graph, texts: str) -> Outputs:
    """Strings [B] → their characters [N], and how many each has: int64 [B]."""
    rows = _and_one(graph, texts)
    parts, counts = graph.nodes("StringSplit", rows, outputs=2, delimiter=b"\x00")
    plain = replacing.joined(graph, parts, " ")  # shorter rows end in more of them
    cut = graph.constant([_CHARACTER])
    flat, _, _, begins = graph.nodes(
        "StringRegexSplitWithOffsets", plain, cut, cut, outputs=4, domain=CONTRIB
    )
    flat = _with_nul(graph, flat, begins, parts, counts)
    sizes = _without_one(graph, _characters(graph, parts, counts))
    end = graph.node("Slice", begins, *_range(graph, -2, -1))
    flat = graph.node("Slice", flat, graph.constant([0]), end)
    row, place = ragged.numbered(
        graph, _differences(graph, _without_one(graph, begins))
    )
    kept = graph.node("Less", place, graph.node("Gather", sizes, row))
    return graph.node("Compress", flat, kept, axis=0), sizes


def cut_out(graph: Graph, texts: str, rows: str, starts: str, ends: str) -> Outputs:
    """What stands in texts [B] between characters: string [S]."""
    flat, counts = letters(graph, texts)
    starts, ends = _int64(graph, starts), _int64(graph, ends)
    first = graph.node("Gather", _begins(graph, counts), rows)
    first = graph.node("Add", first, starts)
    sizes = graph.node("Sub", ends, starts)
    span, place = ragged.numbered(graph, sizes)
    here = graph.node("Add", graph.node("Gather", first, span), place)
    found, span = _together(graph, graph.node("Gather", flat, here), span, place, sizes)
    none = graph.node("Expand", graph.constant([""]), graph.node("Shape", sizes))
    index = graph.node("Unsqueeze", span, graph.constant([1]))
    return (graph.node("ScatterND", none, index, found),)


def _together(
    graph: Graph, parts: str, rows: str, places: str, sizes: str
) -> tuple[str, str]:
    """Joins the parts [N] of each row, two and two, until each is one.

    Not by StringJoin, which ends a string at NUL.

    Returns:
        A string for each row that has a part, and the number of the row.
    """
    one, two = graph.constant(1), graph.constant(2)
    rest = (graph.constant([1]), graph.constant([_ALL]))

    def halved(parts: str, rows: str, places: str) -> list[str]:
        behind = graph.node("Slice", parts, *rest)
        behind = graph.node("Concat", behind, graph.constant([""]), axis=0)
        its_row = graph.node("Slice", rows, *rest)
        its_row = graph.node("Concat", its_row, graph.constant([-1]), axis=0)
        same = graph.node("Equal", rows, its_row)
        behind = graph.node("Where", same, behind, graph.constant([""]))
        both = graph.node("StringConcat", parts, behind)
        even = graph.node("Equal", graph.node("Mod", places, two), graph.constant(0))
        halves = graph.node("Div", places, two)
        return [
            graph.node("Compress", each, even, axis=0) for each in (both, rows, halves)
        ]

    most = graph.node("Concat", sizes, graph.constant([1]), axis=0)
    most = graph.node("ReduceMax", most, keepdims=0)
    most = graph.node("Cast", most, to=onnx.TensorProto.FLOAT)
    base = graph.constant(np.log(2.0), np.float32)
    times = graph.node("Ceil", graph.node("Div", graph.node("Log", most), base))
    times = graph.node("Add", _int64(graph, times), one)  # once too often is no harm
    number, string = onnx.TensorProto.INT64, onnx.TensorProto.STRING
    starts = {parts: string, rows: number, places: number}
    found, rows, _ = graph.repeated(times, starts, halved)
    return found, rows


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
    return (_int32(graph, found),)


def lowered(graph: Graph, words: str) -> Outputs:
    """Words [N] in lower case, of which TensorFlow leaves what is before a NUL."""
    rows = _and_one(graph, words)
    parts, _ = graph.nodes("StringSplit", rows, outputs=2, delimiter=b"\x00")
    first = graph.node("Gather", parts, graph.constant(0), axis=1)
    plain = replacing.PLAIN_STEPS["lower"]
    found = graph.either(
        replacing.is_plain(graph, first),
        lambda: plain(graph, first),
        lambda: replacing.lower(graph, first),
    )
    return (_without_one(graph, found),)


def cased(graph: Graph, words: str) -> Outputs:
    """How words [N] are cased: int32 [N], see `word_features.CASES`."""
    ones = graph.constant([1], np.int32)
    found = graph.node("Expand", ones, graph.node("Shape", words))
    for place, (_, regex) in enumerate(word_features.CASES[2:], start=2):
        spelled = replacing.spelled(regex).encode()
        fits = graph.node("RegexFullMatch", words, pattern=spelled)
        found = graph.node("Where", fits, graph.constant(place, np.int32), found)
    return (found,)


def joined(graph: Graph, first: str, second: str) -> Outputs:
    """Strings with a space between them, of the shape of both."""
    spaced = graph.node("StringConcat", first, graph.constant([" "]))
    return (graph.node("StringConcat", spaced, second),)


def pieces(graph: Graph, words: str, cased: bool) -> Outputs:
    """What gazetteers compare of words: string [N]."""
    texts = graph.node("Concat", words, graph.constant(["x"]), axis=0)
    texts = replacing.without_nul(graph, texts)
    names = gazetteers.STANDARD if cased else (*gazetteers.STANDARD, "lower")

    def standard(plain: bool) -> str:
        steps = replacing.PLAIN_STEPS if plain else replacing.STEPS
        found = texts
        for name in names:
            found = steps[name](graph, found)
        found = pattern(gazetteers.PIECES, r" \0 ", plain=plain)(graph, found)
        return steps["whitespace"](graph, found)

    found = graph.either(
        replacing.is_plain(graph, texts),
        lambda: standard(True),
        lambda: standard(False),
    )
    return (_without_one(graph, found),)


def _with_nul(graph: Graph, flat: str, begins: str, parts: str, counts: str) -> str:
    """Puts NUL between the parts [B, K] of rows, whose characters are flat [N]."""
    one = graph.constant(1)
    sizes = graph.node("StringLength", parts, domain=CONTRIB)
    ends = graph.node("Sub", _running(graph, graph.node("Add", sizes, one)), one)
    begins = graph.node("Unsqueeze", _without_one(graph, begins), graph.constant([1]))
    between = _before(graph, parts, graph.node("Sub", counts, one))
    (index,) = _kept(graph, between, graph.node("Add", begins, ends))
    nul = graph.constant(np.array(["\x00"], object))  # else NumPy takes it away
    nul = graph.node("Expand", nul, graph.node("Shape", index))
    index = graph.node("Unsqueeze", index, graph.constant([1]))
    return graph.node("ScatterND", flat, index, nul)


def _sizes(graph: Graph, strings: str) -> str:
    """How many characters strings [B, T] have: int64 [B, T]."""
    flat = graph.node("Reshape", strings, graph.constant([-1]))
    rows = _and_one(graph, flat)
    parts, counts = graph.nodes("StringSplit", rows, outputs=2, delimiter=b"\x00")
    found = _characters(graph, parts, counts)
    shape = graph.node("Shape", strings)
    return graph.node("Reshape", _without_one(graph, found), shape, allowzero=1)


def _characters(graph: Graph, parts: str, counts: str) -> str:
    """How many characters the parts between NULs have, those included: int64 [B]."""
    sizes = graph.node("StringLength", parts, domain=CONTRIB)
    nuls = graph.node("Sub", counts, graph.constant(1))
    nuls = graph.node("Max", nuls, graph.constant(0))
    return graph.node("Add", _sum(graph, sizes), nuls)


def _kept(graph: Graph, kept: str, *columns: str) -> list[str]:
    """Of columns [B, T] what is kept, by a bool of the same shape: [N]."""
    line = graph.constant([-1])
    kept = graph.node("Reshape", kept, line)
    return [
        graph.node("Compress", graph.node("Reshape", each, line), kept, axis=0)
        for each in columns
    ]


def _before(graph: Graph, rows: str, counts: str) -> str:
    """Which columns of [B, T] are before a number: bool [B, T]."""
    width = graph.node("Gather", graph.node("Shape", rows), graph.constant(1))
    numbers = graph.node("Range", graph.constant(0), width, graph.constant(1))
    ends = graph.node("Unsqueeze", counts, graph.constant([1]))
    return graph.node("Less", numbers, ends)


def _begins(graph: Graph, lengths: str) -> str:
    """Where rows of some lengths begin, one behind the other: int64 [B]."""
    return graph.node("CumSum", lengths, graph.constant(0), exclusive=1)


def _differences(graph: Graph, begins: str) -> str:
    """The lengths of rows [B] that begin at int64 [B + 1]."""
    behind = graph.node("Slice", begins, *_range(graph, 1, _ALL))
    return graph.node("Sub", behind, _without_one(graph, begins))


def _running(graph: Graph, sizes: str) -> str:
    """The running sum of [B, T] along every row."""
    return graph.node("CumSum", sizes, graph.constant(1))


def _sum(graph: Graph, numbers: str) -> str:
    """The sum over the last axis."""
    return graph.node("ReduceSum", numbers, graph.constant([-1]), keepdims=0)


def _count(graph: Graph, kept: str) -> str:
    return _sum(graph, _int64(graph, kept))


def _and_one(graph: Graph, strings: str) -> str:
    """Strings [B] and one more: some operations fail, or err, where there is none."""
    return graph.node("Concat", strings, graph.constant(["x"]), axis=0)


def _without_one(graph: Graph, rows: str) -> str:
    return graph.node("Slice", rows, *_range(graph, 0, -1))


def _range(graph: Graph, start: int, end: int) -> tuple[str, str]:
    """What `Slice` takes to cut the first axis."""
    return graph.constant([start]), graph.constant([end])


def _int32(graph: Graph, numbers: str) -> str:
    return graph.node("Cast", numbers, to=onnx.TensorProto.INT32)


def _int64(graph: Graph, numbers: str) -> str:
    return graph.node("Cast", numbers, to=onnx.TensorProto.INT64)
