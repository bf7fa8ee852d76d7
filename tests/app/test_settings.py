"""Settings come from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.model_settings.sources import ModelSources
from app.model_settings.variant_settings import VariantSettings
from app.settings import Settings, variables


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


def test_any_other_name_adds_a_model_behind_the_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCOPA_MODELS__MNLI", "someone/model")
    monkeypatch.setenv("XCOPA_MODELS__COPA_2", "/models/copa")
    wanted = Settings().variants
    assert list(wanted) == ["direct", "stilts", *sorted(wanted.keys() - {"direct", "stilts"})]
    assert wanted["mnli"] == VariantSettings("someone/model", "XCOPA_MODELS__MNLI")
    assert wanted["copa_2"].source == "/models/copa"


def test_many_may_be_named_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCOPA_MODELS", '{"MNLI": "someone/model", "direct": "none"}')
    assert list(Settings(default_model="mnli").variants) == ["stilts", "mnli"]


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("XCOPA_MODELS__A.B", "'a.b' is no name for a model"),
        ("XCOPA_MODELS__A__B", "XCOPA_MODELS__A__B: 'a__b' is no name for a model"),
        ("XCOPA_MODELS__SEVERAL", "no model may be called 'several'"),
        ("XCOPA_MODELS__" + "A" * 41, "too long a name"),
    ],
)
def test_a_name_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, said: str
) -> None:
    monkeypatch.setenv(variable, "someone/model")
    with pytest.raises(ValidationError, match=said):
        Settings()


def test_none_leaves_a_model_out_and_an_empty_variable_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XCOPA_MODELS__DIRECT", "none")
    monkeypatch.setenv("XCOPA_MODELS__STILTS", "")
    assert list(Settings().variants) == ["stilts"]


def test_the_default_is_a_model_that_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCOPA_MODELS__MNLI", "someone/model")
    monkeypatch.setenv("XCOPA_DEFAULT_MODEL", "mnli")
    assert Settings().default_model == "mnli"
    monkeypatch.setenv("XCOPA_DEFAULT_MODEL", "nmli")
    with pytest.raises(ValidationError, match="name 'direct', 'stilts' or 'mnli'"):
        Settings()


def test_a_default_that_was_left_out_is_not_replaced_unasked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XCOPA_MODELS__STILTS", "none")
    with pytest.raises(ValidationError, match="name 'direct'") as error:
        Settings()
    assert error.value.errors()[0]["loc"] == ("default_model",)
    assert list(Settings(default_model="direct").variants) == ["direct"]


def test_a_service_without_any_model_is_refused() -> None:
    with pytest.raises(ValidationError, match="every model is left out"):
        Settings(models=ModelSources(direct="none", stilts="none"))


def test_a_changed_copy_of_settings_has_the_changed_models() -> None:
    settings = Settings()
    assert len(settings.variants) == 2
    models = settings.models.model_copy(update={"stilts": "someone/model"})
    changed = settings.model_copy(update={"models": models})
    assert changed.variants["stilts"].source == "someone/model"


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


def test_by_default_a_call_meets_its_deadline_before_the_service_gives_it_up() -> None:
    """A proxy repeats a call that was given up, and hands an item that stops engines on."""
    settings = Settings()
    deadline = settings.request_timeout_ms / 1000
    assert deadline <= settings.watchdog_s
    assert deadline <= settings.drain_grace_s


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
