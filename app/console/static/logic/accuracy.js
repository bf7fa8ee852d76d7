/** Accuracy of each model by language, over the rows that have a label and an answer. */

import { wilson } from "./statistics.js";

export const ALL = "all";
export const UNSAID = "not said";

/**
 * @typedef {import("./scored.js").ScoredRow} ScoredRow
 * @typedef {{language: string, rows: number,
 *   estimates: Record<string, {value: number, low: number, high: number}>}} LanguageAccuracy
 */

/**
 * @param {ScoredRow[]} rows
 * @param {string[]} models
 * @returns {LanguageAccuracy[]} by language, all together last; empty without labels
 */
export function accuracyByLanguage(rows, models) {
  const usable = rows.filter(
    ({ row, answers }) => row.label !== null && models.every((model) => answers[model]),
  );
  if (!usable.length) return [];
  const groups = Map.groupBy(usable, ({ row }) => row.language || UNSAID);
  const languages = [...groups.keys()].sort();
  const parts = languages.map((language) => accuracyOf(language, groups.get(language), models));
  return languages.length === 1 ? parts : [...parts, accuracyOf(ALL, usable, models)];
}

function accuracyOf(language, rows, models) {
  const estimates = models.map((model) => {
    const correct = rows.filter(({ row, answers }) => answers[model].label === row.label).length;
    return [model, wilson(correct, rows.length)];
  });
  return { language, rows: rows.length, estimates: Object.fromEntries(estimates) };
}
