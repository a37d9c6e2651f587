"""Taggers answer in ONNX Runtime as in TensorFlow, strings in and strings out."""

import numpy as np
import onnx
import pytest
import tensorflow as tf

import tfnlp
from tfnlp.data.readers import from_list
from tfnlp.errors import ExportError
from tfnlp.export.format_parity import arrays
from tfnlp.export.golden_rows import ODD, TOLERANCE, check_single_row, max_difference
from tfnlp.export.onnx import answers, conversion, words
from tfnlp.export.onnx.backend import OnnxBackend
from tfnlp.export.onnx.placeholders import Placeholders
from tfnlp.export.onnx.string_models import answered
from tfnlp.layers.crf import Chain
from tfnlp.layers.crf_paths import viterbi
from tfnlp.layers.crf_sums import marginals
from tfnlp.networks import predicate
from tfnlp.text import ops
from tfnlp.text.words import word_offsets
from tfnlp.text.words.gazetteers import Gazetteers
from tfnlp.text.words.word_features import WordFeatures

TEXTS = (
    *ODD[:-1],
    "a  b ",
    "\x00",
    "a\x00b c\x00\x00 \x00",
    "x\x1fy \x1f",
    "\U0010ffff a\x00\U0010ffff",
    "Ann İstanbul ΟΔΟΣ ΟΔΟΣ. Σ ann ÉCOLE",
    "in New York, new york New\xa0York New\x00\x00York 's",
    "我爱 it 北京",
    "1996-08-22 n't EU \ufb01n \u01c5 x" + "y" * 40,
    *(
        "".join(chr(code) + " " * (code % 3 == 0) for code in range(first, first + 300))
        for first in (1, 301, 0x2000)
    ),
)
SENTENCES = (
    "Ann|B-PER lives|O in|O New|B-LOC York|I-LOC 我|O",
    "the|O EU|B-ORG met|O in|O école|B-LOC ,|O",
    "a|O Ann|B-PER Smith|I-PER lives|O in|O New|B-LOC York|I-LOC école|B-LOC",
)


def row(sentence):
    words, tags = zip(*(word.split("|") for word in sentence.split()), strict=True)
    joined = {"tokens": " ".join(words), "tags": " ".join(tags)}
    return {**joined, "intent": tags[0], "predicate": 1}


ROWS = from_list([row(sentence) for sentence in SENTENCES])
LISTS = Gazetteers(("city", "state"), (("New York", "York"), ("new york", "école")))


def network_of(task, encoder=tfnlp.cnn, **options):
    front = tfnlp.networks.word_features.embedding_inputs(
        task.words.sizes, embedding_dim=4, character_filters=4
    )
    if "predicate_ids" in task.features:
        front = predicate.add_predicate_features(front, distance_dim=2, predicate_dim=4)
    network = task.network(encoder.encoder(front, hidden_dim=8), dropout=0.0, **options)
    random = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign_add(random.normal(scale=0.5, size=weight.shape))
    return network


def requests(inputs):
    return {
        name: tf.constant(TEXTS)
        if spec.dtype == tf.string
        else tf.constant(np.arange(len(TEXTS)) % 9 - 1, spec.dtype)
        for name, spec in inputs.items()
    }


def compare(model, expected, inputs, folder):
    """Holds a model against columns, all rows together and each one alone."""
    onnx.save(model, str(folder / "model.onnx"))
    single = [
        {name: each[place : place + 1] for name, each in inputs.items()}
        for place in range(len(TEXTS))
    ]
    together, *alone = answered(folder / "model.onnx", [inputs, *single])
    assert max_difference(arrays(expected), together) <= TOLERANCE
    for place, one in enumerate(alone):
        check_single_row(together, one, place)


