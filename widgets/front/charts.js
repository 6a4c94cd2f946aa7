// @ts-check
/**
 * Streaming line charts, one above the other, with one time axis and one cursor.
 *
 * @typedef {object} Line
 * @property {string} name
 * @property {number} column Which column of a frame it is.
 * @property {number} style Which colour and dashes it has; -1 for one that stands back.
 *
 * @typedef {object} Chart
 * @property {string} title
 * @property {string} unit
 * @property {Line[]} lines
 * @property {string} [metric] Whose thresholds are drawn in it.
 * @property {number} [factor] What its values have been multiplied by.
 *
 * @typedef {object} Layout
 * @property {number} id
 * @property {number} window Seconds shown.
 * @property {Chart[]} charts
 */

import uPlot from "uplot";
import { bandsPlugin } from "./bands.js";
import { withGaps } from "./frames.js";
import { DASHES, pageTheme } from "./theme.js";
import { marksPlugin, topOf } from "./thresholds.js";

const HEIGHT = 150;
const LEAST_WIDTH = 240;
const FONT = "11px system-ui, sans-serif";

let stacks = 0;

/** A stack of charts in an element. */
export class Charts {
  /**
   * @param {HTMLElement} parent
   * @param {() => import("./bands.js").Band[]} bands
   * @param {() => import("./thresholds.js").Marks} marks
   * @param {(zoomed: [number, number] | null) => void} onZoom
   */
  constructor(parent, bands, marks, onZoom) {
    this.parent = parent;
    this.bands = bands;
    this.marks = marks;
    this.onZoom = onZoom;
    /** @type {uPlot[]} */
    this.plots = [];
    /** @type {Layout | null} */
    this.layout = null;
    /** @type {[number, number] | null} What somebody has zoomed in on; null while it follows. */
    this.zoomed = null;
    stacks += 1;
    this.cursor = uPlot.sync(`resilkit-${stacks}`);
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(parent);
  }

  /** @param {Layout} layout */
  build(layout) {
    this.clear();
    this.layout = layout;
    const theme = pageTheme();
    layout.charts.forEach((chart, index) => {
      const last = index === layout.charts.length - 1;
      const options = this.options(chart, theme, index === 0, last);
      this.plots.push(new uPlot(options, this.empty(chart), this.parent));
    });
    this.drawn = null;
  }

  /** @param {Chart} chart @returns {uPlot.AlignedData} */
  empty(chart) {
    return /** @type {any} */ ([[], ...chart.lines.map(() => [])]);
  }

  /**
   * @param {Chart} chart
   * @param {import("./theme.js").Theme} theme
   * @param {boolean} first
   * @param {boolean} last
   * @returns {uPlot.Options}
   */
  options(chart, theme, first, last) {
    const axis = {
      stroke: theme.faint,
      font: FONT,
      labelFont: FONT,
      grid: { stroke: theme.grid, width: 1 },
      ticks: { stroke: theme.grid, width: 1, size: 4 },
    };
    return {
      width: this.width(),
      height: HEIGHT + (last ? 22 : 0),
      title: chart.title,
      padding: [first ? 16 : 8, 12, 0, 0], // above the first one stand the names of the faults
      cursor: { sync: { key: this.cursor.key }, drag: { x: true, y: false }, points: { size: 5 } },
      legend: { live: true },
      scales: {
        x: { time: false, range: () => this.range() },
        y: {
          range: (_, low, high) => [
            Math.min(0, low ?? 0),
            topOf(high ?? 0, chart, this.marks().thresholds) * 1.08 || 1,
          ],
        },
      },
      axes: [
        { ...axis, size: last ? 34 : 20, label: last ? "time (s)" : undefined, labelSize: 16 },
        { ...axis, size: 56, label: chart.unit, labelSize: 16 },
      ],
      series: [
        { label: "time", value: (_, value) => (value === null ? "–" : `${value.toFixed(1)} s`) },
        ...chart.lines.map((line) => ({
          label: line.name,
          stroke: line.style < 0 ? theme.grid : theme.lines[line.style % theme.lines.length],
          dash: line.style < 0 ? [] : DASHES[line.style % DASHES.length],
          width: line.style < 0 ? 1 : 1.6,
          points: { show: false },
          value: (_, value) => (value === null ? "–" : shownNumber(value)),
        })),
      ],
      hooks: { setSelect: [(plot) => this.zoom(plot)] },
      plugins: [bandsPlugin(this.bands, { named: first }), marksPlugin(this.marks, chart)],
    };
  }

  /** @param {uPlot} plot */
  zoom(plot) {
    if (plot.select.width < 4) return;
    const from = plot.posToVal(plot.select.left, "x");
    const to = plot.posToVal(plot.select.left + plot.select.width, "x");
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.show([from, to]);
  }

  /** @param {[number, number] | null} zoomed The seconds to show; null for the newest. */
  show(zoomed) {
    this.zoomed = zoomed;
    this.onZoom(zoomed);
    this.redraw();
  }

  /** @returns {[number, number]} */
  range() {
    const window = this.layout?.window ?? 60;
    const end = this.drawn?.x.at(-1) ?? window;
    return this.zoomed ?? [Math.max(0, end - window), Math.max(end, 1)];
  }

  /** @param {import("./frames.js").Frame} frame */
  draw(frame) {
    this.drawn = frame;
    const x = Array.from(frame.x);
    this.layout?.charts.forEach((chart, index) => {
      const lines = chart.lines.map((line) => withGaps(frame.columns[line.column]));
      const plot = this.plots[index];
      plot.setData(/** @type {any} */ ([x, ...lines]));
      // The newest values, while nobody points at others.
      if (plot.cursor.idx === null || plot.cursor.idx === undefined) {
        plot.setLegend({ idx: newest(lines) ?? x.length - 1 });
      }
    });
  }

  redraw() {
    if (this.drawn) this.draw(this.drawn);
  }

  width() {
    return Math.max(LEAST_WIDTH, Math.floor(this.parent.clientWidth));
  }

  resize() {
    const width = this.width();
    for (const plot of this.plots) {
      if (plot.width !== width) plot.setSize({ width, height: plot.height });
    }
  }

  clear() {
    for (const plot of this.plots) plot.destroy();
    this.plots = [];
  }

  destroy() {
    this.resizes.disconnect();
    this.clear();
  }
}

/**
 * Return the last place at which some line has a value: figures of a second are known when it is over.
 *
 * @param {(number | null)[][]} lines
 * @returns {number | null}
 */
function newest(lines) {
  const last = Math.max(-1, ...lines.map((line) => line.findLastIndex((each) => each !== null)));
  return last < 0 ? null : last;
}

/** @param {number} value @returns {string} */
function shownNumber(value) {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
