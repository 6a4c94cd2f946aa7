// @ts-check
/** Controls for the fields that `resilkit.faults.fields` describes. */

import { element } from "./panel.js";

/**
 * @typedef {object} Field
 * @property {string} key
 * @property {string} type As in Python's `FieldInfo`.
 * @property {boolean} required
 * @property {string} default
 * @property {string} unit
 * @property {string} allowed What it accepts, in words.
 * @property {string[]} choices
 * @property {boolean} own Whether it is the fault's own, and not the schedule's.
 * @property {string} doc
 * @property {string} names Which names of the cluster fit into it, as a key of `places`.
 */

/**
 * Put the control of a field into `parent`.
 *
 * @param {HTMLElement} parent
 * @param {Field} field
 * @param {() => void} changed
 * @param {string} list The id of a list of what may be written, "" for none.
 */
export function control(parent, field, changed, list = "") {
  const label = element("label", "rk-field", parent);
  label.title = [field.doc, field.allowed].filter(Boolean).join("\n");
  label.append(field.key.replaceAll("_", " ") + (field.required ? " *" : ""));
  const made = inputOf(label, field);
  const { read } = made;
  const input = /** @type {HTMLInputElement} */ (made.input);
  input.setAttribute("name", field.key);
  if (list) input.setAttribute("list", list);
  // Without it, the name would have the options and the problem in it.
  input.setAttribute("aria-label", field.key.replaceAll("_", " "));
  input.addEventListener("input", () => {
    input.dataset.touched = "";
    changed();
  });
  const problem = element("span", "rk-problem", label);
  return { input, read, problem };
}

/**
 * @param {HTMLElement} parent
 * @param {Field} field
 * @returns {{input: HTMLElement, read: () => unknown}}
 */
function inputOf(parent, field) {
  if (field.type === "bool") {
    const box = /** @type {HTMLInputElement} */ (element("input", "", parent));
    box.type = "checkbox";
    box.checked = field.default === "True";
    return { input: box, read: () => (box.checked === (field.default === "True") ? "" : box.checked) };
  }
  if (field.type === "choice") {
    const list = /** @type {HTMLSelectElement} */ (element("select", "", parent));
    for (const each of field.choices) list.add(new Option(each));
    if (field.default) list.value = field.default;
    return { input: list, read: () => (list.value === field.default ? "" : list.value) };
  }
  const text = /** @type {HTMLInputElement} */ (element("input", "", parent));
  const hint = field.default || field.unit || (field.required ? "" : "none");
  Object.assign(text, { type: "text", spellcheck: false, placeholder: hint });
  return { input: text, read: () => valueOf(field.type, text.value.trim()) };
}

/**
 * Return what somebody wrote as the kernel takes it: units stay text, lists become lists.
 *
 * @param {string} type
 * @param {string} text
 * @returns {unknown}
 */
function valueOf(type, text) {
  if (text === "") return "";
  if (type === "groups") return text.split("|").map(names);
  if (type === "targets" && text.includes(",")) return names(text);
  const plain = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
  return plain && type !== "str" ? Number(text) : text;
}

/** @param {string} text */
function names(text) {
  return text.split(",").map((each) => each.trim()).filter(Boolean);
}
