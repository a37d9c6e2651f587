"""Files for TF Serving: what it parses, and when which of them are written."""

import shutil

import pytest
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from tensorflow_serving.config import model_server_config_pb2

from tfnlp.errors import ArtefactError, ExportError, UsageError
from tfnlp.export.deployment import bundle, server_flags
from tfnlp.export.savedmodel import warmup
from tfnlp.export.savedmodel.versions import promote


def message(fields, *, inside=()):
    """A message class like one of TF Serving's that its Python package lacks."""
    file = descriptor_pb2.FileDescriptorProto(
        name="test.proto", package="test", syntax="proto3"
    )
    file.dependency.append("google/protobuf/wrappers.proto")
    for name, members in {**dict(inside), "Top": fields}.items():
        found = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(members.items(), 1):
            added = found.field.add(name=field, number=number, label=1)
            if isinstance(kind, str):
                added.type, added.type_name = 11, kind
            else:
                added.type, added.label = abs(kind), 3 if kind < 0 else 1
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("test.Top"))()


INT64, BOOL = ".google.protobuf.Int64Value", 8


def batching_parameters(text):
    """As in tensorflow_serving/servables/tensorflow/session_bundle_config.proto."""
    names = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches")
    fields = dict.fromkeys((*names, "num_batch_threads"), INT64)
    fields |= {"allowed_batch_sizes": -3, "pad_variable_length_inputs": BOOL}
    return text_format.Parse(text, message(fields))


def test_batching_parameters_are_what_tf_serving_takes(original):
    text = (original / "serving" / "batching_parameters.txt").read_text()
    found = batching_parameters(text)
    assert list(found.allowed_batch_sizes) == list(warmup.SIZES)
    assert found.max_batch_size.value == warmup.SIZES[-1]
    assert found.num_batch_threads.value > 0
    assert found.max_enqueued_batches.value > 0
    assert not found.pad_variable_length_inputs


def test_an_unknown_batching_parameter_would_be_seen():
    with pytest.raises(text_format.ParseError, match="max_batches"):
        batching_parameters("max_batches { value: 1 }")


def test_the_monitoring_file_is_what_tf_serving_takes(original):
    """As in tensorflow_serving/config/monitoring_config.proto."""
    inside = {"Prometheus": {"enable": BOOL, "path": 9}}
    config = message({"prometheus_config": ".test.Prometheus"}, inside=inside)
    text = (original / "serving" / "monitoring.config").read_text()
    found = text_format.Parse(text, config).prometheus_config
    assert (found.enable, found.path) == (True, server_flags.METRICS)


def models_config(base):
    text = (base / "models.config").read_text()
    found = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    return found.model_config_list.config[0]


def test_without_labels_the_newest_version_is_served(original):
    found = models_config(original)
    assert (found.name, found.base_path) == (original.name, f"/models/{original.name}")
    assert found.model_version_policy.latest.num_versions == 1


def test_labels_are_what_tf_serving_takes(base):
    (base / "2").mkdir()
    promote(base, 1, "stable")
    promote(base, 2, "canary")
    found = models_config(base)
    assert dict(found.version_labels) == {"stable": 1, "canary": 2}
    assert list(found.model_version_policy.specific.versions) == [1, 2]


def test_an_edited_file_is_left_alone_and_a_removed_one_comes_back(base):
    edited, removed = (base / "serving" / n for n in ("README.md", "kubernetes.yaml"))
    edited.write_text(edited.read_text().replace("TF Serving", "us"))
    text, expected = edited.read_text(), removed.read_text()
    removed.unlink()
    bundle.write(base)
    assert edited.read_text() == text
    assert removed.read_text() == expected


def test_an_old_file_of_ours_is_brought_up_to_date(base, save_version):
    read = (base / "serving" / "README.md").read_text
    before = read()
    bundle.write(save_version(base, optional=True, version=2))
    assert ("`0.9`" in before, "`0.9`" in read()) == (False, True)


def test_writing_twice_changes_no_file(base):
    files = [path for path in (base / "serving").rglob("*") if path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert bundle.write(base) == base / "serving"
    assert {path: path.stat().st_mtime_ns for path in files} == before
    assert len(files) == 8


def test_a_folder_without_versions_is_reported(tmp_path):
    with pytest.raises(ArtefactError, match="a folder of versions: 1, 2 and so on"):
        bundle.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b"no proto", b""])
def test_a_damaged_version_is_reported(content, tmp_path):
    (tmp_path / "toy" / "1").mkdir(parents=True)
    if content is not None:
        (tmp_path / "toy" / "1" / "saved_model.pb").write_bytes(content)
    with pytest.raises(
        ArtefactError, match=r"with the file saved_model\.pb\. Received"
    ):
        bundle.write(tmp_path / "toy")


def test_a_folder_that_cannot_be_written_is_reported(base):
    shutil.rmtree(base / "serving")
    (base / "serving").write_text("a file")
    with pytest.raises(
        ExportError, match=r"serving must be writable\. Received: .*comp"
    ):
        bundle.write(base)


def test_a_name_with_spaces_is_refused(original, tmp_path):
    base = shutil.copytree(original, tmp_path / "my reviews")
    with pytest.raises(UsageError, match=r"made of letters, digits.*'my reviews'"):
        bundle.write(base)
