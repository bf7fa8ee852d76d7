"""A service that wants a key, below a prefix, with its metrics elsewhere; and then it is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.keys.keys_file import add_key
from tests.e2e.console.visit import Visit
from tests.e2e.server import ServerProcess
from tests.sample import sample_items

# It starts a service of its own.
pytestmark = pytest.mark.slow

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
