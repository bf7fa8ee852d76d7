"""A policy: something that the manifests must say, why, and what looks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scripts.manifests.manifests import Manifests
from scripts.manifests.render import ManifestError

Check = Callable[[Manifests], Iterator[str]]
"""Yields what is wrong, a sentence each."""


@dataclass(frozen=True)
class Policy:
    """One rule."""

    name: str
    why: str
    check: Check

    def complaints(self, manifests: Manifests) -> list[str]:
        """Return what is wrong, each with the name of the policy; what is missing is wrong."""
        try:
            found = list(self.check(manifests))
        except KeyError as error:
            found = [f"{error.args[0]} is missing"]
        except ManifestError as error:
            found = [str(error)]
        return [f"{self.name}: {each} ({self.why})" for each in found]
