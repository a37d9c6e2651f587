"""`tfnlp generate`: texts from prompts, whole or streamed from the SavedModel."""

import io
import json
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfnlp
from tfnlp.cli import console
from tfnlp.cli.verbs.generate import CHUNKS, Options, chunks, rows, show
from tfnlp.data.rows import from_list
from tfnlp.export.savedmodel.artefact import export
from tfnlp.networks.recurrent_decoder import RecurrentDecoder
from tfnlp.networks.transformer_decoder import TransformerDecoder
from tfnlp.serving.client.requests import tensor
from tfnlp.tasks.language_model import LanguageModel

load = tfnlp.load
FORMATS = Path(__file__).parents[2] / "fixtures" / "artefacts"
FORMAT_1 = FORMATS / "1" / "language_model_recurrent.tar.xz"


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
    return str(export(task, task.network(decoder), "letters", output=folder).parent)


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


REQUEST = ("--max_tokens", "12", "--seed", "3")


def test_every_prompt_is_continued(artefact, capsys):
    words = ("generate", artefact, "--prompt", "ab", "c", *REQUEST)
    assert call(*words) == 0
    first = capsys.readouterr().out
    texts = first.split("\n\n")
    assert texts[0].startswith("ab") and texts[1].startswith("c")
    assert len(texts[0].rstrip("\n")) == 2 + 12
    assert call(*words) == 0
    assert capsys.readouterr().out == first


def test_prompts_are_lines_of_standard_input(artefact, capsys, monkeypatch):
    assert call("generate", artefact, "--prompt", "ab", *REQUEST) == 0
    expected = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.StringIO("ab\n"))
    assert call("generate", artefact, *REQUEST) == 0
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("stop", ["", "a", "é"])
def test_a_terminal_shows_the_same_text(artefact, capsys, monkeypatch, stop):
    words = ("generate", artefact, "--prompt", "ab", *REQUEST, "--stop", stop)
    assert call(*words) == 0
    expected = capsys.readouterr().out
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert call(*words) == 0
    assert terminal.getvalue() == expected


def test_an_empty_prompt_is_a_prompt(artefact, capsys):
    assert call("generate", artefact, "--prompt", "", *REQUEST) == 0
    assert len(capsys.readouterr().out.rstrip("\n")) == 12


def test_bytes_that_are_no_text_are_shown_as_such(artefact, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\udcff\nb\n"))
    assert call("generate", artefact, *REQUEST) == 0
    texts = capsys.readouterr().out.split("\n\n")
    assert texts[0].startswith("a\ufffd") and texts[1].startswith("b")


@pytest.mark.parametrize(
    ("prompt", "chunks", "stop", "shown"),
    [
        ("the cat", ["sits", "sits here"], "", ["the cat", " sits", " here", "\n"]),
        ("the cat", ["sits", "sits house"], "ou", ["the cat", " si", "ts h", "\n"]),
        ("the cat\n", ["sits"], "", ["the cat\n", "sits", "\n"]),
        ("caf", ["\ufffd", "é", "é\ufffd", "élan"], "", ["caf", "é", "lan", "\n"]),
    ],
)
def test_chunks_hold_back_half_characters_and_beginnings_of_stop_strings(
    monkeypatch, prompt, chunks, stop, shown
):
    """A token may hold a stop string and more text after it."""
    texts = iter(chunks)

    def run(endpoint, request):
        text = next(texts)
        finished = text == chunks[-1]
        text = text.partition(stop)[0] if stop and finished else text
        columns = {"text": text.encode(), "finished": finished, "state_bytes": b""}
        return {name: np.array([value]) for name, value in columns.items()}

    separator = " " if prompt.startswith("the") else ""
    specs = {
        name: tf.TensorSpec([None], tf.string)
        for name in ("prompt", "stop", "state_bytes")
    } | {"chunk_tokens": tf.TensorSpec([None], tf.int32)}
    predictor = SimpleNamespace(
        task=SimpleNamespace(tokenizer=SimpleNamespace(separator=separator)),
        endpoints={CHUNKS: specs},
        run=run,
    )
    written = []
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(sys.stdout, "write", written.append)
    show(predictor, {"prompt": prompt, "stop": stop})
    assert [part for part in written if part] == shown


def recurrent(folder):
    """A predictor of an untrained recurrent language model with an end token."""
    texts = from_list([{"text": "abc é"}])
    task = LanguageModel.from_rows(texts, tokenizer="characters", ends=True)
    decoder = RecurrentDecoder(task.tokenizer.vocabulary_size, hidden_dim=8)
    version = export(task, task.network(decoder), "letters", output=folder)
    return load(version)


@pytest.mark.parametrize("form", ["attention", "recurrent"])
def test_a_streamed_text_is_the_whole_text_bit_for_bit(form, loaded, tmp_path):
    predictor = loaded if form == "attention" else recurrent(tmp_path)
    for temperature, stop, penalty in (
        (0.0, "", 1.0),
        (1.0, "", 1.3),
        (1.0, "é", 1.0),
        (1.0, "ab", 1.0),
    ):
        row = {"prompt": "ab", "temperature": temperature, "stop": stop, "seed": 5}
        row |= {"max_tokens": 20, "repetition_penalty": penalty}
        (whole,) = predictor.predict([row])
        full = {**predictor.defaults[CHUNKS], **row}
        for tokens in (1, 3, 20, 64):
            *_, (text, finished) = chunks(predictor, full, tokens=tokens)
            assert (text, finished) == (whole["text"], True)


def continued(predictor, **changed):
    """The answer to the second chunk of a text, if the request changes."""
    fields = predictor.endpoints[CHUNKS]
    row = {**predictor.defaults[CHUNKS], "prompt": "ab", "chunk_tokens": 2}

    def ask(row):
        request = {name: tensor(name, [row[name]], fields[name]) for name in fields}
        return predictor.run(CHUNKS, request)

    first = ask(row)
    return ask({**row, "state_bytes": first["state_bytes"][0], **changed})


def test_the_state_continues_where_the_last_chunk_ended(loaded):
    (whole,) = loaded.predict([{"prompt": "ab", "max_tokens": 4}])
    answer = continued(loaded)
    assert answer["text"][0].decode() == whole["text"]
    assert answer["score"][0] == np.float32(whole["score"])
    assert not answer["finished"][0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"prompt": "ba"}, "must belong to the prompt and max_tokens of the request"),
        ({"max_tokens": 9}, "must belong to the prompt and max_tokens of the request"),
        ({"state_bytes": b"x"}, "must be what the call before returned"),
        ({"chunk_tokens": 0}, "chunk_tokens must be at least 1. Received: 0"),
    ],
)
def test_a_state_of_another_request_is_refused(loaded, changed, message):
    with pytest.raises(tfnlp.errors.RequestError, match=message):
        continued(loaded, **changed)


