// @ts-check
/** Scenarios that run on the cluster, whoever started them: their timelines, live, and a stop. */

import { write } from "./controls.js";
import { button, element } from "./panel.js";
import { timeline } from "./timeline.js";

/**
 * @typedef {import("./timeline.js").Timeline & {id: string, by: string, at: number}} Run
 */

const HEADS = ["fault", "planned (s)", "struck (s)", "healed (s)", "where", "outcome"];
const SIGNS = { planned: "…", active: "●", healed: "✓", struck: "✓", failed: "✗", "left out": "–" };

/**
 * Put the runs into `parent`.
 *
 * @param {HTMLElement} parent
 * @param {import("./panel.js").Model} model
 */
export function runsPart(parent, model) {
  const place = element("div", "rk-runs", parent);
  /** @type {Map<string, ReturnType<typeof runView>>} */
  const views = new Map();
  const show = () => {
    /** @type {Run[]} */
    const runs = model.get("runs") ?? [];
    for (const [id, view] of views) {
      if (runs.some((run) => run.id === id)) continue;
      view.end();
      views.delete(id);
    }
    for (const run of runs) {
      let view = views.get(run.id);
      if (!view) views.set(run.id, (view = runView(place, () => model.send({ do: "stop", id: run.id }))));
      view.show(run, Boolean(model.get("doing")));
    }
  };
  return {
    show,
    restyle: () => views.forEach((view) => view.restyle()),
    end: () => views.forEach((view) => view.end()),
  };
}

/**
 * @param {HTMLElement} parent
 * @param {() => void} stopped
 */
function runView(parent, stopped) {
  const root = element("section", "rk-run", parent);
  const head = element("div", "rk-runhead", root);
  const title = element("p", "rk-runtitle", head);
  const stop = button(element("div", "rk-tools", head), "Stop", "", stopped);
  const line = timeline(root);
  const legend = element("p", "rk-faint rk-signs", root);
  legend.textContent = "┄ planned   ▨ in   ✗ failed   – left out".replaceAll("   ", "\u2003");
  const more = element("details", "rk-more", root);
  element("summary", "", more).textContent = "Strikes as a table";
  const table = /** @type {HTMLTableElement} */ (element("table", "rk-table", more));
  const top = table.createTHead().insertRow();
  for (const name of HEADS) element("th", "", top).textContent = name;
  const rows = table.createTBody();
  let last = "";
  return {
    /**
     * @param {Run} run
     * @param {boolean} busy
     */
    show(run, busy) {
      root.setAttribute("aria-label", `Scenario ${run.name}`);
      write(title, heading(run));
      const over = run.state !== "running";
      stop.toggleAttribute("data-gone", over);
      stop.disabled = busy || over;
      stop.title = run.by === "experiment"
        ? "Take back all its faults; the experiment's load goes on"
        : "End it, and take back all its faults";
      const now = JSON.stringify(run);
      if (now === last) return;
      last = now;
      line.show(run);
      fill(rows, run);
    },
    restyle: line.restyle,
    end() {
      line.end();
      root.remove();
    },
  };
}

/** @param {Run} run */
function heading({ name, state, by, duration, elapsed = 0, seed, at }) {
  const whose = by === "experiment" ? "experiment: " : "";
  const time = state === "running" ? `${duration} s, running` : `${state} after ${Number(elapsed.toFixed(1))} s of ${duration} s`;
  return `${whose}${name}: ${time}, seed ${seed}, began at ${at} s`;
}

/**
 * @param {HTMLTableSectionElement} rows
 * @param {Run} run
 */
function fill(rows, run) {
  const seconds = (value) => (typeof value === "number" ? value.toFixed(2) : "–");
  const strikes = run.lanes
    .flatMap((lane) => lane.strikes.map((strike) => ({ label: lane.label, ...strike })))
    .sort((a, b) => a.at - b.at);
  while (rows.rows.length > strikes.length) rows.deleteRow(-1);
  strikes.forEach(({ label, at, began, ended, where, state, why }, index) => {
    const row = rows.rows[index] ?? rows.insertRow();
    const outcome = `${SIGNS[state]} ${state}${why ? `: ${why}` : ""}`;
    [label, seconds(at), seconds(began), seconds(ended), where || "–", outcome].forEach((text, cell) => {
      write(row.cells[cell] ?? row.insertCell(), text);
    });
  });
}
