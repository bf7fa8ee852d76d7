"""Tiny XLM-R checkpoints: the real classes with a few thousand weights, made in a moment."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import UnigramTrainer
from transformers import (
    XLMRobertaConfig,
    XLMRobertaForMultipleChoice,
    XLMRobertaForSequenceClassification,
)

from tests.sample import sample_items

MAX_TOKENS = 256
PIECES = 400


def tokenizer() -> Tokenizer:
    """Train a small Unigram tokenizer of XLM-R's form on the load test's sample."""
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
    return made


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
            "pad_token_id": 1,
            "bos_token_id": 0,
            "eos_token_id": 2,
            # Large, so that different rows get visibly different logits.
            "initializer_range": 0.3,
            **changes,
        }
    )


def multiple_choice(directory: Path, seed: int = 1) -> Path:
    """Write a multiple-choice checkpoint."""
    torch.manual_seed(seed)
    XLMRobertaForMultipleChoice(config()).save_pretrained(directory)
    tokenizer().save(str(directory / "tokenizer.json"))
    return directory


def classifier(directory: Path, labels: int = 1, seed: int = 1) -> Path:
    """Write a sequence-classification checkpoint."""
    torch.manual_seed(seed)
    XLMRobertaForSequenceClassification(config(num_labels=labels)).save_pretrained(directory)
    tokenizer().save(str(directory / "tokenizer.json"))
    return directory


def headless(directory: Path, seed: int = 1) -> Path:
    """Write a pretrained encoder that no task has fine-tuned."""
    torch.manual_seed(seed)
    model = XLMRobertaForMultipleChoice(config())
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
