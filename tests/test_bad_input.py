"""Whatever a user gets wrong ends in one clear line, its exit code and no version."""

import errno
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest

import tfnlp
from tfnlp import cli
from tfnlp.cli import console
from tfnlp.data.readers import from_list
from tfnlp.evaluation.report import Report
from tfnlp.export.savedmodel.artefact import export

SCRIPT = Path(__file__).parents[1] / "pipelines" / "text_classification.py"
spec = importlib.util.spec_from_file_location("text_classification_script", SCRIPT)
script = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = script  # the flags are read out of its source
spec.loader.exec_module(script)

TINY = [
    "--encoder.hidden_dim",
    "32",
    "--vocabulary_size",
    "100",
    "--sequence_length",
    "8",
    "--training.epochs",
    "1",
]
GOOD = [
    (f"film number {number}", "good" if number % 2 else "bad") for number in range(30)
]
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0" + bytes(range(256)) * 8
ODD = [
    "a\x00b and \x00",
    "half \ud800 a pair \udc00",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "مرحبا بالعالم",
    "\u202eright to left",
    "電影 很好看",
    "",
]


def csv(rows, header="text,label"):
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Runs the script in an empty folder; returns exit code and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(content, *words):
        data = content.encode() if isinstance(content, str) else content
        if data is not None:
            Path("data.csv").write_bytes(data)
        with pytest.raises(SystemExit) as stop:
            cli.run(script.main, script.Recipe, ["--train", "data.csv", *TINY, *words])
        return stop.value.code, capsys.readouterr().err

    return call


def visible(folder="saved_models"):
    """Every version, complete or not, that a server would find."""
    return [path for path in deep(folder) if re.fullmatch("[^/]+/[0-9]+", path)]


def deep(folder):
    """Every path below a folder, while others make and remove some of them."""
    return [
        str((Path(top) / name).relative_to(folder))
        for top, folders, files in os.walk(folder)  # skips what has just gone
        for name in (*folders, *files)
    ]


def same_sides(name="data.csv"):
    """The file on every side, so that no split decides what is met."""
    return "--valid", name, "--test", name


REFUSED = {
    "missing file": (None, (), 3, "existing file or folder", "Received: 'data.csv'"),
    "a picture": (PNG, (), 3, "data.csv, which looks like a PNG picture"),
    "empty file": ("", (), 3, "data.csv, which is empty (0 bytes)"),
    "header only": ("text,label\n", (), 3, "at least one row", "only a header"),
    "wrong column": (
        csv(GOOD, "text,lable"),
        (),
        3,
        "no column 'label'",
        "Did you mean 'lable'?",
    ),
    "one class": (
        csv((text, "good") for text, _ in GOOD),
        (),
        3,
        "at least two classes. Received: one class only, 'good'",
    ),
    "no labels": (
        csv((text, "") for text, _ in GOOD),
        (),
        3,
        "Training needs labels. Received: ",
    ),
    "empty texts": (
        csv((" ", label) for _, label in GOOD),
        (),
        3,
        "Training needs texts. Received: 30 rows whose texts are all empty",
    ),
    "empty texts on every side": (
        csv((" ", label) for _, label in GOOD),
        same_sides(),
        3,
        "Training needs texts. Received: 30 rows whose texts are all empty",
    ),
    "too few rows": (
        csv(GOOD[:2]),
        (),
        3,
        "3 splits need 3 different texts. Received: 2 rows with 2 texts.",
    ),
    "a side without labels": (
        csv([*GOOD, ("nobody knows", "")]),
        ("--valid", "data.csv", "--test", "unlabelled.csv"),
        3,
        "The test split needs rows with a label. Received: 2 rows without one.",
    ),
    "unknown flag": (
        csv(GOOD),
        ("--trainig.epochs", "3"),
        2,
        "Did you mean --training.e",
    ),
    "flag of another place": (
        csv(GOOD),
        ("--epochs", "3"),
        2,
        "mean --training.epochs?",
    ),
    "negative epochs": (
        csv(GOOD),
        ("--training.epochs", "-1"),
        2,
        "--training.epochs must be a number, 1 or more. Received: -1.",
    ),
    "epochs in words": (
        csv(GOOD),
        ("--training.epochs", "three"),
        2,
        "--training.epochs must be int. Received: three.",
    ),
    "unknown encoder": (csv(GOOD), ("--encoder", "rn"), 2, "Did you mean 'rnn'?"),
    "empty separator": (
        csv(GOOD),
        ("--multi_label", "--label_separator="),
        2,
        "--label_separator must be one character or more",
    ),
    "odd name": (csv(GOOD), ("--name", "a/b"), 2, "A name is made of letters"),
    "file in place of the output": (
        csv(GOOD),
        ("--output", "data.csv"),
        5,
        "must be writable and have room",
        "pass another folder with --output",
    ),
}


