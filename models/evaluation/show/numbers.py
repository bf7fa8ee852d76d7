"""Figures as text: shares in per cent, with their intervals."""

from __future__ import annotations

from models.statistics import Estimate

NONE = "-"
"""Stands for a figure that does not exist."""


def percent(share: float | None) -> str:
    """Write a share in per cent, such as ``63.6``."""
    return NONE if share is None else f"{100 * share:.1f}"


def interval(estimate: Estimate | None, sign: str = "") -> str:
    """Write a share with its interval in per cent, such as ``63.6 [59.3, 67.7]``.

    Args:
        estimate: None where there is none.
        sign: ``+`` writes the sign of positive figures too, as differences want it.
    """
    if estimate is None:
        return NONE
    value, low, high = (100 * each for each in (estimate.value, estimate.low, estimate.high))
    return f"{value:{sign}.1f} [{low:{sign}.1f}, {high:{sign}.1f}]"


def decimal(value: float | None, places: int = 3) -> str:
    """Write a figure that is no share, such as kappa."""
    return NONE if value is None else f"{value:.{places}f}"


def p_value(p: float | None) -> str:
    """Write a p-value, such as ``0.0312``."""
    if p is None:
        return NONE
    written = f"{p:.4f}"
    return written if float(written) else "<0.0001"
