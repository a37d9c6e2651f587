"""Phrases found in sentences, and the files they are read from."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.errors import DataError, UsageError
from tfnlp.saving import from_json, to_json
from tfnlp.text.splitters import words as split_words
from tfnlp.text.words.gazetteer_files import load_gazetteers
from tfnlp.text.words.gazetteers import POSITIONS, Gazetteers


def found(phrases, *sentences, **options):
    """Positions of words by their first letters: `b`egin, `i`nside, `e`nd, `s`ingle."""
    lists = Gazetteers(("x",), (phrases,), **options)
    ids = lists(tf.ragged.constant([s.split() for s in sentences], dtype=tf.string))
    names = ".", *(name[0] for name in POSITIONS)
    rows = ["".join(names[number] for number in row[:, 0]) for row in ids.numpy()]
    return rows if len(rows) > 1 else rows[0]


@pytest.mark.parametrize(
    ("phrases", "sentence", "expected"),
    [
        (["Rome"], "in Rome", ".s"),
        (["New York"], "in new YORK", ".be"),
        (["New York City"], "New York City", "bie"),
        (["York", "New York"], "York New York", "sbe"),
        (["New York", "York City Hall"], "New York City Hall", "bbie"),
        (["a b", "b c"], "a b c", "bee"),
        (["a b c", "b c d"], "a b c d", "biee"),
        (["a a"], "a a a", "bee"),
        (["New York"], "New", "."),
        (["New York"], "York New", ".."),
        (["a b c d e"], "a b c d", "...."),
        (["École Normale"], "l' e\u0301cole normale", ".be"),
        (["Straße"], "STRASSE straße", ".s"),
        (["so\u00adlid"], "solid", "s"),
        (["北京 大学"], "在 北 京 大 学", ".biie"),
        (["北京大学"], "在 北京 大学", ".be"),
        (["St. John's"], "St. John 's St . John's", "biebie"),
        (["rock 'n' roll"], "rock \u2019n\u2019 roll", "bie"),
        (["the rapist"], "therapist", "."),
        (["C++"], "C C++ C + +", ".sbie"),
        (["\U0001f600"], "\U0001f600 !", "s."),
    ],
)
def test_where_a_word_stands_in_a_phrase(phrases, sentence, expected):
    assert found(phrases, sentence) == expected


def test_phrases_end_with_the_sentence():
    rows = found(["a b c"], "x a b c", "a b", "a b c", "c")
    assert rows == [".bie", "....", "bie.", "...."]


def test_case_counts_if_it_is_said():
    assert found(["US"], "us US", cased=True) == ".s"


def test_longer_runs_of_words_than_the_longest_are_not_looked_for():
    assert found(["a b", "a b c"], "a b c", longest=2) == "be."


def test_every_type_has_ids_of_its_own():
    lists = Gazetteers(("city", "state"), (("New York",), ("York", "new york")))
    ids = lists(tf.ragged.constant([["New", "York", "York"]]))
    assert ids.numpy().tolist() == [[[1, 5], [3, 7], [0, 8]]]
    assert lists.size == 9


def test_rows_without_words_and_a_wanted_length():
    lists = Gazetteers(("x",), (("a b c",),))
    none = tf.ragged.constant([[], []], dtype=tf.string, ragged_rank=1)
    assert lists(none, tf.constant(1)).numpy().tolist() == [[[0]], [[0]]]
    assert not lists(tf.ragged.constant([[""], ["", "a"]])).numpy().any()


def test_many_phrases_are_found_in_graph_as_well():
    phrases = tuple(f"name{n} of {n}" for n in range(20_000))
    lists = Gazetteers(("x",), (phrases,))
    call = tf.function(lambda texts: lists(split_words(texts)))
    ids = call(tf.constant(["so name19999 of 19999", "name1 of 2"])).numpy()[..., 0]
    assert ids.tolist() == [[0, 1, 2, 3], [0, 0, 0, 0]]


def test_a_copy_through_json_finds_alike():
    lists = Gazetteers(("class", "config"), (("a",), ("b c",)), cased=True, longest=3)
    twin, some = from_json(to_json(lists)), tf.ragged.constant([["a", "b", "c", "B"]])
    np.testing.assert_array_equal(twin(some), lists(some))
    assert to_json(twin) == to_json(lists)


@pytest.mark.parametrize(
    ("types", "phrases", "message"),
    [
        ((), (), r"Received types: none"),
        (("a", "a"), (("x",), ("y",)), r"Received types: a, a"),
        (("a",), ((),), r"'a' with none that can be seen"),
        (("a",), (("\ufeff", " "),), r"'a' with none that can be seen"),
    ],
    ids=["none", "twice", "empty", "invisible"],
)
def test_lists_that_cannot_be_are_refused(types, phrases, message):
    with pytest.raises(DataError, match=message):
        Gazetteers(types, phrases)


def test_a_wrong_option_is_refused():
    with pytest.raises(UsageError, match="longest=0"):
        Gazetteers(("a",), (("x",),), longest=0)


def write(folder, **files):
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content.encode())
    return folder


def phrases(lists):
    config = lists.config()
    return dict(zip(config["types"], config["phrases"], strict=True))


def test_a_folder_has_a_file_for_each_type(tmp_path):
    write(tmp_path, city_txt="\ufeffRome\r\n\r\nNew York \r\n", _hidden="x")
    write(tmp_path, more_tsv="Utah\tstate\n\nBonn\tcity\n")
    write(tmp_path, z_jsonl='{"phrase": " Köln", "type": "city"}\n')
    found = phrases(load_gazetteers(tmp_path))
    assert found == {"city": ("Rome", "New York", "Bonn", "Köln"), "state": ("Utah",)}


def test_one_file_is_enough_and_repetitions_do_not_count(tmp_path):
    folder = write(tmp_path, city_txt="Rome\nRome\n")
    assert phrases(load_gazetteers(folder / "city.txt")) == {"city": ("Rome",)}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "without any"),
        ({"city_txt": ""}, r"city\.txt, which has none"),
        ({"city_txt": "\n \n"}, r"city\.txt, which has none"),
        ({"a_tsv": "Rome\tcity\nRome\n"}, r"a\.tsv, line 2: 'Rome'"),
        ({"a_tsv": "Rome\tcity\tx\n"}, r"a\.tsv, line 1"),
        ({"a_jsonl": '{"phrase": "Rome"}\n'}, r"a\.jsonl, line 1"),
        ({"a_jsonl": '\n["Rome", "city"]\n'}, r"a\.jsonl, line 2"),
        ({"a_jsonl": "Rome\n"}, r"a\.jsonl, line 1: 'Rome'"),
    ],
    ids=["none", "empty", "blank", "one", "three", "untyped", "list", "text"],
)
def test_files_that_cannot_be_are_named(tmp_path, files, message):
    with pytest.raises(DataError, match=message):
        load_gazetteers(write(tmp_path, **files))


def test_a_missing_path_and_another_encoding_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none\. Check the path"):
        load_gazetteers(tmp_path / "none")
    (tmp_path / "city.txt").write_bytes("Köln\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"UTF-8\. Received: .*city\.txt"):
        load_gazetteers(tmp_path)
