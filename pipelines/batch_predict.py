"""Batch prediction on Apache Beam (RunInference): sharded files in, sharded out.

    python pipelines/batch_predict.py --artefact saved_models/demo \\
        --input 'data/part-*.jsonl' --answers out/answers --column text=review

Files are JSON lines, tables (quoted fields may hold newlines) or plain lines, gzip
too. Each row is written with its columns and its answer to out/answers-00000-of-00008
.jsonl and so on, rows without an answer to out/rejected-… with file, byte and reason.
A run that was killed resumes when it is started again with the same flags: shards that
out/answers.manifest.json lists as finished are not answered again. Other runners:
`--runner FlinkRunner --beam flink_master=host:8081 environment_type=LOOPBACK`, where
each worker has tfnlp and the artefact. Needs the extra `beam`.
"""

from __future__ import annotations  # TensorFlow loads when it is needed

import contextlib
import json
import logging
import os
import time
from dataclasses import dataclass

import tfnlp
from tfnlp import cli

HERE = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
COUNTED = "tfnlp.batch"


@dataclass(frozen=True, kw_only=True)
class Recipe(cli.Batch):
    """Predicts for many files with an artefact, on this machine or on a cluster."""

    runner: str = "DirectRunner"  # of Beam: FlinkRunner, SparkRunner, DataflowRunner …
    beam: tuple[str, ...] = ()  # options of the runner: NAME=VALUE, or NAME alone
    at_once: int | None = None  # shards per pipeline; default: 1 here, else all

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.at_once is not None and self.at_once < 1:
            raise tfnlp.errors.UsageError(
                f"at_once must be 1 or more. Received: {self.at_once}."
            )


@contextlib.contextmanager
def quiet_beam():
    """Hides Apache Beam's warnings about itself; -v shows them."""
    root = logging.getLogger()
    before = root.level
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") != "0":
        root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)


@quiet_beam()
def main(recipe: Recipe) -> cli.Counts:
    """Plans shards, answers the unfinished ones, and prints the counts."""
    predictor = tfnlp.load(recipe.artefact)
    files, handler_of = beam_classes()
    plan = recipe.plan(predictor, files)
    manifest = recipe.manifest(plan, files)
    handler = handler_of(
        predictor.path, batch_size=recipe.batch_size, endpoint=recipe.endpoint
    )
    left = manifest.left()
    for begun in (recipe.answers, recipe.side):
        files.remove_unfinished(begun)
    size = recipe.at_once or (1 if recipe.runner == "DirectRunner" else len(left) or 1)
    with cli.Progress(plan.size(left), quiet=recipe.quiet) as progress:
        for start in range(0, len(left), size):
            shards = left[start : start + size]
            manifest = manifest.and_finished(run(recipe, plan, shards, handler, files))
            files.write(recipe.place, manifest.to_json())
            rows = sum(manifest.finished[shard].rows for shard in shards)
            progress.add(rows, done=progress.done + plan.size(shards))
    counts = manifest.total()
    print(counts.table())
    recipe.check(counts)
    return counts


def beam_classes():
    """The file system and the model handler, which import Apache Beam."""
    try:
        from tfnlp.serving.beam.file_systems import BeamFiles
        from tfnlp.serving.beam.model_handler import ArtefactHandler
    except ImportError as error:
        raise tfnlp.errors.TfnlpError(
            f"A batch runs on Apache Beam. Received: {error}. "
            "Install it with: pip install 'tfnlp[beam]'"
        ) from error
    return BeamFiles(), ArtefactHandler


