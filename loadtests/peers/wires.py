"""How a peer is asked about one item, and what its response says.

Each wire takes the body of a request to the service and makes the peer's of it. The service's has
the fields of XCOPA, and ``model``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from loadtests.peers.pairs import CHOICES, FIELDS, PairTexts, softmax

PeerAnswer = dict[str, Any]
"""With ``label``, ``probabilities`` and ``logits``."""

MODEL = "xcopa"
"""The name of the model in servers that have names for them."""


class CannotAskError(Exception):
    """A server has no way to be asked what a checkpoint asks; says in one line why."""


class Wire(Protocol):
    """A way to ask."""

    @property
    def path(self) -> str:
        """Of the endpoint."""

    def body(self, item: bytes) -> bytes:
        """Return the body of a request, made of that of a request to the service."""

    def answer(self, content: bytes) -> PeerAnswer:
        """Return what a response says of the one item.

        Raises:
            ValueError, KeyError, TypeError: it is no such response.
        """


@dataclass(frozen=True)
class PlainWire:
    """Asked and answered as the service is."""

    path: str = "/predict/xcopa"

    def body(self, item: bytes) -> bytes:
        return item

    def answer(self, content: bytes) -> PeerAnswer:
        found: PeerAnswer = json.loads(content)
        return found


@dataclass(frozen=True)
class ListWire:
    """A request and its answer are a list of one."""

    path: str = "/predict/xcopa"

    def body(self, item: bytes) -> bytes:
        return b'{"items": [%s]}' % item

    def answer(self, content: bytes) -> PeerAnswer:
        [only] = json.loads(content)
        found: PeerAnswer = only
        return found


@dataclass(frozen=True)
class TensorWire:
    """The Open Inference Protocol, v2: a tensor of one text for each field of the item.

    https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
    """

    path: str = f"/v2/models/{MODEL}/infer"

    def body(self, item: bytes) -> bytes:
        fields = json.loads(item)
        inputs = [
            {"name": name, "shape": [1, 1], "datatype": "BYTES", "data": [fields[name]]}
            for name in FIELDS
        ]
        return json.dumps({"inputs": inputs}).encode()

    def answer(self, content: bytes) -> PeerAnswer:
        outputs = {each["name"]: each["data"] for each in json.loads(content)["outputs"]}
        [label] = outputs["label"]
        return {
            "label": int(label),
            "probabilities": outputs["probabilities"],
            "logits": outputs["logits"],
        }


@dataclass(frozen=True)
class RerankWire:
    """A query with a document for each choice; scores are asked for raw, which are the logits.

    https://michaelfeil.eu/infinity/latest/ describes the endpoint.
    """

    texts: PairTexts
    path: str = "/rerank"

    @classmethod
    def of(cls, checkpoint: Path) -> RerankWire:
        """Return the wire of a checkpoint: its prompt becomes a part of the documents.

        Raises:
            CannotAskError: its prompt puts the choice before the premise of some questions.
        """
        texts = PairTexts.read(checkpoint)
        if texts.has_choice_first:
            raise CannotAskError(
                "cannot run: a reranker reads its one query first, and the prompt of this "
                "checkpoint puts the choices of a cause before the premise"
            )
        return cls(texts)

    def body(self, item: bytes) -> bytes:
        fields = json.loads(item)
        pairs = [self.texts.pair(fields, fields[choice]) for choice in CHOICES]
        asked = {
            "model": MODEL,
            "query": fields["premise"],
            "documents": [second for _, second in pairs],
            "raw_scores": True,
            "return_documents": False,
        }
        return json.dumps(asked).encode()

    def answer(self, content: bytes) -> PeerAnswer:
        ranked: Sequence[Mapping[str, Any]] = json.loads(content)["results"]
        scores = {each["index"]: float(each["relevance_score"]) for each in ranked}
        logits = [scores[index] for index in range(len(CHOICES))]
        if not all(map(math.isfinite, logits)):
            raise ValueError(f"scores are not finite: {logits}")
        return {
            "label": logits.index(max(logits)),
            "probabilities": softmax(logits, self.texts.temperature),
            "logits": logits,
        }
