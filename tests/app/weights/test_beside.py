"""Models that are loaded while others are served: what is looked up anew, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from app.errors import NoRoomError, StartError
from app.model_settings.variant_settings import VariantSettings
from app.settings import Settings
from app.weights import beside
from app.weights.checkpoint import Checkpoint
from app.weights.job import AdapterSetting
from app.weights.shared_tokenizers import HeldTokenizer
from app.weights.variant import Variant, load_variants
from tests import tiny

PLENTY = 2**40


@dataclass
class Starts:
    """Loads into this process what would be loaded into others, and keeps with what it was."""

    revision: str | None = None
    """Of all that it loads, instead of their own."""
    checkpoints: list[Mapping[str, Checkpoint]] = field(default_factory=list)
    held: list[HeldTokenizer] = field(default_factory=list)

    def __call__(
        self,
        settings: Settings,
        wanted: Mapping[str, VariantSettings],
        checkpoints: Mapping[str, Checkpoint],
        held: Iterable[HeldTokenizer],
        *,
        beside: bool,
    ) -> dict[str, Variant]:
        assert beside, "whoever is served goes first"
        assert list(wanted) == list(checkpoints)
        self.checkpoints.append(checkpoints)
        self.held += held
        sources = {name: str(each.full) for name, each in checkpoints.items()}
        made = load_variants(sources, settings.cache_dir)
        if self.revision is None:
            return made
        return {name: replace(each, revision=self.revision) for name, each in made.items()}


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Starts:
    made = Starts()
    monkeypatch.setattr(beside, "start_engines", made)
    monkeypatch.setattr(beside, "free_memory", lambda: PLENTY)
    return made


@pytest.fixture(scope="module")
def served(tiny_direct: Path) -> dict[str, Variant]:
    return load_variants({"direct": str(tiny_direct)}, Path())


GONE = VariantSettings("/nowhere")


def test_what_is_served_is_read_from_where_it_was_and_what_is_new_is_looked_up(
    starts: Starts, served: dict[str, Variant], tiny_stilts: Path, tmp_path: Path
) -> None:
    wanted = {"direct": GONE, "new": VariantSettings(str(tiny_stilts))}
    loaded = beside.load_beside(Settings(cache_dir=tmp_path), wanted, served, {"new"})
    assert list(loaded) == ["direct", "new"]
    assert loaded["direct"].revision == served["direct"].revision != loaded["new"].revision
    [checkpoints] = starts.checkpoints
    assert checkpoints["direct"] is served["direct"].checkpoint
    assert checkpoints["new"].full == tiny_stilts
    assert starts.held == [served["direct"].vocabulary], "a table of words is in memory once"


def test_a_name_that_nobody_served_is_looked_up_though_nobody_says_that_it_is_new(
    starts: Starts, served: dict[str, Variant], tiny_stilts: Path, tmp_path: Path
) -> None:
    wanted = {"other": VariantSettings(str(tiny_stilts))}
    assert list(beside.load_beside(Settings(cache_dir=tmp_path), wanted, served, ())) == ["other"]


def test_what_is_loaded_anew_may_have_another_revision(
    starts: Starts, served: dict[str, Variant], tiny_stilts: Path, tmp_path: Path
) -> None:
    wanted = {"direct": VariantSettings(str(tiny_stilts))}
    loaded = beside.load_beside(Settings(cache_dir=tmp_path), wanted, served, {"direct"})
    assert loaded["direct"].revision != served["direct"].revision


def test_files_that_changed_under_a_served_model_are_refused_with_what_helps(
    starts: Starts, served: dict[str, Variant], tiny_stilts: Path, tmp_path: Path
) -> None:
    starts.revision = "other"
    wanted = {"direct": GONE, "new": VariantSettings(str(tiny_stilts))}
    with pytest.raises(StartError) as refused:
        beside.load_beside(Settings(cache_dir=tmp_path), wanted, served, {"new"})
    said = str(refused.value)
    assert said.startswith("XCOPA_MODELS__DIRECT: the files of direct have changed since it was")
    assert f"revision {served['direct'].revision} was, other is there now" in said
    assert "load direct as well (parameters.also), or put its files back" in said


def test_a_name_that_is_not_there_is_named_by_its_variable(
    starts: Starts, served: dict[str, Variant], tmp_path: Path
) -> None:
    with pytest.raises(StartError, match=r"^XCOPA_MODELS__NEW: "):
        beside.load_beside(Settings(cache_dir=tmp_path), {"new": GONE}, served, {"new"})
    assert not starts.checkpoints


def test_without_room_nothing_is_loaded(
    starts: Starts,
    served: dict[str, Variant],
    tiny_stilts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(beside, "free_memory", lambda: 1)
    wanted = {"direct": GONE, "new": VariantSettings(str(tiny_stilts))}
    with pytest.raises(NoRoomError):
        beside.load_beside(Settings(cache_dir=tmp_path), wanted, served, {"new"})
    assert not starts.checkpoints


@pytest.mark.parametrize(
    ("setting", "served_apart", "counted_apart"),
    [
        ("merged", False, 0),
        ("merged", True, 0),
        ("auto", False, 0),
        ("auto", True, 1),
        ("apart", False, 2),
        ("apart", True, 2),
    ],
)
def test_an_adapter_counts_as_apart_where_that_is_sure(
    starts: Starts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    setting: AdapterSetting,
    served_apart: bool,
    counted_apart: int,
) -> None:
    full = tiny.multiple_choice(tmp_path / "full")
    adapter = str(tiny.adapter(tmp_path / "adapter", full))
    [(name, made)] = load_variants({"direct": adapter}, tmp_path).items()
    starts.revision = made.revision
    served = {name: replace(made, adapter="apart" if served_apart else "merged")}
    counted: list[Checkpoint] = []
    monkeypatch.setattr(beside, "check_room", lambda _, apart, *__: counted.extend(apart))
    wanted = {"direct": VariantSettings(adapter), "new": VariantSettings(adapter)}
    settings = Settings(cache_dir=tmp_path, adapters=setting)
    beside.load_beside(settings, wanted, served, {"new"})
    assert len(counted) == counted_apart
