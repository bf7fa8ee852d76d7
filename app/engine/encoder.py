"""The packed forward pass of XLM-R: from rows of token ids to one logit for each row.

It computes the same as transformers' ``XLMRobertaForMultipleChoice``, and leaves out everything
that cannot change the answer:

* rows are packed end to end, so no linear layer and no layer norm processes padding;
* the head reads only ``<s>``, so the last layer is computed only for ``<s>``;
* query, key and value are one product; the scale of the query is folded into its weights, and the
  only token type into the position table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import XLMRobertaConfig, XLMRobertaForMultipleChoice
from transformers.activations import ACT2FN
from transformers.models.xlm_roberta.modeling_xlm_roberta import (
    XLMRobertaLayer,
    XLMRobertaSelfAttention,
)

from app.engine.adapted import AdaptedLinear
from app.engine.attention import Attend, attend_from_first, choose_attention
from app.engine.engine import ALIGNMENT, Row
from app.engine.kernel_choice import Kernels, Product, Then
from app.engine.kernels import products_of, then_of, unmeasured
from app.engine.linear import Activation, Linear
from app.engine.low_rank import LowRankChange, LowRankLinear
from app.engine.memory import PART_TOKENS, part_tokens
from app.engine.packing import MERGE_BELOW, PackedRows, pack
from app.engine.target import EXACT, Target
from app.engine.weight_store import WeightStore

CUDA_MERGE_BELOW = 1 << 16
"""``MERGE_BELOW`` on CUDA: a group costs more there than the scores it saves."""


class PackedEncoder:
    """XLM-R with a multiple-choice head; takes its weights from transformers' model.

    Every row is scored on its own (a choice set of one), so items with any number of choices
    share a batch; the softmax over an item's choices is the caller's.

    Args:
        model: on the target's device, in fp32; all but its word table is copied.
        target: where to compute, and in which numbers. Only the linear layers and attention
            follow it: the embeddings, the stream between layers with its norms, the last layer
            and the head are fp32 whatever it says.
        kernels: of the linear layers; without them, those that need no measurement.
        store: holds the copies; of models that share one, equal layers are in memory once.
    """

    def __init__(
        self,
        model: XLMRobertaForMultipleChoice,
        target: Target = EXACT,
        kernels: Kernels | None = None,
        store: WeightStore | None = None,
    ) -> None:
        config: XLMRobertaConfig = model.config
        making = _Making(config, kernels or unmeasured(target), store or WeightStore())
        self._padding = config.pad_token_id
        self._device = target.device
        self._part_tokens = part_tokens(target)
        self._attention = choose_attention(config, target)
        embeddings = model.roberta.embeddings
        # Not a copy: two variants may share this table, and it is most of a model.
        self._words: Tensor = embeddings.word_embeddings.weight
        # Everything is of the first token type, so its vector belongs to every position.
        types = embeddings.token_type_embeddings.weight
        self._places = making.store.tensor(embeddings.position_embeddings.weight + types[0])
        self._norm = _Norm(embeddings.LayerNorm)
        *layers, last = model.roberta.encoder.layer
        self._layers = [_Layer(layer, target, making) for layer in layers]
        rest = replace(making, kernels=Kernels(otherwise=making.kernels.otherwise))
        self._last = _LastLayer(last, rest)
        self._pool = rest.linear(model.roberta.pooler.dense, torch.float32, torch.tanh)
        self._classify = rest.linear(model.classifier, torch.float32)

    @property
    def word_table(self) -> Tensor:
        """``[pieces, hidden]``, the memory that variants may share."""
        return self._words

    def logits(self, rows: Sequence[Row]) -> list[float]:
        """Return one logit for each row.

        Args:
            rows: token ids, one sequence a row, of any lengths from 1 to the model's limit.
        """
        if not rows:
            return []
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        parts = _parts([len(rows[index]) for index in order], self._part_tokens)
        scores = [
            self._forward(self._pack([rows[index] for index in order[part]])) for part in parts
        ]
        logits = [0.0] * len(rows)
        # One wait for the device, at the end.
        for index, logit in zip(order, torch.cat(scores).tolist(), strict=True):
            logits[index] = logit
        return logits

    def _pack(self, rows: Sequence[Row]) -> PackedRows:
        merge_below = MERGE_BELOW if self._device.type == "cpu" else CUDA_MERGE_BELOW
        return pack(rows, self._padding, merge_below, self._device)

    @torch.inference_mode()
    def warm_up(self) -> None:
        """Run a layer once with every number of tokens that a part of a batch can have.

        oneDNN compiles its kernels for a shape at the first use of it; no caller waits for that.
        """
        for tokens in range(ALIGNMENT, PART_TOKENS + 1, ALIGNMENT):
            attend = self._attention.over(self._pack([[0] * tokens]))
            x = self._places.new_zeros(tokens, self._places.shape[1])
            for layer in self._layers[:1]:
                layer(x, attend)

    @torch.inference_mode()
    def _forward(self, packed: PackedRows) -> Tensor:
        attend = self._attention.over(packed)
        x = functional.embedding(packed.ids, self._words)
        x += functional.embedding(packed.positions, self._places)
        x = self._norm(x)
        for layer in self._layers:
            x = layer(x, attend)
        pooled = self._pool(self._last(x, packed))
        return self._classify(pooled)[: len(packed.lengths), 0]


def _parts(lengths: Sequence[int], most_tokens: int) -> Iterator[slice]:
    """Cut rows into runs of at most so many tokens, or of one row that is longer by itself."""
    start, tokens = 0, 0
    for index, length in enumerate(lengths):
        if index > start and tokens + length > most_tokens:
            yield slice(start, index)
            start, tokens = index, 0
        tokens += length
    yield slice(start, len(lengths))


def _in_parts(layer: Callable[..., Tensor], most_tokens: int, *streams: Tensor) -> Tensor:
    """Apply what treats each token by itself, to a row longer than a part piece by piece.

    Its widest activations then stay as small as a part's, and oneDNN meets no new shapes.
    """
    tokens = len(streams[0])
    if tokens <= most_tokens:
        return layer(*streams)
    pieces = zip(*(torch.split(stream, most_tokens) for stream in streams), strict=True)
    first = layer(*next(pieces))
    whole = first.new_empty(tokens, first.shape[1])
    whole[:most_tokens] = first
    for index, piece in enumerate(pieces, start=1):
        whole[index * most_tokens :][: len(piece[0])] = layer(*piece)
    return whole


@dataclass(frozen=True)
class _Making:
    """What the parts of an encoder are made with."""

    config: XLMRobertaConfig
    kernels: Kernels
    store: WeightStore

    def linear(
        self,
        linear: nn.Linear | AdaptedLinear,
        dtype: torch.dtype,
        activation: Activation | None = None,
        then: Then = Then.NOTHING,
    ) -> Linear:
        base = _base_of(linear)
        outputs, inputs = base.weight.shape
        kernel = self.kernels.of(Product(inputs, outputs, then))
        if base is linear:
            return self.store.linear(base.weight.to(dtype), base.bias, activation, kernel)
        shared = self.store.linear(base.weight.to(dtype), base.bias, None, kernel)
        return LowRankLinear(shared, self.changes(linear, dtype), activation)

    def changes(
        self,
        linear: nn.Linear | AdaptedLinear,
        dtype: torch.dtype,
        scale: float = 1,
        first: int = 0,
    ) -> list[LowRankChange]:
        """Return what an adapter adds to a layer's product, if there is one: none or one."""
        if not isinstance(linear, AdaptedLinear):
            return []
        up = linear.up * (linear.scale * scale)
        return [LowRankChange(linear.down.to(dtype), up.to(dtype), first)]


