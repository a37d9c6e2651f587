"""What a stranger finds in the repository agrees with itself."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import tfnlp

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE
    )
}
ALL_TESTED = ("beam", "onnx", "report", "serve", "dev")  # extras that are pinned
SUFFIXES = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".j2", "", ".json"}


def listed() -> list[Path]:
    """Every text file that belongs to the repository."""
    git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(git, cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in found.stdout.split("\0") if name]
    return [path for path in paths if path.suffix in SUFFIXES and path.is_file()]


def requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"], *(r for e in ALL_TESTED for r in extras[e])]
    return [Requirement(line) for line in lines]


def test_the_version_is_written_the_same_twice():
    assert PROJECT["version"] == tfnlp.__version__


def test_every_requirement_is_an_exact_pin():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    odd = [line for line in lines if line and line[0] != "#" and "==" not in line]
    assert odd == []


@pytest.mark.parametrize(
    "wanted",
    requirements(),
    ids=lambda wanted: wanted.name,
)
def test_a_pin_lies_in_the_range_of_the_package(wanted):
    assert wanted.specifier.contains(PINS[canonicalize_name(wanted.name)])


TARGETS = ["setup", "demo", "test", "test-all", "check", "bench", "clean"]


@pytest.mark.parametrize("target", TARGETS)
def test_make_has_the_target(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_continuous_integration_runs_what_a_developer_runs():
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111, ".ci/run must be executable"
    assert re.findall(r"^make (\w+)", script.read_text(), re.M) == ["check", "test"]


def test_only_make_test_all_runs_the_long_tests():
    plan = "make --dry-run --old-file=.venv/.installed".split()
    test, every = (
        subprocess.run([*plan, target], cwd=ROOT, capture_output=True, text=True).stdout
        for target in ("test", "test-all")
    )
    assert "-m 'not long'" in test
    assert "-m pytest" in every and "long" not in every


@pytest.mark.parametrize("name", ["LICENSE", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_the_usual_files_are_there(name):
    assert (ROOT / name).stat().st_size > 500


def test_the_changelog_knows_this_version():
    assert f"## [{tfnlp.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_no_file_names_a_folder_of_one_machine():
    homes = re.compile(r"/(?:home|Users)/\w|/[r]oot/|(?<![\w.])/[w]ork/")
    found = [path for path in listed() if homes.search(path.read_text(errors="ignore"))]
    assert found == []


def test_every_pipeline_is_in_reach_of_init():
    from tfnlp.cli.verbs.init import pipelines

    assert set(pipelines()) == {p.stem for p in (ROOT / "pipelines").glob("*.py")}


TRAPS = (ROOT / "docs" / "traps.md").read_text("utf-8")


def test_every_trap_has_a_test_that_exists():
    *_, last = sections = TRAPS.split("\n### ")[1:]
    named = [re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", each) for each in sections]
    assert all(named) and last
    missing = [
        f"{file}::{test}"
        for tests in named
        for file, test in tests
        if not re.search(rf"^def {test}\(", (ROOT / file).read_text("utf-8"), re.M)
    ]
    assert missing == [], "docs/traps.md names tests that are gone"


def test_every_pointer_to_a_trap_has_an_anchor():
    pointer = re.compile(r"docs/traps\.md#([a-z]\d+)(?: to #([a-z]\d+))?")
    code = [path for path in listed() if path.suffix == ".py"]
    found = {each for path in code for each in pointer.findall(path.read_text("utf-8"))}
    anchors = set(re.findall(r'<a id="(\w+)">', TRAPS))
    assert {name for pair in found for name in pair if name} - anchors == set()
