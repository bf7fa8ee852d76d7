"""Writes a checkpoint in the formats of other runtimes: ``python -m loadtests.peers.convert NAME``.

The checkpoint is that of ``PEER_CHECKPOINT``, and the files lie in it. What is there stays. The
models in 8 bits are made as the documentation of each runtime advises for transformers:

- ONNX Runtime: dynamic quantisation, of the weights by channel, in seven bits where the processor
  has no VNNI: https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
- OpenVINO: quantisation after training by NNCF, for the model type TRANSFORMER:
  https://docs.openvino.ai/2025/openvino-workflow/model-optimization-guide/quantizing-models-post-training/basic-quantization-flow.html

NNCF calibrates on the items of the load tests' own sample, none of which is of a test set.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from loadtests.peers.encoders import NULL, ONNX, ONNX_INT8, OPENVINO, OPENVINO_INT8
from loadtests.peers.padded_arrays import IDS, LOGITS, MASK, PaddedRows, padded, padding_id
from loadtests.peers.scorer import Scorer
from loadtests.peers.setup import checkpoint
from loadtests.peers.torch_encoder import load_model

SAMPLE = Path(__file__).resolve().parents[1] / "sample.jsonl"


class RowModel(torch.nn.Module):
    """Rows to logits, of shape [rows, 1]: each row is a choice set of one."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        rows = self.model(input_ids=input_ids[:, None], attention_mask=attention_mask[:, None])
        logits: Tensor = rows.logits
        return logits


def write_onnx(directory: Path) -> None:
    """Write ``onnx.onnx`` in fp32."""
    rows = batches(directory)
    example = tuple(torch.from_numpy(each) for each in next(rows).values())
    row, column = torch.export.Dim("rows", min=1), torch.export.Dim("longest", min=2)
    shape = {0: row, 1: column}
    torch.onnx.export(
        RowModel(load_model(directory)).eval(),
        example,
        str(directory / f"{ONNX}.onnx"),
        input_names=[IDS, MASK],
        output_names=[LOGITS],
        dynamic_shapes=(shape, shape),
        dynamo=True,
        verbose=False,
        # One file, which is below the two gigabytes that such a file may have.
        external_data=False,
    )


def write_onnx_int8(directory: Path) -> None:
    """Write ``onnx-int8.onnx``."""
    from onnxruntime.quantization import quantize_dynamic  # noqa: PLC0415
    from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: PLC0415

    prepared = directory / "onnx-prepared.onnx"
    # Symbolic shapes are for models that need them; here they only fail on dynamic ones.
    quant_pre_process(str(directory / f"{ONNX}.onnx"), str(prepared), skip_symbolic_shape=True)
    quantize_dynamic(
        str(prepared),
        str(directory / f"{ONNX_INT8}.onnx"),
        per_channel=True,
        reduce_range=not has_vnni(),
    )
    prepared.unlink()


def write_openvino(directory: Path) -> None:
    """Write ``openvino.xml`` in fp32."""
    import openvino  # noqa: PLC0415

    found = openvino.convert_model(str(directory / f"{ONNX}.onnx"))
    openvino.save_model(found, str(directory / f"{OPENVINO}.xml"), compress_to_fp16=False)


def write_openvino_int8(directory: Path) -> None:
    """Write ``openvino-int8.xml``."""
    import nncf  # noqa: PLC0415
    import openvino  # noqa: PLC0415

    model: Any = openvino.Core().read_model(str(directory / f"{OPENVINO}.xml"))
    found = nncf.quantize(
        model, nncf.Dataset(list(batches(directory))), model_type=nncf.ModelType.TRANSFORMER
    )
    openvino.save_model(found, str(directory / f"{OPENVINO_INT8}.xml"), compress_to_fp16=False)


def batches(directory: Path) -> Iterator[PaddedRows]:
    """Yield the rows of each item of the sample."""
    scorer, padding = Scorer.load(directory, NULL), padding_id(directory)
    for line in SAMPLE.read_text(encoding="utf-8").splitlines():
        yield padded(scorer.rows([json.loads(line)]), padding)


def has_vnni(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor adds up products of eight bits in 32, without an overflow between."""
    try:
        return "vnni" in cpuinfo.read_text(encoding="utf-8")
    except OSError:
        return False


Writer = Callable[[Path], None]

STEPS: Mapping[str, tuple[tuple[str, Writer], ...]] = {
    ONNX: ((f"{ONNX}.onnx", write_onnx),),
    ONNX_INT8: ((f"{ONNX}.onnx", write_onnx), (f"{ONNX_INT8}.onnx", write_onnx_int8)),
    OPENVINO: ((f"{ONNX}.onnx", write_onnx), (f"{OPENVINO}.xml", write_openvino)),
    OPENVINO_INT8: (
        (f"{ONNX}.onnx", write_onnx),
        (f"{OPENVINO}.xml", write_openvino),
        (f"{OPENVINO_INT8}.xml", write_openvino_int8),
    ),
}
"""By encoder: its files, each made from the one before."""


def main() -> None:
    """Write what the encoder needs that the command line names."""
    directory = checkpoint()
    for name, write in STEPS[sys.argv[1]]:
        if not (directory / name).exists():
            write(directory)


if __name__ == "__main__":
    main()
