"""The record of a run: what is needed to repeat it, and what it cost, in a file."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from models.machine import processor_name
from models.training.done import DonePhase
from models.training.identity import Provenance
from models.training.recipe import Recipe

_PACKAGES = (
    *("torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors", "datasets"),
    *("numpy", "xcopa-service"),
)


def write_record(
    recipe: Recipe,
    seeds: Mapping[int, Sequence[DonePhase]],
    provenance: Provenance,
    path: Path,
) -> None:
    """Write recipe, base, digests of the data, versions, machine and costs as JSON.

    Args:
        recipe: of the run.
        seeds: those that went into the variant, and the phases of each; a phase that several
            seeds went through is written once.
        provenance: of the run.
        path: the file.
    """
    phases = {phase.folder: phase for own in seeds.values() for phase in own}
    content = {
        "recipe": recipe.model_dump(mode="json"),
        "seeds": list(seeds),
        "base": {"source": recipe.base, "revision": provenance.base},
        "code": dict(provenance.code),
        "phases": [_phase(phase) for phase in phases.values()],
        "packages": {name: version(name) for name in _PACKAGES},
        "machine": _machine(),
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _phase(phase: DonePhase) -> dict[str, Any]:
    progress = phase.progress
    return {
        "title": phase.title,
        "seed": int(phase.folder.parent.name.rpartition("-")[2]),
        "steps": progress.step,
        "tokens": progress.tokens,
        "flops": progress.flops,
        "wall_seconds": round(progress.wall_seconds, 1),
        "cpu_seconds": round(progress.cpu_seconds, 1),
        "data": dict(phase.digests),
        "chosen": asdict(phase.chosen),
        "evaluations": [asdict(evaluation) for evaluation in progress.evaluations],
    }


def _machine() -> dict[str, Any]:
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
    }
