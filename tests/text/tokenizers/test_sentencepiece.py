import base64
import shutil

import keras
import pytest
import tensorflow as tf

from tfnlp import saving
from tfnlp.errors import DataError, UsageError
from tfnlp.text.normalize import utf8
from tfnlp.text.text_columns import as_rows
from tfnlp.text.tokenizers.sentencepiece import SentencePieceTokenizer

TEXTS = [
    "the lower house of the newest town was slowly lowered\nand it was new",
    "new towns are slow\tand the lowest of them is 我爱北京 école 😀",
    "a slow town, a lower town, the slowest of towns",
] * 3
ODD = [
    *("", "a", " a", "a ", "  a  b  ", " ", "   ", "a\tb\n\nc\r\n", "\n", "\t\t"),
    *("▁", "a▁b ▁ ▁▁", "▅", "我爱 北京", "👩\u200d👩\u200d👧 🇩🇪", "e\u0301 \u0301"),
    *("a\x00b", "\x00", "\ufffd", "\u3000x\u00a0y\u2028", "[UNK] [END]", "<0x41>"),
    *("\U0010fffd", "\U0010fffd0\U0010fffd\U0010fffd1▁1", "\ufeffa", "İﬁ Ａ", "\uffff"),
    *("שלום a", "the lower " * 300, "x" * 5000),
]
INVALID = [b"\xff\xfe a", b"caf\xe9", b"\xed\xa0\x80"]
FORMS = {
    "bpe": {"model_type": "bpe"},
    "unigram": {"model_type": "unigram"},
    "bpe leading blank": {"model_type": "bpe", "leading_blank": True},
    "unigram leading blank": {"model_type": "unigram", "leading_blank": True},
}


def learnt(**options) -> SentencePieceTokenizer:
    return SentencePieceTokenizer.from_texts(
        TEXTS, vocabulary_size=310, exact=False, **options
    )


@pytest.fixture(params=FORMS, ids=lambda name: name.replace(" ", "-"), scope="module")
def subwords(request) -> SentencePieceTokenizer:
    return learnt(**FORMS[request.param])


def shown(subwords: SentencePieceTokenizer, text: str) -> list[str]:
    tokens = subwords.strings(subwords.encode([text]))[0].numpy().tolist()
    return [token.decode() for token in tokens]


def test_every_text_comes_back(subwords):
    ids = subwords.encode(ODD)
    assert [text.decode() for text in subwords.decode(ids).numpy()] == ODD


def test_nothing_is_unknown_and_no_mark_is_spelt(subwords):
    flat = subwords.encode(ODD).flat_values
    assert flat.dtype == tf.int32
    assert int(tf.reduce_min(flat)) > 3
    assert int(tf.reduce_max(flat)) < subwords.vocabulary_size


def test_invalid_utf_8_is_replaced(subwords):
    decoded = subwords.decode(subwords.encode(INVALID)).numpy().tolist()
    assert decoded == utf8(INVALID).numpy().tolist()


def test_padding_and_marks_are_left_out(subwords):
    ids = subwords.encode(["the town", ""])
    padded = tf.pad(ids.to_tensor(), [[0, 0], [0, 2]])
    marked = tf.concat([[[subwords.start]] * 2, padded, [[subwords.end]] * 2], axis=1)
    assert subwords.decode(marked).numpy().tolist() == [b"the town", b""]


def test_a_text_alone_is_cut_like_among_others(subwords):
    among = subwords.encode(ODD).to_list()
    assert [subwords.encode([text]).to_list()[0] for text in ODD] == among


def test_no_rows_and_no_tokens(subwords):
    assert subwords.encode(tf.constant([], tf.string)).shape[0] == 0
    assert subwords.decode(tf.zeros([2, 0], tf.int32)).numpy().tolist() == [b"", b""]
    assert subwords.decode(tf.zeros([0, 3], tf.int32)).shape == [0]


def test_learning_again_gives_the_same_bytes(subwords, request):
    options = FORMS[request.node.callspec.params["subwords"]]
    assert learnt(**options).config() == subwords.config()


def test_the_configuration_is_the_whole_state(subwords):
    again = saving.from_json(saving.to_json(subwords))
    assert again.entries == subwords.entries
    assert again.encode(ODD).to_list() == subwords.encode(ODD).to_list()


