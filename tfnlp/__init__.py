"""tfnlp: text in, answers out, with Keras 3 and TensorFlow.

The public names below are found on first use, so that ``import tfnlp`` loads
neither TensorFlow nor Keras: devices and strategies can still be set up, and the
command line starts at once. Everything that is not listed here is private.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfnlp import cli as cli
    from tfnlp import errors as errors
    from tfnlp.data import splits as splits
    from tfnlp.data.audit.pair_cleaning import clean_pairs as clean_pairs
    from tfnlp.data.audit.pair_rules import PairRules as PairRules
    from tfnlp.data.audit.pairs import audit_pairs as audit_pairs
    from tfnlp.data.audit.sentences import audit_sentences as audit_sentences
    from tfnlp.data.audit.texts import Audit as Audit
    from tfnlp.data.audit.texts import audit as audit
    from tfnlp.data.audit.texts import clean as clean
    from tfnlp.data.blocks import blocks as blocks
    from tfnlp.data.readers import read as read
    from tfnlp.data.tagging.propbank import placed as placed
    from tfnlp.data.tagging.tagged_rows import survey as survey
    from tfnlp.data.text_pairs import read_pairs as read_pairs
    from tfnlp.data.text_streams import read_streams as read_streams
    from tfnlp.data.train_valid_test import Sides as Sides
    from tfnlp.data.train_valid_test import read_sides as read_sides
    from tfnlp.evaluation.evaluate import evaluate as evaluate
    from tfnlp.evaluation.report import Report as Report
    from tfnlp.export.savedmodel.artefact import check_output as check_output
    from tfnlp.networks import bow as bow
    from tfnlp.networks import cnn as cnn
    from tfnlp.networks import predicate as predicate
    from tfnlp.networks import rnn as rnn
    from tfnlp.networks import transformer as transformer
    from tfnlp.networks import word_features as word_features
    from tfnlp.networks.recurrent_decoder import RecurrentDecoder as RecurrentDecoder
    from tfnlp.networks.transformer_decoder import (
        TransformerDecoder as TransformerDecoder,
    )
    from tfnlp.prediction import answers as answers
    from tfnlp.serving.client.client import Client as Client
    from tfnlp.serving.client.predictor import Predictor as Predictor
    from tfnlp.serving.client.predictor import load as load
    from tfnlp.serving.client.retries import Retries as Retries
    from tfnlp.serving.save import save as save
    from tfnlp.task import Endpoint as Endpoint
    from tfnlp.task import Task as Task
    from tfnlp.tasks.classification import Classification as Classification
    from tfnlp.tasks.intent_and_slots import IntentAndSlots as IntentAndSlots
    from tfnlp.tasks.language_model import LanguageModel as LanguageModel
    from tfnlp.tasks.semantic_roles import SemanticRoles as SemanticRoles
    from tfnlp.tasks.tagging import Tagging as Tagging
    from tfnlp.tasks.translation import Translation as Translation
    from tfnlp.testing import check_task as check_task
    from tfnlp.text.tokenizers.sentencepiece import Subwords as Subwords
    from tfnlp.text.tokenizers.tokenizer import Pieces as Pieces
    from tfnlp.text.tokenizers.training import learn_pieces as learn_pieces
    from tfnlp.text.tokenizers.wordpiece import WordPieces as WordPieces
    from tfnlp.text.tokenizers.words import Characters as Characters
    from tfnlp.text.tokenizers.words import Words as Words
    from tfnlp.text.vectorizer.vectorizer import Vectorizer as Vectorizer
    from tfnlp.text.vectors.files import load_vectors as load_vectors
    from tfnlp.text.vectors.known_words import vector_words as vector_words
    from tfnlp.text.vocabulary import Vocabulary as Vocabulary
    from tfnlp.text.words.gazetteer_files import load_gazetteers as load_gazetteers
    from tfnlp.timing import Clock as Clock
    from tfnlp.training.config import TrainConfig as TrainConfig
    from tfnlp.training.defaults import Defaults as Defaults
    from tfnlp.training.fit import encoded as encoded
    from tfnlp.training.fit import fit as fit
    from tfnlp.tuning.cross_validation import cross_validate as cross_validate
    from tfnlp.tuning.search import explore as explore

__version__ = "0.1.0"

# name → "module:attribute", or the module itself. `save` is not called `export`:
# that name belongs to the package tfnlp.export as soon as anything imports it.
_HOMES = {
    "Audit": "tfnlp.data.audit.texts:Audit",
    "Characters": "tfnlp.text.tokenizers.words:Characters",
    "Classification": "tfnlp.tasks.classification:Classification",
    "Client": "tfnlp.serving.client.client:Client",
    "Clock": "tfnlp.timing:Clock",
    "Defaults": "tfnlp.training.defaults:Defaults",
    "Endpoint": "tfnlp.task:Endpoint",
    "IntentAndSlots": "tfnlp.tasks.intent_and_slots:IntentAndSlots",
    "LanguageModel": "tfnlp.tasks.language_model:LanguageModel",
    "PairRules": "tfnlp.data.audit.pair_rules:PairRules",
    "Pieces": "tfnlp.text.tokenizers.tokenizer:Pieces",
    "Predictor": "tfnlp.serving.client.predictor:Predictor",
    "RecurrentDecoder": "tfnlp.networks.recurrent_decoder:RecurrentDecoder",
    "Report": "tfnlp.evaluation.report:Report",
    "Retries": "tfnlp.serving.client.retries:Retries",
    "SemanticRoles": "tfnlp.tasks.semantic_roles:SemanticRoles",
    "Sides": "tfnlp.data.train_valid_test:Sides",
    "Subwords": "tfnlp.text.tokenizers.sentencepiece:Subwords",
    "Tagging": "tfnlp.tasks.tagging:Tagging",
    "Task": "tfnlp.task:Task",
    "TrainConfig": "tfnlp.training.config:TrainConfig",
    "TransformerDecoder": "tfnlp.networks.transformer_decoder:TransformerDecoder",
    "Translation": "tfnlp.tasks.translation:Translation",
    "Vectorizer": "tfnlp.text.vectorizer.vectorizer:Vectorizer",
    "Vocabulary": "tfnlp.text.vocabulary:Vocabulary",
    "WordPieces": "tfnlp.text.tokenizers.wordpiece:WordPieces",
    "Words": "tfnlp.text.tokenizers.words:Words",
    "answers": "tfnlp.prediction:answers",
    "audit": "tfnlp.data.audit.texts:audit",
    "audit_pairs": "tfnlp.data.audit.pairs:audit_pairs",
    "audit_sentences": "tfnlp.data.audit.sentences:audit_sentences",
    "blocks": "tfnlp.data.blocks:blocks",
    "bow": "tfnlp.networks.bow",
    "check_output": "tfnlp.export.savedmodel.artefact:check_output",
    "check_task": "tfnlp.testing:check_task",
    "clean": "tfnlp.data.audit.texts:clean",
    "clean_pairs": "tfnlp.data.audit.pair_cleaning:clean_pairs",
    "cli": "tfnlp.cli",
    "cnn": "tfnlp.networks.cnn",
    "cross_validate": "tfnlp.tuning.cross_validation:cross_validate",
    "encoded": "tfnlp.training.fit:encoded",
    "errors": "tfnlp.errors",
    "evaluate": "tfnlp.evaluation.evaluate:evaluate",
    "explore": "tfnlp.tuning.search:explore",
    "fit": "tfnlp.training.fit:fit",
    "learn_pieces": "tfnlp.text.tokenizers.training:learn_pieces",
    "load": "tfnlp.serving.client.predictor:load",
    "load_gazetteers": "tfnlp.text.words.gazetteer_files:load_gazetteers",
    "load_vectors": "tfnlp.text.vectors.files:load_vectors",
    "placed": "tfnlp.data.tagging.propbank:placed",
    "predicate": "tfnlp.networks.predicate",
    "read": "tfnlp.data.readers:read",
    "read_pairs": "tfnlp.data.text_pairs:read_pairs",
    "read_sides": "tfnlp.data.train_valid_test:read_sides",
    "read_streams": "tfnlp.data.text_streams:read_streams",
    "rnn": "tfnlp.networks.rnn",
    "save": "tfnlp.serving.save:save",
    "splits": "tfnlp.data.splits",
    "survey": "tfnlp.data.tagging.tagged_rows:survey",
    "transformer": "tfnlp.networks.transformer",
    "vector_words": "tfnlp.text.vectors.known_words:vector_words",
    "word_features": "tfnlp.networks.word_features",
}

__all__ = [
    "Audit",
    "Characters",
    "Classification",
    "Client",
    "Clock",
    "Defaults",
    "Endpoint",
    "IntentAndSlots",
    "LanguageModel",
    "PairRules",
    "Pieces",
    "Predictor",
    "RecurrentDecoder",
    "Report",
    "Retries",
    "SemanticRoles",
    "Sides",
    "Subwords",
    "Tagging",
    "Task",
    "TrainConfig",
    "TransformerDecoder",
    "Translation",
    "Vectorizer",
    "Vocabulary",
    "WordPieces",
    "Words",
    "__version__",
    "answers",
    "audit",
    "audit_pairs",
    "audit_sentences",
    "blocks",
    "bow",
    "check_output",
    "check_task",
    "clean",
    "clean_pairs",
    "cli",
    "cnn",
    "cross_validate",
    "encoded",
    "errors",
    "evaluate",
    "explore",
    "fit",
    "learn_pieces",
    "load",
    "load_gazetteers",
    "load_vectors",
    "placed",
    "predicate",
    "read",
    "read_pairs",
    "read_sides",
    "read_streams",
    "rnn",
    "save",
    "splits",
    "survey",
    "transformer",
    "vector_words",
    "word_features",
]

# TensorFlow reads this once, when it is loaded; `tfnlp -v` shows everything again.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tfnlp' has no attribute {name!r}")
    from tfnlp.cli.tensorflow_logs import quiet_start

    module, _, attribute = _HOMES[name].partition(":")
    with quiet_start():
        found: Any = importlib.import_module(module)
    if attribute:
        found = getattr(found, attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
