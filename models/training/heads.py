"""The heads on the encoder: one for each kind of task, with its loss and its score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from models.tasks.example import Head
from models.training.batch import Inputs
from models.training.example_tokenizer import IGNORED

MASKED_TEXT = "masked-text"
"""The head of masked language modelling, which is no task of its own."""


@dataclass(frozen=True)
class BatchResult:
    """The result of a batch."""

    loss: Tensor
    """Scalar: the mean over what was asked."""
    right: int
    asked: int
    """Items; tokens where each is asked about."""


def head_name(kind: Head, task: str) -> str:
    """Name the head of a task.

    Multiple-choice tasks share one: a choice's plausibility means the same in all of them.
    Others have labels of their own. ``kind`` leads, so that a name tells which module it is.
    """
    return kind.value if kind is Head.MULTIPLE_CHOICE else f"{kind.value}:{task}"


def make_head(name: str, labels: int, encoder: Any) -> nn.Module:
    """Make a new head.

    Args:
        name: of ``head_name``, or ``MASKED_TEXT``.
        labels: how many there are, where the kind has any.
        encoder: an ``XLMRobertaModel``; says the sizes, and gives its embeddings to the head of
            masked text.
    """
    kind = name.partition(":")[0]
    hidden: int = encoder.config.hidden_size
    made: dict[str, Callable[[], nn.Module]] = {
        Head.MULTIPLE_CHOICE: lambda: ChoiceHead(hidden),
        Head.CLASSIFICATION: lambda: SentenceHead(hidden, labels),
        Head.SPAN: lambda: SpanHead(hidden),
        Head.TAGGING: lambda: TagHead(hidden, labels),
        MASKED_TEXT: lambda: MaskedTextHead(encoder),
    }
    head = made[kind]()
    for module in head.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=encoder.config.initializer_range)
            nn.init.zeros_(module.bias)
    return head


class _Pooled(nn.Module):
    """Dense, tanh and a projection of ``<s>``: the head of XLM-R's classifiers."""

    def __init__(self, hidden: int, outputs: int) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden, hidden)
        self.projection = nn.Linear(hidden, outputs)

    def logits(self, states: Tensor, inputs: Inputs) -> Tensor:
        first = states.index_select(0, inputs.stream.starts)
        return self.projection(torch.tanh(self.dense(first))).float()  # type: ignore[no-any-return]


class ChoiceHead(_Pooled):
    """A score for each choice; the softmax is over the choices of an item."""

    def __init__(self, hidden: int) -> None:
        super().__init__(hidden, 1)

    def forward(self, states: Tensor, inputs: Inputs) -> BatchResult:
        scores = torch.split(self.logits(states, inputs)[:, 0], list(inputs.counts))
        table = pad_sequence(list(scores), batch_first=True, padding_value=float("-inf"))
        return _over_labels(table, torch.cat(inputs.targets))


class SentenceHead(_Pooled):
    """A score for each label."""

    def forward(self, states: Tensor, inputs: Inputs) -> BatchResult:
        return _over_labels(self.logits(states, inputs), torch.cat(inputs.targets))


class SpanHead(nn.Module):
    """A score for each token to begin, and to end, the answer (Devlin et al. 2019, section 4.2).

    An answer that is not there lies at ``<s>``.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.projection = nn.Linear(hidden, 2)

    def forward(self, states: Tensor, inputs: Inputs) -> BatchResult:
        scores = self.projection(_by_row(states, inputs)).float()
        beyond = _beyond(inputs, states.device)
        starts, stops = scores.masked_fill(beyond[..., None], float("-inf")).unbind(-1)
        first, last = torch.stack(inputs.targets).unbind(1)
        loss = functional.cross_entropy(starts, first) + functional.cross_entropy(stops, last)
        right = (starts.argmax(1) == first) & (stops.argmax(1) == last)
        return BatchResult(loss / 2, int(right.sum()), len(first))


class TagHead(nn.Module):
    """A score for each tag of each word; the first piece of a word answers for it."""

    def __init__(self, hidden: int, labels: int) -> None:
        super().__init__()
        self.projection = nn.Linear(hidden, labels)

    def forward(self, states: Tensor, inputs: Inputs) -> BatchResult:
        target, asked = _asked(inputs)
        return _over_labels(self.projection(states.index_select(0, asked)).float(), target)


class MaskedTextHead(nn.Module):
    """The piece that stood at a hidden place; the output table is the embeddings'."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        hidden = encoder.config.hidden_size
        self.dense = nn.Linear(hidden, hidden)
        self.norm = nn.LayerNorm(hidden, eps=encoder.config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(encoder.config.vocab_size))
        # In a tuple, so that the table does not become a weight of the head as well.
        self._table = (encoder.embeddings.word_embeddings,)

    def forward(self, states: Tensor, inputs: Inputs) -> BatchResult:
        target, asked = _asked(inputs)
        guessed = self.norm(functional.gelu(self.dense(states.index_select(0, asked))))
        logits = functional.linear(guessed, self._table[0].weight, self.bias).float()
        return _over_labels(logits, target)


def _over_labels(logits: Tensor, target: Tensor) -> BatchResult:
    if not len(target):
        return BatchResult(logits.sum() * 0.0, 0, 0)
    right = int((logits.argmax(1) == target).sum())
    return BatchResult(functional.cross_entropy(logits, target), right, len(target))


def _asked(inputs: Inputs) -> tuple[Tensor, Tensor]:
    """Return the targets that are not ignored, and their places in the stream."""
    target = torch.cat(inputs.targets)
    places = torch.cat(
        [
            start + torch.arange(length, device=target.device)
            for start, length in zip(inputs.stream.starts, inputs.lengths, strict=True)
        ]
    )
    asked = target != IGNORED
    return target[asked], places[asked]


def _by_row(states: Tensor, inputs: Inputs) -> Tensor:
    """Return ``[rows, longest, hidden]``; the places after a row's end have any value."""
    within = torch.arange(max(inputs.lengths), device=states.device)
    places = inputs.stream.starts[:, None] + within
    return states[places.clamp(max=len(states) - 1)]


def _beyond(inputs: Inputs, device: torch.device) -> Tensor:
    within = torch.arange(max(inputs.lengths), device=device)
    return within[None, :] >= torch.tensor(inputs.lengths, device=device)[:, None]
