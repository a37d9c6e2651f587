"""Every set with every encoder against TF-IDF and a linear SVM, as one table.

    python benchmarks/classification.py --sets all --encoders bow,cnn,rnn,transformer

Each figure is that of a whole run of `pipelines/text_classification.py` with its
defaults. Finished runs are kept in --output, one line of JSON each: an interrupted
benchmark resumes, and runs with other flags are measured again. Without flags it takes
the built-in reviews and the fastest encoder.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tfnlp import cli
from tfnlp.errors import DataError, TfnlpError, UsageError, nearest

ROOT = Path(__file__).resolve().parent.parent
BASELINE = "baseline"
ENCODERS = ("bow", "cnn", "rnn", "transformer")
SETS = {
    "ag_news": (
        "--train {data}/ag_news/train_subset.csv.gz --text 2"
        " --test {data}/ag_news/test.csv.gz --test_text 2+3 --label 1"
    ),
    "chnsenticorp_zh": (
        "--train {data}/chnsenticorp_zh/train.tsv.gz"
        " --valid {data}/chnsenticorp_zh/dev.tsv.gz"
        " --test {data}/chnsenticorp_zh/test.tsv.gz --text text_a --label label"
    ),
    "davidson_hate_speech": (
        "--train {data}/davidson_hate_speech/labeled_data.csv.gz"
        " --text tweet --label class"
    ),
    "goemotions": (
        "--train {data}/goemotions/train.tsv.gz --valid {data}/goemotions/dev.tsv.gz"
        " --test {data}/goemotions/test.tsv.gz --text 1 --label 2 --multi_label"
    ),
    "imdb": (
        "--train {data}/imdb/train.csv.gz --test {data}/imdb/test.csv.gz"
        " --text text --label label"
    ),
    "mrpc": (
        "--train {data}/mrpc/msr-para-train.tsv.gz"
        " --valid {data}/mrpc/msr-para-val.tsv.gz"
        " --test {data}/mrpc/msr-para-test.tsv.gz"
        " --text '#1 String' --text_pair '#2 String' --label Quality"
    ),
    "rotten_tomatoes": "--train rotten_tomatoes",
    "sst2": (
        "--train {data}/sst2/train.tsv --valid {data}/sst2/dev.tsv"
        " --test {data}/sst2/test.tsv --text 1 --label 2"
    ),
    "thucnews_titles_zh": (
        "--train {data}/thucnews_titles_zh/dev.txt.gz"
        " --test {data}/thucnews_titles_zh/test.txt.gz"
        " --text 1 --label 2 --format csv"
    ),
    "twitter_airline": (
        "--train {data}/twitter_airline/Tweets.csv.gz"
        " --text text --label airline_sentiment"
    ),
}
"""Set → flags of the pipeline and of the baseline."""
CHARACTERS = "--tokenizer characters --ngrams 3"
OPTIONS = {
    ("chnsenticorp_zh", None): CHARACTERS,
    ("chnsenticorp_zh", "bow"): "--nb_prior.per_term --nb_prior.scale 0.3",
    ("mrpc", None): "--symmetric",
    ("mrpc", "bow"): "--ngrams 1",
    ("thucnews_titles_zh", None): CHARACTERS,
    ("thucnews_titles_zh", "bow"): (
        "--nb_prior.scale 0.3 --dropout 0 --word_dropout 0 --label_smoothing 0.1"
        " --training.batch_size 32"
    ),
}
"""(Set, encoder or None for all) → more flags, chosen on validation rows.

The baseline has its own choices: see `benchmarks/baseline.py`.
"""
COMPARED = {"goemotions": "f1_macro"}
"""The score that decides, where it is not accuracy."""
REPORTED = ("accuracy", "f1_macro", "f1_micro")
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Compares encoders with TF-IDF and a linear SVM."""

    sets: tuple[str, ...] = ("rotten_tomatoes",)  # names out of SETS, or all
    encoders: tuple[Literal["bow", "cnn", "rnn", "transformer"], ...] = ("bow",)
    data: str | None = None  # folder; default: $TFNLP_SHARED_DATA, ../shared/data
    output: str = "runs/classification.jsonl"  # where finished runs are kept
    flags: str = ""  # more for the pipeline: --flags="--training.epochs 1"


class Run(NamedTuple):
    """One figure to measure; equal runs are not measured twice."""

    set: str
    model: str  # an encoder, or baseline
    flags: str  # `{data}` stands for the folder of data sets


@dataclass(frozen=True)
class Result:
    """What a run gave."""

    set: str
    model: str
    flags: str
    scores: Mapping[str, float]
    rows: Mapping[str, int]  # split → count
    seconds: float  # wall time of the whole process

    @property
    def run(self) -> Run:
        """What was measured."""
        return Run(self.set, self.model, self.flags)


def main(recipe: Recipe) -> None:
    """Measures what is missing, then prints the table.

    Raises:
        DataError: a set lies in a folder that does not exist.
        TfnlpError: a run failed; all others were measured.
        UsageError: there is no set of that name.
    """
    wanted = runs(recipe)
    data = folder(recipe.data)
    check_folder(data, wanted)
    output = Path(recipe.output)
    failed = [
        run for run in missing(wanted, load(output)) if not add(output, run, data)
    ]
    print(table([result for result in load(output) if result.run in wanted]))
    if failed:
        names = ", ".join(f"{run.set} with {run.model}" for run in failed)
        raise TfnlpError(
            f"Every run must end with exit code 0. Received: failures of {names}. "
            "Their errors are above; the same command tries them again."
        )


