"""Lower is better for losses, error rates, TER, perplexity and bits, for no others."""

import pytest

from tfnlp.cli.parsing.quality_gates import GateError, read_gates
from tfnlp.scores.directions import direction, lower_is_better
from tfnlp.training.config import TrainConfig

LOWER = """loss val_loss log_loss val_log_loss hamming_loss calibration_error word_error
phone_error character_error mean_squared_error ter val_ter perplexity val_perplexity
nats_per_token bits_per_character""".split()
HIGHER = """accuracy val_accuracy f1 f1_macro precision_micro recall_weighted roc_auc
pr_auc bleu chrf rouge_1 rouge_l exact_match distinct_2 spans_f1 terms
interpretability""".split()


@pytest.mark.parametrize("name", LOWER)
def test_lower_is_better(name):
    assert lower_is_better(name) and direction(name) == "min"


@pytest.mark.parametrize("name", HIGHER)
def test_higher_is_better(name):
    assert not lower_is_better(name) and direction(name) == "max"


@pytest.mark.parametrize("name", LOWER)
def test_a_gate_is_an_upper_bound_where_lower_is_better(name):
    (gate,) = read_gates([f"{name}=30"])
    gate.check({name: 29.0})
    with pytest.raises(GateError, match=f"{name} must be at most 30"):
        gate.check({name: 31.0})


@pytest.mark.parametrize("name", HIGHER)
def test_a_gate_is_a_lower_bound_where_higher_is_better(name):
    (gate,) = read_gates([f"{name}=30"])
    gate.check({name: 31.0})
    with pytest.raises(GateError, match=f"{name} must be at least 30"):
        gate.check({name: 29.0})


@pytest.mark.parametrize("name", [*LOWER, *HIGHER])
def test_early_stopping_goes_the_same_way(name):
    monitor = TrainConfig(monitor=name).monitor_and_mode("val_x")
    assert monitor == (name, "min" if name in LOWER else "max")
