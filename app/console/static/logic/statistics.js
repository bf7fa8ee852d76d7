/** Intervals for proportions, as `xcopa evaluate` computes them. */

/** The 97.5 % quantile of the normal distribution: of an interval of 95 %. */
const Z = 1.959963984540054;

/**
 * Return a proportion with its score interval (Wilson 1927, JASA 22:209-212).
 *
 * @param {number} correct
 * @param {number} total above 0
 * @returns {{value: number, low: number, high: number}}
 */
export function wilson(correct, total) {
  const value = correct / total;
  const scale = 1 + Z ** 2 / total;
  const centre = (value + Z ** 2 / (2 * total)) / scale;
  const half = (Z * Math.sqrt((value * (1 - value)) / total + (Z / (2 * total)) ** 2)) / scale;
  // Rounding may leave the ends a hair beside 0 and 1.
  const low = correct === 0 ? 0 : centre - half;
  const high = correct === total ? 1 : centre + half;
  return { value, low, high };
}
