// @ts-check
/**
 * Faults, shaded behind the lines of a chart.
 *
 * @typedef {object} Band
 * @property {number} start Seconds.
 * @property {number | null} end Seconds; null while it goes on.
 * @property {string} label What it is called.
 * @property {number} colour Which of the theme's colours its kind has.
 */

import { pageTheme } from "./theme.js";

const HATCH_PIXELS = 9;
const LEAST_PIXELS = 2;
const BETWEEN_PIXELS = 8;

/**
 * Return a uPlot plugin that shades bands.
 *
 * @param {() => Band[]} bands What there is to shade now.
 * @param {{named: boolean}} options Whether they have their labels here, where there is room.
 * @returns {import("uplot").Plugin}
 */
export function bandsPlugin(bands, { named }) {
  return {
    hooks: {
      drawClear: (chart) => {
        const { ctx, bbox } = chart;
        const { lines: _, ...theme } = pageTheme();
        ctx.save();
        ctx.beginPath();
        ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
        ctx.clip();
        for (const band of bands()) {
          const from = chart.valToPos(band.start, "x", true);
          const to = band.end === null ? bbox.left + bbox.width : chart.valToPos(band.end, "x", true);
          const width = Math.max(to - from, LEAST_PIXELS * devicePixelRatio);
          if (from > bbox.left + bbox.width || from + width < bbox.left) continue;
          shade(ctx, from, width, bbox, theme.faults[band.colour % theme.faults.length], band.colour);
        }
        ctx.restore();
        if (!named) return;
        let free = bbox.left;
        const right = bbox.left + bbox.width;
        for (const band of [...bands()].sort((one, other) => one.start - other.start)) {
          const from = Math.max(chart.valToPos(band.start, "x", true), free);
          const to = band.end === null ? right : Math.min(chart.valToPos(band.end, "x", true), right);
          const written = write(ctx, band.label, from, to - from, bbox.top, theme.faint);
          if (written) free = from + written + BETWEEN_PIXELS * devicePixelRatio;
        }
      },
    },
  };
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} left
 * @param {number} width
 * @param {{top: number, height: number}} box
 * @param {string} colour
 * @param {number} kind Kinds lean to different sides, for those who cannot tell their colours.
 */
function shade(ctx, left, width, { top, height }, colour, kind) {
  ctx.globalAlpha = 0.14;
  ctx.fillStyle = colour;
  ctx.fillRect(left, top, width, height);
  ctx.globalAlpha = 0.4;
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.beginPath();
  const step = HATCH_PIXELS * devicePixelRatio;
  const lean = kind % 2 ? -1 : 1;
  // From a multiple of the step, so that the hatch moves with its band and does not flicker.
  for (let at = left - height; at < left + width + height; at += step) {
    ctx.moveTo(at, lean > 0 ? top + height : top);
    ctx.lineTo(at + height, lean > 0 ? top : top + height);
  }
  ctx.stroke();
  ctx.restore();
  ctx.strokeRect(left, top, width, height);
  ctx.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} label
 * @param {number} left
 * @param {number} width
 * @param {number} top
 * @param {string} ink
 * @returns {number} How wide what was written is; 0 where there was no room for it.
 */
function write(ctx, label, left, width, top, ink) {
  ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  ctx.fillStyle = ink;
  // One that is too narrow for its name has it under the charts.
  const needed = ctx.measureText(label).width;
  if (needed > width) return 0;
  ctx.fillText(label, left, top - 2 * devicePixelRatio);
  return needed;
}
