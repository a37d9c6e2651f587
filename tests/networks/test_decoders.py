"""Decoders: incremental decoding equals whole rows."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfnlp.decoding.step_api import as_step_outputs
from tfnlp.errors import UsageError
from tfnlp.layers.decoder_block import Memory
from tfnlp.networks import incremental_decoding
from tfnlp.networks.recurrent_decoder import RecurrentDecoder
from tfnlp.networks.transformer_decoder import TransformerDecoder
from tfnlp.networks.truncated_bptt import TruncatedBPTT

IDS = tf.constant([[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8], [9, 7, 9, 3, 2, 3]])
LENGTHS = tf.constant([3, 1, 2])
"""Prompts of different lengths."""
MASK = tf.constant([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0]])


def transformer(**options):
    return TransformerDecoder(
        11, hidden_dim=8, num_heads=2, num_layers=2, dropout=0.0, **options
    )


def recurrent(**options):
    return RecurrentDecoder(
        11, hidden_dim=8, embedding_dim=6, num_layers=2, dropout=0.0, **options
    )


FORMS = {
    "rotary": transformer,
    "learned": lambda: transformer(positions="learned"),
    "untied": lambda: transformer(tie_word_embeddings=False),
    "lstm": recurrent,
    "gru": lambda: recurrent(cell="gru"),
}
LOOKING = {
    "attention": lambda: transformer(cross_attention=True),
    "luong": lambda: recurrent(attention="luong"),
    "bahdanau": lambda: recurrent(attention="bahdanau"),
    "bahdanau-gru": lambda: recurrent(attention="bahdanau", cell="gru"),
}


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


@pytest.fixture
def memory():
    return Memory(tf.random.stateless_normal([3, 4, 5], seed=[1, 2]), MASK)


def walked(decoder, memory=None):
    """The largest gap between logits token by token and those of whole rows."""
    given = () if memory is None else memory
    whole = decoder(IDS, *given)
    logits, cache, shared = decoder.prefill(
        IDS[:, :3], LENGTHS, max_length=7, memory=memory
    )
    places, gaps = LENGTHS, []
    for _ in range(4):
        expected = tf.gather(whole, places - 1, batch_dims=1)
        gaps.append(float(tf.reduce_max(tf.abs(logits.logits - expected))))
        ids = tf.gather(IDS, tf.minimum(places, 5), batch_dims=1)
        logits, cache = decoder.step(ids, cache, shared)
        places = tf.minimum(places + 1, 6)
    return max(gaps)


@pytest.mark.parametrize("form", FORMS)
def test_incremental_decoding_equals_whole_rows(form):
    assert walked(FORMS[form]()) < 3e-6  # logits of 1, so some units in the last place


@pytest.mark.parametrize("form", LOOKING)
def test_incremental_decoding_equals_whole_rows_with_a_memory(form, memory):
    assert walked(LOOKING[form](), memory) < 1e-6


@pytest.mark.parametrize("form", LOOKING)
def test_padding_of_a_memory_is_not_seen(form, memory):
    decoder = LOOKING[form]()
    other = memory.vectors + 9.0 * tf.cast(MASK == 0, tf.float32)[..., None]
    np.testing.assert_allclose(
        decoder(IDS, *memory), decoder(IDS, other, MASK), atol=1e-6
    )


@pytest.mark.parametrize("form", LOOKING)
def test_alignment_is_the_attention_to_the_source(form, memory):
    decoder = LOOKING[form]()
    decoder(IDS, *memory)
    weights = decoder.alignment(IDS, memory)
    assert weights.shape == (3, 6, 4)
    np.testing.assert_allclose(tf.reduce_sum(weights, axis=2), 1.0, atol=1e-5)
    assert float(tf.reduce_max(weights[1, :, 1:])) < 1e-6


@pytest.mark.parametrize("form", LOOKING)
def test_steps_return_attention(form, memory):
    """What a coverage penalty counts."""
    decoder = LOOKING[form]()
    whole = decoder(IDS, *memory), decoder.alignment(IDS, memory)
    said, cache, shared = decoder.prefill(
        IDS[:, :1], tf.ones(3, tf.int32), max_length=7, memory=memory
    )
    for place in range(1, 4):
        np.testing.assert_allclose(
            said.attention, whole[1][:, place - 1], atol=1e-6, err_msg=str(place)
        )
        said, cache = decoder.step(IDS[:, place], cache, shared)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_bahdanau_attention_has_dropout_between_layers(cell):
    options = {"hidden_dim": 8, "num_layers": 2, "cell": cell, "attention": "bahdanau"}
    decoder = RecurrentDecoder(11, **options, dropout=0.5, embedding_dropout=0.0)
    memory = Memory(tf.zeros([3, 4, 5]), MASK)
    plain = decoder(IDS, *memory)
    decoder.between[-1].rate = 0.0
    dropped = decoder(IDS, *memory, training=True)
    assert np.abs(plain - dropped).max() > 1e-4
    np.testing.assert_array_equal(decoder(IDS, *memory), plain)


@pytest.mark.parametrize("form", [*FORMS, *LOOKING])
def test_a_network_is_saved_with_its_decoder(form, memory, tmp_path):
    decoder = (FORMS | LOOKING)[form]()
    inputs = [keras.Input([None], dtype="int32")]
    given = [IDS]
    if form in LOOKING:
        inputs += [keras.Input([None, 5]), keras.Input([None], dtype="int32")]
        given += [*memory]
    network = keras.Model(inputs, decoder(*inputs))
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(network(given), loaded(given))


@pytest.mark.parametrize("form", [*FORMS, *LOOKING])
def test_every_weight_is_learnt(form, memory):
    decoder = (FORMS | LOOKING)[form]()
    given = memory if form in LOOKING else ()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(decoder(IDS, *given, training=True) ** 2)
    gradients = tape.gradient(loss, decoder.trainable_variables)
    assert all(gradient is not None for gradient in gradients)


def test_a_full_cache_drops_its_oldest_token():
    """With one block, what comes after depends on the last `length` tokens alone."""
    decoder = TransformerDecoder(
        11, hidden_dim=8, num_heads=2, num_layers=1, dropout=0.0, sequence_length=3
    )
    decoder(IDS)

    def last(ids):
        logits, cache, _ = decoder.prefill(ids[:, :2], tf.fill([1], 2), max_length=6)
        for place in range(2, ids.shape[1]):
            logits, cache = decoder.step(ids[:, place], cache)
        return logits.logits

    long, short = tf.constant([[8, 8, 4, 1, 5]]), tf.constant([[4, 1, 5]])
    np.testing.assert_allclose(last(long), last(short), atol=1e-6)
    assert float(tf.reduce_max(tf.abs(last(long) - last(long[:, :4])))) > 1e-6


def test_without_a_decoder_all_tokens_are_read_at_every_step():
    decoder = transformer()
    inputs = keras.Input([None], dtype="int32", name="token_ids")
    network = keras.Model({"token_ids": inputs}, decoder(inputs))
    readings = [
        incremental_decoding.prefill(model, IDS[:, :3], LENGTHS, max_length=5)
        for model in (network, lambda features: network(features))
    ]
    for _ in range(2):
        first, second = (as_step_outputs(reading.logits).logits for reading in readings)
        np.testing.assert_allclose(first, second, atol=1e-6)
        ids = tf.argmax(first, axis=1, output_type=tf.int32)
        readings = [
            incremental_decoding.Prefill(
                *reading.step(ids, reading.cache), reading.step
            )
            for reading in readings
        ]


def test_a_segment_starts_from_the_state_of_the_one_before():
    decoder = recurrent()
    carried, whole = TruncatedBPTT(decoder, slots=4), decoder(IDS)
    slots = tf.constant([2, 0, 3])
    parts = [
        carried(IDS[:, 2 * place : 2 * place + 2], slots, tf.fill([3], place))
        for place in range(3)
    ]
    np.testing.assert_allclose(tf.concat(parts, axis=1), whole, atol=1e-6)
    again = carried(IDS[:, :2], slots, tf.zeros([3], tf.int32))
    np.testing.assert_allclose(again, whole[:, :2], atol=1e-6)


def test_states_of_slots_are_no_weights():
    decoder = recurrent()
    carried = TruncatedBPTT(decoder, slots=2)
    carried(IDS[:2], tf.constant([0, 1]), tf.constant([0, 0]))
    assert len(carried.weights) == len(decoder.weights)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: TransformerDecoder(9, hidden_dim=6, num_heads=2),
            "Pass a hidden_dim of 8",
        ),
        (lambda: TransformerDecoder(9, positions="rotari"), "Did you mean 'rotary'"),
        (lambda: RecurrentDecoder(9, cell="rnn"), "cell must be one of"),
        (lambda: RecurrentDecoder(9, attention="loung"), "Did you mean 'luong'"),
        (lambda: RecurrentDecoder(9, dropout=1.0), "dropout must be at least 0"),
        (lambda: TruncatedBPTT(recurrent(), slots=0), "slots must be a whole number"),
    ],
)
def test_invalid_arguments_of_decoders_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()(IDS)
