"""One phase: its tasks' examples become batches, and the loop trains on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import XLMRobertaConfig

from app.engine.prompt import Prompt
from app.weights.loading import max_tokens as most_tokens
from models.tasks.example import DataError, Head, Sentences
from models.tasks.registry import find
from models.tasks.task import Task, digest
from models.training.batch import Inputs, make_inputs
from models.training.example_tokenizer import IGNORED, Encoded, ExampleTokenizer
from models.training.heads import MASKED_TEXT, head_name
from models.training.loop import Loop, OnStep, PhaseOutcome, PhaseWork, Schedule
from models.training.masked import Masker, read_passages, rows_of
from models.training.network import Network, Weights, encoder_weights
from models.training.plan import Mix, PlannedBatch, by_length, interleave, plan
from models.training.recipe import Phase, Recipe, RecipeError, prompt_of


def check(recipe: Recipe, base: Path) -> None:
    """Find what would fail only after hours.

    Raises:
        DataError: there is no such task, or a text file cannot be read.
        RecipeError: what the last phase trains cannot answer multiple choice, or the base reads
            no rows that long.
    """
    for phase in recipe.phases:
        _check_length(phase.max_tokens, base)
        for name, _ in (*phase.training_sets, *phase.validation_sets):
            find(name)
        if phase.masked_text is not None:
            read_passages(phase.masked_text.files)
    last = recipe.phases[-1]
    if not any(find(name).head is Head.MULTIPLE_CHOICE for name, _ in last.training_sets):
        raise RecipeError(
            f"phases.{len(recipe.phases) - 1}.tasks: the last phase trains the head that is served,"
            f" so it needs a multiple-choice task, such as copa; it has {', '.join(last.tasks)}"
        )


@dataclass(frozen=True)
class Sets:
    """The data of a phase, encoded."""

    training: Mapping[str, Sequence[Encoded]]
    """By the task's name."""
    validation: Mapping[str, Sequence[Encoded]]
    heads: Mapping[str, str]
    """The head of each task, by the task's name."""
    labels: Mapping[str, int]
    """The number of labels of each head."""
    digests: Mapping[str, str]
    """SHA-256 of the examples, by ``task/split``."""


def load_sets(recipe: Recipe, phase: Phase, base: Path, data: Path | None) -> Sets:
    """Load and encode what a phase trains on and is validated on.

    Raises:
        DataError: a set cannot be had, or is not as described.
    """
    tokenizer = ExampleTokenizer(base, prompt_of(recipe), phase.max_tokens)
    digests: dict[str, str] = {}

    def encoded(name: str, split: str) -> list[Encoded]:
        examples = find(name).load(data, split)[: phase.max_items]
        digests[f"{name}/{split}"] = digest(examples)
        if not examples:
            raise DataError(f"{name}/{split} has no examples")
        items = tokenizer.encode(examples)
        if not any(set(item.target) - {IGNORED} for item in items):
            raise DataError(f"{name}/{split} has no word with a label of the task")
        return items

    names = dict.fromkeys(name for name, _ in (*phase.training_sets, *phase.validation_sets))
    tasks = {name: find(name) for name in names}
    sets = {name: encoded(name, split) for name, split in phase.training_sets}
    heads = {name: head_name(task.head, name) for name, task in tasks.items()}
    labels = {heads[name]: _label_count(task, data) for name, task in tasks.items()}
    if phase.masked_text is not None:
        passages = read_passages(phase.masked_text.files)
        digests[MASKED_TEXT] = digest(Sentences(passage, None, 0) for passage in passages)
        sets[MASKED_TEXT] = rows_of(passages, tokenizer.tokenizer, phase.max_tokens)
        heads[MASKED_TEXT], labels[MASKED_TEXT] = MASKED_TEXT, 0
    validation = {f"{name}/{split}": encoded(name, split) for name, split in phase.validation_sets}
    return Sets(sets, validation, heads, labels, digests)


def _check_length(max_tokens: int, base: Path) -> None:
    longest = most_tokens(XLMRobertaConfig.from_pretrained(base))
    if max_tokens > longest:
        raise RecipeError(f"max_tokens = {max_tokens}, but the base reads {longest} at most")


def _label_count(task: Task, data: Path | None) -> int:
    if task.head in (Head.CLASSIFICATION, Head.TAGGING):
        return len(task.label_names(data))
    return 0


