"""Model configuration of a server."""

import pytest

from tfnlp.errors import UsageError
from tfnlp.export.savedmodel.versions import promote
from tfnlp.serving.server import configs
from tfnlp.serving.server.model_manager import ModelConfig


def versions(base, *numbers):
    for number in numbers:
        (base / str(number)).mkdir(parents=True)
    return base


def test_an_artefact_serves_its_newest_version(tmp_path):
    (model,) = configs.artefact(versions(tmp_path / "demo", 1, 2))()
    assert (model.name, model.wanted()) == ("demo", [2])


def test_labels_are_read_at_every_call(tmp_path):
    base = versions(tmp_path / "demo", 1, 2, 3)
    wanted = configs.artefact(base)
    promote(base, 1, "stable")
    assert wanted()[0].labels == {"stable": 1}
    assert wanted()[0].wanted() == [1, 3]


TEXT = """
model_config_list {
  config { name: "a" base_path: "here" model_platform: "tensorflow" }
  config {
    name: "b" base_path: "/there" model_platform: "tensorflow"
    model_version_policy { specific { versions: 2 versions: 4 } }
    version_labels { key: "stable" value: 2 }
  }
  config {
    name: "c" base_path: "c" model_platform: "tensorflow"
    model_version_policy { all {} }
  }
}
"""


def test_a_file_of_tf_serving_is_read(tmp_path):
    file = tmp_path / "models.config"
    file.write_text(TEXT)
    a, b, c = configs.config_file(file)
    assert a == ModelConfig(name="a", base=tmp_path / "here")
    assert (str(b.base), b.specific, b.labels) == ("/there", (2, 4), {"stable": 2})
    assert c.latest == 0


def test_what_is_written_is_read_back(tmp_path):
    models = [
        ModelConfig(name="a", base=tmp_path / "a", latest=2),
        ModelConfig(
            name="b", base=tmp_path / "b", specific=(1, 3), labels={"stable": 1}
        ),
        ModelConfig(name="c", base=tmp_path / "c", latest=0),
    ]
    file = tmp_path / "models.config"
    configs.write(file, models)
    written = file.stat().st_mtime_ns
    configs.write(file, models)
    assert configs.config_file(file) == models
    assert file.stat().st_mtime_ns == written  # TF Serving reads what has changed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "must be a ModelServerConfig"),
        (TEXT.replace('"b"', '"a"'), "Illegal to list model a multiple times"),
        (TEXT.replace('"tensorflow"', '"other"'), "unsupported platform 'other'"),
        (TEXT.replace('name: "a"', ""), "must have a name and a base_path"),
    ],
)
def test_a_file_that_cannot_be_served_is_refused(tmp_path, text, message):
    file = tmp_path / "models.config"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        configs.config_file(file)


def test_a_file_is_polled(tmp_path):
    file = tmp_path / "models.config"
    file.write_text(TEXT)
    once, often = configs.watched(file), configs.watched(file, seconds=1e-9)
    file.write_text(TEXT.replace('"a"', '"z"'))
    assert once()[0].name == "a"
    assert often()[0].name == "z"
