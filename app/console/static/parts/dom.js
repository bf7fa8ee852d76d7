/** Elements, made and found. Texts go in as text: nothing that is handed in is read as HTML. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties] `class` and names with a hyphen are attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class" || name.includes("-") || name === "role" || name === "for") {
      element.setAttribute(name, String(value));
    } else {
      element[name] = value;
    }
  }
  element.append(...children);
  return element;
}

/** @param {string} id @returns {any} */
export function byId(id) {
  return document.getElementById(id);
}

/** Say something in a place for it; as an alert it stands out. */
export function say(place, text, isAlert = false) {
  place.textContent = text;
  place.classList.toggle("alert", isAlert && text !== "");
}

/** A text of somebody's, in the direction of its own script. @param {string} text */
export function theirs(text, tag = "span") {
  return make(tag, { class: "text", dir: "auto" }, text);
}
