"""`generate` as a whole: stopping, batches, graphs, XLA and SavedModels."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.decoding import (
    SPECS,
    ContrastiveSearch,
    GenerationConfig,
    StepOutputs,
    generate,
)
from tfnlp.errors import UsageError

GREEDY = GenerationConfig(6, temperature=0.0)


def chain(*tokens, size=8):
    """Logits by which each token is followed by the next one of a list."""
    logits = np.zeros([size, size], np.float32)
    logits[list(tokens[:-1]), list(tokens[1:])] = 9.0
    return logits


def ids_of(found):
    return found.ids[:, 0].numpy().tolist()


def test_the_end_token_ends_a_text_and_is_no_part_of_it(table):
    found = table(logits=chain(1, 5, 4, 2)).continued(GREEDY)
    assert ids_of(found) == [[5, 4, 0, 0, 0, 0]]
    assert (int(found.lengths[0, 0]), bool(found.ended[0, 0])) == (2, True)


def test_the_score_is_the_log_probability_with_the_end_token(table):
    toy = table(logits=chain(1, 5, 4, 2))
    logs = toy.log_probabilities()
    exact = logs[1, 5] + logs[5, 4] + logs[4, 2]
    assert float(toy.continued(GREEDY).scores[0, 0]) == pytest.approx(exact, abs=1e-5)
    config = GenerationConfig(6, temperature=0.0, length_penalty=2.0)
    normalised = exact / ((5 + 3) / 6) ** 2
    found = toy.continued(config).scores[0, 0]
    assert float(found) == pytest.approx(normalised, abs=1e-5)


def test_a_text_without_an_end_is_truncated_at_max_tokens(table):
    found = table(logits=chain(1, 5, 4, 5)).continued(GREEDY, stop_sequences=[[6, 6]])
    assert ids_of(found) == [[5, 4, 5, 4, 5, 4]]
    assert not bool(found.ended[0, 0])


@pytest.mark.parametrize("end", [None, 2])
def test_a_stop_sequence_ends_a_text_and_is_no_part_of_it(table, end):
    toy = table(logits=chain(1, 5, 4, 3, 6))
    found = toy.continued(GREEDY, stop_sequences=[[7], [4, 3]], end_token_id=end)
    assert ids_of(found) == [[5, 0, 0, 0, 0, 0]]
    assert toy.calls == 2


def test_a_stopping_criterion_ends_texts(table):
    toy = table(logits=chain(1, 5, 4, 3, 6))

    def stopped(ids, lengths):
        return (lengths >= 3) & tf.reduce_any(ids == 4, axis=1)

    assert ids_of(toy.continued(GREEDY, stopping_criterion=stopped)) == [
        [5, 4, 3, 0, 0, 0]
    ]


def test_no_step_is_taken_after_the_last_token(table):
    toy = table(logits=chain(1, 5, 4, 2))
    toy.continued(GenerationConfig(1000, temperature=0.0))
    assert toy.calls == 2
    toy.continued(GenerationConfig(2, temperature=0.0))
    assert toy.calls == 3


def test_a_finished_row_emits_padding_until_all_have_finished():
    logits = chain(1, 5, 4, 2)

    def step(ids, cache):
        return tf.gather(logits, ids), cache

    first = tf.gather(logits, [4, 1])
    found = generate(step, first, (), GREEDY, end_token_id=2)
    assert ids_of(found) == [[0] * 6, [5, 4, 0, 0, 0, 0]]
    assert found.lengths[:, 0].numpy().tolist() == [0, 2]


def test_sampling_of_a_row_does_not_depend_on_its_batch(table):
    toy = table(size=300, seed=5)
    requested = {
        "max_tokens": [9, 5, 7, 8, 9],
        "min_tokens": [9, 0, 2, 0, 0],
        "temperature": [1.0, 0.0, 0.7, 1.5, 1.0],
        "top_k": [0, 0, 10, 0, 299],
        "top_p": [1.0, 1.0, 1.0, 0.8, 0.99],
        "min_p": [0.0, 0.0, 0.0, 0.01, 0.0],
        "repetition_penalty": [1.0, 1.2, 1.0, 2.0, 1.0],
        "no_repeat_ngram_size": [0, 1, 0, 2, 0],
        "seed": [3, 3, 5, 6, 7],
    }
    columns = {name: tf.constant(value) for name, value in requested.items()}
    together = toy.continued(GenerationConfig(**columns), rows=5)
    for row in range(5):
        config = GenerationConfig(
            **{name: value[row] for name, value in requested.items()}
        )
        alone = toy.continued(config)
        length = requested["max_tokens"][row]
        assert ids_of(alone)[0] == ids_of(together)[row][:length]
        assert not any(ids_of(together)[row][length:])
        assert float(alone.scores[0, 0]) == float(together.scores[row, 0])


def test_another_seed_gives_another_text(table):
    config = GenerationConfig(20, seed=tf.constant([1, 2, 1]))
    first, second, again = ids_of(
        table(size=50).continued(config, rows=3, end_token_id=None)
    )
    assert first == again != second


def test_forced_tokens_come_first_by_row(table):
    found = table(size=8).continued(
        GREEDY, rows=2, forced_tokens=[[7, 3], [6, 0]], end_token_id=None
    )
    assert [ids[0] for ids in ids_of(found)] == [7, 6]
    assert ids_of(found)[0][1] == 3


def test_the_prompt_counts_for_no_repeat_ngram(table):
    toy = table(logits=chain(1, 5, 4, 2))
    config = GenerationConfig(6, temperature=0.0, no_repeat_ngram_size=1)
    found = toy.continued(config, prompt=tf.constant([[5, 0]]))
    assert 5 not in ids_of(found)[0]


CONFIGS = {
    "greedy": GenerationConfig(
        5, temperature=0.0, repetition_penalty=1.5, no_repeat_ngram_size=2
    ),
    "sampled": GenerationConfig(
        5, top_k=30, top_p=0.9, min_p=0.01, seed=4, min_tokens=2
    ),
    "searched": GenerationConfig(5, num_beams=3, length_penalty=0.6),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_xla_gives_the_same_texts(table, name):
    toy = table(size=40, seed=1)

    def answer(first):
        cache = {"read": tf.zeros([2], tf.int32)}
        return generate(
            toy.step,
            first,
            cache,
            CONFIGS[name],
            end_token_id=2,
            stop_sequences=[[7, 8]],
        )

    plain = answer(toy.first(2))
    compiled = tf.function(answer, jit_compile=True)(toy.first(2))
    assert np.array_equal(plain.ids, compiled.ids)
    np.testing.assert_allclose(plain.scores, compiled.scores, rtol=1e-4)


class Served(tf.Module):
    """A table with one signature: the row's options in, ids out."""

    def __init__(self, toy):
        super().__init__()
        self.toy = toy

    @tf.function(input_signature=[SPECS])
    def answer(self, config):
        rows = tf.shape(config["seed"])[0]
        found = self.toy.continued(
            GenerationConfig(**config),
            rows=rows,
            max_tokens_limit=32,
            num_beams_limit=4,
            n_best=2,
        )
        return found._asdict()


