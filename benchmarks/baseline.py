"""TF-IDF and a linear SVM: the figure that every encoder must reach.

    python benchmarks/baseline.py --train reviews.csv --text review --label stars

Takes the flags of `pipelines/text_classification.py` about data and reads the same
splits, so its figure and the pipeline's are about the same rows. Words and bigrams
where blanks stand between words, runs of one to three characters for Chinese and
Japanese; C and the rarest term kept are chosen on the validation rows. Several
labels are one SVM each. Prints one line of JSON.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC

import tfnlp
from tfnlp import cli, recipes
from tfnlp.scores import classification as scores
from tfnlp.scores import classification_bootstrap, label_encoding

COSTS = (0.03, 0.1, 0.3, 1.0, 3.0)
MIN_FREQUENCIES = (1, 2)
REPORTED = ("accuracy", "f1_macro", "f1_micro")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
Answer = Callable[[Any], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Recipe(recipes.LabelledTexts):
    """Scores TF-IDF with a linear SVM on the rows that a pipeline would test on."""


class Split(NamedTuple):
    """Texts and gold labels, str [N] each."""

    texts: list[str]
    labels: np.ndarray


class Candidate(NamedTuple):
    """A trained SVM and how well it does on the validation split."""

    score: float
    chosen: dict[str, float]
    answer: Callable[[Sequence[str]], np.ndarray]


def main(recipe: Recipe) -> None:
    """Reads, chooses, tests and prints."""
    start = time.perf_counter()
    rows = recipe.filter_rows(recipe.read_splits())
    splits = tfnlp.Splits(*map(in_memory, rows))
    found = measure(splits, separator=recipe.joined_by)
    found["rows"] = {name: len(side.texts) for name, side in splits._asdict().items()}
    found["seconds"] = round(time.perf_counter() - start, 1)
    print(json.dumps(found))


def in_memory(rows: Any) -> Split:
    """All rows at once; the two texts of a pair become one."""
    texts: list[str] = []
    labels: list[str] = []
    for batch in rows.batch(4096).as_numpy_iterator():
        labels += _decoded(batch.pop("label"))
        columns = [_decoded(batch[name]) for name in sorted(batch)]
        texts += [" ".join(parts) for parts in zip(*columns, strict=True)]
    return Split(texts, np.array(labels, object))


def measure(splits: tfnlp.Splits, *, separator: str | None = None) -> dict[str, Any]:
    """Scores, on the test split, the SVM that does best on the validation split.

    Args:
        splits: three of `Split`.
        separator: joins the labels of a row, if rows have several.

    Returns:
        scores, and the settings chosen.
    """
    best = max(candidates(splits, separator), key=lambda candidate: candidate.score)
    found = scores.score(
        splits.test.labels,
        best.answer(splits.test.texts),
        labels=classes(splits.train.labels, separator),
        separator=separator,
    )
    return {
        "scores": {name: round(found[name], 6) for name in REPORTED},
        "chosen": best.chosen,
    }


def candidates(splits: tfnlp.Splits, separator: str | None) -> Iterator[Candidate]:
    """Trains an SVM for every setting; equal ones come with the smaller C first."""
    labels = classes(splits.train.labels, separator)
    for min_frequency in MIN_FREQUENCIES:
        vectorizer = tfidf(splits.train.texts, min_frequency=min_frequency)
        train = vectorizer.fit_transform(splits.train.texts)
        valid = vectorizer.transform(splits.valid.texts)
        for cost in COSTS:
            answer = trained(train, splits.train.labels, cost=cost, separator=separator)
            draw = classification_bootstrap.headline(
                splits.valid.labels, answer(valid), labels=labels, separator=separator
            )
            found = draw(np.arange(len(splits.valid.labels)))
            yield Candidate(
                found["accuracy" if separator is None else "f1_macro"],
                {"C": cost, "min_frequency": min_frequency},
                lambda texts, vectorizer=vectorizer, answer=answer: answer(
                    vectorizer.transform(texts)
                ),
            )


def tfidf(texts: Sequence[str], *, min_frequency: int) -> TfidfVectorizer:
    """Words and bigrams, or characters where words have no blanks between them."""
    spaced = {"analyzer": "word", "ngram_range": (1, 2)}
    unspaced = {"analyzer": "char", "ngram_range": (1, 3)}
    return TfidfVectorizer(
        sublinear_tf=True,
        min_df=min_frequency,
        **(spaced if has_blanks(texts) else unspaced),
    )


def has_blanks(texts: Sequence[str]) -> bool:
    """Whether blanks stand between words: not where most letters are Han or Kana."""
    start = "".join(texts[:1000])
    return 2 * len(_UNSPACED.findall(start)) < sum(map(str.isalpha, start))


def trained(
    features: Any, labels: np.ndarray, *, cost: float, separator: str | None
) -> Answer:
    """Trains the SVM; the function returned turns features [N, V] into labels [N]."""
    svm = LinearSVC(C=cost, random_state=0)
    if separator is None:
        return svm.fit(features, labels).predict
    names = MultiLabelBinarizer()
    members = names.fit_transform(
        label_encoding.split(label, separator) for label in labels
    )
    several = OneVsRestClassifier(svm).fit(features, members)
    at_least_one = bool(members.any(axis=1).all())

    def answer(features: Any) -> np.ndarray:
        margins = several.decision_function(features)  # [N, C]
        chosen = margins > 0
        if at_least_one:  # as the pipeline answers
            chosen |= (margins == margins.max(axis=1, keepdims=True)) & ~chosen.any(
                axis=1, keepdims=True
            )
        joined = [separator.join(each) for each in names.inverse_transform(chosen)]
        return np.array(joined, object)

    return answer


def classes(labels: np.ndarray, separator: str | None) -> list[str]:
    """The labels that occur, sorted."""
    if separator is None:
        return sorted(set(labels))
    return sorted(
        {name for each in set(labels) for name in label_encoding.split(each, separator)}
    )


def _decoded(column: np.ndarray) -> list[str]:
    return [value.decode("utf-8", "replace") for value in column]


if __name__ == "__main__":
    cli.run(main, Recipe)
