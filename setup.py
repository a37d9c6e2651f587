"""Ships the pipeline scripts as tfnlp._pipelines, which pyproject.toml cannot say.

All else is in pyproject.toml. `tfnlp init` copies these scripts.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["tfnlp", "tfnlp.*"]), "tfnlp._pipelines"],
    package_dir={"tfnlp._pipelines": "pipelines"},
)
