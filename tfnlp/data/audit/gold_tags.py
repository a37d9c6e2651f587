"""What is odd about gold tags that the answers of a task are scored against.

Nothing here stops a score from being counted; whoever reads it should know.
"""

from collections.abc import Collection
from dataclasses import replace

from tfnlp.data.audit.findings import few, plural
from tfnlp.data.rows import columns_of
from tfnlp.data.tagging import tagged_rows
from tfnlp.data.tagging.tag_counts import (
    Sentences,
    even,
    sentences_of,
    type_counts,
    types_of,
)
from tfnlp.errors import DataError
from tfnlp.specs import Rows


def oddities(rows: Rows, known: Collection[str], *, scheme: str | None) -> list[str]:
    """What is odd about tags that answers are scored against, a sentence each.

    Args:
        rows: with `tokens` and `tags`.
        known: the tags that can be answered.
        scheme: in which they are answered; None if they are plain.

    Raises:
        DataError: no tag of the rows is known.

    Example:
    >>> from tfnlp.data.rows import from_list
    >>> rows = from_list([{"tokens": "in Rome Ann", "tags": "O B-LOC B-PER O"}])
    >>> print(oddities(rows, ["O", "B-LOC", "I-LOC"], scheme="BIO")[1])
    1 span of a type that the task does not know and so never answers: 'PER'.
    """
    found = sentences_of(columns_of(rows))
    messages = []
    whole = even(found)
    if uneven := len(found) - len(whole):
        have = "has" if uneven == 1 else "have"
        messages.append(
            f"{plural(uneven)} {have} not as many tags as words: a word without a tag "
            "is not scored, a tag without a word is wrong."
        )
    counts = type_counts(found, scheme)
    wanted = set(known) if scheme is None else types_of(known)
    strange = {name: n for name, n in counts.items() if name not in wanted}
    if counts and len(strange) == len(counts):
        raise DataError(
            f"Evaluation needs tags that the task knows: {few(sorted(wanted))}. "
            f"Received: {few(list(strange))} in {plural(len(found))}. Check which "
            "column holds the tags."
        )
    if strange:
        what = plural(sum(strange.values()), "word" if scheme is None else "span")
        kind = "with a tag" if scheme is None else "of a type"
        messages.append(
            f"{what} {kind} that the task does not know and so never answers: "
            f"{few(list(strange))}."
        )
    if scheme is not None:
        messages += _of_another_scheme(whole, scheme)
    return messages


def _of_another_scheme(whole: Sentences, scheme: str) -> list[str]:
    try:
        survey = tagged_rows.survey_of(whole)
    except DataError as error:
        return [f"{error} Spans are compared as conlleval reads them."]
    messages = list(replace(survey, empty=0, zero_width=0).messages())
    if survey.scheme not in (scheme, None):
        messages.append(
            f"The tags are of {survey.scheme}, answers of {scheme}: the spans are "
            "compared, whatever spells them."
        )
    return messages
