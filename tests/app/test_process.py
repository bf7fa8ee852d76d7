"""What is switched for the whole process."""

from __future__ import annotations

import gc
import os
import resource

import pytest
import torch

from app.process import allow_connections, freeze_loaded_objects, set_environment, use_threads


def test_the_environment_is_set_and_what_the_user_set_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    set_environment()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    assert os.environ["TOKENIZERS_PARALLELISM"] == "true"


def test_torch_uses_the_threads_it_is_told() -> None:
    before = torch.get_num_threads()
    try:
        use_threads(2)
        assert torch.get_num_threads() == 2
    finally:
        use_threads(before)


def test_what_is_loaded_is_out_of_the_collectors_sight() -> None:
    thresholds, before = gc.get_threshold(), gc.get_freeze_count()
    try:
        freeze_loaded_objects()
        assert gc.get_freeze_count() > before
        assert gc.get_threshold() == (10_000, 20, 20)
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The limit of open files, soft and hard; the last is in force."""
    limits = [(256, 1024)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.append(pair))
    return limits


def test_connections_get_the_descriptors_that_they_need(limit: list[tuple[int, int]]) -> None:
    assert allow_connections(500) == 500
    assert limit[-1] == (628, 1024)


def test_a_limit_that_is_enough_is_left_alone(limit: list[tuple[int, int]]) -> None:
    assert allow_connections(100) == 100
    assert len(limit) == 1


def test_more_connections_than_the_system_allows_are_cut_and_said(
    limit: list[tuple[int, int]], caplog: pytest.LogCaptureFixture
) -> None:
    assert allow_connections(5_000) == 1024 - 128
    assert limit[-1] == (1024, 1024)
    assert "896 connections at most" in caplog.text
