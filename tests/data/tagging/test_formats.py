"""Tagged sentences of every format, and files that are no such thing."""

import gzip
import json

import pytest

from tfnlp.data import readers
from tfnlp.data.files import encoding
from tfnlp.data.rows import column_batches, from_list
from tfnlp.data.tagging import formats, sentences, spans, tagged_rows
from tfnlp.data.tagging.alignment import plain_words
from tfnlp.errors import DataError, SchemaError
from tfnlp.text.splitters import offsets

WANTED = {"tokens": "tokens", "tags": "tags"}
CONLL = "Ann NNP B-PER\nleft VBD O\n\nRome NNP B-LOC\n"
PARSED = [("Ann left", "B-PER O"), ("Rome", "B-LOC")]
UD = "1\tI\tI\tPRON\tPRP\t_\t0\troot\t_\t_\n"


def write(folder, name, content, encoding="utf-8"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode(encoding)
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def read(path, columns=WANTED, **options):
    rows = readers.read(path, columns, **options)
    return [
        tuple(value.decode() for value in values)
        for batch in column_batches(rows)
        for values in zip(*batch.values(), strict=True)
    ]


@pytest.mark.parametrize(
    "content",
    [
        CONLL,
        CONLL.replace(" ", "\t"),
        CONLL.replace("\n", "\r\n"),
        CONLL.replace("\n\n", "\n \t\n\n"),
        "\ufeff" + CONLL,
        "-DOCSTART- -X- O\n\n" + CONLL,
        "# id 7f domain=en\n" + CONLL,
        "# text = Ann left\n\n" + CONLL + "\n\n",
        CONLL.rstrip("\n").replace(" ", "   "),
    ],
)
@pytest.mark.parametrize("name", ["train.txt", "train.conll.gz"])
def test_columns_are_read(tmp_path, content, name):
    assert read(write(tmp_path, name, content)) == PARSED


def test_columns_go_by_number_too(tmp_path):
    path = write(tmp_path, "train.txt", CONLL)
    columns = {"tokens": 1, "tags": 3, "pos": 2}
    assert read(path, columns)[0] == ("Ann left", "B-PER O", "NNP VBD")


def test_tsv_with_empty_lines_is_no_table(tmp_path):
    path = write(tmp_path, "dev.tsv", CONLL.replace(" ", "\t"))
    assert read(path, {"tokens": 1, "tags": 3}) == PARSED
    path = write(tmp_path, "table.tsv", "tokens\ttags\nAnn left\tB-PER O\n")
    assert read(path) == PARSED[:1]


def test_encoding_is_detected(tmp_path):
    path = write(tmp_path, "train.txt", "Köln B-LOC\n", "cp1252")
    assert read(path) == [("Köln", "B-LOC")]


def test_words_with_hash_are_no_comments(tmp_path):
    path = write(tmp_path, "train.txt", "a B-NP\n# I-NP\n\n# B-NP\n5 I-NP\n")
    assert read(path) == [("a #", "B-NP I-NP"), ("# 5", "B-NP I-NP")]


@pytest.mark.parametrize("space", ["\u00a0", "\u3000", "\u200b", "\u2028", "\x85"])
def test_odd_spaces_are_words(tmp_path, space):
    path = write(tmp_path, "train.txt", f"a O\n{space} O\nb{space}c B-X\n")
    assert read(path) == [(f"a {space} b{space}c", "O O B-X")]


def test_spaces_in_words_between_tabs_do_not_part_them(tmp_path):
    path = write(tmp_path, "train.txt", "New York\tB-BIG CITY\n \tO\n")
    assert read(path) == [("New\u00a0York \u00a0", "B-BIG_CITY O")]


def test_characters_in_bmes_are_read(tmp_path):
    path = write(tmp_path, "dev.char.bmes", "高 B-PER\n勇 E-PER\n， O\n")
    assert read(path) == [("高 勇 ，", "B-PER E-PER O")]


def test_words_alone_can_be_read(tmp_path):
    path = write(tmp_path, "words.txt", "Ann\nleft\n\nRome\n")
    found = read(path, {"tokens": "tokens"}, format="conll")
    assert found == [("Ann left",), ("Rome",)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Ann B-PER\nleft\n", r"line 2 with 1 column, parted by spaces: 'left'"),
        ("Ann B-PER\nleft VBD O\n", r"line 2 with 3 columns"),
        ("Ann\tB-PER\n\tO\n", r"line 2 with an empty column"),
        ("Ann B-PER\n O\n", r"line 2 with an empty column"),
        ("Ann B-PER\n\n# x O\n# O\nleft\n", r"line 5 with 1 column,"),
        ("Ann\nleft\n", "with one column"),
        ("\n\n", "empty"),
        ("-DOCSTART- O\n\n", "has none"),
        ("Ann B-PER\n\nJo M-PER\nLee I-PER\n", r"lines 3 and 4, with 'I-PER' and 'M-P"),
    ],
)
def test_broken_columns_name_the_line(tmp_path, content, message):
    path = write(tmp_path, "train.txt", content)
    with pytest.raises(DataError, match=message):
        read(path)


