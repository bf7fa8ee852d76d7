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


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("FORWARDED_ALLOW_IPS", "10.0.0.0/8,proxy", "'proxy' is no address"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.1/8", "host bits"),
        ("CORS_ORIGINS", "example.org", "'example.org' is no origin"),
        ("CORS_ORIGINS", "https://example.org/", "no path"),
        ("ROOT_PATH", "xcopa", "pattern"),
        ("ROOT_PATH", "/xcopa/", "pattern"),
        ("KEEP_ALIVE_S", "0", "greater than 0"),
    ],
)
def test_a_setting_that_would_be_ignored_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    """uvicorn keeps an address that is none, and trusts nobody by it."""
    monkeypatch.setenv(f"XCOPA_{name}", value)
    with pytest.raises(ValidationError, match=reason):
        Settings()


@pytest.mark.parametrize("proxies", ["*", "none", "127.0.0.1", "10.0.0.0/8, ::1", "fd00::/8"])
def test_proxies_are_addresses_and_networks(proxies: str) -> None:
    assert Settings(forwarded_allow_ips=proxies).forwarded_allow_ips == proxies


@pytest.mark.parametrize("origins", ["", "*", "https://a.example,http://localhost:3000"])
def test_origins_are_schemes_with_hosts(origins: str) -> None:
    assert Settings(cors_origins=origins).cors_origins == origins
