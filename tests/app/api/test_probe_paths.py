"""What counts as a probe, with the service's prefix and without."""

from __future__ import annotations

import pytest

from app.api.probe_paths import is_probe
from tests.app.api.stand_in import StandInRuntime, application


@pytest.mark.parametrize("path", ["/livez", "/metrics", "/v2/models/mnli/ready"])
def test_probes_and_scrapes_are_known_by_their_path(path: str) -> None:
    app = application(StandInRuntime(names=("direct", "mnli")))
    assert is_probe({"path": path, "app": app})
    assert is_probe({"path": f"/xcopa{path}", "root_path": "/xcopa", "app": app})
    assert is_probe({"path": f"/xcopa{path}", "app": app}, prefix="/xcopa")


@pytest.mark.parametrize("path", ["/predict/xcopa", "/livez/", "/livez/x", "/x/livez", "//livez"])
def test_nothing_else_is_one(path: str) -> None:
    assert not is_probe({"path": path})


@pytest.mark.parametrize("name", ["stilts", "", "mnli/x", "MNLI", "mnl"])
def test_a_name_that_no_model_has_is_no_probe_and_so_needs_a_key(name: str) -> None:
    app = application(StandInRuntime(names=("direct", "mnli")))
    assert not is_probe({"path": f"/v2/models/{name}/ready", "app": app})
