/** A button that sends a gentle load, so that there is something to watch. */

import { EXAMPLES } from "../logic/examples.js";
import { post } from "../service/call.js";
import { gentleLoad } from "../service/load.js";
import { byId, say } from "./dom.js";

const START = "Send a gentle load for 30 s";
const STOP = "Stop the load";

/** @type {AbortController | null} */
let stopper = null;

/** @param {import("./live_panel.js").LivePanel} live */
export function startLoadButton(live) {
  byId("load-start").addEventListener("click", () => {
    if (stopper) return stopper.abort();
    live.watch();
    return send();
  });
}

async function send() {
  stopper = new AbortController();
  const { signal } = stopper;
  byId("load-start").textContent = STOP;
  const ask = (turn) => post("predict/xcopa", questionOf(turn), signal);
  const tally = await gentleLoad({ ask, signal, onChange: (now) => showTally("Sending", now) });
  showTally(signal.aborted ? "Stopped" : "Ended", tally);
  byId("load-start").textContent = START;
  stopper = null;
}

function questionOf(turn) {
  const { premise, question, choices } = EXAMPLES[turn % EXAMPLES.length];
  return { premise, question, choice1: choices[0], choice2: choices[1] };
}

function showTally(state, { sent, answered, refused, ended }) {
  const why = ended ? " The service takes no more." : "";
  say(
    byId("load-said"),
    `${state}: ${sent} calls, ${answered} answered, ${refused} refused.${why}`,
    refused > 0,
  );
}
