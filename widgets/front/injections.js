// @ts-check
/** The faults that are in: where, for how long still, and a button that heals each. */

import { write } from "./controls.js";
import { keepingHeight } from "./keeping.js";
import { button, element } from "./panel.js";

/**
 * @typedef {object} Injection
 * @property {string} id
 * @property {string} what
 * @property {string} of The scenario that it belongs to, if any.
 * @property {string} where
 * @property {string} places The same, where that is too long, with all names.
 * @property {string} state "active" or "waiting".
 * @property {string} words What is told of that.
 * @property {number} strikes
 * @property {string} when What is to come of it.
 * @property {string} trouble Why its last strike failed.
 */

const COLUMNS = ["fault", "where", "strikes", "state", ""];
const SIGNS = { active: "●", waiting: "…" };
/** Milliseconds that the row of a fault stays when it is in no more. */
const STAYS = 6000;
/** Rows of those that stay at most: more come in a table in which the pointer rests for long. */
const MOST_STAYING = 20;

/**
 * Put the table into `parent`.
 *
 * The row of a fault that has healed stays for a while, and as long as the pointer or the focus is in
 * the table: what slid up into its place would be healed by a click that was meant for it.
 *
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
  const none = element("p", "rk-faint rk-none", list);
  none.textContent = "No fault is in.";
  // Under the table, since it comes and goes with each strike.
  const troubles = element("div", "rk-troubles", list);
  troubles.setAttribute("role", "status");
  const height = keepingHeight(list);
  let leaves = 0;

  const over = () => [...rows.rows].filter((row) => row.dataset.over !== undefined);
  const showEmpty = () => {
    table.hidden = rows.rows.length === 0;
    none.hidden = !table.hidden;
    if (table.hidden) height.free();
    else height.keep();
  };
  const clear = () => {
    if (table.matches(":hover, :focus-within")) return;
    const now = performance.now();
    for (const row of over()) if (now - Number(row.dataset.over) >= STAYS) row.remove();
    showEmpty();
  };
  const clearLater = () => {
    clearTimeout(leaves);
    const [first] = over();
    if (!first) return;
    const left = STAYS - (performance.now() - Number(first.dataset.over));
    leaves = window.setTimeout(() => {
      clear();
      if (!table.matches(":hover, :focus-within")) clearLater();
    }, Math.max(left, 50));
  };
  table.addEventListener("pointerleave", clearLater);
  table.addEventListener("focusout", clearLater);

  const newRow = (/** @type {string} */ id) => {
    const staying = over();
    const row = rows.insertRow();
    if (staying.length >= MOST_STAYING) staying[0].replaceWith(row);
    row.dataset.injection = id;
    for (const _ of COLUMNS) row.insertCell();
    for (const cell of [row.cells[0], row.cells[3]]) {
      element("div", "rk-first", cell);
      element("div", "rk-faint rk-second", cell);
    }
    element("div", "rk-place", row.cells[1]);
    button(row.cells[4], "Heal", `Take ${id} back`, () => model.send({ do: "heal", id }));
    return row;
  };
  const heal = (/** @type {HTMLTableRowElement} */ row) => /** @type {HTMLButtonElement} */ (row.querySelector("button"));
  /** @type {(row: HTMLTableRowElement, at: {where: string, places?: string}) => void} */
  const writePlace = (row, { where, places }) => {
    const [, place] = row.cells;
    write(/** @type {HTMLElement} */ (place.children[0]), where || "–");
    place.title = places ?? where;
  };
  const end = (/** @type {HTMLTableRowElement} */ row) => {
    if (row.dataset.over !== undefined) return;
    row.dataset.over = String(performance.now());
    // Most may have happened since the kernel looked at it last: how often it struck, and where.
    const told = model.get("ended")?.[row.dataset.injection ?? ""] ?? {};
    const { words = "✓ healed", why = "", strikes } = told;
    const [state, when] = /** @type {HTMLElement[]} */ ([...row.cells[3].children]);
    if (strikes !== undefined) {
      writePlace(row, told);
      write(row.cells[2], String(strikes));
    }
    write(state, words);
    write(when, why);
    when.title = why;
    // Who has pressed it with a key goes on from there: the next button heals another fault.
    if (heal(row).matches(":focus")) {
      row.tabIndex = -1;
      row.focus();
    }
    heal(row).dataset.gone = "";
    heal(row).disabled = true;
  };
  const show = () => {
    /** @type {Injection[]} */
    const injections = model.get("injections");
    // Rows stay where they are: somebody may be about to press a button in one.
    const known = new Map([...rows.rows].map((row) => [row.dataset.injection, row]));
    for (const [id, row] of known) if (!injections.some((each) => each.id === id)) end(row);
    for (const { id, what, of, where, places, strikes, state, words, when } of injections) {
      const row = known.get(id) ?? newRow(id);
      const [fault, , count, doing] = row.cells;
      write(/** @type {HTMLElement} */ (fault.children[0]), what);
      write(/** @type {HTMLElement} */ (fault.children[1]), of ? `of ${of}` : "");
      writePlace(row, { where, places });
      write(count, String(strikes));
      write(/** @type {HTMLElement} */ (doing.children[0]), `${SIGNS[state] ?? ""} ${words ?? state}`);
      write(/** @type {HTMLElement} */ (doing.children[1]), when ?? "");
    }
    showTroubles(injections.filter(({ trouble }) => trouble));
    showEmpty();
    clearLater();
  };
  const showTroubles = (/** @type {Injection[]} */ failed) => {
    while (troubles.children.length > failed.length) troubles.lastElementChild?.remove();
    failed.forEach(({ what, trouble }, at) => {
      const line = /** @type {HTMLElement} */ (troubles.children[at] ?? element("p", "rk-problem", troubles));
      write(line, `✗ ${what}: the last strike failed: ${trouble}`);
    });
  };
  return {
    show,
    end() {
      clearTimeout(leaves);
      height.end();
    },
  };
}
