// @ts-check
/** Many nodes as a matrix: a cell says what becomes of what the row sends to the column. */

import { STATUSES, SIDES, isUp, linkWords, letter } from "./topology_state.js";

/** @typedef {import("./topology_state.js").State} State */

const SVG = "http://www.w3.org/2000/svg";
const EDGE = 74;
const TOP = 24;
const GAP = 0.84;
const KINDS = ["idle", "some", "busy", "down", "other", "slow", "cut"];
/** Of what is to be seen without its colour. */
const SHAPES = { cut: cross, other: diamond };
const KEY = "; a cross: lost; a diamond: disturbed";
/** Above so many units a pixel there is no room for the key. */
const NARROW = 1.4;
const BUSY = 100;
const LONGEST_NAME = 10;

/**
 * Return what draws a matrix into `svg`.
 *
 * @param {SVGSVGElement} svg
 * @param {(choice: import("./topology_ring.js").Choice) => void} choose
 */
export function matrix(svg, choose) {
  const layer = document.createElementNS(SVG, "g");
  svg.append(layer);
  const title = document.createElementNS(SVG, "title");
  layer.append(title);
  /** @type {Map<string, SVGElement>} A path a kind: thousands of elements would be slow. */
  const paths = new Map(KINDS.map((kind) => [kind, part("path", `rk-cells rk-${kind}`)]));
  const dots = part("g", "rk-dots");
  const mark = part("rect", "rk-mark");
  /** @type {State | null} */
  let shown = null;

  function part(/** @type {string} */ tag, /** @type {string} */ name) {
    const made = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
    made.setAttribute("class", name);
    layer.append(made);
    return made;
  }
  const under = (/** @type {MouseEvent} */ event) => {
    const box = svg.getBoundingClientRect();
    if (!shown || !box.width) return null;
    const size = cellOf(shown);
    const scale = shown.view.width / box.width;
    const column = Math.floor(((event.clientX - box.left) * scale - EDGE) / size);
    const row = Math.floor(((event.clientY - box.top) * scale - TOP) / size);
    const { nodes } = shown;
    if (!nodes[row] || !nodes[column]) return null;
    if (row === column) return { node: nodes[row].name, link: null };
    const [one, other] = row < column ? [row, column] : [column, row];
    const link = shown.links.find((each) => each.one === one && each.other === other);
    return link ? { node: null, link: link.name } : null;
  };
  const clicked = (/** @type {MouseEvent} */ event) => {
    const choice = under(event);
    if (choice) choose(choice);
  };
  const moved = (/** @type {MouseEvent} */ event) => {
    const choice = under(event);
    const link = choice?.link ? shown?.links.find(({ name }) => name === choice.link) : undefined;
    const node = shown?.nodes.find(({ name }) => name === choice?.node);
    title.textContent = link && shown ? `${link.name.replace("<->", " ↔ ")}: ${linkWords(shown, link)}` : node ? `${node.name}: ${node.status}` : "";
  };
  svg.addEventListener("click", clicked);
  svg.addEventListener("mousemove", moved);

  return {
    /** @param {State} state @param {import("./topology_ring.js").Choice} choice @param {number} units That make a pixel. */
    draw(state, choice, units) {
      shown = state;
      const size = cellOf(state);
      svg.setAttribute("viewBox", `0 0 ${state.view.width} ${state.view.width - EDGE + TOP}`);
      /** @type {Record<string, string[]>} */
      const drawn = Object.fromEntries(KINDS.map((kind) => [kind, []]));
      for (const link of state.links) {
        for (const [row, column, way, load] of /** @type {[number, number, string, number][]} */ ([
          [link.one, link.other, "out", link.there],
          [link.other, link.one, "in", link.back],
        ])) {
          const level = load >= BUSY ? "busy" : load > 0 ? "some" : "idle";
          const harmed = link.late ? "slow" : link.disturbed ? "other" : level;
          const kind = link.cut === way || link.cut === "both" ? "cut" : link.down ? "down" : harmed;
          drawn[kind].push((SHAPES[kind] ?? square)(row, column, size));
        }
      }
      for (const [kind, path] of paths) path.setAttribute("d", drawn[kind].join(""));
      drawDots(dots, state, size, units);
      const chosen = placeOf(state, choice);
      mark.setAttribute("visibility", chosen ? "visible" : "hidden");
      if (chosen) {
        const values = { x: EDGE + chosen[1] * size - 1, y: TOP + chosen[0] * size - 1, width: size + 1, height: size + 1 };
        for (const [name, value] of Object.entries(values)) mark.setAttribute(name, String(value));
      }
    },
    clear() {
      shown = null;
      svg.removeEventListener("click", clicked);
      svg.removeEventListener("mousemove", moved);
      layer.remove();
    },
  };
}