@dataclass(frozen=True)
class PhaseRun:
    """A phase with everything that it needs."""

    recipe: Recipe
    phase: Phase
    seed: int
    base: Path
    sets: Sets
    folder: Path

    def run(self, before: Weights, on_step: OnStep) -> PhaseOutcome:
        """Train the phase.

        Args:
            before: the weights of the phase before; empty for the first.
            on_step: told after every step.
        """
        start = self.recipe.start
        torch.manual_seed(self.seed if start is None else start)
        network = Network(self.base, self.recipe, self.sets.labels)
        network.put(self._handed_on(before, network))
        loop = Loop(network, self._schedule(), self.folder, self.recipe.precision == "bf16")
        batches = self.batches()
        work = PhaseWork(
            batches=len(batches),
            inputs=_BatchMaker(self, batches, network.padding_id),
            task_of=lambda number: batches[number].task,
            validate=self._validate,
            flops=network.flops,
        )
        return loop.run(work, on_step)

    def _handed_on(self, before: Weights, network: Network) -> Weights:
        if self.phase.head == "new":
            return encoder_weights(before)
        own = network.trained()
        return {name: weight for name, weight in before.items() if name in own}

    def _schedule(self) -> Schedule:
        return Schedule(
            seed=self.seed,
            learning_rate=self.phase.learning_rate,
            weight_decay=self.recipe.weight_decay,
            clip_norm=self.recipe.clip_norm,
            warmup_ratio=self.recipe.warmup_ratio,
            accumulation=self.phase.accumulation,
            evaluations=self.phase.evaluations,
            keep=self.phase.keep,
        )

    def batches(self) -> list[PlannedBatch]:
        """Plan the batches of the phase, in order."""
        text = self.phase.masked_text
        if text is None:
            return self._task_batches(self._budget)
        if self._budget is not None:
            count = min(round(text.share * self._budget), self._budget - 1)
            batches = self._task_batches(self._budget - count)
        else:
            batches = self._task_batches(None)
            count = round(len(batches) * text.share / (1 - text.share))
        return interleave(batches, self._masked_batches(count), self.seed)

    @property
    def _budget(self) -> int | None:
        """The batches of the phase where its length is given in steps."""
        phase = self.phase
        return None if phase.steps is None else phase.steps * phase.accumulation

    def _task_batches(self, count: int | None) -> list[PlannedBatch]:
        phase = self.phase
        mix = Mix(phase.epochs, phase.batch_tokens, phase.size_cap, count)
        tasks = {name: self.sets.training[name] for name, _ in phase.training_sets}
        return plan(tasks, mix, self.seed)

    def _masked_batches(self, count: int) -> list[PlannedBatch]:
        rows = {MASKED_TEXT: self.sets.training[MASKED_TEXT]}
        found: list[PlannedBatch] = []
        while len(found) < count:
            found += plan(rows, Mix(1.0, self.phase.batch_tokens), self.seed + len(found))
        return found[:count]

    def _validate(self, network: Network) -> dict[str, float]:
        accuracy = {}
        for name, items in self.sets.validation.items():
            head = self.sets.heads[name.partition("/")[0]]
            right = asked = 0
            for batch in by_length(items, self.phase.batch_tokens):
                chosen = [items[place] for place in batch]
                inputs = make_inputs(head, chosen, network.padding_id)
                answer = network(inputs.to(network.device))
                right, asked = right + answer.right, asked + answer.asked
            accuracy[name] = right / asked
        return accuracy


class _BatchMaker:
    """Makes the tensors of a batch by its number; text gets a new mask each time."""

    def __init__(self, run: PhaseRun, batches: Sequence[PlannedBatch], padding_id: int) -> None:
        self._run = run
        self._batches = batches
        self._padding_id = padding_id
        self._masker: Masker | None = None
        if run.phase.masked_text is not None:
            self._masker = Masker(
                ExampleTokenizer(run.base, Prompt(), run.phase.max_tokens).tokenizer
            )

    def __call__(self, number: int) -> Inputs:
        batch, sets = self._batches[number], self._run.sets
        items = [sets.training[batch.task][place] for place in batch.items]
        if batch.task == MASKED_TEXT:
            assert self._masker is not None
            items = [
                self._masker.hide(item.rows[0], f"{self._run.seed}/{number}/{place}")
                for place, item in enumerate(items)
            ]
        return make_inputs(sets.heads[batch.task], items, self._padding_id)
