"""Text classification: one label, several labels, or a label for a pair of texts."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar, Literal

import keras
import numpy as np
import tensorflow as tf

from tfnlp.data.cache import Encoded
from tfnlp.data.rows import without_autotune
from tfnlp.errors import DataError, UsageError
from tfnlp.layers.bias import Bias
from tfnlp.layers.embedding import TokenWeights, embed
from tfnlp.layers.pooling import Pooling
from tfnlp.layers.sparse_linear import SparseLinear
from tfnlp.layers.token_alignment import TokenAlignment
from tfnlp.layers.validation import check_rate
from tfnlp.naive_bayes_prior import NaiveBayesPrior
from tfnlp.networks.nb_log_ratios import log_ratios
from tfnlp.saving import pack
from tfnlp.scores import classification as scores
from tfnlp.scores import classification_bootstrap, classification_figures
from tfnlp.scores.intervals import Draw
from tfnlp.scores.thresholds import best_thresholds
from tfnlp.specs import TEXT, Rows, Schema
from tfnlp.task import Arrays, Task, Tensors
from tfnlp.text import joining
from tfnlp.text.vectorizer.subword_vectorizer import SubwordVectorizer, learn_vectorizer
from tfnlp.text.vectorizer.vectorizer import Vectorizer
from tfnlp.text.vocabulary import Vocabulary

Loss = Literal["cross_entropy", "focal"]


class Classification(Task):
    """Puts texts, or pairs of texts, into classes.

    A request carries ``text``, or ``first`` and ``second`` for pairs. An answer
    carries ``label`` (string [B]), ``score`` (float32 [B], the probability of
    that label) and ``probabilities`` (float32 [B, C], in the order of ``labels``).
    With a `label_separator` a row has any number of labels, joined by it; ``label`` is
    then joined likewise.

    Args:
        text: turns text into ids.
        labels: the classes; outputs are in this order.
        text_pair: whether a request is a pair of texts.
        label_separator: joins the labels of a row; None if a row has exactly one.
        at_least_one: several labels only: whether the likeliest label is answered
            when none reaches its threshold.
        thresholds: several labels only: least probability to answer a class.
        class_weights: weight of a row of each class in the loss.
        label_smoothing: share of the target spread over all classes (Szegedy et al.
            2016).
        loss: ``cross_entropy``, or ``focal`` (Lin et al. 2017).
        gamma: focusing parameter of the focal loss, as in Keras.

    Example:
    >>> from tfnlp.data.readers import from_list
    >>> rows = from_list([{"text": "a fine film", "label": "pos"},
    ...                   {"text": "a dull film", "label": "neg"}])
    >>> task = Classification.from_rows(rows, sequence_length=8)
    >>> task.labels.entries
    ('neg', 'pos')
    >>> task.encode({"text": tf.constant(["a film"])})["token_ids"].shape
    TensorShape([1, 2])
    """

    targets: ClassVar[Schema] = {"label": TEXT}

    def __init__(
        self,
        text: Vectorizer | SubwordVectorizer,
        labels: Vocabulary,
        *,
        text_pair: bool = False,
        label_separator: str | None = None,
        at_least_one: bool = True,
        thresholds: Iterable[float] | None = None,
        class_weights: Iterable[float] | None = None,
        label_smoothing: float = 0.0,
        loss: Loss = "cross_entropy",
        gamma: float = 2.0,
    ):
        super().__init__()
        if loss not in ("cross_entropy", "focal"):
            raise UsageError(
                f"loss must be cross_entropy or focal. Received: {loss!r}."
            )
        if not 0.0 <= label_smoothing < 1.0:
            raise UsageError(
                "label_smoothing is a share of the target, at least 0 and below 1. "
                f"Received: {label_smoothing}. 0.1 is a usual value."
            )
        self.text, self.labels = text, labels
        self.text_pair, self.label_separator = text_pair, label_separator
        self.at_least_one = at_least_one
        self.thresholds = tuple(thresholds) if thresholds else (0.5,) * len(labels)
        self.class_weights = (
            tuple(class_weights) if class_weights else (1.0,) * len(labels)
        )
        self.label_smoothing, self.kind, self.gamma = label_smoothing, loss, gamma

    @classmethod
    def from_rows(
        cls,
        rows: Rows,
        *,
        text_pair: bool = False,
        label_separator: str | None = None,
        class_weight: Literal["balanced"] | None = None,
        label_smoothing: float = 0.0,
        loss: Loss = "cross_entropy",
        gamma: float = 2.0,
        **vectorizer: Any,
    ) -> "Classification":
        """Learns vocabulary and classes.

        Args:
            rows: rows with the text fields and ``label``.
            class_weight: ``balanced`` weighs each class by the inverse of its share
                of the rows, as scikit-learn does.
            vectorizer: options of `learn_vectorizer`: of words, or of subwords.

        Raises:
            DataError: the rows have fewer than two classes.
            UsageError: an option has a value that it cannot have.
        """
        if class_weight not in (None, "balanced"):
            raise UsageError(
                f"class_weight must be balanced or None. Received: {class_weight!r}."
            )
        counts, at_least_one = _count_labels(rows, label_separator)
        labels = sorted(counts)
        if len(labels) < 2:
            raise DataError(
                "Classification needs rows of at least two classes. "
                f"Received: {labels[0] if labels else 'no label at all'!r}. "
                "Check that the label column is the right one."
            )
        mean = sum(counts.values()) / len(counts)
        fields = ("first", "second") if text_pair else ("text",)
        return cls(
            learn_vectorizer(rows, fields, **vectorizer),
            Vocabulary(labels),
            text_pair=text_pair,
            label_separator=label_separator,
            at_least_one=at_least_one,
            class_weights=[mean / counts[label] for label in labels]
            if class_weight == "balanced"
            else None,
            label_smoothing=label_smoothing,
            loss=loss,
            gamma=gamma,
        )

    @property
    def inputs(self) -> Schema:  # type: ignore[override]
        """``text``, or ``first`` and ``second``."""
        return {"first": TEXT, "second": TEXT} if self.text_pair else {"text": TEXT}

    @tf.autograph.experimental.do_not_convert
    def encode(self, inputs: Tensors) -> Tensors:
        """Features: ``token_ids`` and ``padding_mask``, int32 [B, T], of each text."""
        if not self.text_pair:
            return self.text(inputs["text"])
        return {
            f"{side}_{name}": ids
            for side in ("first", "second")
            for name, ids in self.text(inputs[side]).items()
        }

    @tf.autograph.experimental.do_not_convert
    def encode_targets(self, row: Tensors) -> tuple[tf.Tensor, tf.Tensor]:
        """y: class numbers int32 [B], or float32 [B, C] if rows have several."""
        if self.label_separator is None:
            y = self.labels.ids(row["label"])
            weight = tf.gather(tf.constant(self.class_weights), tf.maximum(y, 0))
            return y, tf.where(y >= 0, weight, 0.0)
        names = tf.strings.split(row["label"], self.label_separator)
        ids = self.labels.ids(tf.strings.strip(names.flat_values))
        known = tf.ragged.boolean_mask(
            names.with_flat_values(ids), names.with_flat_values(ids) >= 0
        )
        y = tf.reduce_max(
            tf.one_hot(known, len(self.labels)).to_tensor(
                shape=[None, None, len(self.labels)]
            ),
            axis=1,
        )
        y = tf.maximum(y, 0.0)
        return y, tf.ones_like(y[:, 0])

    def network(
        self,
        encoder: keras.Model | None,
        *,
        pooling: str = "max",
        hidden_dim: int = 0,
        activation: str = "relu",
        dropout: float = 0.2,
        l2: float = 0.0,
        log_ratios: np.ndarray | None = None,
        nb_prior: NaiveBayesPrior | None = None,
        symmetric: bool = False,
    ) -> keras.Model:
        """Adds a head to an encoder: features → logits [B, C].

        A pair is encoded twice by the same encoder; the head sees both vectors,
        their distance and product (Conneau et al. 2017), their cosine, and how many
        tokens of each text are `TokenAlignment` ones of the other.

        Args:
            encoder: ``token_ids`` and ``padding_mask`` [B, T] → [B, T, D]. None for
                the linear layer of ``log_ratios`` alone, with a bias.
            pooling: how the vectors of a text become one; see `Pooling`.
            hidden_dim: size of a layer before the logits; 0 for none.
            log_ratios: float [V, C], what `log_ratios` gives: the naive Bayes prior
                from which a linear layer over the terms of a text starts. Its logits
                are added to those of the encoder (wide and deep, Cheng et al. 2016).
                Not for pairs.
            nb_prior: how that layer starts, pools and learns; by default, see
                `NaiveBayesPrior`.
            symmetric: pairs only: whether the answer is the same when the texts are
                swapped; then the head sees only what does not change.

        Raises:
            UsageError: there is no encoder, and there are no log-ratios or two texts.
        """
        check_rate("dropout", dropout)
        nb_prior = nb_prior or NaiveBayesPrior()
        if encoder is None:
            return self._linear(log_ratios, dropout, nb_prior)
        pool = Pooling(pooling, name="pooling")

        sides = ("first_", "second_") if self.text_pair else ("",)
        features = {side: _inputs(side) for side in sides}
        masks = [features[side]["padding_mask"] for side in sides]
        tokens = [encoder(features[side]) for side in sides]
        vectors = [pool(*each) for each in zip(tokens, masks, strict=True)]
        x = _compared(*vectors, symmetric=symmetric) if self.text_pair else vectors[0]
        if hidden_dim:
            x = keras.layers.Dense(hidden_dim, activation=activation, name="hidden")(
                keras.layers.Dropout(dropout)(x)
            )
        head = keras.layers.Dense(
            len(self.labels),
            dtype="float32",
            kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
            name="logits",
        )
        x = keras.layers.Dropout(dropout)(x)
        if self.text_pair:
            found = TokenAlignment(name="matching")(
                tokens[0], masks[0], tokens[1], masks[1]
            )
            found = _unordered(found) if symmetric else found
            x = keras.layers.Concatenate()([x, found])
        logits = head(x)
        if log_ratios is not None and not self.text_pair:
            logits = logits + _wide(log_ratios, features[""], dropout, nb_prior)
        named = {
            side + name: tensor
            for side in sides
            for name, tensor in features[side].items()
        }
        return keras.Model(named, logits, name="classification")

    def _linear(
        self, log_ratios: np.ndarray | None, dropout: float, prior: NaiveBayesPrior
    ) -> keras.Model:
        """`network` without an encoder."""
        if log_ratios is None or self.text_pair:
            raise UsageError(
                "Without an encoder there is a linear layer over the terms of a text, "
                "which starts from a table. Received: "
                f"{'pairs of texts' if self.text_pair else 'log_ratios=None'}. "
                "Pass an encoder, or log_ratios=task.log_ratios(rows)."
            )
        features = _inputs("")
        logits = Bias(name="logits", dtype="float32")(
            _wide(log_ratios, features, dropout, prior)
        )
        return keras.Model(features, logits, name="classification")

    def log_ratios(
        self, rows: Rows, *, encoded: Encoded | None = None
    ) -> np.ndarray | None:
        """What naive Bayes knows of each term: float32 [V, C] to start `network`.

        Args:
            encoded: the rows as `tfnlp.training.encode_rows` cached them.

        Returns:
            None for pairs, and where a table of V · C numbers would be too large.

        Raises:
            UsageError: `encoded` are other rows.
        """
        if self.text_pair:
            return None
        if encoded is None:
            examples = self.dataset(rows.batch(256))
        else:
            encoded.check(self, rows)
            examples = encoded.examples(encoded.rows().batch(256))
        return log_ratios(
            (
                (features["token_ids"], np.maximum(y, 0))
                for features, y, _ in without_autotune(examples).as_numpy_iterator()
            ),
            vocabulary_size=len(self.text.vocabulary),
            classes=len(self.labels),
        )

    @tf.autograph.experimental.do_not_convert
    def loss(self, y: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """[B]: cross-entropy or focal loss; summed over classes if several."""
        if self.label_separator is None:
            y = tf.one_hot(y, len(self.labels))
            even = 1.0 / len(self.labels)
            log_p = tf.nn.log_softmax(outputs)
        else:
            even = 0.5
        target = y * (1.0 - self.label_smoothing) + even * self.label_smoothing
        if self.label_separator is None:
            return -tf.reduce_sum(target * self._focused(log_p), axis=-1)
        yes, no = tf.math.log_sigmoid(outputs), tf.math.log_sigmoid(-outputs)
        item = target * self._focused(yes) + (1.0 - target) * self._focused(no)
        return -tf.reduce_sum(item * tf.constant(self.class_weights), axis=-1)

    def _focused(self, log_p: tf.Tensor) -> tf.Tensor:
        if self.kind == "cross_entropy":
            return log_p
        return (1.0 - tf.exp(log_p)) ** self.gamma * log_p

    def metrics(self) -> list[keras.metrics.Metric]:
        """Accuracy; for several labels that of the single decisions."""
        if self.label_separator is None:
            return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
        return [keras.metrics.BinaryAccuracy(name="decision_accuracy", threshold=0.0)]

    @tf.autograph.experimental.do_not_convert
    def decode(self, outputs: tf.Tensor, inputs: Tensors) -> Tensors:
        """Logits [B, C] → ``label``, ``score``, ``probabilities``."""
        if self.label_separator is not None:
            return self._decode_several(outputs, self.label_separator)
        probabilities = tf.nn.softmax(outputs)
        return {
            "label": self.labels.tokens(tf.argmax(outputs, axis=-1)),
            "score": tf.reduce_max(probabilities, axis=-1),
            "probabilities": probabilities,
        }

    def _decode_several(self, outputs: tf.Tensor, separator: str) -> Tensors:
        probabilities = tf.sigmoid(outputs)
        margins = probabilities - tf.constant(self.thresholds)
        chosen = margins >= 0.0
        if self.at_least_one:
            best = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
            best = tf.range(len(self.labels)) == best[:, None]  # [B, C]
            chosen |= best & ~tf.reduce_any(chosen, axis=-1, keepdims=True)
        return {
            "label": joining.join_chosen(chosen, self.labels.entries, separator),
            "score": tf.reduce_max(tf.where(chosen, probabilities, 0.0), axis=-1),
            "probabilities": probabilities,
        }

    def calibrate(self, rows: Arrays, answers: Arrays) -> "Classification":
        """Sets each class' threshold to the one with the best F1 on held-out rows."""
        if self.label_separator is None:
            return self
        thresholds = best_thresholds(
            rows["label"],
            answers["probabilities"],
            labels=self.labels.entries,
            separator=self.label_separator,
        )
        config = self.config() | {"thresholds": thresholds}
        return Classification(**config | {"text": self.text, "labels": self.labels})

    def score(self, rows: Arrays, answers: Arrays) -> dict[str, float]:
        """Accuracy, P/R/F1, AUCs, log-loss and calibration error."""
        return scores.score(
            rows["label"],
            answers["label"],
            probabilities=answers["probabilities"],
            **self._names(),
        )

    def headline(self, rows: Arrays, answers: Arrays) -> dict[str, float]:
        """Accuracy, F1 and the scores of probabilities."""
        return self.bootstrap(rows, answers)(np.arange(len(rows["label"])))

    def bootstrap(self, rows: Arrays, answers: Arrays) -> Draw:
        """Bootstrap: `headline` of resampled rows; shared work is done once."""
        return classification_bootstrap.headline(
            rows["label"],
            answers["label"],
            probabilities=answers["probabilities"],
            **self._names(),
        )

    def figures(self, rows: Arrays, answers: Arrays) -> tuple:
        """Confusion, calibration, histograms, the worst errors."""
        texts = [rows[name] for name in self.inputs]
        return classification_figures.figures(
            texts[0] if len(texts) == 1 else texts[0] + " | " + texts[1],
            rows["label"],
            answers["label"],
            probabilities=answers["probabilities"],
            **self._names(),
        )

    def _names(self) -> dict[str, Any]:
        return {"labels": self.labels.entries, "separator": self.label_separator}

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "text": pack(self.text),
            "labels": pack(self.labels),
            "text_pair": self.text_pair,
            "label_separator": self.label_separator,
            "at_least_one": self.at_least_one,
            "thresholds": list(self.thresholds),
            "class_weights": list(self.class_weights),
            "label_smoothing": self.label_smoothing,
            "loss": self.kind,
            "gamma": self.gamma,
        }


