/** Asks again where waiting may help: when the service is busy, starting, or away. */

import { wait as waitSeconds } from "./waiting.js";

const BUSY = [429, 503];
/** What a proxy says whose service does not answer. */
const BEHIND_A_PROXY = [502];
const LONGEST_PAUSE_S = 15;

/**
 * @typedef {import("./call.js").Outcome} Outcome
 */

/**
 * Ask until there is an answer, or a refusal that waiting does not mend.
 *
 * @param {() => Promise<Outcome>} ask
 * @param {object} how
 * @param {number} how.tries how often to ask, at most
 * @param {AbortSignal} [how.signal]
 * @param {(seconds: number, outcome: Outcome) => void} [how.onWait] called before each wait
 * @param {typeof waitSeconds} [how.wait]
 * @returns {Promise<Outcome>} the last one
 */
export async function askPatiently(ask, { tries, signal, onWait, wait = waitSeconds }) {
  for (let asked = 1; ; asked += 1) {
    const outcome = await ask();
    const pause = pauseAfter(outcome, asked);
    if (pause === null || asked >= tries) return outcome;
    onWait?.(pause, outcome);
    await wait(pause, signal);
  }
}

/**
 * Return the seconds after which to ask again: those that the service names, else twice as many
 * each time.
 *
 * @param {Outcome} outcome
 * @param {number} asked how often
 * @returns {number | null} null where asking again would change nothing
 */
export function pauseAfter(outcome, asked) {
  const growing = Math.min(2 ** (asked - 1), LONGEST_PAUSE_S);
  if (outcome.kind === "gone") return growing;
  if (outcome.kind !== "refused") return null;
  if (BUSY.includes(outcome.status)) return outcome.retryAfter ?? growing;
  return BEHIND_A_PROXY.includes(outcome.status) ? growing : null;
}
