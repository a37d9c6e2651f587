"""The audit of tagged sentences, and what is odd about tags that are scored."""

import json

import pytest

from tfnlp.data.audit.gold_tags import oddities
from tfnlp.data.audit.sentences import audit_sentences
from tfnlp.data.readers import from_list
from tfnlp.data.tagging.tag_counts import several_tags
from tfnlp.errors import DataError


def rows(*sentences, **more):
    """Rows of sentences written `Ann|B-PER left|O`."""
    pairs = [[word.split("|") for word in each.split(" ")] for each in sentences]
    return from_list(
        [
            {
                "tokens": " ".join(word for word, *_ in each),
                "tags": " ".join(tag for _, *tags in each for tag in tags),
                **{name: values[n] for name, values in more.items()},
            }
            for n, each in enumerate(pairs)
        ]
    )


TRAIN = rows(
    "Ann|B-PER left|O Bath|B-LOC", "a|O Bath|O for|O Ann|B-PER", "Bob|B-PER Ray|I-PER"
)


def test_types_and_words_with_several_tags_are_counted():
    found = audit_sentences(TRAIN)
    assert (found.scheme, found.types) == ("BIO", {"PER": 3, "LOC": 1})
    assert (found.tagged, found.tokens, found.errors) == (5, 9, [])
    assert (found.ambiguous, found.several) == (1, {"Bath": {"LOC": 1, "O": 1}})
    lines = [" ".join(line.split()) for line in found.table().splitlines()]
    assert lines[1:4] == [
        "BIO, types (2) PER 3 (75%), LOC 1 (25%)",
        "words in spans 5 (55.6%)",
        "several tags (1) Bath LOC 1 O 1",
    ]


def test_plain_tags_are_counted_by_word():
    found = audit_sentences(rows("so|ADV be|AUX", "so|CCONJ it|PRON"))
    assert found.scheme is None and found.types["ADV"] == 1
    assert found.several == {"so": {"ADV": 1, "CCONJ": 1}}
    assert "tags (4)" in found.table() and "words in spans" not in found.table()


def test_other_sets_are_compared_with_train():
    test = rows("Ann|S-PER left|O Bath|S-LOC", "Oslo|S-GPE", "New|B-LOC York|E-LOC")
    found = audit_sentences(TRAIN, others={"test": test})
    assert found.leaking == {"test": 1} and found.strange == {"test": {"GPE": 1}}
    assert found.warnings == [
        "test: 1 row (33.3%) has a text that is also in train.",
        "test: tags are of BIOES, those of train of BIO.",
        "test: tags that train lacks: 'GPE'.",
    ]


def test_tags_that_do_not_fit_are_told():
    wrong = rows("Ann|I-PER left|O", "Bob|B-PER Ray|I-PER", "Bath|B-LOC", "Oslo|B-LOC")
    found = audit_sentences(wrong, others={"valid": wrong})
    message = (
        "1 tag does not fit BIO: 1 × I-PER → B-PER; the first is I-PER of 'Ann' in "
        "sentence 1."
    )
    assert message in found.warnings and f"valid: {message}" in found.warnings
    assert found.repairs == {name: {"I-PER → B-PER": 1} for name in ("train", "valid")}
    assert found.check() is found


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (rows("Ann|B-PER left", "so|O be it"), "row 1 with 2 words and 1 tag: 'Ann l"),
        (rows("Ann|B-PER left", "so|O be it"), "', and 1 more row like it. Correct"),
        (
            rows("Ann|B-PER so|B-MISC", "Ray|E-PER be|M-A"),
            "are of one scheme. Received",
        ),
        (rows("Ann|O left|O"), "at least two tags. Received: one tag only, 'O'. Check"),
    ],
    ids=["uneven", "how many", "mixed", "one tag"],
)
def test_tags_that_cannot_be_learnt_are_errors(wrong, message):
    found = audit_sentences(wrong)
    assert message in " ".join(found.errors)
    with pytest.raises(DataError):
        found.check()


def test_uneven_rows_of_another_set_are_errors_with_its_name():
    found = audit_sentences(TRAIN, others={"test": rows("Ann|B-PER left")})
    assert found.uneven == {"train": 0, "test": 1}
    assert found.errors[0].startswith("test: Each word has one tag.")


def test_rows_of_one_sentence_are_told_apart_by_their_predicate():
    twice = rows("so|O be|B-V", "so|B-V be|O", predicate=["1", "0"])
    assert audit_sentences(twice).duplicates == 1
    assert audit_sentences(twice, key_fields=["predicate"]).duplicates == 0


def test_labels_of_sentences_are_counted_too():
    both = rows("to|O Bath|B-LOC", "in|O Oslo|B-LOC", intent=["go", "stay"])
    found = audit_sentences(both, label_field="intent")
    assert found.classes == {"go": 1, "stay": 1} and found.types == {"LOC": 2}


def test_an_audit_is_json():
    values = json.loads(
        json.dumps(audit_sentences(TRAIN, others={"t": TRAIN}).to_json())
    )
    assert values["several"] == {"Bath": {"LOC": 1, "O": 1}}
    assert values["elsewhere"]["t"]["empty"] == 0


def test_words_of_longer_spans_are_not_outside():
    sentence = (["New", "York", "is", "New"], ["B-LOC", "I-LOC", "O", "B-MISC"])
    assert several_tags([sentence], "BIO") == {}


def test_tags_that_a_task_does_not_know_are_counted():
    messages = oddities(rows("Ann|B-PER Oslo|B-GPE"), ["O", "B-PER"], scheme="BIO")
    assert messages == [
        "1 span of a type that the task does not know and so never answers: 'GPE'."
    ]
    messages = oddities(rows("so|ADV be|AUX"), ["ADV"], scheme=None)
    assert messages == [
        "1 word with a tag that the task does not know and so never answers: 'AUX'."
    ]


@pytest.mark.parametrize(
    ("gold", "known", "scheme"),
    [
        ("Ann|NNP left|VBD", ["O", "B-PER"], "BIO"),
        ("Ann|B-PER left|O", ["NNP", "VBD"], None),
    ],
)
def test_tags_of_another_task_are_rejected(gold, known, scheme):
    with pytest.raises(
        DataError, match=r"tags that the task knows: .* in 1 row. Check"
    ):
        oddities(rows(gold), known, scheme=scheme)


def test_tags_of_another_scheme_are_told():
    gold = rows("Ann|B-PER Ray|E-PER left|O")
    messages = oddities(gold, ["O", "B-PER", "I-PER"], scheme="BIO")
    assert messages == [
        "The tags are of BIOES, answers of BIO: the spans are compared, whatever "
        "spells them."
    ]


def test_uneven_rows_and_mixed_schemes_do_not_stop_scoring():
    gold = rows("Ann|B-PER left", "Bob|B-PER Ray|E-PER", "Eve|B-PER Fox|M-PER")
    messages = oddities(gold, ["O", "B-PER"], scheme="BIO")
    assert messages[0].startswith("1 row has not as many tags as words: a word without")
    assert oddities(rows("so|O be|O"), ["O", "B-PER"], scheme="BIO") == []
