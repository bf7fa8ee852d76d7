"""The order in which the rows of a file are asked, with a service that the test plays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.e2e.console.visit import Visit

RUN = """async (modules, [count, refusals, poison, pauseAt]) => {
  const { FileRun } = await modules("service/file_run.js");
  const asked = [];
  const states = [];
  const rows = Array.from({ length: count }, (_, place) => ({ item: { place } }));
  const ask = async (model, items) => {
    asked.push([model, items.length]);
    if (asked.length === pauseAt) run.pause();
    if (refusals.length) return { kind: "refused", errors: [], ...refusals.shift() };
    if (items.some(({ place }) => place === poison)) return { kind: "refused", status: 422 };
    const predictions = items.map(({ place }) => ({ label: 0, place }));
    return { kind: "answered", body: { predictions } };
  };
  const run = new FileRun(rows, ["direct", "stilts"], (state) => states.push(state), ask);
  const ended = run.run();
  await new Promise((resolve) => setTimeout(resolve));
  const before = asked.length;
  if (run.state !== "done") run.resume();
  await ended;
  const answers = run.scored.map((each) => each.answers.stilts?.place ?? each.errors.stilts);
  return { before, asked, answers, states, state: run.state };
}"""


@pytest.fixture(scope="module")
def visit(tab: Visit) -> Visit:
    """Opened once: nothing of this is seen in the page."""
    tab.open()
    return tab


def run(
    visit: Visit,
    count: int,
    *,
    refusals: Sequence[dict[str, Any]] = (),
    poison: int = -1,
    pause_at: int = -1,
) -> dict[str, Any]:
    found: dict[str, Any] = visit.run(RUN, [count, list(refusals), poison, pause_at])
    return found


def test_every_model_is_asked_about_32_rows_at_a_time_and_no_more_at_once(visit: Visit) -> None:
    done = run(visit, 70)
    sizes = [32, 32, 32, 32, 6, 6]
    assert [size for _, size in done["asked"]] == sizes
    assert [model for model, _ in done["asked"]] == ["direct", "stilts"] * 3
    assert done["answers"] == list(range(70))


def test_nothing_more_is_asked_while_it_is_paused(visit: Visit) -> None:
    done = run(visit, 96, pause_at=2)
    assert done["before"] == 2
    assert len(done["asked"]) == 6
    assert (done["state"], "paused" in done["states"]) == ("done", True)


PAUSED = """async (modules) => {
  const { FileRun } = await modules("service/file_run.js");
  const states = [];
  const run = new FileRun([], [], (state) => states.push(state));
  const refused = { kind: "refused", status: 503, detail: "Busy.", errors: [] };
  run.waitingFor(3, refused);
  run.pause();
  run.waitingFor(3, refused);
  return states;
}"""


def test_who_has_paused_it_is_told_no_more_of_waiting(visit: Visit) -> None:
    assert visit.run(PAUSED, []) == ["waiting", "paused"]


@pytest.mark.parametrize("poison", [0, 13, 31])
def test_a_row_that_makes_its_call_fail_fails_alone(visit: Visit, poison: int) -> None:
    done = run(visit, 32, poison=poison)
    expected: list[Any] = list(range(32))
    expected[poison] = "The service cannot read this."
    assert done["answers"] == expected
    # One call for the whole, and two for each of the five times that it is halved, of each model.
    assert len(done["asked"]) == 2 * 11


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_wanted_is_waited_for(visit: Visit, status: int) -> None:
    done = run(visit, 10, refusals=[{"status": status, "detail": ""}] * 2)
    assert done["before"] == 2
    assert done["states"][:2] == ["key", "key"]
    assert done["answers"] == list(range(10))
