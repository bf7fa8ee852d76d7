/** The same question with a change, beside the first answer. */

import { percent } from "../logic/numbers.js";
import { saidSwapped, saidWithoutPremise, swapped, withoutPremise } from "../logic/why.js";
import { make } from "./dom.js";

/** By the id of the box that switches a change on. */
export const CHANGES = {
  "without-premise": {
    name: "without the premise",
    change: withoutPremise,
    said: saidWithoutPremise,
  },
  swapped: { name: "with the question swapped", change: swapped, said: saidSwapped },
};

/**
 * @typedef {import("../service/ask_models.js").ModelAnswer} ModelAnswer
 * @typedef {{name: string, saying: (model: string, same: boolean) => string,
 *   answers: ModelAnswer[]}} Changed
 */

/**
 * @param {HTMLElement} place is added to
 * @param {import("../logic/why.js").Question} question
 * @param {ModelAnswer[]} first
 * @param {Changed[]} changed
 */
export function showChanges(place, question, first, changed) {
  const rows = [{ name: "as asked", answers: first }, ...changed].map(({ name, answers }) =>
    make("tr", {}, make("th", { scope: "row" }, name), ...answers.map(cell)),
  );
  const models = first.map(({ model }) => make("th", { scope: "col" }, model));
  const head = make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "asked"), ...models));
  const caption = make("caption", {}, "Choice, and its probability");
  const table = make("table", {}, caption, head, make("tbody", {}, ...rows));
  const scroll = { class: "scroll", role: "region", "aria-label": "Answers with changes" };
  const title = make("h3", {}, "Why?");
  const region = make("div", { ...scroll, tabIndex: 0 }, table);
  place.append(make("div", { class: "why" }, title, region, sentences(first, changed)));
}

function cell({ label, probabilities }) {
  return make("td", { class: "number" }, `${label + 1} (${percent(probabilities[label])})`);
}

function sentences(first, changed) {
  const texts = changed.flatMap(({ saying, answers }) =>
    answers.map(({ model, label }, at) => saying(model, label === first[at].label)),
  );
  const list = make("ul", {}, ...texts.map((text) => make("li", {}, text)));
  return make("div", { role: "status" }, list);
}