def test_large_files_are_read_as_a_stream(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "SMALL", 0)
    assert read(write(tmp_path, "train.txt", CONLL)) == PARSED


def test_a_broken_line_of_a_stream_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "SMALL", 0)
    path = write(tmp_path, "train.txt", CONLL + "left\n")
    with pytest.raises(DataError, match="line 5 with 1 column,"):
        read(path)


def test_plain_tags_that_look_like_a_scheme_are_read(tmp_path):
    path = write(tmp_path, "pos.txt", "a N---1\nb S---3\nc M-x\nd I-y\n")
    assert read(path) == [("a b c d", "N---1 S---3 M-x I-y")]


def test_conllu_leaves_out_ranges_and_empty_nodes(tmp_path):
    content = f"# text = I'm\n# sent_id = 4\n1-2\tI'm{8 * chr(9)}_\n".replace(
        f"I'm{8 * chr(9)}_\n", "I'm" + 8 * "\t_" + "\n"
    )
    content += UD + UD.replace("1\tI", "1.1\tE") + UD.replace("1\tI", "2\t'm", 1) + "\n"
    path = write(tmp_path, "dev.conllu.gz", content)
    columns = {"tokens": "form", "tags": "xpos", "text": "text", "id": "sent_id"}
    assert read(path, columns) == [("I 'm", "PRP PRP", "I'm", "4")]
    assert read(path) == [("I 'm", "PRON PRON")]


def test_conllu_columns_are_counted_as_they_stand(tmp_path):
    path = write(tmp_path, "dev.conllu", UD)
    assert read(path, {"tokens": 2, "tags": "5"}) == [("I", "PRP")]


def test_conllu_words_may_hold_a_space(tmp_path):
    path = write(tmp_path, "dev.conllu", UD.replace("\tI\tI", "\tViệt Nam\tViệt Nam"))
    assert read(path) == [("Việt\u00a0Nam", "PRON")]


def test_broken_conllu_names_the_line(tmp_path):
    path = write(tmp_path, "dev.conllu", UD + "2\tam\tbe\n")
    with pytest.raises(DataError, match=r"dev\.conllu, line 2"):
        read(path)


def slots(folder, words="fly to Rome\n\n", tags="O O B-to\n\n", label="flight\nnone\n"):
    write(folder, "seq.in.gz", words)
    write(folder, "seq.out", tags)
    write(folder, "label", label)
    return folder


def test_parallel_files_are_read(tmp_path):
    columns = {**WANTED, "intent": "intent"}
    expected = [("fly to Rome", "O O B-to", "flight"), ("", "", "none")]
    assert read(slots(tmp_path), columns) == expected
    assert read(tmp_path / "seq.in.gz", columns) == expected


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"tags": "O B-to\n\n"}, "line 1 of .*seq.in.gz with 3 words and 2 tags"),
        ({"label": "flight\n"}, "label without line 2"),
    ],
)
def test_uneven_parallel_files_name_the_line(tmp_path, changed, message):
    with pytest.raises(DataError, match=message):
        read(slots(tmp_path, **changed))


def test_a_missing_parallel_file_is_named(tmp_path):
    (slots(tmp_path) / "seq.out").unlink()
    with pytest.raises(DataError, match=r"without seq\.out"):
        read(tmp_path)


