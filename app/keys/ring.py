"""The keys that are in force: who holds the one that was sent, and what that holder may ask for."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable

from app.errors import RateLimitedError
from app.keys.api_key import ApiKey, digest_of, salt_of
from app.keys.bucket import TokenBucket
from app.telemetry.metrics import Metrics


class KeyHolder:
    """Who holds a key. Its tokens are counted here, against its limit and for the metrics."""

    def __init__(self, key: ApiKey, bucket: TokenBucket | None, metrics: Metrics) -> None:
        self.key = key
        self.bucket = bucket
        self._metrics = metrics

    @property
    def name(self) -> str:
        return self.key.name

    @property
    def weight(self) -> int:
        return self.key.weight

    @property
    def admin(self) -> bool:
        return self.key.admin

    def check(self) -> None:
        """Let a call pass unless its key is in debt.

        Raises:
            RateLimitedError: it is; the error says for how long.
        """
        if self.bucket is None or not (seconds := self.bucket.wait()):
            return
        self._metrics.key_limited(self.name)
        detail = (
            f"the key {self.name} has used its {self.key.tokens_per_second} tokens a second; "
            f"it may call again in {seconds:.1f} s"
        )
        raise RateLimitedError(detail, retry_after=seconds)

    def spend(self, tokens: int) -> None:
        """Count the tokens of a call that was let in."""
        self._metrics.key_spent(self.name, tokens)
        if self.bucket is not None:
            self.bucket.take(tokens)


class KeyRing:
    """Finds the holder of a key, with the same work whether there is one or not.

    The salt, which is no secret, says which digest to compare with; for a salt that is unknown it
    is one that no key has. So there is one digest and one comparison a key sent, however many keys
    there are.
    """

    def __init__(self, holders: Iterable[KeyHolder]) -> None:
        self._by_salt: dict[str, KeyHolder] = {each.key.salt: each for each in holders}
        self._of_nobody = secrets.token_bytes(32)

    @property
    def holders(self) -> list[KeyHolder]:
        return list(self._by_salt.values())

    def find(self, sent: bytes) -> KeyHolder | None:
        """Return the holder of a key, as its bytes were sent, or None."""
        holder = self._by_salt.get(salt_of(sent))
        kept = self._of_nobody if holder is None else holder.key.digest
        # Bytes: of strings it takes ASCII alone, and a header may hold any byte.
        return holder if hmac.compare_digest(digest_of(sent), kept) else None
