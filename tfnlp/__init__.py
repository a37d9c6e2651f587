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
    from tfnlp.answering import answers as answers
    from tfnlp.clock import Clock as Clock
    from tfnlp.data import splits as splits
    from tfnlp.data.audit import Audit as Audit
    from tfnlp.data.audit import audit as audit
    from tfnlp.data.audit import clean as clean
    from tfnlp.data.blocks import blocks as blocks
    from tfnlp.data.pair_audit import audit_pairs as audit_pairs
    from tfnlp.data.pair_cleaning import clean_pairs as clean_pairs
    from tfnlp.data.pair_rules import PairRules as PairRules
    from tfnlp.data.pairs import read_pairs as read_pairs
    from tfnlp.data.propbank import placed as placed
    from tfnlp.data.readers import read as read
    from tfnlp.data.sides import Sides as Sides
    from tfnlp.data.sides import read_sides as read_sides
    from tfnlp.data.streams import read_streams as read_streams
    from tfnlp.data.tagged_audit import audit_sentences as audit_sentences
    from tfnlp.data.tagging import survey as survey
    from tfnlp.evaluation.evaluate import evaluate as evaluate
    from tfnlp.evaluation.report import Report as Report
    from tfnlp.export.artefact import check_output as check_output
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
    from tfnlp.serving.client import Client as Client
    from tfnlp.serving.gate import save as save
    from tfnlp.serving.predictor import Predictor as Predictor
    from tfnlp.serving.predictor import load as load
    from tfnlp.serving.retries import Retries as Retries
    from tfnlp.task import Endpoint as Endpoint
    from tfnlp.task import Task as Task
    from tfnlp.tasks.classification import Classification as Classification
    from tfnlp.tasks.intent_and_slots import IntentAndSlots as IntentAndSlots
    from tfnlp.tasks.language_model import LanguageModel as LanguageModel
    from tfnlp.tasks.semantic_roles import SemanticRoles as SemanticRoles
    from tfnlp.tasks.tagging import Tagging as Tagging
    from tfnlp.tasks.translation import Translation as Translation
    from tfnlp.testing import check_task as check_task
    from tfnlp.text.gazetteer_files import load_gazetteers as load_gazetteers
    from tfnlp.text.learning import learn_pieces as learn_pieces
    from tfnlp.text.pieces import Pieces as Pieces
    from tfnlp.text.subword import Subwords as Subwords
    from tfnlp.text.token_pieces import Characters as Characters
    from tfnlp.text.token_pieces import Words as Words
    from tfnlp.text.vector_words import vector_words as vector_words
    from tfnlp.text.vectorizer import Vectorizer as Vectorizer
    from tfnlp.text.vectors import load_vectors as load_vectors
    from tfnlp.text.vocabulary import Vocabulary as Vocabulary
    from tfnlp.text.word_pieces import WordPieces as WordPieces
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
    "Audit": "tfnlp.data.audit:Audit",
    "Characters": "tfnlp.text.token_pieces:Characters",
    "Classification": "tfnlp.tasks.classification:Classification",
    "Client": "tfnlp.serving.client:Client",
    "Clock": "tfnlp.clock:Clock",
    "Defaults": "tfnlp.training.defaults:Defaults",
    "Endpoint": "tfnlp.task:Endpoint",
    "IntentAndSlots": "tfnlp.tasks.intent_and_slots:IntentAndSlots",
    "LanguageModel": "tfnlp.tasks.language_model:LanguageModel",
    "PairRules": "tfnlp.data.pair_rules:PairRules",
    "Pieces": "tfnlp.text.pieces:Pieces",
    "Predictor": "tfnlp.serving.predictor:Predictor",
    "RecurrentDecoder": "tfnlp.networks.recurrent_decoder:RecurrentDecoder",
    "Report": "tfnlp.evaluation.report:Report",
    "Retries": "tfnlp.serving.retries:Retries",
    "SemanticRoles": "tfnlp.tasks.semantic_roles:SemanticRoles",
    "Sides": "tfnlp.data.sides:Sides",
    "Subwords": "tfnlp.text.subword:Subwords",
    "Tagging": "tfnlp.tasks.tagging:Tagging",
    "Task": "tfnlp.task:Task",
    "TrainConfig": "tfnlp.training.config:TrainConfig",
    "TransformerDecoder": "tfnlp.networks.transformer_decoder:TransformerDecoder",
    "Translation": "tfnlp.tasks.translation:Translation",
    "Vectorizer": "tfnlp.text.vectorizer:Vectorizer",
    "Vocabulary": "tfnlp.text.vocabulary:Vocabulary",
    "WordPieces": "tfnlp.text.word_pieces:WordPieces",
    "Words": "tfnlp.text.token_pieces:Words",
    "answers": "tfnlp.answering:answers",
    "audit": "tfnlp.data.audit:audit",
    "audit_pairs": "tfnlp.data.pair_audit:audit_pairs",
    "audit_sentences": "tfnlp.data.tagged_audit:audit_sentences",
    "blocks": "tfnlp.data.blocks:blocks",
    "bow": "tfnlp.networks.bow",
    "check_output": "tfnlp.export.artefact:check_output",
    "check_task": "tfnlp.testing:check_task",
    "clean": "tfnlp.data.audit:clean",
    "clean_pairs": "tfnlp.data.pair_cleaning:clean_pairs",
    "cli": "tfnlp.cli",
    "cnn": "tfnlp.networks.cnn",
    "cross_validate": "tfnlp.tuning.cross_validation:cross_validate",
    "encoded": "tfnlp.training.fit:encoded",
    "errors": "tfnlp.errors",
    "evaluate": "tfnlp.evaluation.evaluate:evaluate",
    "explore": "tfnlp.tuning.search:explore",
    "fit": "tfnlp.training.fit:fit",
    "learn_pieces": "tfnlp.text.learning:learn_pieces",
    "load": "tfnlp.serving.predictor:load",
    "load_gazetteers": "tfnlp.text.gazetteer_files:load_gazetteers",
    "load_vectors": "tfnlp.text.vectors:load_vectors",
    "placed": "tfnlp.data.propbank:placed",
    "predicate": "tfnlp.networks.predicate",
    "read": "tfnlp.data.readers:read",
    "read_pairs": "tfnlp.data.pairs:read_pairs",
    "read_sides": "tfnlp.data.sides:read_sides",
    "read_streams": "tfnlp.data.streams:read_streams",
    "rnn": "tfnlp.networks.rnn",
    "save": "tfnlp.serving.gate:save",
    "splits": "tfnlp.data.splits",
    "survey": "tfnlp.data.tagging:survey",
    "transformer": "tfnlp.networks.transformer",
    "vector_words": "tfnlp.text.vector_words:vector_words",
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
    from tfnlp.cli.quiet import quiet_start

    module, _, attribute = _HOMES[name].partition(":")
    with quiet_start():
        found: Any = importlib.import_module(module)
    if attribute:
        found = getattr(found, attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