def runs(recipe: Recipe) -> list[Run]:
    """What a recipe asks for, set by set, the baseline first.

    Raises:
        UsageError: there is no set of that name.
    """
    names = sorted(SETS) if recipe.sets == ("all",) else recipe.sets
    found = []
    for name in names:
        if name not in SETS:
            raise UsageError(
                f"--sets takes all, or some of {', '.join(SETS)}. "
                f"Received: {name!r}.{nearest(name, SETS)}"
            )
        found.append(Run(name, BASELINE, SETS[name]))
        found += [
            Run(name, encoder, _flags(name, encoder, recipe.flags))
            for encoder in recipe.encoders
        ]
    return found


def _flags(name: str, encoder: str, more: str) -> str:
    own = [OPTIONS.get((name, which)) for which in (None, encoder)]
    words = [SETS[name], f"--encoder {encoder}", *own, more]
    return " ".join(filter(None, words))


def missing(wanted: Iterable[Run], results: Iterable[Result]) -> list[Run]:
    """The runs that have no result yet."""
    finished = {result.run for result in results}
    return [run for run in wanted if run not in finished]


def folder(given: str | None) -> Path:
    """Where the sets are that do not install with pip."""
    default = os.environ.get("TFNLP_SHARED_DATA", ROOT.parent / "shared" / "data")
    return Path(given or default)


def check_folder(data: Path, wanted: Iterable[Run]) -> None:
    """Finds out before the first run whether the last one has its files.

    Raises:
        DataError: a run needs the folder and it is not there.
    """
    needing = sorted({run.set for run in wanted if "{data}" in run.flags})
    if needing and not data.is_dir():
        raise DataError(
            f"The sets {', '.join(needing)} are read from a folder. "
            f"Received: {data}, which is none. Name it with --data."
        )


def add(output: Path, run: Run, data: Path) -> bool:
    """Measures one figure and keeps it; says whether that worked."""
    print(f"{run.set}: {run.model} …", file=sys.stderr)
    try:
        result = measure(run, data)
    except subprocess.CalledProcessError:
        return False
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(result)) + "\n")
    print(
        f"{run.set}: {run.model} {result.scores[score_of(run.set)]:.4f}",
        file=sys.stderr,
    )
    return True


def measure(run: Run, data: Path) -> Result:
    """Runs a script in a process of its own and collects what it found.

    Raises:
        CalledProcessError: the script failed.
    """
    words = [word.replace("{data}", str(data)) for word in shlex.split(run.flags)]
    start = time.perf_counter()
    measured = _of_baseline if run.model == BASELINE else _of_pipeline
    found = measured(words)
    return Result(
        **run._asdict(),
        scores={name: found["scores"][name] for name in REPORTED},
        rows=found["rows"],
        seconds=round(time.perf_counter() - start, 1),
    )


def load(output: Path) -> list[Result]:
    """The results kept in a file, oldest first; none if there is no file."""
    if not output.exists():
        return []
    lines = output.read_text("utf-8").splitlines()
    return [Result(**json.loads(line)) for line in lines]


def table(results: Sequence[Result]) -> str:
    """Results as a Markdown table, a line each set, the best figure bold.

    Behind a figure stand the seconds of the whole process that found it.
    """
    models = [name for name in ENCODERS if any(r.model == name for r in results)]
    head = ["set", "rows", "score", "TF-IDF + SVM", *models, "best − baseline"]
    rule = ["---", "---:", "---", *["---:"] * (len(models) + 2)]
    names = sorted({result.set for result in results})
    body = [
        _line(name, [r for r in results if r.set == name], models) for name in names
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *body))


def score_of(name: str) -> str:
    """The score that decides for a set."""
    return COMPARED.get(name, "accuracy")


def _line(name: str, results: Sequence[Result], models: Sequence[str]) -> list[str]:
    score = score_of(name)
    found = {result.model: round(result.scores[score], 4) for result in results}
    baseline = found.get(BASELINE)
    best = max((found[model] for model in models if model in found), default=None)
    ahead = "–" if None in (best, baseline) else f"{best - baseline:+.4f}"
    rows = " / ".join(f"{results[-1].rows[split]:,}" for split in SPLITS)
    seconds = {result.model: result.seconds for result in results}
    top = max(found.values())
    cells = [
        _cell(found[model], seconds[model], top) if model in found else "–"
        for model in (BASELINE, *models)
    ]
    return [name, rows, score, *cells, ahead]


def _cell(value: float, seconds: float, top: float) -> str:
    shown = f"**{value:.4f}**" if value == top else f"{value:.4f}"
    return f"{shown} ({seconds:.0f} s)"


def _of_baseline(words: Sequence[str]) -> dict[str, Any]:
    return json.loads(_output(ROOT / "benchmarks/baseline.py", words))


def _of_pipeline(words: Sequence[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as output:
        where = ["--name", "benchmark", "--output", output]
        _output(ROOT / "pipelines/text_classification.py", [*words, *where])
        (report,) = Path(output).glob("benchmark/*/assets.extra/report.json")
        return json.loads(report.read_text("utf-8"))


def _output(script: Path, words: Sequence[str]) -> str:
    """Runs a script, its progress on our standard error; returns what it prints."""
    command = [sys.executable, str(script), *words]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    ).stdout


if __name__ == "__main__":
    cli.run(main, Recipe)
