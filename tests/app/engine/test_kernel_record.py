"""What was measured is kept for the next start, and a file that is no good costs only that."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from app.engine.kernel_choice import Kernel
from app.engine.kernel_record import FILE, KernelRecord

SECONDS = {Kernel.TORCH: 2e-6, Kernel.ONEDNN: 1e-6}


def test_what_is_kept_is_found_by_the_next(tmp_path: Path) -> None:
    KernelRecord("here", tmp_path / "not" / "there").keep({"a": SECONDS})
    assert KernelRecord("here", tmp_path / "not" / "there").find("a") == SECONDS


def test_machines_and_layers_are_kept_apart(tmp_path: Path) -> None:
    KernelRecord("here", tmp_path).keep({"a": SECONDS})
    KernelRecord("there", tmp_path).keep({"b": SECONDS})
    KernelRecord("here", tmp_path).keep({"c": SECONDS})
    here, there = KernelRecord("here", tmp_path), KernelRecord("there", tmp_path)
    assert [layer for layer in "abc" if here.find(layer)] == ["a", "c"]
    assert [layer for layer in "abc" if there.find(layer)] == ["b"]


def test_without_a_directory_it_is_kept_in_memory() -> None:
    record = KernelRecord()
    record.keep({"a": SECONDS})
    assert record.find("a") == SECONDS
    assert KernelRecord().find("a") == {}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"here": []}', b'{"here": {"a": 1}}', b'"' + b"\\"]
)
def test_a_file_that_is_damaged_is_measured_anew_and_replaced(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / FILE).write_bytes(content)
    record = KernelRecord("here", tmp_path)
    assert record.find("a") == {}
    record.keep({"a": SECONDS})
    assert KernelRecord("here", tmp_path).find("a") == SECONDS


@pytest.mark.parametrize("value", [0, -1.0, "1", None, float("nan"), float("inf"), True])
def test_a_layer_with_a_time_that_is_none_is_not_used(tmp_path: Path, value: object) -> None:
    content = {"here": {"a": {"torch": value, "onednn": 1e-6}, "b": {"torch": 1e-6}}}
    (tmp_path / FILE).write_text(json.dumps(content))
    record = KernelRecord("here", tmp_path)
    assert record.find("a") == {}
    assert record.find("b") == {Kernel.TORCH: 1e-6}


def test_a_kernel_of_another_release_is_not_used(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"here": {"a": {"abacus": 1e-9}}}))
    assert KernelRecord("here", tmp_path).find("a") == {}


def test_a_directory_that_cannot_be_written_is_said_and_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "file").write_text("")
    record = KernelRecord("here", tmp_path / "file")
    record.keep({"a": SECONDS})
    assert record.find("a") == SECONDS
    assert "the next start measures the kernels again" in caplog.messages[-1]
    assert str(tmp_path / "file" / FILE) in caplog.messages[-1]


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    KernelRecord("here", tmp_path).keep({"a": SECONDS})
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_the_file_reads_the_same_whoever_wrote_it(tmp_path: Path) -> None:
    KernelRecord("here", tmp_path).keep({"b": SECONDS, "a": {Kernel.TORCH: 0.5}})
    assert (tmp_path / FILE).read_text(encoding="utf-8") == (
        '{\n "here": {\n  "a": {\n   "torch": 0.5\n  },\n  "b": {\n   "onednn": 1e-06,\n'
        '   "torch": 2e-06\n  }\n }\n}'
    )


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    KernelRecord("here", tmp_path).keep({"a": SECONDS})

    def fail(self: Path, target: Path) -> Path:
        assert self.parent == target.parent, "only within a folder is it one step"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    KernelRecord("here", tmp_path).keep({"b": SECONDS})
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert KernelRecord("here", tmp_path).find("a") == SECONDS
