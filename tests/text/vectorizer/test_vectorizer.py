import keras
import pytest
import tensorflow as tf

from tfnlp import saving
from tfnlp.errors import DataError, SchemaError, UsageError
from tfnlp.text.vectorizer.vectorizer import Vectorizer

TEXT = tf.TensorSpec([None], tf.string)
ODD = [
    *("", " ", "!!!", "unheard of", "a film", "a\x00film", "\ufeff", "👩\u200d👧 film"),
    *("שלום a", "e\u0301cole e\u0301", "我爱电影", "\U000e0041", "film " * 300),
    *("[UNK]", "a\u2028film", "Ｆｉｌｍ", "\x1f<a"),
]
INVALID = [b"\xff\xfe", b"caf\xe9 a film", b"\xed\xa0\x80"]
FORMS = {
    "words": {},
    "ngrams": {"ngrams": 2, "stop_words": ("a",)},
    "pieces": {"character_ngrams": (3, 4), "tokenizer": "whitespace"},
    "characters": {"tokenizer": "characters", "standardize": ()},
    "bytes": {"tokenizer": "bytes", "standardize": ("lower",), "sequence_length": 16},
}


@pytest.fixture(params=FORMS, scope="module")
def vectorizer(request) -> Vectorizer:
    texts = ["A film.\r\nA play!", "école 我爱", "a film"]
    return Vectorizer.from_texts(texts, **FORMS[request.param])


def ids(vectorizer, texts) -> list:
    features = vectorizer(tf.constant(texts))
    return [
        features["token_ids"].numpy().tolist(),
        features["padding_mask"].numpy().tolist(),
    ]


def test_every_row_has_a_real_token(vectorizer: Vectorizer) -> None:
    features = vectorizer(tf.constant([*(o.encode() for o in ODD), *INVALID]))

    assert features["padding_mask"].dtype == features["token_ids"].dtype == tf.int32
    assert tf.reduce_all(features["padding_mask"][:, 0] == 1)
    assert tf.reduce_all((features["token_ids"] > 0) == (features["padding_mask"] > 0))
    assert tf.reduce_max(features["token_ids"]) < len(vectorizer.vocabulary)


def test_graph_dataset_and_json_agree_with_eager(vectorizer: Vectorizer) -> None:
    eager = ids(vectorizer, ODD)
    traced = tf.function(vectorizer, input_signature=[TEXT])
    mapped = tf.data.Dataset.from_tensors(ODD).map(vectorizer)
    loaded = saving.from_json(saving.to_json(vectorizer))

    assert ids(traced, ODD) == eager
    assert ids(lambda _: mapped.get_single_element(), ODD) == eager
    assert ids(loaded, ODD) == eager
    assert loaded.config() == vectorizer.config()


def test_saved_model_agrees_with_eager(vectorizer: Vectorizer, tmp_path) -> None:
    module = tf.Module()
    module.vectorizer = vectorizer
    module.encode = tf.function(vectorizer, input_signature=[TEXT])

    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))

    assert ids(loaded.encode, ODD) == ids(vectorizer, ODD)
    assert not list((tmp_path / "assets").iterdir())


@pytest.mark.parametrize("text", ["", " \n", "\u3000", "\x00"])
def test_an_empty_text_is_one_unknown_token(text: str) -> None:
    assert ids(Vectorizer(("a",)), [text]) == [[[1]], [[1]]]


def test_only_punctuation_is_one_unknown_token_when_it_is_dropped() -> None:
    vectorizer = Vectorizer(("a",), standardize=("punctuation",))

    assert ids(vectorizer, ["!!! ... '"]) == [[[1]], [[1]]]


def test_an_empty_text_does_not_depend_on_its_neighbours() -> None:
    assert ids(Vectorizer(("a",)), ["a a a", ""]) == [
        [[2, 2, 2], [1, 0, 0]],
        [[1, 1, 1], [1, 0, 0]],
    ]


def test_no_rows_give_no_rows() -> None:
    assert Vectorizer(("a",))(tf.constant([], tf.string))["token_ids"].shape == [0, 1]


@pytest.mark.parametrize(
    "text",
    ["Яя", "ÉCOLE", "don\u2019t", "\u201cquoted\u201d", "naïve\u2014dash", "ＦＵＬＬ"],
)
def test_forms_of_a_word_are_one_token(text: str) -> None:
    words = ("яя", "école", "don't", "quoted", "naïve", "full", "dash", '"', "-")
    vectorizer = Vectorizer(words)

    assert 1 not in ids(vectorizer, [text])[0][0]


def test_ngrams_by_hand() -> None:
    vectorizer = Vectorizer(("a", "b", "a b", "b a"), ngrams=2, sequence_length=3)

    assert ids(vectorizer, ["a b a b", "a"])[0] == [[2, 3, 2, 4, 5], [2, 0, 0, 0, 0]]


def test_character_ngrams_by_hand() -> None:
    vectorizer = Vectorizer(("her", "\x1fher", "\x1f<h"), character_ngrams=(2, 3))

    assert ids(vectorizer, ["her"])[0] == [[2, 4, 1, 1, 1, 1, 3, 1]]


