"""Each row is answered once, by a network that has not seen it."""

import numpy as np
import pytest
import scipy.stats

from tfnlp.data.readers import from_list
from tfnlp.errors import UsageError
from tfnlp.networks import bow
from tfnlp.tasks.classification import Classification
from tfnlp.training.config import TrainConfig
from tfnlp.tuning.cross_validation import CrossValidation, Fold, cross_validate

WORDS = {"good": ["fine", "great", "moving"], "bad": ["dull", "flat", "endless"]}
ROWS = from_list(
    [
        {"text": f"a {words[n % 3]} film {n}", "label": label, "film": f"film {n // 6}"}
        for label, words in WORDS.items()
        for n in range(30)
    ]
)
QUICK = TrainConfig(epochs=4, batch_size=8, rate=0.05)


def network(task, hp):
    return task.network(bow.encoder(len(task.text.vocabulary), width=4, dropout=0.0))


def spied(seen):
    """Learns a task, and notes the texts that it learns from."""

    def learn(rows):
        seen.append({row["text"] for row in rows.as_numpy_iterator()})
        return Classification.from_rows(rows)

    return learn


@pytest.mark.slow
def test_every_row_is_answered_once_by_what_has_not_seen_it():
    seen = []
    found = cross_validate(spied(seen), network, ROWS, 3, QUICK)
    assert sum(fold.rows for fold in found.folds) == 60
    assert len(found.folds) == len(seen) == 3
    for fold, texts in zip(found.folds, seen, strict=True):
        assert fold.trained == len(texts) < 60 - fold.rows
    assert not set.intersection(*seen)  # each is left out once
    assert set.union(*seen) <= {row["text"] for row in ROWS.as_numpy_iterator()}
    assert found.mean["accuracy"] > 0.9
    assert found.deviation.keys() == found.mean.keys() == found.intervals.keys()
    assert "3 folds of" in str(found) and "accuracy" in str(found)


@pytest.mark.slow
def test_labels_have_the_same_share_in_every_fold():
    seen = []
    cross_validate(spied(seen), network, ROWS, 2, QUICK)
    for texts in seen:
        good = sum(any(w.encode() in text for w in WORDS["good"]) for text in texts)
        assert good == pytest.approx(len(texts) / 2, abs=2)


@pytest.mark.slow
def test_groups_stay_together():
    seen, films = [], {}
    for row in ROWS.as_numpy_iterator():
        films.setdefault(row["film"], set()).add(row["text"])
    found = cross_validate(spied(seen), network, ROWS, 2, QUICK, group="film")
    assert sum(fold.rows for fold in found.folds) == 60
    for texts in seen:
        for film in films.values():
            assert film <= texts or not film & texts


@pytest.mark.slow
def test_the_same_seed_gives_the_same_folds_and_scores():
    first, second = (
        cross_validate(Classification.from_rows, network, ROWS, 2, QUICK)
        for _ in range(2)
    )
    assert [fold.scores for fold in first.folds] == [f.scores for f in second.folds]
    compared = first.compare(second)["accuracy"]
    assert compared[:3] == (0.0, 0.0, 0.0) and compared.p == compared.p_folds == 1.0


def made_up(values, rows=10):
    """Folds of constant scores."""

    def fold(value):
        return Fold({"x": value}, rows, 4 * rows, lambda numbers: {"x": value})

    return CrossValidation([fold(value) for value in values])


def test_means_and_the_corrected_t_test_by_hand():
    first, second = made_up([0.1, 0.2, 0.3]), made_up([0.2, 0.4, 0.6])
    assert first.mean["x"] == pytest.approx(0.2)
    assert first.deviation["x"] == pytest.approx(0.1)
    found = first.compare(second)["x"]
    assert found.value == pytest.approx(0.2)
    t = 0.2 / np.sqrt((1 / 3 + 1 / 4) * 0.01)
    assert found.p_folds == pytest.approx(2 * scipy.stats.t.sf(t, 2))
    assert found.p < 0.01 < found.p_folds


def test_other_folds_are_not_compared():
    with pytest.raises(UsageError, match="compared on the same folds"):
        made_up([0.1, 0.2]).compare(made_up([0.1, 0.2], rows=9))


def test_one_fold_is_refused():
    with pytest.raises(UsageError, match="2 folds or more"):
        cross_validate(Classification.from_rows, network, ROWS, 1)
