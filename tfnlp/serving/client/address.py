"""Target of a client: an artefact folder, or a REST or gRPC address."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from tfnlp.errors import UsageError

_MODEL = re.compile(
    r"/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?/?"
)
FORMS = (
    "saved_models/NAME, http://HOST:8501/v1/models/NAME, https://…, "
    "grpc://HOST:8500/NAME or grpcs://…, each may end in /versions/N or /labels/LABEL"
)


@dataclass(frozen=True)
class Target:
    """Address of a served model, optionally with a version or a version label.

    Args:
        kind: REST or gRPC.
        host: host and port.
        name: of the model.
        version: None means the newest.
        label: version label, used instead of a version.
        encrypted: whether TLS is used.
    """

    kind: Literal["rest", "grpc"]
    host: str
    name: str
    version: int | None = None
    label: str = ""
    encrypted: bool = False

    @property
    def url(self) -> str:
        """The REST URL of the model."""
        place = f"/versions/{self.version}" if self.version is not None else ""
        place = f"/labels/{self.label}" if self.label else place
        scheme = "https" if self.encrypted else "http"
        return f"{scheme}://{self.host}/v1/models/{self.name}{place}"


def read_target(text: str | Path) -> Target | Path:
    """Parses a target: an address, or else a folder.

    Raises:
        UsageError: it looks like an address, but names no model.

    Example:
    >>> read_target("grpc://localhost:8500/demo/labels/stable").label
    'stable'
    >>> read_target("http://localhost:8501/v1/models/demo").url
    'http://localhost:8501/v1/models/demo'
    >>> read_target("saved_models/demo").name
    'demo'
    """
    if isinstance(text, Path) or "://" not in text:
        return Path(text)
    parts = urlsplit(text)
    rest = parts.scheme in ("http", "https")
    path = parts.path.removeprefix("/v1/models") if rest else parts.path
    found = _MODEL.fullmatch(path)
    known = rest or parts.scheme in ("grpc", "grpcs")
    if not known or found is None or not parts.netloc or (path == parts.path and rest):
        raise UsageError(f"A client connects to {FORMS}. Received: {text!r}.")
    return Target(
        kind="rest" if rest else "grpc",
        encrypted=parts.scheme in ("https", "grpcs"),
        host=parts.netloc,
        name=unquote(found["name"]),
        version=int(found["version"]) if found["version"] else None,
        label=unquote(found["label"] or ""),
    )
