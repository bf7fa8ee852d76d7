"""What ten adapters of one base take in memory, beside one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from safetensors.torch import load_file, save_file

from app.model_settings.sources import SHIPPED_MODELS
from app.settings import STILTS, Settings
from app.weights.checkpoint import ADAPTER_CONFIG, ADAPTER_WEIGHTS, directory_here
from app.weights.embedded import EMBEDDED_BASE
from loadtests.bench.results import RATIO, BenchResult

MANY = 10
_TARGET = "<= 1.3"

_NARROW = ("query", "value")
"""What PEFT itself adapts of XLM-R where nobody says more."""

_LORA = ".lora_"

_LOAD = """
import ctypes, gc, json, sys
from pathlib import Path
from app.weights.variant import load_variants
folders, cache = json.loads(sys.argv[1]), Path(sys.argv[2])
models = load_variants({f"a{i}": folder for i, folder in enumerate(folders)}, cache)
for model in models.values():
    model.engine.logits([[0, 5, 6, 2]])
gc.collect()
ctypes.CDLL("libc.so.6").malloc_trim(0)
print(Path("/proc/self/status").read_text())
"""
"""What a process of its own does: it keeps the models, and says what it has in memory."""


def measure(console: Console) -> list[BenchResult]:
    """Return the memory of ten adapters over that of one, each in a process of its own."""
    cache = Settings().cache_dir
    if directory_here(EMBEDDED_BASE, cache) is None:
        console.print("the embedded base is not here; xcopa models assembles it")
        return []
    return [
        _ratio("of every layer", _wide, cache),
        _ratio(f"of {' and '.join(_NARROW)} alone", _narrow, cache),
    ]


def _ratio(which: str, make: Callable[[Path, int], Path], cache: Path) -> BenchResult:
    with tempfile.TemporaryDirectory(prefix="xcopa-adapters-") as folder:
        made = [make(Path(folder) / str(number), number) for number in range(MANY)]
        one, many = (_resident(made[:count], cache) for count in (1, MANY))
        adapter = (made[0] / ADAPTER_WEIGHTS).stat().st_size / 1e6
    return BenchResult.of(
        f"memory of {MANY} adapters {which} of the embedded base, merged, over that of one",
        RATIO,
        [many / one],
        _TARGET,
        one_mb=round(one),
        many_mb=round(many),
        unmerged_ratio=round((one + (MANY - 1) * adapter) / one, 2),
        adapter_mb=round(adapter, 1),
    )


def _wide(folder: Path, number: int) -> Path:
    """Write the shipped adapter with other weights, so that nothing of two is equal by chance."""
    shutil.copytree(SHIPPED_MODELS / STILTS, folder)
    path = folder / ADAPTER_WEIGHTS
    tensors = {name: each * (1 + number / 100) for name, each in load_file(path).items()}
    save_file(tensors, path)
    return folder


def _narrow(folder: Path, number: int) -> Path:
    """Write what the shipped adapter has for some layers and for the head, and nothing else."""
    _wide(folder, number)
    path = folder / ADAPTER_WEIGHTS
    kept = {
        name: each
        for name, each in load_file(path).items()
        if _LORA not in name or any(f".{part}." in name for part in _NARROW)
    }
    save_file(kept, path)
    config = json.loads((folder / ADAPTER_CONFIG).read_text("utf-8"))
    config["target_modules"] = list(_NARROW)
    (folder / ADAPTER_CONFIG).write_text(json.dumps(config), "utf-8")
    return folder


def _resident(folders: list[Path], cache: Path) -> float:
    """Return the memory that a process has to itself with these models, in MB."""
    command = [sys.executable, "-c", _LOAD, json.dumps(list(map(str, folders))), str(cache)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    found = re.search(r"RssAnon:\s+(\d+) kB", done.stdout)
    assert found is not None, "Linux says what a process has in memory"
    return int(found.group(1)) * 1024 / 1e6
