"""Recipes: what the pipeline scripts share, from data flags to the saved artefact.

A recipe is a frozen dataclass of one task; `run` takes it, and a function that builds
the network, from files to an artefact. Nothing here reads a command line.
"""

from tfnlp.recipes.encoders import DecoderOptions as DecoderOptions
from tfnlp.recipes.encoders import EncoderOptions as EncoderOptions
from tfnlp.recipes.language_model import LanguageModel as LanguageModel
from tfnlp.recipes.language_model import RunningText as RunningText
from tfnlp.recipes.recipe import Prepared as Prepared
from tfnlp.recipes.recipe import Recipe as Recipe
from tfnlp.recipes.recipe import StartValues as StartValues
from tfnlp.recipes.tagging import IntentAndSlots as IntentAndSlots
from tfnlp.recipes.tagging import SemanticRoles as SemanticRoles
from tfnlp.recipes.tagging import TaggedSentences as TaggedSentences
from tfnlp.recipes.tagging import Tagging as Tagging
from tfnlp.recipes.text_classification import LabelledTexts as LabelledTexts
from tfnlp.recipes.text_classification import TextClassification as TextClassification
from tfnlp.recipes.training_run import builder as builder
from tfnlp.recipes.training_run import dry_run as dry_run
from tfnlp.recipes.training_run import prepare as prepare
from tfnlp.recipes.training_run import run as run
from tfnlp.recipes.translation import TextPairs as TextPairs
from tfnlp.recipes.translation import Translation as Translation
