"""What is kept of the machine beside results."""

from __future__ import annotations

import datetime
import platform

from loadtests.bench.machine import describe_machine
from models.machine import processor_name


def test_the_machine_says_when_and_on_what() -> None:
    machine = describe_machine()
    assert datetime.date.fromisoformat(str(machine["date"])).year > 2000
    assert machine["processor"] == processor_name()
    assert machine["python"] == platform.python_version()
    assert isinstance(machine["cores"], int)
    assert machine["cores"] >= 1
