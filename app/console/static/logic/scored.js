/** A row of a file with the answers of the models. */

/**
 * @typedef {object} Answer as the batch route gives it
 * @property {0 | 1} label
 * @property {number[]} probabilities
 * @property {number[]} logits
 * @property {string} model
 * @property {string} revision
 *
 * @typedef {object} ScoredRow
 * @property {import("./rows.js").FileRow} row
 * @property {Record<string, Answer>} answers by model
 * @property {Record<string, string>} errors by model: why it gave no answer
 */

/** @param {import("./rows.js").FileRow} row @returns {ScoredRow} */
export function unscored(row) {
  return { row, answers: {}, errors: {} };
}

/** Whether two models choose differently. @param {ScoredRow} scored */
export function disagrees(scored) {
  return new Set(Object.values(scored.answers).map((answer) => answer.label)).size > 1;
}

/**
 * Return how far apart the models are: the largest difference of the probability of choice 1.
 *
 * @param {ScoredRow} scored
 * @returns {number | null} null with fewer than two answers
 */
export function distance(scored) {
  const first = Object.values(scored.answers).map((answer) => answer.probabilities[0]);
  return first.length < 2 ? null : Math.max(...first) - Math.min(...first);
}

/** Whether a model is wrong, where the file says what is right. @param {ScoredRow} scored */
export function isWrong(scored) {
  const { label } = scored.row;
  if (label === null) return false;
  return Object.values(scored.answers).some((answer) => answer.label !== label);
}

/** What is wrong with a row or its calls; empty if nothing is. @param {ScoredRow} scored */
export function problemOf(scored) {
  const failed = Object.entries(scored.errors).map(([model, detail]) => `${model}: ${detail}`);
  return [scored.row.problem, ...failed].filter(Boolean).join("; ");
}
