/** A gentle load on the service: bounded in time, in number and in calls at once. */

import { pauseAfter } from "./patience.js";
import { wait as waitSeconds } from "./waiting.js";

export const LIMITS = { seconds: 30, inFlight: 2, calls: 600, pauseSeconds: 0.05 };

/**
 * @typedef {{sent: number, answered: number, refused: number, ended: string}} LoadTally
 */

/**
 * Send questions, in turn, until a limit is reached. After a refusal wait as long as it says.
 *
 * @param {object} how
 * @param {(turn: number) => Promise<import("./call.js").Outcome>} how.ask
 * @param {AbortSignal} how.signal stops it
 * @param {(tally: LoadTally) => void} how.onChange
 * @param {typeof LIMITS} [how.limits]
 * @param {() => number} [how.now] in seconds
 * @param {typeof waitSeconds} [how.wait]
 * @returns {Promise<LoadTally>}
 */
export async function gentleLoad({ ask, signal, onChange, ...rest }) {
  const { limits = LIMITS, now = () => performance.now() / 1000, wait = waitSeconds } = rest;
  const tally = { sent: 0, answered: 0, refused: 0, ended: "" };
  const end = now() + limits.seconds;
  const goesOn = () => !tally.ended && !signal.aborted && tally.sent < limits.calls && now() < end;

  async function sender() {
    for (let refusals = 0; goesOn(); ) {
      tally.sent += 1;
      const outcome = await ask(tally.sent - 1);
      refusals = outcome.kind === "answered" ? 0 : refusals + 1;
      tally[refusals ? "refused" : "answered"] += 1;
      onChange(tally);
      const pause = refusals ? pauseAfter(outcome, refusals) : limits.pauseSeconds;
      if (pause === null || outcome.kind === "gone") tally.ended = "refused";
      else await wait(Math.min(pause, Math.max(end - now(), 0)), signal);
    }
  }

  const senders = Array.from({ length: limits.inFlight }, () => sender().catch(unlessStopped));
  await Promise.all(senders);
  return tally;

  function unlessStopped(error) {
    if (!signal.aborted) throw error;
  }
}
