import pytest

from tfnlp import saving
from tfnlp.errors import DataError, UsageError
from tfnlp.text.text_columns import as_rows
from tfnlp.text.tokenizers.characters import CharacterTokenizer
from tfnlp.text.tokenizers.training import train_tokenizer
from tfnlp.text.tokenizers.words import WordTokenizer

ODD = ["", " a\t\n b ", "我爱 😀", "e\u0301", "a\x00\r\n", "\ufffd▁"]


def test_every_text_of_known_characters_comes_back():
    characters = CharacterTokenizer.from_texts(ODD)
    decoded = characters.decode(characters.encode(ODD)).numpy()
    assert [text.decode().replace("\x00", "[UNK]") for text in decoded] == [
        text.replace("\x00", "[UNK]") for text in ODD
    ]


def test_other_characters_are_unknown():
    characters = CharacterTokenizer(("a",))
    ids = characters.encode(["aé", b"\xff"])
    assert ids.to_list() == [[4, 1], [1]]
    assert characters.decode(ids).numpy().tolist() == [b"a[UNK]", b"[UNK]"]


def test_words_are_what_stands_between_blanks():
    words = WordTokenizer.from_texts(["the <unk> N\n", "don't N"])
    assert words.entries[:4] == ("", "[UNK]", "[START]", "[END]")
    assert words.entries[4:] == ("N", "<unk>", "don't", "the")
    assert words.decode(words.encode(["  the  don't <unk> "])).numpy() == [
        b"the don't <unk>"
    ]


def test_words_that_spell_marks_are_unknown_when_learnt():
    words = WordTokenizer.from_texts(["[END] a [UNK]"])
    assert words.entries[4:] == ("a",)


def test_padding_and_marks_are_left_out():
    assert WordTokenizer(("a", "b")).decode(
        [[2, 4, 5, 3, 0], [0] * 5]
    ).numpy().tolist() == [
        b"a b",
        b"",
    ]


def test_size_and_minimum_count_leave_out_the_rare():
    texts = ["a a a b b c"]
    assert WordTokenizer.from_texts(texts, vocabulary_size=6).entries[4:] == ("a", "b")
    assert WordTokenizer.from_texts(texts, min_frequency=3).entries[4:] == ("a",)


@pytest.mark.parametrize("kind", [WordTokenizer, CharacterTokenizer])
def test_the_configuration_is_the_whole_state(kind):
    trained = kind.from_texts(ODD[1:3], standardize=("lower",))
    again = saving.from_json(saving.to_json(trained))
    assert again.config() == trained.config()
    assert again.encode(["B 我"]).to_list() == trained.encode(["b 我"]).to_list()


@pytest.mark.parametrize("kind", [WordTokenizer, CharacterTokenizer])
def test_no_text_is_refused(kind):
    with pytest.raises(DataError, match=r"trained on texts\. Received: no text"):
        kind.from_texts([""])


def test_wrong_options_are_refused():
    with pytest.raises(
        UsageError, match=r"Received: vocabulary_size=4\. Use 5 or more"
    ):
        WordTokenizer.from_texts(["a"], vocabulary_size=4)
    with pytest.raises(UsageError, match=r"Received: 'lowr'\. Did you mean 'lower'"):
        WordTokenizer(("a",), standardize=("lowr",))


@pytest.mark.parametrize(
    ("tokenizer", "options"),
    [
        *(("words", {}), ("characters", {})),
        *(
            ("bpe", {"vocabulary_size": 280}),
            ("unigram", {"vocabulary_size": 280, "exact": False}),
        ),
        ("wordpiece", {"vocabulary_size": 40}),
    ],
)
def test_every_tokenizer_has_the_contract(tokenizer, options):
    rows = as_rows(["the cat sat on the mat", "the dog sat on the log"])
    trained = train_tokenizer(rows, ["text"], tokenizer=tokenizer, **options)
    ids = trained.encode(["the dog on the mat"])
    assert trained.decode(ids).numpy().tolist() == [b"the dog on the mat"]
    assert (trained.padding, trained.start, trained.end) == (0, 2, 3)
    assert trained.vocabulary_size == len(trained.entries)


def test_an_unknown_split_names_the_nearest():
    with pytest.raises(UsageError, match=r"'word'\. Did you mean 'words'\?"):
        train_tokenizer(as_rows(["a"]), ["text"], tokenizer="word")


def test_line_feeds_can_be_words():
    words = WordTokenizer.from_texts(["a b\n a\n"], lines=True)
    assert words.entries[4:] == ("\n", "a", "b")
    ids = words.encode([" a\n\nb ", "a b", "\n"])
    assert ids.to_list() == [[5, 4, 4, 6], [5, 6], [4]]
    assert words.decode(ids).numpy().tolist() == [b"a\n\nb", b"a b", b"\n"]
    again = saving.from_json(saving.to_json(words))
    assert again.encode(["a\n"]).to_list() == [[5, 4]]


def test_a_text_that_spells_a_mark_means_none():
    words = WordTokenizer(("the", "cat"))
    assert words.encode(["the [END] cat [START] [UNK]"]).to_list() == [[4, 1, 5, 1, 1]]
