"""The binary tensor data extension: tensors as bytes behind the JSON of a request or answer.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

from app.api.digits import whole_number
from app.api.json_route import JSON, parsed, validated
from app.api.open_inference.schemas import InferRequest, InferResponse, InputTensor, OutputTensor
from app.errors import FieldError, InvalidRequestError

HEADER = "Inference-Header-Content-Length"
"""How many bytes of a body are its JSON."""

SIZE = "binary_data_size"
MEDIA_TYPE = "application/octet-stream"
_LONGEST_ECHO = 40
_LENGTH = struct.Struct("<I")
_NUMPY = {"FP32": "<f4", "INT64": "<i8"}


def decode(body: bytes, json_length: str | None) -> InferRequest:
    """Return the request, with what came as binary data in the place of ``data``.

    Args:
        body: JSON, and behind it the binary data of the inputs in their order.
        json_length: the header's value; None without one, when all is JSON.

    Raises:
        InvalidRequestError: the body is not what it is said to be.
    """
    end = len(body) if json_length is None else _json_end(body, json_length)
    request = validated(InferRequest, parsed(body[:end]))
    for tensor in request.inputs:
        if SIZE in tensor.parameters:
            size = _size(tensor, len(body) - end)
            tensor.data = list(_texts(tensor.name, body[end : end + size]))
            end += size
    if end < len(body):
        message = f"has {len(body) - end} bytes behind the JSON that no input's {SIZE} speaks of"
        raise InvalidRequestError([FieldError("body", message)])
    return request


def _json_end(body: bytes, json_length: str) -> int:
    end = whole_number(json_length)
    if end is not None and end <= len(body):
        return end
    message = (
        f"must be the bytes of the JSON, at most the body's {len(body)}, "
        f"not {json_length!r:.{_LONGEST_ECHO}}"
    )
    raise InvalidRequestError([FieldError(HEADER, message)])


def _size(tensor: InputTensor, available: int) -> int:
    size = tensor.parameters[SIZE]
    if isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= available:
        return size
    message = (
        f"must be a number of bytes up to the {available} that follow, "
        f"not {size!r:.{_LONGEST_ECHO}}"
    )
    raise InvalidRequestError([FieldError(f"{tensor.name}.{SIZE}", message)])


def _texts(name: str, data: bytes) -> Iterable[str]:
    """Yield the elements of a BYTES tensor: each is its length, in four bytes, and its bytes."""
    place = index = 0
    while place < len(data):
        start = place + _LENGTH.size
        length = _LENGTH.unpack_from(data, place)[0] if start <= len(data) else 0
        if start + length > len(data):
            message = "ends within an element; each is 4 bytes of length, little-endian, and text"
            raise InvalidRequestError([FieldError(f"{name}[{index}]", message)])
        place = start + length
        yield _text(f"{name}[{index}]", data[start:place])
        index += 1


def _text(field: str, element: bytes) -> str:
    try:
        return element.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8"
        raise InvalidRequestError([FieldError(field, message)]) from error


def encode(answer: InferResponse, request: InferRequest) -> tuple[bytes, dict[str, str]]:
    """Return the body of an answer, and the headers that say how it is to be read."""
    named = {output.name: output.parameters for output in request.outputs or ()}
    default = request.parameters.get("binary_data_output") is True
    behind = {
        tensor.name: np.asarray(tensor.data, _NUMPY[tensor.datatype]).tobytes()
        for tensor in answer.outputs
        if named.get(tensor.name, {}).get("binary_data", default) is True
    }
    if not behind:
        return answer.model_dump_json(exclude_none=True).encode(), {"Content-Type": JSON}
    outputs = [
        _without_data(tensor, behind[tensor.name]) if tensor.name in behind else tensor
        for tensor in answer.outputs
    ]
    whole = answer.model_copy(update={"outputs": outputs})
    message = whole.model_dump_json(exclude_none=True).encode()
    headers = {"Content-Type": MEDIA_TYPE, HEADER: str(len(message))}
    return b"".join([message, *behind.values()]), headers


def _without_data(tensor: OutputTensor, data: bytes) -> OutputTensor:
    return tensor.model_copy(update={"data": None, "parameters": {SIZE: len(data)}})
