"""The public names of tfnlp: read by type checkers and, at run time, by lazy_loader."""

from . import cli as cli
from . import errors as errors
from .data import splits as splits
from .data.audit.pair_cleaning import clean_pairs as clean_pairs
from .data.audit.pair_rules import PairRules as PairRules
from .data.audit.pairs import audit_pairs as audit_pairs
from .data.audit.sentences import audit_sentences as audit_sentences
from .data.audit.texts import Audit as Audit
from .data.audit.texts import audit as audit
from .data.audit.texts import clean as clean
from .data.blocks import blocks as blocks
from .data.readers import read as read
from .data.tagging.propbank import parse_predicates as parse_predicates
from .data.tagging.tagged_rows import survey as survey
from .data.text_pairs import read_pairs as read_pairs
from .data.text_streams import read_streams as read_streams
from .data.train_valid_test import Splits as Splits
from .data.train_valid_test import read_splits as read_splits
from .evaluation.evaluate import evaluate as evaluate
from .evaluation.report import Report as Report
from .export.savedmodel.artefact import check_output as check_output
from .naive_bayes_prior import NaiveBayesPrior as NaiveBayesPrior
from .networks import bow as bow
from .networks import cnn as cnn
from .networks import predicate as predicate
from .networks import rnn as rnn
from .networks import transformer as transformer
from .networks import word_features as word_features
from .networks.recurrent_decoder import RecurrentDecoder as RecurrentDecoder
from .networks.transformer_decoder import TransformerDecoder as TransformerDecoder
from .prediction import predict as predict
from .prediction import predict_with_targets as predict_with_targets
from .serving.client.client import Client as Client
from .serving.client.predictor import Predictor as Predictor
from .serving.client.predictor import load as load
from .serving.client.retries import Retries as Retries
from .serving.save import save as save
from .task import Endpoint as Endpoint
from .task import Task as Task
from .tasks.classification import Classification as Classification
from .tasks.intent_and_slots import IntentAndSlots as IntentAndSlots
from .tasks.language_model import LanguageModel as LanguageModel
from .tasks.semantic_roles import SemanticRoles as SemanticRoles
from .tasks.tagging import Tagging as Tagging
from .tasks.translation import Translation as Translation
from .testing import check_task as check_task
from .text.tokenizers.characters import CharacterTokenizer as CharacterTokenizer
from .text.tokenizers.sentencepiece import (
    SentencePieceTokenizer as SentencePieceTokenizer,
)
from .text.tokenizers.tokenizer import Tokenizer as Tokenizer
from .text.tokenizers.training import train_tokenizer as train_tokenizer
from .text.tokenizers.wordpiece import WordPieceTokenizer as WordPieceTokenizer
from .text.tokenizers.words import WordTokenizer as WordTokenizer
from .text.vectorizer.vectorizer import Vectorizer as Vectorizer
from .text.vectors.files import load_vectors as load_vectors
from .text.vectors.known_words import vector_words as vector_words
from .text.vocabulary import Vocabulary as Vocabulary
from .text.words.gazetteer_files import load_gazetteers as load_gazetteers
from .timing import Clock as Clock
from .training.config import TrainConfig as TrainConfig
from .training.defaults import Defaults as Defaults
from .training.fit import encode_rows as encode_rows
from .training.fit import fit as fit
from .training.trained_model import TrainedModel as TrainedModel
from .tuning.cross_validation import cross_validate as cross_validate
from .tuning.search import search as search

__version__: str
