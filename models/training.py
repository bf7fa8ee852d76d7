"""``xcopa train``: a recipe to a variant, stage by stage, resumable after a kill.

Hugging Face's Trainer runs each stage: progress bar, checkpoints, learning-rate schedule, CPU or
GPU. What is kept is a PEFT adapter, small enough to commit, which the service loads as it loads
anybody's. A stage that is done is never run again; one that was interrupted goes on from its
last checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch.utils.data import Dataset, Sampler
from transformers import (
    Trainer,
    TrainerCallback,
    TrainingArguments,
    XLMRobertaForMultipleChoice,
    set_seed,
)
from transformers.trainer_utils import get_last_checkpoint

from app.engine.prompt import Prompt
from app.engine.tokenizer import PairTokenizer
from app.errors import InvalidRequestError
from models.recipe import Recipe, RecipeError, Stage
from models.tasks import copa, ecare
from models.tasks.example import DataError, Example

LOADERS: dict[str, Callable[[Path, str], list[Example]]] = {"copa": copa.load, "ecare": ecare.load}

_LINEAR_LAYERS = r"roberta\.encoder\..*\.(query|key|value|dense)"
_BATCHES_A_POOL = 20
"""Items are drawn at random by the pool, and grouped by length within it."""

_HEAD = ["pooler", "classifier"]
_ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


@dataclass(frozen=True)
class TrainingRun:
    """Where a run reads and writes."""

    recipe: Recipe
    base: Path
    data: Path
    work: Path
    """Checkpoints and logs, for resuming; not committed."""
    out: Path
    """The finished variant."""


def train(run: TrainingRun) -> None:
    """Run every stage that is not done yet and write the variant.

    Raises:
        RecipeError: the work folder holds a run of another recipe.
        DataError: a data file is missing or wrong, or an item is too long for the base.
    """
    _claim(run.work, run.recipe)
    previous: Path | None = None
    for index, stage in enumerate(run.recipe.stages, start=1):
        directory = run.work / f"{index}-{stage.task}"
        previous = _run_stage(run, stage, directory, previous)
    assert previous is not None
    _publish(run, previous)


def _claim(work: Path, recipe: Recipe) -> None:
    """Bind the work folder to the recipe, so that a changed recipe cannot resume an old run."""
    digest = hashlib.sha256(recipe.model_dump_json().encode()).hexdigest()
    marker = work / "recipe.sha256"
    if marker.exists() and marker.read_text(encoding="ascii") != digest:
        raise RecipeError(
            f"{work} holds a run of another recipe; remove it, or name another with --work"
        )
    work.mkdir(parents=True, exist_ok=True)
    marker.write_text(digest, encoding="ascii")


def _run_stage(run: TrainingRun, stage: Stage, directory: Path, previous: Path | None) -> Path:
    final = directory / "final"
    if final.is_dir():
        return final
    set_seed(run.recipe.seed)
    model = _model(run, previous)
    encode = _Encoder(run)
    training = encode(LOADERS[stage.task](run.data, "train")[: stage.max_items])
    validation = encode(LOADERS[stage.task](run.data, "val")[: stage.max_items])
    trainer = _LengthGroupedTrainer(
        model=model,
        args=_arguments(run.recipe, stage, directory, len(training)),
        train_dataset=training,
        eval_dataset=validation,
        data_collator=_Collator(model.config.pad_token_id),
        compute_metrics=_accuracy,
        callbacks=[_LogToFile(run.work / "log.jsonl", directory.name)],
    )
    directory.mkdir(parents=True, exist_ok=True)
    resume_from = _last_whole_checkpoint(directory)
    trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    # The folder takes its final name when it is whole, so a kill never leaves half a stage.
    saved = directory / "saving"
    trainer.save_model(str(saved))
    saved.rename(final)
    return final


def _last_whole_checkpoint(directory: Path) -> Path | None:
    """Find what to go on from, and drop a checkpoint that a kill left half-written.

    The Trainer writes the state of a checkpoint last, so one whose state reads is whole.
    """
    while (found := get_last_checkpoint(str(directory))) is not None:
        last = Path(found)
        try:
            json.loads((last / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            shutil.rmtree(last)
        else:
            return last
    return None


def _model(run: TrainingRun, previous: Path | None) -> Any:
    base = XLMRobertaForMultipleChoice.from_pretrained(
        run.base,
        dtype=torch.float32,
        hidden_dropout_prob=run.recipe.dropout,
        attention_probs_dropout_prob=run.recipe.dropout,
    )
    if previous is not None:
        return PeftModel.from_pretrained(base, str(previous), is_trainable=True)
    shape = run.recipe.adapter
    config = LoraConfig(
        r=shape.rank,
        lora_alpha=shape.alpha,
        lora_dropout=0.0,
        target_modules=_LINEAR_LAYERS,
        modules_to_save=_HEAD,
    )
    return get_peft_model(base, config)


def _arguments(recipe: Recipe, stage: Stage, directory: Path, items: int) -> TrainingArguments:
    steps = -(-items // stage.batch_size)
    every = max(1, steps // stage.evaluations_per_epoch)
    return TrainingArguments(
        output_dir=str(directory),
        num_train_epochs=stage.epochs,
        learning_rate=stage.learning_rate,
        per_device_train_batch_size=stage.batch_size,
        per_device_eval_batch_size=stage.batch_size,
        lr_scheduler_type="linear",
        warmup_steps=int(recipe.warmup_ratio * steps * stage.epochs),
        weight_decay=recipe.weight_decay,
        seed=recipe.seed,
        bf16=recipe.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="steps",
        save_strategy="steps",
        eval_steps=every,
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="accuracy",
        logging_steps=max(1, min(25, every)),
        remove_unused_columns=False,
        label_names=["labels"],
        report_to=[],
        dataloader_pin_memory=torch.cuda.is_available(),
    )


class _LengthGroupedTrainer(Trainer):  # type: ignore[misc]
    """Batches items of like length; the order of an epoch depends on seed and epoch alone.

    A resumed run therefore sees the batches that it would have seen without the interruption.
    """

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        dataset = train_dataset if train_dataset is not None else self.train_dataset
        return _EpochSampler(dataset.lengths, self.args.train_batch_size, self.args.seed)


class _EpochSampler(Sampler[int]):
    def __init__(self, lengths: list[int], batch_size: int, seed: int) -> None:
        self._lengths = lengths
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer's data loader at the start of each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed + self._epoch)
        order = torch.randperm(len(self._lengths), generator=generator).tolist()
        pool = self._batch_size * _BATCHES_A_POOL
        order = [
            index
            for start in range(0, len(order), pool)
            for index in sorted(order[start : start + pool], key=self._lengths.__getitem__)
        ]
        size = self._batch_size
        full = len(order) // size
        # Batches in order of length would teach long items first and short ones last.
        for batch in torch.randperm(full, generator=generator).tolist():
            yield from order[batch * size : (batch + 1) * size]
        yield from order[full * size :]


class _Encoder:
    """Turns examples into a dataset with the very tokenizer that serves."""

    def __init__(self, run: TrainingRun) -> None:
        words = run.recipe.prompt
        self._tokenizer = PairTokenizer(
            Tokenizer.from_file(str(run.base / "tokenizer.json")),
            Prompt(words.cause, words.effect),
            max_tokens=512,
        )

    def __call__(self, examples: Sequence[Example]) -> _Rows:
        encoded = self._tokenizer.encode([example.item for example in examples])
        features = []
        for rows, example in zip(encoded, examples, strict=True):
            if isinstance(rows, InvalidRequestError):
                raise DataError(f"{example.item}: {rows}")
            features.append({"rows": rows, "labels": example.label})
        return _Rows(features)


class _Rows(Dataset[dict[str, Any]]):
    """Encoded examples, and the length of each, which batches go by."""

    def __init__(self, features: list[dict[str, Any]]) -> None:
        self._features = features
        self.lengths = [max(map(len, feature["rows"])) for feature in features]

    def __len__(self) -> int:
        return len(self._features)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._features[index]


@dataclass(frozen=True)
class _Collator:
    padding: int

    def __call__(self, features: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        longest = max(len(row) for feature in features for row in feature["rows"])
        choices = len(features[0]["rows"])
        input_ids = torch.full((len(features), choices, longest), self.padding)
        mask = torch.zeros_like(input_ids)
        for index, feature in enumerate(features):
            for choice, row in enumerate(feature["rows"]):
                input_ids[index, choice, : len(row)] = torch.tensor(row)
                mask[index, choice, : len(row)] = 1
        labels = torch.tensor([feature["labels"] for feature in features])
        return {"input_ids": input_ids, "attention_mask": mask, "labels": labels}


def _accuracy(prediction: Any) -> dict[str, float]:
    chosen = np.argmax(prediction.predictions, axis=1)
    return {"accuracy": float((chosen == prediction.label_ids).mean())}


class _LogToFile(TrainerCallback):  # type: ignore[misc]
    """Appends what the Trainer reports (loss, validation accuracy) to a JSON Lines file."""

    def __init__(self, path: Path, stage: str) -> None:
        self._path = path
        self._stage = stage

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        entry = {"stage": self._stage, "step": state.global_step, **(logs or {})}
        with self._path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(entry) + "\n")


def _publish(run: TrainingRun, final: Path) -> None:
    """Write the variant: weights in half precision, the prompt, and a base that travels."""
    run.out.mkdir(parents=True, exist_ok=True)
    for name in _ADAPTER_FILES:
        shutil.copyfile(final / name, run.out / name)
    _halve(run.out / "adapter_model.safetensors")
    config_path = run.out / "adapter_config.json"
    config = json.loads(config_path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = run.recipe.base
    config_path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    Prompt(run.recipe.prompt.cause, run.recipe.prompt.effect).save(run.out)


def _halve(path: Path) -> None:
    halved = {name: tensor.half().contiguous() for name, tensor in load_file(path).items()}
    save_file(halved, path, metadata={"format": "pt"})
    path.chmod(0o644)
