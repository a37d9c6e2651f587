import pytest
import tensorflow as tf

from tfnlp import saving
from tfnlp.errors import DataError, UsageError
from tfnlp.text.tokenizers.wordpiece import WordPieceTokenizer

TEXTS = ["the watcher is watching", "he watched; she sings, singing 我爱"] * 4


@pytest.fixture(scope="module")
def tokenizer() -> WordPieceTokenizer:
    return WordPieceTokenizer.from_texts(TEXTS, vocabulary_size=90)


def shown(tokenizer: WordPieceTokenizer, text: str) -> list[str]:
    return [p.decode() for p in tokenizer.strings(tokenizer.encode([text]))[0].numpy()]


def test_words_become_their_longest_tokens():
    tokenizer = WordPieceTokenizer(("watch", "wat", "##ch", "##ing", "##in"))
    assert shown(tokenizer, "watching wating") == ["watch", "##ing", "wat", "##ing"]


def test_every_character_is_a_token_both_ways(tokenizer):
    assert {"w", "##w", "我", "##我", ",", "##,"} <= set(tokenizer.entries)
    assert tokenizer.vocabulary_size <= 90


def test_seen_characters_make_no_unknown_word(tokenizer):
    ids = tokenizer.encode(["gnihctaw 爱我,"]).flat_values.numpy()
    assert tokenizer.unknown not in ids


def test_decoding_joins_words_by_one_blank(tokenizer):
    ids = tokenizer.encode(["  watching,\n singing"])
    assert tokenizer.decode(ids).numpy().tolist() == [b"watching , singing"]


def test_what_has_no_token_is_unknown(tokenizer):
    ids = tokenizer.encode(["ж the", "w" * 101, "", b"\xff"])
    unknown = tokenizer.unknown
    assert ids.to_list()[1:] == [[unknown], [], [unknown]]
    assert tokenizer.decode(ids).numpy()[0] == b"[UNK] the"


def test_signs_of_the_tokens_themselves_are_text(tokenizer):
    ids = tokenizer.encode(["##ing [END]"])
    assert tokenizer.end not in ids.flat_values.numpy()


def test_the_same_texts_give_the_same_tokens(tokenizer):
    assert (
        WordPieceTokenizer.from_texts(TEXTS, vocabulary_size=90).entries
        == tokenizer.entries
    )
    again = saving.from_json(saving.to_json(tokenizer))
    assert again.encode(TEXTS).to_list() == tokenizer.encode(TEXTS).to_list()


def test_a_saved_model_tokenizes_alike(tokenizer, tmp_path):
    module = tf.Module()
    module.tokenizer = tokenizer
    spec = tf.TensorSpec([None], tf.string, name="text")
    module.cut = tf.function(lambda text: tokenizer.encode(text).to_tensor(), [spec])
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    assert loaded.cut(TEXTS).numpy().tolist() == module.cut(TEXTS).numpy().tolist()


def test_a_size_below_the_characters_says_the_least():
    with pytest.raises(
        DataError, match=r"vocabulary_size=30 for 16 characters\. Use 36 or more"
    ):
        WordPieceTokenizer.from_texts(TEXTS, vocabulary_size=30)


def test_no_text_is_refused():
    with pytest.raises(DataError, match=r"Received: no text"):
        WordPieceTokenizer.from_texts([" "])


def test_without_tensorflow_text_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorflow_text", None)
    with pytest.raises(UsageError, match=r"tensorflow-text.*'tfnlp\[generation\]'"):
        WordPieceTokenizer(("a",))
