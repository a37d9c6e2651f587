"""Features of words for taggers, and rows longer than a network reads at once."""

import numpy as np
import pytest
import tensorflow as tf

from tfnlp import testing
from tfnlp.data.readers import from_list
from tfnlp.export.savedmodel.artefact import export
from tfnlp.networks import cnn, rnn, transformer, word_features
from tfnlp.serving.client.predictor import load
from tfnlp.tasks.tagging import Tagging
from tfnlp.text.words.gazetteers import Gazetteers

LISTS = Gazetteers(("city", "firm"), (("New York", "Rome"), ("New York Times", "EU")))
PAIRS = (
    ("Ann lives in New York", "B-PER O O B-LOC I-LOC"),
    ("he reads the New York Times", "O O O B-ORG I-ORG I-ORG"),
    ("Rome", "B-LOC"),
    ("nothing here", "O O"),
    ("the EU met in Rome", "O B-ORG O O B-LOC"),
    ("York left", "B-PER O"),
)
ROWS = from_list([{"tokens": words, "tags": tags} for words, tags in PAIRS])


def front(task, **options):
    small = {"embedding_dim": 8, "character_dim": 4, "character_filters": 4}
    return word_features.embedding_inputs(task.words.sizes, **small, **options)


@pytest.mark.slow
def test_a_tagger_with_every_feature_that_reads_four_words_at_a_time_conforms(tmp_path):
    task = Tagging.from_rows(ROWS, gazetteers=LISTS)
    start = front(task, character_encoder="rnn")
    encoder = transformer.encoder(start, hidden_dim=16, num_heads=2, sequence_length=4)
    network = task.network(encoder)
    for check in (testing.check_one_path, testing.check_served):
        check(task, network, ROWS, tmp_path)
    for check in (testing.check_batch_invariance, testing.check_odd_requests):
        check(task, network, ROWS)
    testing.check_config(task, ROWS)


def test_lists_of_phrases_make_a_difference():
    task = Tagging.from_rows(ROWS, gazetteers=LISTS, characters=False)
    network = task.network(rnn.encoder(front(task), hidden_dim=8))
    features = task.encode({"tokens": tf.constant(["New York Times"])})
    other = features | {"gazetteer_ids": features["gazetteer_ids"] * 0}
    logits, without = (network(some)["emissions"] for some in (features, other))
    assert np.abs(logits - without).max() > 1e-4


ENCODERS = {
    "cnn": lambda start: cnn.encoder(start, hidden_dim=6),
    "rnn": lambda start: rnn.encoder(start, hidden_dim=4),
    "transformer": lambda start: transformer.encoder(start, hidden_dim=4, num_heads=1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ENCODERS)
def test_nothing_is_cut_of_a_very_long_sentence(name, tmp_path):
    task = Tagging.from_rows(ROWS)
    network = task.network(ENCODERS[name](front(task)))
    words = ["Ann", "saw", "New", "York", "!"] * 1_000
    predictor = load(export(task.for_texts(), network, "long", output=tmp_path))

    (short, answer) = predictor.predict(["Ann", " ".join(words)])

    assert answer["tokens"] == words and len(short["tags"]) == 1
    assert all(answer["tags"]) and len(answer["tags"]) == 5_000
    here = tf.function(lambda inputs: task.answer(network, inputs)["tags"])
    tags = here({"tokens": tf.constant([" ".join(words)])})[0].numpy()
    assert [tag.decode() for tag in tags] == answer["tags"]
