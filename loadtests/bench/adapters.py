"""What ten adapters take in memory, beside one, and what it costs to keep them apart."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from app.settings import Settings
from app.weights.checkpoint import ADAPTER_WEIGHTS, directory_here
from app.weights.embedded import EMBEDDED_BASE
from loadtests.bench.adapters_made import adapter_of, base_in_shape
from loadtests.bench.results import RATIO, BenchResult

MANY = 10
_MEMORY, _TIME = "<= 1.3", "<= 1.1"

_NARROW = r".*\.(query|value)"
"""What PEFT itself adapts of XLM-R where nobody says more."""
_WIDE = r".*encoder\.layer\..*\.(query|key|value|dense)"
"""Every linear layer of the encoder, as the variants that ship."""


@dataclass(frozen=True)
class _Kind:
    """Adapters of one base."""

    name: str
    layers: str
    rank: int


KINDS = (
    _Kind("of every layer, rank 32,", _WIDE, 32),
    _Kind("of query and value, rank 8,", _NARROW, 8),
)

_LOAD = """
import ctypes, gc, json, sys
from pathlib import Path
from app.weights.variant import load_variants
folders, cache, state = json.loads(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
models = load_variants(
    {f"a{i}": folder for i, folder in enumerate(folders)}, cache, adapters=state
)
assert {model.adapter for model in models.values()} == {state}
for model in models.values():
    model.engine.logits([[0, 5, 6, 2]])
gc.collect()
ctypes.CDLL("libc.so.6").malloc_trim(0)
print(Path("/proc/self/status").read_text())
"""
"""What a process of its own does: it keeps the models, and says what it has in memory."""

_COMPARE = """
import json, sys
from pathlib import Path
from app.engine.adapter_time import pass_times
from app.engine.encoder import PackedEncoder
from app.engine.processes.trial import FULL, LONE
from app.process import use_threads
from app.weights.checkpoint import locate
from app.weights.loading import load_model
use_threads(1)
checkpoint = locate(sys.argv[1], Path(sys.argv[2]))
apart = PackedEncoder(load_model(checkpoint, apart=True))
merged = PackedEncoder(load_model(checkpoint))
print(json.dumps([pass_times(apart, merged, lengths) for lengths in (FULL, LONE)]))
"""
"""Times whole passes, of an adapter apart and merged, one after the other by turns."""


def measure(console: Console) -> list[BenchResult]:
    """Return the memory of ten adapters over that of one, and the time of a pass apart."""
    cache = Settings().cache_dir
    embedded = directory_here(EMBEDDED_BASE, cache)
    if embedded is None:
        console.print("the embedded base is not here; xcopa models assembles it")
        return []
    with tempfile.TemporaryDirectory(prefix="xcopa-adapters-") as made:
        folder = Path(made)
        shape = base_in_shape(folder / "base", embedded)
        bases = {"the embedded base": embedded, "XLM-R base's shape": shape}
        found: list[BenchResult] = []
        for kind in KINDS:
            for title, base in bases.items():
                console.print(f"adapters {kind.name} of {title}")
                found += _compared(kind, title, base, folder / f"{kind.rank}-{base.name}", cache)
        return found


def _compared(kind: _Kind, title: str, base: Path, folder: Path, cache: Path) -> list[BenchResult]:
    made = [
        adapter_of(base, folder / str(number), kind.layers, kind.rank, seed=number)
        for number in range(MANY)
    ]
    which = f"adapters {kind.name} of {title}"
    size = round((made[0] / ADAPTER_WEIGHTS).stat().st_size / 1e6, 1)
    results = [_memory(which, state, made, cache, adapter_mb=size) for state in ("merged", "apart")]
    return [*results, *_times(which, made[0], cache)]


def _memory(which: str, state: str, made: list[Path], cache: Path, **details: Any) -> BenchResult:
    one, many = (_resident(made[:count], cache, state) for count in (1, MANY))
    name = f"memory of {MANY} {which} {state}, over that of one"
    return BenchResult.of(
        name, RATIO, [many / one], _MEMORY, one_mb=round(one), many_mb=round(many), **details
    )


def _times(which: str, adapter: Path, cache: Path) -> list[BenchResult]:
    answer = _run(_COMPARE, str(adapter), str(cache))
    batches = ("a full batch", "a lone item")
    results = []
    for batch, pairs in zip(batches, json.loads(answer), strict=True):
        ratios = [apart / merged for apart, merged in pairs]
        name = f"time of {batch}, {which} apart over merged"
        results.append(BenchResult.of(name, RATIO, ratios, _TIME))
    return results


def _resident(folders: list[Path], cache: Path, state: str) -> float:
    """Return the memory that a process has to itself with these models, in MB."""
    answer = _run(_LOAD, json.dumps(list(map(str, folders))), str(cache), state)
    found = re.search(r"RssAnon:\s+(\d+) kB", answer)
    assert found is not None, "Linux says what a process has in memory"
    return int(found.group(1)) * 1024 / 1e6


def _run(script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
