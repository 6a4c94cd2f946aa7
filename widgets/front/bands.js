// @ts-check
/**
 * Faults in a chart: behind its lines while one stands at a time, else in a lane above.
 *
 * @typedef {object} Band
 * @property {number} start Seconds.
 * @property {number | null} end Seconds; null while it goes on.
 * @property {string} label What it is called.
 * @property {number} colour The number of its kind: which colour and which hatch it has.
 *
 * @typedef {object} Faults What is in view.
 * @property {Band[]} bands
 * @property {import("./fault_lane.js").Row[][] | null} lane Where several stand at once; null where none do.
 */

import { ROW, isMoment } from "./fault_lane.js";
import { leanOf } from "./leans.js";
import { pageTheme } from "./theme.js";

const HATCH_PIXELS = 9;
const BETWEEN_PIXELS = 8;
const MARK_PIXELS = 4;
export const LANE_FONT = "10px system-ui, sans-serif";

/**
 * Return a uPlot plugin that draws faults.
 *
 * @param {() => Faults} faults What there is to draw now.
 * @param {{first: boolean}} options Whether it is the chart that names are above of.
 * @returns {import("uplot").Plugin}
 */
export function bandsPlugin(faults, { first }) {
  return {
    hooks: {
      drawClear: (chart) => {
        const { ctx, bbox } = chart;
        const { bands, lane } = faults();
        ctx.save();
        ctx.beginPath();
        ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
        ctx.clip();
        for (const band of bands) drawBand(chart, band, lane === null);
        ctx.restore();
        if (!first) return;
        if (lane) drawLane(chart, lane);
        else nameBands(chart, bands);
      },
    },
  };
}

/** @param {uPlot} chart @param {number | null} time */
function place(chart, time) {
  const right = chart.bbox.left + chart.bbox.width;
  return time === null ? right : chart.valToPos(time, "x", true);
}

/** @param {uPlot} chart @param {Band} band */
function moment(chart, band) {
  const { min, max } = chart.scales.x;
  return isMoment(band, (((max ?? 1) - (min ?? 0)) / chart.bbox.width) * devicePixelRatio);
}

/**
 * @param {uPlot} chart
 * @param {Band} band
 * @param {boolean} filled
 */
