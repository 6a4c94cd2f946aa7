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
 * @property {string} unit Of the axis.
 * @property {string} [quantity] The unit in which values are stored, from which each has its own; else
 *   that of the axis.
 * @property {string} [axis] What stands along the axis; else its unit.
 * @property {boolean} [log] Whether the axis shows orders of magnitude.
 * @property {number} [of] How many lines there are, where not all of them are shown.
 * @property {Line[]} lines
 * @property {string} [metric] Whose thresholds are drawn in it.
 * @property {number} [factor] What its values have been multiplied by.
 *
 * @typedef {object} Layout
 * @property {number} id
 * @property {number} window Seconds shown.
 * @property {number} [height] Of a chart, in pixels.
 * @property {Chart[]} charts
 */

import uPlot from "uplot";
import { LANE_FONT, bandsPlugin } from "./bands.js";
import { signsPlugin } from "./chart_keys.js";
import { ROW, crowded, inView, laneRows } from "./fault_lane.js";
import { withGaps } from "./frames.js";
import { logEnds, logTicks } from "./log_axis.js";
import { nameRows, nearPlugin, titled } from "./line_names.js";
import { DASHES, pageTheme } from "./theme.js";
import { marksPlugin, topOf } from "./thresholds.js";
import { shownValue } from "./units.js";

const HEIGHT = 150;
/** Pixels of a chart that has room for words along its axis. */
const WORDY = 130;
const LEAST_WIDTH = 240;
/** Pixels above the first chart, for the names of faults; a lane of them may need more. */
const ABOVE = 16;
/** Pixels within which somebody points at a line. */
const NEAR = 16;
const FONT = "11px system-ui, sans-serif";

let stacks = 0;

/** A stack of charts in an element. */
export class Charts {
  /**
   * @param {HTMLElement} parent
   * @param {() => import("./bands.js").Band[]} bands
   * @param {() => import("./thresholds.js").Marks} marks
   * @param {(shown: [number, number], zoomed: boolean) => void} onView Told of the seconds that are shown.
   */
  constructor(parent, bands, marks, onView) {
    this.parent = parent;
    this.bands = bands;
    this.marks = marks;
    this.onView = onView;
    /** @type {uPlot[]} */
    this.plots = [];
    /** @type {string[]} What each of the plots was made of. */
    this.made = [];
    /** @type {Layout | null} */
    this.layout = null;
    /** @type {[number, number] | null} What somebody has zoomed in on; null while it follows. */
    this.zoomed = null;
    /** @type {number | undefined} The newest second that was drawn. */
    this.end = undefined;
    /** @type {import("./bands.js").Faults} */
    this.faults = { bands: [], lane: null };
    this.above = this.highest = ABOVE;
    stacks += 1;
    this.cursor = uPlot.sync(`resilkit-${stacks}`);
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(parent);
  }

