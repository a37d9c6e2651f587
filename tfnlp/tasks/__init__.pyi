from .classification import Classification as Classification
from .intent_and_slots import IntentAndSlots as IntentAndSlots
from .language_model import LanguageModel as LanguageModel
from .semantic_roles import SemanticRoles as SemanticRoles
from .tagging import Tagging as Tagging
from .translation import Translation as Translation
