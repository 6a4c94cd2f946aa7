// @ts-check
/** What the lines and signs of a chart mean: each is shown as it is drawn. */

import { element } from "./panel.js";
import { DASHES } from "./theme.js";

const SVG = "http://www.w3.org/2000/svg";
/** As long as the longest dashes and a bit, so that all can be told apart. */
const LINE_PIXELS = 30;
const HEIGHT = 10;

/**
 * Return a piece of a line.
 *
 * @param {number} style Which colour and dashes it has; -1 for one that stands back.
 * @param {import("./theme.js").Theme} theme
 */
export function lineKey(style, theme) {
  const key = drawing(LINE_PIXELS);
  const middle = style < 0 ? HEIGHT / 2 - 0.5 : HEIGHT / 2; // sharp
  const colour = style < 0 ? theme.back : theme.lines[style % theme.lines.length];
  const dashes = style < 0 ? [] : DASHES[style % DASHES.length];
  part(key, "path", {
    d: `M0 ${middle}H${LINE_PIXELS}`,
    stroke: colour,
    "stroke-width": style < 0 ? 1 : 2,
    "stroke-dasharray": dashes.join(" "),
  });
  return key;
}

/**
 * Return a uPlot plugin that tells in the title of a chart what the signs in it mean, while there are any.
 *
 * @param {() => import("./thresholds.js").Marks} marks
 * @param {string | undefined} metric Whose signs are drawn in it.
 * @param {import("./theme.js").Theme} theme
 * @returns {import("uplot").Plugin}
 */
export function signsPlugin(marks, metric, theme) {
  /** @type {Record<string, HTMLElement>} */
  const keys = {};
  return {
    hooks: {
      init: (plot) => {
        const title = /** @type {HTMLElement} */ (plot.root.querySelector(".u-title"));
        const all = element("span", "rk-signs", title);
        for (const [name, draw] of Object.entries(SIGNS)) {
          keys[name] = element("span", "rk-sign-key", all);
          const key = drawing(HEIGHT + 2);
          draw(key, theme);
          keys[name].append(key, name);
          keys[name].hidden = true;
        }
      },
      draw: (plot) => {
        const { min, max } = plot.scales.x;
        const seen = (/** @type {number | null} */ time) => time !== null && time >= (min ?? 0) && time <= (max ?? 0);
        const alerts = marks().alerts.filter((each) => each.metric === metric);
        const unusual = marks().anomalies.filter((each) => each.metric === metric);
        keys.unusual.hidden = !unusual.some(({ time }) => seen(time));
        keys.alert.hidden = !alerts.some(({ time }) => seen(time));
        keys["alert over"].hidden = !alerts.some(({ end }) => seen(end));
      },
    },
  };
}

/** @type {Record<string, (key: SVGElement, theme: import("./theme.js").Theme) => void>} */
const SIGNS = {
  unusual: (key, { ink }) => part(key, "circle", { cx: 6, cy: 5, r: 4, stroke: ink, "stroke-width": 1.4 }),
  alert: (key, { alert }) => part(key, "path", { d: "M6 0l5 10h-10z", fill: alert }),
  "alert over": (key, { alert }) => part(key, "path", { d: "M6 9.5l4.5-9h-9z", stroke: alert, "stroke-width": 1.4 }),
};

/** @param {number} width */
function drawing(width) {
  const made = document.createElementNS(SVG, "svg");
  made.classList.add("rk-key");
  made.setAttribute("width", String(width));
  made.setAttribute("height", String(HEIGHT));
  made.setAttribute("aria-hidden", "true");
  return made;
}

/**
 * @param {SVGElement} parent
 * @param {string} tag
 * @param {Record<string, string | number>} about
 */
function part(parent, tag, about) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries({ fill: "none", ...about })) made.setAttribute(name, String(value));
  parent.append(made);
}
