// @ts-check
/**
 * What is drawn over the lines of a chart: thresholds, their alerts, and anomalies.
 *
 * @typedef {object} Threshold
 * @property {string} text As it was written.
 * @property {string} metric
 * @property {number} limit In the metric's unit.
 * @property {boolean} above Whether it is values above the limit that are too much.
 * @property {number} hold Seconds.
 * @property {string[]} standing Where it is so now.
 *
 * @typedef {object} Alert
 * @property {number} time Seconds.
 * @property {number | null} end Seconds; null while it stands.
 * @property {string} what
 * @property {string} where
 * @property {string} value With its unit.
 * @property {string} why
 * @property {string} metric "" for one that is about no threshold.
 * @property {number} limit In the metric's unit.
 *
 * @typedef {object} Anomaly
 * @property {number} time Seconds.
 * @property {string} metric
 * @property {string} title What the metric is called.
 * @property {string} where
 * @property {number} value In the metric's unit.
 * @property {string} shown With its unit.
 * @property {string} usual With its unit.
 *
 * @typedef {{thresholds: Threshold[], alerts: Alert[], anomalies: Anomaly[]}} Marks
 * @typedef {{left: number, y: number}} Label One that is written already.
 */

import { pageTheme } from "./theme.js";

const SIGN_PIXELS = 5;
const RING_PIXELS = 6;
/** How strong the tint beyond a threshold is while an alert stands: lines in it, and over a fault, keep their contrast. */
const ZONE = 0.06;
/** Pixels from a threshold to the middle of its label: signs on the line reach less far. */
const TO_LABEL = SIGN_PIXELS + 9;
/** A threshold this many times as high as the lines would press them flat: it is only told of. */
const REACH = 2;

/**
 * Return the top of a chart's axis: high enough for its lines, and for a threshold that is near.
 *
 * @param {number} high The highest value of the lines.
 * @param {{metric?: string, factor?: number}} chart
 * @param {Threshold[]} thresholds
 */
export function topOf(high, { metric, factor = 1 }, thresholds) {
  const near = thresholds
    .filter((each) => each.metric === metric && each.limit * factor <= REACH * high)
    .map((each) => each.limit * factor);
  return Math.max(high, ...near);
}

/**
 * Return a uPlot plugin that draws the marks of one metric.
 *
 * @param {() => Marks} marks What there is to draw now.
 * @param {{metric?: string, factor?: number}} chart
 * @returns {import("uplot").Plugin}
 */
export function marksPlugin(marks, { metric, factor = 1 }) {
  /** @template {{metric: string}} T @param {T[]} rows @returns {T[]} */
  const ours = (rows) => rows.filter((each) => each.metric === metric);
  return {
    hooks: {
      drawClear: (plot) => {
        within(plot, (ctx, box) => {
          // Lines of others may lie beyond it all day: a tint there would read as an alarm.
          const standing = ours(marks().thresholds).filter((each) => each.standing.length);
          for (const each of standing) shadeBeyond(plot, ctx, box, each, factor);
        });
      },
      draw: (plot) => {
        const { thresholds, alerts, anomalies } = marks();
        within(plot, (ctx, box) => {
          /** @type {Label[]} */
          const labels = [];
          for (const each of ours(thresholds)) drawLimit(plot, ctx, box, each, factor, labels);
          for (const each of ours(anomalies)) drawRing(plot, ctx, each, factor);
          for (const each of ours(alerts)) drawSigns(plot, ctx, box, each, factor);
        });
      },
    },
  };
}

/**
 * @param {uPlot} plot
 * @param {(ctx: CanvasRenderingContext2D, box: uPlot.BBox) => void} work
 */
function within(plot, work) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  work(ctx, bbox);
  ctx.restore();
}

/**
 * @param {uPlot} plot
 * @param {CanvasRenderingContext2D} ctx
 * @param {uPlot.BBox} box
 * @param {Threshold} threshold
 * @param {number} factor
 */
