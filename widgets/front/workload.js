// @ts-check
/** The panel of load: a form that starts one, and those that run. */

import "./panel.css";
import "./controls.css";
import "./workload.css";
import { labelled, write } from "./controls.js";
import { control } from "./fields.js";
import { loadCard } from "./loads.js";
import { button, element, onEnter, panel } from "./panel.js";

/**
 * @typedef {import("./fields.js").Field} Field
 * @typedef {{kind: string, doc: string, fields: Field[]}} Form
 * @typedef {{key: string, unit: string, default: string, doc: string}} Option
 * @typedef {{id: string, name: string, what: string, weight: string, own: boolean}} Operation
 */

let panels = 0;

export default {
  /** @param {import("./panel.js").Context} context */
  render({ model, el }) {
    const { root, body, end } = panel({ model, el }, "Workload");
    const form = /** @type {HTMLFormElement} */ (element("form", "rk-chaos rk-workload", body));
    form.noValidate = true;
    const check = () => model.send({ do: "check", form: wish() });

    const when = arrivalsOf(form, model, check);
    const what = operationsOf(form, model, check);
    const options = optionsOf(form, model, check);
    const calls = callOf(body, model);
    what.place.append(calls.root);
    const wrong = element("p", "rk-problem", form);
    // What is still to be done before the first try is no error.
    const hint = element("p", "rk-faint rk-hint", form);
    hint.setAttribute("role", "status");
    let tried = false;
    const go = button(form, "Start", "Put this load on the cluster", () => {});
    go.type = "submit";
    const wish = () => ({
      kind: when.kind(),
      fields: when.read(),
      weights: what.read(),
      options: options.read(when.kind()),
    });

    const list = element("div", "rk-loads", body);
    const none = element("p", "rk-faint", list);
    none.textContent = "No load runs.";
    /** @type {Map<number, ReturnType<typeof loadCard>>} */
    const cards = new Map();
    const acts = {
      stop: (/** @type {number} */ id) => model.send({ do: "stop", id }),
      set: (/** @type {number} */ id, /** @type {number} */ value) => model.send({ do: "set", id, value }),
    };
    const showLoads = () => {
      /** @type {import("./loads.js").Load[]} */
      const loads = model.get("loads");
      none.hidden = loads.length > 0;
      for (const [id, card] of cards) {
        if (!loads.some((load) => load.id === id)) {
          card.end();
          card.root.remove();
          cards.delete(id);
        }
      }
      for (const load of loads) {
        let card = cards.get(load.id);
        if (!card) {
          card = loadCard(list, acts);
          cards.set(load.id, card);
          list.prepend(card.root); // the newest first
        }
        card.show(load);
      }
      root.dataset.running = String(loads.filter(({ state }) => state === "running").length);
    };
    const showProblems = () => {
      const problems = model.get("problems");
      when.tell(problems);
      what.tell(problems);
      options.tell(problems);
      tried &&= problems.operations !== undefined;
      write(wrong, problems[""] ?? (tried ? problems.operations : undefined) ?? "");
      write(hint, tried ? "" : sentence(problems.operations));
      const over = model.get("state") === "over";
      const busy = Boolean(model.get("doing"));
      go.disabled = over || busy || Object.keys(problems).some((key) => key !== "operations");
      calls.busy(over || busy);
    };
    const showOperations = () => {
      what.show();
      check();
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      // What was said of the operations may be older than they are: the kernel knows.
      const none = model.get("operations").length === 0;
      if (none && model.get("problems").operations !== undefined) {
        tried = true;
        showProblems();
        calls.focus();
      } else model.send({ do: "start", form: wish() });
    });
    form.addEventListener("change", () => options.show(when.kind()));

    const showServers = () => {
      calls.suggest();
      check(); // what is missing is another thing once there are servers
    };
    const heard = {
      loads: showLoads, problems: showProblems, doing: showProblems, state: showProblems,
      operations: showOperations, servers: showServers,
    };
    for (const [name, listener] of Object.entries(heard)) model.on(`change:${name}`, listener);
    what.show();
    options.show(when.kind());
    calls.suggest();
    showLoads();
    showProblems();
    check();
    return end(showLoads, () => {
      for (const card of cards.values()) card.end();
      for (const [name, listener] of Object.entries(heard)) model.off(`change:${name}`, listener);
    });
  },
};

