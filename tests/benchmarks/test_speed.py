"""The two benchmarks of speed: what they count and how they show it."""

import re

import pytest

import tfnlp
from tfnlp import cli
from tfnlp.errors import UsageError


def test_texts_are_repeated_until_there_are_enough_bytes(script):
    text = script("benchmarks/text.py")
    found = list(text.repeated(["four", "five"], 25e-6, batch_size=3))
    odd, even = ["four", "five", "four"], ["five", "four", "five"]
    assert found == [odd, even, odd]


@pytest.mark.slow
def test_every_vectorizer_takes_a_batch(script):
    text = script("benchmarks/text.py")
    vectorizer = tfnlp.Vectorizer.from_texts(
        ["a fine film"], ngrams=2, sequence_length=8
    )
    encoders = text.encoders(vectorizer)
    speeds = text.megabytes_a_second(encoders, [["a film"]], passes=1)
    assert next(iter(speeds)) == text.PEER and min(speeds.values()) > 0


@pytest.mark.parametrize("path", ["benchmarks/text.py", "benchmarks/training.py"])
def test_the_ratio_is_to_the_peer(script, path):
    module = script(path)
    table = module.table({module.PEER: 2.0, "ours": 5.0})
    assert table.splitlines()[-1] == "| ours | 5.00 | 2.50 |"


def test_the_first_epoch_is_not_counted(script):
    clock = script("benchmarks/training.py").EpochSeconds()
    clock.starts, clock.ends = [0.0, 10.0, 20.0], [1.0, 14.0, 23.0]
    assert clock.fastest == 3.0


def test_one_epoch_alone_cannot_be_measured(script):
    training = script("benchmarks/training.py")
    with pytest.raises(UsageError, match="--epochs is 2 or more"):
        training.main(cli.parse(training.Recipe, ["--epochs", "1"]))


@pytest.mark.slow
def test_both_pipelines_give_all_rows(script, films, tmp_path):
    pipeline, path = script("benchmarks/input_pipeline.py"), tmp_path / "films.csv"
    recipe = cli.parse(pipeline.Recipe, ["--batch_size", "7"])
    rows = tfnlp.read(films, {"text": "text", "label": "label"})
    assert pipeline.write(rows, path)[0] == 80
    task = tfnlp.Classification.from_rows(rows)
    for begin in (pipeline.of_tfnlp, pipeline.of_keras):
        batches = iter(begin(recipe, task, path))
        sizes = [len(next(batches)[1]) for _ in range(12)]
        assert sum(sizes) == 80


def test_speeds_of_pipelines_are_shown_with_their_ratios(script):
    pipeline = script("benchmarks/input_pipeline.py")
    table = pipeline.table({pipeline.PEER: [2.0, 10.0], pipeline.OURS: [5.0, 5.0]})
    assert table.splitlines()[-1] == "| tfnlp | 5.0 | 2.50 | 5.0 | 0.50 |"


@pytest.mark.slow
def test_a_profile_tells_the_operations_of_a_step(script, films, capsys):
    profile = script("benchmarks/step_profile.py")
    words = [
        "--train",
        str(films),
        "--encoder",
        "cnn",
        "--hidden_dim",
        "6",
        "--steps",
        "1",
    ]
    profile.main(cli.parse(profile.Recipe, [*words, "--most", "100"]))
    output = capsys.readouterr().out
    assert re.search(r"\| \w*Conv2D \|", output)  # oneDNN has names of its own
    assert "| ResourceGather |" in output