OPTIONS = {
    ("--vocabulary_size", "0"): "Received: vocabulary_size=0. Use 3 or more",
    (
        "--sequence_length",
        "0",
    ): "sequence_length counts tokens: a whole number of 1 or more.",
    ("--ngrams", "0"): "Received: ngrams=0.",
    ("--min_frequency", "0"): "min_frequency says how often a term must occur",
    ("--character_ngrams", "5,3"): "Received: (5, 3). fastText uses (3, 6).",
    ("--stop_words", "nonsense"): "Received: 'nonsense'. Hand in the words",
    ("--standardize", "lowr"): "Received: 'lowr'. Did you mean 'lower'?",
    ("--pooling", "men"): "Option pooling must be one of attention, ends, first",
    (
        "--encoder.hidden_dim",
        "0",
    ): "Option hidden_dim must be a whole number of at least 3. Received: 0",
    ("--dropout", "2"): "Option dropout must be at least 0 and below 1. Received: 2.0",
    ("--word_dropout", "1"): "Option word_dropout must be at least 0 and below 1.",
    ("--spatial_dropout", "nan"): "Option spatial_dropout must be at least 0",
    ("--label_smoothing", "2"): "smoothing is a share of the target",
    (
        "--nb_prior.scale",
        "-1",
    ): "--nb_prior.scale must be a number, 0 or more. Received: -1.0.",
    ("--encoder", "rnn", "--encoder.cell", "foo"): "--encoder.cell must be lstm or gru",
    ("--encoder.kernel_sizes", "a"): "--encoder.kernel_sizes must be int,… or none",
    ("--encoder.l2", "much"): "--encoder.l2 must be float or none. Received: much.",
    ("--encoder.l2", "-1"): "Option l2 must be a number, 0 or more. Received: -1.0",
    ("--encoder.cell", "gru"): "The chosen encoder has no option cell. Received: --enc",
    ("--width", "9"): "--width is called --encoder.hidden_dim now.",
}


@pytest.mark.parametrize("words", OPTIONS)
def test_options_are_refused_before_a_row_is_read(words, run):
    code, shown = run(None, *words)  # there is no file at all
    assert code == 2
    assert OPTIONS[words] in shown and shown.count("\n") == 1
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "A file of word vectors must exist. Received: vectors.txt."),
        (b"a plain text of words\n", "Received: line 1 of vectors.txt: could not"),
    ],
)
def test_vectors_are_refused_before_a_row_is_read(content, message, run):
    if content is not None:
        Path("vectors.txt").write_bytes(content)
    code, shown = run(None, "--vectors", "vectors.txt")
    assert code == 3
    assert message in shown and shown.count("\n") == 1


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused(case, run):
    content, words, code, *messages = REFUSED[case]
    Path("unlabelled.csv").write_text(csv([("who", ""), ("knows", " ")]))
    found, shown = run(content, *words)
    assert found == code
    assert [message for message in messages if message not in shown] == []
    assert shown.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in shown and not Path("saved_models").exists()


