// @ts-check
/** What stands around the charts of live metrics: whom they show, thresholds, and alerts. */

import "./controls.css";
import "./watching.css";
import { field, write } from "./controls.js";
import { button, element } from "./panel.js";

const MOST_SHOWN = 12;

/**
 * Put the controls around the charts; return what shows them anew and what ends them.
 *
 * @param {import("./panel.js").Model} model
 * @param {HTMLElement} body Of the panel, with the charts.
 */
export function watching(model, body) {
  const ask = asker(model);
  const above = document.createElement("div");
  above.className = "rk-choose";
  body.before(above);
  const below = document.createElement("section");
  below.className = "rk-watch";
  below.setAttribute("aria-label", "Alerts");
  body.after(below);

  const nodes = chooser(above, model, ask, "nodes");
  const servers = chooser(above, model, ask, "servers");
  const list = element("ul", "rk-thresholds", below);
  list.setAttribute("aria-label", "Thresholds");
  // What comes by itself is told in one line that is always there: cells below must not move.
  const more = element("details", "rk-alerting", below);
  const told = element("summary", "", more);
  const showForm = form(more, ask);
  const table = /** @type {HTMLTableElement} */ (element("table", "rk-table rk-alerts", more));

  const showThresholds = () => showRows(list, model.get("thresholds") ?? [], ask);
  const showAlerts = () => {
    showSummary(told, model);
    showTable(table, model);
  };
  const showChoice = () => {
    nodes();
    servers();
  };
  const heard = {
    thresholds: showThresholds,
    alerts: showAlerts,
    anomalies: showAlerts,
    chosen: showChoice,
    known: showChoice,
    answer: () => {
      const answer = model.get("answer") ?? {};
      showForm(answer);
      nodes(answer);
      servers(answer);
    },
  };
  for (const [name, listener] of Object.entries(heard)) model.on(`change:${name}`, listener);
  showThresholds();
  showAlerts();
  showChoice();
  return () => {
    for (const [name, listener] of Object.entries(heard)) model.off(`change:${name}`, listener);
  };
}

/** @typedef {{to?: number, at?: string, problem?: string}} Answer */
/** @typedef {(content: object) => number} Ask Returns the number that the answer will have. */

/** @param {import("./panel.js").Model} model @returns {Ask} */
function asker(model) {
  let number = Math.floor(Math.random() * 2 ** 30); // two views of a panel ask at once
  return (content) => {
    number += 1;
    model.send({ ...content, number });
    return number;
  };
}

/**
 * A field for a new threshold.
 *
 * @param {HTMLElement} parent
 * @param {Ask} ask
 * @returns {(answer: Answer) => void}
 */
function form(parent, ask) {
  const made = /** @type {HTMLFormElement} */ (element("form", "rk-form rk-alert-form", parent));
  const text = field(made, "alert when", {
    type: "text", name: "threshold", spellcheck: false, placeholder: "queue_length[counter-*] > 1000",
  });
  const hold = field(made, "for (s)", { type: "number", name: "hold", min: "0", step: "any", value: "0" });
  const add = button(made, "Add", "Watch for it from now on", () => {});
  add.type = "submit";
  const problem = element("p", "rk-problem", made);
  problem.setAttribute("role", "alert");
  let asked = 0;
  made.noValidate = true; // the kernel says what is wrong, and with all of it
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    asked = ask({ do: "alert", threshold: text.value, hold: hold.value === "" ? null : Number(hold.value) });
  });
  return ({ to, at, problem: said }) => {
    if (to !== asked) return;
    write(problem, said ?? "");
    text.setAttribute("aria-invalid", String(at === "threshold"));
    hold.setAttribute("aria-invalid", String(at === "hold"));
    if (!said) text.value = "";
  };
}

/**
 * @param {HTMLElement} list
 * @param {import("./thresholds.js").Threshold[]} thresholds
 * @param {Ask} ask
 */
