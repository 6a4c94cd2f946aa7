// @ts-check
/** Up to two dozen nodes on a ring, and their links: an element each, which stays while it changes. */

import { STATUSES, SIDES, details, isUp, letter, linkWords, rateWords } from "./topology_state.js";

/**
 * @typedef {import("./topology_state.js").State} State
 * @typedef {import("./topology_state.js").Node} Node
 * @typedef {import("./topology_state.js").Link} Link
 * @typedef {{node: string | null, link: string | null}} Choice
 */

const SVG = "http://www.w3.org/2000/svg";
const FEW = 12;
const MOST_LABELS = 16;
const BUSIEST = 8;
/** With so many links each is drawn thinner, and of so many cuts none has scissors of its own. */
const MANY_LINKS = 66;
const MANY_CUTS = 24;
const LONGEST_NAME = 14;
/** Above so many units a pixel there is no room for what is small. */
const TIGHT = 1.25;
const OTHER_DASHES = "14 4 2 4";
const CUT_DASHES = { both: "4 6", out: "12 5", in: "12 5" };

/**
 * Return what draws a ring into `svg`.
 *
 * @param {SVGSVGElement} svg
 * @param {(choice: Choice) => void} choose
 */
export function ring(svg, choose) {
  const linkLayer = make("g", svg);
  const nodeLayer = make("g", svg);
  /** @type {Map<string, ReturnType<typeof linkElement>>} */
  const links = new Map();
  /** @type {Map<string, ReturnType<typeof nodeElement>>} */
  const nodes = new Map();
  /** @type {State | null} */
  let shown = null;
  // One stop of the tabulator for all; the arrows go on from there.
  let at = { node: "", link: "" };

  svg.addEventListener("click", (event) => {
    const item = itemOf(event.target);
    if (item) pick(item);
  });
  // On what it is in: a drawing that listens to this itself is one more stop of the tabulator.
  svg.parentElement?.addEventListener("focusin", (event) => {
    const item = itemOf(event.target);
    if (item) moveTo(item.dataset.link ? { ...at, link: item.dataset.link } : { node: item.dataset.node ?? "", link: "" });
  });
  svg.addEventListener("keydown", (event) => {
    if (!shown || !itemOf(event.target)) return;
    if (event.key === "Enter" || event.key === " ") pick(/** @type {SVGElement} */ (itemOf(event.target)));
    else if (event.key === "Escape") choose({ node: null, link: null });
    else if (event.key.startsWith("Arrow")) step(shown, event.key);
    else return;
    event.preventDefault();
  });

  const pick = (/** @type {SVGElement} */ item) =>
    choose({ node: item.dataset.node ?? null, link: item.dataset.link ?? null });
  const moveTo = (/** @type {typeof at} */ next) => {
    at = next;
    for (const [name, { group }] of nodes) group.setAttribute("tabindex", name === at.node && !at.link ? "0" : "-1");
    for (const [name, { group }] of links) group.setAttribute("tabindex", name === at.link ? "0" : "-1");
  };
  const step = (/** @type {State} */ state, /** @type {string} */ key) => {
    const own = state.links.filter(({ one, other }) => [one, other].some((end) => state.nodes[end].name === at.node));
    const by = key === "ArrowRight" ? 1 : -1;
    if (key === "ArrowUp") at.link = "";
    else if (key === "ArrowDown") at.link ||= own[0]?.name ?? "";
    else if (at.link) at.link = turned(own.map(({ name }) => name), at.link, by);
    else at.node = turned(state.nodes.map(({ name }) => name), at.node, by);
    moveTo(at);
    (at.link ? links.get(at.link) : nodes.get(at.node))?.group.focus();
  };

  return {
    /** @param {State} state @param {Choice} choice @param {number} units That make a pixel. */
    draw(state, choice, units) {
      shown = state;
      svg.setAttribute("viewBox", `0 0 ${state.view.width} ${state.view.height}`);
      keep(links, new Set(state.links.map(({ name }) => name)));
      keep(nodes, new Set(state.nodes.map(({ name }) => name)));
      const labelled = withLabels(state, units);
      for (const link of state.links) {
        if (!links.has(link.name)) links.set(link.name, linkElement(linkLayer, link.name));
        const chosen = choice.link === link.name;
        drawLink(/** @type {any} */ (links.get(link.name)), state, link, { chosen, labelled: chosen || labelled.has(link), units });
      }
      for (const node of state.nodes) {
        if (!nodes.has(node.name)) nodes.set(node.name, nodeElement(nodeLayer, node.name));
        drawNode(/** @type {any} */ (nodes.get(node.name)), state, node, { chosen: choice.node === node.name, units });
      }
      if (!nodes.has(at.node) || (at.link && !links.has(at.link))) {
        moveTo({ node: state.nodes[0]?.name ?? "", link: "" });
      }
    },
    clear() {
      keep(links, new Set());
      keep(nodes, new Set());
      shown = null;
    },
  };
}

