"""Which service is asked."""

from __future__ import annotations

import pytest

from loadtests.target import TargetError, target_service
from tests.loadtests.test_locust import answering


def test_a_service_that_runs_is_asked_where_it_is() -> None:
    with answering({}) as url, target_service(url) as service:
        assert (service.url, service.is_here, service.process) == (url, True, None)


def test_where_none_answers_is_said() -> None:
    with pytest.raises(TargetError, match=r"^--against: no service answers at"):
        target_service("http://127.0.0.1:1").__enter__()


def test_a_path_is_not_measured() -> None:
    with (
        answering({}) as url,
        pytest.raises(TargetError, match=f"^--against {url}/base: plain HTTP, and no path,"),
        target_service(f"{url}/base"),
    ):
        pass
