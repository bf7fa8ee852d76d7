"""What a template is to load, as the service asks for it; imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.engine.plan import EnginesSetting
from app.weights.checkpoint import Checkpoint

AdapterSetting = Literal["auto", "merged", "apart"]
"""``auto`` keeps adapters apart that share a base, where that takes little time."""

FACTORY = "app.weights.held:hold"
"""What a template calls with a job."""


@dataclass(frozen=True)
class Job:
    """Models, and the settings that say how they compute."""

    checkpoints: Mapping[str, Checkpoint]
    cache_dir: Path
    """Where measurements of kernels are kept."""
    threads: int
    """Of all passes together."""
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "fp32", "bf16"]
    kernel: Literal["auto", "torch", "torch-transposed", "onednn", "onednn-fused"]
    engines: EnginesSetting
    adapters: AdapterSetting = "auto"
