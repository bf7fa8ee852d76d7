/** Bytes of a file to text: UTF-8 alone, as the service reads it. */

const WIDE = [
  [0xff, 0xfe],
  [0xfe, 0xff],
];

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 * @throws {Error} with a sentence for the visitor
 */
export function textOf(bytes) {
  if (WIDE.some(([first, second]) => bytes[0] === first && bytes[1] === second)) {
    throw new Error("The file is UTF-16. Save it as UTF-8.");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Error("The file is not UTF-8. Save it as UTF-8.");
  }
}