/** @param {State} state @param {number} units @returns {Set<Link>} Links whose load stands beside them. */
function withLabels({ links }, units) {
  const room = 1 / units ** 2;
  if (links.length <= MOST_LABELS * room) return new Set(links);
  const crowded = links.length > (units > TIGHT ? MOST_LABELS : MANY_LINKS);
  const harmed = links.filter(({ late, disturbed }) => late || disturbed);
  if (crowded) return new Set(harmed);
  const busy = links.filter(({ there, back }) => there + back > 0);
  busy.sort((one, other) => other.there + other.back - one.there - one.back);
  return new Set([...busy.slice(0, Math.round(BUSIEST * room)), ...harmed]);
}

/** @param {number} load Messages a second. @returns {number} */
export function widthOf(load) {
  return Math.min(9, Math.round((1.5 + 1.6 * Math.log10(1 + load)) * 10) / 10);
}

/** @param {Element} parent @param {string} name */
function linkElement(parent, name) {
  const group = item(parent, "rk-link");
  group.dataset.link = name;
  const area = make("line", group, "rk-area");
  const line = make("line", group, "rk-wire");
  const scissors = make("text", group, "rk-scissors");
  scissors.textContent = "✂\ufe0e";
  const arrow = make("path", group, "rk-lostway");
  arrow.setAttribute("d", "M-6,-6L7,0L-6,6Z");
  const label = make("text", group, "rk-load");
  const title = make("title", group);
  return { group, area, line, scissors, arrow, label, title };
}

/**
 * @param {ReturnType<typeof linkElement>} made
 * @param {State} state
 * @param {Link} link
 * @param {{chosen: boolean, labelled: boolean, units: number}} how
 */
function drawLink({ group, area, line, scissors, arrow, label, title }, state, link, { chosen, labelled, units }) {
  const a = state.nodes[link.one];
  const b = state.nodes[link.other];
  const total = link.there + link.back;
  const many = state.links.length > MANY_LINKS;
  const faint = Boolean(link.cut) && state.counts.cut > MANY_CUTS && !chosen;
  put(group, {
    "data-cut": link.cut,
    "data-late": link.late,
    "data-disturbed": link.disturbed,
    "data-down": String(link.down),
    "data-chosen": String(chosen),
    "aria-pressed": String(chosen),
    "data-many": String(many),
    "data-faint": String(faint),
    "aria-label": `link ${a.name} to ${b.name}: ${linkWords(state, link)}, ${rateWords(total)}`,
  });
  for (const each of [area, line]) put(each, { x1: a.x, y1: a.y, x2: b.x, y2: b.y });
  put(line, {
    "stroke-width": faint ? 1 : many ? Math.max(1, widthOf(total) / 2.5) : widthOf(total),
    "stroke-dasharray": link.down ? "1 6" : (CUT_DASHES[link.cut] ?? (link.disturbed ? OTHER_DASHES : "none")),
  });
  const part = labelPart(link.one, link.other, state.nodes.length);
  const x = a.x + part * (b.x - a.x);
  const y = a.y + part * (b.y - a.y);
  show(scissors, Boolean(link.cut) && !faint, { x, y: y + 6 * units });
  const turn = Math.atan2(b.y - a.y, b.x - a.x) + (link.cut === "in" ? Math.PI : 0);
  const spot = `${x + 20 * units * Math.cos(turn)} ${y + 20 * units * Math.sin(turn)}`;
  show(arrow, !faint && (link.cut === "out" || link.cut === "in"), {
    transform: `translate(${spot}) rotate(${(turn * 180) / Math.PI}) scale(${units})`,
  });
  show(label, labelled && !link.down, { x, y: y + (link.cut ? 20 : 4) * units });
  text(label, labelWords(total, link, state.base));
  text(title, `${a.name} ↔ ${b.name}: ${linkWords(state, link)}, ${rateWords(total)}`);
}

/**
 * Return where on a link its label is: in the middle of one along the ring, and nearer to one end of
 * those across, each node having its share, so that labels do not meet where links cross.
 *
 * @param {number} one
 * @param {number} other
 * @param {number} count Of nodes.
 */
