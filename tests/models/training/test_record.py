"""The record says what it takes to make a run again, and what the run cost."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import pytest
import safetensors
import torch

from app import __version__
from models.training.identity import Provenance
from models.training.recipe import Full, LowRank, Recipe
from models.training.record import write_record
from tests.models.training import runs
from tests.models.training.networks import LORA, phase, recipe

PROVENANCE = Provenance("0123456789ab", {"xcopa-service": __version__, "models/training": "cdef"})


def written(folder: Path, made: Recipe) -> dict[str, Any]:
    shared = runs.done(folder / "seed-7" / "1-piqa")
    seeds = {seed: [shared, runs.done(folder / f"seed-{seed}" / "2-copa")] for seed in (7, 8)}
    write_record(made, seeds, PROVENANCE, folder / "training.json")
    content: dict[str, Any] = json.loads((folder / "training.json").read_text("utf-8"))
    return content


@pytest.mark.parametrize("tuning", [LORA, Full(embeddings=True)])
def test_the_recipe_can_be_read_back_from_it(tmp_path: Path, tuning: LowRank | Full) -> None:
    text = {"files": (tmp_path / "text.txt",), "share": 0.2}
    made = recipe(tuning, seeds=(7, 8), phases=(phase(masked_text=text, size_cap=9), phase()))
    content = written(tmp_path, made)
    assert Recipe.model_validate(content["recipe"]) == made
    assert content["seeds"] == [7, 8]


def test_a_phase_says_what_it_read_cost_and_came_to(tmp_path: Path) -> None:
    _, own, _ = written(tmp_path, recipe())["phases"]
    assert own == {
        "title": "2-copa",
        "seed": 7,
        "steps": 4,
        "tokens": 800,
        "flops": 1e9,
        "wall_seconds": 12.3,
        "cpu_seconds": 23.5,
        "data": runs.DIGESTS,
        "chosen": {"step": 4, "accuracy": {"copa/val": 0.75, "piqa/val": 0.85}},
        "evaluations": [
            {"step": 2, "accuracy": {"copa/val": 0.5, "piqa/val": 0.9}},
            {"step": 4, "accuracy": {"copa/val": 0.75, "piqa/val": 0.85}},
        ],
    }


def test_a_phase_that_several_seeds_went_through_is_written_once(tmp_path: Path) -> None:
    phases = written(tmp_path, recipe())["phases"]
    assert [(phase["seed"], phase["title"]) for phase in phases] == [
        (7, "1-piqa"),
        (7, "2-copa"),
        (8, "2-copa"),
    ]


def test_it_names_the_packages_and_the_machine_that_it_ran_with(tmp_path: Path) -> None:
    content = written(tmp_path, recipe())
    packages, machine = content["packages"], content["machine"]
    assert packages["torch"] == torch.__version__
    assert packages["safetensors"] == safetensors.__version__
    assert packages["xcopa-service"] == __version__
    assert machine["python"] == platform.python_version()
    assert machine["threads"] == torch.get_num_threads()
    assert (machine["gpu"] is None) == (not torch.cuda.is_available())


def test_it_names_the_base_with_its_revision_and_the_code(tmp_path: Path) -> None:
    content = written(tmp_path, recipe())
    assert content["base"] == {"source": "somewhere", "revision": "0123456789ab"}
    assert content["code"] == PROVENANCE.code
