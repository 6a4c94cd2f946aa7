// @ts-check
/** Parts of forms and tables that panels share. */

import { element } from "./panel.js";

/**
 * @param {HTMLElement} parent
 * @param {string} text
 * @param {string} tag
 */
export function labelled(parent, text, tag) {
  const label = element("label", "rk-field", parent);
  label.append(text);
  return element(tag, "", label);
}

/**
 * @param {HTMLElement} parent
 * @param {string} text
 * @param {object} options
 */
export function field(parent, text, options) {
  return Object.assign(/** @type {HTMLInputElement} */ (labelled(parent, text, "input")), options);
}

/**
 * @param {HTMLElement} parent
 * @param {string} what What it chooses, for those who cannot see where it stands.
 * @param {(on: boolean) => void} changed
 */
export function checkbox(parent, what, changed) {
  const box = /** @type {HTMLInputElement} */ (element("input", "", parent));
  box.type = "checkbox";
  box.setAttribute("aria-label", `choose ${what}`);
  box.addEventListener("change", () => changed(box.checked));
  return box;
}

/** Write a text where it is new: what stands still can be marked and copied. */
export function write(/** @type {HTMLElement} */ place, /** @type {string} */ text) {
  if (place.textContent !== text) place.textContent = text;
}