function shadeBeyond(plot, ctx, box, { limit, above }, factor) {
  const at = clamped(plot.valToPos(limit * factor, "y", true), box);
  const [top, bottom] = above ? [box.top, at] : [at, box.top + box.height];
  ctx.fillStyle = pageTheme().alert;
  ctx.globalAlpha = ZONE;
  ctx.fillRect(box.left, top, box.width, bottom - top);
}

/**
 * @param {uPlot} plot
 * @param {CanvasRenderingContext2D} ctx
 * @param {uPlot.BBox} box
 * @param {Threshold} threshold
 * @param {number} factor
 * @param {Label[]} labels
 */
function drawLimit(plot, ctx, box, { text, limit, above, standing }, factor, labels) {
  const wanted = plot.valToPos(limit * factor, "y", true);
  const at = clamped(wanted, box);
  const outside = Math.abs(at - wanted) > 1;
  const scale = devicePixelRatio;
  const { alert, paper } = pageTheme();
  ctx.fillStyle = ctx.strokeStyle = alert;
  if (!outside) {
    ctx.lineWidth = (standing.length ? 2 : 1.2) * scale;
    ctx.setLineDash(standing.length ? [] : [6 * scale, 4 * scale]);
    ctx.beginPath();
    ctx.moveTo(box.left, at);
    ctx.lineTo(box.left + box.width, at);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  ctx.font = `${10 * scale}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  const room = at - box.top > (TO_LABEL + 6) * scale;
  ctx.textBaseline = "middle";
  const arrow = outside ? (wanted < box.top ? " ↑" : " ↓") : "";
  const label = `${above ? "▲" : "▼"} ${text}${arrow}`;
  const y = at + (room ? -TO_LABEL : TO_LABEL) * scale;
  // Beside those that it would cover.
  const covered = labels.filter((each) => Math.abs(each.y - y) < 12 * scale).map(({ left }) => left);
  const right = Math.min(box.left + box.width, ...covered) - 8 * scale;
  ctx.lineWidth = 3 * scale;
  ctx.strokeStyle = paper;
  ctx.lineJoin = "round";
  ctx.strokeText(label, right, y);
  ctx.fillText(label, right, y);
  labels.push({ left: right - ctx.measureText(label).width, y });
}

/**
 * Draw a full sign where an alert was raised, and a hollow one where it was over.
 *
 * @param {uPlot} plot
 * @param {CanvasRenderingContext2D} ctx
 * @param {uPlot.BBox} box
 * @param {Alert} alert
 * @param {number} factor
 */
function drawSigns(plot, ctx, box, { time, end, limit }, factor) {
  const theme = pageTheme();
  const y = clamped(plot.valToPos(limit * factor, "y", true), box);
  ctx.strokeStyle = ctx.fillStyle = theme.alert;
  ctx.lineWidth = 1.4 * devicePixelRatio;
  triangle(ctx, plot.valToPos(time, "x", true), y, 1);
  ctx.fill();
  if (end === null) return;
  triangle(ctx, plot.valToPos(end, "x", true), y, -1);
  ctx.fillStyle = theme.paper;
  ctx.fill();
  ctx.stroke();
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} y
 * @param {1 | -1} up
 */
function triangle(ctx, x, y, up) {
  const size = SIGN_PIXELS * devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(x, y - up * size);
  ctx.lineTo(x + size, y + up * size);
  ctx.lineTo(x - size, y + up * size);
  ctx.closePath();
}

/**
 * @param {uPlot} plot
 * @param {CanvasRenderingContext2D} ctx
 * @param {Anomaly} anomaly
 * @param {number} factor
 */
function drawRing(plot, ctx, { time, value }, factor) {
  ctx.strokeStyle = pageTheme().ink;
  ctx.lineWidth = 1.4 * devicePixelRatio;
  ctx.beginPath();
  const [x, y] = [plot.valToPos(time, "x", true), plot.valToPos(value * factor, "y", true)];
  ctx.arc(x, y, RING_PIXELS * devicePixelRatio, 0, 2 * Math.PI);
  ctx.stroke();
}

/** @param {number} at @param {uPlot.BBox} box */
function clamped(at, box) {
  return Math.min(Math.max(at, box.top), box.top + box.height);
}
