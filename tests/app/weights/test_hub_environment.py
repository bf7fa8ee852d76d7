"""The hub's variables: what is wrong is said whole, before the client trips over it."""

from __future__ import annotations

import os

import pytest

from app.errors import StartError
from app.weights.hub_environment import check_hub, hide_credentials, prepare, variables_at_work

TIMEOUTS = ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT")
SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
LOWER_CASE_TOO = [name for each in PROXIES for name in (each, each.lower())]


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_ENDPOINT", "HF_TOKEN", *TIMEOUTS, *SWITCHES, *LOWER_CASE_TOO, *CERTIFICATES):
        monkeypatch.delenv(name, raising=False)


def refusal_of_prepare() -> str:
    with pytest.raises(StartError) as stopped:
        prepare()
    return str(stopped.value)


def refusal_of_the_hub() -> str:
    prepare()  # which lets it pass: a service that fetches nothing does not care
    with pytest.raises(StartError) as stopped:
        check_hub()
    return str(stopped.value)


def test_an_environment_in_which_nothing_is_set_is_no_fault() -> None:
    prepare()
    check_hub()
    assert variables_at_work() == ""


@pytest.mark.parametrize("name", ["HF_ENDPOINT", *TIMEOUTS])
@pytest.mark.parametrize("value", ["", " "])
def test_a_variable_that_compose_left_empty_is_taken_away(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    prepare()
    check_hub()
    assert name not in os.environ


@pytest.mark.parametrize("name", TIMEOUTS)
def test_a_timeout_is_a_whole_number_of_seconds(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for value in ("0", "30", " 30 "):
        monkeypatch.setenv(name, value)
        prepare()
        assert os.environ[name] == value
    for value in ("10s", "-1", "1.5"):
        monkeypatch.setenv(name, value)
        assert refusal_of_prepare() == f"{name} must be a whole number of seconds, not '{value}'"


def test_an_endpoint_that_no_client_can_read_is_shown_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://me:secret@hub.local:99999")
    assert refusal_of_prepare() == (
        "HF_ENDPOINT is 'http://***@hub.local:99999', which is no address: "
        "Port out of range 0-65535"
    )


@pytest.mark.parametrize("endpoint", ["https://hub.local", "http://127.0.0.1:8080/hub"])
def test_an_endpoint_is_a_web_address(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    prepare()
    check_hub()


@pytest.mark.parametrize(
    ("endpoint", "shown", "proposed"),
    [
        ("hub.local", "hub.local", "hub.local"),
        ("ftp://hub.local", "ftp://hub.local", "hub.local"),
        ("ftp://me:secret@hub.local", "ftp://***@hub.local", "***@hub.local"),
        ("https://", "https://", "huggingface.co"),
    ],
)
def test_an_endpoint_that_is_no_web_address_is_answered_with_one_that_is(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, shown: str, proposed: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    assert refusal_of_the_hub() == (
        f"HF_ENDPOINT is '{shown}'; it must begin with https:// or http:// and name a host, "
        f"such as https://{proposed}"
    )


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_on_or_off(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for value in ("1", "on", "Yes", "TRUE", "0", "off", "no", "false", ""):
        monkeypatch.setenv(name, value)
        check_hub()
    monkeypatch.setenv(name, "maybe")
    assert refusal_of_the_hub() == f"{name} must be 1 or 0, not 'maybe'"


@pytest.mark.parametrize("token", ["hf_one\nhf_two", "hf_é", "hf_one hf_two", "hf_\x07"])
def test_a_token_that_cannot_be_one_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    assert refusal_of_the_hub() == "HF_TOKEN holds characters that no token has; set it again"


def test_a_token_may_end_with_the_line_end_of_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret\n")
    check_hub()


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates_that_are_not_there_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "/")
    check_hub()
    monkeypatch.setenv(name, "/nowhere.pem")
    assert refusal_of_the_hub() == f"{name} is '/nowhere.pem', and there is nothing there"


def test_the_variables_that_decide_how_the_hub_is_reached_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "")
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.local")
    assert variables_at_work() == "; set here: HF_ENDPOINT"
    for name in (*LOWER_CASE_TOO, *CERTIFICATES):
        monkeypatch.setenv(name, "something")
    assert variables_at_work() == (
        "; set here: HF_ENDPOINT, HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy, ALL_PROXY, "
        "all_proxy, SSL_CERT_FILE, SSL_CERT_DIR"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:secret@hub.local/a", "https://***@hub.local/a"),
        ("me:secret@hub.local", "***@hub.local"),
        ("'owner/name@v1' at http://hub.local:80", "'owner/name@v1' at http://hub.local:80"),
    ],
)
def test_passwords_in_addresses_are_not_shown(text: str, shown: str) -> None:
    assert hide_credentials(text) == shown
