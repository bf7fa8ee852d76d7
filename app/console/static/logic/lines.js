/** The lines of a text, as `xcopa predict` counts them: a line ends with a line feed. */

const MARK = "\ufeff";

/**
 * @typedef {object} TextLine
 * @property {number} number from 1
 * @property {string} text with its line end
 */

/**
 * @param {string} text
 * @returns {TextLine[]}
 */
export function linesOf(text) {
  const parts = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  return parts.map((part, index) => ({ number: index + 1, text: withoutMarks(part) }));
}

/** A byte order mark stands where files were put together, and is no content. */
function withoutMarks(text) {
  let start = 0;
  while (text[start] === MARK) start += 1;
  return text.slice(start);
}