ROLES = {"tokens": ["Ann", "gave", "up"], "id": "a-1", "upos": ["N", "V", "P"]}
PROP = {"pred": 1, "sense": "give.08", "args": [["ARG0", 0, 0], ["V", 1, 2]]}


def test_roles_are_a_row_each_predicate(tmp_path):
    lines = [{**ROLES, "props": [PROP, PROP]}, {**ROLES, "props": []}]
    path = write(tmp_path, "dev.jsonl", "\n".join(map(json.dumps, lines)))
    found = read(path, {**WANTED, "predicate": "predicate", "sense": "sense"})
    assert found == [("Ann gave up", "B-ARG0 B-V I-V", "1", "give.08")] * 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"props": [{**PROP, "args": [["ARG0", 0, 1], ["V", 1, 1]]}]},
        {"props": [{**PROP, "args": [["ARG0", 2, 3]]}]},
        {"props": [{**PROP, "pred": 3}]},
        {"props": [{"pred": 1}]},
        {"props": [PROP], "tokens": []},
    ],
)
def test_broken_roles_name_the_line(tmp_path, wrong):
    content = "\n" + json.dumps({**ROLES, "props": []} | wrong)
    with pytest.raises(DataError, match=r"dev\.jsonl, line 2"):
        read(write(tmp_path, "dev.jsonl", content))


def test_lists_of_words_and_tags_are_read(tmp_path):
    row = {"tokens": ["Ann", "left"], "ner_tags": ["B-PER", "O"], "text": "Ann left"}
    line = json.dumps(row)
    path = write(tmp_path, "train.jsonl", line)
    assert read(path, {"tokens": "tokens", "tags": "ner_tags"}) == PARSED[:1]


TEXT = "😀 Ann went to New York."
MARKED = [[2, 5, "PER"], [14, 22, "BIG CITY"]]
EXPECTED = ("😀 Ann went to New York .", "O B-PER O O B-BIG_CITY I-BIG_CITY O", TEXT)


def region(start, end, label, shift=0):
    value = {"start": start + shift, "end": end + shift, "labels": [label]}
    return {"type": "labels", "value": {**value, "text": TEXT[start:end]}}


def studio(shift):
    said = {"type": "choices", "value": {"choices": ["good"]}}
    result = [region(*span, shift) for span in MARKED] + [said]
    cancelled = {"was_cancelled": True, "result": []}
    annotations = [cancelled, {"was_cancelled": False, "result": result}]
    skipped = {"data": {"text": "no"}, "annotations": [cancelled]}
    return [{"data": {"text": TEXT}, "annotations": annotations}, skipped]


EXPORTS = {
    "doccano": [{"id": 1, "text": TEXT, "label": MARKED}],
    "doccano relations": [
        {
            "text": TEXT,
            "entities": [
                {"label": type, "start_offset": start, "end_offset": end}
                for start, end, type in MARKED
            ],
            "relations": [],
        }
    ],
    "prodigy": [
        {
            "text": TEXT,
            "tokens": [{"text": "😀", "start": 0, "end": 1}],
            "spans": [
                {"label": type, "start": start, "end": end}
                for start, end, type in MARKED
            ],
            "answer": "accept",
        },
        {"text": "no", "spans": [], "answer": "reject"},
    ],
    "label studio": studio(shift=0),
    "label studio, utf-16": studio(shift=1),
    "label studio, short": [
        {"text": TEXT, "label": [region(*span)["value"] for span in MARKED]}
    ],
}


@pytest.mark.parametrize("tool", EXPORTS)
@pytest.mark.parametrize("listed", [False, True])
def test_exports_are_read(tmp_path, tool, listed):
    rows = EXPORTS[tool]
    content = json.dumps(rows) if listed else "\n".join(map(json.dumps, rows))
    path = write(tmp_path, "export.json", content)
    assert read(path, {**WANTED, "text": "text"}) == [EXPECTED]


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ([2, 99, "PER"], "inside of its text.*line 1"),
        ([-1, 3, "PER"], "inside of its text"),
        ([5, 2, "PER"], "inside of its text"),
        (["a", 2, "PER"], "A span is"),
        ("PER", "A span is"),
        ({"start": 0, "end": 3, "label": "PER", "text": "Bob"}, "give its text"),
    ],
)
def test_spans_that_do_not_fit_the_text_are_rejected(tmp_path, span, message):
    content = json.dumps({"text": "Ann left", "spans": [span]})
    path = write(tmp_path, "export.jsonl", content)
    with pytest.raises(DataError, match=message):
        read(path)


