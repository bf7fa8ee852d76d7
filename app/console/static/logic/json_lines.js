/** JSON lines: an object a line. Blank lines are no rows. */

/**
 * @param {import("./lines.js").TextLine[]} lines
 * @returns {import("./csv.js").RawRow[]}
 */
export function jsonRows(lines) {
  return lines.filter((line) => line.text.trim()).map(rowOf);
}

function rowOf({ number, text }) {
  try {
    const fields = JSON.parse(text);
    const isObject = typeof fields === "object" && fields !== null && !Array.isArray(fields);
    if (isObject) return { line: number, fields };
    return { line: number, fields: {}, problem: "must be a JSON object" };
  } catch (error) {
    return { line: number, fields: {}, problem: `is not JSON: ${error.message}` };
  }
}
