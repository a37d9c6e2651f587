"""Progress of reading: its text, where it is printed, and how often."""

import io
import os

import pytest

from tfnlp.cli.io.progress import Counted, Progress, shown
from tfnlp.cli.io.stdin import arriving


class Terminal(io.StringIO):
    def isatty(self):
        return True


def printed(to, seconds, *, size=None, rows=100, done=250_000, **options):
    """What is printed when a clock shows these seconds, one after the other."""
    times = iter(seconds)
    with Progress(size, to=to, now=lambda: next(times), **options) as progress:
        for number in range(1, len(seconds) - 1):
            progress.add(rows, done=number * done)
    return to.getvalue()


def test_a_log_has_a_line_every_half_minute_and_one_at_the_end():
    lines = printed(io.StringIO(), [0.0, 10.0, 30.0, 50.0, 61.0, 70.0], size=1_000_000)
    assert lines.splitlines() == [
        "200 rows, 7 rows/s, 0.5 of 1.0 MB (50 %), 0:30 left",
        "400 rows, 7 rows/s, 1.0 of 1.0 MB (100 %)",
        "400 rows, 6 rows/s, 1.0 of 1.0 MB (100 %)",
    ]


def test_a_short_run_says_nothing_in_a_log():
    assert printed(io.StringIO(), [0.0, 3.0, 9.0, 12.0]) == ""


def test_a_terminal_has_one_line_that_is_written_again():
    lines = printed(Terminal(), [0.0, 0.1, 0.3, 1.3, 1.4], size=1_000_000)
    assert lines.startswith("\r200 rows, 667 rows/s, 0.5 of 1.0 MB (50 %), 0:00 left")
    assert (lines.count("\n"), lines.count("\r")) == (1, 3)


def test_a_shorter_line_covers_a_longer_one():
    lines = printed(Terminal(), [0.0, 1.0, 2.0, 3.0], size=500_000)
    longer, shorter, _ = lines.split("\r")[1:]
    assert len(shorter) == len(longer) and shorter.endswith(" ")


def test_without_a_size_the_rows_and_bytes_are_said():
    lines = printed(io.StringIO(), [0.0, 31.0, 32.0], rows=1_000)
    assert lines.splitlines()[0] == "1,000 rows, 32 rows/s, 0.2 MB"


def test_hours_are_said_as_hours():
    lines = printed(io.StringIO(), [0.0, 100.0, 101.0], size=25_000_000)
    assert lines.splitlines()[0].endswith("(1 %), 2:45:00 left")


def test_who_wants_quiet_has_it():
    assert printed(io.StringIO(), [0.0, 99.0, 199.0], quiet=True) == ""
    assert not shown(quiet=True)


def test_answers_that_scroll_past_on_a_terminal_are_left_alone(monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    assert shown()
    monkeypatch.setattr("sys.stdout", Terminal())
    assert not shown()


def test_items_pass_unchanged_and_are_counted():
    with Progress(to=io.StringIO()) as progress:
        assert list(progress.over("abc", lambda: 7)) == ["a", "b", "c"]
    assert (progress.rows, progress.done) == (3, 7)


def test_a_file_on_disk_has_a_size_and_a_pipe_has_none(tmp_path):
    (tmp_path / "rows").write_bytes(b"0123456789")
    with open(tmp_path / "rows", "rb", buffering=0) as file:
        file.read(4)
        assert Counted(file).size == 6
    read, write = os.pipe()
    os.close(write)
    with open(read, "rb", buffering=0) as file:
        assert Counted(file).size is None


@pytest.mark.parametrize("file", [io.BytesIO(b"a\nb\n"), None], ids=["memory", "disk"])
def test_lines_are_read_through_the_counter(file, tmp_path):
    (tmp_path / "rows").write_bytes(b"a\nb\n")
    with file or open(tmp_path / "rows", "rb", buffering=0) as opened:
        counted = Counted(opened)
        assert list(arriving(counted)) == ["a\n", "b\n"]
    assert counted.done == 4
