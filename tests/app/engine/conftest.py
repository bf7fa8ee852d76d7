"""A pool of engines that run in this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from app.engine.plan import EnginePlan
from app.engine.pool import EnginePool
from tests.app.engine.stand_in_engines import Answer, StandInEngine, StandInKeeper, add_up
from tests.app.engine.stand_in_weights import order

MODELS = ("plus", "minus")


@dataclass
class Bench:
    """A pool whose engines are threads, and its keeper."""

    pool: EnginePool
    keeper: StandInKeeper
    engines: list[StandInEngine] = field(default_factory=list)

    def engine(self, answer: Answer = add_up) -> StandInEngine:
        """Return an engine that the pool has not got yet."""
        made = StandInEngine(len(self.engines), answer)
        self.engines.append(made)
        return made

    def fill(self, *answers: Answer) -> list[StandInEngine]:
        """Give the pool an engine for each way to answer; the last one is taken first."""
        made = [self.engine(answer) for answer in answers]
        self.pool.plan = EnginePlan(len(answers), 1)
        for each in made:
            self.keeper.on_ready(each.process)
        return made


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("app.engine.pool.Keeper", StandInKeeper)
    pool = EnginePool(order())
    pool.number_models(MODELS)
    assert isinstance(pool._keeper, StandInKeeper)
    made = Bench(pool, pool._keeper)
    yield made
    pool.templates.end()
    for each in made.engines:
        each.close()
