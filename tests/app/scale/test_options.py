"""The arguments of the application."""

from __future__ import annotations

import pytest

from app.errors import StartError
from app.scale.options import ScaleOptions


def test_without_a_greatest_number_there_are_as_many_as_at_least() -> None:
    assert ScaleOptions.read({"replicas": 3}).most == 3
    assert ScaleOptions.read({"replicas": 3, "max_replicas": 5}).most == 5


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"replica": 2}, "replica: Extra inputs.*there are replicas, max_replicas"),
        ({"replicas": 0}, "replicas: .*greater than or equal to 1"),
        ({"replicas": 4, "max_replicas": 2}, "max_replicas is 2, fewer than replicas"),
        ({"target_busy": 1.5}, "target_busy: .*less than or equal to 1"),
        ({"drain_queue_s": "soon"}, "drain_queue_s: "),
    ],
)
def test_a_wrong_one_is_named(given: dict[str, object], says: str) -> None:
    with pytest.raises(StartError, match=says):
        ScaleOptions.read(given)