@pytest.mark.parametrize("content", ['{"txt": "a"}', "[1]", '{"text": "a"', "[]x"])
def test_files_that_are_no_export_are_rejected(tmp_path, content):
    path = write(tmp_path, "export.json", content)
    with pytest.raises(DataError, match=r"export\.json"):
        read(path)


def test_misaligned_spans_are_reported(tmp_path):
    text = "Annie lives, in Rome"
    marked = [[0, 3, "PER"], [13, 20, "LOC"], [16, 20, "CITY"], [12, 13, "X"]]
    content = json.dumps({"text": text, "label": marked})
    path = write(tmp_path, "export.jsonl", content)
    found = spans.report(path)
    assert found.reasons == {"overlapping": 1, "widened": 1, "no word": 1}
    assert "line 1: PER 'Ann' widened, now 'Annie'" in str(found)
    assert read(path) == [("Annie lives , in Rome", "B-PER O O B-LOC I-LOC")]


def test_misaligned_spans_are_told_in_a_sentence(tmp_path):
    lines = [{"text": "Annie", "label": [[0, 3, "PER"]]}, {"text": "x", "label": []}]
    path = write(tmp_path, "export.jsonl", "\n".join(map(json.dumps, lines)))
    (message,) = formats.misaligned(str(path), WANTED, encoding=None)
    assert message == (
        "1 of 1 spans does not fit the words: 1 widened; the first is PER 'Ann' of "
        f"{path}, line 1, now 'Annie'."
    )
    other = write(tmp_path, "train.conll", CONLL)
    assert formats.misaligned(str(other), WANTED, encoding=None) == []


@pytest.mark.parametrize("type", [None, "", " "])
def test_a_span_without_a_type_is_rejected(tmp_path, type):
    content = json.dumps({"text": "Ann", "label": [[0, 3, type]]})
    with pytest.raises(DataError, match="A span has a type"):
        read(write(tmp_path, "export.jsonl", content))


def test_texts_of_another_name_are_told_by_the_keys_beside_them(tmp_path):
    content = json.dumps(
        [{"data": {"body": "Ann", "from": "web"}, "annotations": [{}]}]
    )
    with pytest.raises(DataError, match="with the keys body, from"):
        read(write(tmp_path, "export.json", content))


def test_predicates_may_be_null_and_are_a_list(tmp_path):
    line = '{"tokens": ["Ann", "left"], "props": %s}\n'
    good = line % "null" + line % '[{"pred": 1, "args": [["V", 1, 1]]}]'
    assert read(write(tmp_path, "a.jsonl", good)) == [("Ann left", "O B-V")]
    with pytest.raises(DataError, match="are a list, `props`"):
        read(write(tmp_path, "b.jsonl", line % "3"))


def test_words_can_be_cut_otherwise(tmp_path):
    content = json.dumps({"text": "to Rome", "label": [[3, 7, "LOC"]]})
    path = write(tmp_path, "export.jsonl", content)
    table = spans.marked(path, words=lambda texts: [[(0, 7)] for _ in texts])
    assert next(table.records())[:2] == ["to\u00a0Rome", "B-LOC"]


def test_plain_words_lose_nothing_but_spaces():
    text = "Élan vital's 3.5 €, 我爱\u200b_x_ naïve\u3000😀"
    (cut,) = plain_words([text])
    found = "".join(text[start:end] for start, end in cut)
    assert found == "".join(text.replace("\u200b", " ").split())


@pytest.mark.parametrize(
    "text",
    [
        "A320 at 4pm, x86_64 wow!!! :-) don't ...",
        "हिन्दी भाषा cafe\u0301 ภาษาไทย 東京タワー",
        "👩\u200d👩\u200d👧 👍🏽 🇩🇪 a\x00b\x1fc\u2028d\r\n",
        "",
    ],
)
def test_plain_words_are_those_that_a_tagger_is_asked_about(text):
    _, starts, ends = offsets([text], "words")
    pairs = zip(starts.to_list()[0], ends.to_list()[0], strict=True)
    assert plain_words([text]) == [list(pairs)]


