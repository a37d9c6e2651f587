"""Which versions answer while others are loaded and unloaded."""

import threading
import time

import pytest

from tfnlp.serving.protocol.status import StatusError
from tfnlp.serving.server.model_manager import AVAILABLE, END, ModelConfig, ModelManager


class Loaded:
    """What a version answers with: its number."""

    def __init__(self, number):
        self.number = number


class Loader:
    """Loads versions, except those that shall fail."""

    def __init__(self, *failing):
        self.failing, self.calls = set(failing), []

    def __call__(self, name, number, folder):
        self.calls.append(number)
        if number in self.failing:
            raise StatusError("NOT_FOUND", "half written")
        return Loaded(number)


def folders(base, *numbers):
    for number in numbers:
        (base / str(number)).mkdir(parents=True)
    return base


def models(base, load, *, poll=0.0, retry=0.0, **kwargs):
    return ModelManager(
        lambda: [ModelConfig(name="m", base=base, **kwargs)],
        load,
        poll=poll,
        retry=retry,
    )


def numbers(found):
    return [number for number, state, _ in found.statuses("m") if state == AVAILABLE]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({}, [3]),
        ({"latest": 2}, [3, 2]),
        ({"latest": 0}, [3, 2, 1]),
        ({"specific": (1, 3, 9)}, [3, 1]),
    ],
)
def test_a_policy_says_which_versions_are_served(tmp_path, policy, expected):
    found = models(folders(tmp_path, 1, 2, 3), Loader(), **policy)
    found.look()
    assert numbers(found) == expected


def test_the_newest_number_or_label_answers(tmp_path):
    found = models(folders(tmp_path, 1, 2), Loader(), latest=0, labels={"stable": 1})
    found.look()
    assert found.find("m").number == 2
    assert found.find("m", version=1).number == 1
    assert found.find("m", label="stable").number == 1


@pytest.mark.parametrize(
    ("selected", "code", "message"),
    [
        ({"name": "x"}, "NOT_FOUND", "Servable not found for request: Latest(x)"),
        (
            {"name": "m", "version": 5},
            "NOT_FOUND",
            "Servable not found for request: Specific(m, 5)",
        ),
        (
            {"name": "m", "label": "x"},
            "INVALID_ARGUMENT",
            "Unrecognized servable version label: x",
        ),
    ],
)
def test_what_is_not_served_is_reported_as_in_tf_serving(
    tmp_path, selected, code, message
):
    found = models(folders(tmp_path, 1), Loader())
    found.look()
    with pytest.raises(StatusError) as error:
        found.find(selected.pop("name"), **selected)
    assert (error.value.code, error.value.message) == (code, message)


def test_a_new_version_takes_over_and_the_old_one_goes(tmp_path):
    found = models(folders(tmp_path, 1), Loader())
    found.look()
    folders(tmp_path, 2)
    found.look()
    assert found.find("m").number == 2
    assert [(n, state) for n, state, _ in found.statuses("m")] == [
        (2, AVAILABLE),
        (1, END),
    ]


def test_a_version_that_cannot_be_loaded_leaves_the_old_one(tmp_path):
    load = Loader(2)
    found = models(folders(tmp_path, 1), load)
    found.look()
    folders(tmp_path, 2)
    found.look()
    assert found.find("m").number == 1
    assert found.statuses("m", version=2)[0][2].message == "half written"
    load.failing.clear()
    found.look()
    assert found.find("m").number == 2


def test_retries_of_a_version_are_limited(tmp_path):
    load = Loader(1)
    found = models(folders(tmp_path, 1), load)
    for _ in range(20):
        found.look()
    assert len(load.calls) == 6  # once, and five times more


def test_a_version_is_retried_after_the_interval_only(tmp_path):
    load = Loader(1)
    found = models(folders(tmp_path, 1), load, retry=100.0)
    for _ in range(5):
        found.look()
    assert load.calls == [1]


def test_a_missing_disk_unloads_no_version(tmp_path):
    base = folders(tmp_path / "m", 1)
    found = models(base, Loader())
    found.look()
    base.rename(tmp_path / "away")
    found.look()
    assert found.find("m").number == 1


def test_a_version_that_comes_back_is_loaded_again(tmp_path):
    there = [ModelConfig(name="m", base=folders(tmp_path, 1, 2), specific=(1,))]
    found = ModelManager(lambda: there, Loader(), poll=0.0)
    found.look()
    there[:] = [ModelConfig(name="m", base=tmp_path, specific=(2,))]
    found.look()
    there[:] = [ModelConfig(name="m", base=tmp_path, specific=(1,))]
    found.look()
    assert numbers(found) == [1]


def test_a_model_that_is_no_longer_wanted_is_not_found(tmp_path):
    there = [ModelConfig(name="m", base=folders(tmp_path, 1))]
    found = ModelManager(lambda: there, Loader(), poll=0.0)
    found.look()
    there.clear()
    found.look()
    with pytest.raises(StatusError, match="Servable not found"):
        found.find("m")


def test_the_served_models_can_be_replaced(tmp_path):
    found = models(folders(tmp_path / "m", 1), Loader())
    found.look()
    found.replace([ModelConfig(name="other", base=folders(tmp_path / "other", 4))])
    assert found.find("other").number == 4
    assert found.names == ["other"]
    with pytest.raises(StatusError, match="no version"):
        found.replace([ModelConfig(name="empty", base=tmp_path / "empty")])


def test_a_request_never_finds_nothing_while_versions_change(tmp_path):
    found = models(folders(tmp_path, 1), Loader(), poll=0.001)
    found.start()
    failed, ended = [], threading.Event()

    def find():
        while not ended.is_set():
            try:
                assert found.find("m").number >= 1
            except (StatusError, AttributeError) as error:
                failed.append(error)

    finding = threading.Thread(target=find)
    finding.start()
    for number in range(2, 30):
        folders(tmp_path, number)
        time.sleep(0.005)
    ended.set()
    finding.join()
    found.stop()
    assert failed == []
