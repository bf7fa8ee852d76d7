"""Whether adapters are merged into copies of their base, or stay apart from one that they share.

Apart they take much less memory, and some more time: how much depends on their rank and on the
machine. So it is measured where several adapters of one base are served
(``docs/decisions/0052-adapters-apart.md``).
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Collection

from transformers import XLMRobertaForMultipleChoice

from app.engine.adapted import adapted_layers, merge_adapters
from app.engine.adapter_time import share_of_products
from app.engine.kernel_choice import Kernels
from app.weights.checkpoint import Checkpoint
from app.weights.facts import AdapterState
from app.weights.job import AdapterSetting

log = logging.getLogger(__name__)

MOST_TIME = 1.1
"""Where adapters are apart, a pass may take so many times as long as where they are merged."""

Measure = Callable[[XLMRobertaForMultipleChoice, Kernels], float]
"""Returns the time of a pass with the adapter apart over that with it merged."""


class AdapterChoice:
    """Decides for each adapter of a service.

    Args:
        setting: ``auto`` keeps adapters apart that share a base, if it takes little time.
        checkpoints: of all models that are served; only ``auto`` looks at them.
        measure: see ``Measure``; only ``auto`` calls it.
    """

    def __init__(
        self,
        setting: AdapterSetting,
        checkpoints: Collection[Checkpoint] = (),
        measure: Measure = lambda *_: math.inf,
    ) -> None:
        self._setting = setting
        self._measure = measure
        self._on = Counter(each.full for each in checkpoints if each.adapter is not None)

    def may_stay_apart(self, checkpoint: Checkpoint) -> bool:
        """Whether it is to be loaded without merging it, before anything of it is known."""
        if checkpoint.adapter is None or self._setting == "merged":
            return False
        return self._setting == "apart" or self._on[checkpoint.full] > 1

    def merge_costly(self, name: str, model: XLMRobertaForMultipleChoice) -> None:
        """Merge an adapter that is too much work apart, before anything is measured with it.

        Args:
            name: of the model, for the log.
            model: changed in place.
        """
        if self._setting == "apart" or not adapted_layers(model):
            return
        if (least := 1 + share_of_products(model)) > MOST_TIME:
            log.info("the adapter of %s is merged: apart, it has %.2f times the work", name, least)
            merge_adapters(model)

    def settle(
        self,
        name: str,
        checkpoint: Checkpoint,
        model: XLMRobertaForMultipleChoice,
        kernels: Kernels,
    ) -> AdapterState:
        """Decide how a model is to compute, and merge its adapter unless that stays apart.

        Args:
            name: of the model, for the log.
            checkpoint: what it was loaded from.
            model: changed in place where its adapter is merged.
            kernels: of its linear layers.
        """
        if self._stays_apart(name, model, kernels):
            return "apart"
        merge_adapters(model)
        return "none" if checkpoint.adapter is None else "merged"

    def _stays_apart(self, name: str, model: XLMRobertaForMultipleChoice, kernels: Kernels) -> bool:
        if not adapted_layers(model):
            return False
        if self._setting == "apart":
            return True
        ratio = self._measure(model, kernels)
        stays = ratio <= MOST_TIME
        log.info(
            "the adapter of %s %s: apart, a pass takes %.2f times as long",
            name,
            "stays apart" if stays else "is merged",
            ratio,
        )
        return stays
