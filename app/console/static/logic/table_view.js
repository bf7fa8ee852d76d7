/** Which rows of a scored file a table shows, and in which order. */

import { disagrees, distance, isWrong, problemOf } from "./scored.js";

/** @typedef {import("./scored.js").ScoredRow} ScoredRow */

/** @type {Record<string, (scored: ScoredRow) => boolean>} */
export const FILTERS = {
  all: () => true,
  disagreements: disagrees,
  wrong: isWrong,
  errors: (scored) => problemOf(scored) !== "",
};

/** @type {Record<string, (scored: ScoredRow) => number | string>} */
const KEYS = {
  line: ({ row }) => row.line,
  language: ({ row }) => row.language,
  question: ({ row }) => row.item?.question ?? "",
  premise: ({ row }) => row.item?.premise ?? "",
  label: ({ row }) => row.label ?? -1,
  distance: (scored) => distance(scored) ?? -1,
};

/**
 * @param {ScoredRow[]} rows
 * @param {{filter: string, sort: string, descending: boolean}} choice `sort` is a key above, or
 *   the name of a model: by its probability of choice 1
 */
export function shownRows(rows, { filter, sort, descending }) {
  const key = KEYS[sort] ?? (({ answers }) => answers[sort]?.probabilities[0] ?? -1);
  const sign = descending ? -1 : 1;
  const compare = (first, second) => sign * compared(key(first), key(second));
  return rows.filter(FILTERS[filter]).sort(compare);
}

function compared(first, second) {
  if (typeof first === "string") return first.localeCompare(/** @type {string} */ (second));
  return first - /** @type {number} */ (second);
}
