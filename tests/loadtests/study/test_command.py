"""A whole study on simulated time, with tiny models: its verdict, its files, how it goes on."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from app.settings import Settings
from loadtests.study import command, pictures
from loadtests.study.block_run import BlockRun, RunBlock
from loadtests.study.command import BLOCKS, PAGE, StudyOptions, check_shapes, study
from loadtests.study.effects import Evidence
from loadtests.study.errors import StudyError
from loadtests.study.figure_verdict import StudyWord
from loadtests.study.findings import DISTURBED, ComparisonKind
from loadtests.study.report import FILE, CostReport
from loadtests.study.setting import FULL, QUICK
from loadtests.study.side import Comparison, Side
from tests.loadtests.study.stand_in import machine
from tests.models.tasks.invented_causal import write_measured

pytestmark = pytest.mark.usefixtures("tiny_settings", "budget")

BLOCKS_EACH = 6


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token budget, so that no server is started to measure one."""
    monkeypatch.setenv("XCOPA_BATCH_TOKENS", "384")


def options(tmp_path: Path, data: Path | None = None, quick: bool = True) -> StudyOptions:
    effort = replace(QUICK if quick else FULL, blocks=BLOCKS_EACH, most_items=8)
    nothing = tmp_path / "no-report.json"
    return StudyOptions(effort, tmp_path / "out", data, nothing, None, (), seed=1)


def carried_out(tmp_path: Path, run_block: RunBlock) -> CostReport:
    return study(options(tmp_path), Settings(), run_block)


def test_variants_that_cost_the_same_are_found_to(tmp_path: Path) -> None:
    made = carried_out(tmp_path, machine())
    assert made.verdict.word is StudyWord.SAME
    assert [each.blocks for each in made.findings] == [BLOCKS_EACH] * 3
    assert made.setting.quick
    assert made.noise is not None
    assert made.noise.disturbed == 0


def test_a_planted_slowdown_of_5_percent_is_found(tmp_path: Path) -> None:
    """The sides of the A/A comparison are slow as well, and equal."""
    made = carried_out(tmp_path, machine(slower={"stilts": 1.05, "stilts again": 1.05}))
    assert made.verdict.word is StudyWord.DIFFERENT
    assert {each.verdict for each in made.findings[0].figures} == {"equivalent"}


def test_a_side_that_differs_from_itself_spoils_the_study(tmp_path: Path) -> None:
    made = carried_out(tmp_path, machine(slower={"stilts again": 1.05}))
    assert made.verdict.word is StudyWord.NOISY


@pytest.mark.parametrize(
    ("how", "verdict"), [({"noise": 0.2}, Evidence.NONE), ({"loud": 1000}, DISTURBED)]
)
def test_a_noisy_run_gives_no_verdict(tmp_path: Path, how: dict[str, float], verdict: str) -> None:
    made = carried_out(tmp_path, machine(**how))  # type: ignore[arg-type]
    assert made.verdict.word is StudyWord.NOISY
    assert {own.verdict for each in made.findings for own in each.figures} == {verdict}


def test_the_report_the_page_and_the_pictures_are_written(tmp_path: Path) -> None:
    made = carried_out(tmp_path, machine())
    out = tmp_path / "out"
    assert json.loads((out / FILE).read_text("utf-8"))["verdict"]["word"] == made.verdict.word
    page = (out / PAGE).read_text("utf-8")
    assert f"**{made.verdict.word}**" in page
    assert f"]({pictures.EFFECTS})" in page
    assert (out / pictures.EFFECTS).exists()


def test_what_cannot_be_had_is_named_and_the_rest_is_measured(tmp_path: Path) -> None:
    made = carried_out(tmp_path, machine())
    assert set(made.missing) == {"cascades", "accuracy", "intermediate sets", "one-time cost"}
    assert "XCOPA_DATA_DIR" in made.missing["cascades"]
    assert "no-report.json" in made.missing["accuracy"]
    assert len(made.tokens) == 12


def test_an_interrupted_study_goes_on_where_it_was(tmp_path: Path) -> None:
    simulated, left = machine(), 8

    def run_block(comparison: Comparison, chance: random.Random) -> BlockRun:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt
        return simulated(comparison, chance)

    with pytest.raises(KeyboardInterrupt):
        carried_out(tmp_path, run_block)
    kept = (tmp_path / "out" / BLOCKS).read_text("utf-8")
    assert len(kept.splitlines()) == 7
    left = 1000
    made = carried_out(tmp_path, run_block)
    assert 1000 - left == 3 * BLOCKS_EACH - 7
    assert (tmp_path / "out" / BLOCKS).read_text("utf-8").startswith(kept)
    assert [each.blocks for each in made.findings] == [BLOCKS_EACH] * 3


def test_another_study_does_not_go_on_in_the_same_folder(tmp_path: Path) -> None:
    carried_out(tmp_path, machine())
    with pytest.raises(StudyError, match=r"another seed \(1, now 2\)"):
        study(replace(options(tmp_path), seed=2), Settings(), machine())


def test_with_labels_cascades_are_computed_and_one_is_run(tmp_path: Path) -> None:
    data = write_measured(tmp_path / "data", 12)
    ran: list[Side] = []
    simulated = machine()

    def run_block(comparison: Comparison, chance: random.Random) -> BlockRun:
        ran.extend((comparison.first, comparison.second))
        return simulated(comparison, chance)

    made = study(options(tmp_path, data, quick=False), Settings(), run_block)
    assert len(made.cascades) == 3
    chosen = made.cascades[0].validation.threshold
    assert {side.threshold for side in ran if side.how == "cascade"} == {chosen}
    assert "cascades" not in made.missing
    assert {"adapter", "variants, adapter apart"} <= set(made.missing)
    assert made.items_for_cascades == 8
    counts = {each.kind: each.blocks for each in made.findings}
    assert counts[ComparisonKind.VARIANTS] == BLOCKS_EACH
    assert counts[ComparisonKind.FACTOR] == FULL.factor_blocks


def test_all_blocks_have_the_budget_that_the_setting_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[float, float, int]] = []

    def in_processes(seconds: float, warm_up: float, tokens: int, data: Path | None) -> RunBlock:
        told.append((seconds, warm_up, tokens))
        return machine()

    monkeypatch.setattr(command, "in_processes", in_processes)
    made = study(options(tmp_path), Settings())
    assert told == [(QUICK.seconds, QUICK.warm_up, 384)]
    assert made.setting.batch_tokens == 384
    monkeypatch.setenv("XCOPA_BATCH_TOKENS", "512")
    with pytest.raises(StudyError, match=r"another batch_tokens \(384, now 512\)"):
        study(options(tmp_path), Settings())


def test_the_estimate_of_a_resumed_study_was_that_of_a_whole_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    carried_out(tmp_path, machine())
    assert f"3 comparisons, {3 * BLOCKS_EACH} blocks to run: about" in capfd.readouterr().err
    carried_out(tmp_path, machine())
    assert "3 comparisons, 0 blocks to run: about 0 minutes" in capfd.readouterr().err


def test_refusing_early_is_measured_for_both_variants(tmp_path: Path) -> None:
    refusal = carried_out(tmp_path, machine()).refusal
    assert refusal is not None
    assert set(refusal.seconds) == {"direct", "stilts"}


def test_an_unknown_shape_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"--shapes: 'huge' is not one of base, large"):
        study(replace(options(tmp_path), shapes=("huge",)), Settings(), machine())
    check_shapes(("base", "large"))
