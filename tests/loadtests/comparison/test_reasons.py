"""Why a peer is better: sentences for peers and figures that there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtests.comparison.page import known_reasons
from loadtests.comparison.reasons import UNKNOWN, ReasonsError, WinReasons


def loaded(folder: Path, content: object) -> WinReasons:
    path = folder / "reasons.json"
    path.write_text(json.dumps(content), "utf-8")
    return WinReasons.load(["mosec"], ["memory", "start"], path)


def test_the_file_that_is_committed_names_peers_and_figures_that_there_are() -> None:
    known_reasons()


def test_a_reason_is_that_of_a_peer_and_a_figure(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"mosec": {"memory": "It forks."}})
    assert found.of("mosec", "memory") == "It forks."
    assert found.of("mosec", "start") == found.of("litserve", "memory") == UNKNOWN


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"mosek": {"memory": "x"}}, "reasons.json: there is no peer 'mosek'"),
        ({"mosec": {"weight": "x"}}, "reasons.json: mosec: there is no figure 'weight'"),
        ({"mosec": {"memory": " "}}, "reasons.json: mosec: 'memory' has no reason"),
    ],
)
def test_what_there_is_not_is_named(content: object, error: str, tmp_path: Path) -> None:
    with pytest.raises(ReasonsError) as refused:
        loaded(tmp_path, content)
    assert str(refused.value) == error
