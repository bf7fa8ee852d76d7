"""The process of one engine, from the fork to its end."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection

from app.engine.engine import Engine
from app.engine.processes.handover import READY, pack_failure, pack_logits, unpack_batch


def run(channel: Connection, engines: Sequence[Engine]) -> None:
    """Run batches until the front closes the channel.

    Args:
        channel: to the front.
        engines: by the number of their model.
    """
    try:
        channel.send_bytes(READY)
        while True:
            channel.send_bytes(_answer(engines, channel.recv_bytes()))
    except (EOFError, OSError):  # the front has closed its end
        return


def _answer(engines: Sequence[Engine], frame: bytes) -> bytes:
    turn, model, rows = unpack_batch(frame)
    try:
        return pack_logits(turn, engines[model].logits(rows))
    except Exception:
        return pack_failure(turn, traceback.format_exc())
