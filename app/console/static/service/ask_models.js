/** One question to every model. */

import { post } from "./call.js";
import { servedModels } from "./models.js";

/**
 * @typedef {object} ModelAnswer
 * @property {string} model
 * @property {string} revision
 * @property {number} label the place of the choice that it prefers, from 0
 * @property {number[]} probabilities
 * @property {import("../logic/server_timing.js").Times} times of two choices those of the call
 *   that asked all models
 *
 * @typedef {{answers: ModelAnswer[]} | {failure: import("./call.js").Outcome}} Asked
 */

/**
 * Ask about two choices in one call, and about more in one call for each model.
 *
 * @param {import("../logic/why.js").Question} question
 * @param {AbortSignal} [signal]
 * @returns {Promise<Asked>}
 */
export async function askModels(question, signal) {
  return question.choices.length === 2 ? compare(question, signal) : rank(question, signal);
}

async function compare({ premise, question, choices: [choice1, choice2] }, signal) {
  const item = { premise, question, choice1, choice2 };
  const outcome = await post("compare/xcopa", item, signal);
  if (outcome.kind !== "answered") return { failure: outcome };
  const predictions = Object.values(outcome.body.predictions);
  return { answers: predictions.map((each) => answerOf(each, each.label, outcome.times)) };
}

async function rank(question, signal) {
  const found = await servedModels(signal);
  if ("failure" in found) return found;
  const calls = found.models.map(({ name }) => post("rank", { ...question, model: name }, signal));
  const outcomes = await Promise.all(calls);
  const failure = outcomes.find((outcome) => outcome.kind !== "answered");
  if (failure) return { failure };
  return { answers: outcomes.map(({ body, times }) => answerOf(body, body.order[0], times)) };
}

function answerOf({ model, revision, probabilities }, label, times) {
  return { model, revision, probabilities, label, times };
}
