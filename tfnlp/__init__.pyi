"""The public names of tfnlp: read by type checkers and, at run time, by lazy_loader."""

from . import cli as cli
from . import data as data
from . import errors as errors
from . import evaluation as evaluation
from . import layers as layers
from . import networks as networks
from . import serving as serving
from . import tasks as tasks
from . import text as text
from . import training as training
from .data.audit.texts import audit as audit
from .data.audit.texts import clean as clean
from .data.readers import read as read
from .data.train_valid_test import Splits as Splits
from .data.train_valid_test import read_splits as read_splits
from .evaluation.evaluate import evaluate as evaluate
from .naive_bayes_prior import NaiveBayesPrior as NaiveBayesPrior
from .networks import bow as bow
from .networks import cnn as cnn
from .networks import rnn as rnn
from .networks import transformer as transformer
from .networks.recurrent_decoder import RecurrentDecoder as RecurrentDecoder
from .networks.transformer_decoder import TransformerDecoder as TransformerDecoder
from .serving.client.client import Client as Client
from .serving.client.predictor import load as load
from .serving.save import save as save
from .task import Task as Task
from .tasks.classification import Classification as Classification
from .tasks.intent_and_slots import IntentAndSlots as IntentAndSlots
from .tasks.language_model import LanguageModel as LanguageModel
from .tasks.semantic_roles import SemanticRoles as SemanticRoles
from .tasks.tagging import Tagging as Tagging
from .tasks.translation import Translation as Translation
from .text.vectorizer.vectorizer import Vectorizer as Vectorizer
from .text.vocabulary import Vocabulary as Vocabulary
from .training.config import TrainConfig as TrainConfig
from .training.fit import fit as fit
from .tuning.cross_validation import cross_validate as cross_validate
from .tuning.search import search as search

__version__: str