def _compared(
    first: keras.KerasTensor, second: keras.KerasTensor, *, symmetric: bool = False
) -> keras.KerasTensor:
    """Both vectors [B, D], distance, product and cosine: [B, 4 · D + 1].

    The cosine of two bags of words is their overlap, also before any training.
    A symmetric comparison goes without the vectors themselves: [B, 2 · D + 1].
    """
    product = first * second
    squares = [keras.ops.sum(x * x, axis=-1, keepdims=True) for x in (first, second)]
    norm = keras.ops.sqrt(keras.ops.maximum(squares[0] * squares[1], 1e-12))
    cosine = keras.ops.sum(product, axis=-1, keepdims=True) / norm
    compared = [keras.ops.abs(first - second), product, cosine]
    own = [] if symmetric else [first, second]
    return keras.ops.concatenate([*own, *compared], axis=-1)


def _unordered(found: keras.KerasTensor) -> keras.KerasTensor:
    """What `TokenAlignment` found, [B, 4], the smaller number of each two first."""
    one, other = found[:, 0::2], found[:, 1::2]
    both = [keras.ops.minimum(one, other), keras.ops.maximum(one, other)]
    return keras.ops.concatenate(both, axis=-1)


def _wide(
    log_ratios: np.ndarray, features: dict, dropout: float, prior: NaiveBayesPrior
) -> keras.KerasTensor:
    """A linear layer over the terms of a text: logits [B, C].

    While training, `dropout` takes logits away, or terms where those are summed up.
    """
    start = log_ratios if prior.scale is None else prior.scale * log_ratios
    pooling = prior.pooling or "sqrt"
    token_ids = features["token_ids"]
    if pooling == "sum" and not prior.per_term:
        sums = SparseLinear(
            *start.shape, initial_weights=start, dropout=dropout, name="wide"
        )
        return sums(token_ids, features["padding_mask"])
    table = embed(len(start), vectors=start, trainable=not prior.per_term, name="wide")
    terms = table(token_ids)  # [B, T, C]
    if prior.per_term:
        terms = TokenWeights(len(start), name="wide_weights")(terms, token_ids)
    pool = Pooling(pooling, dtype="float32", name="wide_pooling")
    if pooling == "sum":
        terms = keras.layers.Dropout(dropout, noise_shape=(None, None, 1))(terms)
        return pool(terms, features["padding_mask"])
    pooled = pool(terms, features["padding_mask"])
    return keras.layers.Dropout(dropout, dtype="float32")(pooled)


def _inputs(side: str) -> dict[str, keras.KerasTensor]:
    """Fresh inputs of an encoder; a side of a pair has it before their names."""
    return {
        name: keras.Input([None], dtype="int32", name=side + name)
        for name in ("token_ids", "padding_mask")
    }


def _count_labels(rows: Rows, separator: str | None) -> tuple[Counter[str], bool]:
    """How often each class occurs, and whether every row has at least one."""
    counts: Counter[str] = Counter()
    at_least_one = True
    for batch in rows.batch(1024).map(lambda rows: rows["label"]).as_numpy_iterator():
        for label in batch.tolist():
            text = label.decode("utf-8", "replace")
            names = [text] if separator is None else text.split(separator)
            found = {name.strip() for name in names if name.strip()}
            at_least_one = at_least_one and bool(found)
            counts.update(found)
    return counts, at_least_one
