"""Which changes of models are made, which are refused, and what is said of each model meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app import model_repository
from app.errors import (
    ChangeRefusedError,
    InvalidRequestError,
    LoadFailedError,
    NoRoomError,
    NoSuchModelError,
    StartError,
    UnavailableError,
)
from app.model_repository import ModelRepository, ModelState
from app.model_settings.variant_settings import VariantSettings
from app.runtime import Runtime
from app.settings import Settings
from app.telemetry.metrics import Metrics
from app.weights.variant import Variant
from tests.app.telemetry.scraping import value

pytestmark = pytest.mark.anyio


@dataclass
class StandInRuntime:
    """Serves what the last load returned."""

    served: Mapping[str, Any]
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.served)

    async def replace(self, load: Callable[[], Mapping[str, Any]]) -> None:
        loaded = await asyncio.to_thread(load)
        await self.may_end.wait()
        self.served = {name: SimpleNamespace(variant=each) for name, each in loaded.items()}


def card(revision: str, device: str = "cpu") -> Any:
    return SimpleNamespace(revision=revision, device=device)


class Repository(ModelRepository):
    """With models that are never loaded: the revision of one is its source."""

    def __init__(self, failure: Exception | None = None, device: str = "cpu") -> None:
        served = {
            name: SimpleNamespace(variant=card("old", device)) for name in Settings().variants
        }
        self.runtime = StandInRuntime(served)
        self.runtime.may_end.set()
        self.metrics = Metrics(("direct", "stilts"))
        self.failure = failure
        self.asked: list[tuple[dict[str, VariantSettings], set[str]]] = []
        super().__init__(cast("Runtime", self.runtime), Settings(), self.metrics, self.load_these)

    def load_these(
        self,
        settings: Settings,
        wanted: Mapping[str, VariantSettings],
        now: Mapping[str, Variant],
        fresh: Collection[str],
    ) -> Mapping[str, Variant]:
        self.asked.append((dict(wanted), set(fresh)))
        if self.failure is not None:
            raise self.failure
        return {
            name: card(each.source) if name in fresh or name not in now else now[name]
            for name, each in wanted.items()
        }

    @property
    def states(self) -> dict[str, tuple[str, ModelState, str]]:
        return {each.name: (each.version, each.state, each.reason) for each in self.index()}

    def counted(self, result: str) -> float | None:
        return value(self.metrics, "xcopa_model_changes_total", result=result)


async def test_one_model_is_loaded_anew_and_the_others_stay_what_they_are() -> None:
    made = Repository()
    await made.load("direct", "new-direct")
    [(wanted, fresh)] = made.asked
    assert wanted == {
        "direct": VariantSettings("new-direct", "source of direct"),
        "stilts": Settings().variants["stilts"],
    }
    assert fresh == {"direct"}
    assert made.states["direct"] == ("new-direct", ModelState.READY, "")
    assert made.states["stilts"] == ("old", ModelState.READY, "")
    await made.load("stilts", also=["direct"])
    wanted, fresh = made.asked[-1]
    assert wanted["direct"].source == "new-direct", "the source of the last load is remembered"
    assert fresh == {"direct", "stilts"}
    assert (made.counted("loaded"), made.counted("failed")) == (2, 0)


async def test_what_was_unloaded_can_be_loaded_by_its_name() -> None:
    made = Repository()
    await made.load("mnli", "someone/mnli")
    await made.unload("mnli")
    assert made.counted("unloaded") == 1
    assert made.states["mnli"] == ("", ModelState.UNAVAILABLE, "unloaded")
    wanted, fresh = made.asked[-1]
    assert (set(wanted), fresh) == ({"direct", "stilts"}, set())
    await made.load("mnli")
    assert made.states["mnli"] == ("someone/mnli", ModelState.READY, "")


async def test_the_index_says_what_goes_on() -> None:
    made = Repository()
    made.runtime.may_end.clear()
    changing = asyncio.create_task(made.load("mnli", "someone/mnli", ["direct"]))
    await asyncio.sleep(0)
    assert made.states["mnli"] == ("", ModelState.LOADING, "")
    assert made.states["direct"] == ("old", ModelState.READY, "it is loaded anew")
    assert made.states["stilts"] == ("old", ModelState.READY, "")
    made.runtime.may_end.set()
    await changing
    made.runtime.may_end.clear()
    changing = asyncio.create_task(made.unload("mnli"))
    await asyncio.sleep(0)
    assert made.states["mnli"][:2] == ("someone/mnli", ModelState.UNLOADING)
    made.runtime.may_end.set()
    await changing


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (StartError("source of mnli: no such model"), LoadFailedError),
        (NoRoomError("no room"), NoRoomError),
        (UnavailableError("shutting down", retry_after=1), UnavailableError),
        (RuntimeError("a defect"), LoadFailedError),
    ],
)
async def test_a_change_that_fails_says_why_and_the_next_one_is_made(
    failure: Exception, raised: type[Exception]
) -> None:
    made = Repository(failure)
    with pytest.raises(raised, match=str(failure)):
        await made.load("direct", "elsewhere")
    assert str(failure) in made.states["direct"][2]
    assert made.states["direct"][:2] == ("old", ModelState.READY)
    assert (made.counted("failed"), made.counted("loaded")) == (1, 0)
    made.failure = None
    await made.load("direct")
    wanted, _ = made.asked[-1]
    assert wanted["direct"] == Settings().variants["direct"], "a source that failed is forgotten"
    assert made.states["direct"][2] == ""


async def test_a_second_change_is_refused_and_a_caller_who_leaves_ends_none() -> None:
    made = Repository()
    made.runtime.may_end.clear()
    changing = asyncio.create_task(made.load("direct", "new"))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(30):
        with pytest.raises(ChangeRefusedError, match="being changed"):
            await made.load("stilts", "new")
        with pytest.raises(ChangeRefusedError, match="being changed"):
            await made.unload("direct")
    changing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await changing
    made.runtime.may_end.set()
    async with asyncio.timeout(30):
        while made.counted("loaded") != 1:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.005)
    assert made.states["direct"] == ("new", ModelState.READY, "")


async def test_what_cannot_be_is_refused_by_name() -> None:
    made = Repository()
    with pytest.raises(NoSuchModelError, match="no model 'mnli' is served"):
        await made.unload("mnli")
    with pytest.raises(ChangeRefusedError, match="XCOPA_DEFAULT_MODEL"):
        await made.unload("stilts")
    with pytest.raises(InvalidRequestError, match=r"parameters\.source: is required"):
        await made.load("mnli")
    with pytest.raises(InvalidRequestError, match=r"name: .* is no name for a model"):
        await made.load("M N", "somewhere")
    with pytest.raises(InvalidRequestError, match=r"parameters\.also: .* is no name"):
        await made.load("direct", None, ["../x"])
    with pytest.raises(ChangeRefusedError, match="accelerator"):
        await Repository(device="cuda").load("direct")
    assert not made.asked


async def test_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_repository, "MOST_NAMES", 3)
    made = Repository()
    await made.load("third", "somewhere")
    await made.unload("third")
    with pytest.raises(ChangeRefusedError, match="3 names"):
        await made.load("fourth", "somewhere")
    await made.load("third")
