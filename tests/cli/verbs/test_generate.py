"""`tfnlp generate`: prompts in, texts out, one after the other or as they are made."""

import io
import json
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfnlp
from tfnlp.cli import console
from tfnlp.cli.verbs.generate import show
from tfnlp.data.rows import from_list
from tfnlp.networks.transformer_decoder import TransformerDecoder
from tfnlp.tasks.language_model import LanguageModel


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    """An untrained language model of five letters."""
    keras.utils.set_random_seed(0)
    task = LanguageModel.from_rows(
        from_list([{"text": "abc é"}]), tokenizer="characters"
    )
    decoder = TransformerDecoder(
        task.tokenizer.vocabulary_size, hidden_dim=8, num_heads=2, num_layers=1
    )
    folder = tmp_path_factory.mktemp("saved")
    return str(tfnlp.save(task, task.network(decoder), "letters", output=folder).parent)


@pytest.fixture(autouse=True, scope="module")
def loaded(artefact):
    """Loaded once: it takes seconds."""
    predictor = tfnlp.load(artefact)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfnlp, "load", lambda path: predictor)
        yield predictor


def call(*words):
    with pytest.raises(SystemExit) as stop:
        console.main(words)
    return stop.value.code


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def reconfigure(self, **options):
        pass


ASKED = ("--max_tokens", "12", "--seed", "3")


def test_every_prompt_is_gone_on_with(artefact, capsys):
    words = ("generate", artefact, "--prompt", "ab", "c", *ASKED)
    assert call(*words) == 0
    first = capsys.readouterr().out
    texts = first.split("\n\n")
    assert texts[0].startswith("ab") and texts[1].startswith("c")
    assert len(texts[0].rstrip("\n")) == 2 + 12
    assert call(*words) == 0
    assert capsys.readouterr().out == first


def test_prompts_are_lines_of_standard_input(artefact, capsys, monkeypatch):
    assert call("generate", artefact, "--prompt", "ab", *ASKED) == 0
    expected = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.StringIO("ab\n"))
    assert call("generate", artefact, *ASKED) == 0
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("stop", ["", "a", "é"])
def test_a_terminal_shows_the_same_text(artefact, capsys, monkeypatch, stop):
    words = ("generate", artefact, "--prompt", "ab", *ASKED, "--stop", stop)
    assert call(*words) == 0
    expected = capsys.readouterr().out
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert call(*words) == 0
    assert terminal.getvalue() == expected


def test_an_empty_prompt_is_a_prompt(artefact, capsys):
    assert call("generate", artefact, "--prompt", "", *ASKED) == 0
    assert len(capsys.readouterr().out.rstrip("\n")) == 12


def test_bytes_that_are_no_text_are_shown_as_such(artefact, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\udcff\nb\n"))
    assert call("generate", artefact, *ASKED) == 0
    texts = capsys.readouterr().out.split("\n\n")
    assert texts[0].startswith("a\ufffd") and texts[1].startswith("b")


@pytest.mark.parametrize(
    ("prompt", "made", "stop", "shown"),
    [
        ("the cat", ["sits", "sits here"], "", "the cat sits here\n"),
        ("the cat", ["sits", "sits house"], "ou", "the cat sits h\n"),
        ("the cat\n", ["sits"], "", "the cat\nsits\n"),
    ],
)
def test_words_stand_apart_and_nothing_behind_a_stop_is_shown(
    monkeypatch, prompt, made, stop, shown
):
    """A token may hold a stop string and go on behind it."""

    def generate(network, inputs, *, watch):
        for text in made:
            watch(tf.constant([text]))
        last = made[-1].partition(stop)[0] if stop else made[-1]
        return {"text": tf.constant([last])}

    task = SimpleNamespace(generate=generate, tokenizer=SimpleNamespace(separator=" "))
    specs = {name: tf.TensorSpec([None], tf.string) for name in ("prompt", "stop")}
    predictor = SimpleNamespace(task=task, network=None, inputs=specs)
    monkeypatch.setattr(sys, "stdout", Terminal())
    show(predictor, {"prompt": prompt, "stop": stop})
    assert sys.stdout.getvalue() == shown


def test_predict_takes_a_prompt_and_any_option(artefact, capsys):
    assert call("predict", artefact, "--prompt", "ab", "--max_tokens", "3") == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["text"]) == 3 and answer["score"] < 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--temperature", "-1"), "temperature must be a number of at least 0"),
        (("--temperature", "nan"), "temperature must be a number of at least 0"),
        (("--top_p", "0"), "top_p must be above 0 and at most 1"),
        (("--num_beams", "99"), "num_beams must be a whole number from 1 to 8"),
        (("--max_tokens", "0"), "max_tokens must be a whole number from 1 to"),
        (("--temprature", "1"), "Did you mean --temperature"),
        (("--seed", "9" * 20), "seed must be a whole number of 64 bits"),
    ],
)
def test_an_option_that_cannot_be_is_told(artefact, capsys, words, message):
    assert call("generate", artefact, "--prompt", "a", *words) == 2
    assert message in capsys.readouterr().err


def test_a_flag_that_cannot_be_is_a_usage_error_of_predict(artefact, capsys):
    words = ("--prompt", "a", "--temperature", "-1")
    assert call("predict", artefact, *words) == 2
    assert "Received: -1. Pass temperature=0" in capsys.readouterr().err


def test_an_endpoint_can_be_asked(artefact, capsys, loaded):
    words = ("--endpoint", "score_text", "--text", "ab")
    assert call("predict", artefact, *words) == 0
    assert json.loads(capsys.readouterr().out)["length"] == 2
    assert call("predict", artefact, "--endpoint", "scoretext", "--text", "ab") == 2
    assert "Did you mean 'score_text'" in capsys.readouterr().err
    (answer,) = loaded.predict(["ab"], endpoint="score_text")
    assert answer["length"] == 2
    with pytest.raises(tfnlp.errors.UsageError, match="answers at serving_default"):
        loaded.predict(["ab"], endpoint="none")


def test_running_text_is_evaluated_whole(artefact, capsys, tmp_path):
    file = tmp_path / "play.txt"
    file.write_text("abc\nab\n" * 200, "utf-8")
    assert call("evaluate", artefact, "--data", str(file), "--json") == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert scores["bits_per_character"] == pytest.approx(
        np.log2(scores["perplexity"]), rel=1e-6
    )


def test_a_wrong_option_of_a_request_is_an_error_of_the_request(loaded):
    with pytest.raises(tfnlp.errors.RequestError, match="top_p must be above 0"):
        loaded.predict([{"prompt": "a", "top_p": 0.0}])