export function labelPart(one, other, count) {
  const steps = other - one;
  if (count < 4 || steps === 1 || steps === count - 1) return 0.5;
  return steps * 2 > count ? 0.73 : 0.27;
}

/**
 * @param {number} load Messages a second.
 * @param {Link} link
 * @param {string} base
 * @returns {string} A link's load, latency and faults; nothing of one that is idle and as it always is.
 */
export function labelWords(load, { cut, late, disturbed }, base) {
  if (cut === "both") return "";
  const slow = [base, late && `+${late}`].filter(Boolean).join(" ");
  return [load ? rateWords(load) : "", load || late ? slow : "", disturbed].filter(Boolean).join(" · ");
}

/** @param {Element} parent @param {string} name */
function nodeElement(parent, name) {
  const group = item(parent, "rk-dot");
  group.dataset.node = name;
  const halo = make("circle", group, "rk-halo");
  const disc = make("circle", group, "rk-disc");
  const sign = make("text", group, "rk-sign");
  const title = make("title", group);
  const called = make("text", group, "rk-name");
  const small = make("text", group, "rk-small");
  return { group, halo, disc, sign, title, called, small };
}

/**
 * @param {ReturnType<typeof nodeElement>} made
 * @param {State} state
 * @param {Node} node
 * @param {{chosen: boolean, units: number}} how
 */
function drawNode({ group, halo, disc, sign, title, called, small }, state, node, { chosen, units }) {
  const few = state.nodes.length <= FEW;
  const radius = few ? 17 : 13;
  const { x, y, side } = node;
  const apart = side >= 0 ? `, side ${letter(side)}` : "";
  put(group, {
    "data-status": node.status,
    "data-side": side,
    "data-chosen": String(chosen),
    "aria-pressed": String(chosen),
    "aria-label": `node ${node.name}: ${node.status}${apart}`,
  });
  show(halo, side >= 0, { cx: x, cy: y, r: radius + 11, style: `--rk-side:${SIDES[side % SIDES.length] ?? ""}` });
  put(disc, { cx: x, cy: y, r: radius, fill: STATUSES[node.status] ?? "#777777" });
  put(sign, { x, y: y + 4 * Math.min(units, 1.5) });
  text(sign, node.sign);
  put(called, { x: node.name_x, y: node.name_y, style: `text-anchor:${node.anchor}` });
  const longest = Math.max(4, Math.floor(LONGEST_NAME / units));
  const short = node.name.length <= longest ? node.name : `${node.name.slice(0, longest - 1)}…`;
  text(called, short + (side >= 0 ? ` · ${letter(side)}` : ""));
  show(small, few && units <= TIGHT && isUp(node), { x: node.name_x, y: node.name_y + 13 * units, style: `text-anchor:${node.anchor}` });
  text(small, details(node));
  text(title, `${node.name}: ${node.status}${apart}${details(node) && `, ${details(node)}`}`);
}

// Elements ----------------------------------------------------------------------------------------

/** @param {string} tag @param {Element} parent @param {string} [name] */
function make(tag, parent, name = "") {
  const made = /** @type {SVGGraphicsElement} */ (document.createElementNS(SVG, tag));
  if (name) made.setAttribute("class", name);
  parent.append(made);
  return made;
}

/** @param {Element} parent @param {string} name Make what can be chosen. */
function item(parent, name) {
  const group = make("g", parent, `rk-item ${name}`);
  group.setAttribute("role", "button");
  group.setAttribute("tabindex", "-1");
  return group;
}

/** @param {EventTarget | null} target @returns {SVGElement | null} */
function itemOf(target) {
  return target instanceof Element ? target.closest(".rk-item") : null;
}

/** @param {Element} made @param {Record<string, unknown>} values Set those that are new. */
function put(made, values) {
  for (const [name, value] of Object.entries(values)) {
    if (made.getAttribute(name) !== String(value)) made.setAttribute(name, String(value));
  }
}

/** @param {Element} made @param {boolean} on @param {Record<string, unknown>} values */
function show(made, on, values) {
  put(made, { visibility: on ? "visible" : "hidden" });
  if (on) put(made, values);
}

/** @param {Element} made @param {string} words */
function text(made, words) {
  if (made.textContent !== words) made.textContent = words;
}

/** @param {Map<string, {group: Element}>} made @param {Set<string>} names Let those go that are gone. */
function keep(made, names) {
  for (const [name, { group }] of made) {
    if (names.has(name)) continue;
    group.remove();
    made.delete(name);
  }
}

/** @param {string[]} names @param {string} now @param {number} by */
function turned(names, now, by) {
  return names[(names.indexOf(now) + by + names.length) % names.length] ?? now;
}
