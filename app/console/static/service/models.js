/** The models that are served. */

import { get } from "./call.js";

/**
 * @typedef {{name: string, revision: string, parameters: number, default: boolean}} ModelCard
 */

/** @type {ModelCard[]} */
let known = [];

/**
 * Ask for the models once; afterwards they are known.
 *
 * @param {AbortSignal} [signal]
 * @returns {Promise<{models: ModelCard[]} | {failure: import("./call.js").Outcome}>}
 */
export async function servedModels(signal) {
  if (known.length) return { models: known };
  const outcome = await get("models", signal);
  if (outcome.kind !== "answered") return { failure: outcome };
  known = outcome.body.models;
  return { models: known };
}

/** Forget them: another process may serve others. */
export function forgetModels() {
  known = [];
}