class _Norm:
    def __init__(self, norm: nn.LayerNorm) -> None:
        self._weight, self._bias, self._eps = norm.weight.clone(), norm.bias.clone(), norm.eps

    def __call__(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self._weight, self._bias, self._eps)


class _FeedForward:
    """What follows attention: output projection, then the two linear layers, each with its norm."""

    def __init__(self, layer: XLMRobertaLayer, dtype: torch.dtype, making: _Making) -> None:
        attention, up, down = layer.attention.output, layer.intermediate, layer.output
        name = making.config.hidden_act
        self._project = making.linear(attention.dense, dtype, then=Then.SUM)
        self._project_norm = _Norm(attention.LayerNorm)
        self._up = making.linear(up.dense, dtype, _activation(name), then_of(name))
        self._down = making.linear(down.dense, dtype, then=Then.SUM)
        self._down_norm = _Norm(down.LayerNorm)

    def __call__(self, context: Tensor, x: Tensor) -> Tensor:
        x = self._project_norm(self._project(context, x))
        return self._down_norm(self._down(self._up(x), x))


class _Layer:
    """One layer for every token."""

    def __init__(self, layer: XLMRobertaLayer, target: Target, making: _Making) -> None:
        dtype = target.dtype
        self._part_tokens = part_tokens(target)
        self._qkv = _query_key_value(layer.attention.self, dtype, making)
        self._feed_forward = _FeedForward(layer, dtype, making)

    def __call__(self, x: Tensor, attend: Attend) -> Tensor:
        context = attend(_in_parts(self._qkv, self._part_tokens, x))
        return _in_parts(self._feed_forward, self._part_tokens, context, x)


