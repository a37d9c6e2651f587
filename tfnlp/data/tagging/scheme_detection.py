"""Which tagging scheme a file is in, and whether it is in one only.

Neighbouring tags are counted once for the whole file; "" stands for either end of
a sentence. A few wrong tags do not make another scheme: they are repaired.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations

from tfnlp.data.tagging.schemes import LETTERS, OUTSIDE, SCHEMES, parse
from tfnlp.errors import DataError

SHARE = 0.05
"""The share of spans ended as in BIO from which on a file of BIOES is mixed."""

Pairs = Counter[tuple[str, str]]

_LETTERED = re.compile("[BIESMLU](-.+)?", re.DOTALL)


def detect(
    sequences: Iterable[Sequence[str]], *, where: str = "these rows"
) -> str | None:
    """Detects the tagging scheme of many sentences; None if they are plain, as for POS.

    Args:
        sequences: the tags of each sentence.
        where: what a message calls them.

    Raises:
        DataError: the tags are of two schemes.

    Example:
    >>> detect([["B-PER", "I-PER", "O"], ["O", "B-LOC"]])
    'BIO'
    >>> detect([["I-PER", "I-PER", "O"], ["I-LOC", "B-LOC"]])
    'IOB1'
    >>> detect([["DET", "NOUN"]]) is None
    True
    """
    pairs: Pairs = Counter()
    for tags in sequences:
        pairs.update(zip(("", *tags), (*tags, ""), strict=True))
    scheme = of_tags({tag for pair in pairs for tag in pair if tag}, where=where)
    if scheme == "BIO" and _starts_inside(pairs):
        return "IOB1"
    if scheme in ("BIOES", "BMES", "BILOU"):
        _check_ends(pairs, scheme, where)
    return scheme


def of_tags(tags: Iterable[str], *, where: str = "these rows") -> str | None:
    """The scheme that a set of tags can be of, whatever their order.

    IOB1 and BIO cannot be distinguished so; see `detect`.

    Raises:
        DataError: the tags are of two schemes.

    Example:
    >>> of_tags({"O", "B-A", "M-A", "E-A", "S-A"}), of_tags({"NOUN", "B-X", "VERB"})
    ('BMES', None)
    """
    every = sorted({*tags} - {OUTSIDE})
    lettered = [tag for tag in every if _LETTERED.fullmatch(tag)]
    bare = [tag for tag in every if not _LETTERED.fullmatch(tag)]
    if len(bare) > len(lettered) or not lettered:
        return None
    if bare:
        raise _mixed(where, lettered[0], bare[0])
    for first, second in combinations(lettered, 2):
        if not _fit({first[0], second[0]}):
            raise _mixed(where, first, second)
    return _fit({tag[0] for tag in lettered})


def _fit(letters: set[str]) -> str | None:
    """The first scheme that has all the letters."""
    fitting = (s for s in SCHEMES if s != "IOB1" and letters <= set(LETTERS[s]))
    return next(fitting, None)


def _starts_inside(pairs: Pairs) -> bool:
    """Whether most spans start with an inside tag where BIO has a begin tag."""
    starts: Counter[str] = Counter()
    for (before, tag), count in pairs.items():
        (last, kind), (role, type) = parse(before), parse(tag)
        if last == OUTSIDE or kind != type:
            starts[role] += count
    return starts["I"] > starts["B"]


def _check_ends(pairs: Pairs, scheme: str, where: str) -> None:
    ended, left_open = 0, Counter[tuple[str, str]]()
    for (tag, after), count in pairs.items():
        (role, type), (then, kind) = parse(tag), parse(after)
        if role in "ES":
            ended += count
        elif role in "BI" and not (then in "IE" and kind == type):
            left_open[tag, after] += count
    total = left_open.total()
    if total and total >= SHARE * (total + ended):
        tag, after = left_open.most_common(1)[0][0]
        raise DataError(
            f"The tags of a file are of one scheme. Received: {where} with tags of "
            f"{scheme}, but {total:,} of {total + ended:,} spans end as in BIO, such "
            f"as {tag!r} before {repr(after) if after else 'the end of a sentence'}. "
            "Convert one part with schemes.convert, which reads both."
        )


def _mixed(where: str, first: str, second: str) -> DataError:
    return DataError(
        f"The tags of a file are of one scheme. Received: {where} with {first!r} and "
        f"{second!r}, which are of two. Check the column of the tags, or convert one "
        "part with schemes.convert, which reads both."
    )
