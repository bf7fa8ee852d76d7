"""What settings say of a variant beside its source reaches the model that is served."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from app.engine.prompt import Prompt
from app.errors import StartError
from app.generation import end_unused, load_generation
from app.model_settings.models_file import FilePrompt
from app.model_settings.variant_settings import Shadow, VariantSettings
from app.serving.calibration import BudgetRule
from app.settings import Settings
from app.weights.checkpoint import Checkpoint, locate
from app.weights.export import export
from app.weights.variant import load_models, load_variants, locate_variant
from tests import tiny

WORDS = FilePrompt(cause="Why?", effect="So?", order="cause-first")
PROMPT = Prompt("Why?", "So?", "cause-first")


def test_words_of_the_settings_take_the_place_of_stored_ones(tiny_direct: Path) -> None:
    wanted: dict[str, str | VariantSettings] = {
        "own": str(tiny_direct),
        "asked": VariantSettings(str(tiny_direct), prompt=WORDS),
    }
    own, asked = load_variants(wanted, Path()).values()
    assert (own.tokenizer.prompt, asked.tokenizer.prompt) == (Prompt(), PROMPT)
    assert own.revision != asked.revision


def test_the_revision_is_that_of_a_checkpoint_with_these_words(tmp_path: Path) -> None:
    directory = tiny.multiple_choice(tmp_path / "made")
    asked = locate_variant("a", VariantSettings(str(directory), prompt=WORDS), Path())
    (directory / "xcopa.json").write_text(
        json.dumps({"prompt": WORDS.model_dump()}), encoding="utf-8"
    )
    assert asked.revision() == locate(str(directory), Path()).revision()


def test_the_temperature_stays_that_of_the_weights(tmp_path: Path) -> None:
    directory = tiny.multiple_choice(tmp_path / "made")
    stored = {"prompt": {"cause": "", "effect": ""}, "temperature": 2.5}
    (directory / "xcopa.json").write_text(json.dumps(stored), encoding="utf-8")
    [asked] = load_variants({"a": VariantSettings(str(directory), prompt=WORDS)}, Path()).values()
    assert (asked.tokenizer.prompt, asked.temperature) == (PROMPT, 2.5)


def test_an_export_keeps_the_words_that_it_was_served_with(
    tiny_direct: Path, tmp_path: Path
) -> None:
    found = locate_variant("a", VariantSettings(str(tiny_direct), prompt=WORDS), Path())
    export(found, tmp_path / "out")
    assert Checkpoint("", full=tmp_path / "out").config.prompt == PROMPT


def test_whom_a_model_shadows_and_its_weight_are_those_of_the_settings(tiny_direct: Path) -> None:
    shadow = Shadow("direct", 0.25)
    wanted = {"a": VariantSettings(str(tiny_direct), weight=3, shadow=shadow)}
    [made] = load_variants(wanted, Path()).values()
    assert (made.weight, made.shadow) == (3, shadow)


@pytest.mark.parametrize("engines", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_weight_reaches_the_scheduler(tiny_direct: Path, tmp_path: Path, engines: int) -> None:
    file = tmp_path / "models.toml"
    file.write_text(
        f'[models.a]\nsource = "{tiny_direct}"\nweight = 7\n'
        'prompt = {cause="Why?", effect="So?"}\n'
        '[models.direct]\nsource = "none"\n[models.stilts]\nsource = "none"\n',
        encoding="utf-8",
    )
    settings = Settings(
        models_file=file,
        default_model="a",
        engines=engines,
        threads=1,
        linear_kernel="torch",
        cache_dir=tmp_path,
    )
    served = load_generation(
        lambda: load_models(settings), BudgetRule(1_000), lambda _: nullcontext(), {}
    )
    try:
        assert {name: each.profile.weight for name, each in served.items()} == {"a": 7}
        assert served["a"].variant.tokenizer.prompt.cause == "Why?"
    finally:
        end_unused(served)


@pytest.mark.parametrize(
    ("setting", "named"), [("", "XCOPA_MODELS__A"), ("a file: models.a", "a file: models.a")]
)
def test_what_is_wrong_is_said_of_the_setting(tmp_path: Path, setting: str, named: str) -> None:
    directory = tiny.headless(tmp_path / "made")  # is found, and fails when it is loaded
    with pytest.raises(StartError, match=f"^{named}: .* lacks"):
        load_variants({"a": VariantSettings(str(directory), setting)}, Path())
