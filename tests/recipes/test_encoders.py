"""Options of encoders and decoders as flags, for those that have them."""

import dataclasses
import inspect

import pytest

import tfnlp
from tfnlp import cli, recipes
from tfnlp.errors import UsageError
from tfnlp.recipes.encoders import checked

OF_RECIPES = {
    *("vectors", "initial_vectors", "trainable_vectors", "causal"),
    *("dropout", "word_dropout", "spatial_dropout", "variational"),
    *("attention", "cross_attention"),
}
"""Arguments that recipes have flags of their own for, or give themselves."""


def arguments(*functions):
    """The keyword-only arguments of any of the functions."""
    return {
        each.name
        for function in functions
        for each in inspect.signature(function).parameters.values()
        if each.kind is each.KEYWORD_ONLY
    }


def names(options):
    return {field.name for field in dataclasses.fields(options)}


def test_every_argument_of_an_encoder_has_a_flag():
    encoders = (tfnlp.bow, tfnlp.cnn, tfnlp.rnn, tfnlp.transformer)
    known = arguments(*(module.encoder for module in encoders))
    assert known - OF_RECIPES == names(recipes.EncoderOptions)


def test_every_argument_of_a_decoder_has_a_flag():
    known = arguments(tfnlp.RecurrentDecoder, tfnlp.TransformerDecoder)
    own = known - OF_RECIPES - {"sequence_length"}
    assert own == names(recipes.DecoderOptions) - {"word_dropout"}


def test_an_option_of_another_encoder_is_refused():
    recipe = cli.parse(recipes.TextClassification, ["--encoder.cell", "gru"])
    with pytest.raises(UsageError, match=r"no option cell\. Received: --encoder\.cell"):
        checked(tfnlp.cnn.encoder, recipe.encoder_options, flag="encoder")


def test_options_that_are_not_given_are_the_encoders_own():
    words = ["--encoder", "cnn", "--encoder.kernel_sizes", "2,3"]
    recipe = cli.parse(recipes.TextClassification, words)
    assert checked(tfnlp.cnn.encoder, recipe.encoder_options, flag="encoder") == {
        "kernel_sizes": (2, 3)
    }


def test_none_is_a_normalization_that_can_be_given():
    recipe = cli.parse(recipes.TextClassification, ["--encoder.normalization", "none"])
    assert recipe.encoder_options.given() == {"normalization": None}


@pytest.mark.parametrize("encoder", ["linear", "bow", "cnn", "rnn", "transformer"])
def test_an_encoder_resolves_what_the_recipe_leaves_open(encoder):
    recipe = recipes.TextClassification(encoder=encoder, sequence_length=7)
    found = recipe.resolved()
    own = recipes.TextClassification.DEFAULTS[encoder]
    assert found.sequence_length == 7
    assert found.vocabulary_size == own["vocabulary_size"]
    assert found.nb_prior.scale == own["nb_prior.scale"]
    assert found.encoder_options.hidden_dim == own.get("encoder.hidden_dim")


def test_what_is_given_counts_more_than_the_encoders_own():
    given = recipes.EncoderOptions(hidden_dim=99)
    recipe = recipes.TextClassification(encoder="rnn", encoder_options=given)
    assert recipe.resolved().encoder_options.hidden_dim == 99


def test_subwords_have_no_ngrams():
    recipe = recipes.TextClassification(encoder="bow", tokenizer="bpe")
    assert recipe.resolved().ngrams == 1
