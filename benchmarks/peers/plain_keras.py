"""Plain Keras: the recipes of its examples of text classification.

`cnn` is that of "Text classification from scratch", `rnn` that of "Bidirectional LSTM
on IMDB": layers, sizes, lengths, optimizer and batches. Passes are those after which
they are best on IMDb: two and one.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import tensorflow as tf
from files import Split, run
from keras import layers

SIZE = 20_000
LENGTHS = {"cnn": 500, "rnn": 200}
PASSES = {"cnn": 2, "rnn": 1}


def learn(train: Split, valid: Split, test: Split, classes: int) -> list[int]:
    """See `files.run`."""
    network = sys.argv[4]
    keras.utils.set_random_seed(0)
    vectorize = layers.TextVectorization(
        SIZE, output_sequence_length=LENGTHS[network], standardize=standardized
    )
    vectorize.adapt(tf.data.Dataset.from_tensor_slices(train.texts).batch(1024))

    def batches(split: Split, shuffle: bool) -> tf.data.Dataset:
        rows = tf.data.Dataset.from_tensor_slices((split.texts, split.labels))
        rows = rows.shuffle(len(split.texts)) if shuffle else rows
        return (
            rows.batch(32)
            .map(lambda text, label: (vectorize(text), label), tf.data.AUTOTUNE)
            .cache()
            .prefetch(tf.data.AUTOTUNE)
        )

    model = (convolution if network == "cnn" else recurrence)(classes)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        batches(train, shuffle=True),
        validation_data=batches(valid, shuffle=False),
        epochs=PASSES[network],
        verbose=0,
    )
    return model.predict(batches(test, shuffle=False), verbose=0).argmax(axis=1)


def standardized(texts: tf.Tensor) -> tf.Tensor:
    """Small letters, without the tags and marks of reviews."""
    texts = tf.strings.regex_replace(tf.strings.lower(texts), "<br />", " ")
    return tf.strings.regex_replace(texts, r"[[:punct:]]", "")


def convolution(classes: int) -> keras.Model:
    """Two convolutions of width seven with strides, and a dense layer."""
    return keras.Sequential(
        [
            layers.Embedding(SIZE, 128),
            layers.Dropout(0.5),
            layers.Conv1D(128, 7, padding="valid", activation="relu", strides=3),
            layers.Conv1D(128, 7, padding="valid", activation="relu", strides=3),
            layers.GlobalMaxPooling1D(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def recurrence(classes: int) -> keras.Model:
    """Two bidirectional LSTMs."""
    return keras.Sequential(
        [
            layers.Embedding(SIZE, 128),
            layers.Bidirectional(layers.LSTM(64, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(64)),
            layers.Dense(classes, activation="softmax"),
        ]
    )


if __name__ == "__main__":
    run(learn, "cnn", "rnn")
