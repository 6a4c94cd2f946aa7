// @ts-check
/** The faults that are in: where, for how long still, and a button that heals each. */

import { write } from "./controls.js";
import { button, element } from "./panel.js";

/**
 * @typedef {object} Injection
 * @property {string} id
 * @property {string} what
 * @property {string} of The scenario that it belongs to, if any.
 * @property {string} where
 * @property {string} state
 * @property {number} strikes
 * @property {string} when What is to come of it.
 * @property {string} trouble Why its last strike failed.
 */

const COLUMNS = ["fault", "where", "strikes", "state", ""];
const SIGNS = { active: "●", waiting: "…" };

/**
 * @param {HTMLElement} parent
 * @param {import("./panel.js").Model} model
 */
export function injectionsPart(parent, model) {
  const list = element("div", "rk-injections", parent);
  const table = /** @type {HTMLTableElement} */ (element("table", "rk-table", list));
  table.setAttribute("aria-label", "Faults that are in");
  const head = table.createTHead().insertRow();
  for (const name of COLUMNS) element("th", "", head).textContent = name;
  const rows = table.createTBody();
  const none = element("p", "rk-faint", list);
  none.textContent = "No fault is in.";
  const show = () => {
    /** @type {Injection[]} */
    const injections = model.get("injections");
    table.hidden = injections.length === 0;
    none.hidden = injections.length > 0;
    // Rows stay where they are: somebody may be about to press a button in one.
    const known = new Map([...rows.rows].map((row) => [row.dataset.injection, row]));
    for (const [id, row] of known) if (!injections.some((each) => each.id === id)) row.remove();
    for (const { id, what, of, where, strikes, state, when, trouble } of injections) {
      let row = known.get(id);
      if (!row) {
        row = rows.insertRow();
        row.dataset.injection = id;
        for (const _ of COLUMNS) row.insertCell();
        for (const cell of [row.cells[0], row.cells[3]]) {
          element("div", "rk-first", cell);
          element("div", "rk-faint rk-second", cell);
        }
        element("div", "rk-problem", row.cells[3]);
        button(row.cells[4], "Heal", `Take ${id} back`, () => model.send({ do: "heal", id }));
      }
      const [fault, place, count, doing] = row.cells;
      write(/** @type {HTMLElement} */ (fault.children[0]), what);
      write(/** @type {HTMLElement} */ (fault.children[1]), of ? `of ${of}` : "");
      write(place, where || "–");
      write(count, String(strikes));
      write(/** @type {HTMLElement} */ (doing.children[0]), `${SIGNS[state] ?? ""} ${state}`);
      write(/** @type {HTMLElement} */ (doing.children[1]), when ?? "");
      write(/** @type {HTMLElement} */ (doing.children[2]), trouble ? `✕ the last strike failed: ${trouble}` : "");
    }
  };
  return { show };
}
