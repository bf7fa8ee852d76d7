"""The process of one engine, from the fork to its end."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection

from app.engine.engine import Engine, Row
from app.engine.processes.handover import READY, pack_failure, pack_logits, unpack_batch

log = logging.getLogger(__name__)


def run(channel: Connection, engines: Sequence[Engine]) -> None:
    """Run batches until the front closes the channel, or until a pass shows that none can run.

    Args:
        channel: to the front.
        engines: by the number of their model.
    """
    try:
        channel.send_bytes(READY)
        while (answer := _answer(engines, channel.recv_bytes())) is not None:
            channel.send_bytes(answer)
    except (EOFError, OSError):  # the front has closed its end
        return


def _answer(engines: Sequence[Engine], frame: bytes) -> bytes | None:
    turn, model, rows = unpack_batch(frame)
    try:
        return pack_logits(turn, engines[model].logits(rows))
    except Exception:
        trace = traceback.format_exc()
    return pack_failure(turn, trace) if _can_run(engines[model], rows) else None


def _can_run(engine: Engine, rows: Sequence[Row]) -> bool:
    """Whether rows of these lengths run, with nothing in them.

    Then the content was the reason. If not, it is this process: its memory is short, say, which
    libraries tell in many words. An end helps where a failure does not, since the next process
    gets the batch.
    """
    try:
        engine.logits([[row[0]] * len(row) for row in rows])
    except Exception:
        log.exception("an engine cannot run a batch of %d rows, whatever is in them", len(rows))
        return False
    return True
