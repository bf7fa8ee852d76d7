"""How much the logits of an item differ between replicas: they should be the same."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

from app.settings import VARIANTS
from loadtests.fleet.replica import FleetError
from loadtests.items import ItemFields

KERNELS = ("torch", "torch-transposed", "onednn")
"""What computes the linear layers of each replica: as different as processors may choose."""

TOLERANCE = 1e-4
_TIMEOUT_S = 60
_OK = 200


def logits_of(
    port: int, items: Sequence[ItemFields], headers: Mapping[str, str]
) -> list[list[float]]:
    """Return the logits of each item, of all variants in order.

    Raises:
        FleetError: the replica does not answer.
    """
    return [list(each) for model in VARIANTS for each in _asked(port, items, model, headers)]


def _asked(
    port: int, items: Sequence[ItemFields], model: str, headers: Mapping[str, str]
) -> Iterator[Sequence[float]]:
    body = json.dumps({"items": items, "model": model})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    with closing(connection):
        connection.request("POST", "/predict/xcopa/batch", body, dict(headers))
        response = connection.getresponse()
        content = response.read()
    if response.status != _OK:
        raise FleetError(f"a replica answers {response.status}: {content[:200]!r}")
    for prediction in json.loads(content)["predictions"]:
        yield prediction["logits"]


def largest_difference(answers: Sequence[Sequence[Sequence[float]]]) -> float:
    """Return by how much the logits of a choice differ at most.

    Args:
        answers: of each replica, in the same order, one list of logits an item.
    """
    differences: list[float] = [
        max(choice) - min(choice)
        for item in zip(*answers, strict=True)
        for choice in zip(*item, strict=True)
    ]
    return max(differences)