def test_plain_words_take_half_a_pair_of_surrogates():
    assert plain_words(["a \ud83d b"]) == [[(0, 1), (2, 3), (4, 5)]]


def test_survey_says_what_is_odd():
    rows = from_list(
        [
            {"tokens": "a\u200bb \ufeff", "tags": "O I-PER"},
            {"tokens": "Ann left", "tags": "B-PER O"},
            {"tokens": "", "tags": ""},
        ]
    )
    assert list(tagged_rows.survey(rows).messages()) == [
        "1 of 3 sentences have no words.",
        "1 tag does not fit BIO: 1 × I-PER → B-PER; the first is I-PER of '\\ufeff' "
        "in sentence 1.",
        "2 words hold characters of zero width, 1 of them nothing else.",
    ]


@pytest.mark.parametrize("tags", ["b-per o", "B_PER O", "PER-B O"])
def test_survey_tells_tags_that_are_nearly_of_a_scheme(tags):
    (message,) = tagged_rows.survey(
        from_list([{"tokens": "a b", "tags": tags}])
    ).messages()
    assert f"spell no spans, such as {tags.split()[0]!r}" in message


@pytest.mark.parametrize("tags", ["DET NOUN", "b-x N", "B-PER O", "o o"])
def test_survey_finds_no_scheme_in_other_tags(tags):
    assert not list(
        tagged_rows.survey(from_list([{"tokens": "a b", "tags": tags}])).messages()
    )


def test_survey_tells_a_table_with_one_word_a_row():
    words = [{"tokens": "a", "tags": tag} for tag in ("DET", "NOUN", "VERB")]
    (message,) = tagged_rows.survey(from_list(words)).messages()
    assert message.startswith("every sentence has one word.")


def test_survey_rejects_rows_without_a_tag_for_each_word():
    rows = from_list([{"tokens": "Ann left", "tags": "B-PER"}])
    with pytest.raises(DataError, match="row 1 with 2 words and 1 tag: "):
        tagged_rows.survey(rows)


@pytest.mark.parametrize(
    "row", [{"tokens": "Ann left"}, {"tokens": "a b", "tags": ["O", "B-X"]}]
)
def test_survey_tells_rows_without_joined_tags(row):
    with pytest.raises(SchemaError, match="tags"):
        tagged_rows.survey(from_list([row]))


def test_rows_are_put_into_a_scheme():
    rows = from_list([{"tokens": "a b", "tags": "I-X I-X", "n": 1}])
    (row,) = tagged_rows.in_scheme(rows, "BIOES").as_numpy_iterator()
    assert row == {"tokens": b"a b", "tags": b"B-X E-X", "n": 1}


def test_mixed_schemes_of_rows_are_rejected():
    rows = from_list([{"tags": "B-X E-X"}, {"tags": "B-X I-X"}])
    with pytest.raises(DataError, match="one scheme"):
        tagged_rows.in_scheme(rows, "BIO")


def test_joined_words_come_apart_again():
    words = ["a", "\u3000", "b\u00a0c", "\u200b"]
    assert sentences.split(sentences.join(words)) == words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rows", "words", "scheme"),
    [
        ("conll2003/test.txt.gz", 3453, 46435, "BIO"),
        ("conll2000_chunking/test.txt.gz", 2012, 47377, "BIO"),
        ("resume_ner_zh/test.char.bmes.gz", 477, 15100, "BMES"),
        ("ud_english_ewt/en_ewt-ud-test.conllu.gz", 2077, 25094, None),
        ("snips/test", 700, 6354, "BIO"),
        ("atis/test", 893, 9164, "BIO"),
    ],
)
def test_real_sets_are_read_whole(shared_data, name, rows, words, scheme):
    found = tagged_rows.survey(readers.read(shared_data / name, WANTED))
    assert (found.rows, found.tokens, found.scheme) == (rows, words, scheme)
