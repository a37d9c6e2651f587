"""Files in, files of answers out: each row once, also where a run was killed."""

import gzip
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tfnlp
from tfnlp.data.readers import from_list
from tfnlp.errors import ArtefactError, DataError, SchemaError, UsageError
from tfnlp.export.savedmodel.artefact import export

pytest.importorskip("apache_beam", reason="needs the extra `beam`")

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "pipelines" / "batch_predict.py"
WORDS = ["fine", "great", "dull", "flat"]

spec = importlib.util.spec_from_file_location("batch_predict", SCRIPT)
script = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = script  # the flags are read out of its source
spec.loader.exec_module(script)


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    """An untrained classifier."""
    pairs = [
        (f"a {word} film", "pos" if word in WORDS[:2] else "neg") for word in WORDS
    ]
    rows = from_list([{"text": text, "label": label} for text, label in pairs])
    task = tfnlp.Classification.from_rows(rows, sequence_length=8)
    network = task.network(tfnlp.bow.encoder(len(task.text.vocabulary), hidden_dim=4))
    return export(task, network, "tiny", output=tmp_path_factory.mktemp("saved"))


def reviews(folder, *, files=3, rows=20):
    """JSON lines with an id, over all files counted."""
    folder.mkdir(exist_ok=True)
    for file in range(files):
        lines = [
            {"id": file * rows + n, "review": f"a {WORDS[n % 4]} film number {n}"}
            for n in range(rows)
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"part-{file}.jsonl").write_text(text)
    return f"{folder}/part-*.jsonl"


def recipe(folder, artefact, **options):
    given = {"input": (f"{folder}/in/part-*.jsonl",), "column": ("text=review",)}
    given |= {"answers": f"{folder}/out/answers", "shards": 2, "quiet": True}
    return script.Recipe(artefact=str(artefact), **given | options)


def written(folder, start="answers"):
    """The rows of all files, in their order."""
    return lines_of((folder / "out").glob(f"{start}-*-of-*.jsonl"))


def lines_of(files):
    """The rows of JSON lines, in the order of the names of their files."""
    texts = [file.read_text().split("\n")[:-1] for file in sorted(files)]
    return [json.loads(line) for text in texts for line in text]


@pytest.fixture
def folder(tmp_path):
    reviews(tmp_path / "in")
    return tmp_path


@pytest.mark.slow
def test_each_row_is_written_once_with_its_columns_and_its_answer(
    folder, artefact, capsys
):
    counts = script.main(recipe(folder, artefact))
    rows = written(folder)
    assert [row["id"] for row in rows] == list(range(60))
    assert (counts.rows, counts.answered, counts.rejected) == (60, 60, 0)
    predicted = tfnlp.load(artefact).predict([row["review"] for row in rows])
    for row, answer in zip(rows, predicted, strict=True):
        assert row["label"] == answer["label"]
        assert row["probabilities"] == pytest.approx(answer["probabilities"], rel=1e-5)
    names = sorted(path.name for path in (folder / "out").iterdir())
    shards = [f"answers-0000{k}-of-00002.jsonl" for k in range(2)]
    assert names == [*shards, "answers.manifest.json"]
    assert capsys.readouterr().out.split()[:5] == [
        *("rows", "answered", "rejected", "seconds", "rows/s")
    ]


@pytest.mark.slow
def test_files_of_every_form_have_the_same_answers(folder, artefact):
    texts = [row["review"] for row in lines_of((folder / "in").glob("*"))]
    quoted = "\n".join(f'{n},"{text},\nquoted"' for n, text in enumerate(texts))
    (folder / "in" / "table.csv").write_text(f"id,review\n{quoted}\n")
    packed = gzip.compress("\n".join(texts).encode())
    (folder / "in" / "lines.txt.gz").write_bytes(packed)
    table = recipe(
        folder, artefact, input=(f"{folder}/in/table.csv",), keep_columns=("id",)
    )
    script.main(table)
    rows = written(folder)
    assert [row["id"] for row in rows] == [str(n) for n in range(60)]
    assert "review" not in rows[0]
    lines = recipe(
        folder,
        artefact,
        input=(f"{folder}/in/lines.txt.gz",),
        column=(),
        answers=f"{folder}/out/lines",
        places=True,
        at_once=2,
    )
    script.main(lines)
    found = written(folder, "lines")
    assert [row["text"] for row in found] == texts
    assert found[1]["offset"] == len(texts[0]) + 1


@pytest.mark.slow
def test_rows_without_an_answer_stand_aside_and_end_with_3(folder, artefact, capsys):
    with (folder / "in" / "part-1.jsonl").open("a") as file:
        file.write('half\n{"id": 99, "reveiw": "so"}\n')
    with pytest.raises(DataError, match="Received: 2 of 62"):
        script.main(recipe(folder, artefact))
    odd = written(folder, "rejected")
    assert [Path(row["file"]).name for row in odd] == ["part-1.jsonl"] * 2
    assert odd[0]["text"] == "half" and "no JSON" in odd[0]["reason"]
    assert "Did you mean 'reveiw'?" in odd[1]["reason"]
    content = (folder / "in" / "part-1.jsonl").read_bytes()
    assert content[odd[1]["offset"] :].startswith(b'{"id": 99')
    assert len(written(folder)) == 60
    counts = script.main(recipe(folder, artefact, max_rejected=0.1))
    assert (counts.rows, counts.rejected) == (62, 2)


