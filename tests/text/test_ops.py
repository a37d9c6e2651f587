"""String primitives go through the backend of their thread."""

import asyncio
import threading

import pytest
import tensorflow as tf

import tfnlp
from tfnlp.text import joining, ops, splitters
from tfnlp.text.normalize import lower
from tfnlp.text.tokenizers.characters import CharacterTokenizer
from tfnlp.text.vectorizer.subword_vectorizer import SubwordVectorizer
from tfnlp.text.words import word_features, word_offsets
from tfnlp.text.words.gazetteers import Gazetteers

VECTORIZER = tfnlp.Vectorizer(("a", "film"))
LISTS = Gazetteers(("city",), (("York",),))
SUBWORDS = SubwordVectorizer(CharacterTokenizer(("a",)))
TEXTS = tf.constant(["A film"])
ENDS = tf.ragged.constant([[1]], dtype=tf.int32)

CALLS = {
    "casing_ids": lambda: word_features.casing_ids(TEXTS),
    "characters": lambda: splitters.characters(TEXTS),
    "concatenate_neighbours": lambda: joining.beside(TEXTS, TEXTS),
    "gazetteer_keys": lambda: LISTS._keys(TEXTS),
    "join_labels": lambda: joining.join_chosen([[True]], ("a",), ","),
    "look_up": lambda: VECTORIZER.vocabulary.ids(TEXTS),
    "lower": lambda: lower(TEXTS),
    "split_texts": lambda: word_offsets.of_texts(TEXTS),
    "split_tokens": lambda: word_offsets.of_tokens(TEXTS),
    "subword_ids": lambda: SUBWORDS(TEXTS),
    "substrings": lambda: word_offsets.cut(TEXTS, ENDS - 1, ENDS),
    "vectorize": lambda: VECTORIZER(TEXTS),
}
"""A call of each primitive."""


class Recorder:
    """Records the names of primitives, and runs them."""

    def __init__(self):
        self.names = []

    def run(self, primitive, function, *args, **kwargs):
        self.names.append(primitive)
        return function(*args, **kwargs)


def test_every_primitive_has_a_call():
    assert set(CALLS) == set(ops.PRIMITIVES)


@pytest.mark.parametrize("name", CALLS)
def test_a_primitive_calls_the_backend(name):
    recorder = Recorder()
    with ops.using(recorder):
        CALLS[name]()
    assert recorder.names[0] == name
    assert ops.current() is ops.TENSORFLOW


@pytest.mark.parametrize("autograph", [True, False])
def test_a_traced_function_calls_the_backend(autograph):
    recorder = Recorder()
    traced = tf.function(lambda texts: VECTORIZER(lower(texts)), autograph=autograph)
    with ops.using(recorder):
        traced.get_concrete_function(tf.TensorSpec([None], tf.string))
    assert recorder.names[:2] == ["lower", "vectorize"]


def test_another_thread_has_its_own_backend():
    found = []
    with ops.using(Recorder()):
        thread = threading.Thread(target=lambda: found.append(ops.current()))
        thread.start()
        thread.join()
    assert found == [ops.TENSORFLOW]


def test_another_asyncio_task_has_its_own_backend():
    async def inside(backend, entered, left):
        with ops.using(backend):
            entered.set()
            await left.wait()
            return ops.current()

    async def main():
        entered, left, recorder = asyncio.Event(), asyncio.Event(), Recorder()
        task = asyncio.create_task(inside(recorder, entered, left))
        await entered.wait()
        here = ops.current()
        left.set()
        return here, await task is recorder

    assert asyncio.run(main()) == (ops.TENSORFLOW, True)


def test_an_error_restores_the_backend():
    with pytest.raises(KeyError), ops.using(Recorder()):
        raise KeyError
    assert ops.current() is ops.TENSORFLOW


def test_an_unknown_primitive_is_an_error():
    with pytest.raises(KeyError, match="upper"):
        ops.primitive("upper")
