"""Whole runs, from a raw file to a test score: tfnlp against what users would pick.

    pip install -r benchmarks/requirements.txt
    python benchmarks/whole_runs.py --train train.csv --test test.csv

Every run is a process of its own that reads the same three files, trains, and answers
the test split: scripts of `benchmarks/peers/`, written as users of those packages
write them, and `pipelines/text_classification.py` with its defaults, which moreover
audits, evaluates with intervals, draws a report and saves what can be served. Seconds
are those from the start of the process to the test score, which is all that the peers
do, and to its end; the peak of memory is that of the process. The small ones are as
large as it takes to be better than plain Keras. Runs come one after the other; the
table goes to standard output, a row behind every run.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import tfnlp
from tfnlp import cli, recipes
from tfnlp.errors import TfnlpError, UsageError, nearest
from tfnlp.timing import MAXRSS_UNIT

ROOT = Path(__file__).resolve().parent.parent
PEERS = {
    "scikit-learn, TF-IDF and linear SVM": "svm.py",
    "fastText, bigrams": "fasttext_bigrams.py",
    "Keras, convolution": "plain_keras.py cnn",
    "Keras, BiLSTM": "plain_keras.py rnn",
    "PyTorch, convolution": "plain_torch.py cnn",
    "PyTorch, BiLSTM": "plain_torch.py rnn",
}
"""What a row of the table is called → a script of `peers/` and its network."""
_ONE_PASS = (
    "--training.epochs 1 --training.learning_rate 4e-3 --training.schedule linear"
)
_THREE = "--training.epochs 3 --training.learning_rate 2e-3 --training.schedule linear"
OURS = {
    "linear": "--encoder linear --vocabulary_size 250000 --nb_prior.scale 0.02 "
    "--training.epochs 3 "
    "--training.learning_rate 1e-3 --training.batch_size 256 "
    "--training.schedule linear",
    "bow": "--encoder bow",
    "cnn": f"--encoder cnn --sequence_length 600 --nb_prior.scale 1 {_THREE}",
    "cnn, small, one pass": "--encoder cnn --sequence_length 600 "
    "--encoder.hidden_dim 64 --nb_prior.scale 1 "
    "--dropout 0.3 --spatial_dropout 0 "
    f"--encoder.kernel_sizes 2 --encoder.embedding_dim 32 {_ONE_PASS}",
    "rnn": f"--encoder rnn --sequence_length 400 --nb_prior.scale 1 {_THREE}",
    "rnn, small, one pass": "--encoder rnn --sequence_length 200 "
    "--encoder.hidden_dim 32 --nb_prior.scale 1 "
    f"--encoder.embedding_dim 64 --training.batch_size 128 {_ONE_PASS}",
    "transformer": "--encoder transformer",
}
"""What a row of the table is called → flags of the pipeline."""
RUNS = (*PEERS, *OURS)
HEAD = """\
| run | accuracy | seconds to the test score | whole process | peak memory |
| --- | ---: | ---: | ---: | ---: |"""
SMALL = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=file)
sys.exit(code)
"""
"""Starts a command and writes the peak of its memory. A process has at least the peak
of the one that started it, and this script has read the rows."""


@dataclass(frozen=True, kw_only=True)
class Recipe(recipes.LabelledTexts):
    """Measures accuracy, seconds and memory of whole runs."""

    runs: str = "all"  # rows of the table, joined with ;


class Result(NamedTuple):
    """What a run gave and took."""

    name: str
    accuracy: float
    scored: float  # seconds from the start to the test score
    seconds: float  # wall time of the process
    memory: int  # bytes of its peak


def main(recipe: Recipe) -> None:
    """Writes the splits, runs and prints.

    Raises:
        TfnlpError: a run failed.
        UsageError: there is no run of that name, or rows are not of one text.
    """
    names = RUNS if recipe.runs == "all" else recipe.runs.split(";")
    for name in names:
        if name not in RUNS:
            raise UsageError(
                f"--runs takes all, or some of {'; '.join(RUNS)}. "
                f"Received: {name!r}.{nearest(name, RUNS)}"
            )
    if recipe.text_pair or recipe.multi_label:
        raise UsageError(
            "The peers read one text and one label. "
            "Received: --text_pair or --multi_label. "
            "Leave them out."
        )
    with tempfile.TemporaryDirectory() as folder:
        splits = write(recipe.filter_rows(recipe.read_splits()), Path(folder))
        print(HEAD, flush=True)
        for name in names:
            print(line(measure(name, splits, Path(folder))), flush=True)


def write(splits: tfnlp.Splits, folder: Path) -> list[str]:
    """Writes what all runs read: train, valid and test as tables."""
    paths = []
    for name, rows in splits._asdict().items():
        paths.append(str(folder / f"{name}.csv"))
        with open(paths[-1], "w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, ["text", "label"])
            table.writeheader()
            for row in rows.as_numpy_iterator():
                table.writerow({key: value.decode() for key, value in row.items()})
    return paths


def measure(name: str, splits: Sequence[str], folder: Path) -> Result:
    """Runs a script in a process of its own.

    Raises:
        TfnlpError: it failed.
    """
    print(f"{name} …", file=sys.stderr)
    words = command(name, splits, folder)
    small, peak = [sys.executable, "-c", SMALL], folder / "peak"
    start, scored = time.perf_counter(), None
    with subprocess.Popen(
        [*small, str(peak), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as run:
        assert run.stdout and run.stderr
        for line in run.stderr:
            print(line, end="", file=sys.stderr)
            if line.startswith("scored after"):
                scored = time.perf_counter() - start
        printed = run.stdout.read()
    seconds = time.perf_counter() - start
    if run.returncode:
        raise TfnlpError(
            f"Every run must end with exit code 0. Received: a failure of {name}. "
            "Its error is above."
        )
    if name in OURS:
        (report,) = (folder / name).glob("run/*/assets.extra/report.json")
        accuracy = json.loads(report.read_text("utf-8"))["scores"]["accuracy"]
    else:
        accuracy = json.loads(printed)["accuracy"]
    memory = int(peak.read_text()) * MAXRSS_UNIT
    return Result(name, accuracy, scored or seconds, seconds, memory)


def command(name: str, splits: Sequence[str], folder: Path) -> list[str]:
    """The words of a command."""
    if name in PEERS:
        script, *network = PEERS[name].split()
        return [
            sys.executable,
            str(ROOT / "benchmarks/peers" / script),
            *splits,
            *network,
        ]
    flags = ["--name", "run", "--output", str(folder / name), *OURS[name].split()]
    for split, path in zip(("train", "valid", "test"), splits, strict=True):
        flags += [f"--{split}", path]
    return [sys.executable, str(ROOT / "pipelines/text_classification.py"), *flags]


def line(result: Result) -> str:
    """A row of the Markdown table."""
    return (
        f"| {result.name} | {result.accuracy:.4f} | {result.scored:.1f} "
        f"| {result.seconds:.1f} | {result.memory / 1e9:.1f} GB |"
    )


if __name__ == "__main__":
    cli.run(main, Recipe)