def run(recipe: Recipe, plan, shards: list[int], handler, files):
    """Answers some shards with one pipeline; returns the counts of each."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    runner = HERE if recipe.runner == "DirectRunner" else recipe.runner
    options = PipelineOptions([f"--{word}" for word in recipe.beam], runner=runner)
    start = time.perf_counter()
    pipeline = beam.Pipeline(options=options)
    connect(pipeline, recipe, plan, shards, handler, files)
    result = pipeline.run()
    state = result.wait_until_finish()
    if state != "DONE":
        raise tfnlp.errors.TfnlpError(
            f"A pipeline ends with DONE. Received: {state} from {recipe.runner}. Look "
            "at its log; finished shards are kept, and the same flags resume there."
        )
    return counted(result, shards, time.perf_counter() - start)


def connect(pipeline, recipe: Recipe, plan, shards: list[int], handler, files) -> None:
    """Builds the pipeline: portions of files, rows, answers, lines, files."""
    import apache_beam as beam
    from apache_beam.ml.inference.base import KeyedModelHandler, RunInference

    tagged, count = beam.pvalue.TaggedOutput, beam.metrics.Metrics.counter
    opened, numbers = files.open, plan.numbers
    keep, places = recipe.keep_columns, recipe.places

    def read(shard, portion):
        """Rows as ((shard, row), request)."""
        for row in cli.read_portion(portion, opened, numbers):
            if isinstance(row, cli.Row):
                yield (shard, row), row.request
            else:
                yield tagged("rejected", (shard, row))

    def to_line(known, answer):
        """Answers as lines; rows that the artefact refuses are rejected."""
        shard, row = known
        if not isinstance(answer, dict):
            text = json.dumps(row.columns, ensure_ascii=False)
            place = cli.Rejected(row.path, row.offset, text, answer.reason)
            return [tagged("rejected", (shard, place))]
        place = {"file": row.path, "offset": row.offset} if places else {}
        count(COUNTED, f"answered {shard}").inc()
        return [(shard, line(cli.record({**row.columns, **place}, answer, keep)))]

    def reject(shard, row):
        count(COUNTED, f"rejected {shard}").inc()
        place = {"file": row.path, "offset": row.offset}
        return shard, line({**place, "text": row.text, "reason": row.reason})

    portions = [(shard, each) for shard in shards for each in plan.shards[shard]]
    rows = (
        pipeline
        | "portions" >> beam.Create(portions)
        | "spread" >> beam.Reshuffle()
        | "read" >> beam.FlatMapTuple(read).with_outputs("rejected", main="rows")
    )
    answered = (
        rows.rows
        | "answer" >> RunInference(KeyedModelHandler(handler))
        | "to lines"
        >> beam.FlatMapTuple(to_line).with_outputs("rejected", main="lines")
    )
    rejected = (
        (rows.rejected, answered.rejected)
        | "all rejected" >> beam.Flatten()
        | "reject" >> beam.MapTuple(reject)
    )
    for lines, start in ((answered.lines, recipe.answers), (rejected, recipe.side)):
        parted = lines | f"part {start}" >> beam.Partition(
            lambda pair, _: shards.index(pair[0]), len(shards)
        )
        for shard, part in zip(shards, parted, strict=True):
            name = recipe.file(start, shard, plan)
            _ = (
                part
                | f"lines of {name}" >> beam.Values()
                | f"write {name}"
                >> beam.io.WriteToText(
                    name,
                    ".jsonl",
                    shard_name_template="",
                    skip_if_empty=start == recipe.side,
                )
            )


def line(values: dict) -> bytes:
    """JSON in UTF-8, not escaped."""
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "replace")


def counted(result, shards: list[int], seconds: float) -> dict[int, cli.Counts]:
    """The counts of each shard, from the counters of a pipeline."""
    from apache_beam.metrics import MetricsFilter

    selected = MetricsFilter().with_namespace(COUNTED)
    counters = result.metrics().query(selected)["counters"]
    found = {each.key.metric.name: each.result or 0 for each in counters}
    counts = {}
    for shard in shards:
        answered = found.get(f"answered {shard}", 0)
        rejected = found.get(f"rejected {shard}", 0)
        took = seconds / len(shards)
        counts[shard] = cli.Counts(answered + rejected, answered, rejected, took)
    return counts


if __name__ == "__main__":
    cli.run(main, Recipe)
