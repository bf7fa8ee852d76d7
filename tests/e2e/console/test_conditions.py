"""What a visitor is told while the service starts, stops, or is busy."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.console.visit import Visit
from tests.sample import sample_items

ITEM = sample_items("en")[0]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("loading", "The service is starting"),
        pytest.param("draining", "The service is stopping", marks=pytest.mark.slow),
        pytest.param("stuck", "The service is stuck", marks=pytest.mark.slow),
    ],
)
def test_a_service_that_takes_no_calls_says_why_and_when_it_does_again(
    page: Page, tiny_url: str, condition: str, said: str
) -> None:
    body = json.dumps({"status": condition})
    page.route("**/readyz", lambda route: route.fulfill(status=503, json=json.loads(body)))
    visit = Visit(page, tiny_url)
    visit.open()
    banner = page.locator("#condition")
    expect(banner).to_contain_text(said)
    page.unroute("**/readyz")
    expect(banner).to_be_empty()
    expect(page.locator("#served")).to_contain_text("Models: direct")


def test_a_condition_is_said_once_and_not_at_each_poll(page: Page, tiny_url: str) -> None:
    """A screen reader reads a line again whenever it is written."""
    polls: list[Route] = []

    def answer(route: Route) -> None:
        polls.append(route)
        route.fulfill(status=503, json={"status": "loading"})

    page.route("**/readyz", answer)
    page.clock.install()
    Visit(page, tiny_url).open()
    banner = page.locator("#condition")
    expect(banner).to_contain_text("The service is starting")
    banner.evaluate(
        "line => { line.said = 0; new MutationObserver(() => line.said++)"
        ".observe(line, { childList: true, characterData: true, subtree: true }); }"
    )
    enough = len(polls) + 3
    while len(polls) < enough:
        page.clock.run_for(2_000)
    assert banner.evaluate("line => line.said") == 0


def test_a_service_that_comes_back_with_other_models_is_asked_for_them_again(
    page: Page, tiny_url: str
) -> None:
    page.clock.install()
    Visit(page, tiny_url).open()
    served = page.locator("#served")
    expect(served).to_contain_text("Models: direct")
    page.route("**/readyz", lambda route: route.fulfill(status=503, json={"status": "loading"}))
    page.route("**/models", lambda route: route.fulfill(json=models_of(tiny_url, "next")))
    pass_time_until(page, "#condition", "The service is starting")
    page.unroute("**/readyz")
    pass_time_until(page, "#served", "Models: next")


def models_of(url: str, name: str) -> dict[str, Any]:
    """What the service says of its models, with another name for the first."""
    found: dict[str, Any] = httpx.get(f"{url}/models", timeout=60).json()
    return {**found, "models": [{**found["models"][0], "name": name}]}


def pass_time_until(page: Page, where: str, text: str) -> None:
    """Let the page's clock run, a poll at a time, until a line has a text."""
    for _ in range(30):
        page.clock.run_for(5_000)
        if text in page.locator(where).inner_text():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{where} never had {text!r}")


def test_a_page_of_a_proxy_is_told_from_the_service(page: Page, tiny_url: str) -> None:
    page.route("**/readyz", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    visit = Visit(page, tiny_url)
    visit.open()
    expect(page.locator("#condition")).to_contain_text("Something in front of the service answers")


def test_a_busy_service_is_asked_again_and_then_answers(visit: Visit) -> None:
    problem = {"status": 429, "detail": "the queue is full"}
    refusals = [problem]

    def answer(route: Route) -> None:
        if refusals:
            route.fulfill(status=429, json=refusals.pop(), headers={"Retry-After": "1"})
        else:
            route.continue_()

    visit.page.route("**/compare/xcopa", answer)
    visit.ask_item(ITEM)
    said = visit.page.locator("#ask-said")
    expect(said).to_have_text("The service is busy. The queue is full. Asking again in 1 s.")
    expect(visit.page.locator(".card")).to_have_count(2)


def test_an_answer_that_comes_too_late_is_no_answer(visit: Visit) -> None:
    problem = {"status": 504, "detail": "no answer within 50 ms"}
    visit.page.route("**/compare/xcopa", lambda route: route.fulfill(status=504, json=problem))
    visit.ask_item(ITEM)
    expect(visit.page.locator("#ask-said")).to_have_text(
        "There was no answer in time. No answer within 50 ms."
    )


def test_waiting_is_as_long_as_the_service_says_and_grows_where_it_says_nothing(
    visit: Visit,
) -> None:
    script = """async (modules, outcomes) => {
      const { askPatiently } = await modules("service/patience.js");
      const waits = [];
      const last = await askPatiently(async () => outcomes.shift(), {
        tries: 6,
        wait: async (seconds) => waits.push(seconds),
      });
      return [waits, last.kind, outcomes.length];
    }"""
    refused = {"kind": "refused", "status": 503, "retryAfter": None}
    outcomes = [
        {**refused, "status": 429, "retryAfter": 7},
        refused,
        {"kind": "gone"},
        {**refused, "status": 502},
        {**refused, "status": 422},
        refused,
    ]
    assert visit.run(script, outcomes) == [[7, 2, 4, 8], "refused", 1]
    assert visit.run(script, [{"kind": "gone"}] * 8) == [[1, 2, 4, 8, 15], "gone", 2]