@pytest.mark.slow
def test_what_is_finished_is_not_answered_again(folder, artefact, monkeypatch):
    script.main(recipe(folder, artefact))
    before = written(folder)
    manifest = folder / "out" / "answers.manifest.json"
    found = json.loads(manifest.read_text())
    del found["finished"]["1"]  # as if killed between the file and the manifest
    manifest.write_text(json.dumps(found))
    run, answered = script.run, []

    def noted(recipe, plan, shards, *others):
        answered.extend(shards)
        return run(recipe, plan, shards, *others)

    monkeypatch.setattr(script, "run", noted)
    counts = script.main(recipe(folder, artefact))
    assert (answered, counts.rows) == ([1], 60)
    assert [row["id"] for row in written(folder)] == [row["id"] for row in before]


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on(tmp_path, artefact):
    reviews(tmp_path / "in", files=4, rows=1000)
    options = {"shards": 8, "batch_size": 8}
    words = ["--artefact", str(artefact), "--input", f"{tmp_path}/in/part-*.jsonl"]
    words += ["--answers", f"{tmp_path}/out/answers", "--column", "text=review"]
    words += [f"--{name}={value}" for name, value in options.items()]
    manifest = tmp_path / "out" / "answers.manifest.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), *words], cwd=tmp_path, env=environment
    ) as process:
        while len(finished(manifest)) < 2 and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    before = finished(manifest)
    kept = {shard: stamp(tmp_path, shard) for shard in before}
    assert 2 <= len(before) < 8
    counts = script.main(recipe(tmp_path, artefact, **options))
    assert {shard: stamp(tmp_path, shard) for shard in before} == kept
    assert counts.rows == 4000
    assert sorted(row["id"] for row in written(tmp_path)) == list(range(4000))
    assert not list((tmp_path / "out").glob("beam-temp-*"))


def finished(manifest):
    return json.loads(manifest.read_text())["finished"] if manifest.exists() else {}


def stamp(folder, shard):
    """When a file of answers was written."""
    (file,) = (folder / "out").glob(f"answers-{int(shard):05d}-of-*.jsonl")
    return file.stat().st_mtime_ns


@pytest.mark.slow
def test_another_run_is_not_mixed_with_the_first(folder, artefact):
    script.main(recipe(folder, artefact))
    other = recipe(
        folder, artefact, column=("text=id+review",), keep_columns=("review",)
    )
    with pytest.raises(UsageError, match=r"Received: --column \[\"text=id\+review\"\]"):
        script.main(other)
    (folder / "out" / "answers.manifest.json").unlink()
    with pytest.raises(UsageError, match="of a run without a manifest"):
        script.main(recipe(folder, artefact))
    script.main(recipe(folder, artefact, shards=1, overwrite=True))
    assert len(list((folder / "out").glob("answers-*.jsonl"))) == 1
    assert len(written(folder)) == 60


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"input": ("none-*.csv",)}, UsageError, "'none-*.csv', which matches none."),
        ({"column": ("text=reveiw",)}, SchemaError, "Did you mean 'review'?"),
        ({"column": ("txt=review",)}, UsageError, "Did you mean 'text'?"),
        (
            {"keep_columns": ("idd",)},
            SchemaError,
            "no column 'idd', which --keep_columns names.",
        ),
        ({"endpoint": "none"}, UsageError, "--endpoint must be one of serving_def"),
        ({"artefact": "nowhere"}, ArtefactError, "Received: nowhere, which does not"),
    ],
    ids=["pattern", "column", "field", "keep", "endpoint", "artefact"],
)
def test_wrong_flags_are_refused_before_anything_is_written(
    options, error, message, folder, artefact
):
    with pytest.raises(error) as caught:
        script.main(recipe(folder, **{"artefact": artefact} | options))
    assert message in str(caught.value)
    assert not (folder / "out").exists()


def test_empty_files_are_an_error(tmp_path, artefact):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "part-0.jsonl").touch()
    with pytest.raises(DataError, match="with empty files only"):
        script.main(recipe(tmp_path, artefact))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be 1 or more. Received: 0."),
        ({"shards": 0}, "shards must be 1 or more. Received: 0."),
        ({"at_once": 0}, "at_once must be 1 or more. Received: 0."),
        ({"max_rejected": 2.0}, "max_rejected is a share, 0 to 1. Received: 2.0."),
    ],
)
def test_a_wrong_flag_is_refused(options, message, tmp_path):
    with pytest.raises(UsageError) as caught:
        recipe(tmp_path, "nowhere", **options)
    assert message in str(caught.value)


def test_answers_are_no_input_of_the_same_batch(folder, artefact):
    both = recipe(folder, artefact, answers=f"{folder}/in/part")
    with pytest.raises(UsageError, match="Answers are no input of the same batch"):
        script.main(both)
