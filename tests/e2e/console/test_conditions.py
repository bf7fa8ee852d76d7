"""What a visitor is told while the service starts, is busy, stops, wants a key, or is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from app.keys.keys_file import add_key
from tests.e2e.console.visit import Visit
from tests.e2e.server import ServerProcess
from tests.sample import sample_items

ITEM = sample_items("en")[0]
PREFIX = "/below/a-proxy"


class Guarded:
    """A service below a prefix that checks keys and has its metrics elsewhere, and a key."""

    def __init__(self, server: ServerProcess, key: str) -> None:
        self.server, self.key = server, key
        self.url = server.url + PREFIX


@pytest.fixture(scope="module")
def guarded(
    tiny_direct: Path, tiny_stilts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    path = tmp_path_factory.mktemp("keys") / "keys"
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_API_KEYS_FILE": str(path),
        "XCOPA_METRICS_PORT": "0",
        "XCOPA_ROOT_PATH": PREFIX,
    }
    key = add_key(path, "visitor")
    with ServerProcess(**settings) as server:
        yield Guarded(server.wait_until_ready(), key)


@pytest.fixture
def stranger(page: Page, guarded: Guarded) -> Iterator[Visit]:
    """Somebody without a key, who typed the address without its last slash."""
    made = Visit(page, guarded.url)
    made.open("")
    yield made
    made.assert_clean()


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("loading", "The service is starting"),
        ("draining", "The service is stopping"),
        ("stuck", "The service is stuck"),
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


def test_a_key_is_asked_for_and_opens_what_was_closed(stranger: Visit, guarded: Guarded) -> None:
    page = stranger.page
    expect(page.locator("#served")).to_contain_text("The service asks for an API key.")
    stranger.ask_item(ITEM)
    expect(page.locator("#ask-said")).to_contain_text("The service asks for an API key.")
    expect(page.locator("#key-text")).to_be_focused()
    page.fill("#key-text", "wrong-key")
    page.keyboard.press("Enter")
    expect(page.locator("#ask-said")).to_contain_text("The API key is not known")
    page.fill("#key-text", "schlüssel")
    page.keyboard.press("Enter")
    expect(page.locator("#key-said")).to_contain_text("Nothing was sent.")
    page.fill("#key-text", guarded.key)
    page.keyboard.press("Enter")
    # The question that had no answer for want of a key is asked again.
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator("#served")).to_contain_text("Models: direct")


def test_a_key_stays_in_memory(stranger: Visit, guarded: Guarded) -> None:
    page = stranger.page
    expect(page.locator("#key")).to_be_visible()
    page.fill("#key-text", guarded.key)
    page.get_by_role("button", name="Use this key").click()
    expect(page.locator("#served")).to_contain_text("Models: direct")
    kept = page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]")
    assert kept == ["", 0, 0]
    assert not any(guarded.key in url for url in stranger.requested)
    page.reload()
    expect(page.locator("#served")).to_contain_text("The service asks for an API key.")
    assert page.locator("#key-text").input_value() == ""


def test_a_file_waits_for_a_key(stranger: Visit, guarded: Guarded) -> None:
    page = stranger.page
    expect(page.locator("#key")).to_be_visible()
    page.fill("#key-text", guarded.key)
    page.keyboard.press("Enter")
    expect(page.locator("#served")).to_contain_text("Models: direct")
    page.get_by_role("button", name="Forget it").click()
    stranger.paste(json.dumps(ITEM))
    expect(page.locator("#file-said")).to_contain_text("The service asks for an API key.")
    page.fill("#key-text", guarded.key)
    page.get_by_role("button", name="Use this key").click()
    expect(page.locator("#file-said")).to_contain_text("Done. 1 rows")


def test_metrics_on_a_port_of_their_own_are_said_to_be_there(
    stranger: Visit, guarded: Guarded
) -> None:
    page = stranger.page
    expect(page.locator("#key")).to_be_visible()
    page.fill("#key-text", guarded.key)
    page.keyboard.press("Enter")
    page.click("#live-watch")
    expect(page.locator("#live-said")).to_contain_text("XCOPA_METRICS_PORT")
    expect(page.locator("#live-watch")).to_have_text("Watch")


def test_a_service_that_is_gone_is_said_to_be(stranger: Visit, guarded: Guarded) -> None:
    """The last one here: it ends the service."""
    expect(stranger.page.locator("#key")).to_be_visible()
    guarded.server.terminate()
    assert guarded.server.exit_status() == 0
    banner = stranger.page.locator("#condition")
    expect(banner).to_have_text(
        "The service does not answer. It may have stopped, or the network is away."
    )
    stranger.ask_item(ITEM)
    expect(stranger.page.locator("#ask-said")).to_contain_text("Asking again in 1 s.")
