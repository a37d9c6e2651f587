import pytest

import tfnlp
from tfnlp import saving
from tfnlp.data.readers import from_list
from tfnlp.errors import UsageError
from tfnlp.text.text_columns import as_rows
from tfnlp.text.tokenizers.words import WordTokenizer
from tfnlp.text.vectorizer.subword_vectorizer import SubwordVectorizer, learn_vectorizer

ROWS = [
    {"text": "a fine film, finely made", "label": "good"},
    {"text": "a dull film, dully made", "label": "bad"},
] * 3
TOKENIZERS = ("bpe", "unigram", "wordpiece")


def learnt(tokenizer: str, **options):
    return learn_vectorizer(
        as_rows([row["text"] for row in ROWS]), ["text"], tokenizer=tokenizer, **options
    )


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_texts_are_truncated_and_padded(tokenizer):
    features = learnt(tokenizer, sequence_length=3)(
        ["A FINE film, finely made", "", "film"]
    )
    ids, mask = features["token_ids"].numpy(), features["padding_mask"].numpy()
    assert ids.shape == mask.shape == (3, 3)
    assert mask.sum(axis=1).tolist()[0] == 3
    assert (ids[mask == 1] > 0).all() and (ids[mask == 0] == 0).all()
    assert mask.sum(axis=1).min() == 1


def test_other_splits_are_words():
    assert isinstance(learnt("characters"), tfnlp.Vectorizer)


def test_the_share_of_truncated_texts():
    vectorizer = SubwordVectorizer(WordTokenizer(("a", "film")), sequence_length=2)
    shares = vectorizer.cut_share(as_rows(["a good long film", "film"]), ["text"])
    assert shares == pytest.approx({"texts": 0.5, "tokens": 0.4, "unknown": 1 / 3})


def test_options_of_words_are_refused():
    with pytest.raises(UsageError, match=r"ngrams is an option of words.*ngrams=2"):
        learnt("bpe", ngrams=2)


def test_a_length_below_one_is_refused():
    with pytest.raises(UsageError, match=r"Received: sequence_length=0"):
        SubwordVectorizer(WordTokenizer(("a",)), sequence_length=0)


def test_a_classifier_reads_subwords():
    task = tfnlp.Classification.from_rows(
        from_list(ROWS), tokenizer="bpe", sequence_length=8
    )
    inputs = {"text": ["a fine plot", ""]}
    again = saving.from_json(saving.to_json(task))
    ids = [each.encode(inputs)["token_ids"].numpy().tolist() for each in (task, again)]
    assert ids[0] == ids[1]
    assert len(task.text.vocabulary) == task.text.tokenizer.vocabulary_size


@pytest.mark.slow
def test_an_artefact_of_subwords_answers_like_its_task(tmp_path):
    task = tfnlp.Classification.from_rows(
        from_list(ROWS), tokenizer="bpe", sequence_length=8
    )
    size = len(task.text.vocabulary)
    network = task.network(tfnlp.bow.encoder(size, hidden_dim=4), dropout=0.0)
    folder = tfnlp.save(task, network, "subwords", output=tmp_path)
    (answer,) = tfnlp.load(folder).predict(["A fine 🙂"])
    expected = task.answer(network, {"text": ["A fine 🙂"]})
    assert answer["score"] == pytest.approx(float(expected["score"][0]), abs=1e-5)
