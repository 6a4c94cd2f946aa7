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

/**
 * Say under the fields of a form what is wrong with them, while somebody writes. The form's own
 * bubbles would come when a button is pressed, wherever there is room for them.
 *
 * @param {HTMLFormElement} form
 * @param {[HTMLInputElement, string][]} fields Each with what it accepts, in words.
 * @param {() => void} changed Called when it may be right now, or wrong.
 * @returns {() => boolean} Whether all of it is right.
 */
export function accepted(form, fields, changed) {
  form.noValidate = true;
  const place = element("p", "rk-problem rk-wrong", form);
  place.setAttribute("role", "status");
  for (const [input] of fields) {
    input.addEventListener("input", () => {
      const wrong = fields.filter(([each]) => !each.validity.valid);
      for (const [each] of fields) each.setAttribute("aria-invalid", String(!each.validity.valid));
      write(place, wrong.map(([each, words]) => `✗ ${nameOf(each)}: ${words}`).join("\n"));
      changed();
    });
  }
  return () => fields.every(([input]) => input.validity.valid);
}

/** @param {HTMLInputElement} input What stands before it in its label. */
function nameOf(input) {
  return input.labels?.[0]?.firstChild?.textContent ?? "";
}

/** Write a text where it is new: what stands still can be marked and copied. */
export function write(/** @type {HTMLElement} */ place, /** @type {string} */ text) {
  if (place.textContent !== text) place.textContent = text;
}
