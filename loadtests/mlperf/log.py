"""What LoadGen has written: its own verdict and figures, and the answers of an accuracy run."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DETAIL, ACCURACY = "mlperf_log_detail.txt", "mlperf_log_accuracy.json"
_MARK = ":::MLLOG "
NS = 1e-9
_PERCENTILE = re.compile(r"result_(\d+\.\d+)_percentile(?:_per_query)?_latency_ns")


@dataclass(frozen=True)
class LoadGenLog:
    """The values that LoadGen has logged, by their keys; the last one of each key."""

    values: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> LoadGenLog:
        """Read the log of a run.

        Raises:
            OSError: there is none.
        """
        lines = (folder / DETAIL).read_text(encoding="utf-8").splitlines()
        entries = [json.loads(line[len(_MARK) :]) for line in lines if line.startswith(_MARK)]
        return cls({entry["key"]: entry["value"] for entry in entries})

    @property
    def is_valid(self) -> bool:
        """Whether LoadGen calls the run valid: long enough, enough queries, its rule is met."""
        return bool(self.values.get("result_validity") == "VALID")

    @property
    def why_not(self) -> str:
        """Why it is not valid, in LoadGen's words."""
        said = [self.values.get(key) for key in ("result_invalid_reason", "early_stopping_result")]
        return " ".join(" ".join(str(each).split()) for each in said if each)

    def seconds(self, key: str) -> float:
        """Return a latency; LoadGen logs nanoseconds."""
        return float(self.values.get(key, 0)) * NS

    @property
    def curve(self) -> list[tuple[float, float]]:
        """Shares of the queries, and the seconds within which they were answered."""
        found = ((_PERCENTILE.fullmatch(key), value) for key, value in self.values.items())
        return sorted((float(each[1]) / 100, value * NS) for each, value in found if each)

    def number(self, key: str) -> float:
        return float(self.values.get(key, 0))


def accuracy_of(folder: Path, labels: Sequence[int]) -> tuple[int, int]:
    """Return how many items of an accuracy run have the right answer, and how many were asked.

    MultiStream fills its last query up with items that were asked before; they count once.

    Args:
        folder: of the run.
        labels: the right answer of each item, by its index.
    """
    rows = json.loads((folder / ACCURACY).read_text(encoding="utf-8"))
    answers = {
        row["qsl_idx"]: int.from_bytes(bytes.fromhex(row["data"]), signed=True) for row in rows
    }
    right = sum(answer == labels[index] for index, answer in answers.items())
    return right, len(answers)
