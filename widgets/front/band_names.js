// @ts-check
/** The names of the faults that are in view: under the charts, where there is room for all of them. */

import { element } from "./panel.js";
import { inView } from "./fault_lane.js";
import { leanOf } from "./leans.js";
import { pageTheme } from "./theme.js";

/** Times of one name that are told; of more there is the number, and the last. */
const MOST_TIMES = 3;

/**
 * Make the list; return what shows the bands of a span in it.
 *
 * @param {HTMLElement} parent
 */
export function bandNames(parent) {
  const list = element("ul", "rk-bands", parent);
  list.setAttribute("aria-label", "Faults in view");
  let shown = "";
  let highest = 0;
  let width = 0;
  /**
   * @param {import("./bands.js").Band[]} bands
   * @param {[number, number]} span
   */
  return (bands, span) => {
    const theme = pageTheme();
    const seen = inView(bands, span);
    const key = JSON.stringify([seen, theme.name, parent.clientWidth]);
    if (key === shown) return;
    shown = key;
    /** @type {Map<string, import("./bands.js").Band[]>} */
    const named = new Map();
    for (const band of seen) named.set(band.label, [...(named.get(band.label) ?? []), band]);
    list.replaceChildren();
    for (const [label, all] of named) {
      const row = element("li", "", list);
      const { colour } = all[0];
      const swatch = element("span", "rk-swatch", row);
      const ink = theme.faults[colour % theme.faults.length];
      swatch.style.setProperty("--rk-swatch", ink);
      swatch.style.setProperty("--rk-swatch-pale", `${ink}29`);
      swatch.dataset.lean = leanOf(colour);
      const name = element("span", "rk-name", row);
      name.textContent = name.title = label;
      element("span", "rk-faint", row).textContent = times(all);
    }
    if (!seen.length) element("li", "rk-faint", list).textContent = "no fault in view";
    list.tabIndex = list.scrollHeight > list.clientHeight ? 0 : -1;
    // What stands below does not jump up and down with faults that come and go.
    if (parent.clientWidth !== width) highest = 0;
    width = parent.clientWidth;
    list.style.minHeight = "";
    highest = Math.max(highest, list.offsetHeight);
    list.style.minHeight = `${highest}px`;
  };
}

/** @param {import("./bands.js").Band[]} bands Of one name. */
function times(bands) {
  const told = bands.slice(-MOST_TIMES).map(({ start, end }) => {
    const [from, to] = [start.toFixed(1), end?.toFixed(1)];
    if (to === undefined) return `since ${from} s`;
    return from === to ? `${from} s` : `${from}–${to} s`;
  });
  if (bands.length <= MOST_TIMES) return told.join(", ");
  return `${bands.length} times, last ${told[told.length - 1]}`;
}
