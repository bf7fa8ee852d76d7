"""``xcopa evaluate`` as a whole: here, over HTTP, and again from its files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from app.model_settings.variant_settings import VariantSettings
from app.weights.variant import load_variants
from models.evaluation.ask import predictions
from models.evaluation.ask.local import LocalPredictor
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.command import (
    Options,
    evaluate_here,
    evaluate_service,
    seed_directories,
)
from models.evaluation.measure import report
from models.evaluation.measure.report import Report
from models.evaluation.show.files import recompute
from tests import tiny
from tests.e2e.server import ServerProcess

WRITTEN = ["accuracy.png", "predictions.jsonl", "reliability.png", "report.json", "report.md"]


@pytest.fixture(scope="module")
def options(short_data: Path) -> Options:
    return Options(short_data, "test", ("upstream", "repaired"), {}, None)


@pytest.fixture(scope="module")
def sources(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    return {"direct": str(tiny_direct), "stilts": str(tiny_stilts)}


@pytest.fixture(scope="module")
def here(
    options: Options, sources: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What an evaluation in this process writes."""
    out = tmp_path_factory.mktemp("here") / "made" / "on the way"
    evaluate_here(replace(options, out=out), sources, load, Console(file=StringIO()))
    return out


def load(name: str, source: str | VariantSettings) -> LocalPredictor:
    return LocalPredictor(load_variants({name: source}, Path())[name])


@pytest.fixture(scope="module")
def url(sources: dict[str, str]) -> Iterator[str]:
    settings = {f"XCOPA_MODELS__{name.upper()}": source for name, source in sources.items()}
    # Less than a call brings at first.
    with ServerProcess(**settings, XCOPA_MAX_BATCH_ITEMS="50") as server:
        yield server.wait_until_ready().url


def read(directory: Path) -> Report:
    return report.load(directory / "report.json")


def test_everything_is_written(here: Path) -> None:
    assert sorted(path.name for path in here.iterdir()) == WRITTEN


@pytest.mark.slow
def test_a_running_service_gives_the_report_of_its_models(
    here: Path, options: Options, url: str, tmp_path: Path
) -> None:
    evaluate_service(replace(options, out=tmp_path), url, Console(file=StringIO()))
    ours, theirs = (
        predictions.load(directory / "predictions.jsonl", {}) for directory in (here, tmp_path)
    )
    for run in ("direct", "stilts"):
        for key, logits in ours.logits[run].items():
            assert theirs.logits[run][key] == pytest.approx(logits, abs=1e-4)
            assert (theirs.of(run, key).choices == ours.of(run, key).choices).all()
    assert same_but_for_rounding(read(here)) == same_but_for_rounding(read(tmp_path))


def same_but_for_rounding(measured: Report) -> Report:
    """Leave out who answered, and the figures that hang on the last digits of a logit."""
    readings = {
        questions: replace(each, calibration={}) for questions, each in measured.readings.items()
    }
    return replace(measured, source=replace(measured.source, answered_by=""), readings=readings)


def test_one_model_alone_is_one_clear_line(options: Options, sources: dict[str, str]) -> None:
    with pytest.raises(EvaluationError, match="compares two variants, and models loaded for it ha"):
        evaluate_here(options, {"direct": sources["direct"]}, load, Console(file=StringIO()))


def test_seeds_of_a_variant_that_is_not_asked_are_refused(
    options: Options, sources: dict[str, str], tmp_path: Path
) -> None:
    seeded = replace(options, seeds={"tilted": tmp_path})
    with pytest.raises(EvaluationError, match="there is no variant tilted, only direct, stilts"):
        evaluate_here(seeded, sources, load, Console(file=StringIO()))


