/** Does a model read what it is asked? The same question with one part taken away or turned. */

/** Stands for a premise that is taken away, as in `xcopa evaluate`: the service refuses none. */
export const NO_PREMISE = ".";

/**
 * @typedef {{premise: string, question: "cause" | "effect", choices: string[]}} Question
 */

/** @param {Question} question @returns {Question} */
export function withoutPremise(question) {
  return { ...question, premise: NO_PREMISE };
}

/** @param {Question} question @returns {Question} */
export function swapped(question) {
  return { ...question, question: question.question === "cause" ? "effect" : "cause" };
}

/**
 * Say what an answer without the premise shows.
 *
 * @param {string} model
 * @param {boolean} same whether it is the same choice
 */
export function saidWithoutPremise(model, same) {
  return same
    ? `${model} chooses the same without the premise: the choices alone may decide.`
    : `${model} chooses another one without the premise: the premise matters to it here.`;
}

/**
 * Say what an answer to the other question shows.
 *
 * @param {string} model
 * @param {boolean} same whether it is the same choice
 */
export function saidSwapped(model, same) {
  return same
    ? `${model} chooses the same for cause and effect: the direction may not matter to it.`
    : `${model} chooses another one when the question is swapped: the direction matters to it here.`;
}
