"""A processor is known by all that is said of it, since virtual machines hide its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.engine.processor import CPU_INFO, name_processor

EPYC = """processor\t: 0
vendor_id\t: AuthenticAMD
model\t\t: {}
model name\t: AMD EPYC
flags\t\t: {}
"""


def name(tmp_path: Path, content: str) -> str:
    path = tmp_path / "cpuinfo"
    path.write_text(content, encoding="utf-8")
    return name_processor(path)


def test_its_name_is_in_it_and_the_same_again(tmp_path: Path) -> None:
    first = name(tmp_path, EPYC.format(2, "fma avx2"))
    assert first.startswith("AMD EPYC, ")
    assert name(tmp_path, EPYC.format(2, "fma avx2")) == first


@pytest.mark.parametrize("other", [EPYC.format(1, "fma avx2"), EPYC.format(2, "fma avx2 avx512f")])
def test_two_of_one_name_are_told_apart(tmp_path: Path, other: str) -> None:
    assert name(tmp_path, other) != name(tmp_path, EPYC.format(2, "fma avx2"))


def test_what_changes_from_start_to_start_does_not_count(tmp_path: Path) -> None:
    first = EPYC.format(2, "fma") + "cpu MHz\t\t: 2600.0\n"
    second = EPYC.format(2, "fma") + "cpu MHz\t\t: 3900.1\n"
    assert name(tmp_path, first) == name(tmp_path, second)


def test_other_cores_do_not_count(tmp_path: Path) -> None:
    one = EPYC.format(2, "fma")
    assert name(tmp_path, f"{one}\n{one}") == name(tmp_path, one)


def test_without_the_file_there_is_a_name(tmp_path: Path) -> None:
    assert name_processor(tmp_path / "none")


@pytest.mark.skipif(not CPU_INFO.exists(), reason="not Linux")
def test_here_too() -> None:
    assert name_processor() == name_processor()
