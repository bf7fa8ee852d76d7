"""What goes over the wire of the Open Inference Protocol; names are the protocol's.

Fields that are unknown are ignored, since the protocol lets clients and servers add their own.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Parameters = Annotated[dict[str, Any], BeforeValidator(lambda given: given or {})]
"""Names and values; some clients send null where they have none."""


class _Received(BaseModel):
    model_config = ConfigDict(strict=True)


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

    name: str = Field(description="`logits`, `probabilities` or `label`.")
    parameters: Parameters = Field(
        default_factory=dict, description="`binary_data`: whether to send it after the JSON."
    )


class InferRequest(_Received):
    """Items, as one tensor for each of their fields."""

    id: str | None = Field(default=None, description="Echoed in the answer.")
    parameters: Parameters = Field(
        default_factory=dict, description="`binary_data_output`: the same for every output."
    )
    inputs: list[InputTensor]
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
