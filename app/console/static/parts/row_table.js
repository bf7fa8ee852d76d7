/** The rows of a scored file: sorted, filtered, and some at a time. */

import { percent } from "../logic/numbers.js";
import { disagrees, distance, problemOf } from "../logic/scored.js";
import { shownRows } from "../logic/table_view.js";
import { byId, make, theirs } from "./dom.js";

const PAGE_ROWS = 25;
/** A label counts from 0, and the choices on this page from 1. */
const NAMES = { label: "right", distance: "apart by" };

export class RowTable {
  /** @param {string[]} models */
  constructor(models) {
    this.models = models;
    this.sort = "line";
    this.descending = false;
    this.page = 0;
    /** @type {import("../logic/scored.js").ScoredRow[]} */
    this.rows = [];
  }

  /** @param {import("../logic/scored.js").ScoredRow[]} rows those that have been through */
  show(rows) {
    this.rows = rows;
    const choice = { filter: byId("file-filter").value, ...this };
    const found = shownRows(rows, choice);
    const last = Math.max(0, Math.ceil(found.length / PAGE_ROWS) - 1);
    this.page = Math.min(this.page, last);
    const from = this.page * PAGE_ROWS;
    const shown = found.slice(from, from + PAGE_ROWS);
    const focused = document.activeElement?.id;
    byId("file-table").replaceChildren(this.table(shown));
    // A table that is drawn anew while the file is scored must not lose the keyboard's place.
    if (focused?.startsWith("sort-")) byId(focused)?.focus();
    byId("file-before").disabled = this.page === 0;
    byId("file-after").disabled = this.page === last;
    const to = from + shown.length;
    byId("file-page").textContent = found.length
      ? `Rows ${from + 1} to ${to} of ${found.length}`
      : "No such rows";
  }

  turn(pages) {
    this.page += pages;
    this.show(this.rows);
  }

  filtered() {
    this.page = 0;
    this.show(this.rows);
  }

  table(shown) {
    const keys = ["line", "premise", "question", "language", "label", ...this.models, "distance"];
    const heads = keys.map((key) => this.head(key, NAMES[key] ?? key));
    const rows = shown.map((scored) => this.row(scored));
    const head = make("thead", {}, make("tr", {}, ...heads));
    return make("table", {}, head, make("tbody", {}, ...rows));
  }

  head(key, name) {
    const sorted = this.sort === key;
    const arrow = this.descending ? " ▼" : " ▲";
    const button = make("button", { type: "button", id: `sort-${key}` }, name + (sorted ? arrow : ""));
    button.addEventListener("click", () => this.sortBy(key));
    const order = this.descending ? "descending" : "ascending";
    return make("th", { scope: "col", ...(sorted ? { "aria-sort": order } : {}) }, button);
  }

  sortBy(key) {
    // What is furthest apart is what a visitor looks for first.
    this.descending = this.sort === key ? !this.descending : key === "distance";
    this.sort = key;
    this.filtered();
  }

  row(scored) {
    const { row } = scored;
    const apart = distance(scored);
    const label = row.label === null ? "" : String(row.label + 1);
    return make(
      "tr",
      disagrees(scored) ? { class: "differs" } : {},
      number(String(row.line)),
      make("td", { class: "sentence" }, ...sentences(scored)),
      make("td", {}, row.item?.question ?? ""),
      make("td", {}, theirs(row.language)),
      number(label),
      ...this.models.map((model) => number(answerOf(scored.answers[model]))),
      number(apart === null ? "" : percent(apart)),
    );
  }
}

function number(text) {
  return make("td", { class: "number" }, text);
}

function sentences(scored) {
  const { item } = scored.row;
  const texts = item ? [item.premise, `1. ${item.choice1}`, `2. ${item.choice2}`] : [];
  const problem = problemOf(scored);
  const parts = texts.map((text) => theirs(text, "div"));
  return problem ? [...parts, make("div", { class: "problem" }, `No answer: ${problem}`)] : parts;
}

function answerOf(answer) {
  if (!answer) return "";
  return `${answer.label + 1} (${percent(answer.probabilities[answer.label])})`;
}
