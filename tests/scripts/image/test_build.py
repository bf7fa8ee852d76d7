"""The base image of the test is of the release that the Dockerfile names."""

from __future__ import annotations

import pytest

from scripts.image.build import ROOT, debian_release
from scripts.image.commands import ImageTestError


def test_the_release_is_that_of_the_dockerfile() -> None:
    assert debian_release((ROOT / "Dockerfile").read_text(encoding="utf-8")) == "bookworm"


def test_without_a_slim_image_it_says_so() -> None:
    with pytest.raises(ImageTestError, match="names no slim image"):
        debian_release("ARG PYTHON_IMAGE=alpine:3\n")
