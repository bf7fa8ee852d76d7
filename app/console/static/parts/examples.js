/** The list of examples. */

import { EXAMPLES, LANGUAGES } from "../logic/examples.js";
import { byId, make } from "./dom.js";

/** @param {(example: import("../logic/examples.js").Example) => void} onChosen */
export function startExamples(onChosen) {
  byId("example").append(...Object.keys(LANGUAGES).map(group));
  byId("example").addEventListener("change", ({ target }) => {
    if (target.value) onChosen(EXAMPLES[Number(target.value)]);
  });
}

/** Show that the sentences are no longer those of an example. */
export function leaveExample() {
  byId("example").value = "";
}

function group(language) {
  const members = EXAMPLES.flatMap((example, place) =>
    example.language === language ? [option(example, place)] : [],
  );
  return make("optgroup", { label: `${LANGUAGES[language]} (${language})` }, ...members);
}

function option({ premise, language, question }, place) {
  const text = `${premise} (${question})`;
  return make("option", { value: String(place), lang: language, dir: "auto" }, text);
}
