"""The naive Bayes prior of a classifier: options of its linear layer over terms.

The layer starts from log-count ratios, as NBSVM does (Wang & Manning 2012); the page
docs/naive_bayes_prior.md says when that helps. Importing this needs no TensorFlow.
"""

from dataclasses import dataclass
from typing import Literal

from tfnlp.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class NaiveBayesPrior:
    """How the linear layer over the terms of a text starts, pools and learns.

    Args:
        scale: what the log-ratios are multiplied by; None is 1. A sum grows with the
            text, so with ``pooling="sum"`` some hundredths are a good start.
        pooling: ``sqrt`` divides the sum of the terms by the root of their number,
            ``sum`` is what naive Bayes does; None is ``sqrt``.
        per_term: keep the log-ratios and learn one weight a term, as NBSVM does; else
            the layer learns a weight a term and class.

    Raises:
        UsageError: the scale is no number of 0 or more.

    Example:
    >>> NaiveBayesPrior(scale=0.03, pooling="sum").per_term
    False
    """

    scale: float | None = None  # of the log-ratios; 0: no such layer
    pooling: Literal["sqrt", "sum"] | None = None  # how the terms of a text add up
    per_term: bool = False  # learn one weight a term, not one a term and class

    def __post_init__(self) -> None:
        if self.scale is not None and not 0.0 <= self.scale < float("inf"):
            raise UsageError(
                "scale must be a number, 0 or more. "
                f"Received: {self.scale}. "
                "1 starts from naive Bayes itself, 0 leaves the layer out."
            )
