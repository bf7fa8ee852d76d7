"""The how-to for containers: its times and names are those of the service and the Dockerfile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.longest_end import longest_end
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/run-in-containers.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_stopping_leaves_time_to_drain() -> None:
    times = re.findall(r"(?:--stop-timeout |terminationGracePeriodSeconds: )(\d+)", PAGE)
    fields = Settings.model_fields
    delay, grace = fields["drain_delay_s"].default, fields["drain_grace_s"].default
    longest = longest_end(delay, grace, generations=2, servers=2)
    assert len(times) == 4
    assert [time for time in times if int(time) <= longest] == []
    [beyond] = re.findall(r"`XCOPA_DRAIN_GRACE_S` \+ (\d+) s", PAGE)
    assert int(beyond) >= longest - delay - grace


@pytest.mark.parametrize(
    ("on_the_page", "in_the_dockerfile"),
    [
        (r"--build-arg (\w+)=", r"(?m)^ARG (\w+)"),
        (r"--secret id=([\w.]+)", r"--mount=type=secret,id=([\w.]+)"),
        (r"(XCOPA_DEVICE|HF_HOME)", r"(?m)^ +(\w+)="),
    ],
    ids=["arguments", "secrets", "variables"],
)
def test_what_it_names_is_in_the_dockerfile(on_the_page: str, in_the_dockerfile: str) -> None:
    named = set(re.findall(on_the_page, PAGE))
    assert named
    assert named - set(re.findall(in_the_dockerfile, DOCKERFILE)) == set()


def test_its_user_is_that_of_the_image() -> None:
    assert re.findall(r"(?m)^USER (\d+):", DOCKERFILE) == re.findall(r"the image's (\d+)", PAGE)
