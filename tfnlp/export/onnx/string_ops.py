"""String operations of ONNX that do to every text what tfnlp.text does in TensorFlow.

All are exact: patterns run in RE2 on both sides, and characters are replaced by the
same tables. TensorFlow's own tables of letters and of lower case
are read from it, as onnxruntime-extensions may have another version of Unicode.
Texts come without NUL, at which onnxruntime-extensions would end them.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import onnx
import tensorflow as tf

from tfnlp.export.onnx.placeholders import CONTRIB, Graph
from tfnlp.text import normalize, ops, unicode_tables
from tfnlp.text.unicode_tables import Table

_SIGMA, _FINAL_SIGMA = "\u03a3", "\u03c2"
_CHARACTERS = [chr(code) for code in range(1, 0x20000) if not 0xD800 <= code < 0xE000]
_PRIVATE, _MORE_PRIVATE = "\U000f0000", r"\x{F0001}-\x{FFFFD}\x{100000}-\x{10FFFD}"
_ASCII = _CHARACTERS[:0x7F]
_NOT_ASCII, _NO_MEMBER = r"[^\x00-\x7F]", r"\x{10FFFF}"  # classes have members
Step = Callable[[Graph, str], str]


def without_nul(graph: Graph, texts: str) -> str:
    """Replaces NUL by a space; shorter rows may end in more spaces than they had."""
    parts, _ = graph.nodes("StringSplit", texts, outputs=2, delimiter=b"\x00")
    return joined(graph, parts, " ")


def is_plain(graph: Graph, texts: str) -> str:
    """Whether no text has a character beyond ASCII: bool []."""
    kept = pattern(_NOT_ASCII, "")(graph, texts)
    same = graph.node("Equal", kept, texts)
    same = graph.node("Cast", same, to=onnx.TensorProto.INT32)
    least = graph.node("ReduceMin", same, keepdims=0)
    return graph.node("Cast", least, to=onnx.TensorProto.BOOL)


def pattern(regex: str, rewrite: str, *, plain: bool = False) -> Step:
    """Replaces what matches a pattern of RE2; of texts of ASCII alone, if plain."""

    def replace(graph: Graph, texts: str) -> str:
        return graph.node(
            "StringRegexReplace",
            texts,
            graph.constant([spelled(regex, plain=plain)]),
            graph.constant([rewrite]),
            domain=CONTRIB,
        )

    return replace


def table(graph: Graph, texts: str, found: Table) -> str:
    """Replaces characters by a table of them."""
    replaced = {
        chr(code): "".join(map(chr, found.pieces[start : start + size]))
        for code, start, size in zip(
            found.codes, found.starts, found.sizes, strict=True
        )
    }
    gone = [old for old, new in replaced.items() if not new]
    if gone:  # a mapping has no empty values
        texts = pattern(f"[{_ranges(gone)}]", "")(graph, texts)
    replaced = {old: new for old, new in replaced.items() if new}
    return mapped(graph, texts, f"([{_ranges(replaced)}])", replaced)


def mapped(graph: Graph, texts: str, regex: str, replaced: Mapping[str, str]) -> str:
    """Replaces what matches a pattern with one group by what it is mapped to.

    A text is cut there, and nowhere else: one without a match costs one scan.
    """
    cut = graph.constant([regex])
    pieces, _, _, starts = graph.nodes(
        "StringRegexSplitWithOffsets", texts, cut, cut, outputs=4, domain=CONTRIB
    )
    lines = "\n".join(f"{old}\t{new}" for old, new in replaced.items())
    pieces = graph.node("StringMapping", pieces, domain=CONTRIB, map=lines)
    return joined(graph, _dense(graph, pieces, starts), "")


def joined(graph: Graph, parts: str, separator: str) -> str:
    """Joins the parts of every row: string [B, P] → [B]."""
    return graph.node(
        "StringJoin",
        parts,
        graph.constant([separator]),
        graph.constant([1]),
        domain=CONTRIB,
    )


def lower(graph: Graph, texts: str) -> str:
    """Lower-cases as TensorFlow does, a sigma at the end of a word included."""
    before, behind = _context()
    final = rf"([{before}][{behind}]*){_SIGMA}([{behind}]*(?:[^{before}{behind}]|$))"
    texts = pattern(final, rf"\1{_FINAL_SIGMA}\2")(graph, texts)
    lowered = _lowered()
    return mapped(graph, texts, f"([{_ranges(lowered)}])", lowered)


def compose(graph: Graph, texts: str) -> str:
    """Composes letters with up to three combining marks behind them."""
    pairs = unicode_tables.canonical_pairs()
    composed = {
        chr(key >> 21) + chr(key & 0x1FFFFF): chr(letter)
        for key, letter in zip(pairs.keys.tolist(), pairs.letters.tolist(), strict=True)
    }
    # No mark of a pair is the letter of another, so pairs never overlap.
    regex = f"((?s:.)[{_ranges({pair[1] for pair in composed})}])"
    for _ in range(unicode_tables.MARKS_ON_A_LETTER):
        texts = mapped(graph, texts, regex, composed)
    return texts


def nfkc(graph: Graph, texts: str) -> str:
    """`tfnlp.text.normalize.nfkc`."""
    return compose(graph, table(graph, texts, unicode_tables.nfkc_table()))


def _chain(*steps: Step) -> Step:
    return lambda graph, texts: functools.reduce(
        lambda found, step: step(graph, found), steps, texts
    )


def _unchanged(graph: Graph, texts: str) -> str:
    return texts


def _patterns(*, plain: bool) -> dict[str, Step]:
    found = {
        "html_breaks": (normalize.HTML_BREAKS,),
        "punctuation": normalize.PUNCTUATION,
        "urls": (normalize.URLS,),
        "users": (normalize.USERS,),
        "whitespace": (normalize.WHITESPACE, ("^ +| +$", "")),
    }
    return {
        name: _chain(*(pattern(*each, plain=plain) for each in patterns))
        for name, patterns in found.items()
    }


STEPS: dict[str, Step] = {
    **_patterns(plain=False),
    "invisible": pattern(*normalize.INVISIBLE),
    "lower": lower,
    "nfkc": nfkc,
    "strip_accents": lambda graph, texts: table(
        graph, texts, unicode_tables.accent_table()
    ),
    "typography": lambda graph, texts: table(
        graph, texts, unicode_tables.typography_table()
    ),
    "valid": _unchanged,  # there is no NUL any more, nor other bytes
}
"""What stands for each function of `tfnlp.text.normalize.NORMALIZERS`."""

PLAIN_STEPS: dict[str, Step] = {
    **dict.fromkeys(STEPS, _unchanged),  # their tables have no character of ASCII
    **_patterns(plain=True),
    "lower": lambda graph, texts: graph.node("StringLower", texts, domain=CONTRIB),
}
"""The same for texts of ASCII alone.

