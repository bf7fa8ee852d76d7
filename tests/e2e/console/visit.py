"""Somebody who opens the page, and what the browser says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from playwright.sync_api import Page, expect

PROMISED = "Failed to load resource"
"""What Chromium itself writes of every answer that is a refusal."""

expect.set_options(timeout=30_000)


class Visit:
    """A page of the service, with what its console says and what it asks other hosts for."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        page.set_default_timeout(30_000)
        self.console: list[str] = []
        self.requested: list[str] = []
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("request", lambda request: self.requested.append(request.url))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not text.startswith(PROMISED):
            self.console.append(text)

    def open(self, path: str = "/") -> None:
        self.console.clear()
        self.requested.clear()
        self.page.goto(self.url + path)
        expect(self.page.locator("#choices input")).to_have_count(2)

    def assert_clean(self) -> None:
        assert self.console == []
        own = (self.url, "data:", "blob:")
        assert [url for url in self.requested if not url.startswith(own)] == []

    def run(self, script: str, argument: Any = None) -> Any:
        """Run a function of the page's own modules: ``modules`` imports one by its path."""
        return self.page.evaluate(
            "async ([source, argument]) => {"
            " const modules = (name) => import(new URL(`console/${name}`, document.baseURI));"
            f" return await ({script})(modules, argument); }}",
            [script, argument],
        )

    def ask(
        self, premise: str, choices: Sequence[str], question: str = "cause", **checked: bool
    ) -> None:
        """Fill in the form, and ask."""
        page = self.page
        page.fill("#premise", premise)
        page.check(f"input[name=question][value={question}]")
        while page.locator("#choices input").count() < len(choices):
            page.click("#add-choice")
        for place, text in enumerate(choices):
            page.fill(f"#choice-{place + 1}", text)
        for box, on in checked.items():
            page.set_checked(f"#{box.replace('_', '-')}", on)
        page.get_by_role("button", name="Ask", exact=True).click()

    def ask_item(self, item: Mapping[str, str]) -> None:
        choices = [item["choice1"], item["choice2"]]
        self.ask(item["premise"], choices, item["question"])

    def paste(self, text: str) -> None:
        """Score rows that are pasted."""
        self.page.fill("#file-text", text)
        self.page.click("#file-score")
