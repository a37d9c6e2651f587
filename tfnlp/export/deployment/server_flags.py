"""What TF Serving is started with: flags, and the texts of two of its files.

`tfnlp.export.deployment.bundle` says where the files are written; the third,
`models.config`, is that of `tfnlp.export.savedmodel.versions`, since labels change it.
"""

from tfnlp.export.savedmodel.versions import MODELS_CONFIG
from tfnlp.export.savedmodel.warmup import SIZES

FOLDER = "serving"
"""Beside the versions; TF Serving passes over folders that are no numbers."""
BATCHING = "batching_parameters.txt"
MONITORING = "monitoring.config"
METRICS = "/monitoring/prometheus/metrics"
GRPC, REST = 8500, 8501
POLL_SECONDS = 30


def flags(name: str, *, batching: bool) -> list[str]:
    """The flags of ``tensorflow_model_server``, the artefact being at /models/NAME.

    Args:
        name: of the artefact.
        batching: whether rows of several requests go through the network together.

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
    """How requests are put together: a BatchingParameters message with reasons."""
    sizes = "\n".join(f"allowed_batch_sizes: {size}" for size in SIZES)
    return f"""\
# How TF Serving puts rows of several requests into one batch (BatchingParameters).

# Rows of a batch, and so of one request: one with more is refused. Twice as many
# take nearly twice as long on a CPU; a GPU gains from 128 or 256. The last of
# allowed_batch_sizes must be the same number.
max_batch_size {{ value: {SIZES[-1]} }}

# How long the first row waits for others, in microseconds: less than an answer takes.
# 0 is best where requests have many rows already.
batch_timeout_micros {{ value: 1000 }}

# Batches worked on at a time: about as many as there are cores.
num_batch_threads {{ value: 4 }}

# Batches that may wait. Beyond, requests are refused (UNAVAILABLE, HTTP 503), so that
# clients go to another server instead of waiting for long.
max_enqueued_batches {{ value: 100 }}

# A batch is filled up to the next of these, and warm-up has run each of them: at most
# half of the work is lost, and no size is prepared while a client waits.
{sizes}

# Texts are strings, which have no length to fill up; ids would be filled with the
# first one, which changes answers.
pad_variable_length_inputs: false
"""


def monitoring_config() -> str:
    """Numbers for Prometheus, at the port of REST: a MonitoringConfig message."""
    return f"""\
# Numbers for Prometheus, at the port of REST (MonitoringConfig).
prometheus_config {{
  enable: true
  path: "{METRICS}"
}}
"""
