"""The page of commands."""

from __future__ import annotations

from scripts.reference.commands import commands


def test_every_command_is_there_with_its_options() -> None:
    page = commands()
    assert "## xcopa train RECIPE" in page
    assert "| `--out DIR` | Directory for the sets. Required. |" in page
    assert "Or the variable `XCOPA_DATA_DIR`." in page


def test_an_option_without_a_value_shows_none() -> None:
    assert "| `--dry-run` | Check recipe, base," in commands()
    assert "Default `False`" not in commands()