/** @param {string | undefined} words @returns {string} */
const sentence = (words) => (words ? `${words[0].toUpperCase()}${words.slice(1)}.` : "");

/**
 * Show what is wrong with a control, once somebody has written into it.
 *
 * @param {{input: HTMLElement, problem: HTMLElement}} made
 * @param {string | undefined} problem
 */
function tell({ input, problem: place }, problem) {
  const told = problem !== undefined && (/** @type {any} */ (input).value !== "" || input.dataset.touched !== undefined);
  write(place, told ? String(problem) : "");
  input.setAttribute("aria-invalid", String(told));
}

/** Write the unit of a field beside its name. */
function withUnit(/** @type {HTMLElement} */ input, /** @type {string} */ unit) {
  const title = input.parentElement?.firstChild;
  if (title && unit) title.textContent += ` (${unit})`;
}

/**
 * When operations are sent: a choice of arrivals, and their fields.
 *
 * @param {HTMLElement} form
 * @param {import("./panel.js").Model} model
 * @param {() => void} check
 */
function arrivalsOf(form, model, check) {
  /** @type {Form[]} */
  const forms = model.get("forms");
  const first = model.get("first");
  const choice = /** @type {HTMLSelectElement} */ (labelled(form, "Arrivals", "select"));
  choice.parentElement?.classList.add("rk-wide");
  choice.setAttribute("aria-label", "Arrivals");
  for (const { kind } of forms) choice.add(new Option(kind));
  choice.value = first.kind;
  const doc = element("p", "rk-faint rk-doc", form);
  const place = element("div", "rk-fields", form);
  /** @type {Map<string, ReturnType<typeof control>>} */
  let fields = new Map();
  const build = () => {
    const chosen = forms.find(({ kind }) => kind === choice.value);
    if (!chosen) return;
    doc.textContent = chosen.doc;
    place.replaceChildren();
    fields = new Map(chosen.fields.map((field) => [field.key, control(place, field, check)]));
    for (const field of chosen.fields) {
      const input = /** @type {HTMLInputElement} */ (fields.get(field.key)?.input);
      withUnit(input, field.unit);
      if (field.allowed) input.closest("label")?.classList.add("rk-long");
      if (first.kind === chosen.kind && first.fields[field.key]) input.value = first.fields[field.key];
    }
  };
  choice.addEventListener("change", () => {
    build();
    check();
  });
  build();
  return {
    kind: () => choice.value,
    read: () => Object.fromEntries([...fields].map(([key, { read }]) => [key, read()])),
    /** @param {Record<string, string>} problems */
    tell(problems) {
      for (const [key, made] of fields) tell(made, problems[`arrivals.${key}`]);
    },
  };
}

/**
 * What is done: the operations, with weights.
 *
 * @param {HTMLElement} form
 * @param {import("./panel.js").Model} model
 * @param {() => void} check
 */
function operationsOf(form, model, check) {
  const place = element("div", "rk-operations", form);
  const table = /** @type {HTMLTableElement} */ (element("table", "rk-table", place));
  const head = table.createTHead().insertRow();
  for (const name of ["weight", "operation", "does", ""]) element("th", "", head).textContent = name;
  const list = table.createTBody();
  /** @type {Map<string, {row: HTMLTableRowElement, input: HTMLInputElement, problem: HTMLElement}>} */
  const rows = new Map();
  const add = (/** @type {Operation} */ operation) => {
    const row = list.insertRow();
    for (let cell = 0; cell < 4; cell += 1) row.insertCell();
    const input = /** @type {HTMLInputElement} */ (element("input", "rk-weight", row.cells[0]));
    Object.assign(input, { type: "text", value: operation.weight, spellcheck: false });
    input.setAttribute("aria-label", `weight of ${operation.name}`);
    input.inputMode = "decimal";
    input.addEventListener("input", () => {
      input.dataset.touched = "";
      check();
    });
    const problem = element("span", "rk-problem", row.cells[0]);
    write(row.cells[1], operation.name);
    write(row.cells[2], operation.what);
    if (!operation.own) {
      const remove = button(row.cells[3], "Remove", `Take ${operation.name} off the list`, () =>
        model.send({ do: "remove", id: operation.id }),
      );
      remove.setAttribute("aria-label", `Remove ${operation.name}`);
    }
    rows.set(operation.id, { row, input, problem });
  };
  return {
    place,
    show() {
      /** @type {Operation[]} */
      const operations = model.get("operations");
      for (const [id, { row }] of rows) {
        if (!operations.some((each) => each.id === id)) {
          row.remove();
          rows.delete(id);
        }
      }
      for (const each of operations) if (!rows.has(each.id)) add(each);
      table.hidden = operations.length === 0;
    },
    read: () => Object.fromEntries([...rows].map(([id, { input }]) => [id, input.value.trim()])),
    /** @param {Record<string, string>} problems */
    tell(problems) {
      for (const [id, made] of rows) tell(made, problems[`weights.${id}`]);
    },
  };
}

