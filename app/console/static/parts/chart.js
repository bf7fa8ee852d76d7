/** A chart of lines over time, by uPlot. Its figures are also in the table above it. */

import { make } from "./dom.js";

/* global uPlot */

const HEIGHT = 170;
const LINE_PX = 2;

/**
 * @typedef {{title: string, unit: string, names: string[]}} ChartTitle
 */

export class Chart {
  /**
   * @param {HTMLElement} place is added to
   * @param {ChartTitle} title
   */
  constructor(place, title) {
    this.title = title;
    this.canvas = make("div", { role: "img" });
    const key = title.names.map((name, at) =>
      make("span", {}, make("span", { class: `swatch s${at + 1}` }), name),
    );
    const caption = make("figcaption", {}, `${title.title}, ${title.unit} `, ...key);
    place.append(make("figure", {}, caption, this.canvas));
    this.data = [[], ...title.names.map(() => [])];
    this.make();
    new ResizeObserver(() => this.plot.setSize(this.size())).observe(this.canvas.parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.make());
  }

  /** @param {(number | null)[][]} data seconds from now, and the values of each line */
  draw(data) {
    this.data = data;
    this.plot.setData(data);
    this.canvas.setAttribute("aria-label", `Chart of the last two minutes: ${this.title.title}`);
  }

  make() {
    this.plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour("--soft"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { stroke: colour("--line"), width: 1 },
    };
    const lines = this.title.names.map((label, at) => ({
      label,
      stroke: colour(`--series${at + 1}`),
      width: LINE_PX,
      // One value alone is a point; without it there would be nothing to see.
      points: { show: this.data[0].length < 2 },
      spanGaps: false,
    }));
    const options = {
      ...this.size(),
      legend: { show: false },
      cursor: { show: false },
      axes: [{ ...axis, values: (_, marks) => marks.map((mark) => `${mark} s`) }, axis],
      scales: { x: { time: false }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
      series: [{}, ...lines],
    };
    this.plot = new uPlot(options, this.data, this.canvas);
    this.canvas.setAttribute("aria-label", `Chart without values yet: ${this.title.title}`);
  }

  size() {
    return { width: Math.max(this.canvas.clientWidth, 1), height: HEIGHT };
  }
}
