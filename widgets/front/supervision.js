// @ts-check
/** The panel of supervision trees: who watches whom, restarts as they happen, and what can be done. */

import "./panel.css";
import "./controls.css";
import "./supervision.css";
import { write } from "./controls.js";
import { button, element, panel } from "./panel.js";

/**
 * @typedef {object} Row
 * @property {string} key Where it stands; the same as long as it is there.
 * @property {string} id
 * @property {string} kind "supervisor" or "worker".
 * @property {string} class
 * @property {string} node
 * @property {string} status
 * @property {string} sign
 * @property {string} restart
 * @property {number} restarts
 * @property {number | null} queue
 * @property {string} reason What it ended with last.
 * @property {string} rule Of a supervisor: its strategy and intensity.
 * @property {boolean} silent Whether its node does not answer.
 * @property {boolean} top Whether nobody supervises it.
 * @property {Row[]} children
 */

const ACTIONS = [
  ["crash", "Crash", "Kill it: its supervisor does what its strategy says"],
  ["terminate", "Terminate", "Let its supervisor stop it, and keep its spec"],
  ["restart", "Restart", "Let its supervisor start it, now that it has ended"],
  ["delete", "Delete", "Let its supervisor forget it, now that it has ended"],
];
/** Milliseconds that a restart is lit up. */
const LIT = 1600;

export default {
  /** @param {import("./panel.js").Context} context */
  render({ model, el }) {
    const { root, body, end } = panel({ model, el }, "Supervision tree");
    /** @type {Map<string, Item>} */
    const items = new Map();
    let chosen = "";
    let lit = 0;

    const bar = element("div", "rk-actions", body);
    const buttons = ACTIONS.map(([what, text, title]) => {
      const made = button(bar, text, title, () => model.send({ do: what, key: chosen }));
      made.dataset.action = what;
      return made;
    });
    const told = element("span", "rk-faint rk-chosen", bar);
    const tree = element("ul", "rk-tree", body);
    tree.setAttribute("role", "tree");
    tree.setAttribute("aria-label", "Supervisors and their children");
    const none = element("p", "rk-faint", body);
    none.textContent = "No supervisor runs. cluster.start(SupervisorSpec(…)) starts one.";
    // Under the tree: they come and go with each pause of a node, and its lines stay.
    const notices = element("div", "rk-notices", body);
    notices.setAttribute("role", "status");

    const choose = (/** @type {string} */ key) => {
      chosen = key;
      showChosen();
    };
    const showChosen = () => {
      if (!items.has(chosen)) chosen = "";
      const first = tree.querySelector("li");
      for (const [key, item] of items) {
        item.line.setAttribute("aria-selected", String(key === chosen));
        // One stop of the tab key: the chosen line, or the first.
        item.line.tabIndex = key === chosen || (!chosen && item.line === first) ? 0 : -1;
      }
      const row = items.get(chosen)?.row;
      const idle = !row || row.silent || Boolean(model.get("doing")) || model.get("state") === "over";
      const may = {
        crash: row?.status === "running",
        terminate: !row?.top && row?.status !== "terminated",
        restart: !row?.top && row?.status === "terminated",
        delete: !row?.top && row?.status === "terminated",
      };
      for (const each of buttons) each.disabled = idle || !may[each.dataset.action ?? ""];
      write(told, row ? row.id : items.size ? "Choose a child to act on it." : "");
      told.title = row?.id ?? "";
    };

    const light = (/** @type {Item} */ item) => {
      lit += 1;
      root.dataset.lit = String(lit);
      clearTimeout(item.timer);
      // Taken off first, so that a restart within the last one's light is seen as well.
      delete item.line.dataset.lit;
      void item.line.offsetWidth;
      item.line.dataset.lit = "";
      item.timer = window.setTimeout(() => delete item.line.dataset.lit, LIT);
    };

    /**
     * Put rows into a list: lines that stay are kept, so that focus and marks stay, too.
     *
     * @param {HTMLElement} list
     * @param {Row[]} rows
     * @param {number} level
     * @param {Set<string>} seen
     */
    const fill = (list, rows, level, seen) => {
      rows.forEach((row, place) => {
        let item = items.get(row.key);
        if (!item) items.set(row.key, (item = makeItem(row.key)));
        else if (row.restarts > item.row.restarts) light(item);
        seen.add(row.key);
        item.row = row;
        showRow(item, row, level);
        if (list.children[place] !== item.line) list.insertBefore(item.line, list.children[place] ?? null);
        fill(item.below, row.children, level + 1, seen);
      });
    };
    const makeItem = (/** @type {string} */ key) => {
      const item = lineOf();
      item.toggle.addEventListener("click", (event) => {
        event.stopPropagation();
        open(item, item.line.getAttribute("aria-expanded") !== "true");
      });
      item.words.addEventListener("click", () => {
        choose(key);
        item.line.focus();
      });
      item.line.addEventListener("focus", () => choose(key));
      return item;
    };
    const show = () => {
      /** @type {Set<string>} */
      const seen = new Set();
      fill(tree, model.get("trees"), 1, seen);
      for (const [key, item] of items) {
        if (seen.has(key)) continue;
        clearTimeout(item.timer);
        item.line.remove();
        items.delete(key);
      }
      none.hidden = items.size > 0;
      tree.hidden = items.size === 0;
      notices.replaceChildren();
      for (const each of model.get("given_up")) element("p", "rk-notice rk-gave-up", notices).textContent = each;
      for (const each of model.get("notices")) element("p", "rk-notice", notices).textContent = each;
      showChosen();
    };

    tree.addEventListener("keydown", (event) => {
      const lines = /** @type {HTMLElement[]} */ ([...tree.querySelectorAll("li")]).filter(
        (line) => line.offsetParent !== null,
      );
      const at = lines.indexOf(/** @type {HTMLElement} */ (document.activeElement));
      const item = [...items.values()].find(({ line }) => line === lines[at]);
      if (!item) return;
      const expanded = item.line.getAttribute("aria-expanded");
      const above = /** @type {HTMLElement | null} */ (item.line.parentElement?.closest("li"));
      const go = {
        ArrowDown: () => lines[at + 1]?.focus(),
        ArrowUp: () => lines[at - 1]?.focus(),
        Home: () => lines[0].focus(),
        End: () => lines[lines.length - 1].focus(),
        ArrowRight: () => (expanded === "false" ? open(item, true) : expanded && lines[at + 1]?.focus()),
        ArrowLeft: () => (expanded === "true" ? open(item, false) : above?.focus()),
        Enter: () => expanded && open(item, expanded !== "true"),
        " ": () => expanded && open(item, expanded !== "true"),
      }[event.key];
      if (!go) return;
      // JupyterLab has shortcuts of its own on these keys.
      event.preventDefault();
      event.stopPropagation();
      go();
    });

    const heard = { trees: show, given_up: show, notices: show, doing: showChosen, state: showChosen };
    for (const [name, listener] of Object.entries(heard)) model.on(`change:${name}`, listener);
    show();
    return end(show, () => {
      for (const { timer } of items.values()) clearTimeout(timer);
      for (const [name, listener] of Object.entries(heard)) model.off(`change:${name}`, listener);
    });
  },
};