/** @param {State} state */
function cellOf({ view, nodes }) {
  return (view.width - EDGE) / Math.max(nodes.length, 1);
}

/** @param {State} state @param {import("./topology_ring.js").Choice} choice @returns {[number, number] | null} */
function placeOf({ nodes, links }, { node, link }) {
  const found = links.find(({ name }) => name === link);
  if (found) return [found.one, found.other];
  const index = nodes.findIndex(({ name }) => name === node);
  return index < 0 ? null : [index, index];
}

/** @param {number} row @param {number} column @param {number} size */
function square(row, column, size) {
  const [x, y, side] = [EDGE + column * size, TOP + row * size, size * GAP].map((each) => each.toFixed(1));
  return `M${x} ${y}h${side}v${side}h-${side}z`;
}

/** @param {number} row @param {number} column @param {number} size */
function cross(row, column, size) {
  const [x, y, side] = [EDGE + column * size, TOP + row * size, size * GAP].map((each) => each.toFixed(1));
  return `M${x} ${y}l${side} ${side}m0 -${side}l-${side} ${side}`;
}

/** @param {number} row @param {number} column @param {number} size */
function diamond(row, column, size) {
  const [x, y, half] = [EDGE + (column + GAP / 2) * size, TOP + row * size, (size * GAP) / 2].map((each) => each.toFixed(1));
  return `M${x} ${y}l${half} ${half}l-${half} ${half}l-${half} -${half}z`;
}

/** @param {SVGElement} place @param {State} state @param {number} size @param {number} units The nodes, on the diagonal. */
function drawDots(place, { nodes }, size, units) {
  const every = Math.max(1, Math.ceil((11 * units) / size));
  const longest = Math.max(4, Math.floor(LONGEST_NAME / units));
  const parts = nodes.flatMap((node, index) => {
    const at = EDGE + index * size;
    const down = TOP + index * size;
    const dot = element("rect", { x: at, y: down, width: size * GAP, height: size * GAP, fill: STATUSES[node.status] ?? "#777777" });
    dot.dataset.node = node.name;
    const made = [dot];
    if (!isUp(node) && size >= 8) made.push(words(node.sign, at + size * 0.42, down + size * 0.7, "rk-down"));
    if (node.side >= 0) {
      made.push(element("rect", { x: EDGE - 5, y: down, width: 4, height: size, fill: SIDES[node.side % SIDES.length] }));
    }
    if (index % every === 0) {
      const side = node.side >= 0 ? ` ${letter(node.side)}` : "";
      made.push(words(node.name.slice(0, longest) + side, EDGE - 8, down + size * 0.5 + 3 * units, "rk-rowname"));
    }
    return made;
  });
  place.replaceChildren(...parts, words(`rows send, columns receive${units > NARROW ? "" : KEY}`, EDGE, TOP - 8, "rk-axis"));
}

/** @param {string} tag @param {Record<string, unknown>} values */
function element(tag, values) {
  const made = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  for (const [name, value] of Object.entries(values)) made.setAttribute(name, String(value));
  return made;
}

/** @param {string} told @param {number} x @param {number} y @param {string} name */
function words(told, x, y, name) {
  const made = element("text", { x, y, class: name });
  made.textContent = told;
  return made;
}
