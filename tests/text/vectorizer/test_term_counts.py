import tensorflow as tf

from tfnlp.text.vectorizer.term_counts import most_common


def count(*texts: str, **options) -> list[str]:
    batches = tf.data.Dataset.from_tensor_slices(list(texts)).batch(2)
    return most_common(batches, tf.strings.split, **options)


def test_ties_are_broken_by_the_term() -> None:
    assert count("c b a", "d d", size=3) == ["d", "a", "b"]


def test_rare_terms_are_left_out() -> None:
    assert count("a a b", "b c", size=9, min_frequency=2) == ["a", "b"]


def test_counts_add_up_over_batches() -> None:
    assert count("x y", "y", "x", "x", size=1) == ["x"]


def test_no_terms_give_an_empty_list() -> None:
    assert count("", " ", size=5) == []


def test_memory_is_bounded_and_frequent_terms_stay() -> None:
    texts = [f"often rare{i} rare{i}x" for i in range(40)]

    assert count(*texts, size=1, memory=8) == ["often"]