/**
 * @typedef {object} Item
 * @property {Row} row
 * @property {HTMLElement} line
 * @property {HTMLElement} toggle
 * @property {HTMLElement} words
 * @property {HTMLElement} below
 * @property {Record<string, HTMLElement>} parts
 * @property {number} timer
 */

/** @returns {Item} A line of the tree, outside it yet. */
function lineOf() {
  const line = document.createElement("li");
  line.setAttribute("role", "treeitem");
  const head = element("div", "rk-branch", line);
  const toggle = element("span", "rk-toggle", head);
  toggle.setAttribute("aria-hidden", "true");
  const words = element("span", "rk-words", head);
  const parts = Object.fromEntries(
    ["status", "id", "about", "restarts", "queue", "reason"].map((name) => [
      name,
      element("span", `rk-${name}`, words),
    ]),
  );
  const below = element("ul", "", line);
  below.setAttribute("role", "group");
  return { row: /** @type {any} */ (null), line, toggle, words, below, parts, timer: 0 };
}

/**
 * @param {Item} item
 * @param {Row} row
 * @param {number} level
 */
function showRow(item, row, level) {
  const { line, parts } = item;
  line.dataset.child = row.id;
  line.dataset.status = row.status;
  line.dataset.silent = String(row.silent);
  line.setAttribute("aria-level", String(level));
  if (row.children.length === 0) line.removeAttribute("aria-expanded");
  else if (!line.hasAttribute("aria-expanded")) open(item, true);
  write(item.toggle, row.children.length === 0 ? "" : line.getAttribute("aria-expanded") === "true" ? "▾" : "▸");
  const what = row.kind === "supervisor" ? row.rule : row.class;
  write(parts.status, `${row.sign} ${row.status}`);
  write(parts.id, row.id);
  write(parts.about, [what, row.node, row.restart].filter(Boolean).join(" · "));
  write(parts.restarts, row.restarts ? `↻ ${row.restarts}` : "");
  parts.restarts.title = row.restarts ? `restarts: ${row.restarts}` : "";
  write(parts.queue, row.queue === null ? "" : `queue ${row.queue}`);
  write(parts.reason, row.reason ? `last end: ${row.reason}` : "");
  parts.reason.title = row.reason ? `ended last with ${row.reason}` : "";
}

/**
 * @param {Item} item
 * @param {boolean} wide
 */
function open(item, wide) {
  item.line.setAttribute("aria-expanded", String(wide));
  item.below.hidden = !wide;
  write(item.toggle, wide ? "▾" : "▸");
}
