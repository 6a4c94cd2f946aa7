// @ts-check
/** The panel of faults: a form for each, made from its fields, and those that are in. */

import "./panel.css";
import "./controls.css";
import "./chaos.css";
import { write } from "./controls.js";
import { control } from "./fields.js";
import { button, element, panel } from "./panel.js";

/**
 * @typedef {{name: string, title: string, doc: string, fields: import("./fields.js").Field[]}} Form
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
          write(row.cells[index], text);
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
