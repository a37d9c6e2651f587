"""The flags of pairs and of running text, from words to splits."""

from tfnlp import cli, recipes
from tfnlp.cli.verbs import audit


def test_parallel_files_become_splits_that_are_audited_and_filtered(tmp_path, capsys):
    english = [f"There are {n} dogs." for n in range(60)]
    german = [f"Hier sind {n} Hunde." for n in range(59)]
    (tmp_path / "train.en").write_text("\n".join(english))
    (tmp_path / "train.de").write_text("\n".join([*german, "\n"]))
    words = ["--train", str(tmp_path / "train"), "--source", "en", "--target", "de"]
    flags = cli.parse(recipes.TextPairs, [*words, "--valid", str(tmp_path / "train")])
    splits = flags.read_splits()
    found = flags.audit(splits)
    assert "usual length" in capsys.readouterr().err
    assert found.empty + found.elsewhere["test"].empty == 1
    assert set(flags.example_rows().element_spec) == {"source", "target"}
    assert len(list(flags.filter_rows(splits).train)) == found.rows - found.empty


def test_running_text_is_cut_by_shares(tmp_path):
    path = tmp_path / "play.txt"
    path.write_text("to be\n" * 100)
    words = ["--train", str(path), "--shares", "0.5", "0.25", "0.25"]
    splits = cli.parse(recipes.RunningText, words).read_splits()
    assert [len(list(side)) for side in splits] == [50, 25, 25]


def test_audit_looks_at_pairs(tmp_path, capsys):
    for side, word in (("en", "dogs"), ("de", "Hunde")):
        lines = [f"{word} {n} are here" for n in range(9)]
        (tmp_path / f"train.{side}").write_text("\n".join(lines))
    start = str(tmp_path / "train")
    audit.main([start, "--source", "en", "--target", "de", "--test", start])
    shown = capsys.readouterr().out
    assert "scripts                source latin, target latin" in shown
    assert (
        "warning: test: 9 rows (100.0%) have a source that is also in train." in shown
    )