def requested(**config):
    """Signature inputs of three rows."""
    plain = vars(GenerationConfig(max_tokens=6)) | config
    return {
        name: tf.broadcast_to(tf.constant(value, SPECS[name].dtype), [3])
        for name, value in plain.items()
    }


@pytest.mark.slow
def test_a_saved_model_generates_each_row_by_its_config(table, tmp_path):
    served = Served(table(size=30, seed=6))
    tf.saved_model.save(served, tmp_path, signatures=served.answer)
    signature = tf.saved_model.load(tmp_path).signatures["serving_default"]
    inputs = requested(num_beams=[1, 3, 1], temperature=[0.0, 1.0, 1.0], seed=[0, 0, 9])
    here, there = served.answer(inputs), signature(**inputs)
    assert np.array_equal(here["ids"], there["ids"])
    assert np.array_equal(here["scores"], there["scores"])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Option num_beams must"):
        signature(**requested(num_beams=[1, 5, 1]))


def test_a_cache_may_not_grow(table):
    toy = table()

    def step(ids, cache):
        return tf.gather(toy.logits, ids), tf.concat([cache, ids[:, None]], axis=1)

    rule = "must keep its shapes and types.*Received: int32 \\(1, 1\\) after int32 "
    with pytest.raises(UsageError, match=rule):
        generate(
            step, toy.first(1), tf.zeros([1, 0], tf.int32), GREEDY, end_token_id=None
        )


