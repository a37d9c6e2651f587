"""Loops that turn a network's next token into texts, in graph; no text is known here.

`generate` is the way in: it needs a step function, the logits of the first new token
and `Options`, and gives `Generated` ids. What the ids stand for, what a prompt is and
how a network remembers is the business of its callers.
"""

from tfnlp.decoding.contract import Generated as Generated
from tfnlp.decoding.contract import Outputs as Outputs
from tfnlp.decoding.contrastive import Contrast as Contrast
from tfnlp.decoding.loop import generate as generate
from tfnlp.decoding.options import SPECS as SPECS
from tfnlp.decoding.options import Options as Options
from tfnlp.decoding.options import check as check
from tfnlp.decoding.options import checked as checked
