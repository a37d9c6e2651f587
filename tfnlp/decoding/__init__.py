"""Loops that turn a network's next token into texts, in graph; no text is known here.

`generate` is the way in: it needs a step function, the logits of the first new token
and `Options`, and gives `Generated` ids. What the ids stand for, what a prompt is and
how a network remembers is the business of its callers.
"""

from tfnlp.decoding.contrastive_search import Contrast as Contrast
from tfnlp.decoding.generation_config import SPECS as SPECS
from tfnlp.decoding.generation_config import Options as Options
from tfnlp.decoding.generation_config import check as check
from tfnlp.decoding.generation_config import checked as checked
from tfnlp.decoding.loop import generate as generate
from tfnlp.decoding.step_api import Generated as Generated
from tfnlp.decoding.step_api import Outputs as Outputs
