from .config import TrainConfig as TrainConfig
from .defaults import Defaults as Defaults
from .fit import encode_rows as encode_rows
from .trained_model import TrainedModel as TrainedModel
