// @ts-check
/**
 * A scenario's timeline: a lane for each fault, what is planned and what has happened, a cursor.
 *
 * @typedef {object} Strike
 * @property {number} at When it is planned, in seconds.
 * @property {number} until When it is to heal.
 * @property {"planned" | "active" | "healed" | "struck" | "failed" | "left out"} state
 * @property {number | null} [began]
 * @property {number | null} [ended]
 * @property {string} [where]
 * @property {string} [why]
 *
 * @typedef {object} Lane
 * @property {string} label
 * @property {string} about
 * @property {number} colour The number of its kind: which colour and which hatch it has.
 * @property {Strike[]} strikes
 * @property {number} more Strikes that are not drawn.
 *
 * @typedef {object} Timeline
 * @property {string} name
 * @property {number} duration Seconds.
 * @property {string} seed
 * @property {Lane[]} lanes
 * @property {number} [elapsed] Seconds; of a plan there is none.
 * @property {string} [state]
 */

import { element } from "./panel.js";
import { leanOf } from "./leans.js";
import { pageTheme } from "./theme.js";

const SVG = "http://www.w3.org/2000/svg";
const LANE = 26;
const BAR = 18;
const BELOW = 34;
const RIGHT = 12;
const LETTER = 6.3;
const HATCH = 9;
const LEAST = 3;
const NARROW = 520;
/** Seconds that the cursor goes on by itself: a kernel that is not heard of may have ended. */
const UNHEARD = 2.5;

let made = 0;

/**
 * Put an empty timeline into `parent`.
 *
 * @param {HTMLElement} parent
 */
export function timeline(parent) {
  const place = element("div", "rk-timeline", parent);
  const key = `rk-hatch-${(made += 1)}`;
  /** @type {Timeline | null} */
  let shown = null;
  let heard = 0;
  let frame = 0;
  let width = 0;
  /** @type {(seconds: number) => void} */
  let move = () => {};

  const now = () => {
    if (shown?.elapsed === undefined) return undefined;
    const since = shown.state === "running" ? Math.min((performance.now() - heard) / 1000, UNHEARD) : 0;
    return Math.min(shown.elapsed + since, shown.duration);
  };
  const run = () => {
    frame = 0;
    const at = now();
    if (at !== undefined) move(at);
    if (shown?.state === "running") frame = requestAnimationFrame(run);
  };
  const draw = () => {
    place.replaceChildren();
    if (!shown || width === 0) return;
    move = drawn(place, shown, width, key);
    run();
  };
  const observer = new ResizeObserver(([entry]) => {
    if (Math.round(entry.contentRect.width) === width) return;
    width = Math.round(entry.contentRect.width);
    draw();
  });
  observer.observe(place);

  return {
    /** @param {Timeline | null} data */
    show(data) {
      shown = data;
      heard = performance.now();
      draw();
    },
    restyle: draw,
    end() {
      cancelAnimationFrame(frame);
      shown = null;
      observer.disconnect();
    },
  };
}

/**
 * Draw a timeline; return what moves its cursor.
 *
 * @param {HTMLElement} place
 * @param {Timeline} data
 * @param {number} width
 * @param {string} key
 */
function drawn(place, data, width, key) {
  const theme = pageTheme();
  const left = width < NARROW ? 92 : 138;
  const floor = data.lanes.length * LANE;
  const x = (/** @type {number} */ seconds) => left + (seconds / data.duration) * (width - left - RIGHT);
  const svg = put(place, "svg", { width, height: floor + BELOW, role: "img", "aria-label": told(data) });
  const defs = put(svg, "defs", {});
  for (const colour of new Set(data.lanes.map((lane) => lane.colour))) hatch(defs, colour, `${key}-${colour}`);
  for (const tick of ticks(data.duration, Math.max(3, Math.floor((width - left) / 60)))) {
    put(svg, "path", { d: `M${x(tick)} 0V${floor + 4}`, stroke: theme.grid });
    put(svg, "text", { x: x(tick), y: floor + 16, "text-anchor": "middle", fill: theme.faint }, String(tick));
  }
  const middle = (left + width - RIGHT) / 2;
  put(svg, "text", { x: middle, y: floor + 30, "text-anchor": "middle", fill: theme.faint }, "seconds since the scenario began");
  /** @type {{bar: Element, from: number}[]} */
  const growing = [];
  data.lanes.forEach((lane, index) => {
    const top = index * LANE + (LANE - BAR) / 2;
    const most = Math.floor((left - 8) / LETTER);
    const label = lane.label.length > most ? `${lane.label.slice(0, most - 1)}…` : lane.label;
    const text = put(svg, "text", { x: 0, y: top + 13, fill: theme.ink }, label);
    put(text, "title", {}, lane.about);
    put(svg, "path", { d: `M${left} ${(index + 1) * LANE}H${width - RIGHT}`, stroke: theme.grid });
    const ink = theme.faults[lane.colour % theme.faults.length];
    for (const strike of lane.strikes) {
      const bar = mark(svg, strike, { x, top, ink, hatch: `url(#${key}-${lane.colour})`, theme, data });
      if (bar && strike.state === "active") growing.push({ bar, from: x(strike.began ?? 0) });
    }
    if (lane.more > 0) {
      const more = { x: width - RIGHT, y: top + 13, "text-anchor": "end", fill: theme.ink };
      put(svg, "text", more, `+${lane.more} more`);
    }
  });
  const cursor = put(svg, "path", { d: `M0 0V${floor}`, stroke: theme.ink, "stroke-width": 1.5, class: "rk-cursor" });
  cursor.setAttribute("visibility", "hidden");
  return (/** @type {number} */ seconds) => {
    cursor.setAttribute("visibility", "visible");
    cursor.setAttribute("transform", `translate(${x(seconds)})`);
    place.dataset.at = seconds.toFixed(2);
    for (const { bar, from } of growing) bar.setAttribute("width", String(Math.max(x(seconds) - from, LEAST)));
  };
}