@pytest.mark.parametrize("beams", [1, 2])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_nan_logits_end_the_text(table, beams, temperature):
    toy = table(logits=chain(1, 5, 4))
    toy.logits[4] = np.nan
    config = GenerationConfig(6, num_beams=beams, temperature=temperature, top_k=1)
    found = toy.continued(config, end_token_id=None)
    assert ids_of(found)[0] in ([5, 4, 0, 0, 0, 0], [0] * 6)
    assert np.isfinite(found.scores).all()


def test_half_precision_logits_are_cast_to_float32(table):
    toy = table()

    def step(ids, cache):
        return tf.cast(tf.gather(toy.logits, ids), tf.float16), cache

    first = tf.cast(toy.first(1), tf.float16)
    assert generate(step, first, (), GREEDY, end_token_id=2).scores.dtype == tf.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"end_token_id": 9},
            "Argument end_token_id must name ids from 1 to 4.*Received: \\[9\\]",
        ),
        (
            {"suppress_tokens": [0]},
            "Argument suppress_tokens must name ids from 1 to 4",
        ),
        ({"n_best": 0}, "Argument n_best must be from 1 to num_beams_limit, 8"),
        ({"num_beam_groups": 0}, "Diverse beam search needs 1 group or more"),
    ],
    ids=["end", "suppress_tokens", "n_best", "num_beam_groups"],
)
def test_an_argument_out_of_range_is_a_usage_error(table, arguments, message):
    with pytest.raises(UsageError, match=message):
        table().continued(GREEDY, **arguments)


def read(table, vectors):
    """A step that returns the hidden state of each token."""

    def step(ids, cache):
        return StepOutputs(tf.gather(table.logits, ids), tf.gather(vectors, ids)), cache

    return step


def contrasted(table, vectors, *, most, prompt, k, alpha):
    """Contrastive search, one token after the other."""
    logs, last, made, seen = table.log_probabilities(), 1, [], list(prompt)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for _ in range(most):
        ids = sorted(range(len(logs)), key=lambda token: -logs[last, token])
        worth = {
            token: (1 - alpha) * np.exp(logs[last, token])
            - alpha * max(units[token] @ units[old] for old in seen)
            for token in ids[:k]
        }
        last = max(worth, key=worth.get)
        made.append(last)
        seen.append(last)
    return made


@pytest.mark.parametrize("alpha", [0.0, 0.4, 0.9])
def test_contrastive_search_equals_plain_python(table, alpha):
    toy = table(size=12, seed=3)
    vectors = np.random.default_rng(4).normal(size=[12, 5]).astype(np.float32)
    context = tf.constant(vectors[[[1, 6], [1, 7]]])
    found = generate(
        read(toy, vectors),
        toy.first(2),
        (),
        GenerationConfig(6),
        end_token_id=None,
        contrastive=ContrastiveSearch(context, k=3, alpha=alpha),
    )
    for row, prompt in enumerate([(1, 6), (1, 7)]):
        exact = contrasted(toy, vectors, most=6, prompt=prompt, k=3, alpha=alpha)
        assert ids_of(found)[row] == exact


def test_contrastive_search_needs_hidden_states_and_valid_options(table):
    with pytest.raises(UsageError, match="needs the vector of every token"):
        table().continued(GREEDY, contrastive=ContrastiveSearch(tf.zeros([1, 0, 4])))
    with pytest.raises(UsageError, match=r"alpha from 0 to 1. Received: k=4"):
        ContrastiveSearch(tf.zeros([1, 0, 4]), alpha=1.5)
