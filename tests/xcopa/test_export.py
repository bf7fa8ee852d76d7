"""``xcopa export`` on the command line."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from xcopa.main import app


def test_a_variant_is_written_where_it_is_asked_for(tmp_path: Path, tiny_direct: Path) -> None:
    out = tmp_path / "out"
    environment = {"XCOPA_MODELS__DIRECT": str(tiny_direct)}
    done = CliRunner().invoke(app, ["export", "direct", str(out)], env=environment)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"wrote {out}\n"
    assert (out / "model.safetensors").exists()


def test_a_variant_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", "other", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "there is no variant 'other'; name one of direct, stilts" in done.stderr


def test_a_source_that_is_wrong_names_its_variable(tmp_path: Path) -> None:
    environment = {"XCOPA_MODELS__STILTS": str(tmp_path / "nowhere")}
    done = CliRunner().invoke(app, ["export", "stilts", str(tmp_path / "out")], env=environment)
    assert done.exit_code == 1
    assert "XCOPA_MODELS__STILTS: " in done.stderr
