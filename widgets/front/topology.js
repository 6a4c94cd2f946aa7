// @ts-check
/** The panel of a cluster's links: who talks to whom, how much, how late, and who cannot. */

import "./panel.css";
import "./controls.css";
import "./topology.css";
import { write } from "./controls.js";
import { button, element, panel } from "./panel.js";
import { chooser } from "./topology_choice.js";
import { matrix } from "./topology_matrix.js";
import { ring } from "./topology_ring.js";
import { letter, linkWords, stateOf, summary } from "./topology_state.js";

/** @typedef {import("./topology_state.js").State} State */

const HEARD = ["view", "nodes", "links", "loads", "harms", "harmed", "injections", "base", "doing", "state"];
const MOST_NAMES = 24;
const MOST_UNITS = 2.4;
const LEGEND = [
  ["rk-cutsign", "✂\ufe0e", "cut"],
  ["rk-cutsign", "✂\ufe0e▸", "lost that way"],
  ["rk-latesign", "━", "slowed"],
  ["rk-othersign", "━·━", "disturbed by another fault"],
  ["rk-downsign", "┄", "an end is down"],
];

export default {
  /** @param {import("./panel.js").Context} context */
  render({ model, el }) {
    const { tools, body, end } = panel({ model, el }, "Topology");
    const healAll = button(tools, "Heal all", "Take back every fault that is in, and let paused nodes go on", () =>
      model.send({ do: "heal_all" }),
    );
    const told = element("p", "rk-summary", body);
    const parts = element("div", "rk-topology", body);
    const place = element("div", "rk-drawing", parts);
    const svg = /** @type {SVGSVGElement} */ (document.createElementNS("http://www.w3.org/2000/svg", "svg"));
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", "nodes and links; arrows move between them, Enter chooses");
    place.append(svg);
    const legend = element("p", "rk-legend rk-faint", place);
    for (const [name, sign, words] of LEGEND) {
      element("span", name, legend).textContent = sign;
      legend.append(` ${words}   `);
    }
    const words = element("div", "rk-sides", place);
    const aside = element("div", "rk-aside", parts);

    // How many units of the drawing make a pixel: texts are to be read where it is small, too.
    let units = 1;
    /** @type {import("./topology_ring.js").Choice} */
    let choice = { node: null, link: null };
    const choose = (/** @type {typeof choice} */ next) => {
      choice = next;
      show();
    };
    const choosing = chooser(aside, choose, (message) => model.send(message));
    /** @type {{kind: string, draw: (state: State, choice: any, units: number) => void, clear: () => void} | null} */
    let drawing = null;

    const show = () => {
      const state = stateOf(model);
      if (!state.view.kind) return; // the kernel has not looked yet
      const still = Boolean(model.get("doing")) || model.get("state") === "over";
      const gone = choice.node && !state.nodes.some(({ name }) => name === choice.node);
      const ends = choice.link?.split("<->") ?? [];
      if (gone || ends.some((each) => !state.nodes.some(({ name }) => name === each))) {
        choice = { node: null, link: null };
      }
      write(told, summary(state));
      if (drawing?.kind !== state.view.kind) {
        drawing?.clear();
        svg.replaceChildren();
        const make = { ring, matrix }[state.view.kind];
        drawing = make ? { kind: state.view.kind, ...make(svg, choose) } : null;
      }
      svg.style.display = legend.style.display = drawing ? "" : "none";
      svg.dataset.kind = state.view.kind;
      const width = svg.getBoundingClientRect().width;
      units = width ? Math.min(MOST_UNITS, Math.max(1, state.view.width / width)) : units;
      svg.style.setProperty("--rk-units", units.toFixed(3));
      drawing?.draw(state, choice, units);
      drawSides(words, state);
      choosing.draw(state, choice, still);
      healAll.disabled = still || (state.counts.all === 0 && state.nodes.every(({ status }) => status !== "paused"));
    };
    // What the kernel sends at once is heard trait by trait: it is drawn once.
    let waiting = false;
    const soon = () => {
      if (waiting) return;
      waiting = true;
      queueMicrotask(() => {
        waiting = false;
        show();
      });
    };
    for (const name of HEARD) model.on(`change:${name}`, soon);
    const resized = new ResizeObserver(soon);
    resized.observe(place);
    show();
    return end(show, () => {
      resized.disconnect();
      for (const name of HEARD) model.off(`change:${name}`, soon);
    });
  },
};

/**
 * Tell who is on which side; and which links something is on, where these are not drawn.
 *
 * @param {HTMLElement} place
 * @param {State} state
 */
function drawSides(place, state) {
  /** @type {Map<number, string[]>} */
  const sides = new Map();
  for (const { name, side } of state.nodes) {
    if (side >= 0) sides.set(side, [...(sides.get(side) ?? []), name]);
  }
  const lines = [...sides].map(([side, names]) => {
    const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "";
    return `Side ${letter(side)}: ${names.slice(0, MOST_NAMES).join(", ")}${more}`;
  });
  if (state.view.kind === "sides") {
    lines.push(...state.harmed.map((link) => `${link.name.replace("<->", " ↔ ")}: ${linkWords(state, link)}`));
    const more = state.counts.all - state.harmed.length;
    if (more > 0) lines.push(`… and ${more} more ${more === 1 ? "link" : "links"}`);
    if (lines.length === 0) lines.push("Nobody is apart, and nothing is on the links.");
  }
  const now = lines.join("\n");
  if (place.dataset.lines === now) return;
  place.dataset.lines = now;
  place.replaceChildren();
  for (const line of lines) element("p", "", place).textContent = line;
}
