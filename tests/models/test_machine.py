"""The processor's name, as the records of runs and measurements have it."""

from __future__ import annotations

import platform
from pathlib import Path

from models.machine import processor_name

CPUINFO = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 25
model\t\t: 17
model name\t: Some Processor: 9000 @ 2.00GHz

processor\t: 1
model name\t: Another
"""


def test_the_name_is_that_of_the_first_core_with_its_generation(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(CPUINFO, "utf-8")
    assert processor_name(file) == "Some Processor: 9000 @ 2.00GHz (family 25, model 17)"


def test_a_processor_without_families_has_its_name_alone(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nmodel name\t: Arm\n", "utf-8")
    assert processor_name(file) == "Arm"


def test_without_a_name_or_a_file_it_is_what_python_knows(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\n", "utf-8")
    assert processor_name(file) == platform.processor()
    assert processor_name(tmp_path / "none") == platform.processor()
