"""Tiny XLM-R checkpoints: the real classes with a few thousand weights, made in a moment."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import UnigramTrainer
from torch import nn
from transformers import (
    XLMRobertaConfig,
    XLMRobertaForMultipleChoice,
    XLMRobertaForSequenceClassification,
)

from tests.sample import sample_items

MAX_TOKENS = 256
PIECES = 400
PADDING = 1


def tokenizer() -> Tokenizer:
    """Return a small Unigram tokenizer of XLM-R's form, the same one in the whole process."""
    return Tokenizer.from_str(_trained())


@cache
def _trained() -> str:
    """Train it on the load test's sample; threads make each training a little different."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    texts = [text for item in sample_items() for text in item.values()]
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    made.train_from_iterator(
        texts, UnigramTrainer(vocab_size=PIECES, special_tokens=specials, unk_token="<unk>")
    )
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return made.to_str()


def config(**changes: object) -> XLMRobertaConfig:
    return XLMRobertaConfig(
        **{
            "vocab_size": PIECES,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 48,
            "max_position_embeddings": MAX_TOKENS + 2,
            "type_vocab_size": 1,
            "pad_token_id": PADDING,
            "bos_token_id": 0,
            "eos_token_id": 2,
            # Of a head that training puts on a checkpoint: large enough to learn a batch by heart.
            "initializer_range": 0.3,
            **changes,
        }
    )


@torch.no_grad()
def draw(model: nn.Module, seed: int) -> None:
    """Draw every parameter anew, biases, norms and the rows of padding too.

    A new model's biases are zero and its norms are one, and what multiplies or adds nothing can be
    left out unseen. The sizes are those that keep a layer's output about as large as its input,
    with attention that is far from even, so that different rows get visibly different logits.
    """
    chance = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        drawn = torch.randn(parameter.shape, generator=chance)
        if "norm" in name.lower():
            parameter.copy_(0.3 * drawn + name.endswith("weight"))
        elif name.endswith("bias"):
            parameter.copy_(0.3 * drawn)
        elif "embeddings" in name:
            parameter.copy_(drawn)
        else:
            gain = 2.0 if "query" in name or "key" in name or "classifier" in name else 1.4
            parameter.copy_(gain * drawn / parameter.shape[1] ** 0.5)


def drawn_multiple_choice(seed: int, **changes: object) -> XLMRobertaForMultipleChoice:
    """Return a model whose every parameter is random."""
    model = XLMRobertaForMultipleChoice(config(**changes))
    draw(model, seed)
    return model


def drawn_classifier(
    seed: int, labels: int = 1, **changes: object
) -> XLMRobertaForSequenceClassification:
    """Return the same as a sequence classifier."""
    model = XLMRobertaForSequenceClassification(config(num_labels=labels, **changes))
    draw(model, seed)
    return model


def multiple_choice(directory: Path, seed: int = 1) -> Path:
    """Write a multiple-choice checkpoint."""
    drawn_multiple_choice(seed).save_pretrained(directory)
    tokenizer().save(str(directory / "tokenizer.json"))
    return directory


def classifier(directory: Path, labels: int = 1, seed: int = 1) -> Path:
    """Write a sequence-classification checkpoint."""
    drawn_classifier(seed, labels).save_pretrained(directory)
    tokenizer().save(str(directory / "tokenizer.json"))
    return directory


def headless(directory: Path, seed: int = 1) -> Path:
    """Write a pretrained encoder that no task has fine-tuned."""
    model = drawn_multiple_choice(seed)
    model.roberta.pooler = None
    model.roberta.save_pretrained(directory)
    tokenizer().save(str(directory / "tokenizer.json"))
    return directory


def classifier_adapter(directory: Path, base: Path, labels: int = 1) -> Path:
    """Write a PEFT adapter that was trained as a sequence classifier, its head included."""
    torch.manual_seed(4)
    model = XLMRobertaForSequenceClassification.from_pretrained(base, num_labels=labels)
    shape = LoraConfig(
        task_type="SEQ_CLS", r=4, target_modules=["query", "value"], init_lora_weights=False
    )
    get_peft_model(model, shape).save_pretrained(str(directory))
    return directory


def adapter(directory: Path, base: Path, seed: int = 2, with_head: bool = True) -> Path:
    """Write a PEFT adapter on a base, with random weights."""
    torch.manual_seed(seed)
    model = XLMRobertaForMultipleChoice.from_pretrained(base)
    adapted = get_peft_model(
        model,
        LoraConfig(
            r=4,
            lora_alpha=8,
            target_modules=["query", "value"],
            init_lora_weights=False,
            modules_to_save=["pooler", "classifier"] if with_head else None,
        ),
    )
    adapted.save_pretrained(str(directory))
    return directory
