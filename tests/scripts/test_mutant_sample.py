"""Drawing mutants at random, and what became of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.mutant_sample import IncompleteSampleError, draw, main, read_sample


def write(root: Path, name: str, *statuses: int | None) -> None:
    path = root / "mutants" / f"{name}.meta"
    path.parent.mkdir(parents=True, exist_ok=True)
    by_name = {f"{Path(name).stem}_{number:03}": each for number, each in enumerate(statuses)}
    path.write_text(json.dumps({"exit_code_by_key": by_name}), encoding="utf-8")


def test_a_seed_draws_the_same_mutants_again_and_another_seed_others(tmp_path: Path) -> None:
    write(tmp_path, "app/a.py", *[None] * 100)
    write(tmp_path, "models/b.py", *[None] * 100)
    first = draw(tmp_path, 20, seed=1)
    assert first == draw(tmp_path, 20, seed=1) == sorted(set(first))
    assert first != draw(tmp_path, 20, seed=2)
    assert {name[0] for name in first} == {"a", "b"}


def test_no_more_are_drawn_than_there_are(tmp_path: Path) -> None:
    write(tmp_path, "app/a.py", 1, 0)
    assert draw(tmp_path, 20, seed=1) == ["a_000", "a_001"]


def test_the_sample_alone_is_counted(tmp_path: Path) -> None:
    write(tmp_path, "app/a.py", *[None] * 60)
    drawn = draw(tmp_path, 30, seed=5)
    living, late = drawn[3], drawn[4]
    statuses = [0] * 60  # what was not drawn would be a living one
    for name in drawn:
        statuses[int(name[2:])] = {living: 33, late: -24}.get(name, 1)
    write(tmp_path, "app/a.py", *statuses)
    sample = read_sample(tmp_path)
    assert sample is not None
    assert (sample.mutants, sample.of, sample.killed, sample.out_of_time) == (30, 60, 29, 1)
    assert sample.living == (living,)
    assert 0.8 < sample.at_least < 29 / 30


def test_a_tree_without_a_sample_has_none(tmp_path: Path) -> None:
    assert read_sample(tmp_path) is None


@pytest.mark.parametrize("status", [None, 2])
def test_a_drawn_mutant_that_was_not_run_is_no_killed_one(
    tmp_path: Path, status: int | None
) -> None:
    write(tmp_path, "app/a.py", 1, status)
    draw(tmp_path, 2, seed=0)
    with pytest.raises(IncompleteSampleError, match="1 of 2 mutants of the sample were not run"):
        read_sample(tmp_path)


def test_the_names_are_printed_for_mutmut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "app/a.py", 1, 0)
    assert main(["2", "--seed", "4"], tmp_path) == 0
    assert capsys.readouterr().out == "a_000\na_001\n"
    assert json.loads((tmp_path / "mutants/sample.json").read_text())["seed"] == 4
