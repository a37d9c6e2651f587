import dataclasses

import pytest
import tensorflow as tf

from tfnlp.errors import UsageError
from tfnlp.text.vectorizer.terms import Terms
from tfnlp.text.vectorizer.vectorizer import VectorizerOptions


def test_a_vectorizer_takes_every_option() -> None:
    fields = {field.name for field in dataclasses.fields(Terms)}

    assert set(VectorizerOptions.__annotations__) == fields


def test_ngrams_come_behind_the_tokens() -> None:
    terms = Terms(ngrams=3)(tf.constant(["a b c", "d", ""])).to_list()

    assert terms == [[b"a", b"b", b"c", b"a b", b"b c", b"a b c"], [b"d"], []]


def test_length_cuts_before_ngrams_are_built() -> None:
    terms = Terms(ngrams=2, sequence_length=2)(tf.constant(["a b c d"])).to_list()

    assert terms == [[b"a", b"b", b"a b"]]


def test_character_ngrams_are_marked_and_framed() -> None:
    terms = Terms(character_ngrams=(2, 3))(tf.constant(["né", "", "a né"])).to_list()

    pieces = [f"\x1f{piece}".encode() for piece in ("<n", "né", "é>", "<né", "né>")]
    of_a = [b"\x1f<a", b"\x1fa>", b"\x1f<a>"]
    assert terms == [
        ["né".encode(), *pieces],
        [],
        [b"a", "né".encode(), *of_a, *pieces],
    ]


def test_stop_words_do_not_count_as_length() -> None:
    terms = Terms(stop_words=("the", "a.b", "|"), sequence_length=2)

    assert terms(tf.constant(["The film | the axb the play"])).to_list() == [
        [b"film", b"axb"]
    ]


def test_english_stop_words() -> None:
    assert Terms(stop_words="english")(
        tf.constant(["It was not a film"])
    ).to_list() == [[b"film"]]


def test_standardize_may_be_one_name() -> None:
    assert Terms(standardize="lower").standardize == ("lower",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ngrams": 0}, "ngrams counts tokens.*ngrams=0"),
        ({"sequence_length": 0}, "sequence_length counts tokens.*sequence_length=0"),
        ({"sequence_length": 2.5}, "sequence_length=2.5"),
        ({"character_ngrams": (3, 2)}, r"Received: \(3, 2\)"),
        ({"character_ngrams": (3,)}, r"Received: \(3,\)"),
        ({"character_ngrams": (0, 2)}, r"Received: \(0, 2\)"),
        ({"tokenizer": "wrods"}, "Did you mean 'words'"),
        ({"standardize": ("nfk",)}, "Did you mean 'nfkc'"),
        ({"stop_words": "german"}, "Received: 'german'"),
    ],
)
def test_impossible_options_are_errors(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Terms(**options)
