"""In-process prediction: requests, answers, and errors of damaged artefacts."""

import itertools
import json
import re
import shutil
import subprocess
import sys

import keras
import pytest
import tensorflow as tf

import tfnlp
from tfnlp.data.readers import from_list
from tfnlp.errors import ArtefactError, RequestError, UsageError
from tfnlp.export.savedmodel.artefact import export
from tfnlp.serving.client.predictor import load
from tfnlp.specs import NUMBER, TEXT
from tfnlp.task import Endpoint, Task
from tfnlp.tasks.classification import Classification

ROWS = [("a good film", "pos"), ("a bad film", "neg")] * 4
TEXTS = ["a good film", "", "bad", "a good film"]


class Facts(Task):
    """Answers with the fields of the request itself, in an order of its own."""

    inputs = {"name": TEXT, "age": NUMBER}  # noqa: RUF012  (the contract says so)

    def endpoints(self):
        greet = {"name": TEXT, "times": NUMBER}
        return super().endpoints() | {
            "greet": Endpoint(self.greet, greet, {"times": 2})
        }

    def greet(self, model, inputs):
        return {
            "times": inputs["times"]
            + tf.zeros_like(tf.strings.length(inputs["name"]), tf.float32)
        }

    def encode(self, inputs):
        return {"age": inputs["age"][:, None]}

    def loss(self, y, outputs):
        return outputs[:, 0]

    def decode(self, outputs, inputs):
        return {
            "pair": tf.stack([outputs[:, 0]] * 2, axis=1),
            "words": tf.strings.split(inputs["name"]).to_tensor(),
            "twice": outputs[:, 0],
            "greeting": "hello " + inputs["name"],
        }

    def score(self, rows, answers):
        return {}

    def config(self):
        return {}


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    """An untrained classifier of texts."""
    rows = from_list([{"text": text, "label": label} for text, label in ROWS])
    task = Classification.from_rows(rows, sequence_length=8)
    network = task.network(tfnlp.cnn.encoder(len(task.text.vocabulary), hidden_dim=6))
    folder = tmp_path_factory.mktemp("saved")
    return export(task, network, "tiny", output=folder).parent


@pytest.fixture(scope="module")
def predictor(artefact):
    return load(artefact)


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """An artefact with a text and a number as inputs."""
    age = keras.Input([1], name="age")
    network = keras.Model({"age": age}, age * 2.0)
    return load(export(Facts(), network, "facts", output=tmp_path_factory.mktemp("f")))


@pytest.fixture
def copy(artefact, tmp_path):
    return shutil.copytree(artefact, tmp_path / "tiny") / "1"


def test_texts_dictionaries_and_bytes_are_answered_alike(predictor):
    (text,) = predictor.predict(["a film"])
    (row,) = predictor.predict([{"text": "a film"}])
    (raw,) = predictor.predict([b"a film"])
    assert text == row == raw


def test_answers_keep_the_order_of_rows_and_batches_do_not_matter(predictor):
    answers = predictor.predict(TEXTS)
    assert answers[0] == answers[3] != answers[2]
    for one, other in zip(answers, predictor.predict(TEXTS, batch_size=1), strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], rel=1e-5)


def test_answers_are_plain_python_that_json_can_hold(predictor):
    answers = predictor.predict(TEXTS)
    assert json.loads(json.dumps(answers)) == answers
    assert [type(value) for value in answers[0].values()] == [str, float, list]


def test_single_values_come_before_lists_and_both_by_name(predictor, facts):
    assert list(predictor.predict(["a"])[0]) == ["label", "score", "probabilities"]
    assert facts.predict([{"name": "ada lovelace", "age": 36}]) == [
        {
            "greeting": "hello ada lovelace",
            "twice": 72.0,
            "pair": [72.0, 72.0],
            "words": ["ada", "lovelace"],
        }
    ]
    assert list(facts.answer({"name": ["a"], "age": [1]}))[:2] == ["greeting", "twice"]


