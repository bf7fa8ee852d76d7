/** The rows of a file as questions: each with its item, or with what is wrong with it. */

import { csvRows } from "./csv.js";
import { jsonRows } from "./json_lines.js";
import { linesOf } from "./lines.js";

const REQUIRED = ["premise", "choice1", "choice2", "question"];
const TEXTS = ["premise", "choice1", "choice2"];
const QUESTIONS = ["cause", "effect"];
const LANGUAGES = ["language", "lang"];

/** What shows nothing, as the service tells it (app/api/schemas.py). */
const VISIBLE =
  /[^\u0000-\u0020\u007f-\u00a0\u00ad\u061c\u115f\u1160\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\uffa0\ufeff\ufff9-\ufffb]/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * @typedef {object} Item
 * @property {string} premise
 * @property {string} choice1
 * @property {string} choice2
 * @property {"cause" | "effect"} question
 *
 * @typedef {object} FileRow
 * @property {number} line of its beginning, from 1
 * @property {Record<string, unknown>} fields all that the row has
 * @property {Item | null} item
 * @property {string} problem why there is no item; empty if there is one
 * @property {0 | 1 | null} label the right choice, where the file has it
 * @property {string} language empty where the file does not say
 */

/**
 * @param {string} text
 * @param {string} [name] of the file: its end says which format it has
 * @returns {FileRow[]}
 * @throws {Error} with a sentence for the visitor
 */
export function readRows(text, name = "") {
  const lines = linesOf(text);
  const first = lines.find((line) => line.text.trim());
  if (!first) return [];
  const rows = isCsv(name, first.text) ? csvRows(lines, REQUIRED) : jsonRows(lines);
  return rows.map(checked);
}

function isCsv(name, firstLine) {
  if (/\.[ct]sv$/i.test(name)) return true;
  if (/\.(jsonl|ndjson|json)$/i.test(name)) return false;
  return !firstLine.trimStart().startsWith("{");
}

function checked({ line, fields, problem }) {
  const wrong = problem ? `row: ${problem}` : problemOf(fields);
  return {
    line,
    fields,
    item: wrong ? null : itemOf(fields),
    problem: wrong,
    label: labelOf(fields.label),
    language: languageOf(fields),
  };
}

function itemOf(fields) {
  return Object.fromEntries(REQUIRED.map((name) => [name, fields[name]]));
}

function problemOf(fields) {
  const problems = TEXTS.map((name) => [name, problemOfText(fields, name)]);
  problems.push(["question", problemOfQuestion(fields)]);
  return problems
    .filter(([, problem]) => problem)
    .map(([name, problem]) => `${name}: ${problem}`)
    .join("; ");
}

function problemOfText(fields, name) {
  if (!Object.hasOwn(fields, name)) return "is required";
  const text = fields[name];
  if (typeof text !== "string") return "must be a string";
  if (LONE_SURROGATE.test(text)) {
    return "has a lone surrogate, which is no character; send valid Unicode";
  }
  return VISIBLE.test(text) ? "" : "must not be blank";
}

function problemOfQuestion(fields) {
  if (!Object.hasOwn(fields, "question")) return "is required";
  return QUESTIONS.includes(fields.question) ? "" : "must be 'cause' or 'effect'";
}

function labelOf(value) {
  const text = String(value ?? "").trim();
  return text === "0" || text === "1" ? /** @type {0 | 1} */ (Number(text)) : null;
}

function languageOf(fields) {
  const name = LANGUAGES.find((each) => typeof fields[each] === "string" && fields[each].trim());
  return name ? String(fields[name]).trim() : "";
}
