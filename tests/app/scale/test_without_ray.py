"""Without Ray the service is whole, and what needs Ray says which extra brings it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import app.scale

MODULES = sorted(f"app.scale.{each.stem}" for each in Path(app.scale.__path__[0]).glob("[a-z]*.py"))

WITHOUT = "import sys; sys.modules['ray'] = None\n"
"""Ray then cannot be imported, as where it is not installed."""


def run(script: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT + script]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_module_can_be_imported() -> None:
    imports = "".join(f"import {name}\n" for name in MODULES)
    loaded = "print([n for n in ('torch', 'transformers') if n in sys.modules])"
    done = run(imports + loaded)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_command_names_the_extra() -> None:
    done = run("from xcopa.main import app\napp(['serve', '--ray'])")
    assert done.returncode == 1
    [line] = [each for each in done.stderr.splitlines() if "cannot" in each]
    assert line.endswith("pip install 'xcopa-service[ray]' brings Ray Serve")
    assert "Traceback" not in done.stderr


def test_more_replicas_at_least_than_at_most_are_refused() -> None:
    options = "['serve', '--ray', '--replicas', '3', '--max-replicas', '2']"
    done = run(f"from xcopa.main import app\napp({options})")
    assert done.returncode == 1
    assert "max_replicas is 2, fewer than replicas (3)" in done.stderr
