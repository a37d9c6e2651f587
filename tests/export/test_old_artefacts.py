"""Artefacts of every format ever written: this code answers what their code did.

`tests/fixtures/artefacts/make.py` wrote them, and says what is in a folder.
"""

import functools
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfnlp
from tfnlp.serving import verify
from tfnlp.serving.server.model_manager import ModelConfig
from tfnlp.serving.server.server import Server, ServerConfig

FORMATS = Path(__file__).parents[1] / "fixtures" / "artefacts"
ARCHIVE = ".tar.xz"
TOLERANCE = 1e-5
"""How far numbers may be apart, absolutely and relatively."""
ACROSS = 1e-4
"""The same for another runtime, and for sums over many rows."""


RENAMED = {"no_repeat_ngram": "no_repeat_ngram_size"}
"""Field of a request of an older format → what it is called in what is saved now."""


class Case(NamedTuple):
    """An artefact of some format: its name in the folder of the format."""

    format: str
    name: str

    @property
    def file(self) -> Path:
        """The packed artefact."""
        return FORMATS / self.format / f"{self.name}{ARCHIVE}"

    @property
    def served_as(self) -> str:
        """Its name on the server."""
        return f"{self.name}-{self.format}"

    @property
    def generates(self) -> bool:
        """Whether it writes texts token by token."""
        return self.name.startswith(("language_model", "translation"))

    def recorded(self) -> dict[str, Any]:
        """What was recorded when it was written."""
        file = FORMATS / self.format / f"{self.name}.json"
        return json.loads(file.read_text("utf-8"))


FOUND = [
    Case(file.parent.name, file.name.removesuffix(ARCHIVE))
    for file in sorted(FORMATS.glob(f"*/*{ARCHIVE}"))
]
CASES = [case for case in FOUND if case.name != "networks"]
NETWORKS = [case for case in FOUND if case.name == "networks"]
each_case = pytest.mark.parametrize("case", CASES, ids="-".join)
QUICK = ("classification", "tagging")
"""Cases that `make test` serves and runs in ONNX; it loads and scores all of them."""
quick_cases = pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=() if case.name in QUICK else pytest.mark.long)
        for case in CASES
    ],
    ids="-".join,
)
Unpack = Callable[[Case], Path]
Load = Callable[[Case], tfnlp.serving.Predictor]


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory) -> Unpack:
    """A function: case → the folder with what its archive holds."""

    @functools.cache
    def unpack(case: Case) -> Path:
        folder = tmp_path_factory.mktemp(case.served_as)
        with tarfile.open(case.file) as archive:
            archive.extractall(folder, filter="data")
        return folder

    return unpack


@pytest.fixture(scope="session")
def loaded(unpacked) -> Load:
    """A function: case → its artefact, loaded."""
    return functools.cache(lambda case: tfnlp.load(unpacked(case) / case.name))


@pytest.fixture(scope="session")
def server(unpacked, request) -> Iterator[Server]:
    """One server of all artefacts that this session tests on it."""
    cases = {
        item.callspec.params["case"]
        for item in request.session.items
        if "server" in getattr(item, "fixturenames", ()) and hasattr(item, "callspec")
        if isinstance(item.callspec.params.get("case"), Case)
    }
    models = [
        ModelConfig(name=case.served_as, base=unpacked(case) / case.name)
        for case in sorted(cases)
    ]
    settings = ServerConfig(
        port=verify.free_port(),
        rest_api_port=verify.free_port(),
        poll=0.0,
        warm_up=False,
    )
    running = Server(lambda: models, settings)
    running.start()
    yield running
    running.stop(5.0)


@pytest.fixture(autouse=True)
def short_rows(monkeypatch) -> None:
    """Takes rows of a megabyte out of the parity check.

    They take most of its time, tests/serving has them, and format 1 has an ONNX file
    (`semantic_roles`) that reads rows of more tokens than a window wrongly.
    """
    monkeypatch.setattr(verify, "LONG", ())


def check_same(
    expected: Any, received: Any, *, tolerance: float = TOLERANCE, place: str = "answer"
) -> None:
    """Compares plain Python values: strings exactly, numbers within a tolerance.

    Raises:
        AssertionError: they differ; the message names the place.
    """
    if isinstance(expected, dict):
        assert received.keys() == expected.keys(), place
        for name, value in expected.items():
            here = f"{place}[{name!r}]"
            check_same(value, received[name], tolerance=tolerance, place=here)
    elif isinstance(expected, list):
        assert len(received) == len(expected), place
        for k, (one, other) in enumerate(zip(expected, received, strict=True)):
            check_same(one, other, tolerance=tolerance, place=f"{place}[{k}]")
    elif isinstance(expected, float):
        close = pytest.approx(expected, rel=tolerance, abs=tolerance)
        assert received == close, place
    else:
        assert received == expected, place


def check_answers(
    case: Case,
    predictor: tfnlp.serving.Predictor | tfnlp.Client,
    *,
    tolerance: float = TOLERANCE,
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Compares the answers at every signature with the recorded ones."""
    for endpoint, recorded in case.recorded()["endpoints"].items():
        requests = [
            {renamed.get(name, name): value for name, value in request.items()}
            if isinstance(request, dict)
            else request
            for request in recorded["requests"]
        ]
        received = predictor.predict(requests, endpoint=endpoint)
        check_same(recorded["answers"], received, tolerance=tolerance, place=endpoint)


def dataset(rows: list[dict[str, Any]]) -> tf.data.Dataset:
    """Labelled rows as a dataset; whole numbers are int32."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return tf.data.Dataset.from_tensor_slices(
        {
            name: tf.constant(values, None if isinstance(values[0], str) else tf.int32)
            for name, values in columns.items()
        }
    )