function showRows(list, thresholds, ask) {
  // Buttons that stay are not made anew: one that has the focus would lose it.
  const old = new Map([...list.children].map((row) => [/** @type {HTMLElement} */ (row).dataset.text, row]));
  const rows = thresholds.map((each) => {
    const row = /** @type {HTMLElement} */ (old.get(each.text)) ?? thresholdRow(each, ask);
    const [sign, words] = row.querySelectorAll("span");
    const held = each.hold ? ` for ${each.hold} s` : "";
    const where = each.standing.length ? `: ${each.standing.join(", ")}` : "";
    row.dataset.standing = String(each.standing.length);
    write(sign, each.standing.length ? "▲" : "–");
    write(words, each.text + held + where);
    return row;
  });
  if (rows.length !== list.children.length || rows.some((row, index) => list.children[index] !== row)) {
    list.replaceChildren(...rows);
  }
  list.hidden = rows.length === 0;
}

/**
 * @param {import("./thresholds.js").Threshold} threshold
 * @param {Ask} ask
 */
function thresholdRow({ text }, ask) {
  const row = document.createElement("li");
  row.dataset.text = text;
  element("span", "rk-sign", row).setAttribute("aria-hidden", "true");
  element("span", "", row);
  const remove = button(row, "×", `Watch for ${text} no more`, () => ask({ do: "remove", threshold: text }));
  remove.setAttribute("aria-label", `remove ${text}`);
  return row;
}

/**
 * Tell in a line of the alert that stands, or of the newest that is over and then of the newest oddity.
 *
 * @param {HTMLElement} place
 * @param {import("./panel.js").Model} model
 */
function showSummary(place, model) {
  const alerts = newestFirst((model.get("alerts") ?? []).map(alertCells));
  const anomalies = /** @type {import("./thresholds.js").Anomaly[]} */ (model.get("anomalies") ?? []);
  const standing = alerts.filter(({ kind }) => kind === "standing");
  place.parentElement?.setAttribute("data-standing", String(standing.length));
  const told = [];
  const [alert] = standing.length ? standing : alerts;
  if (alert) told.push(alert.cells.slice(0, 4));
  const [odd] = standing.length ? [] : newestFirst(anomalies);
  if (odd) told.push(["○", odd.time.toFixed(1), `${odd.title} ${odd.shown}, usually ${odd.usual}`, odd.where]);
  if (!told.length) return write(place, "Alerts: none yet");
  const counted = standing.length
    ? `${standing.length} now`
    : [alerts.length ? `${alerts.length} so far` : "none", anomalies.length ? `${anomalies.length} unusual` : ""]
        .filter(Boolean)
        .join(", ");
  const last = told.map(([sign, time, what, where]) => `${sign} ${what}${where ? `, ${where}` : ""}, at ${time} s`);
  write(place, ["Alerts: " + counted, ...last].join(" · "));
}

/** @template {{time: number}} T @param {T[]} rows @returns {T[]} */
const newestFirst = (rows) => [...rows].sort((one, other) => other.time - one.time);

/**
 * @param {HTMLTableElement} table
 * @param {import("./panel.js").Model} model
 */
function showTable(table, model) {
  const alerts = (model.get("alerts") ?? []).map(alertCells);
  const anomalies = (model.get("anomalies") ?? []).map(anomalyCells);
  const all = newestFirst([...alerts, ...anomalies]);
  table.hidden = all.length === 0;
  table.replaceChildren();
  if (table.hidden) return;
  const more = all.length > MOST_SHOWN ? `, the newest ${MOST_SHOWN} of ${all.length}` : "";
  table.createCaption().textContent = `Alerts (▲) and unusual samples (○)${more}`;
  const head = table.createTHead().insertRow();
  for (const name of ["", "time (s)", "what", "where", "value", "lasted (s)"]) {
    head.append(Object.assign(document.createElement("th"), { textContent: name, scope: "col" }));
  }
  const rows = table.createTBody();
  for (const { kind, cells } of all.slice(0, MOST_SHOWN)) {
    const row = rows.insertRow();
    row.dataset.kind = kind;
    for (const cell of cells) row.insertCell().textContent = cell;
  }
}

