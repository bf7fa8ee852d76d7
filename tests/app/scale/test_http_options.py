"""What Serve's proxies are told, and what follows where they run already."""

from __future__ import annotations

import logging

import pytest

from app.errors import StartError
from app.scale.http_options import http_options, refuse_other_address
from app.settings import Settings

THERE = {
    **http_options(Settings()),
    "ssl_certfile": None,
    "ssl_keyfile": None,
    "ssl_keyfile_password": None,
}


def test_the_proxies_have_the_address_and_the_times_of_the_settings() -> None:
    options = http_options(
        Settings(host="[::1]", port=9000, request_timeout_ms=5000, keep_alive_s=90)
    )
    assert options == {
        "host": "::1",
        "port": 9000,
        "request_timeout_s": 6.0,
        "keep_alive_timeout_s": 90,
    }


def test_the_proxies_have_the_certificate() -> None:
    settings = Settings.model_validate({"ssl_certfile": "both.pem", "ssl_keyfile_password": "p"})
    options = http_options(settings)
    assert (options["ssl_certfile"], options["ssl_keyfile"]) == ("both.pem", "both.pem")
    assert set(options) >= {"ssl_keyfile_password"}


def test_a_port_that_only_serve_would_know_is_refused() -> None:
    with pytest.raises(StartError, match="XCOPA_PORT is 0"):
        http_options(Settings(port=0))


def test_proxies_that_run_as_the_settings_say_are_taken_as_they_are(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refuse_other_address(http_options(Settings()), THERE)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ({"port": 80}, "XCOPA_PORT=80 and no XCOPA_SSL_CERTFILE"),
        ({"host": "::"}, "XCOPA_HOST=:: "),
        (
            {"ssl_certfile": "a.pem", "ssl_keyfile": "k.pem"},
            "XCOPA_SSL_CERTFILE=a.pem XCOPA_SSL_KEYFILE=k.pem",
        ),
    ],
)
def test_proxies_that_listen_elsewhere_are_refused_with_what_to_set(
    there: dict[str, object], says: str
) -> None:
    with pytest.raises(StartError, match="Serve runs on this cluster already") as refused:
        refuse_other_address(http_options(Settings()), {**THERE, **there})
    assert says in str(refused.value)


def test_a_service_that_was_meant_to_speak_tls_does_not_go_without() -> None:
    with pytest.raises(StartError, match="and no XCOPA_SSL_CERTFILE"):
        refuse_other_address(
            http_options(Settings.model_validate({"ssl_certfile": "both.pem"})), THERE
        )


def test_other_times_are_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        refuse_other_address(http_options(Settings()), {**THERE, "request_timeout_s": None})
    [line] = [record.getMessage() for record in caplog.records]
    assert line.endswith("keeps these as they are: request_timeout_s=None")
