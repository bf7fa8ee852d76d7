/** Accuracy by language, where the file says what is right. */

import { accuracyByLanguage } from "../logic/accuracy.js";
import { interval } from "../logic/numbers.js";
import { make } from "./dom.js";

/**
 * @param {HTMLElement} place
 * @param {import("../logic/scored.js").ScoredRow[]} rows
 * @param {string[]} models
 */
export function showAccuracy(place, rows, models) {
  const found = accuracyByLanguage(rows, models);
  place.replaceChildren(...(found.length ? [tableOf(found, models)] : []));
}

function tableOf(found, models) {
  const names = ["language", "rows", ...models].map((name) => make("th", { scope: "col" }, name));
  const rows = found.map(({ language, rows: count, estimates }) =>
    make(
      "tr",
      {},
      make("th", { scope: "row", dir: "auto" }, language),
      make("td", { class: "number" }, String(count)),
      ...models.map((model) => make("td", { class: "number" }, interval(estimates[model]))),
    ),
  );
  const table = make(
    "table",
    {},
    make("caption", {}, "Accuracy with its 95 % interval (Wilson)"),
    make("thead", {}, make("tr", {}, ...names)),
    make("tbody", {}, ...rows),
  );
  const region = { class: "scroll", role: "region", "aria-label": "Accuracy", tabIndex: 0 };
  return make("div", region, table);
}
