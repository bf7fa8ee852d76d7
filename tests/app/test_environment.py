"""Variables as people, shells and clusters set them: what counts, and what is said of the rest."""

from __future__ import annotations

import pytest

from app.environment import clean, nearest, read
from app.settings import variables

SERVICE = {
    "XCOPA_PORT": "tcp://10.96.0.12:8000",
    "XCOPA_SERVICE_HOST": "10.96.0.12",
    "XCOPA_SERVICE_PORT": "8000",
    "XCOPA_SERVICE_PORT_HTTP": "8000",
    "XCOPA_PORT_8000_TCP": "tcp://10.96.0.12:8000",
    "XCOPA_PORT_8000_TCP_PROTO": "tcp",
    "XCOPA_PORT_8000_TCP_PORT": "8000",
    "XCOPA_PORT_8000_TCP_ADDR": "10.96.0.12",
}
"""What Kubernetes sets in every container of a namespace that has a Service named xcopa."""


def settings(environ: dict[str, str]) -> dict[str, str]:
    return dict(read(environ, variables()).values)


def remarks(environ: dict[str, str]) -> str:
    return "\n".join(read(environ, variables()).remarks)


def test_the_variables_of_a_kubernetes_service_are_no_settings_and_are_named() -> None:
    assert settings({**SERVICE, "XCOPA_HOST": "0.0.0.0"}) == {"xcopa_host": "0.0.0.0"}  # noqa: S104
    [said] = read(SERVICE, variables()).remarks
    assert all(f"{name}={value}" in said for name, value in SERVICE.items())
    assert "enableServiceLinks" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("XCOPA_PORT", "tcp://[fd00::12]:8000"),
        ("XCOPA_PORT", "udp://10.96.0.12:53"),
        ("XCOPA_MODELS_PORT", "tcp://10.96.0.12:8000"),
        ("XCOPA_METRICS_PORT", "tcp://10.96.0.12:9090"),
        ("XCOPA_METRICS_SERVICE_PORT", "9090"),
        ("XCOPA_CACHE_SERVICE_HOST", "10.96.0.12"),
        ("XCOPA_MODELS_PORT_8000_TCP_ADDR", "10.96.0.12"),
        ("XCOPA_PORT_53_UDP", "udp://10.96.0.12:53"),
    ],
)
def test_so_are_those_of_other_protocols_and_of_services_whose_name_begins_alike(
    name: str, value: str
) -> None:
    assert settings({name: value}) == {}
    assert f"{name}={value}" in remarks({name: value})
    assert "no setting" not in remarks({name: value})


def test_a_port_that_the_pod_sets_itself_counts_beside_a_service_of_that_name() -> None:
    assert settings({**SERVICE, "XCOPA_PORT": "9000"}) == {"xcopa_port": "9000"}


@pytest.mark.parametrize("name", sorted(variables()))
@pytest.mark.parametrize("empty", ["", " ", "\n", '""', "''", '" "'])
def test_an_empty_variable_is_no_value(name: str, empty: str) -> None:
    assert settings({name: empty}) == {}
    assert remarks({name: empty}) == ""


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("info\n", "info"),
        (" info\r\n", "info"),
        ('"info"', "info"),
        ("'info'", "info"),
        ('"info"\n', "info"),
        ('"/a folder/model"', "/a folder/model"),
        ('{"direct": "owner/name"}', '{"direct": "owner/name"}'),
        ('"it\'s"', "it's"),
        ('half"', 'half"'),
        ('"', '"'),
    ],
)
def test_white_space_and_quotes_around_a_value_are_not_part_of_it(raw: str, value: str) -> None:
    assert clean(raw) == value


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("XCOPA_TIMEOUT", "XCOPA_REQUEST_TIMEOUT_MS"),
        ("XCOPA_QUEUE_TOKENS", "XCOPA_QUEUE_SECONDS"),
        ("XCOPA_LOGLEVEL", "XCOPA_LOG_LEVEL"),
        ("XCOPA_NUM_THREADS", "XCOPA_THREADS"),
        ("XCOPA_MAX_BATCH_SIZE", "XCOPA_MAX_BATCH_ITEMS"),
        ("XCOPA_MODELS_STILTS", "XCOPA_MODELS__STILTS"),
        ("XCOPA__PORT", "XCOPA_PORT"),
        ("XCOPAPORT", "XCOPA_PORT"),
        ("xcopa_prot", "XCOPA_PORT"),
    ],
)
def test_a_variable_that_is_no_setting_is_named_with_the_nearest_one(
    wrong: str, right: str
) -> None:
    assert settings({wrong: "3"}) == {}
    said = remarks({wrong: "3"})
    assert said.startswith(f"{wrong} is no setting")
    assert right in said


def test_its_value_is_not_repeated_since_it_may_be_a_secret() -> None:
    assert "abc123" not in remarks({"XCOPA_API_TOKEN": "abc123"})


def test_a_setting_in_lower_case_counts_unless_its_own_name_is_there() -> None:
    assert settings({"xcopa_port": "1"}) == {"xcopa_port": "1"}
    both = {"xcopa_port": "1", "XCOPA_PORT": "2", "Xcopa_Port": "3"}
    assert settings(both) == {"xcopa_port": "2"}
    assert "xcopa_port is ignored beside XCOPA_PORT" in remarks(both)
    assert "Xcopa_Port is ignored beside XCOPA_PORT" in remarks(both)


@pytest.mark.parametrize(
    "name", ["XCOPA_API_KEY", "XCOPA_DATA_DIR", "XCOPA_PUBLISH", "PATH", "PORT"]
)
def test_nothing_is_said_of_variables_that_others_read(name: str) -> None:
    assert settings({name: "3"}) == {}
    assert remarks({name: "3"}) == ""


def test_a_name_below_the_models_is_passed_on_to_be_a_model() -> None:
    assert settings({"XCOPA_MODELS__STILT": "x"}) == {"xcopa_models__stilt": "x"}
    assert nearest("XCOPA_MODELS__STILT", variables()).startswith(
        "the nearest are XCOPA_MODELS__STILTS"
    )
