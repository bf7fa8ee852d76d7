"""What goes over the wire. Field names are those of the XCOPA files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError

from app.model_settings.names import quoted
from app.settings import VARIANTS

NAMES = "names"
"""What the context of a validation calls the names of the models."""


def listed(names: Sequence[str]) -> str:
    """Return names as a description lists them."""
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} or {last}" if first else last


def _of_a_model(name: object, validation: ValidationInfo) -> object:
    names = (validation.context or {}).get(NAMES, VARIANTS)
    if name in names:
        return name
    raise PydanticKnownError("literal_error", {"expected": quoted(names)})


ServedModelName = Annotated[
    str,
    BeforeValidator(_of_a_model),
    WithJsonSchema({"type": "string", "enum": list(VARIANTS)}),
]
"""The name of a model, one of those that the validation is told of.

Which those are differs by application, so the description has those that ship, and
``app/api/named_models.py`` puts the application's in their place.
"""

_MODEL_NAMES = listed(VARIANTS)

_VISIBLE = (
    # Controls and spaces, then by place: soft hyphen, Arabic letter mark, Hangul fillers, Ogham
    # space, Mongolian vowel separator, general punctuation's spaces, joiners and marks of
    # direction, braille blank, ideographic space, half-width filler, byte order mark, annotations.
    r"[^\u0000-\u0020\u007f-\u00a0\u00ad\u061c\u115f\u1160\u1680\u180e\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\uffa0\ufeff\ufff9-\ufffb]"
)
"""One character that shows something, as Python, JSON Schema and browsers read it.

Listed, since they read no names of Unicode's categories alike. What Unicode has not assigned yet
counts as visible: it may be the next version's emoji.
"""
_is_visible = re.compile(_VISIBLE).search


def _readable(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        message = "has a lone surrogate, which is no character; send valid Unicode"
        raise ValueError(message) from error
    if not _is_visible(text):
        raise ValueError("must not be blank")
    return text


Text = Annotated[
    str,
    AfterValidator(_readable),
    WithJsonSchema({"type": "string", "minLength": 1, "pattern": _VISIBLE}),
]

_OF_A_ROW = "Ignored, whatever it is: a row of XCOPA or COPA can be sent as it is."
_EXAMPLE: dict[str, JsonValue] = {
    "premise": "The man broke his toe.",
    "choice1": "He got a hole in his sock.",
    "choice2": "He dropped a hammer on his foot.",
    "question": "cause",
}


class Strict(BaseModel):
    """Unknown fields are errors: a misspelt optional field would be ignored otherwise."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Item(Strict):
    """A premise and two choices; which is the more plausible cause or effect?"""

    premise: Text = Field(description="What happened.", examples=["The man broke his toe."])
    choice1: Text = Field(description="Choice 0.", examples=["He got a hole in his sock."])
    choice2: Text = Field(description="Choice 1.", examples=["He dropped a hammer on his foot."])
    question: Literal["cause", "effect"] = Field(description="What the choices are to be.")
    label: Any = Field(default=None, description=_OF_A_ROW)
    idx: Any = Field(default=None, description=_OF_A_ROW)
    changed: Any = Field(default=None, description=_OF_A_ROW)


class PredictRequest(Item):
    """An item and, if not the default, the model that shall answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    model: ServedModelName | None = Field(default=None, description=f"{_MODEL_NAMES}.")


class BatchRequest(Strict):
    """Items that are answered together, in order. Each is checked on its own."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [_EXAMPLE, {**_EXAMPLE, "question": "effect"}]}]}
    )

    # A malformed item is kept raw, so that it alone is refused, at its index.
    items: Annotated[
        list[Annotated[Item | Any, Field(union_mode="left_to_right")]], Field(min_length=1)
    ] = Field(description="Items; one that is wrong is refused in its place.")
    model: ServedModelName | None = Field(default=None, description=f"{_MODEL_NAMES}, for all.")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say that one item at least must be right: else there is nothing to answer."""
        schema = handler(core_schema)
        items = handler.resolve_ref_schema(schema)["properties"]["items"]
        items["contains"] = items["items"]["anyOf"][0]
        return schema


class CompareRequest(Item):
    """An item for several models."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})


