import pytest
import tensorflow as tf

from tfnlp import saving
from tfnlp.errors import DataError
from tfnlp.text.vocabulary import SPECIAL, Vocabulary

BREAKS = ("\n", "\r", "\r\n", "\f", "\v", "\x85", "\u2028", "\u2029", "a\nb", '"', "\\")


def test_labels_have_no_unknown() -> None:
    labels = Vocabulary(("neg", "pos"))

    assert labels.ids(["pos", "", "neg"]).numpy().tolist() == [1, -1, 0]
    assert len(labels) == 2


def test_words_have_padding_and_unknown() -> None:
    words = Vocabulary(("a",), special=SPECIAL)

    assert words.ids(["", "[UNK]", "a", "b"]).numpy().tolist() == [0, 1, 2, 1]
    assert words.entries == ("", "[UNK]", "a")


def test_ids_and_tokens_keep_ragged_shapes() -> None:
    words = Vocabulary(("a", "b"), special=SPECIAL)

    ids = words.ids(tf.ragged.constant([["a"], [], ["b", "a"]]))

    assert ids.to_list() == [[2], [], [3, 2]]
    assert words.tokens(ids).to_list() == [[b"a"], [], [b"b", b"a"]]


def test_line_breaks_survive_json() -> None:
    loaded = saving.from_json(saving.to_json(Vocabulary(BREAKS)))

    assert loaded.entries == BREAKS
    assert loaded.ids(BREAKS).numpy().tolist() == list(range(len(BREAKS)))


def test_an_empty_vocabulary_knows_nothing() -> None:
    empty = Vocabulary(())

    assert len(empty) == 0
    assert empty.ids(["", "a"]).numpy().tolist() == [-1, -1]


def test_a_repeated_token_is_an_error() -> None:
    with pytest.raises(DataError, match="Received: 'a' 2 times"):
        Vocabulary(("a", "b", "a"))


def test_membership_and_iteration() -> None:
    labels = Vocabulary(("neg", "pos"))

    assert "pos" in labels and "what" not in labels
    assert list(labels) == ["neg", "pos"]


def test_ten_thousand_labels_survive_saving(tmp_path) -> None:
    module = tf.Module()
    module.labels = Vocabulary([f"label\n{i}" for i in range(10_000)])
    text = tf.TensorSpec([None], tf.string)
    module.ids = tf.function(module.labels.ids, input_signature=[text])

    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))

    assert loaded.ids(["label\n9999", "label"]).numpy().tolist() == [9999, -1]
