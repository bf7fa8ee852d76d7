/** Where the rows of a file come from: a field, something dropped, something pasted. */

import { textOf } from "../logic/decoding.js";
import { byId } from "./dom.js";

/** Of a larger one the page would keep too much in memory. */
const MOST_BYTES = 20 * 2 ** 20;

/**
 * @typedef {{text: string, name: string}} Source
 *
 * @param {(source: Source) => void} onSource
 * @param {(problem: string) => void} onProblem
 */
export function startFileSource(onSource, onProblem) {
  const take = (file) => file && read(file).then(onSource, (error) => onProblem(error.message));
  byId("file-input").addEventListener("change", ({ target }) => {
    take(target.files[0]);
    // So that the same file, when it is chosen again, is a change.
    target.value = "";
  });
  byId("file-score").addEventListener("click", () => {
    onSource({ text: byId("file-text").value, name: "" });
  });
  startDrop(byId("drop"), take);
}

function startDrop(place, take) {
  const mark = (on) => place.classList.toggle("over", on);
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  place.addEventListener("dragleave", () => mark(false));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    take(event.dataTransfer.files[0]);
  });
}

/** @param {File} file @returns {Promise<Source>} */
async function read(file) {
  if (file.size > MOST_BYTES) {
    throw new Error(
      `${file.name} has more than ${MOST_BYTES / 2 ** 20} MB. Use the command "xcopa predict" for it.`,
    );
  }
  return { text: textOf(new Uint8Array(await file.arrayBuffer())), name: file.name };
}
