// @ts-check
/** What is chosen of a topology: how it is, what is on it, and what can be done to it. */

import { accepted, field, labelled, write } from "./controls.js";
import { button, element } from "./panel.js";
import { bytesWords, counted, isUp, linkWords, rateWords } from "./topology_state.js";

/**
 * @typedef {import("./topology_state.js").State} State
 * @typedef {import("./topology_state.js").Link} Link
 * @typedef {import("./topology_ring.js").Choice} Choice
 */

const BOTH = "<->";
const NODE_ACTIONS = [
  ["kill", "Kill", "SIGKILL: nothing is flushed, nobody is told"],
  ["pause", "Pause", "SIGSTOP: it lives, and says nothing"],
  ["resume", "Resume", "SIGCONT: a paused node goes on"],
  ["restart", "Restart", "Start it again; kill it first if it runs"],
  ["isolate", "Isolate", "Cut it from all others; heal it below"],
];

/**
 * Put the lists to choose from, and what is chosen, into `parent`.
 *
 * @param {HTMLElement} parent
 * @param {(choice: Choice) => void} choose
 * @param {(message: object) => void} send
 */
export function chooser(parent, choose, send) {
  const lists = element("div", "rk-form", parent);
  const from = /** @type {HTMLSelectElement} */ (labelled(lists, "Node", "select"));
  const to = /** @type {HTMLSelectElement} */ (labelled(lists, "Its link to", "select"));
  // Without it, the name would have the options in it.
  from.setAttribute("aria-label", "Node");
  to.setAttribute("aria-label", "Its link to");
  /** @type {{state: State, choice: Choice} | null} */
  let shown = null;
  let idle = false;

  const name = element("h4", "rk-chosen", parent);
  const how = element("p", "rk-how", parent);
  const facts = element("p", "rk-faint rk-facts", parent);
  const ofNode = element("div", "rk-actions", parent);
  const nodeButtons = new Map(
    NODE_ACTIONS.map(([what, text, title]) => [
      what,
      button(ofNode, text, title, () => send({ do: what, node: shown?.choice.node })),
    ]),
  );
  const ofLink = element("div", "rk-actions", parent);
  const cut = (/** @type {string} */ sign, /** @type {boolean} */ turned) => {
    const [a, b] = (shown?.choice.link ?? BOTH).split(BOTH);
    send({ do: "cut", link: turned ? b + sign + a : a + sign + b });
  };
  const cutBoth = button(ofLink, "✂ Cut", "Nothing gets over the link, either way", () => cut(BOTH, false));
  const cutOut = button(ofLink, "", "", () => cut("->", false));
  const cutIn = button(ofLink, "", "", () => cut("->", true));
  const slow = /** @type {HTMLFormElement} */ (element("form", "rk-form rk-slow", parent));
  const ms = field(slow, "Hold back for (ms)", { type: "number", min: 0.1, max: 600000, step: "any", value: 100, required: true });
  const go = button(slow, "Slow", "Hold every message of the link back for so long, both ways", () => {});
  go.type = "submit";
  const right = accepted(slow, [[ms, "must be from 0.1 to 600,000"]], () => {
    go.disabled = idle || !right();
  });
  slow.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!go.disabled) send({ do: "slow", link: shown?.choice.link, ms: Number(ms.value) });
  });
  const onIt = element("div", "rk-onit", parent);
  const list = element("ul", "", onIt);
  const heal = button(onIt, "Heal", "", () => send({ do: "heal", ids: shown ? standing(shown) : [] }));

  from.addEventListener("change", () => choose({ node: from.value || null, link: null }));
  to.addEventListener("change", () => {
    if (!to.value) choose({ node: from.value, link: null });
    else choose({ node: null, link: to.value });
  });

  return {
    /**
     * @param {State} state
     * @param {Choice} choice
     * @param {boolean} still Whether nothing can be done now.
     */
    draw(state, choice, still) {
      shown = { state, choice };
      const link = linkOf(state, choice);
      const node = state.nodes.find((each) => each.name === choice.node);
      drawLists(from, to, state, choice);
      name.hidden = how.hidden = !link && !node;
      ofNode.hidden = !node;
      ofLink.hidden = slow.hidden = !link;
      if (node) {
        write(name, node.name);
        write(how, `${node.sign} ${node.status}`);
        const told = [node.memory && `memory ${node.memory}`, node.queue === null ? "" : `queue ${node.queue}`];
        write(facts, [...told, counted(node.starts, "start")].filter(Boolean).join(" · "));
        const useless = {
          kill: !isUp(node),
          pause: node.status !== "running",
          resume: node.status !== "paused",
          restart: false,
          isolate: state.nodes.length < 2,
        };
        for (const [what, made] of nodeButtons) made.disabled = still || useless[what];
      } else if (link) {
        const [a, b] = link.name.split(BOTH);
        write(name, `${a} ↔ ${b}`);
        const known = link.one >= 0;
        write(how, known ? linkWords(state, link) : apart(state, a, b));
        write(facts, known ? loadWords(link, a, b, state.base) : "");
        write(cutOut, `✂ ${a} → ${b}`);
        write(cutIn, `✂ ${b} → ${a}`);
        cutOut.title = `What ${a} sends to ${b} is lost`;
        cutIn.title = `What ${b} sends to ${a} is lost`;
        cutBoth.disabled = still || link.cut === "both";
        cutOut.disabled = still || link.cut === "both" || link.cut === "out";
        cutIn.disabled = still || link.cut === "both" || link.cut === "in";
        idle = still;
        go.disabled = idle || !right();
      } else {
        write(facts, "Choose a node or a link: click it, or take it from the lists.");
      }
      drawOnIt(list, state, standing(shown), still, send);
      heal.hidden = standing(shown).length < 2;
      heal.disabled = still;
      write(heal, `Heal these ${standing(shown).length}`);
    },
  };
}

