"""The examples of the page on predicting files run as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server import ServerProcess

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "predict-files.md"
ROOT = PAGE.parents[2]
NAMED_URL = "http://127.0.0.1:8000"


@pytest.mark.slow
def test_every_example_runs(tiny_direct: Path, tiny_stilts: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    models = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_LOG_LEVEL": "warning",
    }
    command = f'xcopa() {{ PYTHONPATH="{ROOT}" "{sys.executable}" -m xcopa.main "$@"; }}\n'
    with ServerProcess(**models) as server:
        url = server.wait_until_ready().url
        script = command + "\n".join(blocks).replace(NAMED_URL, url)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path, env={**os.environ, **models, "XCOPA_THREADS": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "some rows failed" in done.stdout
    assert "choice2: is required" in done.stdout
    for name in ("answers", "direct", "remote"):
        lines = (tmp_path / f"{name}.jsonl").read_text("utf-8").splitlines()
        assert [json.loads(line)["line"] for line in lines] == [1, 2, 3], name
    assert "accuracy" in done.stderr
