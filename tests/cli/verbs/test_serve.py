"""`tfnlp serve`: flags, what is wrong with them, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import urllib.request

import pytest

from tfnlp.cli.console import main
from tfnlp.cli.verbs import serve
from tfnlp.cli.verbs.serve import BINARY, Options, engine, flags, server_config
from tfnlp.errors import UsageError


def fails(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(["serve", *map(str, words)])
    return ended.value.code, capsys.readouterr().err


@pytest.fixture
def no_binary(monkeypatch):
    monkeypatch.setenv("PATH", "")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "Either an artefact or --model_config_file"),
        (["a", "--model_config_file", "b"], 2, "Received: both"),
        (["a", "--port", "0", "--rest_api_port", "0"], 2, "cannot both be 0"),
        (["a", "--port", "8501"], 2, "must differ from --rest_api_port"),
        (["a", "--port", "99999"], 2, "--port must be a port"),
        (["a", "--tls_key", "k"], 2, "belong together"),
        (["a", "--threads", "0"], 2, "--threads must be 1 or more"),
        (["a", "--drain_seconds", "-1"], 2, "--drain_seconds must be 0 or more"),
        (["a", "--rest_api_timeout_in_ms", "0"], 2, "must be 1 or more"),
        (["a", "--engine", BINARY], 2, "needs that program on the PATH"),
        (["a", "--engine", "other"], 2, "--engine"),
        (["nothing/there"], 1, "does not exist"),
        (["--model_config_file", "nothing/there"], 2, "must be a ModelServerConfig"),
    ],
)
def test_what_cannot_be_served_is_said(no_binary, capsys, words, code, message):
    found, said = fails(capsys, *words)
    assert found == code
    assert message in said


@pytest.mark.parametrize(
    ("flag", "text", "message"),
    [
        ("batching_parameters_file", "max_batch_size: 3", "BatchingParameters"),
        (
            "batching_parameters_file",
            "allowed_batch_sizes: 4 allowed_batch_sizes: 2",
            "must rise",
        ),
        ("monitoring_config_file", "x: 1", "MonitoringConfig"),
        ("token_file", " \n", "must hold a token"),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path, flag, text, message):
    file = tmp_path / "file"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        server_config(Options(artefact="a", **{flag: file}))


def test_a_key_that_is_no_key_is_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("no key")
    with pytest.raises(UsageError, match="the certificate's key"):
        server_config(Options(artefact="a", tls_certificate=file, tls_key=file))


@pytest.mark.parametrize(
    ("given", "ours", "foreign"),
    [(None, True, False), (True, True, True), (False, False, False)],
)
def test_foreign_models_are_batched_where_it_is_asked_for(given, ours, foreign):
    options = Options(artefact="a", enable_batching=given)
    found = server_config(options)
    assert (found.batching is not None) == ours
    assert found.batch_foreign == foreign
    assert f"--enable_batching={str(foreign).lower()}" in flags(options)


def test_files_of_tf_serving_are_read(tmp_path):
    batching, monitoring = tmp_path / "batching", tmp_path / "monitoring"
    batching.write_text(
        "max_batch_size { value: 8 } batch_timeout_micros { value: 50 }\n"
        "allowed_batch_sizes: 2 allowed_batch_sizes: 8  # and a comment"
    )
    monitoring.write_text('prometheus_config { enable: true path: "/m" }')
    found = server_config(
        Options(
            artefact="a",
            batching_parameters_file=batching,
            monitoring_config_file=monitoring,
        )
    )
    assert found.batching.max_batch_size == 8
    assert found.batching.allowed_batch_sizes == (2, 8)
    assert found.batch_foreign
    assert found.metrics == "/m"


@pytest.fixture
def binary(tmp_path, monkeypatch):
    """A stub of TF Serving's program that records its flags and configuration."""
    program = tmp_path / "bin" / BINARY
    program.parent.mkdir()
    program.write_text(
        textwrap.dedent(
            f"""\
            #!{sys.executable}
            import sys
            file = sys.argv[1].partition("=")[2]
            open({str(tmp_path / "received")!r}, "w").write(
                " ".join(sys.argv[1:]) + open(file).read())
            sys.exit(3 if "--port=3" in sys.argv else 0)
            """
        )
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return tmp_path / "received"


def test_the_program_of_tf_serving_is_run_where_it_is(binary, tmp_path, capsys):
    (tmp_path / "demo" / "4").mkdir(parents=True)
    assert fails(capsys, tmp_path / "demo", "--rest_api_port", "0")[0] == 0
    received = binary.read_text()
    assert "--port=8500 --rest_api_port=0" in received
    assert 'name: "demo"' in received
    assert f'base_path: "{tmp_path / "demo"}"' in received


def test_a_program_that_fails_is_an_error(binary, tmp_path, capsys):
    (tmp_path / "demo" / "4").mkdir(parents=True)
    code, said = fails(capsys, tmp_path / "demo", "--port", "3")
    assert code == 1
    assert "exit code 3" in said


def test_flags_that_only_tfnlp_has_choose_its_own_server(binary):
    assert engine(Options(artefact="a")) == BINARY
    assert engine(Options(artefact="a", engine="tfnlp")) == "tfnlp"
    assert engine(Options(artefact="a", host="0.0.0.0")) == "tfnlp"
    with pytest.raises(UsageError, match="is a flag of tfnlp's own server"):
        engine(Options(artefact="a", host="0.0.0.0", engine=BINARY))


def test_every_flag_for_the_program_is_one_of_tf_serving():
    names = [flag.partition("=")[0] for flag in flags(Options(artefact="a"))]
    assert "--enable_batching" in names
    assert all(name.startswith("--") for name in names)


def test_every_flag_of_ours_is_one():
    assert set(serve.OURS) <= {*Options.__dataclass_fields__}


@pytest.mark.slow
def test_it_serves_until_it_is_told_to_end(saved_tagger):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "tfnlp", "serve", saved_tagger.parent]
    words += ["--rest_api_port", str(port), "--port", "0", "--engine", "tfnlp"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env=environment
    ) as p:
        line = p.stdout.readline()
        assert line == f"REST at http://127.0.0.1:{port}/v1/models/names\n"
        request = urllib.request.Request(
            line.split()[-1] + ":predict", b'{"instances": ["Ann left."]}'
        )
        answered = urllib.request.urlopen(request, timeout=30).read()
        assert b'"tokens": ["Ann", "left", "."]' in answered
        p.send_signal(signal.SIGTERM)
        assert p.wait(60) == 0
