"""Which scores are better when they are lower: losses, error rates, perplexity.

The one place that knows it: early stopping, hyperparameter search and quality gates
decide by these names. Knows no task.
"""

from typing import Literal

Direction = Literal["min", "max"]
"""What Keras calls the mode of a monitored score, and KerasTuner its direction."""
_LOWER_IS_BETTER = frozenset("loss error perplexity nats bits ter".split())
"""Words between the underscores of a name, as in `val_log_loss`, `word_error`."""


def lower_is_better(name: str) -> bool:
    """Whether the best value of a score is its lowest.

    Args:
        name: of a score or a Keras metric, with or without `val_` in front.

    Example:
    >>> [lower_is_better(name) for name in ("val_loss", "ter", "word_error", "bleu")]
    [True, True, True, False]
    """
    return not _LOWER_IS_BETTER.isdisjoint(name.split("_"))


def direction(name: str) -> Direction:
    """`min` for scores that are better when they are lower, `max` for all others.

    Example:
    >>> direction("perplexity"), direction("f1_macro")
    ('min', 'max')
    """
    return "min" if lower_is_better(name) else "max"
