// @ts-check
/** A scenario to start: a named one or one's own as YAML, checked while it is written, and its plan. */

import { field, labelled, write } from "./controls.js";
import { button, element } from "./panel.js";
import { timeline } from "./timeline.js";

/**
 * @typedef {object} Draft
 * @property {import("./timeline.js").Timeline | null} timeline
 * @property {string} problem
 * @property {string} place
 * @property {number | null} line
 * @property {string} yaml
 * @property {string} seed
 * @property {number} number Of the question that it answers; 0 for the first scenario.
 *
 * @typedef {{name: string, doc: string, duration: string}} Named
 */

const OWN = "";

/**
 * Put the form into `parent`.
 *
 * @param {HTMLElement} parent
 * @param {import("./panel.js").Model} model
 */
export function scenarioPart(parent, model) {
  const form = /** @type {HTMLFormElement} */ (element("form", "", parent));
  form.noValidate = true;
  const row = element("div", "rk-form", form);
  const choice = /** @type {HTMLSelectElement} */ (labelled(row, "Scenario", "select"));
  choice.parentElement?.classList.add("rk-scenario");
  /** @type {Named[]} */
  const library = model.get("library") ?? [];
  for (const { name } of library) choice.add(new Option(name));
  choice.add(new Option("your own, as YAML", OWN));
  const intensity = /** @type {HTMLSelectElement} */ (labelled(row, "Intensity", "select"));
  // Without them, their names would have the options in them.
  choice.setAttribute("aria-label", "Scenario");
  intensity.setAttribute("aria-label", "Intensity");
  for (const each of ["low", "medium", "high"]) intensity.add(new Option(each));
  intensity.value = "medium";
  const duration = field(row, "Duration", { type: "text", spellcheck: false });
  const seed = field(row, "Seed", { type: "text", spellcheck: false, inputMode: "numeric" });
  const edit = button(row, "Edit as YAML", "Change this scenario to one of your own", () => {
    text.value = answer.yaml ?? text.value;
    choice.value = OWN;
    changed();
    text.focus();
  });
  const doc = element("p", "rk-faint rk-named", form);
  const own = element("div", "rk-own", form);
  const text = /** @type {HTMLTextAreaElement} */ (labelled(own, "Scenario as YAML", "textarea"));
  Object.assign(text, { spellcheck: false, rows: 12, wrap: "off" });
  // Above what comes and goes while somebody writes.
  const start = button(form, "Start", "Give the cluster this scenario", () => {});
  start.type = "submit";
  const note = element("p", "rk-faint rk-note", form);
  const wrong = element("p", "rk-problem", form);
  wrong.setAttribute("role", "status");
  const go = button(form, "", "", () => reveal(text, answer.line ?? 1));
  go.classList.add("rk-goto");
  const plan = element("div", "rk-plan", form);
  const planned = element("p", "rk-faint rk-planned", plan);
  const line = timeline(plan);

  // What is asked while a cell is busy may be answered when it ends, after later questions.
  let asked = 0;
  /** @type {Partial<Draft>} */
  let answer = {};
  const wish = () => {
    const times = { duration: duration.value.trim(), seed: seed.value.trim() };
    if (choice.value === OWN) return { yaml: text.value, ...times };
    return { name: choice.value, intensity: intensity.value, ...times };
  };
  const arrange = () => {
    const named = library.find(({ name }) => name === choice.value);
    own.hidden = Boolean(named);
    edit.hidden = !named;
    intensity.disabled = !named;
    intensity.title = named ? "" : "stands in the YAML";
    Object.assign(duration, { placeholder: named?.duration ?? "in YAML" });
    doc.textContent = named?.doc ?? "";
    doc.hidden = !named;
  };
  const changed = () => {
    arrange();
    asked = 1 + Math.floor(Math.random() * 1e9);
    model.send({ do: "draft", number: asked, ...wish() });
  };
  const inputs = { duration, seed, yaml: text, name: choice };
  const show = () => {
    const { problem = "", place = "", line: at = null, timeline: drawn = null, seed: root = "" } = answer;
    for (const [name, input] of Object.entries(inputs)) input.setAttribute("aria-invalid", String(Boolean(problem) && name === place));
    const label = place === "duration" || place === "seed" ? `${place}: ` : "";
    write(wrong, problem ? `✗ ${at === null ? label : `line ${at}: `}${problem}` : "");
    go.hidden = at === null || own.hidden;
    write(go, at === null ? "" : `Go to line ${at}`);
    Object.assign(seed, { placeholder: root });
    const running = (model.get("runs") ?? []).some(({ state }) => state === "running");
    const over = model.get("state") === "over";
    start.disabled = over || running || Boolean(problem) || !drawn || Boolean(model.get("doing"));
    write(note, running ? "A scenario runs on this cluster: stop it first, or wait." : "");
    plan.hidden = !drawn;
    write(planned, drawn ? summary(drawn) : "");
  };
  const drafted = () => {
    const latest = model.get("draft") ?? {};
    if ((latest.number ?? 0) !== asked) return; // the answer is still to come
    answer = latest;
    line.show(answer.timeline ?? null);
    show();
  };

  for (const input of [duration, seed, text]) input.addEventListener("input", changed);
  for (const list of [choice, intensity]) {
    list.addEventListener("change", () => {
      // Whoever turns to YAML begins with what was there, not with an empty page.
      if (choice.value === OWN && text.value === "") text.value = answer.yaml ?? "";
      changed();
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!start.disabled) model.send({ do: "start", ...wish() });
  });
  // The kernel has drafted the first one, unless somebody has asked for others since.
  arrange();
  if (model.get("draft")?.number) changed();
  drafted();
  return { show, drafted, check: changed, restyle: line.restyle, end: line.end };
}

/** @param {import("./timeline.js").Timeline} plan */
function summary({ duration, seed, lanes }) {
  const count = lanes.reduce((sum, { strikes, more }) => sum + strikes.length + more, 0);
  return `Plan: ${count} strike${count === 1 ? "" : "s"} in ${duration} s, seed ${seed}`;
}

/**
 * Mark a line of a text, and bring it into sight.
 *
 * @param {HTMLTextAreaElement} text
 * @param {number} line From 1.
 */
function reveal(text, line) {
  const lines = text.value.split("\n");
  const from = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  text.focus();
  text.setSelectionRange(from, from + (lines[line - 1] ?? "").length);
  text.scrollTop = ((line - 3) / lines.length) * text.scrollHeight;
}