def test_a_session_of_keras_may_be_cleared(subwords):
    before = subwords.encode(ODD).to_list()
    keras.backend.clear_session()
    assert subwords.encode(ODD).to_list() == before


class Echo(tf.Module):
    """A signature that tokenizes texts and joins the tokens again."""

    def __init__(self, tokenizer):
        super().__init__()
        self.tokenizer = tokenizer

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def __call__(self, texts):
        ids = self.tokenizer.encode(texts)
        return {"ids": ids.to_tensor(), "text": self.tokenizer.decode(ids)}


def test_a_saved_model_that_was_moved_answers_alike(subwords, tmp_path):
    echo = Echo(subwords)
    tf.saved_model.save(echo, str(tmp_path / "made"), signatures=echo.__call__)
    shutil.move(tmp_path / "made", tmp_path / "moved")
    serve = tf.saved_model.load(str(tmp_path / "moved")).signatures["serving_default"]
    answer = serve(text=tf.constant(ODD))
    assert [text.decode() for text in answer["text"].numpy()] == ODD
    expected = subwords.encode(ODD).to_tensor()
    assert bool(tf.reduce_all(answer["ids"] == expected))


def test_texts_of_joined_ids_are_the_joined_texts_without_a_leading_blank():
    subwords = learnt(model_type="bpe")
    first, second = subwords.encode(["the low", " town"])
    assert subwords.decode([tf.concat([first, second], 0)]).numpy() == [b"the low town"]
    assert subwords.decode([second]).numpy() == [b" town"]


def test_a_leading_blank_gives_a_first_word_the_tokens_of_others():
    subwords = learnt(model_type="bpe", leading_blank=True)
    assert shown(subwords, "town town") == ["▁town", "▁town"]


def test_texts_can_be_standardised():
    subwords = learnt(model_type="bpe", standardize=("lower",))
    assert subwords.decode(subwords.encode(["  The TOWN"])).numpy() == [b"  the town"]


def test_line_breaks_and_tabs_are_tokens():
    assert shown(learnt(model_type="bpe"), "\n\t\n") == ["\n", "\t", "\n"]


def test_half_a_character_is_shown_as_such():
    subwords = learnt(model_type="bpe")
    ids = subwords.encode(["\U0001f600\U0001f9ff"])[:, :-1]
    assert subwords.decode(ids).numpy()[0].decode().endswith("\ufffd")


@pytest.mark.parametrize("texts", [[], ["", " \n\t "], ["\x00"]], ids=str)
def test_no_text_is_refused(texts):
    with pytest.raises(DataError, match=r"trained on texts\. Received: no text"):
        SentencePieceTokenizer.from_texts(texts)


@pytest.mark.parametrize("model_type", ["bpe", "unigram"])
def test_a_size_that_the_texts_cannot_give_says_the_largest(model_type):
    with pytest.raises(
        DataError, match=r"at most\. Received: vocabulary_size=8000\. Use \d+ or"
    ):
        SentencePieceTokenizer.from_texts(TEXTS, model_type=model_type)


def test_a_size_below_the_characters_says_the_least():
    message = r"are 287 tokens, .* Received: vocabulary_size=100\. Use more than 287\."
    with pytest.raises(DataError, match=message):
        SentencePieceTokenizer.from_texts(TEXTS, vocabulary_size=100)


def test_wrong_options_are_refused():
    with pytest.raises(UsageError, match=r"Received: 'bpee'\. Did you mean 'bpe'\?"):
        SentencePieceTokenizer.from_texts(TEXTS, model_type="bpee")
    with pytest.raises(UsageError, match=r"Received: vocabulary_size=4\."):
        SentencePieceTokenizer.from_texts(TEXTS, vocabulary_size=4)


@pytest.mark.parametrize("model", ["?", base64.b64encode(b"what").decode()])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(DataError, match=r"a model of sentencepiece in base64"):
        SentencePieceTokenizer(model)


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sentencepiece", None)
    with pytest.raises(UsageError, match=r"pip install 'tfnlp\[generation\]'"):
        SentencePieceTokenizer.from_rows(as_rows(TEXTS), ["text"])
