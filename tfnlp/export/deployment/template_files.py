"""Template files of the deployment bundle: `templates/*.template`, with `$name`.

`string.Template` fills them in; ``$$`` is a dollar sign.
"""

import importlib.resources
from string import Template


def fill(template: str, /, **values: object) -> str:
    """Fills in a template file.

    Args:
        template: name of the resulting file, such as ``kubernetes.yaml``.
        values: of its placeholders.

    Example:
    >>> print(fill("monitoring.config", metrics="/metrics"))
    # Numbers for Prometheus, at the port of REST (MonitoringConfig).
    prometheus_config {
      enable: true
      path: "/metrics"
    }
    """
    package = importlib.resources.files("tfnlp.export.deployment")
    file = package.joinpath("templates", f"{template}.template")
    return Template(file.read_text("utf-8")).substitute(values)
