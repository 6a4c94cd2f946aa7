// @ts-check
/** A form for each fault, made from its fields. */

import { write } from "./controls.js";
import { control } from "./fields.js";
import { button, element } from "./panel.js";

/**
 * @typedef {{name: string, title: string, doc: string, fields: import("./fields.js").Field[]}} Form
 */

/** What most people look for first; it needs nothing but a cluster. */
const FIRST = "node_crash";
const WORDS = ["one", "all", "minority", "majority", "none"];

let made = 0;

/**
 * @param {HTMLElement} parent
 * @param {import("./panel.js").Model} model
 */
export function faultForm(parent, model) {
  /** @type {Form[]} */
  const forms = model.get("faults");
  const form = /** @type {HTMLFormElement} */ (element("form", "", parent));
  form.noValidate = true;
  const label = element("label", "rk-field rk-wide", form);
  label.append("Fault");
  const choice = /** @type {HTMLSelectElement} */ (element("select", "", label));
  choice.setAttribute("aria-label", "Fault");
  for (const { name, title } of forms) choice.add(new Option(title, name));
  const first = forms.find(({ name }) => name === FIRST) ?? forms.find(({ fields }) => !fields.some(needed));
  if (first) choice.value = first.name;
  const doc = element("p", "rk-faint rk-doc", form);
  const own = element("div", "rk-fields", form);
  const star = element("p", "rk-faint rk-star", form);
  star.textContent = "* needed";
  const more = element("details", "rk-more", form);
  element("summary", "", more).textContent = "When, how long and whom";
  const schedule = element("div", "rk-fields", more);
  const go = button(form, "Inject", "Put the fault in", () => {});
  go.type = "submit";
  // Under the button, which would move with it.
  const told = element("p", "rk-why", form);
  told.id = `rk-why-${made + 1}`;
  told.setAttribute("role", "status");
  go.setAttribute("aria-describedby", told.id);
  const key = `rk-names-${(made += 1)}`;
  const lists = element("div", "", form);

  /** @type {Map<string, {field: import("./fields.js").Field, read: () => unknown, problem: HTMLElement, input: HTMLInputElement}>} */
  let fields = new Map();
  const wish = () => {
    const values = {};
    for (const [name, { read }] of fields) {
      const value = read();
      if (value !== "") values[name] = value;
    }
    return { [choice.value]: values };
  };
  const check = () => {
    model.send({ do: "check", fault: wish() });
    show();
  };
  const why = () => (model.get("lacking") ?? {})[choice.value] ?? "";
  const show = () => {
    const problems = model.get("problems");
    const over = model.get("state") === "over";
    const wrongs = Object.keys(problems).length > 0;
    go.disabled = over || Boolean(model.get("doing")) || wrongs || why() !== "";
    const missing = [...fields].filter(([, { input, field }]) => needed(field) && input.value.trim() === "");
    const marked = Object.keys(problems).find((name) => fields.has(name));
    const wrong = why() ? `✗ Does not work on this machine: ${why()}` : problems[""] ?? "";
    told.toggleAttribute("data-wrong", Boolean(wrong));
    // Not from the problems: the kernel has not looked yet at what was written just now.
    if (over) write(told, "");
    else if (wrong) write(told, wrong);
    else if (missing.length) write(told, needs(missing.map(([name]) => name.replaceAll("_", " "))));
    else write(told, marked ? `${marked.replaceAll("_", " ")} is not right yet: see what stands there` : "");
  };
  const showLacking = () => {
    const lacking = model.get("lacking") ?? {};
    for (const option of choice.options) {
      const title = forms.find(({ name }) => name === option.value)?.title ?? "";
      option.text = option.value in lacking ? `✗ ${title}, not on this machine` : title;
    }
    show();
  };
  const build = () => {
    const chosen = forms.find(({ name }) => name === choice.value);
    if (!chosen) return;
    doc.textContent = chosen.doc;
    own.replaceChildren();
    schedule.replaceChildren();
    fields = new Map(
      chosen.fields.map((field) => {
        const list = field.names ? `${key}-${field.type === "targets" ? "targets-" : ""}${field.names}` : "";
        return [field.key, { field, ...control(field.own ? own : schedule, field, check, list) }];
      }),
    );
    star.hidden = !chosen.fields.some(needed);
    showLacking();
    check();
  };
  const showProblems = () => {
    const problems = model.get("problems");
    for (const [name, { problem, input }] of fields) {
      // An empty form is no mistake yet: its stars say what it needs.
      const told = name in problems && (input.value !== "" || input.dataset.touched !== undefined);
      problem.textContent = told ? problems[name] : "";
      input.setAttribute("aria-invalid", String(told));
      if (name in problems && schedule.contains(input)) more.setAttribute("open", "");
    }
    show();
  };
  const showPlaces = () => {
    const { nodes = [], servers = [], supervisors = [], links = [] } = model.get("places") ?? {};
    const found = {
      "targets-nodes": [...WORDS, ...nodes],
      "targets-servers": [...WORDS, ...servers, ...supervisors],
      "targets-links": [...WORDS, ...nodes, ...links],
      nodes,
      supervisors,
    };
    lists.replaceChildren();
    for (const [name, values] of Object.entries(found)) {
      const list = element("datalist", "", lists);
      list.id = `${key}-${name}`;
      for (const value of values) {
        const option = /** @type {HTMLOptionElement} */ (element("option", "", list));
        option.value = value;
      }
    }
  };
  choice.addEventListener("change", build);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!go.disabled) model.send({ do: "inject", fault: wish() });
  });
  showPlaces();
  build();
  return { show, showProblems, showLacking, showPlaces };
}

/** @param {import("./fields.js").Field} field */
function needed({ required }) {
  return required;
}

/**
 * Say what has to be written before anything can be done.
 *
 * @param {string[]} names
 */
function needs(names) {
  const last = names[names.length - 1];
  if (names.length === 1) return `${last} is needed`;
  return `${names.slice(0, -1).join(", ")} and ${last} are needed`;
}
