"""scikit-learn: TF-IDF of words and bigrams, and a linear SVM."""

from files import Split, run
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC


def learn(train: Split, valid: Split, test: Split, classes: int) -> list[int]:
    """See `files.run`."""
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LinearSVC()
    )
    return model.fit(*train).predict(test.texts)


if __name__ == "__main__":
    run(learn)
