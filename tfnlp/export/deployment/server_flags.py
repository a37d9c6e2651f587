"""Flags of TF Serving, and its batching and monitoring configuration files.

`tfnlp.export.deployment.bundle` writes the files; `models.config` is written by
`tfnlp.export.savedmodel.versions`, since labels change it.
"""

from tfnlp.export.deployment.template_files import fill
from tfnlp.export.savedmodel.versions import MODELS_CONFIG
from tfnlp.export.savedmodel.warmup import SIZES

FOLDER = "serving"
"""Folder beside the versions; TF Serving ignores names that are not numbers."""
BATCHING = "batching_parameters.txt"
MONITORING = "monitoring.config"
METRICS = "/monitoring/prometheus/metrics"
GRPC, REST = 8500, 8501
POLL_SECONDS = 30


def flags(name: str, *, batching: bool) -> list[str]:
    """Flags of ``tensorflow_model_server`` for an artefact at /models/NAME.

    Args:
        name: of the artefact.
        batching: whether dynamic batching is enabled.

    Example:
    >>> flags("demo", batching=False)[0]
    '--model_config_file=/models/demo/models.config'
    """
    base = f"/models/{name}"
    own = [
        f"--model_config_file={base}/{MODELS_CONFIG}",
        f"--model_config_file_poll_wait_seconds={POLL_SECONDS}",
        f"--file_system_poll_wait_seconds={POLL_SECONDS}",
        "--allow_version_labels_for_unavailable_models=true",
        f"--monitoring_config_file={base}/{FOLDER}/{MONITORING}",
    ]
    if batching:  # the second of these without the first is an error
        own.append("--enable_batching=true")
        own.append(f"--batching_parameters_file={base}/{FOLDER}/{BATCHING}")
    return own


def batching_parameters() -> str:
    """A BatchingParameters message in text format, with comments."""
    sizes = "\n".join(f"allowed_batch_sizes: {size}" for size in SIZES)
    return fill(BATCHING, max_batch_size=SIZES[-1], allowed_batch_sizes=sizes)


def monitoring_config() -> str:
    """A MonitoringConfig message in text format: Prometheus at the REST port."""
    return fill(MONITORING, metrics=METRICS)
