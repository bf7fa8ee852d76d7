/** Numbers as the page writes them. */

const SMALLEST = 0.001;

/**
 * Write a probability in percent; one that is nearly 0 or 1 never looks like 0 or 1.
 *
 * @param {number} probability
 */
export function percent(probability) {
  if (probability > 0 && probability < SMALLEST) return "<0.1 %";
  if (probability < 1 && probability > 1 - SMALLEST) return ">99.9 %";
  return `${(100 * probability).toFixed(1)} %`;
}

/** @param {number} value */
export function milliseconds(value) {
  return `${short(value)} ms`;
}

/**
 * Write a number with about three digits; a dash where there is none.
 *
 * @param {number | null} value
 */
export function short(value) {
  if (value === null) return "–";
  if (value === 0) return "0";
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/**
 * Write a proportion with its interval.
 *
 * @param {{value: number, low: number, high: number}} estimate
 */
export function interval({ value, low, high }) {
  const [middle, ...ends] = [value, low, high].map((each) => (100 * each).toFixed(1));
  return `${middle} % (${ends.join(" to ")})`;
}
