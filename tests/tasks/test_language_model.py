"""Language models: every token counts once; options of requests are applied."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.data.blocks import blocks
from tfnlp.data.rows import from_list
from tfnlp.errors import UsageError
from tfnlp.evaluation.evaluate import evaluate
from tfnlp.networks.recurrent_decoder import RecurrentDecoder
from tfnlp.networks.transformer_decoder import TransformerDecoder
from tfnlp.tasks.language_model import LanguageModel
from tfnlp.testing import check_device_invariance, check_onnx, check_task

PAIRS = [
    ("two", "birds sing"),
    ("a", "dog barks"),
    ("the", "cat sleeps"),
    ("no", "one knows"),
    ("we", "left Rome"),
    ("so", "it goes"),
    ("my", "dog sleeps"),
    ("one", "bird left"),
]
ROWS = from_list([{"before": before, "text": text} for before, text in PAIRS])
FORMS = {
    "attention": lambda task, hp: TransformerDecoder(
        task.tokenizer.vocabulary_size,
        hidden_dim=16,
        num_heads=2,
        num_layers=hp.Int("num_layers", 1, 2, default=1),
        dropout=0.0,
    ),
    "recurrent": lambda task, hp: RecurrentDecoder(
        task.tokenizer.vocabulary_size,
        hidden_dim=hp.Int("hidden_dim", 8, 32, default=32),
        dropout=0.0,
    ),
}


def words(**options):
    return LanguageModel.from_rows(
        ROWS.map(lambda row: {"text": row["before"] + " " + row["text"]}),
        tokenizer="words",
        **options,
    )


def untrained(task, form="attention"):
    from tfnlp.training.defaults import Defaults

    return task.network(FORMS[form](task, Defaults()))


@pytest.mark.slow
@pytest.mark.parametrize(
    "form", ["attention", pytest.param("recurrent", marks=pytest.mark.long)]
)
def test_conforms(form, tmp_path):
    task = words(ends=form == "attention")
    check_task(task, lambda hp: task.network(FORMS[form](task, hp)), ROWS, tmp_path)


@pytest.mark.slow
def test_a_recurrent_network_conforms(tmp_path, check_form):
    task = words(ends=False)
    build = FORMS["recurrent"]
    check_form(task, lambda hp: task.network(build(task, hp)), ROWS, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_onnx_computes_the_same(form):
    check_onnx(words(), untrained(words(), form), ROWS)


@pytest.mark.slow
def test_states_that_go_on_do_not_depend_on_devices():
    task = words(slots=4)
    rows = blocks(
        ROWS.map(lambda row: {"text": row["text"] + " "}),
        size=2,
        unit="words",
        slots=4,
    )
    check_device_invariance(
        task, lambda hp: task.network(FORMS["recurrent"](task, hp)), rows
    )


def test_states_that_go_on_read_every_token_once():
    """Blocks of unequal length: as probable as each slot read in one go."""
    text = "".join(np.random.default_rng(0).choice(list("abcd "), 203))
    rows = from_list([{"text": text}])
    task = LanguageModel.from_rows(
        rows, tokenizer="characters", sequence_length=8, slots=4
    )
    network = untrained(task, "recurrent")
    for weight in network.trainable_variables:
        weight.assign(tf.random.stateless_normal(weight.shape, [1, 2]))
    parts, scores = [""] * 4, np.zeros(4)
    for batch in blocks(rows, size=8, slots=4).batch(4):
        scores += task.answer(network, batch)["score"].numpy()
        for slot, part in zip(batch["slot"], batch["text"].numpy(), strict=True):
            parts[int(slot)] += part.decode()
    alone, plain = task.alone(), task.plain(network)
    alone.sequence_length = 1_000  # one window
    whole = {"text": tf.constant(parts), "before": tf.constant([""] * 4)}
    assert "".join(parts) == text
    np.testing.assert_allclose(alone.answer(plain, whole)["score"], scores, rtol=1e-5)


def test_each_token_is_told_once_and_context_is_not():
    task = words(ends=True)
    features, y, weight = task.example(
        {"before": tf.constant(["two birds", ""]), "text": tf.constant(["sing", "a"])}
    )
    targets = [
        task.tokenizer.strings(tf.boolean_mask(row, scored > 0)).numpy().tolist()
        for row, scored in zip(y, weight, strict=True)
    ]
    assert targets == [[b"sing", b"[END]"], [b"a", b"[END]"]]
    assert features["token_ids"].numpy()[:, 0].tolist() == [task.tokenizer.start] * 2


@pytest.mark.parametrize("length", [4, 5, 8, 64])
def test_windows_tell_every_token_once(length):
    """A network that tells each token from itself: as probable in any window."""
    task = words(sequence_length=length)
    text = " ".join(f"{before} {rest}" for before, rest in PAIRS)
    row = {"text": tf.constant([text, "a"]), "before": tf.constant(["", ""])}
    size = task.tokenizer.vocabulary_size

    def network(features):
        return tf.one_hot(features["token_ids"], size) * 3.0

    answer = task.answer(network, row)
    whole = task.decode(network(task.encode(row)), row)
    assert answer["length"].numpy().tolist() == [24, 1]
    np.testing.assert_allclose(answer["scores"], whole["scores"], rtol=1e-5)
    np.testing.assert_allclose(answer["score"], whole["score"], rtol=1e-5)


def test_the_loss_of_a_long_text_is_that_of_its_windows():
    """A decoder of four places knows nothing of a fifth."""
    task = words(sequence_length=4)
    network = untrained(task)
    text = " ".join(f"{before} {rest}" for before, rest in PAIRS)
    report = evaluate(task, network, from_list([{"text": text, "before": ""}]))
    row = {"text": tf.constant([text]), "before": tf.constant([""])}
    answer = task.answer(network, row)
    assert int(answer["length"][0]) == 24
    assert report.scores["loss"] == pytest.approx(-float(answer["score"][0]) / 24)


def test_perplexity_is_exact():
    task = words()
    columns = {"text": np.array(["birds sing", "a"], object)}
    answers = {
        "score": np.log([0.25, 0.5]).astype("float32"),
        "length": np.array([2, 1]),
    }
    scores = task.score(columns, answers)
    assert scores["perplexity"] == pytest.approx(2.0)
    assert scores["bits_per_character"] == pytest.approx(3 / 11)


def test_a_prompt_goes_on_alike_alone_and_among_others():
    task = words()
    model = untrained(task)
    prompts = ["two birds", "", "the"]
    request = {"seed": 7, "max_tokens": 5, "temperature": 1.3}

    def texts(given):
        inputs = {"prompt": tf.constant(given), "stop": tf.constant([""])}
        inputs |= {name: tf.constant([value]) for name, value in request.items()}
        return task.generate(model, inputs)["text"].numpy().tolist()

    assert texts(prompts) == [texts([prompt])[0] for prompt in prompts]


def test_a_prompt_longer_than_the_window_is_read_from_its_end():
    task = words(sequence_length=2)
    model = untrained(task)

    def text(prompt):
        inputs = {"prompt": tf.constant([prompt]), "temperature": tf.constant([0.0])}
        return task.generate(model, inputs)["text"].numpy()[0]

    assert text("one knows the cat") == text("my the cat")


@pytest.mark.parametrize("ends", [True, False])
def test_a_text_ends_at_max_tokens_where_nothing_else_ends_it(ends):
    """The stop string never comes; without an end mark nothing else can end it."""
    task = words(ends=ends)
    inputs = {"prompt": tf.constant([""]), "stop": tf.constant(["never there"])}
    inputs |= {"max_tokens": tf.constant([9]), "min_tokens": tf.constant([9])}
    text = task.generate(untrained(task), inputs)["text"].numpy()[0].decode()
    assert len(text.split()) == 9


def test_bytes_that_are_no_text_are_read_as_unknown_characters():
    task = words()
    model = untrained(task)
    request = {"temperature": tf.constant([0.0]), "max_tokens": tf.constant([4])}

    def text(prompt):
        return task.generate(model, {"prompt": tf.constant([prompt]), **request})[
            "text"
        ]

    assert text(b"the \xff\xfe") == text("the \ufffd\ufffd")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -1.0),
        ("temperature", float("nan")),
        ("top_p", 0.0),
        ("num_beams", 9),
        ("max_tokens", 0),
    ],
)
def test_a_request_that_asks_for_the_impossible_is_refused(name, value):
    task = words()
    inputs = {"prompt": tf.constant(["the"]), name: tf.constant([value])}
    with pytest.raises(UsageError, match=f"Option {name} must be"):
        task.generate(untrained(task), inputs)


def test_a_report_shows_how_texts_go_on():
    task = words(sequence_length=4)
    rows = from_list([{"text": "the dog barks"}, {"text": "no"}])
    figure = task.samples(untrained(task), rows)
    assert [row[0][1][0][0] for row in figure.rows] == ["the", "n"]
    assert [row[1][1][0][0] for row in figure.rows] == [" dog barks", "o"]
    assert all(row[2][1][0][0] for row in figure.rows)


def test_what_a_prompt_has_counts_as_said():
    task = words()
    request = {"temperature": tf.constant([0.0]), "max_tokens": tf.constant([3])}
    request |= {"no_repeat_ngram_size": tf.constant([1])}
    prompt = "two birds sing a dog barks"
    inputs = {"prompt": tf.constant([prompt]), **request}
    made = task.generate(untrained(task), inputs)["text"].numpy()[0].decode()
    assert len(made.split()) == 3 and not set(made.split()) & set(prompt.split())


def test_a_decoder_remembers_what_it_is_to_read():
    task = words(sequence_length=32)
    decoder = TransformerDecoder(
        task.tokenizer.vocabulary_size, hidden_dim=8, num_heads=2, sequence_length=8
    )
    with pytest.raises(UsageError, match="must have a cache for the 32 tokens"):
        task.network(decoder)


def test_a_stop_string_ends_a_text_and_is_no_part_of_it():
    rows = from_list([{"text": "abc"}])
    task = LanguageModel.from_rows(rows, tokenizer="characters")
    a = int(task.tokenizer.encode(["a"]).flat_values[0])

    def network(features):  # a b c a b c …
        ids = (features["token_ids"] - a + 1) % 3 + a
        return tf.one_hot(ids, task.tokenizer.vocabulary_size) * 30.0

    def text(stop):
        inputs = {
            "prompt": tf.constant(["a", "b"]),
            "stop": tf.constant([stop, ""]),
            "max_tokens": tf.constant([7]),
            "temperature": tf.constant([0.0]),
        }
        return task.generate(network, inputs)["text"].numpy().tolist()

    order = task.tokenizer.strings([a, a + 1, a + 2]).numpy().tolist()
    assert order == [b"a", b"b", b"c"]
    assert text("ca") == [b"b", b"cabcabc"]
    assert text("x") == [b"bcabcab", b"cabcabc"]


def test_a_text_is_as_probable_as_the_network_says():
    task = words()
    model = untrained(task)
    row = {"before": tf.constant(["two"]), "text": tf.constant(["birds sing"])}
    answer = task.answer(model, row)
    features, y, weight = task.example(row)
    expected = -tf.reduce_sum(task.loss(y, model(features)) * weight)
    assert float(answer["score"][0]) == pytest.approx(float(expected), rel=1e-5)
    assert answer["tokens"].numpy()[0].tolist() == [b"birds", b"sing"]


def test_slots_need_a_decoder_with_a_state():
    task = words(slots=2)
    with pytest.raises(UsageError, match="Slots are for a decoder with a state"):
        untrained(task)


def test_a_task_of_slots_answers_rows_that_stand_alone():
    alone = words(slots=2).alone()
    assert not alone.ordered and set(alone.inputs) == {"text", "before"}
