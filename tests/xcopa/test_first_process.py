"""SIGTERM before the server listens for it, where the kernel would drop it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from xcopa import first_process


@pytest.fixture(autouse=True)
def handler_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_sigterm_ends_the_first_process_of_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getpid", lambda: 1)
    first_process.heed_sigterm()
    with pytest.raises(SystemExit) as exited:
        signal.raise_signal(signal.SIGTERM)
    assert exited.value.code == 143


def test_for_other_processes_nothing_changes() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    first_process.heed_sigterm()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
