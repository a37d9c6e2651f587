"""What pipelines/tagging.py says of bad files: exit 3, or a warning and an artefact."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

import tfnlp
from tfnlp import cli

SCRIPT = Path(__file__).parents[2] / "pipelines" / "tagging.py"

spec = importlib.util.spec_from_file_location("pipeline_tagging_bad_input", SCRIPT)
script = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = script  # the flags are read out of its source
spec.loader.exec_module(script)


def run(folder, files, *flags):
    """Runs the script on files by name; the train file is every split it lacks."""
    for name, content in files.items():
        (folder / name).write_bytes(content.encode())
    train, *_ = files
    words = ["--output", str(folder), *flags]
    for split in ("train", "valid", "test"):
        given = [name for name in files if name.startswith(split)]
        words += [f"--{split}", str(folder / (given or [train])[0])]
    with pytest.raises(SystemExit) as stop:
        cli.run(script.main, script.Recipe, words)
    return stop.value.code


def lines(*objects):
    return "".join(json.dumps(each) + "\n" for each in objects)


GOOD = "Ann B-PER\nleft O\n\n"
OUTSIDE = {"text": "Ann left", "label": [[0, 3, "PER"], [4, 80, "ORG"]]}
BACKWARDS = {"text": "Ann left", "label": [[3, 0, "PER"]]}
TAGS_ALONE = {"tokens": [], "tags": ["B-PER"]}
REFUSED = {
    "ragged": ("train.txt", GOOD + "Bob NNP B-PER\n", r"line 4 with 3 columns"),
    "short line": ("train.txt", GOOD + "Bob\n", r"line 4 with 1 column,"),
    "no word": ("train.txt", "Ann\tB-PER\n\tO\n", r"line 2 with an empty column"),
    "no words": ("train.jsonl", lines(TAGS_ALONE), r"0 words and 1 tag"),
    "one column": ("train.txt", "Ann\nleft\n\nBob\n", r"train\.txt with one column"),
    "two schemes": ("train.txt", GOOD + "Jo M-X\n\nYo I-X\n", r"lines 4 and 6, .*two"),
    "mixed ends": ("train.txt", GOOD * 9 + "Bob S-PER\n", r"spans end as in BIO"),
    "no such span": ("train.jsonl", lines(OUTSIDE), r"inside of its text.*line 1.*80"),
    "negative span": ("train.jsonl", lines(BACKWARDS), r"inside of its text.*line 1"),
    "no sentence": ("train.txt", "-DOCSTART- -X- O\r\n\r\n", r"train\.txt, which has"),
    "empty file": ("train.txt", "", r"train\.txt"),
    "words only": ("train.jsonl", lines({"tokens": ["Ann"]}), r"no column 'tags'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_learnt_from_ends_with_exit_3(
    case, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(
        "tfnlp.recipes.training_run.dry_run", lambda *_: None
    )  # seconds a case
    name, content, message = REFUSED[case]

    code = run(tmp_path, {name: content})

    said = capsys.readouterr().err
    assert code == 3, said
    last = said.strip().splitlines()[-1]
    assert re.search(message, last) and "Received" in last, last
    assert not (tmp_path / "tagging").exists()


def test_an_empty_list_of_phrases_ends_before_a_file_is_read(tmp_path, capsys):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "city.txt").write_text("\n")
    lists = str(tmp_path / "lists")
    assert run(tmp_path, {"train.txt": ""}, "--gazetteers", lists) == 3
    assert re.search(r"city\.txt, which has none", capsys.readouterr().err)


TRAIN = (GOOD + "Ann\u200b B-PER\nsaw O\nYork I-LOC\n\n") * 4
VALID = lines({"tokens": ["Ann"], "tags": ["B-PER"]}, {"tokens": [], "tags": []})
TEST = "Ann B-PER\nsaw O\n" * 2_500 + "\nBonn B-NEW\nleft O\n"


@pytest.mark.slow
def test_what_can_be_mended_is_told_and_every_word_is_answered(tmp_path, capsys):
    files = {"train.txt": TRAIN.replace("\n", "\r\n"), "valid.jsonl": VALID}
    small = [
        "--encoder",
        "cnn",
        "--encoder.hidden_dim",
        "9",
        "--character_filters",
        "4",
    ]
    (tmp_path / "phrases.tsv").write_text("York\tcity\n")
    small += [
        "--gazetteers",
        str(tmp_path / "phrases.tsv"),
        "--character_encoder",
        "rnn",
    ]

    code = run(tmp_path, {**files, "test.txt": TEST}, *small, "--training.epochs", "1")

    said = capsys.readouterr().err
    assert code == 0, said
    for message in (
        "4 tags do not fit BIO: 4 × I-LOC → B-LOC",
        "4 words hold characters of zero width",
        "empty|no words",
        "NEW",
    ):
        assert re.search(message, said), (message, said)
    tagger = tfnlp.load(tmp_path / "tagging")
    assert not any("\r" in word for word in tagger.task.words.vocabulary)
    (answer,) = tagger.predict([" ".join(["Ann"] * 5_000)])
    assert len(answer["tags"]) == 5_000 and all(answer["tags"])
