"""Real files as they come: every row arrives, with columns as flags give them."""

import pytest

from tfnlp.data.readers import read

TWEETS = {"text": "text", "label": "airline_sentiment"}
NUMBERED = {"text": 1, "label": 2}
PAIRS = {"first": "#1 String", "second": "#2 String", "label": "Quality"}
CHINESE = {"text": "text_a", "label": "label"}
IMDB = {"text": "text", "label": "label"}

SETS = [
    ("imdb/train.csv.gz", IMDB, 25_000, 2),
    ("imdb/test.csv.gz", IMDB, 25_000, 2),
    ("ag_news/train_subset.csv.gz", {"label": 1, "text": 2}, 20_392, 4),
    ("ag_news/test.csv.gz", {"label": 1, "text": "2+3"}, 7_600, 4),
    ("sst2/train.tsv", NUMBERED, 6_920, 2),
    ("sst2/dev.tsv", NUMBERED, 872, 2),
    ("sst2/test.tsv", NUMBERED, 1_821, 2),
    ("twitter_airline/Tweets.csv.gz", TWEETS, 14_640, 3),
    ("chnsenticorp_zh/train.tsv.gz", CHINESE, 9_600, 2),
    ("chnsenticorp_zh/dev.tsv.gz", CHINESE, 1_200, 2),
    ("chnsenticorp_zh/test.tsv.gz", {"text": 2, "label": 1}, 1_200, 2),
    ("thucnews_titles_zh/dev.txt.gz", NUMBERED, 10_000, 10),
    ("thucnews_titles_zh/test.txt.gz", NUMBERED, 10_000, 10),
    ("goemotions/train.tsv.gz", NUMBERED, 43_410, 711),
    ("goemotions/dev.tsv.gz", NUMBERED, 5_426, 296),
    ("goemotions/test.tsv.gz", NUMBERED, 5_427, 275),
    ("mrpc/msr-para-train.tsv.gz", PAIRS, 3_576, 2),
    ("mrpc/msr-para-val.tsv.gz", {"first": 4, "second": 5, "label": 1}, 500, 2),
    ("mrpc/msr-para-test.tsv.gz", PAIRS, 1_725, 2),
    ("davidson_hate_speech/labeled_data.csv.gz", {"text": 7, "label": 6}, 24_783, 3),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "columns", "count", "classes"), SETS, ids=[row[0] for row in SETS]
)
def test_every_row_of_a_real_file_arrives(shared_data, name, columns, count, classes):
    rows = read(shared_data / name, columns).batch(1024)
    labels = [label for batch in rows.as_numpy_iterator() for label in batch["label"]]
    assert (len(labels), len(set(labels))) == (count, classes)
