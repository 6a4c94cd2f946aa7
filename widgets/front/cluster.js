// @ts-check
/** The panel of a cluster: a form that launches one, and its nodes with what can be done to them. */

import "./panel.css";
import "./controls.css";
import "./cluster.css";
import { accepted, checkbox, field, labelled, write } from "./controls.js";
import { button, element, panel } from "./panel.js";

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} status
 * @property {string} sign
 * @property {number | null} pid
 * @property {string} memory
 * @property {number | null} queue Messages that wait, over all its servers.
 * @property {number} starts How often it has been started.
 */

const COLUMNS = ["", "node", "status", "pid", "memory", "queue", "starts"];
const ACTIONS = [
  ["kill", "Kill", "SIGKILL: nothing is flushed, nobody is told"],
  ["pause", "Pause", "SIGSTOP: it lives, and says nothing"],
  ["resume", "Resume", "SIGCONT: a paused node goes on"],
  ["restart", "Restart", "Start it again; kill it first if it runs"],
];
/** @typedef {{name: string, title: string, about: string}} System */

const SHAPES = ["mesh", "ring", "star", "line"];
const MOST_NODES = 64;
/** Above it numbers are not exact in a browser. */
const HIGHEST_SEED = Number.MAX_SAFE_INTEGER;
const NO_SYSTEM = "none";

export default {
  /** @param {import("./panel.js").Context} context */
  render({ model, el }) {
    const { body, end } = panel({ model, el }, "Cluster");
    const form = launchForm(body, model.get("systems"), (wish) => model.send({ do: "launch", ...wish }));
    const place = element("div", "rk-nodes", body);
    /** @type {Set<string>} */
    const chosen = new Set();
    /** @type {Map<string, HTMLTableRowElement>} */
    let rows = new Map();

    const act = (what) => model.send({ do: what, nodes: [...chosen] });
    const bar = element("div", "rk-actions", place);
    const buttons = ACTIONS.map(([what, text, title]) => {
      const made = button(bar, text, title, () => act(what));
      made.dataset.action = what;
      return made;
    });
    const counted = element("span", "rk-faint", bar);
    const table = /** @type {HTMLTableElement} */ (element("table", "rk-table", place));
    const head = table.createTHead().insertRow();
    const all = checkbox(element("th", "", head), "all nodes", (on) => {
      for (const { name } of model.get("nodes")) on ? chosen.add(name) : chosen.delete(name);
      show();
    });
    for (const name of COLUMNS.slice(1)) element("th", "", head).textContent = name;
    const list = table.createTBody();
    const next = element("p", "rk-faint rk-next", place);
    next.append("Nothing runs on it yet. In a cell: ");
    const line = element("code", "", next);

    const addRow = (/** @type {string} */ name) => {
      const row = list.insertRow();
      row.dataset.node = name;
      checkbox(row.insertCell(), name, (on) => {
        on ? chosen.add(name) : chosen.delete(name);
        show();
      });
      for (const _ of COLUMNS.slice(1)) row.insertCell();
      return row;
    };
    const show = () => {
      /** @type {Row[]} */
      const nodes = model.get("nodes");
      form.hidden = nodes.length > 0;
      place.hidden = nodes.length === 0;
      const names = new Set(nodes.map(({ name }) => name));
      for (const [name, row] of rows) {
        if (!names.has(name)) {
          row.remove();
          rows.delete(name);
          chosen.delete(name);
        }
      }
      for (const node of nodes) {
        if (!rows.has(node.name)) rows.set(node.name, addRow(node.name));
        const row = /** @type {HTMLTableRowElement} */ (rows.get(node.name));
        row.dataset.status = node.status;
        const texts = [
          node.name, `${node.sign} ${node.status}`, node.pid ?? "–", node.memory || "–",
          node.queue ?? "–", node.starts,
        ];
        texts.forEach((text, index) => write(row.cells[index + 1], String(text)));
        row.cells[2].title = `pid ${node.pid ?? "–"}, starts ${node.starts}`; // no columns where it is narrow
        const box = /** @type {HTMLInputElement} */ (row.querySelector("input"));
        box.checked = chosen.has(node.name);
      }
      all.checked = chosen.size > 0 && chosen.size === nodes.length;
      all.indeterminate = chosen.size > 0 && chosen.size < nodes.length;
      const idle = chosen.size === 0 || Boolean(model.get("doing")) || model.get("state") === "over";
      for (const each of buttons) each.disabled = idle;
      write(counted, chosen.size || model.get("state") === "over" ? "" : "Choose nodes to act on them.");
      next.hidden = !model.get("hint");
      write(line, model.get("hint"));
      form.busy(Boolean(model.get("doing")));
    };

    const heard = ["nodes", "hint", "doing", "state"];
    for (const name of heard) model.on(`change:${name}`, show);
    show();
    return end(show, () => {
      for (const name of heard) model.off(`change:${name}`, show);
    });
  },
};

/**
 * @param {HTMLElement} parent
 * @param {System[]} systems What can be started with it; the first one is what it begins with.
 * @param {(wish: {nodes: number, topology: string, seed: number | null, system: string, load: boolean}) => void} launch
 */
function launchForm(parent, systems, launch) {
  const form = /** @type {HTMLFormElement} */ (element("form", "rk-form", parent));
  const nodes = field(form, "Nodes", { type: "number", min: 1, max: MOST_NODES, value: 3, required: true });
  const topology = /** @type {HTMLSelectElement} */ (labelled(form, "Topology", "select"));
  for (const shape of SHAPES) topology.add(new Option(shape));
  const seed = field(form, "Seed", { type: "number", min: 0, max: HIGHEST_SEED, step: 1, placeholder: "random" });
  const system = /** @type {HTMLSelectElement} */ (labelled(form, "System", "select"));
  system.parentElement?.classList.add("rk-system");
  for (const { name, title } of systems) system.add(new Option(title, name));
  const label = element("label", "rk-start-load", form);
  const load = /** @type {HTMLInputElement} */ (element("input", "", label));
  Object.assign(load, { type: "checkbox", checked: true });
  label.append("Start its load");
  const go = button(form, "Launch", "Start the nodes, each a process of its own", () => {});
  go.type = "submit";
  let busy = false;
  const show = () => {
    go.disabled = busy || !right();
  };
  const right = accepted(
    form,
    [
      [nodes, `must be a whole number from 1 to ${MOST_NODES}`],
      [seed, `must be a whole number from 0 to ${HIGHEST_SEED.toLocaleString("en")}, or empty for a random one`],
    ],
    show,
  );
  const about = element("p", "rk-faint rk-about", form);
  about.setAttribute("role", "status");
  const describe = () => {
    write(about, systems.find(({ name }) => name === system.value)?.about ?? "");
    label.hidden = system.value === NO_SYSTEM;
  };
  system.addEventListener("change", describe);
  describe();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (go.disabled) return;
    launch({
      nodes: Number(nodes.value),
      topology: topology.value,
      seed: seed.value === "" ? null : Number(seed.value),
      system: system.value,
      load: load.checked && system.value !== NO_SYSTEM,
    });
  });
  return Object.assign(form, {
    busy(/** @type {boolean} */ on) {
      busy = on;
      show();
    },
  });
}