  /**
   * Show charts; those that are there already stay, and only have their titles written.
   *
   * @param {Layout} told
   */
  build(told) {
    // Those that stand back are drawn first, and the others over them.
    const layout = { ...told, charts: told.charts.map((chart) => ({ ...chart, lines: backFirst(chart.lines) })) };
    this.layout = layout;
    const theme = pageTheme();
    const last = layout.charts.length - 1;
    const made = layout.charts.map((chart, index) => {
      const lines = chart.lines.map(({ name, style }) => [name, style]);
      return JSON.stringify([{ ...chart, title: "", of: 0, lines }, theme.name, index === last]);
    });
    if (made.length !== this.made.length) this.clear();
    layout.charts.forEach((chart, index) => {
      if (made[index] !== this.made[index]) {
        const old = this.plots[index];
        const options = this.options(chart, theme, index === 0, index === last);
        const plot = new uPlot(options, this.empty(chart), ({ root }, ready) => {
          if (old) old.root.replaceWith(root);
          else this.parent.append(root);
          ready();
        });
        // What somebody has put away stays so when names come and go.
        const away = new Set(old?.series.filter(({ show }) => !show).map(({ label }) => label));
        old?.destroy();
        this.plots[index] = plot;
        nameRows(plot, chart, theme, away);
      }
      titled(this.plots[index], chart);
    });
    this.made = made;
    this.drawn = null; // its columns are those of the layout before
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
    const quantity = chart.quantity ?? chart.unit;
    const written = (/** @type {number} */ value) => shownValue(value / (chart.factor ?? 1), quantity);
    return {
      width: this.width(),
      height: this.height(first, last),
      title: chart.title,
      padding: [() => (first ? this.above : 8), 12, 0, 0],
      cursor: { sync: { key: this.cursor.key }, drag: { x: true, y: false }, points: { size: 5 }, focus: { prox: NEAR } },
      focus: { alpha: 1 },
      legend: { live: true },
      scales: {
        x: { time: false, range: () => this.range() },
        y: chart.log
          ? { distr: 3, range: (_, low, high) => logEnds(low, high) }
          : {
              range: (_, low, high) => [
                Math.min(0, low ?? 0),
                topOf(high ?? 0, chart, this.marks().thresholds) * 1.08 || 1,
              ],
            },
      },
      axes: [
        { ...axis, size: last ? 24 : 20, label: last ? "seconds since the cluster started" : undefined, labelSize: 16 },
        {
          ...axis,
          size: 56,
          labelSize: 16,
          ...(chart.log
            ? {
                // Each of its numbers has a unit.
                label: (this.layout?.height ?? HEIGHT) < WORDY ? "log scale" : chart.axis,
                splits: (_, __, low, high) => logTicks(low, high),
                filter: (_, ticks) => ticks,
                values: (_, ticks) => ticks.map(written),
              }
            : { label: chart.unit }),
        },
      ],
      series: [
        { label: "time", value: (_, value) => (value === null ? "–" : `${value.toFixed(1)} s`) },
        ...chart.lines.map((line) => ({
          label: line.name,
          class: line.style < 0 ? "rk-back" : undefined,
          stroke: line.style < 0 ? theme.back : theme.lines[line.style % theme.lines.length],
          dash: line.style < 0 ? [] : DASHES[line.style % DASHES.length],
          width: line.style < 0 ? 1 : 1.6,
          points: { show: false },
          value: (_, value) => (value === null ? "–" : written(value)),
        })),
      ],
      hooks: { setSelect: [(plot) => this.zoom(plot)] },
      plugins: [bandsPlugin(() => this.faults, { first }), marksPlugin(this.marks, chart), nearPlugin(written), signsPlugin(this.marks, chart.metric, theme)],
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
    this.redraw();
    this.look();
  }

  /** @returns {[number, number]} */
  range() {
    const window = this.layout?.window ?? 60;
    const end = this.end ?? window;
    return this.zoomed ?? [Math.max(0, end - window), Math.max(end, 1)];
  }

  /** @param {import("./frames.js").Frame} frame */
  draw(frame) {
    this.drawn = frame;
    this.end = frame.x.at(-1);
    this.lookAtFaults();
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
    this.look();
  }

  /** Look which faults are in view, and make room above the charts where they need a lane. */
  lookAtFaults() {
    const [plot] = this.plots;
    if (!plot) return;
    const span = this.range();
    const width = plot.over.clientWidth || this.width();
    const bands = inView(this.bands(), span);
    plot.ctx.font = LANE_FONT;
    const measure = (/** @type {string} */ text) => plot.ctx.measureText(text).width;
    const lane = crowded(bands, (span[1] - span[0]) / width) ? laneRows(bands, span, width, measure) : null;
    this.faults = { bands, lane };
    const above = Math.max(ABOVE, lane ? lane.length * ROW + 2 : 0);
    if (above === this.above) return;
    this.above = above;
    // What stands below does not jump up and down: room that is not needed any more is the first chart's.
    this.highest = Math.max(this.highest, above);
    plot.setSize({ width: plot.width, height: this.height(true, this.plots.length === 1) });
    plot.redraw(false, true);
  }

  /** @param {boolean} first @param {boolean} last @returns {number} All have as much room for their lines. */
  height(first, last) {
    return (this.layout?.height ?? HEIGHT) + (first ? this.highest - 8 : 0) + (last ? 20 : 0);
  }

  /** Tell which seconds are shown. */
  look() {
    this.onView(this.range(), this.zoomed !== null);
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
    this.lookAtFaults();
  }

  clear() {
    for (const plot of this.plots) plot.destroy();
    this.plots = [];
    this.made = [];
  }

  destroy() {
    this.resizes.disconnect();
    this.clear();
  }
}

/** @param {Line[]} lines */
function backFirst(lines) {
  return [...lines.filter(({ style }) => style < 0), ...lines.filter(({ style }) => style >= 0)];
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
