"""Profiles as locust's shapes: ``-u`` says how many users there are at most, ``-t`` how long."""

from __future__ import annotations

import math
from typing import ClassVar

from locust import LoadTestShape
from locust.util.timespan import parse_timespan

from loadtests.callers import profiles
from loadtests.callers.profiles import Stair, is_saturated
from loadtests.callers.recording import RECORD

USERS, SECONDS = 16, 120.0
"""Where the command line does not say."""

UserTarget = tuple[int, float]
"""Users, and how many are started or stopped a second."""


class ProfileShape(LoadTestShape):  # type: ignore[misc]
    """Follows a profile."""

    abstract = True
    use_common_options = True
    seconds: ClassVar[float] = SECONDS
    """How long it takes where the command line does not say."""

    def share(self, time: float) -> float:
        """Return the share of the users at a share of the time."""
        raise NotImplementedError

    def tick(self) -> UserTarget | None:
        """Return how many users there should be now; None ends the run."""
        time = self.get_run_time() / self.limit
        return self.target(time) if time < 1 else None

    def target(self, time: float) -> UserTarget:
        """Return how many users there should be at a share of the time."""
        users = max(1, math.ceil(self.share(time) * self.most))
        return users, float(self.most)

    @property
    def limit(self) -> float:
        """How long the run takes, in seconds."""
        said = getattr(self._options, "run_time", None)
        return float(parse_timespan(str(said))) if said else self.seconds

    @property
    def most(self) -> int:
        """The most users."""
        return int(getattr(self._options, "num_users", None) or USERS)

    @property
    def _options(self) -> object:
        return self.runner.environment.parsed_options


class StaircaseShape(ProfileShape):
    """Goes up step by step, and ends at the step from which on hardly more is answered."""

    abstract = True

    def share(self, time: float) -> float:
        return profiles.staircase(time)

    def reset_time(self) -> None:
        """Begin again, at the foot."""
        super().reset_time()
        self._users, self._since, self._answered = 0, 0.0, 0

    def tick(self) -> UserTarget | None:
        """Return how many users there should be now; None ends the run."""
        target = super().tick()
        users = target[0] if target else -1
        if users != self._users:
            self._end_step(users)
        return None if is_saturated(RECORD.stairs) else target

    def _end_step(self, users: int) -> None:
        now, total = self.get_run_time(), self.runner.stats.total
        answered = total.num_requests - total.num_failures
        if self._users and now > self._since:
            rate = (answered - self._answered) / (now - self._since)
            RECORD.stairs.append(Stair(self._users, rate))
        self._users, self._since, self._answered = users, now, answered
