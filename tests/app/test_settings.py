"""Settings come from the environment, and every one of them is in the reference."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import ModelSources, Settings, variables

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md"


def test_the_defaults_are_the_shipped_models_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DIRECT", "STILTS"):
        monkeypatch.delenv(f"XCOPA_MODELS__{name}", raising=False)
    monkeypatch.delenv("XCOPA_PORT", raising=False)
    settings = Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert Path(settings.models.direct).name == "direct"
    assert Path(settings.models.stilts).name == "stilts"


def test_nested_variables_name_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCOPA_MODELS__STILTS", "someone/model@main")
    assert Settings().models.stilts == "someone/model@main"


def test_a_model_that_is_neither_variant_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCOPA_MODELS__STILT", "someone/model")
    with pytest.raises(ValidationError, match="stilt"):
        Settings()


def test_every_setting_is_described_and_in_the_reference() -> None:
    reference = REFERENCE.read_text(encoding="utf-8")
    names = [f"XCOPA_{name.upper()}" for name in Settings.model_fields if name != "models"]
    names += [f"XCOPA_MODELS__{name.upper()}" for name in ModelSources.model_fields]
    assert [name for name in names if f"`{name}`" not in reference] == []
    fields = [*Settings.model_fields.values(), *ModelSources.model_fields.values()]
    assert [field for field in fields if not field.description] == []
    own = [field for name, field in Settings.model_fields.items() if name != "models"]
    described = [*own, *ModelSources.model_fields.values()]
    assert [field for field in described if str(field.description) not in reference] == []


def test_an_empty_variable_gives_the_default_for_every_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Compose's ``${X:-}`` sets a variable that is empty."""
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    defaults = Settings()
    for name in variables():
        monkeypatch.setenv(name, "")
    assert Settings() == defaults


def test_the_port_of_a_kubernetes_service_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCOPA_PORT", "tcp://10.96.0.12:8000")
    assert Settings().port == 8000


def test_a_quoted_value_with_a_line_end_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCOPA_MODELS__STILTS", '"someone/model"\n')
    monkeypatch.setenv("XCOPA_THREADS", "'2'")
    settings = Settings()
    assert (settings.models.stilts, settings.threads) == ("someone/model", 2)


def test_every_setting_is_a_variable() -> None:
    assert {"XCOPA_PORT", "XCOPA_MODELS", "XCOPA_MODELS__STILTS"} <= variables()
    assert len(variables()) == len(Settings.model_fields) + len(ModelSources.model_fields)
