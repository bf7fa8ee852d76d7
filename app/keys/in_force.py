"""Reads the file of keys again while the service runs, and keeps what is in force if it is broken.

The file is read twice a second, and compared as a whole. Its times and its number would say less:
Kubernetes swaps a link above it (``..data``), editors write it in place or replace it, and network
file systems report nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from app.errors import StartError
from app.keys.api_key import ApiKey
from app.keys.bucket import TokenBucket
from app.keys.keys_file import parse_keys, read_keys_file
from app.keys.ring import KeyHolder, KeyRing
from app.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

REREAD_S = 0.5
"""A change is in force after two readings that agree: a file may be read while it is written."""


class KeysInForce:
    """The keys of a file, as it is now or as it last was right.

    Args:
        path: of the file.
        metrics: counts by key, and says when older keys than the file's are in force.
        clock: of the limits, in seconds.

    Raises:
        StartError: the file cannot be read, or a line of it is wrong.
    """

    def __init__(
        self, path: Path, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._metrics = metrics
        self._clock = clock
        self._stopped = threading.Event()
        self._complaint = ""
        self._ring = KeyRing([])
        self._taken = self._seen = read_keys_file(path)
        self._take(self._taken)

    def find(self, sent: bytes) -> KeyHolder | None:
        """Return the holder of a key, as its bytes were sent, or None."""
        return self._ring.find(sent)

    def start(self) -> None:
        """Read the file again and again, on a thread that does not prevent the exit."""
        threading.Thread(target=self._watch, name="xcopa-keys", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(REREAD_S):
            self.reread()

    def reread(self) -> None:
        """Take the file's keys if it differs from what was taken, and not from the last reading."""
        try:
            content = read_keys_file(self._path)
            settled, self._seen = content == self._seen, content
            if content != self._taken:
                if not settled:
                    return
                self._take(content)
        except StartError as error:
            self._keep(str(error))
        except Exception as error:
            # The thread lives on, whatever a file system comes up with.
            self._keep(repr(error))
        else:
            self._agree()

    def _take(self, content: bytes) -> None:
        keys = parse_keys(content, self._path)
        self._metrics.keys_taken([key.name for key in keys])
        old = {holder.name: holder for holder in self._ring.holders}
        self._ring = KeyRing([self._holder(key, old.get(key.name)) for key in keys])
        self._taken = content
        self._tell(keys)

    def _holder(self, key: ApiKey, old: KeyHolder | None) -> KeyHolder:
        """Return the holder of a key; the balance of one whose limit has not changed stays."""
        if key.tokens_per_second is None:
            return KeyHolder(key, None, self._metrics)
        kept = old.bucket if old and old.key.tokens_per_second == key.tokens_per_second else None
        bucket = kept or TokenBucket(key.tokens_per_second, self._clock)
        return KeyHolder(key, bucket, self._metrics)

    def _tell(self, keys: Sequence[ApiKey]) -> None:
        valid = [key.name for key in keys if not key.revoked]
        revoked = [key.name for key in keys if key.revoked]
        if not valid:
            log.warning("%s has no valid key: every call is refused", self._path)
        log.info(
            "%s: %d keys are valid (%s), %d revoked (%s)",
            self._path,
            *(len(valid), ", ".join(valid), len(revoked), ", ".join(revoked)),
        )

    def _keep(self, complaint: str) -> None:
        self._metrics.keys_outdated(True)
        if complaint != self._complaint:
            log.error("the keys in force are those of before: %s", complaint)
        self._complaint = complaint

    def _agree(self) -> None:
        self._metrics.keys_outdated(False)
        if self._complaint:
            log.info("%s can be read again: its keys are in force", self._path)
        self._complaint = ""