def test_a_damaged_state_is_refused(loaded):
    row = {"prompt": "ab", "max_tokens": 6, "chunk_tokens": 3}
    (first,) = loaded.predict([row], endpoint=CHUNKS)
    for damaged in (first["state_bytes"][:-1], first["state_bytes"][:-1] + b"?"):
        with pytest.raises(tfnlp.errors.RequestError, match="what the call before ret"):
            loaded.predict([{**row, "state_bytes": damaged}])


def test_chunks_of_rows_are_bytes_and_go_back_as_they_came(loaded):
    row = {"prompt": "ab", "max_tokens": 6, "chunk_tokens": 3}
    (first,) = loaded.predict([row], endpoint=CHUNKS)
    (last,) = loaded.predict([{**row, "state_bytes": first["state_bytes"]}])
    (whole,) = loaded.predict([{"prompt": "ab", "max_tokens": 6}])
    assert (last["finished"], last["text"]) == (True, whole["text"])


def test_an_artefact_of_format_1_shows_the_whole_text(capsys, monkeypatch, tmp_path):
    """It has no signature for chunks, and other names of options."""
    with tarfile.open(FORMAT_1) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.setattr(tfnlp, "load", load)
    words = ("generate", str(tmp_path / "language_model_recurrent"), "--prompt", "the")
    words += ("--no_repeat_ngram_size", "2", *REQUEST)
    assert call(*words) == 0
    expected = capsys.readouterr()
    assert expected.err == "" and expected.out.startswith("the")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert call(*words) == 0
    assert sys.stdout.getvalue() == expected.out
    assert "has no signature generate_chunk" in capsys.readouterr().err


def test_an_artefact_of_format_1_gets_its_own_field_names():
    options = Options(artefact="plays", no_repeat_ngram_size=3)
    (row,) = rows(options, ["ab"], ["prompt", "no_repeat_ngram"])
    assert row["no_repeat_ngram"] == 3 and "no_repeat_ngram_size" not in row


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
def test_an_invalid_option_is_refused(artefact, capsys, words, message):
    assert call("generate", artefact, "--prompt", "a", *words) == 2
    assert message in capsys.readouterr().err


def test_an_invalid_flag_is_a_usage_error_of_predict(artefact, capsys):
    words = ("--prompt", "a", "--temperature", "-1")
    assert call("predict", artefact, *words) == 2
    assert "Received: -1. Pass temperature=0" in capsys.readouterr().err


def test_an_endpoint_can_be_selected(artefact, capsys, loaded):
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
