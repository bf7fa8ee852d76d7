/** What the service reports of itself, drawn while a visitor watches. */

import { parseExposition } from "../logic/exposition.js";
import { figuresBetween, hasRestarted } from "../logic/live_figures.js";
import { short } from "../logic/numbers.js";
import { get } from "../service/call.js";
import { said } from "../service/refusals.js";
import { wait } from "../service/waiting.js";
import { Chart } from "./chart.js";
import { byId, make, say } from "./dom.js";

const PAUSE_S = 2;
/** Over how many scrapes a quantile is taken: over fewer it would jump. */
const WINDOW = 5;
/** Two minutes. */
const MOST_POINTS = 60;
const NOT_FOUND = 404;

const CHARTS = [
  { title: "Latency", unit: "ms", names: ["p50", "p95", "p99"] },
  { title: "Throughput", unit: "items a second", names: ["throughput"] },
  { title: "Queue and batch size", unit: "items, rows", names: ["queue", "batch"] },
];
const COLUMNS = {
  p50: "p50, ms",
  p95: "p95, ms",
  p99: "p99, ms",
  throughput: "items a second",
  queue: "queue, items",
  batch: "batch, rows",
};

/** @typedef {{watch: () => void}} LivePanel */

/** @returns {LivePanel} */
export function startLivePanel() {
  const panel = new Panel();
  byId("live-watch").addEventListener("click", () => panel.toggle());
  return { watch: () => panel.watch() };
}

class Panel {
  constructor() {
    this.watching = new AbortController();
    this.watching.abort();
    /** @type {Chart[]} */
    this.charts = [];
    this.forget();
  }

  forget() {
    /** @type {import("../logic/live_figures.js").TimedScrape[]} */
    this.scrapes = [];
    /** @type {{seconds: number, figures: import("../logic/live_figures.js").Figures}[]} */
    this.points = [];
  }

  toggle() {
    if (this.watching.signal.aborted) this.watch();
    else this.stop("Watching is paused.");
  }

  stop(text, isAlert = false) {
    this.watching.abort();
    byId("live-watch").textContent = "Watch";
    say(byId("live-said"), text, isAlert);
  }

  async watch() {
    if (!this.watching.signal.aborted) return;
    this.watching = new AbortController();
    const { signal } = this.watching;
    byId("live-watch").textContent = "Stop watching";
    say(byId("live-said"), "Watching.");
    try {
      for (; !signal.aborted; await wait(PAUSE_S, signal)) {
        // Nobody sees a page that is hidden.
        if (!document.hidden) this.take(await get("metrics", signal));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  take(outcome) {
    if (outcome.kind === "answered") return this.add(parseExposition(outcome.body));
    this.forget();
    if (outcome.status === NOT_FOUND) return this.stop(ELSEWHERE, true);
    return say(byId("live-said"), said(outcome), true);
  }

  add(scrape) {
    const now = { seconds: Date.now() / 1000, scrape };
    if (this.scrapes.length && hasRestarted(this.scrapes.at(-1), now)) this.forget();
    if (byId("live-said").classList.contains("alert")) say(byId("live-said"), "Watching.");
    this.scrapes = [...this.scrapes, now].slice(-WINDOW - 1);
    this.show();
    if (this.scrapes.length < 2) return;
    const figures = figuresBetween(this.scrapes[0], now);
    this.points = [...this.points, { seconds: now.seconds, figures }].slice(-MOST_POINTS);
    this.draw(figures);
  }

  /** Charts are as wide as their place, which has no width before it is shown. */
  show() {
    byId("live-figures").hidden = false;
    if (this.charts.length) return;
    const heads = Object.values(COLUMNS).map((name) => make("th", { scope: "col" }, name));
    byId("live-names").replaceChildren(...heads);
    this.charts = CHARTS.map((title) => new Chart(byId("charts"), title));
  }

  draw(figures) {
    const cells = Object.keys(COLUMNS).map((name) =>
      make("td", { class: "number" }, short(figures[name])),
    );
    byId("live-now").replaceChildren(...cells);
    const now = this.points.at(-1).seconds;
    const seconds = this.points.map((point) => point.seconds - now);
    this.charts.forEach((chart, at) => {
      const lines = CHARTS[at].names.map((name) => this.points.map(({ figures: f }) => f[name]));
      chart.draw([seconds, ...lines]);
    });
  }
}

const ELSEWHERE =
  "There are no metrics at this address. The service has a port of its own for them " +
  "(XCOPA_METRICS_PORT), which this page cannot read.";
