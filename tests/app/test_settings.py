"""Settings come from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import ModelSources, Settings, variables


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


@pytest.mark.parametrize("port", ["8123", " 8123\n"])
def test_the_metrics_port_is_another_one(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCOPA_PORT", "8123")
    monkeypatch.setenv("XCOPA_METRICS_PORT", port)
    with pytest.raises(ValidationError, match="XCOPA_PORT") as error:
        Settings()
    assert error.value.errors()[0]["loc"] == ("metrics_port",)


def test_both_ports_may_be_picked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCOPA_PORT", "0")
    monkeypatch.setenv("XCOPA_METRICS_PORT", "0")
    assert Settings().metrics_port == 0


def test_every_setting_is_a_variable() -> None:
    assert {"XCOPA_PORT", "XCOPA_MODELS", "XCOPA_MODELS__STILTS"} <= variables()
    assert len(variables()) == len(Settings.model_fields) + len(ModelSources.model_fields)


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
