"""A phase: what it refuses to begin, what it loads, and how it mixes, hands on and validates."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.tasks.example import DataError, Sentences
from models.tasks.registry import find
from models.tasks.task import digest
from models.training.example_tokenizer import IGNORED
from models.training.heads import MASKED_TEXT
from models.training.loop import PhaseOutcome
from models.training.network import Weights
from models.training.phase import PhaseRun, Sets, _BatchMaker, check, load_sets
from models.training.plan import PlannedBatch
from models.training.recipe import Keep, Phase, RecipeError
from tests.models.training import data
from tests.models.training.networks import PADDING, phase, recipe

MIXED = {
    "tasks": ("socialiqa", "mnli", "ccg"),
    "learning_rate": 2e-3,
    "epochs": 1,
    "batch_tokens": 400,
    "validation": ("socialiqa", "copa/val"),
    "evaluations": 1,
}


@pytest.fixture(scope="session")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data.write(tmp_path_factory.mktemp("data"))


def mixed(invented: Path, share: float | None = 0.25, **changes: object) -> Phase:
    text = None if share is None else {"files": (invented / "text.txt",), "share": share}
    return phase(**{**MIXED, "masked_text": text, **changes})


def loaded(own: Phase, base: Path, invented: Path) -> Sets:
    return load_sets(recipe(phases=(own,)), own, base, invented)


def phase_run(own: Phase, base: Path, invented: Path, folder: Path, **changes: object) -> PhaseRun:
    folder.mkdir(parents=True, exist_ok=True)
    made = recipe(phases=(own,), **changes)
    return PhaseRun(made, own, 5, base, loaded(own, base, invented), folder)


def run(made: PhaseRun, before: Weights | None = None) -> PhaseOutcome:
    return made.run(before or {}, lambda progress, steps: None)


# What is found before hours of work ---------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"tasks": ("mnli",)}, "phases.0.tasks: .* needs a multiple-choice task"),
        ({"tasks": ("kopa",)}, "there is no task 'kopa'"),
        ({"validation": ("kopa",)}, "there is no task 'kopa'"),
        ({"masked_text": {"files": ("none.txt",), "share": 0.1}}, r"there is no file none\.txt"),
        ({"max_tokens": 999}, "max_tokens = 999, but the base reads 256 at most"),
    ],
)
def test_what_would_fail_later_is_found_before_training(
    base: Path, change: dict[str, object], complaint: str
) -> None:
    with pytest.raises((RecipeError, DataError), match=complaint):
        check(recipe(phases=(phase(**change),)), base)


def test_every_phase_is_looked_at_and_only_the_last_trains_the_head_that_is_served(
    base: Path,
) -> None:
    intermediate, target = phase(tasks=("mnli",), max_tokens=256), phase()
    check(recipe(phases=(intermediate, target)), base)
    with pytest.raises(RecipeError, match=r"phases\.1\.tasks"):
        check(recipe(phases=(target, intermediate)), base)
    with pytest.raises(RecipeError, match="reads 256 at most"):
        check(recipe(phases=(phase(max_tokens=257), target)), base)


# What it loads ------------------------------------------------------------------------------


def test_sets_name_their_heads_labels_and_digests(base: Path, invented: Path) -> None:
    sets = loaded(mixed(invented), base, invented)
    assert sets.heads == {
        "socialiqa": "multiple-choice",
        "copa": "multiple-choice",
        "mnli": "classification:mnli",
        "ccg": "tagging:ccg",
        MASKED_TEXT: MASKED_TEXT,
    }
    assert sets.labels == {
        "multiple-choice": 0,
        "classification:mnli": 3,
        "tagging:ccg": len(find("ccg").label_names(invented)),
        MASKED_TEXT: 0,
    }
    assert sets.training.keys() == {"socialiqa", "mnli", "ccg", MASKED_TEXT}, "copa is not trained"
    assert sets.validation.keys() == {"socialiqa/val", "copa/val"}
    assert sets.digests.keys() == {
        *("socialiqa/train", "mnli/train", "ccg/train", "socialiqa/val", "copa/val", MASKED_TEXT)
    }
    assert sets.digests["copa/val"] == digest(find("copa").load(invented, "val"))
    passages = (invented / "text.txt").read_text("utf-8").splitlines()
    assert sets.digests[MASKED_TEXT] == digest(Sentences(text, None, 0) for text in passages)


def test_a_limit_on_items_holds_for_every_set_and_for_its_digest(
    base: Path, invented: Path
) -> None:
    sets = loaded(mixed(invented, share=None, max_items=7), base, invented)
    counts = {name: len(items) for name, items in {**sets.training, **sets.validation}.items()}
    assert counts == dict.fromkeys(counts, 7)
    assert sets.digests["copa/val"] == digest(find("copa").load(invented, "val")[:7])


def test_rows_have_the_words_of_the_recipe_and_no_more_tokens_than_it_allows(
    base: Path, invented: Path
) -> None:
    own = phase(tasks=("copa",), max_tokens=20)
    rows = [row for item in loaded(own, base, invented).training["copa"] for row in item.rows]
    assert max(map(len, rows)) == 20, "some were longer"
    other = recipe(phases=(own,), prompt={"cause": "Because of what?", "effect": "And then?"})
    changed = load_sets(other, own, base, invented).training["copa"]
    assert rows != [row for item in changed for row in item.rows]


def test_a_set_without_examples_is_told(base: Path, invented: Path, tmp_path: Path) -> None:
    (tmp_path / "copa").mkdir()
    (tmp_path / "copa" / "train.jsonl").write_text("", "utf-8")
    (tmp_path / "copa" / "val.jsonl").write_bytes((invented / "copa" / "val.jsonl").read_bytes())
    with pytest.raises(DataError, match="copa/train"):
        loaded(phase(), base, tmp_path)


def test_a_validation_set_that_asks_for_nothing_divides_by_no_zero(
    base: Path, invented: Path, tmp_path: Path
) -> None:
    shutil.copytree(invented, tmp_path / "data")
    (tmp_path / "data" / "ccg" / "dev.txt").write_text("Rain|X|UNSEEN fell|X|UNSEEN", "utf-8")
    own = phase(tasks=("ccg",), validation=("ccg",))
    with pytest.raises(DataError, match="ccg/val has no word with a label of the task"):
        loaded(own, base, tmp_path / "data")


# How it runs --------------------------------------------------------------------------------


def test_masked_text_has_its_share_of_the_batches(
    base: Path, invented: Path, tmp_path: Path
) -> None:
    for share in (0.25, 0.8):
        batches = phase_run(mixed(invented, share), base, invented, tmp_path).batches()
        masked = sum(batch.task == MASKED_TEXT for batch in batches)
        assert masked / len(batches) == pytest.approx(share, abs=1 / len(batches))
    plain = phase_run(mixed(invented, None), base, invented, tmp_path).batches()
    assert {batch.task for batch in plain} == {"socialiqa", "mnli", "ccg"}


def test_masked_text_comes_in_another_order_each_round(
    base: Path, invented: Path, tmp_path: Path
) -> None:
    made = phase_run(mixed(invented, 0.9), base, invented, tmp_path)
    batches = [batch.items for batch in made.batches() if batch.task == MASKED_TEXT]
    places = [place for batch in batches for place in batch]
    passages = len(made.sets.training[MASKED_TEXT])
    assert len(places) > 2 * passages, "more than two rounds"
    assert places[:passages] != places[passages : 2 * passages]


def test_tasks_go_round_as_often_as_the_recipe_says_and_count_as_no_larger(
    base: Path, invented: Path, tmp_path: Path
) -> None:
    def items(**changes: object) -> int:
        own = mixed(invented, None, **changes)
        return sum(len(b.items) for b in phase_run(own, base, invented, tmp_path).batches())

    tasks = len(MIXED["tasks"])  # type: ignore[arg-type]
    assert items(epochs=3) == 3 * items()
    assert items(size_cap=5) == 5 * tasks
    assert items(size_cap=5, epochs=2) == 2 * 5 * tasks


@pytest.mark.parametrize("share", [None, 0.25, 0.9])
def test_steps_count_the_batches_of_tasks_and_text_together(
    base: Path, invented: Path, tmp_path: Path, share: float | None
) -> None:
    own = mixed(invented, share, epochs=None, steps=20, accumulation=2)
    batches = phase_run(own, base, invented, tmp_path).batches()
    masked = sum(batch.task == MASKED_TEXT for batch in batches)
    assert (len(batches), masked) == (40, round(40 * (share or 0)))


def test_a_single_step_with_text_is_one_of_the_task(
    base: Path, invented: Path, tmp_path: Path
) -> None:
    own = mixed(invented, 0.9, epochs=None, steps=1)
    [batch] = phase_run(own, base, invented, tmp_path).batches()
    assert batch.task != MASKED_TEXT


def test_a_text_is_hidden_otherwise_each_time_it_comes_and_the_same_way_in_each_run(
    base: Path, invented: Path, tmp_path: Path
) -> None:
    made = phase_run(mixed(invented), base, invented, tmp_path)
    batches = 2 * [PlannedBatch(MASKED_TEXT, (3, 4, 5))]

    def hidden(run: PhaseRun, number: int) -> list[int]:
        inputs = _BatchMaker(run, batches, PADDING)(number)
        assert inputs.head == MASKED_TEXT
        assert all((target != IGNORED).any() for target in inputs.targets)
        ids: list[int] = inputs.stream.ids[0].tolist()
        return ids

    assert hidden(made, 0) == hidden(made, 0)
    assert hidden(made, 0) != hidden(made, 1)
    assert hidden(made, 0) != hidden(replace(made, seed=6), 0)


def test_a_batch_is_the_examples_that_were_planned(
    base: Path, invented: Path, tmp_path: Path
) -> None:
    made = phase_run(mixed(invented, None), base, invented, tmp_path)
    batches = made.batches()
    for number, batch in enumerate(batches):
        inputs = _BatchMaker(made, batches, PADDING)(number)
        items = [made.sets.training[batch.task][place] for place in batch.items]
        assert inputs.head == made.sets.heads[batch.task]
        assert inputs.lengths == tuple(len(row) for item in items for row in item.rows)
        assert [tuple(target.tolist()) for target in inputs.targets] == [
            item.target for item in items
        ]


@pytest.mark.parametrize(("head", "handed_on"), [("keep", True), ("new", False)])
def test_a_head_is_handed_on_where_the_recipe_says_so(
    base: Path, invented: Path, tmp_path: Path, head: str, handed_on: bool
) -> None:
    """A rate of nearly nothing, so that weights stay what they were at the start."""
    still = {"learning_rate": 1e-12, "max_items": 4, "batch_tokens": 1000}
    first = run(phase_run(mixed(invented, **still), base, invented, tmp_path / "1"))
    moved = {name: weight + 1 for name, weight in first.weights.items()}
    second = run(
        phase_run(phase(**still, head=head), base, invented, tmp_path / "2"), before=moved
    ).weights
    assert not [name for name in second if "mnli" in name], "heads of other tasks stay behind"
    for name, weight in second.items():
        stayed = torch.allclose(weight, moved[name], atol=1e-4)
        assert stayed == (handed_on or name.startswith("encoder.")), name


def test_validation_is_the_share_that_is_answered_right_whatever_the_batches(
    base: Path, invented: Path, tmp_path: Path
) -> None:
    accuracies = []
    for tokens in (60, 10_000):
        own = mixed(invented, learning_rate=1e-12, max_items=11, batch_tokens=tokens)
        accuracies.append(run(phase_run(own, base, invented, tmp_path / str(tokens))).chosen)
    assert accuracies[0].accuracy.keys() == {"socialiqa/val", "copa/val"}
    assert accuracies[0].accuracy == accuracies[1].accuracy
    for share in accuracies[0].accuracy.values():
        assert share * 11 == pytest.approx(round(share * 11), abs=1e-4)


def test_the_loop_gets_the_numbers_of_the_recipe(
    base: Path, invented: Path, tmp_path: Path
) -> None:
    own = mixed(invented, accumulation=3, evaluations=2, keep="last", learning_rate=0.5)
    numbers = {"weight_decay": 0.25, "clip_norm": 2.0, "warmup_ratio": 0.125}
    schedule = phase_run(own, base, invented, tmp_path, **numbers)._schedule()
    assert (schedule.seed, schedule.learning_rate, schedule.weight_decay) == (5, 0.5, 0.25)
    assert (schedule.clip_norm, schedule.warmup_ratio) == (2.0, 0.125)
    assert (schedule.accumulation, schedule.evaluations) == (3, 2)
    assert schedule.keep is Keep.LAST


def test_a_phase_depends_on_its_seed_alone(base: Path, invented: Path, tmp_path: Path) -> None:
    own = mixed(invented, max_items=6)
    made = phase_run(own, base, invented, tmp_path / "1", dropout=0.1)
    first = run(made).weights
    torch.manual_seed(99)
    again = run(phase_run(own, base, invented, tmp_path / "2", dropout=0.1)).weights
    (tmp_path / "3").mkdir()
    other = run(replace(made, seed=6, folder=tmp_path / "3")).weights
    assert all(torch.equal(again[name], weight) for name, weight in first.items())
    assert not all(torch.equal(other[name], weight) for name, weight in first.items())


def test_a_low_rank_phase_leaves_adapter_and_heads_alone(
    base: Path, invented: Path, tmp_path: Path
) -> None:
    weights = run(phase_run(mixed(invented, max_items=4), base, invented, tmp_path)).weights
    assert {name.partition(".")[0] for name in weights} == {"encoder", "heads"}
    assert all("lora_" in name for name in weights if name.startswith("encoder."))
