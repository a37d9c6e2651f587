"""go on after prompts with a language model, as text"""

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import tfnlp
from tfnlp.cli.parsing.command_line import parse
from tfnlp.cli.tensorflow_logs import load_tensorflow
from tfnlp.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Options:
    """Writes what follows each prompt: those of --prompt, or lines of standard input.

    tfnlp generate saved_models/plays --prompt "ROMEO:" --temperature 0.8 --top_p 0.9

    Texts come in the order of the prompts, one after the other; on a terminal they
    appear as they are made. The same seed gives the same text, whatever comes beside
    it; prompts of one call have seeds that follow one another.
    """

    artefact: str  # folder that pipelines/language_model.py wrote
    prompt: tuple[str, ...] = ()  # default: the lines of standard input
    max_tokens: int = 200  # tokens at most
    min_tokens: int = 0  # tokens before the text may end
    temperature: float = 1.0  # below 1 keeps to what is likely; 0 always does
    top_k: int = 0  # draw from so many tokens only; 0 is off
    top_p: float = 1.0  # draw from the likeliest tokens of this share; 1 is off
    min_p: float = 0.0  # draw from tokens of this share of the likeliest; 0 is off
    num_beams: int = 1  # search with so many texts side by side; 1 draws
    length_penalty: float = 0.0  # of a search; more favours long texts
    repetition_penalty: float = 1.0  # above 1 makes what was there unlikely
    no_repeat_ngram_size: int = 0  # n-grams of this size come once only; 0 is off
    stop: str = ""  # a string that ends the text
    seed: int = 0  # of the first prompt; each next prompt adds 1


def main(words: Sequence[str]) -> None:
    """Reads prompts and writes what follows them to stdout.

    Raises:
        UsageError: an option cannot be, or the artefact is no language model.
        ArtefactError: there is no such artefact.
    """
    options = parse(Options, words, positional=("artefact",), command="tfnlp generate")
    load_tensorflow()
    check(options)
    flagged = any(word.partition("=")[0] == "--prompt" for word in words)
    given = list(options.prompt) or ([""] if flagged else None)
    if given is None and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError(
            "Prompts come from --prompt or from standard input. Received: neither. "
            'Pass --prompt "Once upon a time".'
        )
    predictor = tfnlp.load(options.artefact)
    if "prompt" not in predictor.inputs:
        raise UsageError(
            "Texts are made by the artefact of a language model. Received: "
            f"{options.artefact}, which takes {', '.join(predictor.inputs)}. "
            "Ask it with `tfnlp predict`."
        )
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    watched = sys.stdout.isatty() and options.num_beams == 1
    prompts = given if given is not None else (line.rstrip("\n") for line in sys.stdin)
    for number, row in enumerate(rows(options, prompts)):
        if number:
            print()
        if watched:
            show(predictor, row)
        else:
            (answer,) = predictor.predict([row])
            between = gap(predictor.task, row["prompt"], answer["text"])
            print(row["prompt"] + between + answer["text"], flush=True)


def check(options: Options) -> None:
    """Checks what can be checked before anything is loaded.

    Raises:
        UsageError: an option cannot be.
    """
    from tfnlp import decoding  # needs TensorFlow
    from tfnlp.tasks import language_model

    config = decoding.GenerationConfig(
        **{name: getattr(options, name) for name in _fields() if name != "stop"}
    )
    decoding.check(
        config,
        max_tokens_limit=language_model.MOST_TOKENS,
        num_beams_limit=language_model.MOST_BEAMS,
    )


def rows(options: Options, prompts: Any) -> Iterator[dict[str, Any]]:
    """A request for each prompt; seeds count up."""
    asked = {name: getattr(options, name) for name in _fields()}
    for number, prompt in enumerate(prompts):
        text = prompt.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        yield {**asked, "prompt": text, "seed": options.seed + number}


def gap(task: Any, prompt: str, text: str) -> str:
    """What stands between a prompt and what follows, where tokens hold no blanks.

    Example:
    >>> from types import SimpleNamespace
    >>> words = SimpleNamespace(tokenizer=SimpleNamespace(separator=" "))
    >>> gap(words, "the cat", "sat"), gap(words, "the cat\\n", "sat")
    (' ', '')
    """
    apart = prompt[-1:].strip() and text[:1].strip()
    return getattr(task.tokenizer, "separator", "") if apart else ""


def show(predictor: Any, row: dict[str, Any]) -> None:
    """Writes a text token by token: the same one that the artefact answers."""
    from tfnlp.serving.client.requests import tensor  # needs TensorFlow

    print(row["prompt"], end="", flush=True)
    shown, stop = "", row["stop"]

    def say(text: str) -> None:
        nonlocal shown
        if text.startswith(shown):
            between = "" if shown else gap(predictor.task, row["prompt"], text)
            print(between + text[len(shown) :], end="", flush=True)
            shown = text

    def watch(texts: Any) -> None:
        text = texts.numpy()[0].decode("utf-8", "ignore").rstrip("\ufffd")
        before, found, _ = text.partition(stop) if stop else (text, "", "")
        if not found:  # its end may be the beginning of a stop string
            before = text[: max(len(text) - len(stop), 0)]
        say(before)

    fields = predictor.inputs
    inputs = {name: tensor(name, [row[name]], fields[name]) for name in row}
    answer = predictor.task.generate(predictor.network, inputs, watch=watch)
    say(answer["text"].numpy()[0].decode("utf-8"))
    print()


def _fields() -> list[str]:
    """The options that a request carries."""
    names = [field.name for field in dataclasses.fields(Options)]
    return [name for name in names if name not in ("artefact", "prompt")]