/**
 * Draw one strike; return the bar of what has happened.
 *
 * @param {Element} svg
 * @param {Strike} strike
 * @param {{x: (seconds: number) => number, top: number, ink: string, hatch: string, theme: import("./theme.js").Theme, data: Timeline}} how
 */
function mark(svg, strike, { x, top, ink, hatch, theme, data }) {
  const { state, at, until, began, ended, where = "", why = "" } = strike;
  const group = put(svg, "g", { class: "rk-strike", "data-state": state });
  put(group, "title", {}, words(strike));
  const wide = (from, to) => Math.max(x(Math.min(to, data.duration)) - x(from), LEAST);
  put(group, "rect", {
    x: x(at), y: top, width: wide(at, until), height: BAR, fill: ink,
    "fill-opacity": state === "planned" ? 0.12 : 0, stroke: ink, "stroke-dasharray": "3 2",
    "stroke-opacity": state === "left out" ? 0.4 : 1,
  });
  if (state === "failed" || state === "left out") {
    const sign = state === "failed" ? "✗" : "–";
    const look = { x: x(began ?? at) + 4, y: top + 13, "font-weight": 700, fill: theme.ink };
    put(group, "text", look, sign);
  }
  if (began === null || began === undefined || state === "failed") return null;
  // What is over when it has struck has no end of its own.
  const end = ended ?? (state === "struck" ? began : (data.elapsed ?? began));
  const bar = put(group, "rect", { x: x(began), y: top, width: wide(began, end), height: BAR, fill: hatch, stroke: ink });
  if (where && where.length * LETTER + 8 < wide(began, end)) {
    put(group, "text", { x: x(began) + 4, y: top + 13, fill: theme.ink, class: "rk-where" }, where);
  }
  return bar;
}

/** @param {Strike} strike */
function words({ state, at, began, ended, where, why }) {
  const parts = [`planned at ${at.toFixed(2)} s`, state];
  if (where) parts.push(where);
  if (typeof began === "number") parts.push(`struck at ${began.toFixed(2)} s`);
  if (typeof ended === "number") parts.push(`healed at ${ended.toFixed(2)} s`);
  if (why) parts.push(why);
  return parts.join(", ");
}

/** @param {Timeline} data */
function told(data) {
  const strikes = data.lanes.flatMap((lane) => lane.strikes);
  const struck = strikes.filter(({ began }) => typeof began === "number").length;
  return `${data.name}: ${strikes.length} strikes planned in ${data.duration} s, ${struck} have happened`;
}

/**
 * Hatches as in the charts: kinds lean to different sides, for those who cannot tell colours.
 *
 * @param {Element} defs
 * @param {number} colour
 * @param {string} id
 */
function hatch(defs, colour, id) {
  const theme = pageTheme();
  const ink = theme.faults[colour % theme.faults.length];
  const pattern = put(defs, "pattern", { id, width: HATCH, height: HATCH, patternUnits: "userSpaceOnUse" });
  put(pattern, "rect", { width: HATCH, height: HATCH, fill: ink, "fill-opacity": 0.25 });
  const up = `M-1 1l2-2M0 ${HATCH}L${HATCH} 0M${HATCH - 1} ${HATCH + 1}l2-2`;
  const down = `M-1 ${HATCH - 1}l2 2M0 0L${HATCH} ${HATCH}M${HATCH - 1} -1l2 2`;
  const d = { left: down, right: up, both: up + down }[leanOf(colour)];
  put(pattern, "path", { d, stroke: ink, "stroke-opacity": 0.8 });
}

/**
 * @param {number} most
 * @param {number} count
 */
function ticks(most, count) {
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough * 0.999) ?? power * 10;
  const found = [];
  for (let at = 0; at * step <= most * 1.0001; at += 1) found.push(Number((at * step).toPrecision(6)));
  return found;
}

/**
 * @param {Element} parent
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function put(parent, tag, attributes, text) {
  const one = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, String(value));
  if (text !== undefined) one.append(text);
  parent.append(one);
  return one;
}