/** @param {import("./thresholds.js").Alert} alert */
function alertCells({ time, end, what, where, value, why }) {
  const lasted = end === null ? "…" : end > time ? (end - time).toFixed(1) : "";
  const ended = why && why !== "back" ? ` (${why})` : "";
  const kind = end === null ? "standing" : "over";
  return { time, kind, cells: [end === null ? "▲" : "△", time.toFixed(1), what + ended, where, value, lasted] };
}

/** @param {import("./thresholds.js").Anomaly} anomaly */
function anomalyCells({ time, title, where, shown, usual }) {
  return { time, kind: "unusual", cells: ["○", time.toFixed(1), `${title}, usually ${usual}`, where, shown, ""] };
}

/**
 * A choice of nodes or of servers: a box for each that is known, and a field for globs.
 *
 * @param {HTMLElement} parent
 * @param {import("./panel.js").Model} model
 * @param {Ask} ask
 * @param {"nodes" | "servers"} kind
 * @returns {(answer?: Answer) => void} Shows it anew.
 */
function chooser(parent, model, ask, kind) {
  const made = /** @type {HTMLDetailsElement} */ (element("details", "rk-chooser", parent));
  made.dataset.kind = kind;
  const title = element("summary", "", made);
  const inside = element("form", "rk-form", made);
  const text = field(inside, `${kind} (names or globs)`, { type: "text", spellcheck: false, placeholder: "all" });
  const problem = element("p", "rk-problem", inside);
  problem.setAttribute("role", "alert");
  const boxes = element("div", "rk-boxes", made);
  boxes.setAttribute("role", "group");
  boxes.setAttribute("aria-label", kind);
  let asked = 0;

  /** @param {string[] | null} names */
  const choose = (names) => {
    const chosen = model.get("chosen") ?? {};
    asked = ask({ do: "choose", nodes: chosen.nodes ?? null, servers: chosen.servers ?? null, [kind]: names });
  };
  let last = "";
  const written = () => {
    if (text.value === last) return; // Enter, and then the focus goes
    last = text.value;
    const names = text.value.split(",").map((each) => each.trim()).filter(Boolean);
    choose(names.length ? names : null);
  };
  inside.addEventListener("submit", (event) => {
    event.preventDefault();
    written();
  });
  text.addEventListener("change", written);

  return (answer) => {
    if (answer) {
      if (answer.to !== asked) return;
      write(problem, answer.problem ?? "");
      text.setAttribute("aria-invalid", String(Boolean(answer.problem)));
      return;
    }
    const globs = model.get("chosen")?.[kind] ?? null;
    const known = model.get("known")?.[kind] ?? [];
    const on = known.filter((/** @type {string} */ name) => fits(name, globs));
    const told = globs === null ? "all" : globs.join(", ");
    write(title, `${kind}: ${told.length > 40 ? `${on.length} of ${known.length}` : told}`);
    if (document.activeElement !== text) text.value = last = globs === null ? "" : told;
    showBoxes(boxes, known, on, (names) => choose(names.length === known.length ? null : names));
  };
}

/**
 * @param {HTMLElement} parent
 * @param {string[]} known
 * @param {string[]} on
 * @param {(names: string[]) => void} chosen
 */
function showBoxes(parent, known, on, chosen) {
  const old = [...parent.querySelectorAll("input")];
  if (old.length !== known.length || old.some((box, index) => box.value !== known[index])) {
    parent.replaceChildren();
    for (const name of known) {
      const label = element("label", "", parent);
      const box = /** @type {HTMLInputElement} */ (element("input", "", label));
      Object.assign(box, { type: "checkbox", value: name });
      const written = element("span", "rk-name", label);
      written.textContent = written.title = name;
      box.addEventListener("change", () => {
        const names = [...parent.querySelectorAll("input")].filter((each) => each.checked);
        if (names.length) chosen(names.map((each) => each.value));
        else box.checked = true; // charts of nobody are no charts
      });
    }
  }
  for (const box of parent.querySelectorAll("input")) box.checked = on.includes(box.value);
}

/** @param {string} name @param {string[] | null} globs As Python's fnmatch, without its sets. */
function fits(name, globs) {
  if (globs === null) return true;
  return globs.some((glob) => {
    const escaped = glob.replace(/[.+^${}()|[\]\\]/g, "\\$&");
    return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s").test(name);
  });
}
