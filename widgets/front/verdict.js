// @ts-check
/** The panel of verdicts: the criteria as they stand now, how far it is, and the export. */

import "./panel.css";
import "./controls.css";
import "./verdict.css";
import { labelled, write } from "./controls.js";
import { keepingHeight } from "./keeping.js";
import { button, element, panel } from "./panel.js";

/**
 * @typedef {object} Row
 * @property {"pass" | "fail" | "inconclusive"} kind
 * @property {string} sign
 * @property {string} word
 * @property {string} criterion
 * @property {string} measured
 * @property {string} interval
 * @property {number} n
 * @property {string} reason
 *
 * @typedef {object} Progress
 * @property {string} [text]
 * @property {number} [elapsed] Seconds.
 * @property {number | null} [total] Seconds; null where nobody knows the end.
 * @property {number} [rate] Operations a second that succeeded.
 * @property {number | null} [availability] 0 to 1.
 * @property {number} [waiting]
 */

const COLUMNS = ["", "criterion", "measured", "95 % interval", "n", ""];

export default {
  /** @param {import("./panel.js").Context} context */
  render({ model, el }) {
    const { root, tools, body, end } = panel({ model, el }, "Verdict");
    const run = button(tools, "Run", "Run the experiment, on a cluster of its own", () =>
      model.send({ do: "run" }),
    );
    const stop = button(tools, "Stop", "End the load now; it is judged so far", () =>
      model.send({ do: "stop" }),
    );

    // Above what grows and shrinks with each remark: nobody's click is to miss them.
    const exports = exportForm(body, model);
    const edit = criteriaForm(body, model);

    const standing = element("div", "rk-standing", body);
    const told = element("p", "rk-outcome", standing);
    told.setAttribute("role", "status");
    const place = element("div", "rk-progress", standing);
    const bar = /** @type {HTMLProgressElement} */ (element("progress", "", place));
    bar.setAttribute("aria-label", "Seconds of load");
    const words = element("span", "rk-faint", place);

    const scroll = element("div", "rk-scroll", standing);
    const table = /** @type {HTMLTableElement} */ (element("table", "rk-table rk-verdicts", scroll));
    // Said, since the style that makes lines of its rows takes from it that it is a table.
    table.setAttribute("role", "table");
    const head = table.createTHead().insertRow();
    head.setAttribute("role", "row");
    for (const name of COLUMNS) {
      const cell = element("th", "", head);
      cell.setAttribute("role", "columnheader");
      cell.textContent = name;
    }
    const list = table.createTBody();

    const height = keepingHeight(standing);
    const written = writtenPart(body, model);
    let before = "";

    const show = () => {
      /** @type {Row[]} */
      const rows = model.get("rows");
      while (list.rows.length > rows.length) list.deleteRow(-1);
      rows.forEach((row, index) => {
        const line = list.rows[index] ?? newRow(list);
        line.dataset.verdict = row.kind;
        const texts = [
          `${row.sign} ${row.word}`, row.criterion, row.measured, row.interval,
          row.n ? row.n.toLocaleString("en") : "", row.reason,
        ];
        texts.forEach((text, column) => write(line.cells[column], text));
        // What has no column where it is narrow.
        line.cells[2].title = [row.interval && `95 % interval: ${row.interval}`, row.n && `n: ${texts[4]}`].filter(Boolean).join(", ");
      });
      showProgress(model.get("progress"));
      const outcome = model.get("outcome");
      told.hidden = !outcome.sentence;
      told.dataset.verdict = outcome.kind ?? "";
      write(told, outcome.sentence ? `${outcome.sign} ${outcome.sentence}` : "");
      root.dataset.outcome = outcome.kind ?? "";
      const busy = Boolean(model.get("doing"));
      const over = model.get("state") === "over";
      run.hidden = !model.get("startable") && !(busy && !model.get("editable"));
      run.disabled = busy || over || !model.get("startable");
      // In its place all the time: it must not come where somebody has just pressed the other.
      stop.disabled = over || !model.get("stoppable");
      // One export waits for the other: a click right after the first is not lost.
      exports.show(busy && !model.get("doing").startsWith("writing "));
      edit.show(busy || over);
      written.show();
      // Reasons come and go while it runs. Other criteria, or an outcome, are another table.
      const now = JSON.stringify([rows.map(({ criterion }) => criterion), outcome.sentence]);
      if (now !== before) height.free();
      before = now;
      height.keep();
    };
    const showProgress = (/** @type {Progress} */ { text, elapsed, total, ...figures }) => {
      place.hidden = !text;
      bar.hidden = !total;
      if (total) Object.assign(bar, { max: total, value: elapsed ?? 0 });
      const parts = [text];
      if (elapsed) {
        parts.push(total ? `${elapsed.toFixed(1)} of ${total} s` : `${elapsed.toFixed(1)} s`);
        if (total && elapsed < total) parts.push(`${(total - elapsed).toFixed(0)} s left`);
      }
      if (figures.rate) parts.push(`${figures.rate.toFixed(0)} operations/s`);
      const { availability } = figures;
      if (availability !== undefined && availability !== null) {
        parts.push(`${(100 * availability).toFixed(availability < 1 ? 2 : 0)} % good`);
      }
      if (figures.waiting) parts.push(`${figures.waiting} waiting`);
      write(words, parts.join(" · "));
    };

    const heard = [
      "rows", "progress", "outcome", "startable", "stoppable", "exportable", "editable", "doing",
      "state", "problem", "criteria", "exported",
    ];
    for (const name of heard) model.on(`change:${name}`, show);
    show();
    return end(show, () => {
      height.end();
      for (const name of heard) model.off(`change:${name}`, show);
    });
  },
};