@pytest.mark.usefixtures("without_parity_check")
@pytest.mark.slow
def test_rows_without_a_label_and_a_class_of_one_row_are_warned_of(run):
    rows = [*GOOD, ("the only one", "odd"), ("nobody knows", ""), ("nor here", " ")]
    code, shown = run(csv(rows), *same_sides())
    assert code == 0
    assert "warning: 1 class with one row: 'odd'." in shown
    assert "warning: 2 rows (6.1%) have no label; " in shown
    assert len(visible()) == 1


@pytest.mark.usefixtures("without_parity_check")
@pytest.mark.slow
def test_sixteen_rows_are_enough(run):
    rows = [(f"review {number}", label) for number, (_, label) in enumerate(GOOD[:16])]
    code, shown = run(csv(rows))  # by the hash alone no side would be valid
    assert code == 0
    assert "train 13, valid 1, test 2" in shown


@pytest.mark.slow
def test_odd_texts_are_learnt_and_answered(run, capsys, monkeypatch):
    texts = [*ODD, "long " * 200_000, *(text for text, _ in GOOD)]
    rows = [{"text": t, "label": "ab"[k % 2]} for k, t in enumerate(texts)]
    Path("odd.jsonl").write_text("\n".join(map(json.dumps, rows)))
    code, _ = run(None, "--train", "odd.jsonl", *same_sides("odd.jsonl"))
    answers = tfnlp.load("saved_models/text_classification").predict(texts)
    assert code == 0
    assert {answer["label"] for answer in answers} <= {"a", "b"}
    assert len(answers) == len(texts)


@pytest.mark.usefixtures("without_parity_check")
@pytest.mark.slow
def test_ten_thousand_classes_are_learnt(run):
    rows = [(f"text {number}", f"class {number}") for number in range(10_000)]
    Path("few.csv").write_text(csv(rows[:50]))
    code, shown = run(csv(rows), *same_sides("few.csv"))
    (answer,) = tfnlp.load("saved_models/text_classification").predict(["text 7"])
    assert code == 0
    assert "warning: 10,000 classes with one row: " in shown
    assert len(answer["probabilities"]) == 10_000


@pytest.mark.slow
def test_a_full_disk_leaves_no_version(run, monkeypatch):
    def full(self, folder):
        (folder / "report.json").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Report, "save", full)
    code, shown = run(csv(GOOD), *same_sides())
    assert code == 5
    assert "room for an artefact. Received: No space left on device. Nothing" in shown
    assert not Path("saved_models").exists()


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    """An untrained classifier, saved."""
    rows = from_list([{"text": text, "label": label} for text, label in GOOD])
    task = tfnlp.Classification.from_rows(rows, sequence_length=8)
    network = task.network(tfnlp.bow.encoder(len(task.text.vocabulary), hidden_dim=4))
    folder = tmp_path_factory.mktemp("saved")
    return export(task, network, "tiny", output=folder).parent


@pytest.fixture
def copy(artefact, tmp_path):
    return shutil.copytree(artefact, tmp_path / "tiny") / "1"


def call(*words):
    with pytest.raises(SystemExit) as stop:
        console.main([str(word) for word in words])
    return stop.value.code


def predict(path, capsys, *words):
    code = call("predict", path, *(words or ("--text", "a film")))
    return code, capsys.readouterr().err


def half(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("saved_model.pb", Path.unlink, "Missing: saved_model.pb."),
        (
            "variables/variables.data-00000-of-00001",
            Path.unlink,
            "Missing: variables/va",
        ),
        ("assets.extra/task.json", Path.unlink, "Missing: assets.extra/task.json."),
        ("saved_model.pb", half, "tiny/1 is damaged, lacks something"),
        ("variables/variables.data-00000-of-00001", half, "tiny/1 is damaged, lacks"),
        ("variables/variables.index", half, "tiny/1 is damaged, lacks something"),
    ],
)
def test_a_damaged_artefact_is_an_error(name, damage, message, copy, capsys):
    damage(copy / name)
    code, shown = predict(copy.parent, capsys)
    assert (code, shown.count("\n")) == (1, 1)
    assert message in shown and "Copy the whole folder again" in shown


