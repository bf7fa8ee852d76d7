"""Rendered resources with one line changed, or taken away."""

from __future__ import annotations

import copy
from typing import Any

from scripts.manifests.manifests import Manifests

GONE = object()
"""In the place of a value: the field is taken away."""


def changed(manifests: Manifests, kind: str, path: str, value: object) -> Manifests:
    """Return a copy in which one field of the first resource of a kind is another, or gone.

    Args:
        kind: that of the resource, or its kind and name (``NetworkPolicy/xcopa-ray-head``).
        path: fields and places in lists, with dots between them.
    """
    resources = copy.deepcopy(list(manifests.resources))
    kind, _, name = kind.partition("/")
    place: Any = next(
        each
        for each in resources
        if each["kind"] == kind and name in ("", each["metadata"]["name"])
    )
    *folders, last = _parts(path)
    for part in folders:
        place = place[part]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return Manifests(resources)


def _parts(path: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in path.split(".")]
