/** The API key: in the memory of this page and nowhere else. */

let key = "";

export function apiKey() {
  return key;
}

/** @param {string} given empty to forget it */
export function useKey(given) {
  key = given;
}

/** Whether a text can be a key at all: a header takes no other characters. */
export function isPossibleKey(text) {
  return /^[\x21-\x7e]+$/.test(text);
}
