"""The study on a tiny base with invented data: trained, measured, resumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from app.model_settings.variant_settings import VariantSettings
from app.settings import Settings
from models.evaluation.ask.items import ItemSets
from models.evaluation.ask.local import LocalPredictor, opener
from models.evaluation.ask.predictions import AdvanceRun
from models.evaluation.ask.predictor import EvaluationError, Run
from models.intermediate import kept
from models.intermediate.bars import Watch
from models.intermediate.conditions import Condition, chosen
from models.intermediate.kept import DoneCondition
from models.intermediate.measured import asked, scores
from models.intermediate.run import Study, carry_out, planned_tokens
from models.training.done import DonePhase
from models.training.errors import TrainingError
from models.training.run import OnPhase
from tests import tiny
from tests.models.intermediate.small import SETS, template, write_data

NONE, SOCIAL, WITH_TEXT = chosen(["none", "socialiqa", "socialiqa+text"], SETS, has_text=True)


@dataclass(frozen=True)
class Notes(Watch):
    """Notes what is trained and who is asked."""

    trained: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @contextmanager
    def training(self) -> Iterator[OnPhase]:
        def on_phase(title: str) -> object:
            self.trained.append(self.prefix + title)
            return lambda *_: None

        yield on_phase  # type: ignore[misc]

    @contextmanager
    def measuring(self, runs: Sequence[Run], item_sets: ItemSets) -> Iterator[AdvanceRun]:
        self.told.extend(run.name for run in runs)
        yield lambda name, items: None


def go(study: Study, *conditions: Condition) -> tuple[list[DoneCondition], Notes]:
    notes = Notes()
    settings = Settings(threads=1, linear_kernel="torch", cache_dir=study.work.parent / "cache")
    found = carry_out(study, conditions, asked(study.data, 4), opener(settings), notes)
    return list(found), notes


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("study")
    base = tiny.headless(folder / "base")
    data = write_data(folder / "data")
    return Study(template(base), base, data, folder / "work", data / "text.txt")


@pytest.fixture(scope="module")
def found(study: Study) -> tuple[list[DoneCondition], Notes]:
    return go(study, NONE, SOCIAL, WITH_TEXT)


def test_the_intermediate_phase_is_run_once_and_the_target_by_each_seed(
    found: tuple[list[DoneCondition], Notes],
) -> None:
    _, notes = found
    target = "2-balanced-copa"
    assert notes.trained == [
        "1/3 none: intermediate-none seed-1/1-balanced-copa",
        "1/3 none: intermediate-none seed-2/1-balanced-copa",
        "2/3 socialiqa: intermediate-socialiqa seed-1/1-socialiqa",
        f"2/3 socialiqa: intermediate-socialiqa seed-1/{target}",
        f"2/3 socialiqa: intermediate-socialiqa seed-2/{target}",
        "3/3 socialiqa+text: intermediate-socialiqa-text seed-1/1-socialiqa",
        f"3/3 socialiqa+text: intermediate-socialiqa-text seed-1/{target}",
        f"3/3 socialiqa+text: intermediate-socialiqa-text seed-2/{target}",
    ]


def test_all_conditions_have_one_budget(found: tuple[list[DoneCondition], Notes]) -> None:
    done, _ = found
    assert [each.intermediate_steps for each in done] == [0, 4, 4]
    assert len({each.target_tokens for each in done}) == 1
    assert [each.condition.name for each in done] == ["none", "socialiqa", "socialiqa+text"]


def test_what_was_planned_is_what_was_trained(
    study: Study, found: tuple[list[DoneCondition], Notes]
) -> None:
    for each in found[0]:
        planned = planned_tokens(study, each.condition)
        assert planned == (each.intermediate_tokens, each.target_tokens)


def test_the_logits_of_each_seed_are_kept(
    study: Study, found: tuple[list[DoneCondition], Notes]
) -> None:
    logits = set()
    for each in found[0]:
        predictions = kept.read_logits(study.folder(each.condition))
        names = [f"{each.condition.name}/seed-{seed}" for seed in (1, 2)]
        assert list(predictions.logits) == names
        for run in names:
            own = scores(predictions, run)
            assert {panel: len(each) for panel, each in own.items()} == {
                **dict.fromkeys(("english", "nine", "twins"), 4)
            }
            everything = np.concatenate(list(predictions.logits[run].values()))
            assert np.isfinite(everything).all()
            logits.add(everything.tobytes())
    assert len(logits) == 6, "each is a model of its own"


def test_nothing_else_is_left_in_the_folder_of_a_condition(
    study: Study, found: tuple[list[DoneCondition], Notes]
) -> None:
    names = {path.name for path in study.folder(NONE).iterdir()}
    assert names == {"seed-1", "seed-2", "logits.jsonl.xz", "condition.json"}


def test_what_is_done_is_not_done_again(
    study: Study, found: tuple[list[DoneCondition], Notes]
) -> None:
    again, notes = go(study, NONE, SOCIAL, WITH_TEXT)
    assert (notes.trained, notes.told) == ([], [])
    assert again == found[0]


def test_what_was_interrupted_while_it_was_asked_is_asked_and_not_trained(
    study: Study, found: tuple[list[DoneCondition], Notes]
) -> None:
    (study.folder(SOCIAL) / "condition.json").unlink()
    again, notes = go(study, NONE, SOCIAL)
    assert notes.trained == []
    assert notes.told == ["socialiqa/seed-1", "socialiqa/seed-2"]
    assert again == found[0][:2]


def test_other_items_are_asked_anew(
    study: Study, found: tuple[list[DoneCondition], Notes], tmp_path: Path
) -> None:
    settings = Settings(threads=1, linear_kernel="torch", cache_dir=tmp_path)
    notes = Notes()
    list(carry_out(study, [NONE], asked(study.data, 2), opener(settings), notes))
    assert notes.told == ["none/seed-1", "none/seed-2"]
    go(study, NONE)


def test_another_budget_is_refused_where_the_first_lies(
    study: Study, found: tuple[list[DoneCondition], Notes]
) -> None:
    first, target = study.template.phases
    longer = (first.model_copy(update={"steps": 5}), target)
    other = replace(study, template=study.template.model_copy(update={"phases": longer}))
    with pytest.raises(TrainingError, match=r"phases\.0\.steps was 4, is 5"):
        go(other, SOCIAL)


def test_the_mean_of_a_seeds_checkpoints_is_asked(
    study: Study, found: tuple[list[DoneCondition], Notes], tmp_path: Path
) -> None:
    opened = opener(Settings(threads=1, linear_kernel="torch", cache_dir=tmp_path))
    heads: list[Tensor] = []

    def note(name: str, source: str | VariantSettings) -> LocalPredictor:
        assert isinstance(source, str)
        weights = load_file(Path(source) / "adapter_model.safetensors")
        heads.extend(own for key, own in weights.items() if "classifier" in key and own.ndim > 1)
        return opened(name, source)

    list(carry_out(study, [NONE], asked(study.data, 1), note, Notes()))
    done = [DonePhase.read(study.folder(NONE) / f"seed-{n}" / "1-balanced-copa") for n in (1, 2)]
    name = "heads.multiple-choice.projection.weight"
    for head, phase in zip(heads, done, strict=True):
        torch.testing.assert_close(head.float(), phase.weights()[name], atol=1e-3, rtol=1e-3)
        assert not torch.allclose(head.float(), phase.last_weights()[name], atol=5e-3, rtol=1e-2)


def test_a_model_that_answers_nothing_ends_the_study_and_keeps_what_is_done(
    study: Study, tmp_path: Path
) -> None:
    """The first condition is kept as soon as it is measured."""
    own = replace(study, work=tmp_path / "work")
    settings = Settings(threads=1, linear_kernel="torch", cache_dir=tmp_path)
    opened = opener(settings)

    def refuse(name: str, source: str) -> object:
        if "none" in name:
            return opened(name, source)
        raise EvaluationError("it cannot be asked")

    going = carry_out(own, [NONE, SOCIAL], asked(own.data, 2), refuse, Notes())  # type: ignore[arg-type]
    assert next(going).condition == NONE
    with pytest.raises(EvaluationError, match=r"^it cannot be asked$"):
        next(going)
    assert kept.read(own.folder(NONE)) is not None
    assert kept.read(own.folder(SOCIAL)) is None
