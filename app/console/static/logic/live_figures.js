/** What the live panel draws, from two scrapes of `/metrics`. */

import { sumOf } from "./exposition.js";
import { growth, quantile } from "./quantiles.js";

const LATENCY = "xcopa_request_duration_seconds";
const ROWS = "xcopa_batch_rows";
const MILLISECONDS = 1000;

/**
 * @typedef {object} TimedScrape
 * @property {number} seconds when it was taken
 * @property {import("./exposition.js").Scrape} scrape
 *
 * @typedef {object} Figures null where nothing happened between the scrapes
 * @property {number | null} p50 milliseconds
 * @property {number | null} p95
 * @property {number | null} p99
 * @property {number} throughput items a second that were answered
 * @property {number} queue items that wait now
 * @property {number | null} batch rows of a batch, on average
 */

/**
 * @param {TimedScrape} before
 * @param {TimedScrape} after
 * @returns {Figures}
 */
export function figuresBetween(before, after) {
  const buckets = growth(before.scrape, after.scrape, LATENCY);
  const grown = (name, labels) =>
    sumOf(after.scrape, name, labels) - sumOf(before.scrape, name, labels);
  const batches = grown(`${ROWS}_count`);
  const latency = (share) => {
    const seconds = quantile(share, buckets);
    return seconds === null ? null : seconds * MILLISECONDS;
  };
  return {
    p50: latency(0.5),
    p95: latency(0.95),
    p99: latency(0.99),
    throughput:
      grown("xcopa_items_total", { outcome: "answered" }) / (after.seconds - before.seconds),
    queue: sumOf(after.scrape, "xcopa_queue_items"),
    batch: batches > 0 ? grown(`${ROWS}_sum`) / batches : null,
  };
}

/**
 * Return whether the counters began anew: another process answers.
 *
 * @param {TimedScrape} before
 * @param {TimedScrape} after
 */
export function hasRestarted(before, after) {
  const count = `${LATENCY}_count`;
  return sumOf(after.scrape, count) < sumOf(before.scrape, count);
}
