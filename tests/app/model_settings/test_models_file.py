"""A file that names models: what it says, and what is said of one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.model_settings.models_file import FilePrompt, ModelsFile
from app.model_settings.sources import SHIPPED_MODELS
from app.model_settings.variant_settings import Shadow
from app.settings import Settings

THREE = """
[models.mnli]
source = "./adapters/mnli"
weight = 4
prompt = {cause = "Why?", effect = "So?", order = "cause-first"}

[models.Elsewhere]
source = "owner/name@v2"

[models.direct]
weight = 2
"""


def written(folder: Path, content: str) -> Path:
    path = folder / "models.toml"
    path.write_text(content, encoding="utf-8")
    return path


def reason(folder: Path, content: str) -> str:
    path = written(folder, content)
    with pytest.raises(ValueError, match=r"models\.toml") as error:
        ModelsFile.read(path)
    said = str(error.value)
    assert said.startswith(str(path))
    assert "\n" not in said
    return said


def test_each_model_has_a_source_a_prompt_and_a_weight(tmp_path: Path) -> None:
    models = ModelsFile.read(written(tmp_path, THREE)).models
    assert set(models) == {"mnli", "elsewhere", "direct"}
    assert models["mnli"].prompt == FilePrompt(cause="Why?", effect="So?", order="cause-first")
    assert {name: each.weight for name, each in models.items()} == {
        "mnli": 4,
        "elsewhere": 1,
        "direct": 2,
    }
    assert models["elsewhere"].prompt is None


def test_a_source_beside_the_file_is_found_from_wherever_the_service_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, THREE)
    monkeypatch.chdir("/")
    models = ModelsFile.read(path).models
    assert models["mnli"].source == str(tmp_path.resolve() / "adapters" / "mnli")
    assert models["elsewhere"].source == "owner/name@v2"


def test_the_pair_that_ships_comes_first_and_keeps_its_sources(tmp_path: Path) -> None:
    wanted = Settings(models_file=written(tmp_path, THREE)).variants
    assert list(wanted) == ["direct", "stilts", "mnli", "elsewhere"]
    assert wanted["direct"].source == str(SHIPPED_MODELS / "direct")
    assert (wanted["direct"].weight, wanted["stilts"].weight) == (2, 1)


def test_a_variable_goes_before_the_file_and_leaves_the_rest_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XCOPA_MODELS_FILE", str(written(tmp_path, THREE)))
    monkeypatch.setenv("XCOPA_MODELS__MNLI", "other/model")
    monkeypatch.setenv("XCOPA_MODELS__ELSEWHERE", "none")
    wanted = Settings().variants
    assert (wanted["mnli"].source, wanted["mnli"].weight) == ("other/model", 4)
    assert wanted["mnli"].setting == "XCOPA_MODELS__MNLI"
    assert "elsewhere" not in wanted


def test_what_is_wrong_with_a_source_of_the_file_is_said_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, THREE)
    wanted = Settings(models_file=path).variants
    assert wanted["mnli"].setting == f"XCOPA_MODELS_FILE: {path}: models.mnli"


def test_a_file_may_leave_one_out(tmp_path: Path) -> None:
    path = written(tmp_path, '[models.direct]\nsource = "none"\n')
    assert list(Settings(models_file=path).variants) == ["stilts"]


def test_what_happens_to_the_file_afterwards_changes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, THREE)
    settings = Settings(models_file=path)
    path.unlink()
    assert "mnli" in settings.variants


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[modles.a]\nsource='x'", "modles is not known; the nearest key is models"),
        ("[models.a]\nsuorce='x'", "models.a.suorce is not known; the nearest key is source"),
        (
            "[models.a]\nsource='x'\nwieght=1",
            "models.a.wieght is not known; the nearest key is wei",
        ),
        (
            "[models.a]\nsource='x'\nprompt={cause='', effekt=''}",
            "models.a.prompt.effekt is not known; the nearest key is effect, of cause, effect, ord",
        ),
        ("[models.a]\nsource='x'\nprompt={cause=''}", "models.a.prompt.effect: Field required"),
        (
            "[models.a]\nsource='x'\nprecision='bf16'",
            "models.a.precision is not set for one model; XCOPA_PRECISION is that of all",
        ),
        ("[models.a]\nweight=2", "models.a has no source; name a hub id or a directory"),
        ("[models.a]\nsource=''", "models.a.source: "),
        ("[models.a]\nsource='x'\nweight=0", "models.a.weight: Input should be greater than or"),
        ("[models.a]\nsource='x'\nweight=1.5", "models.a.weight: Input should be a valid integer"),
        ("[models.a]\nsource='x'\nweight=1001", "models.a.weight: Input should be less than or"),
        ("[models.a]\nsource=7", "models.a.source: Input should be a valid string (got 7)"),
        ("[models]\na='x'", "models.a: Input should be"),
        ("models=3", "models: "),
        ("", "models: Field required"),
        ("[models.'a b']\nsource='x'", "'a b' is no name for a model"),
        ("[models.a]\nsource='x'\n[models.A]\nsource='y'", "'a' is there twice"),
        ("[models", "is no TOML: "),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, content: str, said: str) -> None:
    assert said in reason(tmp_path, content)


def test_a_file_that_is_not_there_is_named_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XCOPA_MODELS_FILE", str(tmp_path / "none.toml"))
    with pytest.raises(ValidationError, match=r"none\.toml cannot be read: No such file") as error:
        Settings()
    assert error.value.errors()[0]["loc"] == ("models_file",)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="is not UTF-8"):
        ModelsFile.read(path)


# Shadows -------------------------------------------------------------------------------------

SHADOW = '[models.mnli]\nsource = "a/b"\nshadow_of = "{}"\nshare = {}\n'


def test_a_model_may_shadow_another_one(tmp_path: Path) -> None:
    settings = Settings(models_file=written(tmp_path, SHADOW.format("Direct", 0.1)))
    assert settings.variants["mnli"].shadow == Shadow("direct", 0.1)
    assert settings.variants["direct"].shadow is None
    whole = Settings(models_file=written(tmp_path, SHADOW.format("direct", 1)))
    assert whole.variants["mnli"].shadow == Shadow("direct", 1.0)


@pytest.mark.parametrize("share", ["0", "1.1", "-1", '"half"', "true"])
def test_a_share_is_above_0_and_up_to_1(tmp_path: Path, share: str) -> None:
    assert "models.mnli.share: " in reason(tmp_path, SHADOW.format("direct", share))


def test_a_shadow_has_a_share_and_a_share_a_model(tmp_path: Path) -> None:
    for line in ('shadow_of = "direct"', "share = 0.1"):
        said = reason(tmp_path, f'[models.mnli]\nsource = "a/b"\n{line}\n')
        assert "shadow_of names a model, and share says how many of its items" in said


@pytest.mark.parametrize("of", ["mnli", "nobody", "stilts"])
def test_a_shadow_is_of_another_model_that_is_served(tmp_path: Path, of: str) -> None:
    left_out = '[models.stilts]\nsource = "none"\n'
    path = written(tmp_path, SHADOW.format(of, 0.1) + left_out)
    with pytest.raises(
        ValidationError, match=r"mnli\.shadow_of is .* must be another model"
    ) as error:
        Settings(models_file=path, default_model="direct")
    assert error.value.errors()[0]["loc"] == ("models_file",)
