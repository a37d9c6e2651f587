"""Dynamic batching: waiting requests share a run, and answers are not mixed up."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tfnlp.errors import UsageError
from tfnlp.serving.protocol.signatures import load
from tfnlp.serving.protocol.status import StatusError
from tfnlp.serving.protocol.text_protos import message
from tfnlp.serving.server import batching, deadlines
from tfnlp.serving.server.batching import Batched, Batching


@pytest.fixture(scope="module")
def signatures(foreign):
    return load(foreign / "7")


def picky(signatures, **settings):
    return Batched(signatures["picky"], Batching(**settings))


def floats(*values):
    return {"x": np.float32(values)}


def texts(*values):
    return {"text": np.array(values, object)}


def send(batched, requests):
    """Answers of simultaneous requests, or the codes of their errors."""

    def one(request):
        try:
            return batched.run(request)
        except StatusError as error:
            return error.code

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(one, requests))


def test_waiting_requests_are_batched(signatures):
    batched = picky(signatures, batch_timeout_micros=200_000)
    found = send(batched, [floats(k**2) for k in range(8)])
    assert [each["root"].tolist() for each in found] == [[k] for k in range(8)]
    assert max(int(each["count"][0]) for each in found) > 1


def test_signatures_and_versions_have_queues_of_their_own(foreign):
    """TensorFlow's own share one name: 7 would answer the requests to 3."""
    waiting = Batching(batch_timeout_micros=300_000)
    both = [Batched(load(foreign / v)["serving_default"], waiting) for v in "37"]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda k: both[k % 2].run(floats(k))["y"][0], range(8)))
    assert found == [k + (3, 7)[k % 2] for k in range(8)]


def test_batches_are_padded_to_an_allowed_size(signatures):
    sizes = {"max_batch_size": 8, "allowed_batch_sizes": (4, 8)}
    batched = picky(signatures, batch_timeout_micros=100, **sizes)
    found = batched.run(floats(1.0, 4.0, 9.0))
    assert found["count"].tolist() == [4, 4, 4]
    assert found["root"].tolist() == [1.0, 2.0, 3.0]


def test_more_rows_than_a_batch_holds_are_split(signatures):
    values = np.arange(100, dtype=np.float32) ** 2
    found = picky(signatures, max_batch_size=8).run({"x": values})
    assert np.array_equal(found["root"], np.arange(100))
    assert found["count"].tolist() == [8] * 96 + [4] * 4


def test_pieces_are_padded_to_the_widest(signatures):
    batched = Batched(signatures["letters"], Batching(max_batch_size=2))
    found = batched.run(texts(b"a", b"b", b"cde"))["letters"]
    assert found.tolist() == [[b"a", b"", b""], [b"b", b"", b""], [b"c", b"d", b"e"]]


def test_a_long_text_is_batched_with_few_others(signatures, monkeypatch):
    monkeypatch.setattr(batching, "PADDED", 12)
    batched = Batched(signatures["letters"], Batching())
    found = batched.run(texts(b"a" * 6, b"b", b"c", b"d" * 30, b"e"))
    assert found["count"].tolist() == [2, 2, 1, 1, 1]


def test_a_long_text_of_another_request_is_batched_alone(signatures, monkeypatch):
    monkeypatch.setattr(batching, "PADDED", 12)
    waiting = Batching(batch_timeout_micros=200_000)
    batched = Batched(signatures["letters"], waiting)
    short, long = texts(b"a"), texts(b"b" * 30)
    found = send(batched, [short, short, long, short])
    counts = [int(each["count"][0]) for each in found]
    assert counts[2] == 1
    assert max(counts) > 1
    assert found[0]["letters"].shape == (1, 1)


@pytest.mark.parametrize("rows", [1, 20])
def test_a_graph_that_drops_rows_runs_each_request_alone(signatures, rows):
    waiting = Batching(batch_timeout_micros=200_000, max_batch_size=16)
    batched = Batched(signatures["positive"], waiting)
    requests = [floats(*[-1.0, k] * rows) for k in range(1, 5)]
    found = send(batched, requests)
    assert [each["y"].tolist() for each in found] == [[k] * rows for k in range(1, 5)]


def test_work_ends_at_the_deadline(signatures):
    batched = picky(signatures, max_batch_size=1)
    with deadlines.within(0.05):
        with pytest.raises(StatusError, match="took too long") as error:
            batched.run(floats(*range(100_000)))
        assert error.value.code == "DEADLINE_EXCEEDED"
    assert batched.run(floats(4.0))["root"].tolist() == [2.0]


def test_a_rejected_request_affects_no_other(signatures):
    batched = picky(signatures, batch_timeout_micros=200_000)
    found = send(batched, [floats(4.0), floats(-1.0), floats(9.0)])
    assert found[1] == "INVALID_ARGUMENT"
    assert found[0]["root"].tolist() == [2.0]
    assert found[2]["root"].tolist() == [3.0]


def test_rows_of_other_lengths_are_not_batched(signatures):
    batched = Batched(signatures["double"], Batching(batch_timeout_micros=100_000))
    requests = [{"x": np.full((1, k % 3 + 1), k, np.float32)} for k in range(9)]
    found = send(batched, requests)
    assert [each["y"].tolist() for each in found] == [
        [[2.0 * k] * (k % 3 + 1)] for k in range(9)
    ]


def test_nothing_is_kept_of_the_shapes_that_clients_choose(signatures):
    batched = Batched(signatures["double"], Batching())
    for length in range(1, 20):
        found = batched.run({"x": np.ones((2, length), np.float32)})["y"]
        assert found.shape == (2, length)
    assert not batched._waiting


def test_no_thread_is_left(signatures):
    before = threading.active_count()
    send(picky(signatures), [floats(k) for k in range(32)])
    assert threading.active_count() == before


def test_a_request_with_an_output_for_all_rows_runs_alone(signatures):
    batched = Batched(signatures["mean"], Batching(batch_timeout_micros=100_000))
    requests = [{"x": np.full((2, 3), k, np.float32)} for k in range(4)]
    assert [each["mean"] for each in send(batched, requests)] == [0, 1, 2, 3]


def test_without_rows_there_is_nothing_to_batch(signatures):
    assert picky(signatures).run(floats())["root"].shape == (0,)


def test_a_full_queue_rejects_requests(signatures):
    batched = picky(
        signatures,
        max_batch_size=1,
        max_enqueued_batches=1,
        num_batch_threads=1,
    )
    found = send(batched, [floats(1.0)] * 64)
    codes = {each for each in found if isinstance(each, str)}
    assert codes <= {"UNAVAILABLE"}
    assert sum(not isinstance(each, str) for each in found) > 0


@pytest.mark.parametrize(
    ("wrong", "message_part"),
    [
        ({"max_batch_size": 0}, "max_batch_size of batching is 1 or more"),
        ({"batch_timeout_micros": -1}, "0 or more"),
        ({"allowed_batch_sizes": (8, 4)}, "must rise"),
        ({"allowed_batch_sizes": (0, 128)}, "must rise"),
        ({"allowed_batch_sizes": (4, 8)}, "is max_batch_size"),
    ],
)
def test_invalid_parameters_are_rejected(wrong, message_part):
    with pytest.raises(UsageError, match=message_part):
        Batching(**wrong)


def test_missing_parameters_have_defaults():
    assert Batching.from_proto(message("BatchingParameters")) == Batching()
    sizes = message("BatchingParameters")
    sizes.allowed_batch_sizes.extend([2, 16])
    assert Batching.from_proto(sizes).max_batch_size == 16
