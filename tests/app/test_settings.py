"""Settings come from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings


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
