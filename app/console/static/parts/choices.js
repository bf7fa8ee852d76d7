/** The fields of the choices: two or more. */

import { byId, make } from "./dom.js";

const FEWEST = 2;
const MOST = 32;

export function startChoices() {
  setChoices(["", ""]);
  byId("add-choice").addEventListener("click", () => {
    setChoices([...choiceFields().map((field) => field.value), ""]);
    choiceFields().at(-1).focus();
  });
}

/** @returns {HTMLInputElement[]} */
export function choiceFields() {
  return [...byId("choices").querySelectorAll("input")];
}

/** @param {string[]} texts */
export function setChoices(texts) {
  const canRemove = texts.length > FEWEST;
  byId("choices").replaceChildren(...texts.map((text, place) => choice(text, place, canRemove)));
  byId("add-choice").disabled = texts.length >= MOST;
}

function choice(text, place, canRemove) {
  const id = `choice-${place + 1}`;
  const field = make("input", { id, type: "text", dir: "auto", value: text, autocomplete: "off" });
  const label = make("label", { for: id }, `Choice ${place + 1}`);
  return make("li", {}, label, field, ...(canRemove ? [removal(place)] : []));
}

function removal(place) {
  const button = make(
    "button",
    { type: "button", "aria-label": `Remove choice ${place + 1}` },
    "Remove",
  );
  button.addEventListener("click", () => {
    setChoices(choiceFields().flatMap((field, at) => (at === place ? [] : [field.value])));
    choiceFields().at(Math.max(0, place - 1)).focus();
  });
  return button;
}