/**
 * A call of a server, put together and added to the operations.
 *
 * @param {HTMLElement} parent
 * @param {import("./panel.js").Model} model
 */
function callOf(parent, model) {
  panels += 1;
  const root = element("div", "rk-form rk-call", parent);
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "A call of a server");
  const input = (/** @type {string} */ text, /** @type {string} */ hint) => {
    const made = /** @type {HTMLInputElement} */ (labelled(root, text, "input"));
    Object.assign(made, { type: "text", spellcheck: false, placeholder: hint, autocomplete: "off" });
    return made;
  };
  const suggested = (/** @type {HTMLInputElement} */ made, /** @type {string} */ name) => {
    const list = /** @type {HTMLDataListElement} */ (element("datalist", "", root));
    list.id = `rk-${name}-${panels}`;
    made.setAttribute("list", list.id);
    return (/** @type {string[]} */ texts) => {
      if ([...list.children].map((each) => /** @type {any} */ (each).value).join("\n") === texts.join("\n")) return;
      list.replaceChildren(...texts.map((text) => Object.assign(document.createElement("option"), { value: text })));
    };
  };
  const server = input("Server", "counter-0");
  const method = input("Method", "increment");
  const args = input("Arguments", "by=2");
  args.parentElement?.classList.add("rk-long");
  const offerServers = suggested(server, "servers");
  const offerMethods = suggested(method, "methods");
  const go = button(root, "Add", "Add this call to the operations", () => add());
  const suggest = () => {
    const servers = model.get("servers");
    offerServers(Object.keys(servers));
    offerMethods(servers[server.value.trim()] ?? []);
  };
  let busy = false;
  const allow = () => {
    go.disabled = busy || !server.value.trim() || !method.value.trim();
  };
  const add = () => {
    if (go.disabled) return;
    model.send({ do: "add", server: server.value.trim(), method: method.value.trim(), arguments: args.value.trim() });
  };
  root.addEventListener("input", (event) => {
    event.stopPropagation();
    suggest();
    allow();
  });
  onEnter(root, add); // and not the form's: it stands in one that would start the load
  allow();
  return {
    root,
    suggest,
    focus: () => server.focus(),
    busy(/** @type {boolean} */ on) {
      busy = on;
      allow();
    },
  };
}

/**
 * What else can be said of a load; nothing has to be.
 *
 * @param {HTMLElement} form
 * @param {import("./panel.js").Model} model
 * @param {() => void} check
 */
function optionsOf(form, model, check) {
  const more = element("details", "rk-more", form);
  element("summary", "", more).textContent = "How long, and who sends it";
  const place = element("div", "rk-fields", more);
  const first = model.get("first").options;
  /** @type {Option[]} */
  const options = model.get("options");
  const fields = new Map(
    options.map((option) => {
      const field = { ...option, type: "str", required: false, allowed: "", choices: [], own: true };
      const made = control(place, field, check);
      withUnit(made.input, option.unit);
      made.input.value = first[option.key] ?? "";
      return [option.key, made];
    }),
  );
  return {
    /** @param {string} kind */
    read: (kind) =>
      Object.fromEntries(
        [...fields].map(([key, { read }]) => [key, key === "users" && kind === "closed" ? "" : read()]),
      ),
    /** @param {string} kind */
    show(kind) {
      // The users of a closed loop stand in its arrivals.
      const label = fields.get("users")?.input.closest("label");
      if (label) label.hidden = kind === "closed";
    },
    /** @param {Record<string, string>} problems */
    tell(problems) {
      for (const [key, made] of fields) {
        tell(made, problems[`options.${key}`]);
        if (`options.${key}` in problems) more.setAttribute("open", "");
      }
    },
  };
}