def test_a_third_variant_is_measured_beside_the_two_that_are_compared(
    options: Options, sources: dict[str, str], here: Path, tmp_path: Path
) -> None:
    three = {**sources, "again": sources["direct"]}
    said = StringIO()
    evaluate_here(replace(options, out=tmp_path), three, load, Console(file=said, width=300))
    two, measured = read(here), read(tmp_path)
    assert measured.variants == ("direct", "stilts", "again")
    for questions, reading in measured.readings.items():
        pair = two.readings[questions]
        for each, before in zip(reading.languages, pair.languages, strict=True):
            assert each.accuracy["again"] == each.accuracy["direct"]
            assert {**each.accuracy, "again": None} == {**before.accuracy, "again": None}
            assert (each.difference, each.p_holm) == (before.difference, before.p_holm)
    assert "direct and stilts by language" in said.getvalue()
    assert recompute(tmp_path, None) == measured


def test_figures_are_computed_again_without_a_model(here: Path, tmp_path: Path) -> None:
    for name in ("predictions.jsonl", "report.json"):
        (tmp_path / name).write_bytes((here / name).read_bytes())
    assert recompute(tmp_path, None) == read(here)
    assert len(list(tmp_path.iterdir())) == 2, "nothing is written where nobody asks for it"
    assert recompute(tmp_path, tmp_path) == read(here)
    assert sorted(path.name for path in tmp_path.iterdir()) == WRITTEN
    assert (tmp_path / "report.md").read_text("utf-8") == (here / "report.md").read_text("utf-8")


def test_seeds_are_measured_beside_the_variants(
    options: Options, sources: dict[str, str], tiny_direct: Path, tmp_path: Path
) -> None:
    for seed in (1, 2):
        made = tiny.multiple_choice(tmp_path / "runs" / f"seed-{seed}" / "variant", seed=seed)
        assert made.is_dir()
    runs = {"direct": tmp_path / "runs"}
    some = replace(options, split="val", readings=("upstream",), seeds=runs, out=tmp_path / "out")
    evaluate_here(some, sources, load, Console(file=StringIO()))
    measured = read(tmp_path / "out")
    # The first seed is the variant itself, so its figures are the variant's.
    assert measured.source.revisions["direct/seed-1"] == measured.source.revisions["direct"]
    english, nine, _ = measured.seeds
    assert english.variants["direct"].by_seed["seed-1"] == (
        measured.readings["upstream"].languages[0].accuracy["direct"].value
    )
    assert np.std(list(nine.variants["direct"].by_seed.values())) > 0


def test_seeds_are_found_in_their_order(tmp_path: Path) -> None:
    for name in ("seed-10", "seed-2", "other"):
        (tmp_path / name / "variant").mkdir(parents=True)
    (tmp_path / "seed-3").mkdir()
    found = seed_directories(tmp_path)
    assert [path.parent.name for path in found] == ["seed-2", "seed-10"]
    with pytest.raises(EvaluationError, match="has no seed"):
        seed_directories(tmp_path / "other")


def test_options_say_what_to_measure() -> None:
    parsed = Options.parse(None, "val", "both", ["stilts=runs/stilts", "direct=a=b"], None)
    assert parsed.split == "val"
    assert parsed.readings == ("upstream", "repaired")
    assert parsed.seeds == {"stilts": Path("runs/stilts"), "direct": Path("a=b")}


@pytest.mark.parametrize(
    ("split", "questions", "seeds", "named"),
    [
        ("train", "both", [], "--split"),
        ("test", "none", [], "--questions"),
        ("test", "both", ["direct"], "--seeds"),
        ("test", "both", ["=DIR"], "--seeds"),
    ],
)
def test_an_option_that_has_no_such_value_is_named(
    split: str, questions: str, seeds: list[str], named: str
) -> None:
    with pytest.raises(EvaluationError, match=named):
        Options.parse(None, split, questions, seeds, None)


def test_seeds_do_not_go_with_a_service(options: Options, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="--against"):
        evaluate_service(replace(options, seeds={"direct": tmp_path}), "http://no.test", Console())


def test_an_output_that_cannot_be_made_is_told_before_the_work(
    options: Options, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(EvaluationError, match="--out"):
        evaluate_here(replace(options, out=tmp_path / "file"), {}, load, Console())
