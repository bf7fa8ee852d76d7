"""The packed forward pass of XLM-R: rows of token ids to one logit a row.

It computes what transformers' ``XLMRobertaForMultipleChoice`` computes, and leaves out what
cannot change the answer:

* rows are packed end to end, so no linear layer and no layer norm ever sees padding;
* the head reads ``<s>`` alone, so the last layer is computed for ``<s>`` alone;
* query, key and value are one product; the query's scale is folded into its weights and the
  only token type into the position table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import XLMRobertaConfig, XLMRobertaForMultipleChoice
from transformers.activations import ACT2FN
from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaLayer

from app.engine.attention import Attend, GroupedAttention, attend_from_first
from app.engine.linear import Activation, Linear, make_linear
from app.engine.packing import ALIGNMENT, PackedRows, pack

MICRO_BATCH_TOKENS = 512
"""A larger batch is run in parts of this size: the activations of a part stay in the cache, and
nothing is gained above (``docs/performance.md``)."""

Row = Sequence[int]


class PackedEncoder:
    """XLM-R with a multiple-choice head on a CPU; takes its weights from transformers' model.

    Every row is scored on its own (a choice set of one), so items with any number of choices
    share a batch; the softmax over an item's choices is the caller's.
    """

    def __init__(self, model: XLMRobertaForMultipleChoice) -> None:
        config: XLMRobertaConfig = model.config
        self._padding = config.pad_token_id
        self._attention = GroupedAttention(config.num_attention_heads)
        embeddings = model.roberta.embeddings
        # Not a copy: two variants may share this table, and it is most of a model.
        self._words: Tensor = embeddings.word_embeddings.weight
        # There is one token type, so its vector belongs to every position.
        types = embeddings.token_type_embeddings.weight
        self._places = embeddings.position_embeddings.weight + types[0]
        self._norm = _Norm(embeddings.LayerNorm)
        *layers, last = model.roberta.encoder.layer
        self._layers = [_Layer(layer, config) for layer in layers]
        self._last = _LastLayer(last, config)
        self._pool = _linear(model.roberta.pooler.dense, torch.tanh)
        self._classify = _linear(model.classifier)

    @property
    def word_table(self) -> Tensor:
        """``[pieces, hidden]``, the memory that variants may share."""
        return self._words

    def logits(self, rows: Sequence[Row]) -> list[float]:
        """Return one logit a row.

        Args:
            rows: token ids, one sequence a row, of any lengths from 1 to the model's limit.
        """
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        logits = [0.0] * len(rows)
        for part in _parts(rows, order):
            packed = pack([rows[index] for index in part], self._padding)
            for index, logit in zip(part, self._forward(packed), strict=True):
                logits[index] = logit
        return logits

    @torch.inference_mode()
    def warm_up(self) -> None:
        """Run a layer once with every number of tokens that a part of a batch can have.

        oneDNN compiles its kernels for a shape at the first use of it; no caller waits for that.
        """
        for tokens in range(ALIGNMENT, MICRO_BATCH_TOKENS + 1, ALIGNMENT):
            attend = self._attention.over(pack([[0] * tokens], self._padding))
            for layer in self._layers[:1]:
                layer(self._places.new_zeros(tokens, self._places.shape[1]), attend)

    @torch.inference_mode()
    def _forward(self, packed: PackedRows) -> list[float]:
        attend = self._attention.over(packed)
        x = functional.embedding(packed.ids, self._words)
        x += functional.embedding(packed.positions, self._places)
        x = self._norm(x)
        for layer in self._layers:
            x = layer(x, attend)
        first = self._last(x, packed)
        logits = self._classify(self._pool(first))[: len(packed.lengths), 0]
        return [float(logit) for logit in logits.tolist()]


def _parts(rows: Sequence[Row], order: Sequence[int]) -> Iterator[list[int]]:
    """Cut the order into runs of rows that make a micro-batch each."""
    part: list[int] = []
    tokens = 0
    for index in order:
        if part and tokens + len(rows[index]) > MICRO_BATCH_TOKENS:
            yield part
            part, tokens = [], 0
        part.append(index)
        tokens += len(rows[index])
    if part:
        yield part


class _Norm:
    def __init__(self, norm: nn.LayerNorm) -> None:
        self._weight, self._bias, self._eps = norm.weight.clone(), norm.bias.clone(), norm.eps

    def __call__(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self._weight, self._bias, self._eps)


class _FeedForward:
    """What follows attention: output projection, then the two linear layers, each with its norm."""

    def __init__(self, layer: XLMRobertaLayer, config: XLMRobertaConfig) -> None:
        attention, up, down = layer.attention.output, layer.intermediate, layer.output
        self._project, self._project_norm = _linear(attention.dense), _Norm(attention.LayerNorm)
        self._up = _linear(up.dense, _activation(config.hidden_act))
        self._down, self._down_norm = _linear(down.dense), _Norm(down.LayerNorm)

    def __call__(self, context: Tensor, x: Tensor) -> Tensor:
        x = self._project_norm(self._project(context, x))
        return self._down_norm(self._down(self._up(x), x))


class _Layer:
    """One layer for every token."""

    def __init__(self, layer: XLMRobertaLayer, config: XLMRobertaConfig) -> None:
        own = layer.attention.self
        scale = own.attention_head_size**-0.5
        self._qkv = make_linear(
            torch.cat([own.query.weight * scale, own.key.weight, own.value.weight]),
            torch.cat([own.query.bias * scale, own.key.bias, own.value.bias]),
        )
        self._feed_forward = _FeedForward(layer, config)

    def __call__(self, x: Tensor, attend: Attend) -> Tensor:
        return self._feed_forward(attend(self._qkv(x)), x)


class _LastLayer:
    """The last layer, for each row's ``<s>`` alone."""

    def __init__(self, layer: XLMRobertaLayer, config: XLMRobertaConfig) -> None:
        own = layer.attention.self
        heads, size = config.num_attention_heads, own.attention_head_size
        self._query = make_linear(own.query.weight * size**-0.5, own.query.bias * size**-0.5)
        self._key_weight = own.key.weight.clone().view(heads, size, -1)
        self._value_weight = own.value.weight.clone().view(heads, size, -1)
        self._value_bias = own.value.bias.clone()
        self._feed_forward = _FeedForward(layer, config)

    def __call__(self, x: Tensor, packed: PackedRows) -> Tensor:
        first = x.index_select(0, packed.firsts)
        query = self._query(first)
        context = attend_from_first(query, x, self._key_weight, self._value_weight, packed)
        return self._feed_forward(context + self._value_bias, first)


def _linear(linear: nn.Linear, activation: Activation | None = None) -> Linear:
    return make_linear(linear.weight, linear.bias, activation)


def _activation(name: str) -> Activation:
    activation: Activation = functional.gelu if name == "gelu" else ACT2FN[name]
    return activation