def of_the_same_requests(predictor: tfnlp.serving.Predictor) -> tfnlp.Task:
    """The task in the form in which the artefact was saved: of words, or of texts."""
    task = predictor.task
    fields = predictor.inputs.keys()
    if task.endpoints()["serving_default"].inputs.keys() != fields:
        task = getattr(task, "for_texts", lambda: task)()
    if not hasattr(task, "for_texts"):  # generation: options have new names since
        return task
    assert task.endpoints()["serving_default"].inputs.keys() == fields
    return task


def test_there_is_a_format_and_each_has_every_case():
    assert {case.format for case in CASES} == {case.format for case in NETWORKS}
    for number in {case.format for case in FOUND}:
        assert number.isdecimal()
        names = {case.name for case in CASES if case.format == number}
        assert names >= {
            "classification",
            "classification_multi_label",
            "classification_pairs",
            "intent_and_slots",
            "language_model_recurrent",
            "language_model_transformer",
            "semantic_roles",
            "tagging",
            "translation",
        }


@pytest.mark.slow
@each_case
def test_a_saved_model_answers_as_before(case, loaded):
    check_answers(case, loaded(case))


@pytest.mark.slow
@quick_cases
def test_a_server_answers_as_before(case, server):
    settings = server.config
    addresses = (
        f"http://127.0.0.1:{settings.rest_api_port}/v1/models/{case.served_as}",
        f"grpc://127.0.0.1:{settings.port}/{case.served_as}",
    )
    for address in addresses:
        with tfnlp.Client(address) as client:
            check_answers(case, client)


@pytest.mark.slow
@each_case
def test_task_and_network_score_as_before(case, loaded):
    predictor, recorded = loaded(case), case.recorded()
    report = tfnlp.evaluate(
        predictor.task, predictor.network, dataset(recorded["rows"]), repeats=0
    )
    scores = {name: report.scores[name] for name in recorded["scores"]}
    check_same(recorded["scores"], scores, tolerance=ACROSS, place="scores")


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.generates], ids="-".join
)
def test_it_answers_the_same_in_every_way(case, loaded):
    """What `tfnlp verify` checks, ONNX among it."""
    found = verify.verify(loaded(case).path)
    assert {way.backend: way.error for way in found if way.error} == {}
    assert {"SavedModel", "ONNX", "REST", "gRPC"} <= {way.backend for way in found}


@pytest.mark.long
@pytest.mark.slow
@each_case
def test_it_can_be_saved_again(case, loaded, tmp_path, monkeypatch):
    """Task and network of old files make a version that answers as the old one did.

    The parity check of `tfnlp.save` is left out: answers are compared here.
    """
    predictor = loaded(case)
    monkeypatch.setattr(verify, "check", lambda version: [])
    task = of_the_same_requests(predictor)
    version = tfnlp.save(task, predictor.network, case.name, output=tmp_path)
    check_answers(case, tfnlp.load(version), renamed=RENAMED)


@pytest.mark.slow
@quick_cases
def test_its_onnx_form_answers_as_before(case, loaded):
    """Where texts are generated, ONNX has the network only: outputs are compared."""
    predictor = loaded(case)
    folder = predictor.path.parent / "onnx" / predictor.path.name
    if not case.generates:
        with tfnlp.Client(folder) as client:
            return check_answers(case, client, tolerance=ACROSS)
    rows = dataset(case.recorded()["rows"])
    features, _, _ = predictor.task.example(next(iter(rows.batch(8))))
    network = verify.networks(predictor.path)["ONNX"]
    np.testing.assert_allclose(
        network(features), predictor.network(features), rtol=ACROSS, atol=ACROSS
    )


@pytest.mark.slow
@pytest.mark.parametrize("case", NETWORKS, ids="-".join)
def test_files_of_networks_compute_as_before(case, unpacked):
    recorded = case.recorded()["networks"]
    files = {file.stem: file for file in unpacked(case).glob("*.keras")}
    assert files.keys() == recorded.keys()
    for name, file in files.items():
        network = keras.models.load_model(file)
        features = recorded[name]["features"]
        outputs = network({name: tf.constant(ids) for name, ids in features.items()})
        flat = tf.nest.flatten(outputs)
        assert len(flat) == len(recorded[name]["outputs"]), name
        for expected, received in zip(
            recorded[name]["outputs"].values(), flat, strict=True
        ):
            np.testing.assert_allclose(
                received, expected, rtol=TOLERANCE, atol=TOLERANCE, err_msg=name
            )


@pytest.mark.parametrize("case", NETWORKS, ids="-".join)
def test_keras_makes_objects_of_old_configurations(case):
    assert tfnlp.fit  # its module has Keras know the optimizers
    for name, packed in case.recorded()["objects"].items():
        found = keras.saving.deserialize_keras_object(packed)
        again = keras.saving.serialize_keras_object(found)
        assert again["registered_name"] == packed["registered_name"], name
