"""What a batch is to do, before anything runs it: files, columns, and who was here."""

import glob
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tfnlp.cli.io.batch import Batch, record
from tfnlp.cli.io.manifest import Counts
from tfnlp.errors import DataError, SchemaError, UsageError
from tfnlp.specs import NUMBER, TEXT


class LocalFiles:
    """Files of this machine."""

    def match(self, pattern):
        stats = {path: os.stat(path) for path in sorted(glob.glob(pattern))}
        return {path: (stat.st_size, stat.st_mtime) for path, stat in stats.items()}

    def open(self, path):
        return open(path, "rb")

    def read(self, path):
        return Path(path).read_text() if Path(path).exists() else None

    def write(self, path, text):
        Path(path).write_text(text)

    def remove(self, pattern):
        for path in glob.glob(pattern):
            os.remove(path)


@pytest.fixture
def predictor(tmp_path):
    """An artefact that takes a text, or a text and an age."""
    version = tmp_path / "demo" / "1"
    (version / "assets.extra").mkdir(parents=True)
    for name in ("saved_model.pb", "assets.extra/task.json"):
        (version / name).write_text("{}")
    forms = {"serving_default": {"text": TEXT}, "aged": {"text": TEXT, "age": NUMBER}}
    return SimpleNamespace(path=version, forms=lambda names: forms)


@pytest.fixture
def folder(tmp_path):
    for number in range(3):
        lines = "".join(f"{k},{number},so good\n" for k in range(50))
        (tmp_path / f"part-{number}.csv").write_text(f"id,age,review\n{lines}")
    return tmp_path


def batch(folder, **options):
    given = {"input": (f"{folder}/part-*.csv",), "column": ("text=review",)}
    given |= {"answers": f"{folder}/answers", "shards": 4}
    return Batch(artefact="demo", **given | options)


def test_files_are_shared_out_to_as_many_as_are_wanted(folder, predictor):
    plan = batch(folder).plan(predictor, LocalFiles())
    assert len(plan.shards) == 4 and all(plan.shards)
    sizes = [path.stat().st_size for path in folder.glob("part-*.csv")]
    assert plan.size(range(4)) == sum(sizes)
    assert plan.numbers == {}


def test_small_files_go_into_one(folder, predictor):
    assert len(batch(folder, shards=None).plan(predictor, LocalFiles()).shards) == 1


def test_the_columns_that_are_named_say_which_form_of_request(folder, predictor):
    columns = ("text=review", "age=age")
    plan = batch(folder, column=columns).plan(predictor, LocalFiles())
    assert plan.numbers == {"age": float}


def test_an_empty_file_among_others_is_passed_over(folder, predictor):
    (folder / "part-9.csv").touch()
    plan = batch(folder).plan(predictor, LocalFiles())
    assert f"{folder}/part-9.csv" in plan.begun["inputs"]
    paths = {each.written.path for shard in plan.shards for each in shard}
    assert len(paths) == 3


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"input": ("none-*",)}, UsageError, "Received: 'none-*', which matches none."),
        ({"column": ("text=reviw",)}, SchemaError, "Did you mean 'review'?"),
        (
            {"keep_columns": ("di",)},
            SchemaError,
            "which --keep_columns names. Received: id, age",
        ),
        ({"endpoint": "agd"}, UsageError, "Did you mean 'aged'?"),
    ],
)
def test_impossible_flags_are_errors(options, error, message, folder, predictor):
    with pytest.raises(error) as caught:
        batch(folder, **options).plan(predictor, LocalFiles())
    assert message in str(caught.value)


def test_empty_files_only_are_rejected_data(tmp_path, predictor):
    (tmp_path / "part-0.csv").touch()
    with pytest.raises(DataError, match="with empty files only"):
        batch(tmp_path).plan(predictor, LocalFiles())


def test_a_run_resumes_after_its_finished_shards(folder, predictor):
    files, run = LocalFiles(), batch(folder)
    plan = run.plan(predictor, files)
    begun = run.manifest(plan, files)
    files.write(run.place, begun.and_finished({2: Counts(1, 1, 0, 0.1)}).to_json())
    again = batch(folder).plan(predictor, files)
    assert run.manifest(again, files).left() == [0, 1, 3]


@pytest.mark.parametrize("change", ["input", "artefact", "flag"])
def test_another_run_is_refused_unless_it_is_overwritten(change, folder, predictor):
    files, run = LocalFiles(), batch(folder)
    run.manifest(run.plan(predictor, files), files)
    if change == "input":
        (folder / "part-1.csv").write_text("id,age,review\n1,2,changed\n")
    if change == "artefact":
        (predictor.path / "saved_model.pb").write_text("other")
    other = {"keep_columns": ("id",)} if change == "flag" else {}
    plan = batch(folder, **other).plan(predictor, files)
    with pytest.raises(
        UsageError, match="A run resumes with the flags, files and artefact"
    ):
        batch(folder, **other).manifest(plan, files)
    again = batch(folder, **other, overwrite=True)
    assert again.manifest(plan, files).left() == [0, 1, 2, 3]


def test_answers_without_a_manifest_are_not_mixed_with(folder, predictor):
    (folder / "answers-00000-of-00001.jsonl").touch()
    run, files = batch(folder), LocalFiles()
    with pytest.raises(UsageError, match="of a run without a manifest"):
        run.manifest(run.plan(predictor, files), files)


def test_too_many_rows_without_an_answer_are_rejected_data(folder):
    batch(folder, max_rejected=0.1).check(Counts(rows=10, answered=9, rejected=1))
    with pytest.raises(DataError, match=r"Received: 2 of 10. .*rejected-\*.jsonl says"):
        batch(folder, max_rejected=0.1).check(Counts(10, 8, 2))


def test_rejected_rows_stand_beside_the_answers():
    names = {"artefact": "demo", "input": ("a",)}
    assert Batch(**names, answers="out/answers").side == "out/rejected"
    assert Batch(**names, answers="answers").side == "rejected"
    assert Batch(**names, answers="gs://b/a", rejected="gs://b/c").side == "gs://b/c"


def test_only_the_columns_that_are_kept_are_written():
    row = {"id": 1, "text": "so", "label": None}
    answer = {"label": "good", "score": 0.5}
    assert record(row, answer, ["id", "date"]) == {"id": 1, **answer}
    assert record(row, answer, None) == {
        "id": 1,
        "text": "so",
        "given_label": None,
        **answer,
    }
