"""The binary form of tensors: what a client packs is read, and what is answered can be unpacked."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.utils import serialize_byte_tensor

from app.api.json_route import JSON
from app.api.open_inference.binary import HEADER, MEDIA_TYPE, decode, encode
from app.api.open_inference.schemas import FIELDS, InferRequest, InferResponse, OutputTensor
from app.errors import InvalidRequestError

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4)
NUMPY: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "INT64": np.dtype("<i8")}


def packed(texts: list[str]) -> bytes:
    """Return a tensor as NVIDIA's client packs it."""
    elements = np.array([text.encode() for text in texts], dtype=np.object_)
    return bytes(serialize_byte_tensor(elements).item()) if texts else b""


def request_body(columns: dict[str, list[str]], binary: set[str]) -> tuple[bytes, str]:
    """Return a body in which some columns are binary, and the length of its JSON."""
    inputs: list[dict[str, Any]] = []
    tail = b""
    for name, texts in columns.items():
        tensor: dict[str, Any] = {"name": name, "shape": [len(texts)], "datatype": "BYTES"}
        if name in binary:
            data = packed(texts)
            tensor["parameters"] = {"binary_data_size": len(data)}
            tail += data
        else:
            tensor["data"] = texts
        inputs.append(tensor)
    message = json.dumps({"inputs": inputs}).encode()
    return message + tail, str(len(message))


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, TEXTS)), st.sets(st.sampled_from(FIELDS)))
def test_texts_are_those_that_the_client_packed_whichever_inputs_are_binary(
    columns: dict[str, list[str]], binary: set[str]
) -> None:
    request = decode(*request_body(columns, binary))
    assert {tensor.name: tensor.data for tensor in request.inputs} == columns


def test_a_body_that_ends_anywhere_is_refused_by_name_and_never_read_in_part() -> None:
    columns = {"premise": ["Fünf Türen.", ""], "question": ["cause", "effect"]}
    body, length = request_body(columns, {"premise", "question"})
    for end in range(len(body)):
        with pytest.raises(InvalidRequestError) as refused:
            decode(body[:end], length)
        [error] = refused.value.errors
        assert error.field in (HEADER, "premise.binary_data_size", "question.binary_data_size")


@given(st.binary(max_size=60), st.integers(0, 60))
def test_any_bytes_are_texts_or_an_error_that_names_the_element(data: bytes, size: int) -> None:
    tensor = {"name": "premise", "shape": [1], "datatype": "BYTES"}
    message = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": size}}]})
    try:
        [found] = decode(message.encode() + data, str(len(message))).inputs
    except InvalidRequestError as error:
        [field] = [each.field for each in error.errors]
        assert field.startswith(("premise[", "premise.binary_data_size")) or field == "body"
    else:
        assert found.data is not None
        assert packed(found.data) == data


@pytest.mark.parametrize("length", ["9" * 5_000, "0" * 5_000, "9" * 30_000])
def test_a_length_of_thousands_of_digits_is_a_wrong_header_and_not_repeated(length: str) -> None:
    """Python reads no number of so many digits; the caller got a 500."""
    with pytest.raises(InvalidRequestError) as refused:
        decode(b"{}", length)
    [error] = refused.value.errors
    assert error.field == HEADER
    assert error.message.startswith("must be the bytes of the JSON, at most the body's 2, not '")
    assert len(error.message) < 120


def test_a_size_that_is_no_number_is_not_repeated_at_length() -> None:
    tensor = {"name": "premise", "shape": [1], "datatype": "BYTES"}
    body = {"inputs": [{**tensor, "parameters": {"binary_data_size": "x" * 30_000}}]}
    with pytest.raises(InvalidRequestError) as refused:
        decode(json.dumps(body).encode(), None)
    [error] = refused.value.errors
    assert error.message.startswith("must be a number of bytes up to the 0 that follow, not 'xx")
    assert len(error.message) < 120


def test_an_error_within_an_element_says_what_an_element_is() -> None:
    body, length = request_body({"premise": ["one", "two"]}, {"premise"})
    # The second element says that it is longer than it is.
    damaged = bytearray(body)
    damaged[-7] = 4
    with pytest.raises(InvalidRequestError) as refused:
        decode(bytes(damaged), length)
    [error] = refused.value.errors
    assert (error.field, error.message) == (
        "premise[1]",
        "ends within an element; each is 4 bytes of length, little-endian, and text",
    )


# Answers ---------------------------------------------------------------------------------------


def answer(logits: list[float], labels: list[int]) -> InferResponse:
    return InferResponse(
        model_name="stilts",
        model_version="abc",
        outputs=[
            OutputTensor(name="logits", datatype="FP32", shape=[len(logits)], data=logits),
            OutputTensor(name="label", datatype="INT64", shape=[len(labels)], data=labels),
        ],
    )


def unpacked(body: bytes, headers: dict[str, str]) -> dict[str, list[Any]]:
    """Read an answer as the extension says, by nothing but its headers and its JSON."""
    end = int(headers.get(HEADER, len(body)))
    tensors = {}
    for tensor in json.loads(body[:end])["outputs"]:
        size = tensor.get("parameters", {}).get("binary_data_size")
        if size is None:
            tensors[tensor["name"]] = tensor["data"]
            continue
        assert "data" not in tensor
        values = np.frombuffer(body[end : end + size], NUMPY[tensor["datatype"]])
        tensors[tensor["name"]] = values.tolist()
        end += size
    assert end == len(body)
    return tensors


@given(
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=5),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5),
    st.booleans(),
    st.dictionaries(st.sampled_from(["logits", "label"]), st.booleans()),
)
def test_values_are_the_same_in_each_form_in_which_they_are_asked_for(
    logits: list[float], labels: list[int], default: bool, named: dict[str, bool]
) -> None:
    outputs = [{"name": name, "parameters": {"binary_data": own}} for name, own in named.items()]
    parameters = {"binary_data_output": default}
    request = InferRequest.model_validate(
        {"inputs": [], "outputs": outputs, "parameters": parameters}
    )
    body, headers = encode(answer(logits, labels), request)
    assert unpacked(body, headers) == {"logits": logits, "label": labels}
    binary = any(named.get(name, default) for name in ("logits", "label"))
    assert headers["Content-Type"] == (MEDIA_TYPE if binary else JSON)
    assert (HEADER in headers) is binary


@pytest.mark.parametrize("wanted", [1, "true", None, [True]])
def test_nothing_but_true_asks_for_binary_data(wanted: object) -> None:
    request = InferRequest.model_validate(
        {"inputs": [], "parameters": {"binary_data_output": wanted}}
    )
    _, headers = encode(answer([1.0], [0]), request)
    assert headers == {"Content-Type": JSON}
