"""Each row is answered once, by a network that has not seen it."""

import numpy as np
import pytest
import scipy.stats

from tfnlp.data import splits
from tfnlp.data.readers import from_list
from tfnlp.data.rows import digest
from tfnlp.errors import DataError, SchemaError, UsageError
from tfnlp.networks import bow
from tfnlp.tasks.classification import Classification
from tfnlp.training.config import TrainConfig
from tfnlp.tuning import cross_validation
from tfnlp.tuning.cross_validation import CrossValidation, Fold, cross_validate

WORDS = {"good": ["fine", "great", "moving"], "bad": ["dull", "flat", "endless"]}
ROWS = from_list(
    [
        {"text": f"a {words[n % 3]} film {n}", "label": label, "film": f"film {n // 6}"}
        for label, words in WORDS.items()
        for n in range(30)
    ]
)
QUICK = TrainConfig(epochs=4, batch_size=8, learning_rate=0.05)


def network(task, hp):
    return task.network(
        bow.encoder(len(task.text.vocabulary), hidden_dim=4, dropout=0.0)
    )


def spied(seen):
    """Learns a task, and records the texts that it learns from."""

    def learn(rows):
        seen.append({row["text"] for row in rows.as_numpy_iterator()})
        return Classification.from_rows(rows)

    return learn


@pytest.mark.slow
def test_every_row_is_answered_once_by_a_network_that_has_not_seen_it():
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


def made_up(values, rows=10, digest="same"):
    """Folds of constant scores."""

    def fold(value):
        return Fold({"x": value}, rows, 4 * rows, lambda numbers: {"x": value}, digest)

    return CrossValidation([fold(value) for value in values])


@pytest.fixture
def cuts(monkeypatch):
    """The texts of each fold as (train, valid, test); nothing is trained."""
    seen = []

    def fold(learn, build, sides, config):
        seen.append([{r["text"] for r in s.as_numpy_iterator()} for s in sides])
        return Fold({"x": 0.0}, len(seen[-1][2]), 1, None, digest(sides[2]))

    monkeypatch.setattr(cross_validation, "_fold", fold)
    return seen


MANY = from_list(
    [{"text": f"film {n}", "label": "ab"[n % 2], "film": n} for n in range(1000)]
)


@pytest.mark.parametrize(
    "options", [{}, {"label": None}, {"group": "film"}], ids=["label", "text", "group"]
)
def test_validation_rows_come_from_all_other_folds(cuts, options):
    """One hash for both would take validation rows from one fold only."""
    cross_validate(None, None, MANY, 5, **options)
    tests = [test for _, _, test in cuts]
    for number, (train, valid, test) in enumerate(cuts):
        assert len(train) + len(valid) + len(test) == 1000
        others = [len(valid & each) / len(valid) for each in tests]
        assert others[number] == 0.0
        assert min(others[:number] + others[number + 1 :]) > 0.1


def test_each_fold_has_its_own_validation_rows(cuts):
    cross_validate(None, None, MANY, 5)
    assert len(set.union(*(valid for _, valid, _ in cuts))) > 200  # of 80 each


@pytest.mark.parametrize("options", [{"label": None}, {"group": "text"}])
def test_rows_left_by_a_split_fall_into_even_folds(cuts, options):
    """The split is of the same seed, and has taken all large hashes away."""
    rest, *_ = splits.by_hash(MANY, (0.8, 0.1, 0.1))
    cross_validate(None, None, rest, 3, **options)
    share = [len(test) / int(rest.cardinality()) for _, _, test in cuts]
    assert share == pytest.approx([1 / 3] * 3, abs=0.05)


def test_other_seeds_are_compared_on_folds_of_the_same_seed(cuts):
    def folds(seed, **options):
        found = cross_validate(None, None, MANY, 2, TrainConfig(seed=seed), **options)
        return [fold.digest for fold in found.folds]

    assert folds(0) != folds(1)
    assert folds(0, fold_seed=7) == folds(1, fold_seed=7) == folds(7)


@pytest.mark.parametrize("option", ["field", "label", "group"])
def test_a_field_that_rows_lack_is_named_with_the_nearest(option):
    with pytest.raises(SchemaError, match=r"no field 'txet'.*Did you mean 'text'"):
        cross_validate(None, None, MANY, 2, **{option: "txet"})


def test_one_group_is_refused_as_a_group():
    rows = MANY.map(lambda row: row | {"film": "one"})
    with pytest.raises(DataError, match=r"2 different groups\. Received: 1,000"):
        cross_validate(None, None, rows, 2, group="film")


def test_means_and_the_corrected_t_test_by_hand():
    first, second = made_up([0.1, 0.2, 0.3]), made_up([0.2, 0.4, 0.6])
    assert first.mean["x"] == pytest.approx(0.2)
    assert first.deviation["x"] == pytest.approx(0.1)
    found = first.compare(second)["x"]
    assert found.value == pytest.approx(0.2)
    t = 0.2 / np.sqrt((1 / 3 + 1 / 4) * 0.01)
    assert found.p_folds == pytest.approx(2 * scipy.stats.t.sf(t, 2))
    assert found.p < 0.01 < found.p_folds


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"rows": 9, "digest": "other"}, r"of \[10, 10\] and of \[9, 9\] rows"),
        ({"digest": "other"}, r"of \[10, 10\] rows each, but of other rows"),
    ],
    ids=["sizes", "rows"],
)
def test_other_folds_are_not_compared(other, message):
    with pytest.raises(UsageError, match=f"the same folds. Received: folds {message}"):
        made_up([0.1, 0.2]).compare(made_up([0.1, 0.2], **other))


def test_one_fold_is_refused():
    with pytest.raises(UsageError, match="2 folds or more"):
        cross_validate(Classification.from_rows, network, ROWS, 1)
