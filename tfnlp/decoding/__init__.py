"""Text generation in graph: greedy search, sampling, beam and contrastive search.

`generate` is the entry point. It takes a step function, the logits of the first new
token and a `GenerationConfig`, and returns a `GenerationResult` of token ids. This
package knows no text: what ids stand for, what a prompt is and how a network keeps
its cache is the business of its callers.
"""

from tfnlp.decoding.chunks import generate_chunk as generate_chunk
from tfnlp.decoding.contrastive_search import ContrastiveSearch as ContrastiveSearch
from tfnlp.decoding.generation_config import SPECS as SPECS
from tfnlp.decoding.generation_config import GenerationConfig as GenerationConfig
from tfnlp.decoding.generation_config import check as check
from tfnlp.decoding.generation_config import checked as checked
from tfnlp.decoding.loop import generate as generate
from tfnlp.decoding.step_api import GenerationResult as GenerationResult
from tfnlp.decoding.step_api import StepOutputs as StepOutputs
