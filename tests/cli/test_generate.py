"""`tfnlp generate`: prompts in, texts out, one after the other or as they are made."""

import io
import json
import sys

import keras
import pytest

import tfnlp
from tfnlp.cli import console
from tfnlp.data.rows import from_list
from tfnlp.networks.transformer_decoder import TransformerDecoder
from tfnlp.tasks.language_model import LanguageModel


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    """An untrained language model of five letters."""
    keras.utils.set_random_seed(0)
    task = LanguageModel.from_rows(from_list([{"text": "abc é"}]), split="characters")
    decoder = TransformerDecoder(task.pieces.size, width=8, heads=2, depth=1)
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
    ],
)
def test_an_option_that_cannot_be_is_told(artefact, capsys, words, message):
    assert call("generate", artefact, "--prompt", "a", *words) == 2
    assert message in capsys.readouterr().err


def test_a_wrong_option_of_a_request_is_an_error_of_the_request(loaded):
    with pytest.raises(tfnlp.errors.RequestError, match="top_p must be above 0"):
        loaded.predict([{"prompt": "a", "top_p": 0.0}])
