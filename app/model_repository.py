"""Models are loaded, replaced and unloaded while the service runs, one change at a time.

What is changed here ends with the process: it starts with the models of its settings.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from app.errors import (
    ChangeRefusedError,
    FieldError,
    InvalidRequestError,
    LoadFailedError,
    NoSuchModelError,
    ServiceError,
    StartError,
)
from app.model_settings.names import check_name
from app.model_settings.variant_settings import VariantSettings
from app.runtime import Runtime
from app.settings import Settings
from app.telemetry.metrics import Metrics
from app.weights.beside import load_beside
from app.weights.variant import Variant

log = logging.getLogger(__name__)

MOST_NAMES = 100
"""Of models in the life of a process: what is counted of one stays after it is unloaded."""


class ModelState(Enum):
    """As Triton's model repository extension names them."""

    READY = "READY"
    LOADING = "LOADING"
    UNLOADING = "UNLOADING"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True)
class Entry:
    """A model that can be asked, or that can be loaded."""

    name: str
    version: str
    """The revision that is served; empty where none is."""
    state: ModelState
    reason: str
    """Of the state; empty where there is nothing to say."""


@dataclass(frozen=True)
class Change:
    """What is to be served instead of what is."""

    wanted: Mapping[str, VariantSettings]
    fresh: frozenset[str]
    """Names whose sources are looked up anew."""
    gone: frozenset[str] = frozenset()

    @property
    def result(self) -> str:
        """What is counted when it is done, one of ``MODEL_CHANGES``."""
        return "unloaded" if self.gone else "loaded"


class LoadBeside(Protocol):
    """See ``load_beside``, of which the settings are given."""

    def __call__(
        self,
        settings: Settings,
        wanted: Mapping[str, VariantSettings],
        now: Mapping[str, Variant],
        fresh: Collection[str],
    ) -> Mapping[str, Variant]: ...


