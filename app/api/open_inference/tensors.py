"""Tensors to items, and answers to tensors."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from app.api.open_inference.schemas import (
    InferRequest,
    InputTensor,
    OutputTensor,
    RequestedOutput,
    TensorMetadata,
)
from app.api.problem import field_errors
from app.api.schemas import Item
from app.engine.tokenizer import CausalItem
from app.errors import FieldError, InvalidRequestError, PayloadTooLargeError
from app.serving.answer import Answer

FIELDS = ("premise", "choice1", "choice2", "question")

INPUTS = [TensorMetadata(name=name, datatype="BYTES", shape=[-1]) for name in FIELDS]
OUTPUTS = [
    TensorMetadata(name="logits", datatype="FP32", shape=[-1, 2]),
    TensorMetadata(name="probabilities", datatype="FP32", shape=[-1, 2]),
    TensorMetadata(name="label", datatype="INT64", shape=[-1]),
]


def items_of(request: InferRequest, most: int) -> list[CausalItem]:
    """Return the items that the inputs stand for.

    Args:
        request: with the data of every input in place.
        most: how many items a call may bring.

    Raises:
        InvalidRequestError: an input is missing, unknown, of another shape or type, or a text is
            none that a prediction could be asked for.
        PayloadTooLargeError: there are more items.
    """
    columns = _columns(request.inputs)
    count = len(columns["premise"])
    if count > most:
        raise PayloadTooLargeError(f"inputs: {count} items; one call may bring {most} at most")
    rows = [dict(zip(FIELDS, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    checked = [_item(row, index) for index, row in enumerate(rows)]
    _raise_all(itertools.chain.from_iterable(each for each in checked if isinstance(each, list)))
    return [each for each in checked if isinstance(each, CausalItem)]


def placed(error: InvalidRequestError, index: int) -> list[FieldError]:
    """Return an item's errors, at its place in the tensors."""
    return [FieldError(f"{each.field}[{index}]", each.message) for each in error.errors]


def check_outputs(wanted: Sequence[RequestedOutput] | None) -> list[str]:
    """Return the names of the outputs to send, in order; all when none is asked for.

    Raises:
        InvalidRequestError: there is no such output.
    """
    known = [tensor.name for tensor in OUTPUTS]
    names = [output.name for output in wanted or ()]
    message = f"is no output; there are {', '.join(known)}"
    _raise_all(FieldError(f"outputs.{name[:40]}", message) for name in names if name not in known)
    return list(dict.fromkeys(names)) or known


def output(name: str, answers: Sequence[Answer]) -> OutputTensor:
    """Return one output of all answers."""
    count = len(answers)
    if name == "label":
        labels = [answer.label for answer in answers]
        return OutputTensor(name=name, datatype="INT64", shape=[count], data=labels)
    rows = [answer.logits if name == "logits" else answer.probabilities for answer in answers]
    flat = list(itertools.chain.from_iterable(rows))
    return OutputTensor(name=name, datatype="FP32", shape=[count, 2], data=flat)


def _columns(inputs: Sequence[InputTensor]) -> dict[str, list[str]]:
    """Return the texts of each field; all have equally many, and at least one."""
    given = {tensor.name: tensor for tensor in inputs}
    _raise_all(
        [
            *(FieldError(f"inputs.{name}", "is required") for name in FIELDS if name not in given),
            *(
                FieldError(f"inputs.{name[:40]}", f"is no input; there are {', '.join(FIELDS)}")
                for name in given
                if name not in FIELDS
            ),
        ]
    )
    if len(given) < len(inputs):
        raise InvalidRequestError([FieldError("inputs", "name an input twice")])
    columns = {name: _texts(given[name]) for name in FIELDS}
    sizes = {len(texts) for texts in columns.values()}
    if len(sizes) > 1 or 0 in sizes:
        message = f"must be of the same size, 1 at least; they have {sorted(sizes)} elements"
        raise InvalidRequestError([FieldError("inputs", message)])
    return columns


def _texts(tensor: InputTensor) -> list[str]:
    """Return the texts of a tensor of shape [n] or [n, 1]; its data may be nested or flat."""
    if tensor.datatype != "BYTES":
        raise _wrong(tensor, "datatype", f"must be BYTES, not {tensor.datatype[:40]!r}")
    shape = tensor.shape
    if len(shape) not in (1, 2) or shape[1:] not in ([], [1]):
        raise _wrong(tensor, "shape", "must be [n] or [n, 1]")
    if tensor.data is None:
        message = "is required, or the parameter binary_data_size of data behind the JSON"
        raise _wrong(tensor, "data", message)
    texts = [_unnested(element) for element in tensor.data]
    if len(texts) != shape[0]:
        raise _wrong(tensor, "data", f"has {len(texts)} elements and its shape is {shape}")
    if not all(isinstance(text, str) for text in texts):
        raise _wrong(tensor, "data", "must be strings")
    return texts


def _unnested(element: Any) -> Any:
    return element[0] if isinstance(element, list) and len(element) == 1 else element


def _wrong(tensor: InputTensor, part: str, message: str) -> InvalidRequestError:
    return InvalidRequestError([FieldError(f"inputs.{tensor.name}.{part}", message)])


def _item(row: dict[str, str], index: int) -> CausalItem | list[FieldError]:
    try:
        item = Item.model_validate(row)
    except ValidationError as error:
        return placed(InvalidRequestError(field_errors(error.errors())), index)
    return CausalItem(item.premise, item.choice1, item.choice2, item.question)


def _raise_all(errors: Iterable[FieldError]) -> None:
    if found := list(errors):
        raise InvalidRequestError(found)
