"""A generation: the models that are served together, and all that answers with them.

It is loaded, warmed and measured as a whole, never changes, and ends as a whole: engines, template,
tokenizers, queue and cache. A call stays with the generation that let it in.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from app.engine.engine import Row
from app.engine.plan import EnginePlan
from app.engine.pool_engines import as_measured, pool_of, stopping_on_failure
from app.engine.tokenizer import CausalItem
from app.errors import InvalidRequestError, StartError
from app.serving.calibration import BudgetRule, Calibration, calibrate, recall
from app.serving.calibration_record import CalibrationRecord
from app.serving.service import PredictionService
from app.serving.shadowing import Shadowing
from app.serving.work import ModelProfile
from app.telemetry.metrics import Metrics
from app.weights.variant import Variant

log = logging.getLogger(__name__)

ModelLoader = Callable[[], Mapping[str, Variant]]
Timing = Callable[[str], AbstractContextManager[None]]
"""Takes the name of a phase, one of ``START_PHASES``, and times the block."""

_WARM_UP = CausalItem("The sun rose.", "It got light.", "It got dark.", "effect")


@dataclass(frozen=True)
class Served:
    """A model that is loaded, warm and measured."""

    variant: Variant
    calibration: Calibration

    @property
    def profile(self) -> ModelProfile:
        """What the scheduler is to know of it."""
        return replace(self.calibration.profile, weight=self.variant.weight)


Models = Mapping[str, Served]


class Generation:
    """Models that are served together, and the service that answers with them."""

    def __init__(
        self, served: Models, service: PredictionService[Variant], metrics: Metrics
    ) -> None:
        self.served = served
        self.service = service
        shadows = {
            name: each.variant.shadow
            for name, each in served.items()
            if each.variant.shadow is not None
        }
        self.shadowing = Shadowing(shadows, self.answering, metrics) if shadows else None
        self._calls = 0

    @contextmanager
    def answering(self) -> Iterator[PredictionService[Variant]]:
        """Have the generation live until a call has its answer."""
        self._calls += 1
        try:
            yield self.service
        finally:
            self._calls -= 1

    @property
    def finished(self) -> bool:
        """Whether no call is with it. A stuck engine has failed its items and ends nothing more."""
        return not self._calls and (self.service.idle or self.service.stuck)

    @property
    def engine_plan(self) -> EnginePlan | None:
        """The plan of the engines; None where this process computes."""
        return plan_of(self.served)

    def end(self, timeout: float) -> None:
        """End its threads and processes, and let go of the models; waits for up to the timeout.

        The first generation is excluded from garbage collection, so nothing large may be kept by
        a circle of references.
        """
        self.service.close(timeout)
        self.service.release()
        self.served = {}
        self.shadowing = None


def plan_of(served: Models) -> EnginePlan | None:
    """Return the plan of the engines of models; None where this process computes."""
    pool = pool_of(each.variant.engine for each in served.values())
    return None if pool is None else pool.plan


def load_generation(
    load: ModelLoader,
    budget: BudgetRule,
    timing: Timing,
    before: Models,
    directory: Path | None = None,
) -> Models:
    """Load models, run each once, and measure the time of its batches. Blocks for long.

    Args:
        load: returns the models.
        budget: of tokens.
        timing: of each phase.
        before: models that are served now. While they are, no measurement would be right: what
            they have told of a shape is taken over.
        directory: where measurements are kept, if anywhere.

    Raises:
        StartError: a model cannot be loaded, or loads but cannot answer.
    """
    with timing("load"):
        variants = load()
    with stopping_on_failure([variant.engine for variant in variants.values()]):
        with timing("warm_up"):
            rows = {name: _warm(name, each) for name, each in variants.items()}
        with timing("calibrate"):
            return _measure(variants, rows, budget, before, directory)


def end_unused(served: Models) -> None:
    """End the engines of models that no generation was made of."""
    if (pool := pool_of(each.variant.engine for each in served.values())) is not None:
        pool.stop()
        pool.release()


def _warm(name: str, variant: Variant) -> Row:
    """Run a model once; return a row that it answered."""
    [rows] = variant.tokenizer.encode([_WARM_UP])
    if isinstance(rows, InvalidRequestError):
        raise StartError(f"{name} cannot tokenise a short question: {rows}")
    logits = variant.engine.logits(rows)
    if not all(map(math.isfinite, logits)):
        raise StartError(f"{name} answers with {logits}, which are not finite numbers")
    variant.engine.warm_up()
    return rows[0]


def _measure(
    variants: Mapping[str, Variant],
    rows: Mapping[str, Row],
    budget: BudgetRule,
    before: Models,
    directory: Path | None,
) -> Models:
    """Measure one model of each shape: the time of a batch does not depend on the weights."""
    measured = _known(variants, before)
    served: dict[str, Served] = {}
    for name, variant in variants.items():
        if variant.shape not in measured:
            record = CalibrationRecord(_setup(variant), directory)
            measured[variant.shape] = _calibration(variant, rows[name], budget, record)
        served[name] = Served(variant, measured[variant.shape])
    return served


def _calibration(
    variant: Variant, row: Row, budget: BudgetRule, record: CalibrationRecord
) -> Calibration:
    engine = as_measured(variant.engine, variant.name)
    known = record.find(variant.shape)
    if known and (found := recall(engine, row, known, budget)) is not None:
        log.info("batches of %s were measured before", variant.name)
        return found
    measured = calibrate(engine, row, budget)
    record.keep(variant.shape, measured.samples)
    return measured


def _setup(variant: Variant) -> str:
    """Name all that the time of a batch depends on, beside the shape of the model."""
    pool = pool_of([variant.engine])
    engines = 0 if pool is None else pool.plan.engines
    return (
        f"{variant.machine}; {engines} engines of {variant.threads} threads; "
        f"{variant.kernels.names}; adapter {variant.adapter}"
    )


def _known(variants: Mapping[str, Variant], before: Models) -> dict[str, Calibration]:
    """Return what is known of each shape, where as many engines run with as many threads."""
    now = pool_of(variant.engine for variant in variants.values())
    old = plan_of(before)
    if now is None or old is None:
        return {}
    if (now.plan.engines, now.plan.threads) != (old.engines, old.threads):
        return {}
    return {each.variant.shape: each.calibration for each in before.values()}
