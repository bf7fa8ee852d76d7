"""What happens before the first question: is there a service, and which users have tasks left?"""

from __future__ import annotations

import sys
from typing import Any

from locust import User, events
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtests.callers.users import HOST
from loadtests.readiness import why_not


@events.init.add_listener
def check_service(environment: Environment, **_: object) -> None:
    """End a run that has nothing to measure with one line. (The page asks for its host later.)"""
    options = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner) or options is None or not options.headless:
        return
    if reason := why_not(environment.host or HOST):
        sys.exit(reason)


@events.init.add_listener
def leave_out_users(environment: Environment, **_: object) -> None:
    """Leave out users without a task that has one of the tags: locust would start them in vain."""
    options = environment.parsed_options
    if options is None:
        return
    wanted, unwanted = set(options.tags or ()), set(options.exclude_tags or ())
    left = [each for each in environment.user_classes if _has_task(each, wanted, unwanted)]
    if not left:
        sys.exit(
            "no user has a task with these tags; there are "
            + ", ".join(sorted(set().union(*map(_tags, environment.user_classes))))
        )
    environment.user_classes = left


def _has_task(user: type[User], wanted: set[str], unwanted: set[str]) -> bool:
    tags = _tags(user)
    return (not wanted or bool(tags & wanted)) and not tags & unwanted


def _tags(user: type[User]) -> set[str]:
    tasks: list[Any] = user.tasks
    return set().union(*(getattr(each, "locust_tag_set", ()) for each in tasks))
