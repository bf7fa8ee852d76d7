"""What goes over the wire of the Open Inference Protocol; names are the protocol's.

Fields that are unknown are ignored, since the protocol lets clients and servers add their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue

from app.api.schemas import Text

FIELDS = ("premise", "choice1", "choice2", "question")
OUTPUT_NAMES = ("logits", "probabilities", "label")

_PARAMETERS: JsonSchemaValue = {"type": ["object", "null"]}

Parameters = Annotated[
    dict[str, Any],
    BeforeValidator(lambda given: {} if given is None else given),
    WithJsonSchema(_PARAMETERS),
]
"""Names and values; some clients send null where they have none."""


class _Received(BaseModel):
    model_config = ConfigDict(strict=True)


def _column(name: str, element: JsonSchemaValue) -> JsonSchemaValue:
    """Describe the tensor of one item's field."""
    return {
        "type": "object",
        "properties": {
            "name": {"const": name},
            "shape": {"const": [1]},
            "datatype": {"const": "BYTES"},
            "parameters": _PARAMETERS,
            "data": {"type": "array", "items": element, "minItems": 1, "maxItems": 1},
        },
        "required": ["name", "shape", "datatype", "data"],
    }


_TEXT = TypeAdapter(Text).json_schema()
_QUESTION: JsonSchemaValue = {"enum": ["cause", "effect"]}
# JSON Schema cannot say that sizes agree, so it describes the call of one item.
_INPUTS: JsonSchemaValue = {
    "type": "array",
    "prefixItems": [_column(n, _QUESTION if n == "question" else _TEXT) for n in FIELDS],
    "items": False,
    "minItems": len(FIELDS),
}


class InputTensor(_Received):
    """One input: BYTES of shape [n] or [n, 1]."""

    name: str = Field(description="`premise`, `choice1`, `choice2` or `question`.")
    shape: list[int] = Field(examples=[[1]])
    datatype: str = Field(examples=["BYTES"])
    parameters: Parameters = Field(
        default_factory=dict, description="`binary_data_size`: bytes of it after the JSON."
    )
    data: list[Any] | None = Field(
        default=None, description="A text an item; absent where it follows as binary data."
    )


class RequestedOutput(_Received):
    """An output that is asked for."""

    name: str = Field(
        description="`logits`, `probabilities` or `label`.",
        json_schema_extra={"enum": list(OUTPUT_NAMES)},
    )
    parameters: Parameters = Field(
        default_factory=dict, description="`binary_data`: whether to send it after the JSON."
    )


class InferRequest(_Received):
    """Items, as one tensor for each of their fields."""

    id: str | None = Field(default=None, description="Echoed in the answer.")
    parameters: Parameters = Field(
        default_factory=dict, description="`binary_data_output`: the same for every output."
    )
    inputs: Annotated[list[InputTensor], WithJsonSchema(_INPUTS)] = Field(
        description="A tensor for each field, in any order, of shape [n] or [n, 1] and of equally "
        "many texts: n items. Here the tensors of one item."
    )
    outputs: list[RequestedOutput] | None = Field(default=None, description="By default all.")


class OutputTensor(BaseModel):
    """One output, in row-major order."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, int] | None = None
    data: list[float] | list[int] | None = None


class InferResponse(BaseModel):
    """What a model answers to the items."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


class TensorMetadata(BaseModel):
    """What a tensor is; -1 stands for any size."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(BaseModel):
    """Whether requests are answered at all."""

    live: bool


class ServerReady(BaseModel):
    """Whether every model is ready for inference."""

    ready: bool


class ModelReady(BaseModel):
    """Whether one model is ready for inference."""

    name: str
    ready: bool


class ProtocolError(BaseModel):
    """Why there is no answer."""

    error: str


def described_errors(texts: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Return how OpenAPI describes statuses whose body is a ``ProtocolError``."""
    return {status: {"model": ProtocolError, "description": text} for status, text in texts.items()}
