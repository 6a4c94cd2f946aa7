// @ts-check
/** The loads on a cluster: what they do now, and what changes or stops them. */

import { write } from "./controls.js";
import { button, element } from "./panel.js";

/**
 * @typedef {object} Lever
 * @property {"rate" | "users" | "factor"} kind
 * @property {string} unit
 * @property {number} value
 * @property {number} most Where the slider ends.
 * @property {number} step
 * @property {number} limit What there may be at all.
 *
 * @typedef {object} Load
 * @property {number} id
 * @property {"running" | "stopping" | "over"} state
 * @property {string} sign
 * @property {string} words
 * @property {string} what
 * @property {Lever | null} lever
 * @property {{name: string, text: string, over: string}[]} figures What is measured, over which time.
 * @property {{text: string, count: string}[]} errors
 * @property {number} kinds How many different errors there were.
 * @property {string} incomplete
 */

/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
const MOVES_APART_MS = 100;
/** For so long after a move what the kernel says may be older than it. */
const SETTLES_MS = 1500;

/**
 * Return the card of a load.
 *
 * @param {HTMLElement} parent
 * @param {{stop: (id: number) => void, set: (id: number, value: number) => void}} acts
 */
export function loadCard(parent, acts) {
  const root = element("article", "rk-load", parent);
  const head = element("div", "rk-loadhead", root);
  const state = element("strong", "rk-loadstate", head);
  const stop = button(head, "Stop", "Send nothing more; what is under way may end", () => acts.stop(id));
  const what = element("p", "rk-faint rk-loadwhat", root);
  const lever = leverOf(root, (value) => acts.set(id, value));
  const figures = element("div", "rk-figures", root);
  const errors = element("ul", "rk-errors", root);
  const incomplete = element("p", "rk-problem", root);
  let id = 0;

  return {
    root,
    end: lever.end,
    /** @param {Load} load */
    show(load) {
      id = load.id;
      root.dataset.load = String(id);
      root.dataset.state = load.state;
      root.setAttribute("aria-label", `Load ${id}`);
      write(state, `${load.sign} ${load.words}`);
      write(what, load.what);
      stop.hidden = load.state !== "running";
      lever.show(load.lever);
      fit(figures, load.figures, (each) => {
        const box = element("div", "", figures);
        // No list of definitions: JupyterLab has a style of its own for these.
        element("span", "rk-name", box).textContent = each.name;
        element("span", "rk-value", box);
        element("span", "rk-over", box);
      });
      load.figures.forEach(({ name, text, over }, index) => {
        const [term, value, time] = figures.children[index].children;
        write(/** @type {HTMLElement} */ (term), name);
        write(/** @type {HTMLElement} */ (value), text);
        write(/** @type {HTMLElement} */ (time), over);
        /** @type {HTMLElement} */ (figures.children[index]).dataset.figure = name;
      });
      const more = load.kinds - load.errors.length;
      const lines = load.errors.map(({ text, count }) => `${count} × ${text}`);
      if (more > 0) lines.push(`… and ${more} more kinds of error`);
      fit(errors, lines, () => element("li", "", errors));
      lines.forEach((line, index) => write(/** @type {HTMLElement} */ (errors.children[index]), line));
      errors.hidden = lines.length === 0;
      write(incomplete, load.incomplete);
    },
  };
}

/** Make a list as long as what it shows. */
function fit(/** @type {HTMLElement} */ list, /** @type {any[]} */ items, /** @type {(each: any) => void} */ add) {
  while (list.children.length > items.length) list.lastElementChild?.remove();
  for (const each of items.slice(list.children.length)) add(each);
}

/**
 * Put a number and a slider into `parent` that say the same.
 *
 * @param {HTMLElement} parent
 * @param {(value: number) => void} moved Called ten times a second at most, last with the last.
 */
function leverOf(parent, moved) {
  const root = element("div", "rk-lever", parent);
  const label = element("label", "rk-field", root);
  const name = element("span", "", label);
  const number = /** @type {HTMLInputElement} */ (element("input", "", label));
  Object.assign(number, { type: "number", min: "0", step: "any" });
  const slider = /** @type {HTMLInputElement} */ (element("input", "rk-slider", root));
  slider.type = "range";
  slider.min = "0";
  let touched = -Infinity;
  let sent = -Infinity;
  let timer = 0;
  let wish = NaN;

  const send = () => {
    timer = 0;
    sent = performance.now();
    moved(wish);
  };
  const move = (/** @type {number} */ value) => {
    touched = performance.now();
    wish = value;
    timer ||= window.setTimeout(send, Math.max(0, sent + MOVES_APART_MS - touched));
  };
  const slid = () => {
    number.value = slider.value;
    move(Number(slider.value));
  };
  slider.addEventListener("input", slid);
  slider.addEventListener("keydown", (event) => {
    const steps = STEPS[event.key];
    if (!steps) return;
    // As the key does by itself, where the page lets it: JupyterLab does not.
    event.preventDefault();
    event.stopPropagation();
    steps > 0 ? slider.stepUp(steps) : slider.stepDown(-steps);
    slid();
  });
  // Not at each key: on the way to 300 stands 3.
  const written = () => {
    if (number.value === "" || !number.checkValidity() || Number(number.value) === wish) return;
    slider.value = number.value;
    move(Number(number.value));
  };
  number.addEventListener("change", written);

  return {
    end: () => window.clearTimeout(timer),
    /** @param {Lever | null} lever */
    show(lever) {
      root.hidden = lever === null;
      if (!lever) return;
      write(name, lever.kind === "factor" ? lever.unit : `${lever.kind} (${lever.unit})`.replace("users (users)", "users"));
      slider.setAttribute("aria-label", `${lever.kind}, as a slider`);
      number.max = String(lever.limit);
      slider.max = String(lever.most);
      slider.step = String(lever.step);
      const writing = document.activeElement === number && number.value !== String(lever.value);
      if (performance.now() - touched < SETTLES_MS || writing) return;
      wish = lever.value;
      number.value = String(lever.value);
      slider.value = String(lever.value);
    },
  };
}
