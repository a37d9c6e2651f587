from .config import TrainConfig as TrainConfig
from .defaults import Defaults as Defaults
from .fit import encoded as encoded