@pytest.mark.parametrize("name", ["task.json", "model.keras"])
def test_evaluating_a_damaged_artefact_is_an_error(name, copy, tmp_path, capsys):
    half(copy / "assets.extra" / name)
    (tmp_path / "data.csv").write_text(csv(GOOD))
    assert call("evaluate", copy, "--data", tmp_path / "data.csv") == 1
    assert f"{name} is damaged, lacks something" in capsys.readouterr().err


def test_a_version_of_another_framework_is_an_error(tmp_path, capsys):
    (tmp_path / "torch" / "1").mkdir(parents=True)
    (tmp_path / "torch" / "1" / "model.pt").write_bytes(b"weights")
    code, shown = predict(tmp_path / "torch", capsys)
    assert code == 1
    assert "torch/1 is not a complete artefact of tfnlp. Missing: saved_mod" in shown


def test_a_model_that_keras_exported_is_refused(tmp_path, capsys):
    network = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
    network.export(tmp_path / "plain" / "1", verbose=False)
    code, shown = predict(tmp_path / "plain", capsys)
    assert code == 1
    assert "Missing: assets.extra/task.json. Copy the whole folder" in shown


def test_a_wrong_name_of_an_artefact_names_the_nearest(artefact, capsys):
    code, shown = predict(artefact.parent / "tinny", capsys)
    assert code == 1
    assert "does not exist. Did you mean 'tiny'?" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--txt", "a"), "Unknown flag --txt. Did you mean --text?"),
        (("--text", "a", "--batch_siz", "3"), "Did you mean --batch_size?"),
        (
            ("--text", "a", "--batch_size", "0"),
            "--batch_size must be 1 or more. Received: 0.",
        ),
    ],
)
def test_wrong_flags_of_predict_are_refused(words, message, artefact, capsys):
    code, shown = predict(artefact, capsys, *words)
    assert code == 2
    assert message in shown


@pytest.mark.slow
def test_answers_that_cannot_be_written_are_an_error(artefact):
    """/dev/full is a disk without room."""
    words = [sys.executable, "-m", "tfnlp", "predict", str(artefact), "--text", "a"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: A file or folder cannot be read or written. ")
    assert "No space left on device" in done.stderr and done.stderr.count("\n") == 1


def in_training(folder, message):
    return "epoch 2/" in message


def in_export(folder, message):
    return any(
        "/.writing-" in p and p.endswith("/saved_model.pb") for p in deep(folder)
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "moment", "epochs"),
    [
        (signal.SIGINT, in_training, 10_000),
        (signal.SIGKILL, in_training, 10_000),
        (signal.SIGINT, in_export, 1),
        (signal.SIGKILL, in_export, 1),
    ],
)
def test_an_interrupted_run_leaves_no_version(number, moment, epochs, tmp_path):
    (tmp_path / "data.csv").write_text(csv(GOOD))
    words = [sys.executable, str(SCRIPT), "--train", "data.csv", *same_sides(), *TINY]
    words += ["--training.epochs", str(epochs), "--training.patience", str(epochs)]
    folder, log = tmp_path / "saved_models", tmp_path / "stderr"
    with log.open("w") as errors:
        process = subprocess.Popen(
            words,
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            # A shell's background jobs ignore SIGINT, and so would their children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            seen = await_moment(
                process, lambda: moment(folder, log.read_text()), folder
            )
            process.send_signal(number)
            code = process.wait(timeout=120)
        finally:
            process.kill()
    assert seen == visible(folder) == []
    assert code == (130 if number == signal.SIGINT else -signal.SIGKILL)
    if number == signal.SIGINT:
        assert log.read_text().endswith("error: Interrupted.\n")
        assert not folder.exists()


def await_moment(process, reached, folder):
    """Looks at the folder until the moment comes; returns the versions it saw."""
    seen = []
    while process.poll() is None and not reached():
        seen += visible(folder)
        time.sleep(0.005)
    return seen