@pytest.mark.slow
@pytest.mark.parametrize(
    "tokenizer",
    ["words", "characters", None, pytest.param("whitespace", marks=pytest.mark.long)],
)
def test_words_and_their_features_are_equal(tokenizer, tmp_path):
    known = ("a", "c", "a\x00b", "c\x00\x00")
    features = WordFeatures.from_rows(ROWS, gazetteers=LISTS, bigrams=True, more=known)

    def encode(texts):
        found = (
            word_offsets.of_tokens(texts)
            if tokenizer is None
            else word_offsets.of_texts(texts, tokenizer)
        )
        cut = word_offsets.cut(found.texts, found.starts, found.ends)
        columns = (
            found.tokens.to_tensor(),
            found.tokens.with_flat_values(cut).to_tensor(),
        )
        more = {"starts": found.starts.to_tensor(), "ends": found.ends.to_tensor()}
        return {
            "words": columns[0],
            "cut": columns[1],
            **more,
            **features(found.tokens),
        }

    placeholders = Placeholders()
    spec = tf.TensorSpec([None], tf.string, name="text")
    with ops.using(OnnxBackend(placeholders)):
        model = conversion.converted(
            encode, [spec], placeholders, [words.expand], conversion.STRING_OPSETS
        )
    texts = tf.constant(TEXTS)
    compare(model, encode(texts), {"text": texts}, tmp_path)


TASKS = {
    "crf": lambda: tfnlp.Tagging.from_rows(ROWS, scheme="BIOES"),
    "softmax": lambda: tfnlp.Tagging.from_rows(
        ROWS, tokenizer="characters"
    ).for_texts(),
    "plain": lambda: tfnlp.Tagging(
        WordFeatures(("Ann", "in")), tfnlp.Vocabulary(("NOUN", "VERB"))
    ),
    "intent": lambda: tfnlp.IntentAndSlots.from_rows(ROWS),
    "roles": lambda: tfnlp.SemanticRoles.from_rows(ROWS),
    "roles of texts": lambda: tfnlp.SemanticRoles.from_rows(ROWS).for_texts(),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        *("softmax", "plain", "intent", "roles of texts"),
        *(pytest.param(kind, marks=pytest.mark.long) for kind in ("crf", "roles")),
    ],
)
def test_taggers_answer_alike(kind, tmp_path):
    task = TASKS[kind]()
    network = network_of(task, crf=kind not in ("softmax", "plain"))
    endpoint, inputs = task.endpoints()["serving_default"], requests(task.inputs)
    expected = tf.function(task.answer)(network, inputs)
    compare(answers.model(endpoint, network), expected, inputs, tmp_path)


@pytest.mark.slow
def test_the_best_path_of_a_chain_and_its_probability_are_equal():
    random = np.random.default_rng(0)
    pairs, start, end = (
        random.normal(size=size).astype(np.float32) for size in ((4, 4), 4, 4)
    )

    def best(emissions, padding_mask):
        chain = Chain(emissions, padding_mask, pairs, start, end)
        ids, _ = viterbi(chain)
        return {"ids": ids, "scores": tf.gather(marginals(chain), ids, batch_dims=2)}

    specs = [
        tf.TensorSpec([None, None, 4], tf.float32, name="emissions"),
        tf.TensorSpec([None, None], tf.int32, name="padding_mask"),
    ]
    model = conversion.converted(
        best, specs, Placeholders(), [], {"": conversion.OPSET}
    )
    emissions = random.normal(size=[5, 9, 4], scale=2.0).astype(np.float32)
    mask = np.int32(np.arange(9) < np.array([[9], [1], [4], [7], [2]]))
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(model.SerializeToString())
    found = session.run(
        ["ids", "scores"], {"emissions": emissions, "padding_mask": mask}
    )
    expected = best(tf.constant(emissions), tf.constant(mask))
    np.testing.assert_array_equal(found[0], expected["ids"])
    np.testing.assert_allclose(found[1], expected["scores"], rtol=1e-6)


def test_words_of_bytes_are_refused():
    backend = OnnxBackend(Placeholders())
    with ops.using(backend), pytest.raises(ExportError, match="tokenizer='bytes'"):
        word_offsets.of_texts(tf.constant(["so"]), "bytes")
