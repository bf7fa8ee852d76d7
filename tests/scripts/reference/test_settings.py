"""The page of settings says what the fields say, with the same words on every machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import platformdirs
import pytest
from pydantic import Field, TypeAdapter
from pydantic.fields import FieldInfo

from app.model_settings.sources import SHIPPED_MODELS
from app.settings import Settings
from scripts.reference.settings import SECTIONS, default_of, settings, type_of, variables


def test_every_variable_has_a_row_with_its_description() -> None:
    page = settings()
    for variable, field in variables():
        [row] = [line for line in page.splitlines() if line.startswith(f"| `{variable}` |")]
        assert field.description, f"describe the field of {variable} in app/settings.py"
        assert row.endswith(f"| {field.description} |")


def test_a_variable_of_the_page_is_one_that_the_service_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = [name for name, _ in variables()]
    assert {"XCOPA_PORT", "XCOPA_MODELS__DIRECT"} <= set(names)
    monkeypatch.setenv("XCOPA_MODELS__DIRECT", str(tmp_path))
    assert Settings().models.direct == str(tmp_path)


def test_a_section_begins_at_a_field_that_exists() -> None:
    assert set(SECTIONS) <= set(Settings.model_fields)


def test_a_number_is_shown_with_its_unit_and_bounds() -> None:
    page = settings()
    assert "| `XCOPA_DRAIN_DELAY_S` | number, at least 0, at most 3,600 | `0` | seconds |" in page
    assert "| `XCOPA_MAX_BODY_BYTES` | integer, above 0 | `1048576` | bytes |" in page
    assert "| `XCOPA_PORT` | integer, at least 0, at most 65,535 | `8000` |  |" in page


def test_nothing_of_this_machine_is_on_the_page() -> None:
    page = settings()
    assert str(Path.home()) not in page
    assert str(SHIPPED_MODELS) not in page


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (bool, "`true` or `false`"),
        (Path, "path"),
        (str | None, "text"),
        (Literal["a"], "`a`"),
        (Literal["a", "b", "c"], "`a`, `b` or `c`"),
        (int | Literal["auto"], "integer or `auto`"),
        (list[str], "list in JSON"),
        (dict[str, int], "object in JSON"),
    ],
)
def test_a_type_in_words(annotation: Any, words: str) -> None:
    assert type_of(TypeAdapter(annotation).json_schema()) == words


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (Field(), "required"),
        (Field(default=None), "not set"),
        (Field(default=""), "empty"),
        (Field(default_factory=list), "empty"),
        (Field(default=False), "`false`"),
        (Field(default=0.25), "`0.25`"),
        (Field(default=3_600_000.0), "`3600000`"),
        (Field(default_factory=lambda: 3), "depends on the machine"),
        (Field(default=SHIPPED_MODELS / "direct"), "`models/direct` (part of this project)"),
        (Field(default=Path("/srv/models")), "`/srv/models`"),
        (
            Field(default_factory=lambda: Path(platformdirs.user_cache_dir("x"))),
            "`x` in the user's cache folder",
        ),
    ],
)
def test_a_default_in_words(field: FieldInfo, words: str) -> None:
    assert default_of(field) == words