def test_no_rows_have_no_answers(predictor):
    assert predictor.predict([]) == []


def test_half_a_character_is_answered(predictor):
    assert predictor.predict(["a\ud800 film"]) == predictor.predict(["a? film"])
    assert len(predictor.predict([b"a\xff film"])) == 1


def test_an_endless_stream_is_answered_by_batches(predictor):
    taken = []

    def endless():
        for number in itertools.count():
            taken.append(number)
            yield f"film {number}"

    answers = list(itertools.islice(predictor.stream(endless(), batch_size=4), 6))
    assert (len(answers), len(taken)) == (6, 8)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"txt": "a"}, r"exactly the fields text. Received: txt. Did you mean 'text'"),
        ({"text": "a", "id": 7}, "exactly the fields text. Received: text, id."),
        ({}, r"exactly the fields text. Received: \{\}."),
        ({"text": 7}, "The field 'text' holds text. Received: 7."),
        (None, "The field 'text' holds text. Received: None."),
        (["a", "b"], r"The field 'text' holds text. Received: \['a', 'b'\]."),
    ],
    ids=["near", "one too many", "none", "a number", "nothing", "a list"],
)
def test_a_row_that_does_not_fit_is_reported(row, message, predictor):
    with pytest.raises(RequestError, match=message):
        predictor.predict(["first", row])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "ada",
            "exactly the fields age, name; or name (and, if wanted, times). Received",
        ),
        ({"name": "ada", "agee": 1}, "Received: name, agee. Did you mean 'age'?"),
        ({"name": "ada", "age": "old"}, "The field 'age' holds numbers. Received: 'ol"),
    ],
)
def test_a_row_of_several_fields_that_does_not_fit_is_reported(row, message, facts):
    with pytest.raises(RequestError) as caught:
        facts.predict([row])
    assert message in str(caught.value)


@pytest.mark.parametrize("rows", ["a film", b"a film", {"text": "a film"}])
def test_a_single_row_without_a_list_is_reported(rows, predictor):
    with pytest.raises(RequestError, match="Rows come in a list, even a single one"):
        predictor.predict(rows)


def test_a_batch_holds_a_row(predictor):
    with pytest.raises(UsageError, match=r"batch_size must be 1 or more. Received: 0"):
        predictor.predict(["a"], batch_size=0)


def test_task_and_network_answer_like_the_artefact(predictor):
    task, network = predictor.task, predictor.network
    answer = task.answer(network, {"text": tf.constant(TEXTS)})
    served = predictor.answer({"text": TEXTS})
    assert answer["label"].numpy().tolist() == served["label"].tolist()
    assert answer["score"].numpy() == pytest.approx(served["score"], rel=1e-5)


@pytest.mark.slow
def test_a_fresh_process_finds_every_layer_of_the_network(artefact):
    code = "import sys, tfnlp; print(tfnlp.load(sys.argv[1]).network.name)"
    words = [sys.executable, "-c", code, str(artefact)]
    done = subprocess.run(words, capture_output=True, text=True)
    native = r"I\d{4} |WARNING: All log messages before absl::InitializeLog"
    python = [each for each in done.stderr.splitlines() if not re.match(native, each)]
    assert (done.stdout, python) == ("classification\n", [])


def test_a_class_from_elsewhere_must_be_handed_in(facts):
    with pytest.raises(ArtefactError, match=r"Pass classes=\[Facts\]"):
        _ = facts.task
    assert isinstance(load(facts.path, classes=[Facts]).task, Facts)


def test_the_newest_version_is_loaded_or_the_one_that_is_given(copy):
    shutil.copytree(copy, copy.parent / "12")
    (copy.parent / "99").write_text("a file")
    (copy.parent / ".writing-left").mkdir()
    assert load(copy.parent).path.name == "12"
    assert load(copy).path.name == "1"