class Prediction(BaseModel):
    """One model's answer to one item."""

    label: int = Field(description="0 for choice1, 1 for choice2.")
    probabilities: list[float] = Field(description="Softmax of the logits over the choices.")
    logits: list[float] = Field(description="The model's score of each choice.")
    model: str
    revision: str = Field(
        description="A hash of all that changes an answer."
        " Weights, configuration, tokenizer and prompt."
    )
    request_id: str


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldProblem] = []


class ItemProblem(BaseModel):
    """Stands in the place of a prediction that could not be made."""

    error: Problem


class BatchResponse(BaseModel):
    """One entry an item, in order: its prediction, or why it has none."""

    predictions: list[Prediction | ItemProblem]


class CompareResponse(BaseModel):
    """The answers of several models to one item."""

    predictions: dict[str, Prediction]
    agree: bool = Field(description="Whether all models choose the same label.")


class MeasuredBatch(BaseModel):
    """A batch that was measured at the start."""

    tokens: int
    seconds: float


class Batching(BaseModel):
    """How a model is batched, and the measurements that say so."""

    batch_tokens: int = Field(description="Token budget of a batch.")
    batch_tokens_from: Literal["calibration", "setting"]
    fixed_seconds: float = Field(description="Fitted time of a batch beside its tokens.")
    token_seconds: float = Field(description="Fitted time that a token adds to a batch.")
    measured: list[MeasuredBatch]


class MeasuredKernel(BaseModel):
    """The kernel of one layer shape, which was the fastest here."""

    layer: str
    kernel: str
    gain: float = Field(
        description="How many times as fast it is as the kernel that is taken without measuring."
    )
    token_seconds: dict[str, float] = Field(description="Of each kernel, seconds a token.")


class LinearKernels(BaseModel):
    """Which kernels compute the linear layers."""

    measured: list[MeasuredKernel] = Field(
        description="Empty where a setting names the kernel, or where there is only one."
    )
    otherwise: str = Field(description="The kernel of all other layers.")


class PromptCard(BaseModel):
    """How a question is put to a model."""

    cause: str = Field(description="Stands before the choice where the cause is asked for.")
    effect: str = Field(description="Stands before the choice where the effect is asked for.")
    order: Literal["premise-first", "cause-first"] = Field(
        description="Which text is read first: the premise, or whichever would be the cause."
    )


class ShadowCard(BaseModel):
    """Whose items a model is asked as well, only to compare the answers."""

    of: str = Field(description="Name of the model that is asked.")
    share: float = Field(description="Of that model's items; those that find no idle engine drop.")


class ModelCard(BaseModel):
    """One model that is served."""

    name: str
    source: str
    revision: str
    parameters: int
    max_tokens: int = Field(description="Most tokens of premise, question and choice together.")
    prompt: PromptCard
    temperature: float = Field(
        description="What logits are divided by before the softmax that makes them probabilities."
    )
    batching: Batching
    linear_kernels: LinearKernels
    weight: int = Field(
        description="Its share of the engine beside other models, while all have items waiting."
    )
    adapter: Literal["none", "merged", "apart"] = Field(
        description="Whether it is an adapter, and whether that is merged into its own copy of "
        "the base, or stays apart from a base that others share."
    )
    shadow: ShadowCard | None = Field(description="null where it is asked by callers alone.")
    default: bool


class MeasuredEngines(BaseModel):
    """What a number of engines did when it was measured."""

    engines: int
    threads: int = Field(description="Of a forward pass, in each engine.")
    tokens_per_second: float = Field(
        description="Through a few layers, of all engines together, with full batches in each."
    )
    lone_seconds: float = Field(
        description="Of an item of two rows through the same layers, while nothing else runs."
    )


class EnginesCard(BaseModel):
    """The processes that run the models."""

    count: int
    threads: int = Field(description="Of a forward pass, in each engine.")
    count_from: Literal["measurement", "setting", "rule"]
    gain: float = Field(
        description="How many times as many tokens a second as what is taken without measuring."
    )
    measured: list[MeasuredEngines] = Field(description="Empty where there was nothing to choose.")


class ModelsResponse(BaseModel):
    """The models that are served, and what runs them."""

    models: list[ModelCard]
    engines: EnginesCard | None = Field(
        description="Null where the process of the service runs the models itself."
    )


class Status(BaseModel):
    """The answer of a probe."""

    status: str