class ModelRepository:
    """The models that are served, and those that may be. Used on the event loop.

    Args:
        runtime: serves them.
        settings: how models compute, and which there are at the start.
        metrics: counts changes.
        load: loads models.
    """

    def __init__(
        self,
        runtime: Runtime,
        settings: Settings,
        metrics: Metrics,
        load: LoadBeside = load_beside,
    ) -> None:
        self._runtime = runtime
        self._settings = settings
        self._metrics = metrics
        self._load = load
        self._wanted: Mapping[str, VariantSettings] = settings.variants
        self._known: dict[str, VariantSettings] = dict(settings.variants)
        """What is known of each model that is served, or once was."""
        self._under_way: Change | None = None
        self._reasons: dict[str, str] = {}
        """Why a model is not as somebody wanted it."""

    # Asked -------------------------------------------------------------------------------

    def index(self) -> list[Entry]:
        """Return the models that are served or loaded, and those that can be by their names."""
        coming = self._under_way.wanted if self._under_way is not None else {}
        names = dict.fromkeys((*self._runtime.names, *coming, *self._known))
        return [self._entry(name) for name in names]

    def _entry(self, name: str) -> Entry:
        served = self._runtime.served.get(name)
        version = "" if served is None else served.variant.revision
        reason = self._reasons.get(name, "")
        change = self._under_way
        if change is not None and name in change.gone:
            return Entry(name, version, ModelState.UNLOADING, reason)
        if served is not None:
            loading = change is not None and name in change.fresh
            return Entry(
                name, version, ModelState.READY, "it is loaded anew" if loading else reason
            )
        if change is not None and name in change.wanted:
            return Entry(name, version, ModelState.LOADING, reason)
        return Entry(name, version, ModelState.UNAVAILABLE, reason or "unloaded")

    # Changed -----------------------------------------------------------------------------

    async def load(self, name: str, source: str | None = None, also: Sequence[str] = ()) -> None:
        """Load a model, or replace it by what its source holds now. Return when it is served
        and the models of before are no more.

        Args:
            name: of the model; a new one needs a source.
            source: hub id or directory; by default that of before.
            also: other models that are loaded anew with it.

        Raises:
            InvalidRequestError: a name is none for a model, or nothing is known of it.
            ChangeRefusedError: the models cannot be changed now.
            NoRoomError: memory would not suffice.
            LoadFailedError: it cannot be loaded; what was served is served.
            UnavailableError: the service starts, or ends.
        """
        self._check_may_change()
        changed = {name: self._described(name, source)}
        changed |= {each: self._described(each, None, "parameters.also") for each in also}
        self._check_count(changed)
        await self._shielded(Change({**self._wanted, **changed}, frozenset(changed)))

    async def unload(self, name: str) -> None:
        """Stop serving a model. Return when it is no more.

        Raises:
            NoSuchModelError: it is not served.
            ChangeRefusedError: it answers requests that name none, or a change is under way.
            ServiceError: what ``load`` raises; the models that stay are loaded without it.
        """
        self._check_may_change()
        if name not in self._wanted:
            raise NoSuchModelError(f"no model {name[:40]!r} is served")
        if name == self._settings.default_model:
            raise ChangeRefusedError(
                f"{name} answers requests that name no model (XCOPA_DEFAULT_MODEL), so it stays"
            )
        wanted = {each: known for each, known in self._wanted.items() if each != name}
        await self._shielded(Change(wanted, frozenset(), frozenset({name})))

    def _check_may_change(self) -> None:
        served = self._runtime.served  # raises where nothing is served yet
        if self._under_way is not None:
            raise ChangeRefusedError("the models are being changed; ask again when that is done")
        if any(each.variant.device != "cpu" for each in served.values()):
            raise ChangeRefusedError(
                "the models compute on an accelerator, whose memory is not looked at; models "
                "change at run time on the CPU alone"
            )

    def _described(self, name: str, source: str | None, field: str = "name") -> VariantSettings:
        try:
            check_name(name)
        except ValueError as error:
            raise InvalidRequestError([FieldError(field, str(error))]) from error
        known = self._known.get(name)
        if source is not None:
            return replace(known or VariantSettings(""), source=source, setting=f"source of {name}")
        if known is None:
            message = f"is required: nothing is known of a model {name!r}"
            raise InvalidRequestError([FieldError("parameters.source", message)])
        return known

    def _check_count(self, changed: Collection[str]) -> None:
        if len({*self._known, *changed}) > MOST_NAMES:
            raise ChangeRefusedError(
                f"this process has served models of {MOST_NAMES} names, and keeps a count of each; "
                "restart it, or use one of them again"
            )

    async def _shielded(self, change: Change) -> None:
        """Make a change, also when its caller leaves within."""
        self._under_way = change
        changing = asyncio.create_task(self._make(change))
        changing.add_done_callback(_read)
        await asyncio.shield(changing)

    async def _make(self, change: Change) -> None:
        try:
            await self._runtime.replace(self._loading(change))
        except (StartError, ServiceError) as error:
            failure = LoadFailedError(str(error)) if isinstance(error, StartError) else error
            self._note_failure(change, failure)
            raise failure from error
        except Exception as error:
            log.exception("an unexpected error while models were changed")
            failure = LoadFailedError(f"the models did not load: {error!r}")
            self._note_failure(change, failure)
            raise failure from error
        else:
            self._note_success(change)
        finally:
            self._under_way = None

    def _loading(self, change: Change) -> Callable[[], Mapping[str, Variant]]:
        now = {name: each.variant for name, each in self._runtime.served.items()}
        return lambda: self._load(self._settings, change.wanted, now, change.fresh)

    def _note_failure(self, change: Change, error: ServiceError) -> None:
        log.error("the models stay as they are: %s", error.detail)
        self._metrics.models_changed("failed")
        known = self._known.keys() & (change.fresh | change.gone)
        self._reasons |= dict.fromkeys(known, error.detail)

    def _note_success(self, change: Change) -> None:
        self._metrics.models_changed(change.result)
        self._wanted = change.wanted
        self._known |= change.wanted
        for name in (*change.fresh, *change.gone):
            self._reasons.pop(name, None)


def _read(changing: asyncio.Task[None]) -> None:
    """Look at the error of a change whose caller has gone; it is in the log."""
    if not changing.cancelled():
        changing.exception()