function drawBand(chart, band, filled) {
  const { ctx, bbox } = chart;
  const { faults } = pageTheme();
  ctx.strokeStyle = ctx.fillStyle = faults[band.colour % faults.length];
  ctx.lineWidth = devicePixelRatio;
  const from = place(chart, band.start);
  const brief = moment(chart, band);
  const to = brief ? from : place(chart, band.end);
  if (filled && !brief) shade(ctx, from, to - from, bbox, band.colour);
  ctx.globalAlpha = filled ? 0.75 : 0.45;
  ctx.setLineDash(brief ? [3 * devicePixelRatio, 2 * devicePixelRatio] : []);
  ctx.beginPath();
  for (const at of brief || band.end === null ? [from] : [from, to]) {
    ctx.moveTo(Math.round(at) + 0.5, bbox.top);
    ctx.lineTo(Math.round(at) + 0.5, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

/**
 * Shade so faintly that every line before it keeps three times the contrast of what is behind it.
 *
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} left
 * @param {number} width
 * @param {{top: number, height: number}} box
 * @param {number} kind
 */
function shade(ctx, left, width, box, kind) {
  ctx.globalAlpha = 0.05;
  ctx.fillRect(left, box.top, width, box.height);
  ctx.globalAlpha = 0.2;
  hatch(ctx, left, width, box, kind, HATCH_PIXELS);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} left
 * @param {number} width
 * @param {{top: number, height: number}} box
 * @param {number} kind
 * @param {number} apart Pixels between two lines.
 */
function hatch(ctx, left, width, { top, height }, kind, apart) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.beginPath();
  const step = apart * devicePixelRatio;
  const lean = leanOf(kind);
  // From a multiple of the step, so that the hatch moves with its band and does not flicker.
  for (let at = left - height; at < left + width + height; at += step) {
    if (lean !== "left") {
      ctx.moveTo(at, top + height);
      ctx.lineTo(at + height, top);
    }
    if (lean !== "right") {
      ctx.moveTo(at, top);
      ctx.lineTo(at + height, top + height);
    }
  }
  ctx.stroke();
  ctx.restore();
}

/** @param {uPlot} chart @param {Band[]} bands */
function nameBands(chart, bands) {
  const { ctx, bbox } = chart;
  const right = bbox.left + bbox.width;
  let free = bbox.left;
  dress(ctx, pageTheme().faint);
  const y = bbox.top - 8 * devicePixelRatio;
  const ordered = [...bands].sort((one, other) => one.start - other.start);
  ordered.forEach((band, index) => {
    const at = place(chart, band.start);
    const brief = moment(chart, band);
    const size = MARK_PIXELS * devicePixelRatio;
    if (brief && at >= bbox.left && at <= right) {
      ctx.fillStyle = pageTheme().faults[band.colour % pageTheme().faults.length];
      mark(ctx, at, y - size, size);
    }
    ctx.fillStyle = pageTheme().faint;
    const from = Math.max(brief ? at + 2 * size : at, free);
    const next = ordered[index + 1];
    const end = brief ? (next ? place(chart, next.start) - size : right) : place(chart, band.end);
    const needed = ctx.measureText(band.label).width;
    // One that is too narrow for its name has it under the charts.
    if (needed > Math.min(end, right) - from) return;
    ctx.fillText(band.label, from, y);
    free = from + needed + BETWEEN_PIXELS * devicePixelRatio;
  });
}

/** @param {uPlot} chart @param {import("./fault_lane.js").Row[][]} lane */
function drawLane(chart, lane) {
  const { ctx, bbox } = chart;
  const scale = devicePixelRatio;
  const theme = pageTheme();
  const high = (ROW - 3) * scale;
  lane.forEach((rows, index) => {
    const top = Math.round(bbox.top - (lane.length - index) * ROW * scale) + 0.5;
    for (const row of rows) {
      for (const band of row.bands) {
        const colour = row.others ? theme.faint : theme.faults[band.colour % theme.faults.length];
        ctx.strokeStyle = ctx.fillStyle = colour;
        ctx.lineWidth = scale;
        drawBar(chart, band, top, high, row.others);
      }
    }
    for (const { label, text } of rows) {
      if (text === null) continue;
      dress(ctx, theme.ink);
      ctx.lineWidth = 3 * scale;
      ctx.strokeStyle = theme.paper;
      ctx.strokeText(label, bbox.left + text * scale, top + high / 2);
      ctx.fillText(label, bbox.left + text * scale, top + high / 2);
    }
  });
}

/**
 * @param {uPlot} chart
 * @param {Band} band
 * @param {number} top
 * @param {number} high
 * @param {boolean} plain
 */
function drawBar(chart, band, top, high, plain) {
  const { ctx, bbox } = chart;
  if (moment(chart, band)) {
    mark(ctx, place(chart, band.start), top, MARK_PIXELS * devicePixelRatio);
    return;
  }
  // On whole pixels, so that its edge is as dark as its swatch's.
  const left = Math.round(Math.max(place(chart, band.start), bbox.left)) + 0.5;
  const width = Math.round(Math.min(place(chart, band.end), bbox.left + bbox.width) - left);
  ctx.globalAlpha = 0.25;
  ctx.fillRect(left, top, width, high);
  if (!plain) {
    ctx.globalAlpha = 0.7;
    hatch(ctx, left, width, { top, height: high }, band.colour, HATCH_PIXELS / 2);
  }
  ctx.globalAlpha = 1;
  ctx.strokeRect(left, top, width, high);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} top
 * @param {number} size
 */
function mark(ctx, x, top, size) {
  ctx.beginPath();
  ctx.moveTo(x - size, top);
  ctx.lineTo(x + size, top);
  ctx.lineTo(x, top + 2 * size);
  ctx.fill();
}

/** @param {CanvasRenderingContext2D} ctx @param {string} ink */
function dress(ctx, ink) {
  ctx.font = LANE_FONT.replace("10", String(10 * devicePixelRatio));
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.lineJoin = "round";
  ctx.fillStyle = ink;
}
