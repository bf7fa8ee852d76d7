/** Quantiles of what a histogram counted between two scrapes. */

import { numberOf } from "./exposition.js";

/**
 * @typedef {import("./exposition.js").Scrape} Scrape
 * @typedef {{bound: number, count: number}} Bucket its count includes that of smaller buckets
 */

/**
 * Return the buckets of a histogram, over all its labels, as they grew between two scrapes.
 *
 * @param {Scrape} before
 * @param {Scrape} after
 * @param {string} name
 * @returns {Bucket[]} the smallest first
 */
export function growth(before, after, name) {
  const counts = countsByBound(after, name);
  for (const [bound, count] of countsByBound(before, name)) {
    counts.set(bound, (counts.get(bound) ?? 0) - count);
  }
  const buckets = [...counts].map(([bound, count]) => ({ bound, count }));
  return buckets.sort((first, second) => first.bound - second.bound);
}

function countsByBound(scrape, name) {
  const counts = new Map();
  for (const { labels, value } of scrape.get(`${name}_bucket`) ?? []) {
    const bound = numberOf(labels.le);
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return counts;
}

/**
 * Return a quantile as PromQL's `histogram_quantile` does: linear within its bucket.
 *
 * @param {number} share from 0 to 1
 * @param {Bucket[]} buckets the smallest first, the last without a bound
 * @returns {number | null} null where nothing was counted
 */
export function quantile(share, buckets) {
  const total = buckets.at(-1)?.count ?? 0;
  if (total <= 0) return null;
  const rank = share * total;
  const place = buckets.findIndex((bucket) => bucket.count >= rank);
  const { bound, count } = buckets[place];
  const below = buckets[place - 1] ?? { bound: 0, count: 0 };
  // What exceeds the largest bound is only known to exceed it.
  if (bound === Infinity) return below.bound;
  if (count === below.count) return bound;
  return below.bound + ((bound - below.bound) * (rank - below.count)) / (count - below.count);
}
