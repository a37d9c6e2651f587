"""fastText with bigrams: its tutorial of text classification.

Punctuation is separated and text lower-cased as there; learning rate and epochs are
those of the paper (Joulin et al. 2017) for reviews.
"""

import re
import tempfile

import fasttext
from files import Split, run

MARKS = re.compile(r"""([.!?,'"/()])""")


def learn(train: Split, valid: Split, test: Split, classes: int) -> list[int]:
    """See `files.run`."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        for text, label in zip(*train, strict=True):
            file.write(f"__label__{label} {line(text)}\n")
        file.flush()
        model = fasttext.train_supervised(
            file.name, lr=0.25, epoch=5, wordNgrams=2, thread=2, verbose=0
        )
    found, _ = model.predict([line(text) for text in test.texts])
    return [int(label.removeprefix("__label__")) for (label,) in found]


def line(text: str) -> str:
    """A text in one line, as fastText takes it."""
    return " ".join(MARKS.sub(r" \1 ", text).lower().split())


if __name__ == "__main__":
    run(learn)
