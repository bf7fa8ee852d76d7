"""Turns the texts of a call into rows, with little work on the event loop.

The event loop tokenises a short call itself, because handing it to another thread costs more than
the work. A long call goes to a pool of threads. Equal items for models with equal tokenisers, such
as those of a comparison, are tokenised once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from app.engine.tokenizer import HasChoices, PairTokenizer, Rows, characters
from app.errors import InvalidRequestError, OverloadedError

SHORT_CALL_CHARACTERS = 2_700
"""About half a millisecond of work."""

Tokenised = Rows | InvalidRequestError


class Tokenising:
    """Tokenises calls. One event loop makes and uses it."""

    def __init__(
        self, tokenizers: Mapping[str, PairTokenizer], threads: int, most_characters: float
    ) -> None:
        self._tokenizers = tokenizers
        self._most = most_characters
        self._unread = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="xcopa-tokeniser")

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def release(self) -> None:
        """Let go of the tokenizers."""
        self._tokenizers = {}

    async def rows(
        self, asked: Sequence[tuple[HasChoices, str]], timeout: float
    ) -> list[Tokenised]:
        """Return the rows of each item for its model, or the error that it has instead.

        Args:
            asked: items, each with its model.
            timeout: seconds.

        Raises:
            OverloadedError: too much text waits to be tokenised.
            TimeoutError: the call was not tokenised within the timeout.
        """
        to_read = sum(characters(item) for item, _ in asked)
        if to_read <= SHORT_CALL_CHARACTERS:
            return self._encode(asked)
        if self._unread and self._unread + to_read > self._most:
            raise OverloadedError("too much text waits to be tokenised", retry_after=1.0)
        self._unread += to_read
        try:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(timeout):
                return await loop.run_in_executor(self._pool, self._encode, asked)
        finally:
            self._unread -= to_read

    def _encode(self, asked: Sequence[tuple[HasChoices, str]]) -> list[Tokenised]:
        wanted: dict[PairTokenizer, dict[HasChoices, Tokenised]] = {}
        for item, model in asked:
            wanted.setdefault(self._tokenizers[model], {})[item] = ()
        for tokenizer, items in wanted.items():
            items.update(zip(items, tokenizer.encode(list(items)), strict=True))
        return [wanted[self._tokenizers[model]][item] for item, model in asked]
