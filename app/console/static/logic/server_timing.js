/** The header `Server-Timing` (W3C): how long each stage took. */

const STAGE = /^([\w-]+);dur=([\d.]+)$/;
const REASON = /batch;desc="([^"]*)"/;

/**
 * @typedef {object} Times
 * @property {[string, number][]} stages with their milliseconds, in the order of the header
 * @property {string} batch why the batch was composed when it was
 */

/**
 * @param {string | null} header
 * @returns {Times}
 */
export function parseServerTiming(header) {
  const parts = (header ?? "").split(",").map((part) => STAGE.exec(part.trim()));
  const stages = parts.filter((match) => match !== null);
  return {
    stages: stages.map(([, name, duration]) => [name, Number(duration)]),
    batch: REASON.exec(header ?? "")?.[1] ?? "",
  };
}
