"""Beam search against a brute-force enumeration of all texts."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfnlp.decoding import GenerationConfig, StepOutputs, generate
from tfnlp.errors import UsageError

LOWEST = np.finfo(np.float32).min


def written_out(table, *, most, penalty=0.0, end=2):
    """Every text of at most `most` choices and its score, best first."""
    logs = table.log_probabilities()
    free = [token for token in range(1, len(logs)) if token != end]
    found = []
    for length in range(most + 1):
        for ids in itertools.product(free, repeat=length):
            path = list(ids) if length == most else [*ids, end]
            log = sum(logs[a, b] for a, b in itertools.pairwise([1, *path]))
            found.append((log / ((5 + len(path)) / 6) ** penalty, list(ids)))
    return sorted(found, reverse=True)


def texts(found, row=0):
    return [
        ids[:length].tolist()
        for ids, length in zip(
            found.ids[row].numpy(), found.lengths[row].numpy(), strict=True
        )
    ]


@pytest.mark.parametrize("penalty", [0.0, 0.6, 3.0, -1.0])
@pytest.mark.parametrize("seed", range(2))
def test_a_full_beam_finds_the_best_of_all_texts(table, penalty, seed):
    toy = table(seed=seed)
    config = GenerationConfig(4, num_beams=81, length_penalty=penalty)
    found = toy.continued(config, num_beams_limit=81, n_best=10)
    exact = written_out(toy, most=4, penalty=penalty)[:10]
    assert texts(found) == [ids for _, ids in exact]
    np.testing.assert_allclose(found.scores[0], [score for score, _ in exact], 1e-5)


@pytest.mark.parametrize("beams", [2, 3, 5])
def test_beam_search_equals_plain_python(table, beams):
    toy = table(size=9, seed=4)
    found = toy.continued(
        GenerationConfig(7, num_beams=beams, length_penalty=1.0), n_best=beams
    )
    exact = searched(toy, most=7, beams=beams, penalty=1.0)
    assert texts(found) == [ids for _, ids in exact]
    np.testing.assert_allclose(found.scores[0], [score for score, _ in exact], 1e-5)


def searched(table, *, most, beams, penalty, end=2):
    """Beam search that never stops early."""
    logs, alive, pool = table.log_probabilities(), [(0.0, [])], []
    for count in range(1, most + 1):
        going = [
            (log + logs[(ids or [1])[-1], token], [*ids, token])
            for log, ids in alive
            for token in range(1, len(logs))
        ]
        going = sorted(going, reverse=True)[: 2 * beams]
        alive = [(log, ids) for log, ids in going if ids[-1] != end][:beams]
        over = (
            going if count == most else [pair for pair in going if pair[1][-1] == end]
        )
        factor = ((5 + count) / 6) ** penalty
        pool += [(log / factor, [i for i in ids if i != end]) for log, ids in over]
        pool = sorted(pool, reverse=True)[:beams]
    return pool


def test_one_beam_is_greedy_search(table):
    toy = table(size=9, seed=2)
    greedy = toy.continued(GenerationConfig(6, temperature=0.0))
    config = GenerationConfig(6, num_beams=tf.constant([1, 2]), temperature=0.0)
    beside = toy.continued(config, rows=2)
    for one, two in zip(greedy, beside, strict=True):
        assert np.array_equal(one[0], two[0])


def test_groups_of_one_beam_find_the_greedy_text_and_score(table):
    toy = table(size=9, seed=2)
    greedy = toy.continued(GenerationConfig(6, temperature=0.0, length_penalty=0.5))
    config = GenerationConfig(6, num_beams=2, length_penalty=0.5)
    one_each = toy.continued(config, num_beam_groups=2, diversity_penalty=0.0, n_best=2)
    assert texts(one_each)[0] == texts(greedy)[0]
    assert float(one_each.scores[0, 0]) == float(greedy.scores[0, 0])


def test_beam_search_of_a_row_does_not_depend_on_its_batch(table):
    toy = table(size=9, seed=7)
    requested = {
        "max_tokens": [3, 8, 5, 6],
        "num_beams": [2, 1, 4, 3],
        "length_penalty": [0.0, 0.5, 1.0, 2.0],
        "no_repeat_ngram_size": [0, 2, 0, 1],
        "seed": [1, 2, 3, 4],
    }
    together = toy.continued(
        GenerationConfig(
            **{name: tf.constant(value) for name, value in requested.items()}
        ),
        rows=4,
        n_best=3,
    )
    for row in range(4):
        config = GenerationConfig(
            **{name: value[row] for name, value in requested.items()}
        )
        alone = toy.continued(config, n_best=3)
        assert texts(alone) == texts(together, row)
        assert np.array_equal(alone.scores[0], together.scores[row])
        assert np.array_equal(alone.ended[0], together.ended[row])


def test_a_row_with_few_texts_has_empty_ones_of_the_lowest_score(table):
    found = table().continued(GenerationConfig(3, num_beams=2), n_best=4)
    assert found.scores[0, 2:].numpy().tolist() == [LOWEST] * 2
    assert found.lengths[0, 2:].numpy().tolist() == [0, 0]
    assert np.all(np.diff(found.scores[0]) <= 0)


def test_without_an_end_token_the_best_texts_are_truncated(table):
    toy = table(logits=np.full([5, 5], 1.0))
    toy.logits[:, toy.end] = -1e9
    found = toy.continued(GenerationConfig(4, num_beams=3), n_best=3)
    assert found.lengths.numpy().tolist() == [[4, 4, 4]]
    assert not found.ended.numpy().any()


def test_beam_search_stops_early(table):
    toy = table(logits=np.zeros([4, 4]))
    toy.logits[:, toy.end] = 5.0
    found = toy.continued(GenerationConfig(50, num_beams=2), n_best=2)
    assert toy.calls <= 3
    assert bool(tf.reduce_all(found.ended))


def test_the_cache_follows_its_text():
    logits = np.random.default_rng(1).normal(size=[7, 7]).astype(np.float32)

    def step(ids, cache):  # what comes next depends on all tokens so far
        total = cache + tf.cast(ids, tf.float32)
        return tf.gather(logits, ids) * tf.cos(total)[:, None], total

    found = generate(
        step,
        logits[1:2],
        tf.zeros([1]),
        GenerationConfig(5, num_beams=4),
        end_token_id=2,
        n_best=4,
    )
    for ids, score, ended in zip(
        texts(found), found.scores[0], found.ended[0], strict=True
    ):
        path = [*ids, 2] if ended else ids
        now, total, log = logits[1:2], tf.zeros([1]), 0.0
        for token in path:
            allowed = tf.concat([now[:, 1:]], axis=1)
            log += tf.nn.log_softmax(allowed)[0, token - 1]
            now, total = step(tf.constant([token]), total)
        assert abs(float(log) - float(score)) < 1e-5


def test_shared_tensors_are_repeated_for_each_beam(table):
    toy = table(size=7)

    def step(ids, cache, shared):
        return tf.gather(toy.logits, ids) + shared["bias"], cache

    bias = np.random.default_rng(2).normal(size=[2, 7]).astype(np.float32)
    config = GenerationConfig(4, num_beams=3)
    found = generate(
        step, toy.first(2) + bias, (), config, end_token_id=2, shared={"bias": bias}
    )
    for row in range(2):
        alone = table(logits=toy.logits + bias[row]).continued(config)
        assert texts(found, row) == texts(alone)


def test_diversity_penalty_makes_groups_differ(table):
    toy = table(size=9, seed=5, spread=0.1)
    config = GenerationConfig(1, num_beams=3)
    plain = toy.continued(config, num_beam_groups=3, diversity_penalty=0.0, n_best=3)
    diverse = toy.continued(config, num_beam_groups=3, diversity_penalty=50.0, n_best=3)
    assert len({tuple(ids) for ids in texts(plain)}) == 1
    assert len({tuple(ids) for ids in texts(diverse)}) == 3


def test_diverse_beam_search_of_a_row_does_not_depend_on_its_batch(table):
    toy = table(size=9, seed=8)
    beams = [2, 4, 1]
    config = GenerationConfig(5, num_beams=tf.constant(beams), temperature=0.0)
    together = toy.continued(config, rows=3, num_beam_groups=2, n_best=2)
    for row, number in enumerate(beams):
        config = GenerationConfig(5, num_beams=number, temperature=0.0)
        assert texts(toy.continued(config, num_beam_groups=2, n_best=2)) == texts(
            together, row
        )


def test_num_beams_is_a_multiple_of_num_beam_groups(table):
    with pytest.raises(
        UsageError, match=r"a multiple of num_beam_groups, 2. Received: 3"
    ):
        table().continued(GenerationConfig(num_beams=3), num_beam_groups=2)
    config = GenerationConfig(num_beams=tf.constant([1, 3]))
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="multiple of num_beam_groups, 2"
    ):
        table().continued(config, rows=2, num_beam_groups=2)


def test_coverage_penalty_favours_texts_that_attend_to_the_whole_source(table):
    toy = table(logits=np.zeros([5, 5]))
    toy.logits[:, 3] = 0.1  # a little likelier than 4
    toy.logits[:, toy.end] = -1e9
    looks = np.eye(3, dtype=np.float32)[[0, 0, 0, 0, 1]] * [1, 1, 0] + [1e-3, 1e-3, 0]

    def step(ids, cache):
        return StepOutputs(
            tf.gather(toy.logits, ids), attention=tf.gather(looks, ids)
        ), ()

    def found(weight):
        first = StepOutputs(toy.first(1), attention=looks[1:2])
        config = GenerationConfig(3, num_beams=4, coverage_penalty=weight)
        return texts(generate(step, first, (), config, end_token_id=2))[0]

    assert found(0.0) == [3, 3, 3]
    assert 4 in found(1.0)


def test_a_coverage_penalty_needs_attention(table):
    with pytest.raises(UsageError, match="needs the attention of every step"):
        table().continued(GenerationConfig(num_beams=2, coverage_penalty=0.5))


def test_a_stop_sequence_finishes_a_beam(table):
    toy = table(size=6, seed=3)
    config = GenerationConfig(6, num_beams=3)
    found = toy.continued(config, stop_sequences=[[3], [4, 5]], n_best=3)
    assert all(3 not in ids for ids in texts(found))
    assert all([4, 5] not in map(list, itertools.pairwise(ids)) for ids in texts(found))
