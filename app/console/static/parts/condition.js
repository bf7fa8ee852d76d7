/** One line at the top: whether the service is there. It follows the service and says it once. */

import { get } from "../service/call.js";
import { forgetModels, servedModels } from "../service/models.js";
import { GONE, said, wantsKey } from "../service/refusals.js";
import { wait } from "../service/waiting.js";
import { byId, say } from "./dom.js";
import { askForKey, onKey } from "./key_panel.js";

const USUAL_PAUSE_S = 5;
const SHORT_PAUSE_S = 2;

const CONDITIONS = {
  ready: "",
  loading: "The service is starting: its models load. This page asks again until they are there.",
  draining: "The service is stopping. It finishes what it has and takes no new calls.",
  stopped: "The service has stopped.",
  stuck: "The service is stuck on a batch. It takes no calls until that is over.",
};
const BEHIND = "Something in front of the service answers, and the service does not.";

export async function startCondition() {
  onKey(showModels);
  for (let before = ""; ; ) {
    const text = document.hidden ? before : await textOfNow();
    if (text !== before) await changed(text, before);
    if (!text && !byId("served").textContent) await showModels();
    before = text;
    await wait(text ? SHORT_PAUSE_S : USUAL_PAUSE_S);
  }
}

async function changed(text, before) {
  say(byId("condition"), text);
  // Whoever answers after a pause may be another process, with other models.
  if (before) forgetModels();
  byId("served").textContent = "";
}

async function textOfNow() {
  const outcome = await get("readyz");
  if (outcome.kind === "gone") return GONE;
  const condition = outcome.kind === "answered" ? outcome.body.status : outcome.detail;
  return CONDITIONS[condition] ?? BEHIND;
}

async function showModels() {
  const found = await servedModels();
  if ("failure" in found) {
    byId("served").textContent = said(found.failure);
    if (wantsKey(found.failure)) askForKey();
    return;
  }
  const names = found.models.map(({ name, revision }) => `${name} (revision ${revision})`);
  byId("served").textContent = `Models: ${names.join(", ")}`;
}
