"""Artefacts in a pipeline of Apache Beam: the answers of the predictor, in batches."""

import pickle

import pytest

import tfnlp
from tfnlp.data.readers import from_list
from tfnlp.errors import ArtefactError

beam = pytest.importorskip("apache_beam", reason="needs the extra `beam`")
base = pytest.importorskip("apache_beam.ml.inference.base")

from apache_beam.testing.util import assert_that, equal_to  # noqa: E402
from apache_beam.transforms import Create, Map  # noqa: E402

from tfnlp.export.savedmodel.artefact import export  # noqa: E402
from tfnlp.serving.beam.file_systems import BeamFiles  # noqa: E402
from tfnlp.serving.beam.model_handler import ArtefactHandler, Rejected  # noqa: E402

TEXTS = ["a good film", "", "bad", "a good film"]
HERE = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    """An untrained classifier."""
    pairs = [("a good film", "pos"), ("a bad film", "neg")] * 4
    rows = from_list([{"text": text, "label": label} for text, label in pairs])
    task = tfnlp.Classification.from_rows(rows, sequence_length=8)
    network = task.network(tfnlp.bow.encoder(len(task.text.vocabulary), hidden_dim=4))
    return export(task, network, "tiny", output=tmp_path_factory.mktemp("saved"))


def test_a_batch_has_the_answers_of_the_predictor(artefact):
    handler = ArtefactHandler(artefact, batch_size=2)
    rows = [{"text": text} for text in TEXTS]
    found = handler.run_inference(rows, handler.load_model())
    assert found == tfnlp.load(artefact).predict(rows, batch_size=2)


def test_a_row_that_is_refused_spoils_no_other(artefact):
    handler = ArtefactHandler(artefact)
    rows = [{"text": "good"}, {"txt": "bad"}, {"text": "good"}]
    first, odd, last = handler.run_inference(rows, handler.load_model())
    assert isinstance(odd, Rejected) and "Did you mean 'text'?" in odd.reason
    assert first == last


def test_an_artefact_is_loaded_once_for_threads_and_pipelines(artefact):
    handler = ArtefactHandler(artefact)
    model = handler.load_model()
    assert pickle.loads(pickle.dumps(handler)).load_model() is model
    assert ArtefactHandler(artefact).load_model() is not model


def test_beam_makes_batches_of_the_requested_size(artefact):
    handler = ArtefactHandler(artefact, batch_size=3)
    assert handler.batch_elements_kwargs()["max_batch_size"] == 3


def test_what_is_no_artefact_is_reported(tmp_path):
    with pytest.raises(ArtefactError, match="An artefact is a folder with a version"):
        ArtefactHandler(tmp_path / "none").load_model()


@pytest.mark.slow
def test_rows_keep_their_keys_through_run_inference(artefact):
    expected = tfnlp.load(artefact).predict(TEXTS)
    wanted = [(k, each["label"]) for k, each in enumerate(expected)]
    handler = base.KeyedModelHandler(ArtefactHandler(artefact))
    with beam.Pipeline(runner=HERE) as pipeline:
        found = (
            pipeline
            | Create([(k, {"text": text}) for k, text in enumerate(TEXTS)])
            | base.RunInference(handler)
            | Map(lambda pair: (pair[0], pair[1]["label"]))
        )
        assert_that(found, equal_to(wanted))


def test_files_are_matched_with_their_sizes(tmp_path, monkeypatch):
    (tmp_path / "b-1.csv").write_bytes(b"12345")
    (tmp_path / "b-0.csv").write_bytes(b"1")
    files = BeamFiles()
    found = files.match(f"{tmp_path}/b-*.csv")
    assert [size for size, _ in found.values()] == [1, 5]
    monkeypatch.chdir(tmp_path)
    assert list(files.match("b-*.csv")) == ["b-0.csv", "b-1.csv"]
    assert list(files.match("b-1.csv")) == ["b-1.csv"]
    assert files.match("none-*.csv") == files.match(f"{tmp_path}/none") == {}


def test_small_files_are_replaced_whole(tmp_path):
    files, path = BeamFiles(), str(tmp_path / "a" / "manifest.json")
    assert files.read(path) is None
    files.write(path, "one")
    files.write(path, "é")
    assert files.read(path) == "é"
    assert [each.name for each in (tmp_path / "a").iterdir()] == ["manifest.json"]
    files.remove(f"{tmp_path}/a/*")
    assert files.read(path) is None


def test_what_killed_pipelines_left_is_removed(tmp_path):
    full = tmp_path / "beam-temp-answers-00000-of-00002-ab"
    other = tmp_path / "beam-temp-others-00000-of-00002-ab"
    for folder in (full, other, tmp_path / "beam-temp-answers-00001-of-00002-cd"):
        folder.mkdir()
    (full / "half").write_text("{")
    BeamFiles().remove_unfinished(f"{tmp_path}/answers")
    assert list(tmp_path.iterdir()) == [other]
