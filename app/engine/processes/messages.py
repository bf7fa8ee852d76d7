"""What the front and a template say to each other, pickled: they are one program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.engine.engine import Engine
from app.engine.plan import EnginePlan


class SharedWeights(Protocol):
    """What a template holds: the models, and what the front is to know of them."""

    @property
    def about(self) -> object:
        """Anything that can be pickled."""

    @property
    def plan(self) -> EnginePlan:
        """How many processes are to run them, and with how many threads."""

    def warm_up(self) -> None:
        """Compile what all engines share. Called once, on the thread that forks them."""

    def engines(self, number: int) -> Sequence[Engine]:
        """Return an engine for each model, warm. Called in the process that is to run them.

        Args:
            number: of that process among its like, from 0.
        """


@dataclass(frozen=True)
class Order:
    """What a template is to load."""

    factory: str
    """``module:function``; the function takes the argument and returns ``SharedWeights``.

    It leaves no thread behind, since what it returns is forked."""
    argument: object
    log_level: int
    beside: bool = False
    """Whether engines of other models answer calls meanwhile, which go first."""


@dataclass(frozen=True)
class Ready:
    """The template is ready to fork."""

    about: object
    plan: EnginePlan


@dataclass(frozen=True)
class Refused:
    """The factory raised a ``StartError``."""

    message: str


@dataclass(frozen=True)
class Failed:
    """The factory raised something else."""

    trace: str


@dataclass(frozen=True)
class EngineWanted:
    """Fork an engine. The descriptors of its channel and of its sign of life follow."""

    number: int


@dataclass(frozen=True)
class SpareWanted:
    """Fork another template. The descriptor of its control channel follows."""


@dataclass(frozen=True)
class Forked:
    """The answer to both."""

    pid: int