def test_line_breaks_are_tokens_after_a_round_trip() -> None:
    breaks = ["\n", "\r", "\f", "\x85", "\u2028"]
    vectorizer = Vectorizer(breaks, tokenizer="characters", standardize=())

    loaded = saving.from_json(saving.to_json(vectorizer))

    assert ids(loaded, ["".join(breaks)])[0] == [[2, 3, 4, 5, 6]]


def test_from_rows_counts_all_fields() -> None:
    rows = tf.data.Dataset.from_tensors({"first": "a b", "second": "b", "id": 3})

    vectorizer = Vectorizer.from_rows(rows, ("first", "second"))

    assert vectorizer.vocabulary.entries == ("", "[UNK]", "b", "a")


def test_size_counts_special_tokens() -> None:
    vectorizer = Vectorizer.from_texts(["a a a b b c"], vocabulary_size=4)

    assert vectorizer.vocabulary.entries == ("", "[UNK]", "a", "b")


def test_minimum_count() -> None:
    vectorizer = Vectorizer.from_texts(["a a b"], min_frequency=2)

    assert vectorizer.vocabulary.entries[2:] == ("a",)


def test_a_text_that_spells_a_special_token_is_unknown() -> None:
    vectorizer = Vectorizer.from_texts(
        ["[UNK] a"], tokenizer="whitespace", standardize=()
    )

    assert ids(vectorizer, ["[UNK] a"])[0] == [[1, 2]]


def test_cut_share() -> None:
    rows = tf.data.Dataset.from_tensor_slices({"text": ["a b c d", "a", ""]})

    shares = Vectorizer(("a",), sequence_length=2).cut_share(rows, ["text"])

    assert shares == pytest.approx({"texts": 1 / 3, "tokens": 2 / 5, "unknown": 1 / 3})


def test_texts_without_tokens_are_an_error() -> None:
    with pytest.raises(DataError, match=r"at least one term\. Received: none"):
        Vectorizer.from_texts(["", " "])


def test_no_texts_are_an_error() -> None:
    with pytest.raises(DataError, match="Received: none"):
        Vectorizer.from_texts([])


def test_a_size_without_room_is_an_error() -> None:
    with pytest.raises(UsageError, match="Received: vocabulary_size=2"):
        Vectorizer.from_texts(["a"], vocabulary_size=2)


@pytest.mark.parametrize("count", [0, -1])
def test_a_minimum_count_below_one_is_an_error(count: int) -> None:
    with pytest.raises(UsageError, match=rf"at least once\. Received: {count}\."):
        Vectorizer.from_texts(["a"], min_frequency=count)


def test_a_missing_field_is_an_error() -> None:
    rows = tf.data.Dataset.from_tensors({"text": "a"})

    with pytest.raises(SchemaError, match=r"no field 'txt'.*Did you mean 'text'"):
        Vectorizer.from_rows(rows, ["txt"])


def test_a_misspelt_option_is_an_error() -> None:
    with pytest.raises(TypeError, match="lenght"):
        Vectorizer(("a",), lenght=3)


def test_one_million_characters() -> None:
    vectorizer = Vectorizer(("a", "film"), ngrams=2, sequence_length=100)

    features = vectorizer(tf.constant(["a film é " * 120_000, "a"]))

    assert features["token_ids"].shape == [2, 199]


def test_it_can_be_made_and_used_under_a_strategy() -> None:
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        inside = Vectorizer(("a", "film"))

    rows = tf.data.Dataset.from_tensor_slices(ODD).batch(4).map(inside)
    batches = strategy.experimental_distribute_dataset(rows)
    count = strategy.run(lambda x: tf.shape(x["token_ids"])[0], (next(iter(batches)),))

    assert sum(int(part) for part in strategy.experimental_local_results(count)) == 4
    assert ids(inside, ODD) == ids(Vectorizer(("a", "film")), ODD)


def test_the_signature_takes_any_batch_and_length() -> None:
    traced = tf.function(Vectorizer(("a",)), input_signature=[TEXT])

    spec = traced.get_concrete_function().structured_outputs

    assert {name: part.shape.rank for name, part in spec.items()} == {
        "token_ids": 2,
        "padding_mask": 2,
    }


def test_the_engine_is_the_layer_of_keras() -> None:
    layers = Vectorizer(("a",))._flatten(
        predicate=lambda part: isinstance(part, keras.layers.TextVectorization)
    )

    assert len(list(layers)) == 1


@pytest.mark.slow
def test_real_chinese_is_covered_by_characters(shared_data) -> None:
    path = shared_data / "chnsenticorp_zh"
    lines = tf.data.TextLineDataset(
        [str(next(path.glob("train*")))], compression_type=_compression(path)
    )
    rows = lines.skip(1).take(2000).map(lambda line: {"text": line})

    shares = Vectorizer.from_rows(rows, ["text"]).cut_share(rows, ["text"])

    assert shares["unknown"] < 0.01


def _compression(folder) -> str:
    return "GZIP" if next(folder.glob("train*")).suffix == ".gz" else ""


@pytest.mark.parametrize("ngrams", [1, 2])
def test_texts_in_a_column_are_texts(ngrams):
    vectorizer = Vectorizer(("a", "b", "a b"), ngrams=ngrams)
    column, flat = vectorizer([["a b"], ["b"]]), vectorizer(["a b", "b"])
    assert column["token_ids"].numpy().tolist() == flat["token_ids"].numpy().tolist()
