"""The support matrix: what each distribution strategy is tested for, and by which test.

`tfnlp doctor` prints it. A cell names a test of this repository; a test checks that
all of them exist.
"""

from collections.abc import Iterator, Mapping

_STEP = "tests/training/test_step.py::"
_CUT = _STEP + "test_weights_do_not_depend_on_devices_or_accumulation"
_LAST = _STEP + "test_a_last_batch_smaller_than_the_devices_counts_the_same"
_WORKERS = "tests/training/test_workers.py::"
_SAME = _WORKERS + "test_weights_do_not_depend_on_the_number_of_workers"
_LOST = _WORKERS + "test_only_the_chief_writes_and_a_lost_worker_changes_nothing"
_CHECKPOINTS = "tests/training/test_checkpoints.py::"
_KEPT = _CHECKPOINTS + "test_checkpoints_hold_all_that_a_step_depends_on"
_DROPPED = "tests/networks/test_devices.py::"
_DROPPED += "test_dropping_words_and_features_works_on_two_devices"
_AVERAGED = "tests/training/test_fit.py::"
_AVERAGED += "test_averaged_weights_are_validated_and_kept"
_HALF = _STEP + "test_mixed_precision_trains_to_finite_weights"

MATRIX: Mapping[str, Mapping[str, str]] = {
    "weights of one device": {
        "one_device": _STEP
        + "test_one_step_is_the_gradient_of_the_mean_over_real_tokens",
        "mirrored": _CUT,
        "multi_worker": _SAME,
    },
    "a last batch of few rows": {
        "one_device": _LAST,
        "mirrored": _LAST,
        "multi_worker": _SAME,
    },
    "gradient accumulation": {
        "one_device": _CUT,
        "mirrored": _CUT,
        "multi_worker": _SAME,
    },
    "gradient clipping": {
        "one_device": _CUT,
        "mirrored": _STEP + "test_the_clipped_norm_is_that_of_the_summed_gradient",
        "multi_worker": _SAME,
    },
    "averaged weights (EMA)": {
        "one_device": _AVERAGED,
        "mirrored": _AVERAGED,
        "multi_worker": _SAME,
    },
    "mixed precision": {"one_device": _HALF, "mirrored": _HALF},
    "dropout": {"one_device": _KEPT, "mirrored": _DROPPED},
    "resume": {
        "one_device": _CHECKPOINTS + "test_kill_9_at_any_moment",
        "mirrored": _CHECKPOINTS + "test_a_mirrored_run_is_resumed",
        "multi_worker": _LOST,
    },
    "artefacts": {
        "one_device": "tests/pipelines/test_text_classification.py",
        "multi_worker": _LOST,
    },
}
"""Feature of training → strategy → the test that covers it."""


def proven() -> Iterator[tuple[str, str]]:
    """Each feature of training, and the strategies on which it is tested.

    Example:
    >>> dict(proven())["mixed precision"]
    'one_device, mirrored'
    """
    for feature, tests in MATRIX.items():
        yield feature, ", ".join(tests)
