// @ts-check
/** How the lines of a chart are told apart by name: in its title, its legend, and under the pointer. */

import { lineKey } from "./chart_keys.js";
import { write } from "./controls.js";
import { element } from "./panel.js";
import { widthOf } from "./units.js";

/**
 * Write what stands above a chart, and how many lines there are beside those that have a name.
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
  const others = Math.max(of, lines.length) - lines.filter(({ style }) => style >= 0).length;
  const row = /** @type {HTMLElement} */ (plot.root.querySelector(".rk-others"));
  row.hidden = others === 0;
  write(/** @type {HTMLElement} */ (row.querySelector("span")), `${others} ${others === 1 ? "other" : "others"}`);
}

/**
 * Give the rows of a legend the whole of their names, room for their values, keys, and a piece of the
 * line as it is drawn; and a last row for the lines that stand back.
 *
 * @param {uPlot} plot
 * @param {import("./charts.js").Chart} chart
 * @param {import("./theme.js").Theme} theme
 * @param {Set<unknown>} away The names of lines that are not drawn, though they have a row.
 */
export function nameRows(plot, { lines, unit, quantity = unit }, theme, away) {
  const rows = plot.root.querySelectorAll(".u-legend .u-series");
  plot.root.style.setProperty("--rk-value", `${widthOf(quantity)}ch`);
  const others = element("tr", "rk-others", /** @type {HTMLElement} */ (plot.root.querySelector(".u-legend")));
  const told = element("td", "", others);
  told.append(lineKey(-1, theme), document.createElement("span"));
  lines.forEach(({ name, style }, index) => {
    const label = /** @type {HTMLElement} */ (rows[index + 1].querySelector("th"));
    label.querySelector(".u-marker")?.replaceWith(lineKey(style, theme));
    label.title = name;
    label.tabIndex = 0;
    label.setAttribute("role", "button");
    const shown = style < 0 || !away.has(name);
    if (!shown) plot.setSeries(index + 1, { show: false });
    label.setAttribute("aria-pressed", String(shown));
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