@pytest.mark.parametrize(
    "name",
    [
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
        "assets.extra/task.json",
    ],
)
def test_a_deleted_file_is_named(name, copy):
    (copy / name).unlink()
    for path in (copy, copy.parent):
        with pytest.raises(ArtefactError, match=f"Missing: {name}. Copy the whole"):
            load(path)


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize(
    "name",
    [
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
    ],
)
def test_a_cut_file_is_reported(name, share, copy):
    whole = (copy / name).read_bytes()
    (copy / name).write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ArtefactError, match=r"tiny/1 is damaged, lacks something"):
        load(copy)


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_damaged_description_of_the_task_is_reported(content, copy):
    (copy / "assets.extra" / "task.json").write_text(content)
    with pytest.raises(ArtefactError, match=r"task.json is damaged"):
        _ = load(copy).task


def test_an_artefact_of_a_newer_format_is_refused_before_it_is_loaded(copy):
    (copy / "assets.extra" / "format.json").write_text('{"format": 3}')
    (copy / "assets.extra" / "task.json").write_text("{")
    with pytest.raises(ArtefactError, match=r"format 2 and older\. Received: format 3"):
        load(copy)


def test_an_artefact_without_a_format_number_is_of_format_1(copy):
    (copy / "assets.extra" / "format.json").unlink()
    assert len(load(copy).predict(["a film"])) == 1


@pytest.mark.parametrize("change", ["deleted", "cut"])
def test_a_damaged_network_is_reported_only_when_it_is_used(change, copy):
    file = copy / "assets.extra" / "model.keras"
    if change == "deleted":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:1000])
    predictor = load(copy)
    assert len(predictor.predict(["a film"])) == 1
    with pytest.raises(ArtefactError, match=r"model.keras is damaged"):
        _ = predictor.network


def test_a_model_of_another_framework_is_reported(tmp_path):
    (tmp_path / "torch" / "1").mkdir(parents=True)
    (tmp_path / "torch" / "1" / "model.pt").write_bytes(b"weights")
    with pytest.raises(ArtefactError, match=r"torch/1 is not a complete artefact"):
        load(tmp_path / "torch")


def test_a_model_that_keras_exported_is_reported(tmp_path):
    network = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
    network.export(tmp_path / "plain" / "1", verbose=False)
    with pytest.raises(ArtefactError, match=r"Missing: assets.extra/task.json"):
        load(tmp_path / "plain")


def test_a_saved_model_without_signatures_is_reported(copy):
    tf.saved_model.save(tf.Module(), str(copy.parent / "2"))
    shutil.copytree(copy / "assets.extra", copy.parent / "2" / "assets.extra")
    shutil.copytree(
        copy / "variables", copy.parent / "2" / "variables", dirs_exist_ok=True
    )
    with pytest.raises(ArtefactError, match=r"has a signature serving_default. Rec"):
        load(copy.parent)


def test_a_path_that_is_not_there_names_the_nearest(artefact):
    with pytest.raises(ArtefactError, match=r"does not exist. Did you mean 'tiny'?"):
        load(artefact.parent / "tiney")


def test_a_folder_without_versions_is_reported(tmp_path):
    with pytest.raises(ArtefactError, match=r"like saved_models/NAME/1.* has none"):
        load(tmp_path)


def test_a_field_with_a_default_may_be_left_out(facts):
    rows = [{"name": "Ann"}, {"name": "Bo", "times": 5.0}, {"name": "Cy"}]
    assert facts.predict(rows) == [{"times": 2.0}, {"times": 5.0}, {"times": 2.0}]
    assert facts.answer({"name": ["Ann", "Bo"]})["times"].tolist() == [2.0, 2.0]


def test_a_server_fills_in_the_same_default(facts):
    assert facts.defaults == {"greet": {"times": 2.0}, "serving_default": {}}


def test_a_field_that_no_endpoint_has_is_reported_with_the_optional_ones(facts):
    with pytest.raises(RequestError, match=r"name \(and, if wanted, times\)"):
        facts.predict([{"name": "Ann", "tims": 2.0}])
