"""Flags of earlier versions and what they are called now."""

from collections.abc import Collection, Mapping

RENAMED: Mapping[str, str] = {
    "training.average": "training.ema_momentum",
    "training.clip": "training.global_clipnorm",
    "training.encode_once": "training.cache",
    "training.keep": "training.keep_weights",
    "training.layer_rates": "training.learning_rate_multipliers",
    "training.micro_batches": "training.gradient_accumulation_steps",
    "training.rate": "training.learning_rate",
    "training.track": "training.report_to",
    "training.updates": "training.max_steps",
    "training.warm_up": "training.warmup_ratio",
    "balanced": "class_weight balanced",
    "batch": "batch_size",
    "character_width": "character_dim",
    "characters_by": "character_encoder",
    "depth": "num_layers",
    "distance_width": "distance_dim",
    "keep": "keep_columns",
    "length": "sequence_length",
    "measures": "metrics",
    "minimum_count": "min_frequency",
    "nbsvm": "nb_prior.per_term",
    "network": "encoder.OPTION VALUE",
    "no_repeat_ngram": "no_repeat_ngram_size",
    "own_tokens": "scheduled_sampling",
    "predicate_width": "predicate_dim",
    "reach": "max_distance",
    "score": "objective",
    "pairs": "bigrams",
    "second": "text_pair",
    "separator": "label_separator",
    "several": "multi_label",
    "size": "vocabulary_size",
    "smoothing": "label_smoothing",
    "split": "tokenizer",
    "test_second": "test_text_pair",
    "trials": "max_trials",
    "tune_vectors": "trainable_vectors",
    "wide": "nb_prior.scale",
    "wide_pooling": "nb_prior.pooling",
    "width": "hidden_dim",
    "word_width": "embedding_dim",
}
"""Old flag → new flag. It is looked up only for flags that a command does not have."""


def new_name(flag: str, known: Collection[str] = ()) -> str | None:
    """What an unknown flag of an earlier version is called now, if it was one.

    Args:
        known: the flags of the command; an option of its encoder or decoder is meant
            where it has no flag of the new name.

    Example:
    >>> new_name("training.rate")
    'training.learning_rate'
    >>> new_name("width", ["encoder", "encoder.hidden_dim"])
    'encoder.hidden_dim'
    """
    name = RENAMED.get(flag.replace("-", "_"))
    if name is None or name in known:
        return name
    if name == "encoder.OPTION VALUE" and "decoder.hidden_dim" in known:
        return "decoder.OPTION VALUE"
    return next((each for each in known if each.endswith(f".{name}")), name)
