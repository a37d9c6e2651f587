"""What is wrong with tagged sentences, counted before anything is learnt from them.

An `Audit` of the sentences as texts, and of their tags besides: whether they are of
one scheme, which of them will be repaired, which words are tagged inconsistently.
People have written the tags, so all rows are held in memory. Knows no network and no
task.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import tensorflow as tf

from tfnlp.data.audit import findings
from tfnlp.data.audit.findings import few, plural
from tfnlp.data.audit.texts import Audit, audit
from tfnlp.data.rows import columns_of, without_autotune
from tfnlp.data.tagging import schemes, tagged_rows
from tfnlp.data.tagging.tag_counts import (
    Sentences,
    even,
    sentences_of,
    several_tags,
    type_counts,
)
from tfnlp.data.tagging.tagged_rows import Survey
from tfnlp.errors import DataError
from tfnlp.specs import Rows

SHOWN = 10
"""Words with several tags that are kept, those with most doubtful tags."""
_LISTED = 4  # of them in a table
_PIECES = 5  # of one of them: the word, and its commonest tags


@dataclass
class TaggedAudit(Audit):
    """Counts of what is wrong with tagged sentences."""

    scheme: str | None = None
    """Of the tags of training rows; None if they are plain."""
    tokens: int = 0
    tagged: int = 0
    """Words that are not outside of all spans."""
    types: dict[str, int] = field(default_factory=dict)
    """Type of span → spans, or plain tag → words; the commonest first."""
    repairs: dict[str, dict[str, int]] = field(default_factory=dict)
    """Set → `I-PER → B-PER` → how often a tag is changed so."""
    uneven: dict[str, int] = field(default_factory=dict)
    """Set → rows that have not as many tags as words."""
    strange: dict[str, dict[str, int]] = field(default_factory=dict)
    """Other set → types that no training row has, and how many there are."""
    ambiguous: int = 0
    """Spans, or words where tags are plain, that are tagged inconsistently."""
    several: dict[str, dict[str, int]] = field(default_factory=dict)
    """Some of those → type → how often; outside of all spans is `O`."""

    def _lines(self) -> list[tuple[str, str]]:
        first, *rest = super()._lines()
        name = "tags" if self.scheme is None else f"{self.scheme}, types"
        lines = [(f"{name} ({len(self.types):,})", findings.class_counts(self.types))]
        if self.scheme is not None:
            share = f"{self.tagged / max(self.tokens, 1):.1%}"
            lines.append(("words in spans", f"{self.tagged:,} ({share})"))
        if self.several:
            shown = [
                " ".join([form, *(f"{tag} {n:,}" for tag, n in tags.items())][:_PIECES])
                for form, tags in list(self.several.items())[:_LISTED]
            ]
            rest_of_all = self.ambiguous - len(shown)
            more = f" and {rest_of_all:,} more" if rest_of_all else ""
            lines.append(
                (f"several tags ({self.ambiguous:,})", "; ".join(shown) + more)
            )
        return [first, *lines, *rest]


def audit_sentences(
    rows: Rows,
    *,
    others: Mapping[str, Rows] | None = None,
    key_fields: Sequence[str] = (),
    label_field: str | None = None,
) -> TaggedAudit:
    """Reads all rows once and counts what is wrong with sentences and their tags.

    Args:
        rows: with `tokens` and `tags`, see `tfnlp.data.tagging.sentences`.
        others: name → rows that training must not have seen, such as test.
        key_fields: fields that distinguish rows of one sentence, such as its predicate.
        label_field: field of the label of a whole sentence, if there is one.

    Raises:
        DataError: a record of a file cannot be read, or a set has no row. What else
            is wrong raises nothing here; see `Audit.check`.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> found = audit_sentences(from_list([
    ...     {"tokens": "Ann left Bath", "tags": "B-PER O I-LOC"},
    ...     {"tokens": "Bath opened", "tags": "B-ORG O"}]))
    >>> found.types, found.several
    ({'PER': 1, 'LOC': 1, 'ORG': 1}, {'Bath': {'LOC': 1, 'ORG': 1}})
    >>> found.repairs["train"]
    {'I-LOC → B-LOC': 1}
    """
    columns = {"train": columns_of(rows)}
    columns |= {name: columns_of(each) for name, each in (others or {}).items()}
    held = {
        name: without_autotune(tf.data.Dataset.from_tensor_slices(each))
        for name, each in columns.items()
    }
    found = TaggedAudit(
        **vars(
            audit(
                held.pop("train"),
                text_fields=("tokens",),
                key_fields=key_fields,
                label_field=label_field,
                others=held,
            )
        )
    )
    for name, each in columns.items():
        _count(found, name, sentences_of(each))
    return found


def _count(found: TaggedAudit, name: str, sentences: Sentences) -> None:
    """Counts the tags of one set; train comes first."""
    whole = even(sentences)
    found.uneven[name] = len(sentences) - len(whole)
    prefix = "" if name == "train" else f"{name}: "
    if found.uneven[name]:
        found.errors.append(prefix + _uneven(sentences, found.uneven[name]))
    try:
        survey = tagged_rows.survey_of(whole)
    except DataError as error:
        found.errors.append(f"{prefix}{error}")
        return
    found.repairs[name] = survey.repairs
    if name == "train":
        _count_train(found, survey, whole)
    else:
        counts = type_counts(whole, survey.scheme)
        found.strange[name] = {t: n for t, n in counts.items() if t not in found.types}
    messages = replace(
        survey, empty=0
    ).messages()  # the audit of texts has counted them
    found.warnings += [prefix + message for message in messages]
    found.warnings += [
        prefix + message for message in _differences(found, survey, name)
    ]


def _count_train(found: TaggedAudit, survey: Survey, whole: Sentences) -> None:
    found.scheme, found.tokens = survey.scheme, survey.tokens
    found.tagged = survey.tokens - survey.tags.get(schemes.OUTSIDE, 0)
    found.types = type_counts(whole, survey.scheme)
    several = several_tags(whole, survey.scheme)
    found.ambiguous = len(several)
    found.several = dict(list(several.items())[:SHOWN])
    if len(survey.tags) == 1:
        found.errors.append(
            "Training needs at least two tags. Received: one tag only, "
            f"{next(iter(survey.tags))!r}. Check which column holds the tags."
        )


def _differences(found: TaggedAudit, survey: Survey, name: str) -> Iterable[str]:
    """In what a set is another than train."""
    if name == "train":
        return
    if survey.scheme != found.scheme and survey.types:
        yield (
            f"tags are of {survey.scheme}, those of train "
            f"{'are plain' if found.scheme is None else f'of {found.scheme}'}."
        )
    if strange := found.strange[name]:
        yield f"tags that train lacks: {few(list(strange))}."


def _uneven(sentences: Sentences, count: int) -> str:
    number, (words, tags) = next(
        (number, pair)
        for number, pair in enumerate(sentences, start=1)
        if len(pair[0]) != len(pair[1])
    )
    sizes = f"{plural(len(words), 'word')} and {plural(len(tags), 'tag')}"
    more = f", and {plural(count - 1, 'more row')} like it" if count > 1 else ""
    return (
        f"Each word has one tag. Received: row {number} with {sizes}: "
        f"{' '.join(words[:SHOWN])!r}{more}. Correct it; words and tags are joined "
        "with single spaces."
    )
