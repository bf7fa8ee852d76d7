"""The bar of a phase says where it is; the library's own bars keep silent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import transformers
from accelerate import PartialState

from models.training.bars import training_progress
from models.training.progress import Evaluation, Progress


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error as a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")


@pytest.fixture(autouse=True)
def _wide_and_restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the bars room, and the library back what they switch off."""
    monkeypatch.setenv("COLUMNS", "160")
    verbosity = transformers.logging.get_verbosity()
    yield
    transformers.logging.set_verbosity(verbosity)
    transformers.logging.enable_progress_bar()


def progress(*losses: float, accuracy: float | None = None) -> Progress:
    evaluations = [] if accuracy is None else [Evaluation(len(losses), {"copa/val": accuracy})]
    return Progress(
        step=len(losses),
        losses=[(step, "copa", loss) for step, loss in enumerate(losses)],
        evaluations=evaluations,
    )


@pytest.mark.usefixtures("terminal")
def test_a_bar_shows_steps_running_loss_and_the_last_accuracy(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with training_progress() as on_phase:
        on_step = on_phase("stilts seed-1/2-copa")
        on_step(progress(2.0), 9)
        on_step(progress(2.0, 1.0, accuracy=0.725), 9)
    shown = capfd.readouterr()
    assert "stilts seed-1/2-copa" in shown.err
    assert "2/9" in shown.err
    assert "loss 1.950" in shown.err
    assert "validation 72.5 %" in shown.err
    assert shown.out == "", "standard output is for results"


@pytest.mark.usefixtures("terminal")
def test_a_phase_that_was_not_validated_yet_shows_no_accuracy(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with training_progress() as on_phase:
        on_phase("first")(progress(1.0), 4)
        on_phase("second")(progress(3.0), 5)
    shown = capfd.readouterr().err.splitlines()
    [first] = [line for line in shown if line.startswith("first")]
    [second] = [line for line in shown if line.startswith("second")]
    assert "loss 1.000  validation -" in first
    assert "loss 3.000" in second, "a phase does not go on with the loss of the one before"


def test_without_a_terminal_lines_say_step_loss_and_accuracy(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with training_progress() as on_phase:
        on_step = on_phase("stilts seed-1/2-copa")
        on_step(progress(2.0), 2)
        assert "1 of 2 steps, loss 2.000" in capfd.readouterr().err, "at once, not at the end"
        on_step(progress(2.0, 1.0, accuracy=0.725), 2)
    shown = capfd.readouterr()
    told = "stilts seed-1/2-copa: 2 of 2 steps, loss 1.950, validation 72.5 %"
    assert shown.err.splitlines() == [told]
    assert shown.out == ""


def test_only_the_first_of_several_processes_shows_a_bar(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(PartialState, "is_main_process", False)
    with training_progress() as on_phase:
        on_phase("stilts")(progress(1.0), 4)
    assert capfd.readouterr().err == ""


def test_the_library_shows_no_bars_and_warnings_of_its_own() -> None:
    with training_progress():
        assert transformers.logging.get_verbosity() == transformers.logging.ERROR
        assert not transformers.logging.is_progress_bar_enabled()
