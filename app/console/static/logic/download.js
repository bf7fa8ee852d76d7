/** Results as files: each row as it was, and what the models say. */

import { disagrees, problemOf } from "./scored.js";

const LINE_ENDS = /[\u0085\u2028\u2029]/g;

/**
 * @param {import("./scored.js").ScoredRow[]} rows
 * @param {string[]} models
 */
export function asJsonLines(rows, models) {
  return rows.map((scored) => `${encoded(recordOf(scored, models))}\n`).join("");
}

/** Some programs end a line at these; within a string of JSON they may be escaped. */
function encoded(record) {
  const escape = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(record).replace(LINE_ENDS, escape);
}

/**
 * @param {import("./scored.js").ScoredRow[]} rows
 * @param {string[]} models
 */
export function asCsv(rows, models) {
  const records = rows.map((scored) => flat(recordOf(scored, models), models));
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const lines = records.map((record) => names.map((name) => cell(record[name])).join(","));
  return [names.map(cell).join(","), ...lines, ""].join("\r\n");
}

function recordOf(scored, models) {
  const answers = models.flatMap((model) => {
    const { model: _, ...answer } = scored.answers[model] ?? {};
    return scored.answers[model] ? [[model, answer]] : [];
  });
  const own = { predictions: Object.fromEntries(answers) };
  if (answers.length > 1) own.agree = !disagrees(scored);
  const error = problemOf(scored);
  if (error) own.error = error;
  return { line: scored.row.line, ...kept(scored.row.fields), ...own };
}

const OWN = ["line", "predictions", "agree", "error"];

/** A field whose name is ours is kept as `input_NAME`, as `xcopa predict` does. */
function kept(fields) {
  const named = Object.entries(fields).map(([name, value]) => [keptName(name, fields), value]);
  return Object.fromEntries(named);
}

function keptName(name, fields) {
  if (!OWN.includes(name)) return name;
  let own = `input_${name}`;
  while (Object.hasOwn(fields, own)) own = `input_${own}`;
  return own;
}

function flat({ predictions, ...record }, models) {
  for (const model of models) {
    const answer = predictions[model];
    record[`${model}_label`] = answer?.label;
    record[`${model}_probability1`] = answer?.probabilities[0];
    record[`${model}_probability2`] = answer?.probabilities[1];
    record[`${model}_revision`] = answer?.revision;
  }
  return record;
}

function cell(value) {
  const text = value === undefined || value === null ? "" : textOf(value);
  return /[",\r\n;\t|]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function textOf(value) {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
