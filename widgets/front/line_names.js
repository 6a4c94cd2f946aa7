// @ts-check
/** How the lines of a chart are told apart by name: in its title, its legend, and under the pointer. */

import { element } from "./panel.js";
import { widthOf } from "./units.js";

/**
 * Write what stands above a chart.
 *
 * @param {uPlot} plot
 * @param {import("./charts.js").Chart} chart
 */
export function titled(plot, { title, lines, of = 0 }) {
  const place = /** @type {HTMLElement} */ (plot.root.querySelector(".u-title"));
  const told = of > lines.length ? `${title} · ${lines.length} of ${of} lines` : title;
  const text = place.firstChild;
  if (text?.nodeType === Node.TEXT_NODE) text.nodeValue = told;
  else place.prepend(told);
}

/**
 * Give the rows of a legend the whole of their names, room for their values, and keys.
 *
 * @param {uPlot} plot
 * @param {import("./charts.js").Chart} chart
 */
export function nameRows(plot, { lines, unit, quantity = unit }) {
  const rows = plot.root.querySelectorAll(".u-legend .u-series");
  plot.root.style.setProperty("--rk-value", `${widthOf(quantity)}ch`);
  lines.forEach(({ name }, index) => {
    const label = /** @type {HTMLElement} */ (rows[index + 1].querySelector("th"));
    label.title = name;
    label.tabIndex = 0;
    label.setAttribute("role", "button");
    label.setAttribute("aria-pressed", "true");
    label.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      label.click();
    });
    label.addEventListener("click", () => {
      rows.forEach((row, at) => {
        if (at) row.querySelector("th")?.setAttribute("aria-pressed", String(plot.series[at].show));
      });
    });
  });
}

/**
 * Return a uPlot plugin that names the line that stands back and that somebody points at.
 *
 * @param {(value: number) => string} written
 * @returns {import("uplot").Plugin}
 */
export function nearPlugin(written) {
  /** @type {HTMLElement} */
  let place;
  let near = 0;
  const show = (/** @type {uPlot} */ plot) => {
    const { label, class: kind } = plot.series[near] ?? {};
    const value = plot.cursor.idx == null ? null : plot.data[near]?.[plot.cursor.idx];
    place.textContent = near && kind === "rk-back" && value != null ? `${label}` : "";
    if (place.textContent) element("span", "rk-near-value", place).textContent = written(value ?? 0);
  };
  return {
    hooks: {
      init: (plot) => {
        place = element("span", "rk-near", /** @type {HTMLElement} */ (plot.root.querySelector(".u-title")));
      },
      setSeries: (plot, index, options) => {
        if (options.focus === undefined) return;
        near = index ?? 0;
        show(plot);
      },
      setCursor: show,
    },
  };
}
