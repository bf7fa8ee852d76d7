"""A visitor watches the service, and sends it a gentle load."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import expect

from tests.e2e.console.visit import Visit
from tests.sample import sample_items

LOAD = """async (modules, [refusals, limits]) => {
  const { gentleLoad } = await modules("service/load.js");
  let now = 0, atOnce = 0, most = 0;
  const waits = [];
  const outcomes = refusals.map((each) => ({ kind: "refused", ...each }));
  const tally = await gentleLoad({
    limits,
    signal: new AbortController().signal,
    onChange: () => {},
    now: () => now,
    wait: async (seconds) => {
      waits.push(seconds);
      now += seconds;
    },
    ask: async () => {
      most = Math.max(most, (atOnce += 1));
      await null;
      atOnce -= 1;
      return outcomes.shift() ?? { kind: "answered" };
    },
  });
  return { ...tally, most, waits };
}"""
LIMITS = {"seconds": 30, "inFlight": 2, "calls": 600, "pauseSeconds": 0.05}


def test_figures_are_drawn_while_somebody_watches(visit: Visit) -> None:
    page = visit.page
    page.click("#live-watch")
    expect(page.locator("#live-names th")).to_have_count(6)
    for item in sample_items()[:5]:
        httpx.post(f"{visit.url}/predict/xcopa", json=item, timeout=60).raise_for_status()
    cells = page.locator("#live-now td")
    expect(cells).to_have_count(6)
    expect(cells.nth(3)).not_to_have_text("0")
    numbers = [float(text) for text in cells.all_inner_texts()]
    p50, p95, p99, throughput, queue, batch = numbers
    assert 0 < p50 <= p95 <= p99
    assert throughput > 0
    assert queue == 0
    assert batch >= 2
    charts = page.get_by_role("img")
    expect(charts).to_have_count(3)
    expect(charts.first).to_have_attribute("aria-label", re.compile("Latency$"))
    assert drawn(visit)
    page.click("#live-watch")
    expect(page.locator("#live-said")).to_have_text("Watching is paused.")


def drawn(visit: Visit) -> bool:
    """Whether a chart has a line in the colour of its first series."""
    script = """() => {
      const canvas = document.querySelector("#charts canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      for (let at = 0; at < data.length; at += 4) {
        if (data[at] === 0x0b && data[at + 1] === 0x5c && data[at + 2] === 0xad) return true;
      }
      return false;
    }"""
    return bool(visit.page.evaluate(script))


def test_a_load_is_sent_and_stopped(visit: Visit) -> None:
    button = visit.page.locator("#load-start")
    button.click()
    expect(visit.page.locator("#load-said")).to_have_text(
        re.compile(r"Sending: \d\d+ calls, \d+ answered, 0 refused\.")
    )
    expect(visit.page.locator("#live-watch")).to_have_text("Stop watching")
    expect(button).to_have_text("Stop the load")
    button.click()
    expect(visit.page.locator("#load-said")).to_contain_text("Stopped:")
    expect(button).to_have_text("Send a gentle load for 30 s")


def test_a_load_is_bounded_in_time_in_number_and_at_once(visit: Visit) -> None:
    done = visit.run(LOAD, [[], LIMITS])
    assert done["most"] == LIMITS["inFlight"]
    assert sum(done["waits"]) <= LIMITS["seconds"] + LIMITS["pauseSeconds"]
    assert done["answered"] == done["sent"] <= LIMITS["calls"]
    few = visit.run(LOAD, [[], {**LIMITS, "calls": 7}])
    assert few["sent"] == 7


def test_the_load_of_the_button_is_gentle_and_lasts_as_long_as_it_says(visit: Visit) -> None:
    own = visit.run("async (modules) => (await modules('service/load.js')).LIMITS", [])
    assert own == LIMITS
    button = visit.page.locator("#load-start")
    expect(button).to_have_text(f"Send a gentle load for {LIMITS['seconds']} s")


def test_a_load_waits_as_long_as_a_refusal_says_and_longer_if_it_says_nothing(
    visit: Visit,
) -> None:
    one_sender = {**LIMITS, "inFlight": 1}
    refusals = [{"status": 429, "retryAfter": 4}, *[{"status": 503, "retryAfter": None}] * 2]
    done = visit.run(LOAD, [refusals, one_sender])
    assert done["waits"][:4] == [4, 2, 4, LIMITS["pauseSeconds"]]
    assert done["refused"] == 3


def test_a_load_ends_at_a_refusal_that_waiting_does_not_mend(visit: Visit) -> None:
    done = visit.run(LOAD, [[{"status": 401, "retryAfter": None}], {**LIMITS, "inFlight": 1}])
    assert (done["sent"], done["refused"], done["ended"]) == (1, 1, "refused")
