"""KServe's Python client, unchanged, against the real server.

Its dependencies exclude some of ours (psutil below 6, protobuf below 7, pandas below 3), so it has
an environment of its own: ``KSERVE_PYTHON`` names its interpreter, or one is made in ``.cache``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from filelock import FileLock

from tests.conftest import ROOT
from tests.sample import sample_items

KSERVE = "kserve==0.21.0"
ITEMS = sample_items()


@pytest.fixture(scope="module")
def kserve_python() -> Path:
    if named := os.environ.get("KSERVE_PYTHON"):
        return Path(named)
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    environment = cache / KSERVE
    python = environment / "bin" / "python"
    with FileLock(cache / "kserve.lock"):
        commands: list[list[str | Path]] = [
            [sys.executable, "-m", "venv", environment],
            [python, "-m", "pip", "install", "--quiet", KSERVE],
        ]
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"{KSERVE} cannot be installed: {done.stderr.strip()[-300:]}")
    return python


@pytest.mark.slow
def test_its_answers_are_those_of_the_batch_route(
    tiny_client: httpx.Client, kserve_python: Path
) -> None:
    done = subprocess.run(
        [kserve_python, Path(__file__).with_name("ask_with_kserve.py"), str(tiny_client.base_url)],
        input=json.dumps(ITEMS),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    response = tiny_client.post("/predict/xcopa/batch", json={"items": ITEMS, "model": "direct"})
    predictions = response.json()["predictions"]
    assert (said["live"], said["ready"], said["models"]) == (True, True, [True, False])
    for form in ("json", "binary"):
        assert said[form]["id"] == "mine"
        assert said[form]["label"] == [each["label"] for each in predictions]
        for found, expected in zip(said[form]["logits"], predictions, strict=True):
            assert found == pytest.approx(expected["logits"], abs=1e-4)
    assert "premise[0]: must not be blank, '400 Bad Request'" in said["error"]
