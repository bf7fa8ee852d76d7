"""What every command says when it cannot begin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from app.errors import StartError
from xcopa.start import failing_on, needs, read_settings


def said(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    assert error.count("\n") == 1, "one line"
    return error


def test_a_wrong_setting_is_named_with_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XCOPA_PORT", "eighty")
    with pytest.raises(typer.Exit) as ended:
        read_settings()
    assert ended.value.exit_code == 1
    line = said(capsys)
    assert "XCOPA_PORT" in line
    assert "'eighty'" in line


def test_a_wrong_setting_of_the_models_names_the_right_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XCOPA_MODELS", "not JSON")
    with pytest.raises(typer.Exit):
        read_settings()
    assert "XCOPA_MODELS__DIRECT" in said(capsys)


def test_a_variable_that_ended_the_import_of_the_hubs_client_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "10s")
    with pytest.raises(typer.Exit):
        read_settings()
    assert "HF_HUB_DOWNLOAD_TIMEOUT must be a whole number of seconds" in said(capsys)


def test_an_error_for_the_user_is_its_message_and_another_one_is_not_hidden(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit), failing_on(StartError):
        raise StartError("there is no such model")
    assert said(capsys) == "xcopa cannot go on: there is no such model\n"
    with pytest.raises(KeyError), failing_on(StartError):
        raise KeyError("a fault of ours")


def test_what_is_not_installed_is_said_with_the_extra_that_brings_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit), needs("train"):
        raise ModuleNotFoundError("No module named 'accelerate'", name="accelerate")
    line = said(capsys)
    assert "accelerate is not installed" in line
    assert "xcopa-service[train]" in line


def test_a_name_close_to_one_that_ships_is_said_to_be_another_model(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The shipped model answers in the place of the one that was meant, if it is misspelt."""
    monkeypatch.setenv("XCOPA_MODELS__STILT", "someone/model")
    monkeypatch.setenv("XCOPA_MODELS__MNLI", "someone/model")
    read_settings()
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("XCOPA_MODELS__STILT adds a model beside stilts, which is the shipped")


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("XCOPA_MODELS__A.B", "x", "XCOPA_MODELS: Value error, 'a.b' is no name for a model"),
        ("XCOPA_DEFAULT_MODEL", "large", "XCOPA_DEFAULT_MODEL: Value error, it is not among the"),
        ("XCOPA_MODELS_FILE", "/none.toml", "XCOPA_MODELS_FILE: Value error, /none.toml cannot be"),
    ],
)
def test_what_is_wrong_with_models_is_said_in_a_line(
    variable: str,
    value: str,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(typer.Exit):
        read_settings()
    assert expected in said(capsys)


def test_what_is_ignored_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XCOPA_PORT", "tcp://10.96.0.12:8000")
    monkeypatch.setenv("XCOPA_TIMEOUT", "3")
    read_settings()
    [service, unknown] = [record.getMessage() for record in caplog.records]
    assert "XCOPA_PORT=tcp://10.96.0.12:8000" in service
    assert "XCOPA_TIMEOUT is no setting" in unknown
    assert "XCOPA_REQUEST_TIMEOUT_MS" in unknown


@pytest.mark.slow
def test_a_notebooks_backend_of_pictures_stops_no_training(tmp_path: Path) -> None:
    """Jupyter and Colab name it for their shells, where it need not be installed."""
    done = subprocess.run(
        [sys.executable, "-m", "xcopa", "train", str(tmp_path / "none.toml"), "--out", "x"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"},
    )
    assert "cannot read the recipe" in done.stderr
    assert "Traceback" not in done.stderr
