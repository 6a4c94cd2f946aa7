// @ts-check
/** A form for each fault, made from its fields. */

import { control } from "./fields.js";
import { button, element } from "./panel.js";

/**
 * @typedef {{name: string, title: string, doc: string, fields: import("./fields.js").Field[]}} Form
 */

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
  const doc = element("p", "rk-faint rk-doc", form);
  const lacks = element("p", "rk-problem rk-lacks", form);
  const own = element("div", "rk-fields", form);
  const more = element("details", "rk-more", form);
  element("summary", "", more).textContent = "When, how long and whom";
  const schedule = element("div", "rk-fields", more);
  const wrong = element("p", "rk-problem", form);
  const go = button(form, "Inject", "Put the fault in", () => {});
  go.type = "submit";
  const key = `rk-names-${(made += 1)}`;
  const lists = element("div", "", form);

  /** @type {Map<string, {read: () => unknown, problem: HTMLElement, input: HTMLInputElement}>} */
  let fields = new Map();
  const wish = () => {
    const values = {};
    for (const [name, { read }] of fields) {
      const value = read();
      if (value !== "") values[name] = value;
    }
    return { [choice.value]: values };
  };
  const check = () => model.send({ do: "check", fault: wish() });
  const why = () => (model.get("lacking") ?? {})[choice.value] ?? "";
  const show = () => {
    const wrongs = Object.keys(model.get("problems")).length;
    const over = model.get("state") === "over";
    go.disabled = over || Boolean(model.get("doing")) || wrongs > 0 || why() !== "";
  };
  const showLacking = () => {
    const lacking = model.get("lacking") ?? {};
    for (const option of choice.options) {
      const title = forms.find(({ name }) => name === option.value)?.title ?? "";
      option.text = option.value in lacking ? `✕ ${title}, not on this machine` : title;
    }
    lacks.textContent = why() ? `✕ Does not work on this machine: ${why()}` : "";
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
        return [field.key, control(field.own ? own : schedule, field, check, list)];
      }),
    );
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
    wrong.textContent = problems[""] ?? "";
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
