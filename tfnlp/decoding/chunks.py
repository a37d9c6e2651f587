"""Streaming text generation: some tokens a call, and a state for the next call.

The state of a text is one string: the tokens so far, the logits of the next token and
the decoder's cache (keys and values, or recurrent states), serialised by TensorFlow.
A server holds nothing between two calls. The loop is that of `sampling.sample`, cut
into parts, so a text in chunks is the text in one go, bit for bit.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfnlp.decoding.generation_config import GenerationConfig, checked
from tfnlp.decoding.generation_request import (
    GenerationRequest,
    StoppingCriterion,
    right_aligned,
)
from tfnlp.decoding.sampling import Progress, continue_texts, initial_state, to_result
from tfnlp.decoding.step_api import GenerationResult, Step, as_step_outputs

MAGIC = b"tfnlp-generation-1:"
"""Begins every state; another layout of states gets another number."""
_DIGITS = 19  # of the checksum behind it


class Chunk(NamedTuple):
    """One text after some more tokens.

    Attributes:
        result: the whole text so far, [1, 1, T].
        finished: bool [1], whether no token will follow.
        state: string [1], what the next call needs.
    """

    result: GenerationResult
    finished: tf.Tensor
    state: tf.Tensor


@tf.autograph.experimental.do_not_convert
def generate_chunk(
    read: Callable[[], tuple[Any, Any, Step, Any]],
    config: GenerationConfig,
    *,
    state: tf.Tensor,
    tokens: tf.Tensor,
    end_token_id: int | None,
    prompt: tf.Tensor,
    max_tokens_limit: int = 1024,
    suppress_tokens: Sequence[int] = (),
    stopping_criterion: StoppingCriterion | None = None,
) -> Chunk:
    """Samples up to `tokens` more tokens of one text.

    Args:
        read: reads the prompt: (logits [1, V], cache, step, shared), see `generate`;
            called once, in a graph that only runs at the beginning of a text.
        config: of one row; num_beams does not apply.
        state: string [1], what the call before returned, "" at the beginning.
        tokens: int32 [1], at least 1.
        end_token_id: id of the end token, or None: the text runs to max_tokens.
        prompt: int32 [1, S], for repetition_penalty and no_repeat_ngram_size.
        max_tokens_limit: upper limit of max_tokens.
        suppress_tokens: ids that are never generated; padding, 0, never is.
        stopping_criterion: ends the text for any other reason.

    Raises:
        UsageError: an option whose value is known is out of range.
        InvalidArgumentError: (in the graph) the state is damaged, or belongs to
            another prompt or max_tokens; `tokens` is below 1.
    """
    config = checked(config, max_tokens_limit=max_tokens_limit, num_beams_limit=1)
    request = GenerationRequest(
        config=config,
        size=config.highest("max_tokens"),
        end_token_id=end_token_id,
        suppress_tokens=(0, *suppress_tokens),
        stopping_criterion=stopping_criterion,
        prompt=right_aligned(prompt),
    )
    reading: dict[str, Any] = {}

    def start() -> Progress:
        logits, cache, reading["step"], reading["shared"] = read()
        texts = initial_state(1, request, tf.constant([True]))
        return Progress(texts, as_step_outputs(logits).logits, cache)

    started = tf.function(start, autograph=False).get_concrete_function()
    specs = started.structured_outputs
    progress = tf.cond(
        state[0] == b"", started, lambda: _unpacked(state[0], specs, request)
    )
    progress = tf.nest.map_structure(_shaped, progress, specs)
    wrong = ["Field chunk_tokens must be at least 1. Received:", tokens[0]]
    enough = tf.debugging.Assert(tokens[0] > 0, [*wrong, ". Pass chunk_tokens=16."])
    with tf.control_dependencies([enough]):
        steps = tf.identity(tokens[0])
    progress = continue_texts(
        reading["step"], progress, request, reading["shared"], steps=steps
    )
    return Chunk(
        to_result(progress.texts, request),
        ~progress.texts.running,
        _packed(progress)[None],
    )


def _packed(progress: Progress) -> tf.Tensor:
    """All tensors of a nest as one string []."""
    parts = [tf.io.serialize_tensor(part) for part in tf.nest.flatten(progress)]
    return _with_checksum(tf.io.serialize_tensor(tf.stack(parts)))


def _with_checksum(payload: tf.Tensor) -> tf.Tensor:
    number = tf.strings.to_hash_bucket_fast(payload, 2**62)
    digits = tf.strings.as_string(number, width=_DIGITS, fill="0")
    return tf.strings.join([MAGIC, digits, payload])


def _unpacked(
    state: tf.Tensor, specs: Progress, request: GenerationRequest
) -> Progress:
    """The tensors in a string of `_packed`; checks that they fit the request."""
    size, head = tf.strings.length(state), len(MAGIC) + _DIGITS
    payload = tf.strings.substr(state, tf.minimum(head, size), size)
    known = state == _with_checksum(payload)
    wrong = [
        "Field state_bytes must be what the call before returned. Received:",
        size,
        "other bytes. Leave it out at the beginning of a text.",
    ]
    with tf.control_dependencies([tf.debugging.Assert(known, wrong)]):
        payload = tf.identity(payload)
    flat = tf.nest.flatten(specs)
    parts = tf.ensure_shape(tf.io.parse_tensor(payload, tf.string), [len(flat)])
    tensors = [
        tf.ensure_shape(tf.io.parse_tensor(parts[place], spec.dtype), spec.shape)
        for place, spec in enumerate(flat)
    ]
    progress = tf.nest.pack_sequence_as(specs, tensors)
    history, expected = progress.texts.history, request.history(1)
    same = tf.reduce_all(tf.shape(history) == tf.shape(expected))
    read = tf.cond(
        same,
        lambda: tf.reduce_all(history[:, : request.start] == request.prompt),
        lambda: tf.constant(False),
    )
    wrong = [
        "Field state_bytes must belong to the prompt and max_tokens of the request. "
        "Received: those of another text, with tokens:",
        tf.shape(history)[1],
        ". Repeat the first request with the state of the last answer.",
    ]
    with tf.control_dependencies([tf.debugging.Assert(read, wrong)]):
        return tf.nest.map_structure(tf.identity, progress)


def _shaped(tensor: tf.Tensor, spec: tf.TensorSpec) -> tf.Tensor:
    """A tensor with the static shape that its spec knows."""
    tensor.set_shape(spec.shape)
    return tensor
