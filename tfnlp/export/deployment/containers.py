"""Container manifests for TF Serving: docker-compose.yaml and kubernetes.yaml.

Both mount the artefact read-only, run as an unprivileged user and write nothing. Knows
what a server needs, and nothing of the network.
"""

import json
import re
from dataclasses import dataclass

from tfnlp.export.deployment.server_flags import GRPC, METRICS, REST, flags
from tfnlp.export.deployment.template_files import fill

IMAGE = "tensorflow/serving:2.19.1"
"""Pinned: `tfnlp.export.savedmodel.server_ops` lists what this server supports."""

_HEALTH = (
    "exec 3<>/dev/tcp/127.0.0.1/{rest} && "
    "printf 'GET /v1/models/{name} HTTP/1.0\\r\\n\\r\\n' >&3 && "
    "grep -q AVAILABLE <&3"
)
_OFF = "  # without --enable_batching, since fields may be left out: README.md"


@dataclass(frozen=True)
class Server:
    """Parameters of a TF Serving container."""

    name: str
    """Name of the artefact."""
    batching: bool
    """Whether dynamic batching is enabled."""
    memory: int
    """Memory limit in MiB."""
    image: str = IMAGE


def compose(server: Server) -> str:
    """docker-compose.yaml: one server, reachable from this machine only."""
    return _manifest("docker-compose.yaml", server, indent=6)


def kubernetes(server: Server) -> str:
    """kubernetes.yaml: volume claim, Deployment, Service, autoscaler, PDB."""
    return _manifest("kubernetes.yaml", server, indent=12)


def object_name(name: str) -> str:
    """A valid Kubernetes name: lower-case letters, digits and ``-``, 52 at most.

    Example:
    >>> object_name("My_reviews.v2")
    'tfnlp-my-reviews-v2'
    """
    return f"tfnlp-{re.sub('[^a-z0-9]+', '-', name.lower())}"[:52].rstrip("-")


def _manifest(template: str, server: Server, *, indent: int) -> str:
    own = flags(server.name, batching=server.batching)
    health = _HEALTH.format(name=server.name, rest=REST)
    return fill(
        template,
        name=server.name,
        object=object_name(server.name),
        image=server.image,
        memory=server.memory,
        batching="" if server.batching else _OFF,
        flags="\n".join(f"{' ' * indent}- {flag}" for flag in own),
        health=json.dumps(health),  # JSON strings are valid YAML
        grpc=GRPC,
        rest=REST,
        metrics=METRICS,
    )
