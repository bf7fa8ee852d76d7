"""Each error names its outcome."""

from __future__ import annotations

import pytest

from app import errors
from app.errors import OverloadedError, ServiceError


def _tree(kind: type[ServiceError]) -> list[type[ServiceError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in _tree(child))]


def test_every_error_of_the_tree_stands_in_the_list_at_the_top_of_its_module() -> None:
    listed = errors.__doc__ or ""
    own = [kind for kind in _tree(ServiceError) if kind.__module__ == errors.__name__]
    abstract = {"RetryableError"}
    for kind in own:
        if kind.__name__ not in abstract | {"ServiceError"}:
            [line] = [line for line in listed.splitlines() if f" {kind.__name__} " in line]
            assert str(kind.status) in line


@pytest.mark.parametrize(("seconds", "header"), [(0.01, "1"), (1.2, "2"), (30.0, "30")])
def test_retry_after_is_whole_seconds_and_never_too_early(seconds: float, header: str) -> None:
    assert OverloadedError("full", retry_after=seconds).headers == {"Retry-After": header}