/** @param {State} state @param {Choice} choice @returns {Link | undefined} */
function linkOf({ links, harmed }, { link }) {
  if (!link) return undefined;
  const known = [...links, ...harmed].find(({ name }) => name === link);
  // Of very many nodes the kernel does not tell all links.
  return known ?? untold(link);
}

/** @param {string} name @returns {Link} */
const untold = (name) => ({ name, one: -1, other: -1, there: 0, back: 0, bytes: 0, drops: 0, cut: "", late: "", disturbed: "", on: [], down: false });

/** @param {{state: State, choice: Choice}} shown @returns {string[]} The injections on what is chosen. */
function standing({ state, choice }) {
  const link = linkOf(state, choice);
  if (link) return link.on;
  if (!choice.node) return Object.keys(state.injections);
  const own = state.harmed.filter(({ name }) => name.split(BOTH).includes(/** @type {string} */ (choice.node)));
  return [...new Set(own.flatMap(({ on }) => on))];
}

/** @param {State} state @param {string} a @param {string} b What is known of a link that is not told. */
function apart({ nodes }, a, b) {
  const [one, other] = [a, b].map((end) => nodes.find(({ name }) => name === end)?.side);
  return one === other ? "Nothing is told of it: there are too many." : "Its ends are on different sides.";
}

/** @param {Link} link @param {string} a @param {string} b @param {string} base */
function loadWords({ there, back, bytes, drops }, a, b, base) {
  return [
    `${a} → ${b} ${rateWords(there)}`,
    `${b} → ${a} ${rateWords(back)}`,
    bytesWords(bytes),
    drops ? `${rateWords(drops)} lost` : "",
    base ? `${base} from the start` : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

/**
 * @param {HTMLSelectElement} from
 * @param {HTMLSelectElement} to
 * @param {State} state
 * @param {Choice} choice
 */
function drawLists(from, to, state, choice) {
  const ends = choice.link?.split(BOTH) ?? [];
  // A link is shown from the end that somebody chose it from.
  const near = ends.includes(from.value) ? from.value : (ends[0] ?? choice.node ?? "");
  fill(from, [["", "–"], ...state.nodes.map(({ name }) => [name, name])], near);
  const place = state.nodes.findIndex(({ name }) => name === near);
  const others = place < 0 ? [] : state.view.kind === "sides"
    ? state.nodes.filter(({ name }) => name !== near).map(({ name }, index) => [index < place ? name + BOTH + near : near + BOTH + name, name])
    : state.links
        .filter(({ one, other }) => one === place || other === place)
        .map((link) => [link.name, state.nodes[link.one === place ? link.other : link.one].name]);
  fill(to, [["", "–"], ...others], choice.link ?? "");
  to.disabled = others.length === 0;
}

/** @param {HTMLSelectElement} list @param {string[][]} wanted @param {string} chosen */
function fill(list, wanted, chosen) {
  const key = JSON.stringify(wanted);
  // A list that somebody has open must not be made anew ten times a second.
  if (list.dataset.key !== key) {
    list.dataset.key = key;
    list.replaceChildren(...wanted.map(([value, text]) => new Option(text, value)));
  }
  if (list.value !== chosen) list.value = chosen;
}

/**
 * @param {HTMLElement} list
 * @param {State} state
 * @param {string[]} ids
 * @param {boolean} still
 * @param {(message: object) => void} send
 */
function drawOnIt(list, { injections }, ids, still, send) {
  const rows = new Map([...list.children].map((row) => [/** @type {HTMLElement} */ (row).dataset.injection, row]));
  for (const [id, row] of rows) if (!ids.includes(id ?? "")) row.remove();
  for (const id of ids) {
    let row = /** @type {HTMLElement | undefined} */ (rows.get(id));
    if (!row) {
      row = element("li", "", list);
      row.dataset.injection = id;
      element("span", "", row);
      button(row, "Heal", `Take ${id} back`, () => send({ do: "heal", ids: [id] })).setAttribute("aria-label", `Heal ${id}`);
    }
    const [what, links] = injections[id] ?? [id, 1];
    write(/** @type {HTMLElement} */ (row.firstElementChild), what + (links > 1 ? ` on ${links} links` : ""));
    /** @type {HTMLButtonElement} */ (row.lastElementChild).disabled = still;
  }
}
