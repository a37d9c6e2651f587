import pytest
import tensorflow as tf

from tfnlp import saving
from tfnlp.errors import DataError, UsageError
from tfnlp.text.tokenizers.wordpiece import WordPieces

TEXTS = ["the watcher is watching", "he watched; she sings, singing 我爱"] * 4


@pytest.fixture(scope="module")
def pieces() -> WordPieces:
    return WordPieces.from_texts(TEXTS, vocabulary_size=90)


def shown(pieces: WordPieces, text: str) -> list[str]:
    return [p.decode() for p in pieces.strings(pieces.encode([text]))[0].numpy()]


def test_words_become_their_longest_pieces():
    pieces = WordPieces(("watch", "wat", "##ch", "##ing", "##in"))
    assert shown(pieces, "watching wating") == ["watch", "##ing", "wat", "##ing"]


def test_every_character_is_a_piece_both_ways(pieces):
    assert {"w", "##w", "我", "##我", ",", "##,"} <= set(pieces.entries)
    assert pieces.size <= 90


def test_seen_characters_make_no_unknown_word(pieces):
    assert pieces.unknown not in pieces.encode(["gnihctaw 爱我,"]).flat_values.numpy()


def test_decoding_joins_words_by_one_blank(pieces):
    ids = pieces.encode(["  watching,\n singing"])
    assert pieces.decode(ids).numpy().tolist() == [b"watching , singing"]


def test_what_has_no_piece_is_unknown(pieces):
    ids = pieces.encode(["ж the", "w" * 101, "", b"\xff"])
    unknown = pieces.unknown
    assert ids.to_list()[1:] == [[unknown], [], [unknown]]
    assert pieces.decode(ids).numpy()[0] == b"[UNK] the"


def test_signs_of_the_pieces_themselves_are_text(pieces):
    ids = pieces.encode(["##ing [END]"])
    assert pieces.end not in ids.flat_values.numpy()


def test_the_same_texts_give_the_same_pieces(pieces):
    assert WordPieces.from_texts(TEXTS, vocabulary_size=90).entries == pieces.entries
    again = saving.from_json(saving.to_json(pieces))
    assert again.encode(TEXTS).to_list() == pieces.encode(TEXTS).to_list()


def test_a_saved_model_cuts_alike(pieces, tmp_path):
    module = tf.Module()
    module.pieces = pieces
    spec = tf.TensorSpec([None], tf.string, name="text")
    module.cut = tf.function(lambda text: pieces.encode(text).to_tensor(), [spec])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    assert loaded.cut(TEXTS).numpy().tolist() == module.cut(TEXTS).numpy().tolist()


def test_a_size_below_the_characters_says_the_least():
    with pytest.raises(
        DataError, match=r"vocabulary_size=30 for 16 characters\. Use 36 or more"
    ):
        WordPieces.from_texts(TEXTS, vocabulary_size=30)


def test_no_text_is_refused():
    with pytest.raises(DataError, match=r"Received: no text"):
        WordPieces.from_texts([" "])


def test_without_tensorflow_text_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorflow_text", None)
    with pytest.raises(UsageError, match=r"tensorflow-text.*'tfnlp\[generation\]'"):
        WordPieces(("a",))
