from .client.client import Client as Client
from .client.predictor import Predictor as Predictor
from .client.predictor import load as load
from .client.retries import Retries as Retries
