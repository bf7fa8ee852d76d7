"""One token budget for every server of a study.

A server that starts measures which budget is the best, and which one wins varies by chance
(``docs/decisions/0036-token-budget.md``). Two servers that differ by that are no pair.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from app.settings import Settings
from loadtests.study.errors import StudyError
from loadtests.study.pair import PAIR
from loadtests.study.server import study_server
from loadtests.study.setting import kept_setting


class _Batching(BaseModel):
    batch_tokens: int


class _Card(BaseModel):
    name: str
    batching: _Batching


class _Models(BaseModel):
    models: list[_Card]


def budget_of_study(folder: Path, settings: Settings) -> int:
    """Return the tokens of a batch: as the settings say, as the folder has it, else as measured.

    Args:
        folder: of the study.
        settings: with ``XCOPA_BATCH_TOKENS``, if there is one.

    Raises:
        StudyError: the folder's study cannot be read.
        SystemExit: nothing is known yet, and a server does not start.
    """
    if settings.batch_tokens is not None:
        return settings.batch_tokens
    kept = kept_setting(folder)
    return measured_budget() if kept is None else kept.batch_tokens


def measured_budget() -> int:
    """Start the service once and ask it; of two models of other shapes the smaller budget counts.

    Raises:
        StudyError: it does not say.
        SystemExit: it does not start.
    """
    with study_server() as server, server.client(1) as client:
        answer = client.get("/models").read()
    try:
        found = _Models.model_validate_json(answer).models
        return min(each.batching.batch_tokens for each in found if each.name in PAIR)
    except ValueError as error:
        raise StudyError("GET /models does not say which token budget was measured") from error
