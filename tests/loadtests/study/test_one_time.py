"""What the intermediate phase cost, spread over predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.study.errors import StudyError
from loadtests.study.one_time import RECORD, base_of, one_time_cost, prediction_flops
from models.training.flops import training_flops
from tests import tiny


def phase(title: str, size: float) -> dict[str, Any]:
    return {
        "title": title,
        "tokens": 100 * size,
        "flops": 6000.0 * size,
        "wall_seconds": 10 * size,
        "cpu_seconds": 30.0 * size,
    }


def record(tmp_path: Path, *phases: dict[str, Any], gpu: str | None = None) -> Path:
    content = {
        "recipe": {"base": "embedded:small", "phases": [{}, {}]},
        "phases": phases,
        "machine": {"processor": "A Processor", "gpu": gpu},
    }
    (tmp_path / RECORD).write_text(json.dumps(content), "utf-8")
    return tmp_path


def test_the_phases_before_the_last_are_summed_over_seeds(tmp_path: Path) -> None:
    own = record(tmp_path, phase("1-sets", 1), phase("1-sets", 2), phase("2-copa", 50))
    found = one_time_cost(own, operations=2.0, cpu_seconds=0.01, share=0.03)
    assert (found.phases, found.tokens, found.wall_seconds) == (("1-sets", "1-sets"), 300, 30)
    operations, seconds = found.spreads
    assert (operations.training, operations.equal) == (18_000, 9_000)
    assert operations.small == pytest.approx(300_000)
    assert seconds.training == 90
    assert seconds.equal == pytest.approx(9_000)
    assert found.trained_on == "A Processor"


def test_after_so_many_predictions_the_phase_is_the_share_that_counts_as_nothing(
    tmp_path: Path,
) -> None:
    own = record(tmp_path, phase("1-sets", 1), phase("2-copa", 1))
    [spread] = one_time_cost(own, operations=2.0, cpu_seconds=None, share=0.03).spreads
    assert spread.training / (spread.small * spread.prediction) == pytest.approx(0.03)


def test_processor_time_of_a_training_on_a_gpu_is_no_measure(tmp_path: Path) -> None:
    own = record(tmp_path, phase("1-sets", 1), phase("2-copa", 1), gpu="A Card")
    found = one_time_cost(own, operations=2.0, cpu_seconds=0.01)
    assert [each.unit for each in found.spreads] == ["floating-point operations"]
    assert found.trained_on == "A Card"


def test_a_variant_without_such_a_phase_or_record_says_so(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"training\.json cannot be read"):
        one_time_cost(tmp_path, 1.0, 1.0)
    with pytest.raises(StudyError, match="one phase"):
        one_time_cost(record(tmp_path, phase("2-copa", 1)), 1.0, 1.0)
    with pytest.raises(StudyError, match="no record of a training"):
        one_time_cost(record(tmp_path, {"title": "1-sets"}), 1.0, 1.0)


def test_the_shipped_stilts_has_a_record() -> None:
    found = one_time_cost(Path("models/stilts"), 1e9, 0.01)
    assert found.tokens > 100_000
    assert all(each.equal > 1 for each in found.spreads)


def test_the_base_is_that_of_the_recipe(tmp_path: Path) -> None:
    assert base_of(tmp_path) is None
    assert base_of(record(tmp_path)) == "embedded:small"


def test_a_prediction_is_a_third_of_a_step_on_its_rows_alone() -> None:
    config = tiny.config()
    one = training_flops(config, [(1, 20), (1, 24)])
    assert prediction_flops(config, [(20, 24)]) == pytest.approx(one / 3)
    assert prediction_flops(config, [(20, 24), (20, 24)]) == pytest.approx(one / 3)