def _query_key_value(own: XLMRobertaSelfAttention, dtype: torch.dtype, making: _Making) -> Linear:
    parts = (own.query, own.key, own.value)
    query, key, value = map(_base_of, parts)
    scale = own.attention_head_size**-0.5
    linear = making.store.linear(
        torch.cat([query.weight * scale, key.weight, value.weight]).to(dtype),
        torch.cat([query.bias * scale, key.bias, value.bias]),
        kernel=making.kernels.of(products_of(making.config)[0]),
    )
    hidden = making.config.hidden_size
    changes = [
        change
        for place, (part, own_scale) in enumerate(zip(parts, (scale, 1, 1), strict=True))
        for change in making.changes(part, dtype, own_scale, place * hidden)
    ]
    return LowRankLinear(linear, changes) if changes else linear


class _LastLayer:
    """The last layer, only for the ``<s>`` of each row; always fp32, as it takes little time."""

    def __init__(self, layer: XLMRobertaLayer, making: _Making) -> None:
        own = layer.attention.self
        heads, size = making.config.num_attention_heads, own.attention_head_size
        scale, copy = size**-0.5, making.store.tensor
        # Read by head, so an adapter's changes of these three are merged.
        query, key, value = map(_weight_and_bias, (own.query, own.key, own.value))
        self._query = making.store.linear(
            query[0] * scale, query[1] * scale, kernel=making.kernels.otherwise
        )
        self._key_weight = copy(key[0]).view(heads, size, -1)
        self._value_weight = copy(value[0]).view(heads, size, -1)
        self._value_bias = copy(value[1])
        self._feed_forward = _FeedForward(layer, torch.float32, making)

    def __call__(self, x: Tensor, packed: PackedRows) -> Tensor:
        first = x.index_select(0, packed.firsts)
        query = self._query(first)
        context = attend_from_first(query, x, self._key_weight, self._value_weight, packed)
        return self._feed_forward(context + self._value_bias, first)


def _base_of(linear: nn.Linear | AdaptedLinear) -> nn.Linear:
    return linear.base if isinstance(linear, AdaptedLinear) else linear


def _weight_and_bias(linear: nn.Linear | AdaptedLinear) -> tuple[Tensor, Tensor]:
    if isinstance(linear, AdaptedLinear):
        return linear.merged_weight, linear.base.bias
    return linear.weight, linear.bias


def _activation(name: str) -> Activation:
    activation: Activation = functional.gelu if name == "gelu" else ACT2FN[name]
    return activation
