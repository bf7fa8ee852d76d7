"""Asks a running service through its public HTTP API: what its users get is what is measured."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.tokenizer import CausalItem
from app.errors import FieldError
from models.evaluation.ask.call_size import CALL_ITEMS, CallSize
from models.evaluation.ask.predictor import (
    Advance,
    EvaluationError,
    ItemOutcome,
    Unanswered,
    beginning,
    checked,
)
from models.evaluation.ask.service import (
    AWAY,
    NOT_ALLOWED,
    PASSING,
    TOO_LARGE,
    RemoteModel,
    Reply,
    Service,
)

MOST_EXPIRED = 5
"""How often an item may come too late before that is its outcome."""

_ROW = "row"
"""Stands for an item as a whole where a field is named."""


class RemotePredictor:
    """One model of a running service. Several threads may ask it at once."""

    def __init__(self, service: Service, model: RemoteModel) -> None:
        self._service = service
        self._model = model
        self._calls = CallSize()

    @property
    def revision(self) -> str:
        return self._model.revision

    @property
    def temperature(self) -> float:
        return self._model.temperature

    @property
    def model(self) -> str:
        """Its name."""
        return self._model.name

    def logits(self, items: Sequence[CausalItem], advance: Advance) -> NDArray[np.float64]:
        """Return the logits; see ``Predictor``."""
        logits = np.empty((len(items), 2))
        for start in range(0, len(items), CALL_ITEMS):
            found = self.outcomes(items[start : start + CALL_ITEMS])
            for index, outcome in enumerate(found, start):
                if isinstance(outcome, Unanswered):
                    reason = f"{self._service.url} cannot answer an item: {outcome.detail}"
                    raise EvaluationError(f"{reason} (it is that {beginning(items[index])})")
                logits[index] = outcome
            advance(len(found))
        return logits

    def outcomes(self, items: Sequence[CausalItem]) -> list[ItemOutcome]:
        """Return each item's logits, or why it has none.

        Items that a busy or absent service refuses are asked again after the time it names, and
        fewer at once where they were too many for it.

        Raises:
            EvaluationError: the service answers nothing for too long, or is another one.
        """
        found: dict[int, ItemOutcome] = {}
        waiting = deque(range(len(items)))
        expired: Counter[int] = Counter()
        patience = self._service.patience()
        size = self._calls.most
        while waiting:
            call = [waiting.popleft() for _ in range(min(size, len(waiting)))]
            reply = self._service.predict(self.model, [items[index] for index in call])
            settled = self._settled(reply, call, expired)
            found |= settled
            waiting.extendleft(index for index in reversed(call) if index not in settled)
            if settled:
                if reply.status == HTTPStatus.OK:
                    self._calls.answered(len(call))
                size = min(2 * size, self._calls.most)
                patience.renew()
            else:
                size = self._smaller(len(call), reply)
                # A smaller body fits at once; everything else needs time.
                if reply.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                    patience.wait(reply.retry_after, reply.summary)
        return [found[index] for index in range(len(items))]

    def _smaller(self, size: int, reply: Reply) -> int:
        """Return how many to ask next; of what was answered item by item, as many again."""
        if reply.status in TOO_LARGE:
            self._calls.too_large(size)
        return max(1, size // 2) if reply.status in TOO_LARGE | AWAY else size

    def _settled(
        self, reply: Reply, call: Sequence[int], expired: Counter[int]
    ) -> dict[int, ItemOutcome]:
        """Return the outcomes that a reply holds; items without one are to be asked again."""
        if reply.status in PASSING:
            return self._alone(reply, call[0], expired) if len(call) == 1 else {}
        if reply.status in NOT_ALLOWED:
            raise EvaluationError(self._service.refusal(reply))
        try:
            if reply.status != HTTPStatus.OK:
                return {call[0]: _refusal(reply.body)}
            answers = zip(call, reply.body["predictions"], strict=True)
            outcomes = {index: self._outcome(answer, index, expired) for index, answer in answers}
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise EvaluationError(
                f"{self._service.url} does not answer items of COPA: {reply.summary}"
            ) from error
        return {index: each for index, each in outcomes.items() if each is not None}

    def _alone(self, reply: Reply, index: int, expired: Counter[int]) -> dict[int, ItemOutcome]:
        """Return the outcome of an item that was asked alone, if waiting would not change it."""
        if reply.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return {index: Unanswered(f"a single item is too large: {reply.summary}")}
        if reply.status == HTTPStatus.GATEWAY_TIMEOUT and _too_late(index, expired):
            return {index: Unanswered(reply.summary)}
        return {}

    def _outcome(
        self, answer: Mapping[str, Any], index: int, expired: Counter[int]
    ) -> ItemOutcome | None:
        if problem := answer.get("error"):
            late = problem["status"] == HTTPStatus.GATEWAY_TIMEOUT and _too_late(index, expired)
            return None if problem["status"] in PASSING and not late else _unanswered(problem)
        if answer["revision"] != self.revision:
            change = f"from {self.revision} to {answer['revision']}"
            raise EvaluationError(
                f"{self._service.url} changed {self.model} {change} while it was asked"
            )
        return checked(answer["logits"])


def _too_late(index: int, expired: Counter[int]) -> bool:
    expired[index] += 1
    return expired[index] >= MOST_EXPIRED


def _refusal(problem: Mapping[str, Any]) -> Unanswered:
    """Return the outcome of the first item of a call of which nothing could be answered.

    The problem is that of the first item; the others may have another, and are asked again.

    Raises:
        ValueError: the call was refused for another reason than its items.
    """
    own = [each for each in problem["errors"] if each["field"].split(".")[:2] == ["items", "0"]]
    if not own:
        raise ValueError("the items are not what is wrong")
    return _unanswered({**problem, "errors": own})


def _unanswered(problem: Mapping[str, Any]) -> Unanswered:
    errors = problem.get("errors", [])
    fields = [FieldError(_field(each["field"]), each["message"]) for each in errors]
    return Unanswered(f"{problem['status']}: {problem['detail']}", tuple(fields))


def _field(name: str) -> str:
    """Return a field's name within its item: ``items.3.premise`` is ``premise``."""
    return ".".join(name.split(".")[2:]) or _ROW