/** @param {HTMLTableSectionElement} list */
function newRow(list) {
  const row = list.insertRow();
  row.setAttribute("role", "row");
  for (const _ of COLUMNS) row.insertCell().setAttribute("role", "cell");
  return row;
}

/**
 * @param {HTMLElement} parent
 * @param {import("./panel.js").Model} model
 */
function criteriaForm(parent, model) {
  const details = element("details", "rk-more", parent);
  element("summary", "", details).textContent = "Change the criteria";
  const form = /** @type {HTMLFormElement} */ (element("form", "rk-criteria", details));
  const text = /** @type {HTMLTextAreaElement} */ (labelled(form, "One a line", "textarea"));
  text.spellcheck = false;
  text.setAttribute("aria-label", "Criteria, one a line");
  const go = button(form, "Judge by these", "Judge the load by these criteria from now on", () => {});
  go.type = "submit";
  const problem = element("p", "rk-problem rk-why", form);
  problem.setAttribute("role", "status");
  let touched = false;
  text.addEventListener("input", () => {
    touched = true;
    model.send({ do: "check", criteria: text.value });
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    touched = false;
    model.send({ do: "judge", criteria: text.value });
  });
  return {
    show(/** @type {boolean} */ busy) {
      details.hidden = !model.get("editable");
      // What somebody writes is not taken from under his hands.
      if (!touched && text.value !== model.get("criteria")) text.value = model.get("criteria");
      text.rows = Math.max(3, text.value.split("\n").length + 1);
      write(problem, touched ? model.get("problem") : "");
      text.setAttribute("aria-invalid", String(problem.textContent !== ""));
      go.disabled = busy || problem.textContent !== "";
    },
  };
}

/**
 * @param {HTMLElement} parent
 * @param {import("./panel.js").Model} model
 */
function exportForm(parent, model) {
  const form = element("div", "rk-actions rk-export", parent);
  const formats = [
    ["html", "Export HTML", "One file that shows all, offline", "report.html"],
    ["parquet", "Export Parquet", "A folder of Parquet and JSON that rk.load reads", "run"],
  ];
  const buttons = formats.map(([kind, name, title, suggested]) => {
    const path = /** @type {HTMLInputElement} */ (element("input", "", form));
    Object.assign(path, { type: "text", value: suggested, spellcheck: false, title: "Where to" });
    path.setAttribute("aria-label", `path for ${name}`);
    const made = button(form, name, title, () =>
      model.send({ do: "export", as: kind, path: path.value.trim() }),
    );
    made.dataset.action = kind;
    return made;
  });
  return {
    show(/** @type {boolean} */ busy) {
      const able = model.get("exportable");
      buttons.forEach((each, at) => {
        each.disabled = busy || !able;
        each.title = able ? formats[at][2] : "There is nothing to export before a load has begun";
      });
    },
  };
}

/**
 * @param {HTMLElement} parent
 * @param {import("./panel.js").Model} model
 */
function writtenPart(parent, model) {
  const place = element("p", "rk-faint rk-written", parent);
  place.setAttribute("role", "status");
  return {
    show() {
      const paths = model.get("exported");
      write(place, paths.length ? `Written: ${paths.join(", ")}` : "");
    },
  };
}
