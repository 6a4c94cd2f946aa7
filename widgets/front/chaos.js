// @ts-check
/** The panel of faults: a form for each, made from its fields, and those that are in. */

import "./panel.css";
import "./cluster.css";
import "./chaos.css";
import { button, element, panel } from "./panel.js";

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
 *
 * @typedef {{name: string, title: string, doc: string, fields: Field[]}} Form
 * @typedef {{id: string, what: string, where: string, state: string, strikes: number}} Injection
 */

const COLUMNS = ["fault", "where", "strikes", "state", ""];

export default {
  /** @param {import("./panel.js").Context} context */
  render({ model, el }) {
    const { tools, body, end } = panel({ model, el }, "Chaos");
    /** @type {Form[]} */
    const forms = model.get("faults");
    const healAll = button(tools, "Heal all", "Take back every fault that is in", () =>
      model.send({ do: "heal_all" }),
    );

    const form = /** @type {HTMLFormElement} */ (element("form", "rk-chaos", body));
    form.noValidate = true;
    const label = element("label", "rk-field rk-wide", form);
    label.append("Fault");
    const choice = /** @type {HTMLSelectElement} */ (element("select", "", label));
    choice.setAttribute("aria-label", "Fault");
    for (const { name, title } of forms) choice.add(new Option(title, name));
    const doc = element("p", "rk-faint rk-doc", form);
    const own = element("div", "rk-fields", form);
    const more = element("details", "rk-more", form);
    element("summary", "", more).textContent = "When, how long and whom";
    const schedule = element("div", "rk-fields", more);
    const wrong = element("p", "rk-problem", form);
    const go = button(form, "Inject", "Put the fault in", () => {});
    go.type = "submit";

    /** @type {Map<string, {read: () => unknown, problem: HTMLElement, input: HTMLInputElement}>} */
    let fields = new Map();
    const wish = () => {
      const values = {};
      for (const [key, { read }] of fields) {
        const value = read();
        if (value !== "") values[key] = value;
      }
      return { [choice.value]: values };
    };
    const check = () => model.send({ do: "check", fault: wish() });
    const build = () => {
      const chosen = forms.find(({ name }) => name === choice.value);
      if (!chosen) return;
      doc.textContent = chosen.doc;
      own.replaceChildren();
      schedule.replaceChildren();
      fields = new Map(
        chosen.fields.map((field) => [field.key, control(field.own ? own : schedule, field, check)]),
      );
      check();
    };
    const showProblems = () => {
      const problems = model.get("problems");
      for (const [key, { problem, input }] of fields) {
        // An empty form is no mistake yet: its stars say what it needs.
        const told = key in problems && (input.value !== "" || input.dataset.touched !== undefined);
        problem.textContent = told ? problems[key] : "";
        input.setAttribute("aria-invalid", String(told));
        if (key in problems && schedule.contains(input)) more.setAttribute("open", "");
      }
      wrong.textContent = problems[""] ?? "";
      show();
    };

    const list = element("div", "rk-injections", body);
    const table = /** @type {HTMLTableElement} */ (element("table", "rk-table", list));
    const head = table.createTHead().insertRow();
    for (const name of COLUMNS) element("th", "", head).textContent = name;
    const rows = table.createTBody();
    const none = element("p", "rk-faint", list);
    none.textContent = "No fault is in.";
    const show = () => {
      /** @type {Injection[]} */
      const injections = model.get("injections");
      const over = model.get("state") === "over";
      table.hidden = injections.length === 0;
      none.hidden = injections.length > 0;
      healAll.disabled = injections.length === 0 || over;
      go.disabled = over || Boolean(model.get("doing")) || Object.keys(model.get("problems")).length > 0;
      // Rows stay where they are: somebody may be about to press a button in one.
      const known = new Map([...rows.rows].map((row) => [row.dataset.injection, row]));
      for (const [id, row] of known) if (!injections.some((each) => each.id === id)) row.remove();
      for (const { id, what, where, strikes, state } of injections) {
        let row = known.get(id);
        if (!row) {
          row = rows.insertRow();
          row.dataset.injection = id;
          for (const _ of COLUMNS) row.insertCell();
          button(row.cells[4], "Heal", `Take ${id} back`, () => model.send({ do: "heal", id }));
        }
        [what, where || "–", String(strikes), state].forEach((text, index) => {
          if (row.cells[index].textContent !== text) row.cells[index].textContent = text;
        });
      }
    };

    choice.addEventListener("change", build);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!go.disabled) model.send({ do: "inject", fault: wish() });
    });
    const heard = { problems: showProblems, injections: show, doing: show, state: show };
    for (const [name, listener] of Object.entries(heard)) model.on(`change:${name}`, listener);
    build();
    showProblems();
    return end(show, () => {
      for (const [name, listener] of Object.entries(heard)) model.off(`change:${name}`, listener);
    });
  },
};

/**
 * Put the control of a field into `parent`.
 *
 * @param {HTMLElement} parent
 * @param {Field} field
 * @param {() => void} changed
 */
function control(parent, field, changed) {
  const label = element("label", "rk-field", parent);
  label.title = [field.doc, field.allowed].filter(Boolean).join("\n");
  label.append(field.key.replaceAll("_", " ") + (field.required ? " *" : ""));
  const made = inputOf(label, field);
  const { read } = made;
  const input = /** @type {HTMLInputElement} */ (made.input);
  input.setAttribute("name", field.key);
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
