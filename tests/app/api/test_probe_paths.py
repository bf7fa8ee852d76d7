"""What counts as a probe, with the service's prefix and without."""

from __future__ import annotations

import pytest

from app.api.probe_paths import is_probe


@pytest.mark.parametrize("path", ["/livez", "/metrics", "/v2/models/direct/ready"])
def test_probes_and_scrapes_are_known_by_their_path(path: str) -> None:
    assert is_probe({"path": path})
    assert is_probe({"path": f"/xcopa{path}", "root_path": "/xcopa"})
    assert is_probe({"path": f"/xcopa{path}"}, prefix="/xcopa")


@pytest.mark.parametrize("path", ["/predict/xcopa", "/livez/", "/livez/x", "/x/livez", "//livez"])
def test_nothing_else_is_one(path: str) -> None:
    assert not is_probe({"path": path})