A runtime compiles every pattern at every call: classes of all alphabets take ten
milliseconds together, those of ASCII less than one.
"""


def _dense(graph: Graph, values: str, starts: str) -> str:
    """Values of rows that begin at `starts`, int64 [B + 1], as [B, P], filled up."""
    first = graph.node("Slice", starts, *map(graph.constant, ([0], [-1], [0])))
    ends = graph.node("Slice", starts, *map(graph.constant, ([1], [2**62], [0])))
    sizes = graph.node("Sub", ends, first)
    width = graph.node("ReduceMax", sizes, keepdims=0)
    places = graph.node("Range", graph.constant(0), width, graph.constant(1))  # [P]
    column = graph.constant([1])
    first, sizes = (graph.node("Unsqueeze", each, column) for each in (first, sizes))
    inside = graph.node("Less", places, sizes)  # [B, P]
    nothing = graph.node("Shape", values)
    index = graph.node("Where", inside, graph.node("Add", first, places), nothing)
    filled = graph.node("Concat", values, graph.constant([""]), axis=0)
    return graph.node("Gather", filled, index)


@functools.cache
def _lowered() -> dict[str, str]:
    """What TensorFlow makes of every single character that it lower-cases."""
    with ops.using(ops.TENSORFLOW):
        lowered = [text.decode() for text in normalize.lower(_CHARACTERS).numpy()]
    both = zip(_CHARACTERS, lowered, strict=True)
    return {old: new for old, new in both if old != new}


@functools.cache
def _context() -> tuple[str, str]:
    """What a sigma must stand behind to be final, and what may stand between.

    Cased letters, and what Unicode calls case-ignorable: found by asking TensorFlow.
    """
    letters = np.array(_CHARACTERS)
    behind = _ends_final(np.char.add(letters, _SIGMA))
    between = _ends_final(np.char.add(np.char.add("A", letters), _SIGMA)) & ~behind
    return _ranges(letters[behind]), _ranges(letters[between])


@functools.cache
def spelled(regex: str, *, plain: bool = False) -> str:
    """A pattern whose classes of Unicode, such as ``\\pL``, are written out."""
    found, inside = "", False
    for part in re.findall(r"\\[px]\{\w+\}|\\p\w|\\.|.", regex, re.DOTALL):
        inside = part == "[" or (inside and part != "]")
        if part.startswith(r"\p"):
            members = _class(part, plain=plain) or _NO_MEMBER
            part = members if inside else f"[{members}]"
        found += part
    return found


@functools.cache
def _class(name: str, *, plain: bool) -> str:
    """The characters that TensorFlow finds in a class, as ranges."""
    every = np.array(_ASCII if plain else _assignable())
    found = every[tf.strings.regex_full_match(every, name).numpy()]
    return _ranges(found) + (_MORE_PRIVATE if _PRIVATE in found else "")


@functools.cache
def _assignable() -> tuple[str, ...]:
    """Every character that Unicode has given a meaning, or may soon."""
    more = (*range(0x20000, 0x34000), *range(0xE0000, 0xE0200), ord(_PRIVATE))
    return (*_CHARACTERS, *map(chr, more))


def _ends_final(texts: np.ndarray) -> np.ndarray:
    with ops.using(ops.TENSORFLOW):
        lowered = normalize.lower(tf.constant(texts.astype(object)))
    return tf.strings.regex_full_match(lowered, f"(?s).*{_FINAL_SIGMA}").numpy()


def _ranges(found: Iterable[str]) -> str:
    """Characters as the inside of a class of RE2."""
    return unicode_tables.ranges(map(ord, found))
