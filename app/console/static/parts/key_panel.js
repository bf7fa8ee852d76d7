/** Where a visitor gives an API key, shown once the service asks for one. */

import { isPossibleKey, useKey } from "../service/key.js";
import { byId, say } from "./dom.js";

const GIVEN = "xcopa-key-given";

export function startKeyPanel() {
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    give(byId("key-text").value.trim());
  });
  byId("key-forget").addEventListener("click", forget);
}

function give(text) {
  if (!isPossibleKey(text)) {
    say(byId("key-said"), "A key is letters, digits and signs without spaces. Nothing was sent.");
    return;
  }
  useKey(text);
  say(byId("key-said"), "From now on this page sends the key.");
  document.dispatchEvent(new Event(GIVEN));
}

function forget() {
  useKey("");
  byId("key-text").value = "";
  say(byId("key-said"), "The key is forgotten.");
}

/** Show the place for a key. */
export function askForKey() {
  byId("key").hidden = false;
}

/** @param {() => void} listener called when a visitor has given a key */
export function onKey(listener) {
  document.addEventListener(GIVEN, listener);
}
