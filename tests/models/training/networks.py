"""A tiny network with a head of every kind, and batches for each."""

from __future__ import annotations

from pathlib import Path

import torch

from models.training.batch import Inputs, make_inputs
from models.training.example_tokenizer import IGNORED, Encoded
from models.training.heads import MASKED_TEXT
from models.training.network import Network
from models.training.recipe import Full, LowRank, Phase, PromptWords, Recipe

HEADS = {
    "multiple-choice": 0,
    "classification:mnli": 3,
    "span:squad2": 0,
    "tagging:ccg": 5,
    MASKED_TEXT: 0,
}
LORA = LowRank(rank=4, alpha=8)
ROWS = ((0, 9, 8, 2), (0, 7, 6, 5, 4, 2), (0, 11, 2), (0, 12, 13, 2))
PADDING = 1


def phase(**changes: object) -> Phase:
    values = {
        "tasks": ("copa",),
        "learning_rate": 1,
        **({} if "steps" in changes else {"epochs": 1}),
        "batch_tokens": 1,
        "validation": ("copa",),
        "evaluations": 1,
        **changes,
    }
    return Phase.model_validate(values)


def recipe(tuning: LowRank | Full = LORA, /, **changes: object) -> Recipe:
    values = {
        "name": "tiny",
        "base": "somewhere",
        "seeds": (1,),
        "precision": "fp32",
        "dropout": 0,
        "warmup_ratio": 0,
        "weight_decay": 0,
        "prompt": PromptWords(cause="Why?", effect="So?"),
        "tuning": tuning,
        "phases": (phase(),),
        **changes,
    }
    return Recipe.model_validate(values)


def network(base: Path, tuning: LowRank | Full = LORA) -> Network:
    torch.manual_seed(5)
    made = Network(base, recipe(tuning), HEADS)
    for name, weight in made.trained().items():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    return made


def _items(*targets: tuple[int, ...]) -> list[Encoded]:
    return [Encoded((row,), target) for row, target in zip(ROWS, targets, strict=False)]


BATCHES = {
    "multiple-choice": [Encoded(ROWS[:2], (1,)), Encoded(ROWS[2:], (0,))],
    "classification:mnli": _items((0,), (2,), (1,)),
    "span:squad2": _items((1, 2), (0, 0)),
    "tagging:ccg": _items((IGNORED, 3, 4, IGNORED), (IGNORED, 0, IGNORED, 1, 2, IGNORED)),
    MASKED_TEXT: _items((IGNORED, 9, IGNORED, IGNORED), (IGNORED, IGNORED, 6, IGNORED, 4, IGNORED)),
}


def inputs(head: str) -> Inputs:
    return make_inputs(head, BATCHES[head], PADDING)
