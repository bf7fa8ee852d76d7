"""Which encoder is behind a server, and how rows are padded for those other than torch."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.peers.convert import STEPS, batches, has_vnni
from loadtests.peers.encoders import ENCODERS, NULL, TORCH, VARIABLE, chosen
from loadtests.peers.padded_arrays import padded, padding_id
from loadtests.peers.scorer import Scorer
from tests.sample import sample_items


def test_torch_unless_another_is_asked_for() -> None:
    assert chosen({}) == TORCH
    assert chosen({VARIABLE: "onnx"}) == "onnx"
    with pytest.raises(ValueError, match="PEER_ENCODER=onyx is none of torch, null, onnx"):
        chosen({VARIABLE: "onyx"})


def test_the_null_encoder_answers_every_item_without_a_model(tiny_export: Path) -> None:
    answers = Scorer.load(tiny_export, NULL).answers(sample_items("en"))
    assert len(answers) == len(sample_items("en"))
    assert answers[0] == {"label": 0, "probabilities": [0.5, 0.5], "logits": [0.0, 0.0]}


def test_rows_are_padded_to_the_longest() -> None:
    arrays = padded([[0, 5, 2], [0, 2]], padding=1)
    assert arrays["input_ids"].tolist() == [[0, 5, 2], [0, 2, 1]]
    assert arrays["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]


def test_calibration_has_a_batch_for_each_item_of_the_sample(tiny_export: Path) -> None:
    found = list(batches(tiny_export))
    assert len(found) == 24
    assert all(each["input_ids"].shape[0] == 2 for each in found)
    assert padding_id(tiny_export) == 1


def test_every_runtime_is_made_from_the_exported_graph() -> None:
    assert set(STEPS) == set(ENCODERS) - {TORCH, NULL}
    for encoder, steps in STEPS.items():
        assert steps[0][0] == "onnx.onnx"
        assert Path(steps[-1][0]).stem == encoder


def test_vnni_is_a_flag_of_the_processor(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags : avx2 avx512_vnni\n", "utf-8")
    assert has_vnni(cpuinfo)
    cpuinfo.write_text("flags : avx2\n", "utf-8")
    assert not has_vnni(cpuinfo)
    assert not has_vnni(tmp_path / "none")
