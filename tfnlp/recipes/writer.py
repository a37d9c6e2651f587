"""Sequence-to-sequence flags: tokenizers, network and generation."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import tfnlp
from tfnlp.recipes.keywords import assignments
from tfnlp.recipes.pairs import Pairs

if TYPE_CHECKING:
    import keras

    from tfnlp.tasks.translation import Translation

Tokenizer = Literal["bpe", "unigram", "wordpiece", "words", "characters"]


@dataclass(frozen=True, kw_only=True)
class Writer(Pairs):
    """What a token is, what writes them, and what is looked for among texts.

    Example:
    >>> Writer(train="pairs.csv", target_length=30).target_length
    30
    """

    tokenizer: Tokenizer = "bpe"  # what a token is, on both sides
    vocabulary_size: int = 4_000  # ids at most
    shared: bool = True  # whether both sides have the same tokens
    standardize: tuple[str, ...] = ()  # e.g. nfkc,lower
    source_length: int = 64  # tokens kept of a source
    target_length: int = 64  # tokens learnt of a target, and written at most
    decoder: Literal["transformer", "recurrent"] = "transformer"
    attention: Literal["luong", "bahdanau"] = "luong"  # of the recurrent decoder
    width: int = 256  # of encoder and decoder
    depth: int = 3  # layers of both
    dropout: float = 0.15
    network: tuple[str, ...] = ()  # more of the decoder: num_heads=8
    label_smoothing: float = 0.1  # of the target
    scheduled_sampling: float = 0.0  # share of its own tokens read in training
    num_beams: int = 5  # texts followed side by side
    length_penalty: float = 1.0  # more favours long texts
    no_repeat_ngram_size: int = 0  # n-grams of this size come once only; 0 is off
    metrics: tuple[str, ...] = ("bleu", "chrf")  # also ter rouge phone_error …

    def learnt(self, rows: Any, **options: Any) -> "Translation":
        """The task with the tokenizers of both sides.

        Args:
            rows: rows with ``source`` and ``target``.
            options: of `tfnlp.Translation.from_rows`, in the place of the flags'.
        """
        tokenizer = {
            "tokenizer": self.tokenizer,
            "vocabulary_size": self.vocabulary_size,
            "standardize": self.standardize,
        }
        if self.tokenizer in ("bpe", "unigram"):
            tokenizer |= {"exact": False, "leading_blank": True}
        settings: dict[str, Any] = {
            "tokenizer_options": tokenizer,
            "shared": self.shared,
            "source_length": self.source_length,
            "target_length": self.target_length,
            "num_beams": self.num_beams,
            "length_penalty": self.length_penalty,
            "no_repeat_ngram_size": self.no_repeat_ngram_size,
            "label_smoothing": self.label_smoothing,
            "metrics": self.metrics,
        }
        return tfnlp.Translation.from_rows(rows, **(settings | options))

    def network_of(
        self, task: "Translation", *, hidden_dim: int, dropout: float
    ) -> "keras.Model":
        """Encoder and decoder of one kind; the options of --network come last.

        Raises:
            UsageError: --network names no option of the decoder.
        """
        sizes: dict[str, Any] = {"hidden_dim": hidden_dim, "num_layers": self.depth}
        sizes["dropout"] = dropout
        kind: Any
        encoder_of: Any
        if self.decoder == "transformer":
            kind, encoder_of = tfnlp.TransformerDecoder, tfnlp.transformer.encoder
            options = {**sizes, "cross_attention": True}
            options["sequence_length"] = self.target_length + 1
            options["intermediate_dim"] = 2 * hidden_dim  # as the encoder's
        else:
            kind, encoder_of = tfnlp.RecurrentDecoder, tfnlp.rnn.encoder
            options = {**sizes, "attention": self.attention}
        options |= assignments(self.network, kind)
        encoder = encoder_of(task.source_tokenizer.vocabulary_size, **sizes)
        decoder = kind(task.target_tokenizer.vocabulary_size, **options)
        return task.network(
            encoder, decoder, scheduled_sampling=self.scheduled_sampling
        )
