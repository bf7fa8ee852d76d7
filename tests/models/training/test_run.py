"""``xcopa train`` on a tiny base: every kind of head, killed and resumed, shared by processes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from app.weights.variant import load_variants
from models.training.done import DonePhase
from tests import tiny
from tests.models.training import data

RECIPE = """
name = "tiny"
base = "{base}"
seeds = [3, 4]
precision = "fp32"
dropout = 0.1
warmup_ratio = 0.1
weight_decay = 0.01

[prompt]
cause = "Why?"
effect = "So?"

[tuning]
{tuning}

[[phases]]
tasks = ["socialiqa", "mnli", "squad2", "ccg"]
learning_rate = 2e-3
epochs = 2
batch_tokens = 600
accumulation = 2
validation = ["socialiqa", "squad2"]
evaluations = 5
keep = "average"
runs = 1
masked_text = {{ files = ["{text}"], share = 0.2 }}

[[phases]]
tasks = ["copa"]
learning_rate = 1e-2
steps = 30
batch_tokens = 300
validation = ["copa"]
evaluations = 4
"""
LORA = 'method = "lora"\nrank = 4\nalpha = 8'
FULL = 'method = "full"'

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny.headless(tmp_path / "base")
    data.write(tmp_path / "data")
    write_recipe(tmp_path, LORA)
    return tmp_path


def write_recipe(folder: Path, tuning: str) -> None:
    text = folder / "data" / "text.txt"
    recipe = RECIPE.format(base=folder / "base", tuning=tuning, text=text)
    (folder / "tiny.toml").write_text(recipe, encoding="utf-8")


def arguments(folder: Path, name: str) -> list[str]:
    return [
        *("train", str(folder / "tiny.toml"), "--data", str(folder / "data")),
        *("--out", str(folder / name / "out"), "--work", str(folder / name / "work")),
    ]


def command(folder: Path, name: str) -> list[str]:
    return [sys.executable, "-m", "xcopa.main", *arguments(folder, name)]


def finish(folder: Path, name: str) -> None:
    outcome = subprocess.run(
        command(folder, name), env=ENVIRONMENT, check=False, capture_output=True, text=True
    )
    assert outcome.returncode == 0, outcome.stderr[-3000:]


def kill_when(folder: Path, name: str, sign: str) -> None:
    """Start a training and kill it as soon as a file appears in its work folder."""
    process = subprocess.Popen(
        command(folder, name), env=ENVIRONMENT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    work = folder / name / "work"
    limit = time.monotonic() + 120
    while not list(work.glob(sign)) and process.poll() is None:
        assert time.monotonic() < limit
        time.sleep(0.005)
    process.kill()
    assert process.wait() != 0, f"it ended before {sign} was seen"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
def test_a_training_killed_again_and_again_ends_at_the_same_weights(folder: Path) -> None:
    finish(folder, "undisturbed")
    kill_when(folder, "killed", "seed-3/1-*/checkpoint-*")
    kill_when(folder, "killed", "seed-3/1-*/done")
    kill_when(folder, "killed", "seed-3/*/checkpoint-*")
    kill_when(folder, "killed", "seed-4/*/depends-on.json")
    assert not (folder / "killed" / "out").exists()
    finish(folder, "killed")

    undisturbed, killed = folder / "undisturbed", folder / "killed"
    for made in ("out", "work/seed-3/variant", "work/seed-4/variant"):
        name = f"{made}/adapter_model.safetensors"
        assert digest(undisturbed / name) == digest(killed / name), made
    different = [
        digest(killed / f"work/seed-{seed}/variant/adapter_model.safetensors") for seed in (3, 4)
    ]
    assert len(set(different)) == 2, "each seed makes a model of its own"
    for part in ("seed-3/1-socialiqa+mnli+squad2+ccg", "seed-3/2-copa", "seed-4/2-copa"):
        alone, resumed = (DonePhase.read(run / "work" / part) for run in (undisturbed, killed))
        assert alone.progress.losses == resumed.progress.losses
        assert alone.chosen == resumed.chosen
        assert alone.digests == resumed.digests


@pytest.mark.slow
def test_what_is_written_is_served_and_says_how_it_was_made(folder: Path) -> None:
    finish(folder, "run")
    out = folder / "run" / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        *("adapter_config.json", "adapter_model.safetensors", "curves.svg", "training.json"),
        "xcopa.json",
    ]
    served = load_variants({"direct": str(out)}, Path())["direct"]
    assert served.tokenizer.prompt.cause == "Why?"

    record = json.loads((out / "training.json").read_text("utf-8"))
    assert record["recipe"]["name"] == "tiny"
    assert record["seeds"] in ([3], [4])
    assert record["packages"]["torch"] == torch.__version__
    first, second = record["phases"]
    assert set(first["data"]) >= {"socialiqa/train", "ccg/train", "masked-text"}
    assert set(second["data"]) == {"copa/train", "copa/val"}
    assert first["seed"] == 3, "which all seeds share"
    assert [second["seed"]] == record["seeds"]
    for phase in record["phases"]:
        assert phase["flops"] > phase["tokens"] > phase["steps"] > 0
        assert phase["wall_seconds"] > 0
        assert phase["cpu_seconds"] > 0
    assert len(second["evaluations"]) == 4
    best = max(second["evaluations"], key=lambda each: each["accuracy"]["copa/val"])
    assert second["chosen"] == best, "the earliest of the best"
    assert "<svg" in (out / "curves.svg").read_text("utf-8")


@pytest.mark.slow
def test_the_seed_with_the_best_validation_is_the_one_that_is_written(folder: Path) -> None:
    finish(folder, "run")
    work = folder / "run" / "work"
    scores = {seed: DonePhase.read(work / f"seed-{seed}" / "2-copa").chosen.mean for seed in (3, 4)}
    best = max(scores, key=scores.__getitem__)
    record = json.loads((folder / "run" / "out" / "training.json").read_text("utf-8"))
    assert record["seeds"] == [best]


@pytest.mark.slow
def test_a_changed_recipe_does_not_go_on_with_an_old_run(folder: Path) -> None:
    finish(folder, "run")
    recipe = folder / "tiny.toml"
    text = recipe.read_text("utf-8")
    recipe.write_text(text.replace("learning_rate = 2e-3", "learning_rate = 1e-3"), "utf-8")
    refused = subprocess.run(command(folder, "run"), check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "another recipe" in refused.stderr

    # Another target phase, or more seeds, go on with the intermediate phase that is there.
    work = folder / "run" / "work"
    recipe.write_text(text.replace("seeds = [3, 4]", "seeds = [3, 4, 5]"), "utf-8")
    before = digest(
        work / "seed-3" / "1-socialiqa+mnli+squad2+ccg" / "done" / "weights.safetensors"
    )
    finish(folder, "run")
    after = digest(work / "seed-3" / "1-socialiqa+mnli+squad2+ccg" / "done" / "weights.safetensors")
    assert after == before
    assert (work / "seed-5" / "variant").is_dir()


@pytest.mark.slow
def test_full_fine_tuning_writes_a_checkpoint_that_is_served(folder: Path) -> None:
    write_recipe(folder, FULL)
    out = folder / "full" / "out"
    tiny.adapter(out, folder / "base")
    (out / "README.md").write_text("my card")
    finish(folder, "full")
    assert not (out / "adapter_config.json").exists(), "an adapter there would be what is served"
    assert (out / "README.md").read_text() == "my card"
    served = load_variants({"direct": str(out)}, Path())["direct"]
    rows = [[0, 5, 6, 2, 2, 7, 2], [0, 5, 6, 2, 2, 8, 2]]
    first, second = served.engine.logits(rows)
    assert first != second
    base = load_file(folder / "base" / "model.safetensors")
    tuned = load_file(out / "model.safetensors")
    table = "embeddings.word_embeddings.weight"
    assert torch.equal(tuned[f"roberta.{table}"], base[table]), "the embeddings are frozen"
    layer = "encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(tuned[f"roberta.{layer}"], base[layer])


@pytest.mark.slow
def test_two_processes_share_the_batches_of_a_run(folder: Path) -> None:
    launch = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        *("-m", "xcopa.main", *arguments(folder, "shared")),
    ]
    outcome = subprocess.run(launch, env=ENVIRONMENT, check=False, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr[-3000:]
    finish(folder, "alone")
    copa = "work/seed-3/2-copa"
    alone, shared = (DonePhase.read(folder / name / copa) for name in ("alone", "shared"))
    assert shared.progress.step == -(-alone.progress.step // 2)
    load_variants({"direct": str(folder / "shared" / "out")}, Path())["direct"]
