/** Prometheus' text format, as far as the service writes it. */

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED = { n: "\n" };

/**
 * @typedef {{labels: Record<string, string>, value: number}} Sample
 * @typedef {Map<string, Sample[]>} Scrape the samples by the name of their series
 */

/**
 * @param {string} text
 * @returns {Scrape}
 */
export function parseExposition(text) {
  /** @type {Scrape} */
  const found = new Map();
  for (const line of text.split("\n")) {
    const match = line.startsWith("#") ? null : SAMPLE.exec(line);
    if (!match) continue;
    const [, name, labels, value] = match;
    const samples = found.get(name) ?? [];
    samples.push({ labels: labelsOf(labels ?? ""), value: numberOf(value) });
    found.set(name, samples);
  }
  return found;
}

function labelsOf(text) {
  const pairs = [...text.matchAll(LABEL)];
  return Object.fromEntries(pairs.map(([, name, value]) => [name, unescaped(value)]));
}

function unescaped(value) {
  return value.replace(/\\(.)/g, (_, character) => ESCAPED[character] ?? character);
}

/** @returns {number} Prometheus writes `+Inf` where JavaScript reads `Infinity`. */
export function numberOf(text) {
  return Number(text.replace("Inf", "Infinity"));
}

/**
 * Return the sum of a series over the samples that have the given labels.
 *
 * @param {Scrape} scrape
 * @param {string} name
 * @param {Record<string, string>} [labels]
 */
export function sumOf(scrape, name, labels = {}) {
  const wanted = Object.entries(labels);
  return (scrape.get(name) ?? [])
    .filter((sample) => wanted.every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, sample) => sum + sample.value, 0);
}
