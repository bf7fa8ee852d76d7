"""What goes over the wire of ``POST /rank``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.api.schemas import ServedModelName, Strict, Text

FEWEST_CHOICES = 2
MOST_CHOICES = 32


class RankRequest(Strict):
    """A premise and choices; which are the more plausible causes or effects?"""

    premise: Text = Field(description="What happened.", examples=["The man broke his toe."])
    choices: Annotated[list[Text], Field(min_length=FEWEST_CHOICES, max_length=MOST_CHOICES)] = (
        Field(
            description="What may have been its cause or effect.",
            examples=[
                ["He got a hole in his sock.", "He dropped a hammer on his foot.", "It rained."]
            ],
        )
    )
    question: Literal["cause", "effect"] = Field(description="What the choices are to be.")
    model: ServedModelName | None = Field(
        default=None, description="Which model answers; `GET /models` says which is the default."
    )


class Ranking(BaseModel):
    """One model's order of the choices."""

    order: list[int] = Field(description="Indices of the choices, the most plausible first.")
    probabilities: list[float] = Field(description="Softmax of the logits over all choices.")
    logits: list[float] = Field(description="The model's score of each choice, as they were sent.")
    model: str
    revision: str = Field(
        description="A hash of all that changes an answer."
        " Weights, configuration, tokenizer and prompt."
    )
    request_id: str
