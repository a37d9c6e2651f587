"""Search spaces as typed: ``vocabulary_size=10000,30000 dropout=0.1..0.6``."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from tfnlp.cli.parsing.command_line import unknown_flag
from tfnlp.cli.parsing.flags import Flag, flags
from tfnlp.errors import UsageError
from tfnlp.recipes.settings import changed
from tfnlp.recipes.text_classification import LabelledTexts

Recipe = TypeVar("Recipe")
_LOG_FROM = 50.0
"""Ranges whose high is this many times their low are searched on a log scale."""
_OF_A_RUN = frozenset("name output resume".split()) | {
    f"training.{name}" for name in "strategy report_to checkpoint_seconds cache".split()
}
"""Flags that say where and how a run goes; no score depends on them."""
_OF_LABELS = frozenset({"multi_label", "label_separator"})
"""Flags of the data that say what a label is, not where it lies."""


class Range(NamedTuple):
    """All numbers from `low` to `high`."""

    low: float
    high: float

    @property
    def sampling(self) -> str:
        """Whether numbers are sampled evenly or by their logarithm."""
        is_wide = self.low > 0 and self.high / self.low >= _LOG_FROM
        return "log" if is_wide else "linear"


def read_space(
    recipe: type, words: Sequence[str]
) -> dict[str, Range | tuple[str, ...]]:
    """Reads ``flag=value,value`` and ``flag=low..high`` words.

    Args:
        recipe: the dataclass whose flags are searched.
        words: as typed; values are checked as if they followed their flags.

    Raises:
        UsageError: there is no such flag, a value is none of it, or all trials have
            the flag in common: that of the data, or one that changes no score.

    Example:
    >>> import dataclasses
    >>> @dataclasses.dataclass(frozen=True)
    ... class Recipe:
    ...     rate: float = 0.1
    ...     tokenizer: str = "words"
    >>> read_space(Recipe, ["rate=0.1..0.5", "tokenizer=words,bpe"])
    {'rate': Range(low=0.1, high=0.5), 'tokenizer': ('words', 'bpe')}
    """
    known = flags(recipe)
    found: dict[str, Range | tuple[str, ...]] = {}
    for word in _whole(words):
        name, sign, text = word.partition("=")
        if sign and name not in known:
            raise unknown_flag(name, list(known))
        if name in _OF_A_RUN | _of_data(recipe):
            raise _in_common(name)
        low, dots, high = text.partition("..")
        if not text:
            raise UsageError(
                "What is searched is written flag=value,value or flag=low..high. "
                f"Received: {word!r}."
            )
        if dots:
            found[name] = _range(known[name], low, high, word)
        else:
            values = tuple(text.split(","))
            for value in values:
                known[name].read([value])
            found[name] = values
    return found


def suggest(
    hp: Any, space: Mapping[str, Range | tuple[str, ...]], recipe: Recipe
) -> Recipe:
    """The recipe with the hyperparameters that a search suggests.

    Args:
        hp: KerasTuner's ``HyperParameters``, or what answers like it.
        space: see `read_space`.
        recipe: what is not searched, and the defaults of what is.
    """
    known = flags(type(recipe), given=recipe)
    values = {
        name: _suggested(hp, known[name], choices) for name, choices in space.items()
    }
    return changed(recipe, values)


def fixed(recipe: Any, space: Mapping[str, Range | tuple[str, ...]]) -> dict[str, Any]:
    """What all trials have in common: flag → value of what is not searched.

    Left out are flags that no score depends on, and those that say where the data
    lies: the rows themselves tell more.

    Example:
    >>> import dataclasses
    >>> @dataclasses.dataclass(frozen=True)
    ... class Recipe:
    ...     name: str = "reviews"
    ...     rate: float = 0.1
    ...     tokenizer: str = "words"
    >>> fixed(Recipe(), {"tokenizer": ("words", "bpe")})
    {'rate': 0.1}
    """
    others = _OF_A_RUN | (_of_data(type(recipe)) - _OF_LABELS) | set(space)
    known = flags(type(recipe), given=recipe)
    return {name: flag.default for name, flag in known.items() if name not in others}


def _of_data(recipe: type) -> frozenset[str]:
    """The flags that say which rows there are, and what is a label."""
    return frozenset(flags(LabelledTexts) if issubclass(recipe, LabelledTexts) else ())


def _in_common(name: str) -> UsageError:
    return UsageError(
        "What is searched is a setting of the text, the network or the training. "
        f"Received: --space {name}=…, which all trials have in common. "
        f"Give --{name} itself, and one search for each value."
    )


def _whole(words: Sequence[str]) -> list[str]:
    """Words as they were typed: one alone has been cut at its commas."""
    whole: list[str] = []
    for word in words:
        if "=" in word or not whole:
            whole.append(word)
        else:
            whole[-1] += f",{word}"
    return whole


def _range(flag: Flag, low: str, high: str, word: str) -> Range:
    ends = [flag.read([low]), flag.read([high])]
    numbers = [end for end in ends if isinstance(end, (int, float))]
    if len(numbers) < 2 or isinstance(ends[0], bool) or not numbers[0] < numbers[1]:
        raise UsageError(
            "A range goes from a number to a larger one. "
            f"Received: {word!r}. List the values between commas instead."
        )
    return Range(*numbers)


def _suggested(hp: Any, flag: Flag, choices: Range | tuple[str, ...]) -> Any:
    if not isinstance(choices, Range):
        default = None if flag.default is None else str(flag.default)
        options = {"default": default} if default in choices else {}
        return flag.read([hp.Choice(flag.name, list(choices), **options)])
    inside = isinstance(flag.default, (int, float)) and (
        choices.low <= flag.default <= choices.high
    )
    options = {"sampling": choices.sampling}
    options |= {"default": flag.default} if inside else {}
    ask = hp.Int if all(isinstance(end, int) for end in choices) else hp.Float
    return ask(flag.name, *choices, **options)
