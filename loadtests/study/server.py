"""The server that a study asks: the whole service, on the CPU, which computes each answer."""

from __future__ import annotations

from contextlib import AbstractContextManager

from loadtests.bench.servers import SERVICE, BenchServer, started


def study_server(
    precision: str = "fp32", batch_tokens: int | None = None
) -> AbstractContextManager[BenchServer]:
    """Start the service as the environment describes it, but for what would spoil a comparison.

    Args:
        precision: of the models.
        batch_tokens: the token budget; None has the server measure it.
    """
    return started(
        SERVICE,
        XCOPA_DEVICE="cpu",
        XCOPA_PRECISION=precision,
        XCOPA_BATCH_TOKENS="" if batch_tokens is None else str(batch_tokens),
        XCOPA_CACHE_BYTES="0",  # each answer is computed
        XCOPA_API_KEYS_FILE="",  # and nobody has to say who asks
    )
