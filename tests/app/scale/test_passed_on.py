"""Replicas on a shared cluster get settings, and no secrets."""

from __future__ import annotations

import pytest

from app.scale.passed_on import passed_on


def test_replicas_get_the_settings_of_whoever_deploys_them() -> None:
    found = passed_on(
        {
            "XCOPA_THREADS": " '2' ",
            "XCOPA_MODELS__MNLI": "someone/model",
            "XCOPA_MAX_WAIT_MS": "",
            "HF_HOME": "/models",
            "OTEL_SERVICE_NAME": "blue",
            "PATH": "/bin",
        }
    )
    assert found.values == {
        "XCOPA_THREADS": "2",
        "XCOPA_MODELS__MNLI": "someone/model",
        "HF_HOME": "/models",
        "OTEL_SERVICE_NAME": "blue",
    }
    assert found.kept_back == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HF_TOKEN", "hf_secret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=secret"),
        ("XCOPA_SSL_KEYFILE_PASSWORD", "secret"),
        ("HF_ENDPOINT", "https://somebody:secret@hub.example.org"),
    ],
)
def test_a_secret_is_named_and_kept_back(name: str, value: str) -> None:
    found = passed_on({name: value, "XCOPA_THREADS": "2"})
    assert found.values == {"XCOPA_THREADS": "2"}
    assert found.kept_back == (name,)


@pytest.mark.parametrize("name", ["XCOPA_API_KEY", "XCOPA_SSL_KEYFILE_PASWORD", "XCOPA_SERVICE"])
def test_what_is_no_setting_is_not_deployed_since_it_may_be_a_secret(name: str) -> None:
    assert passed_on({name: "secret"}).values == {}
