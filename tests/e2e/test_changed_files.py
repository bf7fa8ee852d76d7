"""A running service and what happens to the files that it was started from."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from tests import tiny
from tests.e2e.server import ServerProcess

ITEM = {
    "premise": "The vase fell off the shelf.",
    "choice1": "It broke.",
    "choice2": "It flew.",
    "question": "effect",
}


@pytest.mark.slow
def test_a_checkpoint_overwritten_in_place_changed_answers_and_killed_the_service(
    tmp_path: Path,
) -> None:
    names = ("direct", "stilts")
    made = {name: tiny.multiple_choice(tmp_path / name, seed=n) for n, name in enumerate(names)}
    sources = {f"XCOPA_MODELS__{name.upper()}": str(made[name]) for name in names}
    with ServerProcess(**sources) as server:
        server.wait_until_ready()
        with httpx.Client(base_url=server.url, timeout=60) as client:
            before = _logits(client)
            for directory in made.values():
                for path in directory.iterdir():
                    with path.open("r+b") as file:
                        file.write(b"\x7f" * path.stat().st_size)
                    os.truncate(path, 0)
            assert _logits(client) == before
        server.terminate()
        assert server.exit_status() == 0


def _logits(client: httpx.Client) -> dict[str, tuple[str, list[float]]]:
    answer = client.post("/compare/xcopa", json=ITEM).raise_for_status().json()
    return {
        name: (each["revision"], each["logits"]) for name, each in answer["predictions"].items()
    }
