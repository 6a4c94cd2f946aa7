// @ts-check
/**
 * What the kernel tells of a topology, put together: nodes, links, and what is on them.
 *
 * @typedef {object} Node
 * @property {string} name
 * @property {string} status
 * @property {string} sign
 * @property {string} memory
 * @property {number | null} queue Messages that wait, over all its servers.
 * @property {number} starts
 * @property {number} side Who still reaches each other have one number; -1 while nobody is apart.
 * @property {number} x Where it is on the ring.
 * @property {number} y
 * @property {number} name_x Where its name is.
 * @property {number} name_y
 * @property {"start" | "middle" | "end"} anchor
 *
 * @typedef {object} Link
 * @property {string} name As targets name it.
 * @property {number} one The index of its first end.
 * @property {number} other
 * @property {number} there Messages a second from the first end.
 * @property {number} back
 * @property {number} bytes A second, both ways.
 * @property {number} drops Messages a second.
 * @property {"" | "both" | "out" | "in"} cut What is lost: seen from the first end.
 * @property {string} late What latencies add, in words.
 * @property {string} disturbed The names of the faults on it that neither cut it nor are latencies.
 * @property {string[]} on The injections that are on it.
 * @property {boolean} down Whether an end has no process.
 *
 * @typedef {object} State
 * @property {{kind: string, width: number, height: number}} view
 * @property {Node[]} nodes
 * @property {Link[]} links
 * @property {Link[]} harmed Those that something is on; of very many nodes only the first.
 * @property {{cut: number, slow: number, other: number, all: number}} counts
 * @property {Record<string, [string, number]>} injections What each is, and on how many links.
 * @property {string} base What every link adds from the start.
 */

const UP = new Set(["running", "paused", "closed"]);
const BOTH = "<->";

/** Colours of statuses; each has a sign too. As in `still_topology.py`. */
export const STATUSES = {
  running: "#009e73",
  paused: "#b37a00",
  starting: "#3a8fc4",
  restarting: "#3a8fc4",
  stopped: "#777777",
  closed: "#777777",
  killed: "#d55e00",
  crashed: "#d55e00",
};
/** Tints of sides; each has a letter too. As in `still_topology.py`. */
export const SIDES = ["#56b4e9", "#cc79a7", "#e69f00", "#8c6bb1", "#999999", "#f0e442"];

/** @param {Node} node */
export const isUp = (node) => UP.has(node.status);

/** @param {{get: (name: string) => any}} model @returns {State} */
export function stateOf(model) {
  /** @type {Node[]} */
  const nodes = model.get("nodes");
  const loads = model.get("loads");
  const on = new Map(model.get("harms").map((each) => [each[0], each]));
  const link = (name, one, other, load) => {
    const [, cut, late, disturbed, ids] = on.get(name) ?? ["", "", "", "", []];
    const [there, back, bytes, drops] = load ?? [0, 0, 0, 0];
    const down = !(nodes[one] && nodes[other] && isUp(nodes[one]) && isUp(nodes[other]));
    return { name, one, other, there, back, bytes, drops, cut, late, disturbed, on: ids, down };
  };
  const pairs = model.get("links").filter(([one, other]) => nodes[one] && nodes[other]);
  const links = pairs.map(([one, other], index) =>
    link(nodes[one].name + BOTH + nodes[other].name, one, other, loads[index]),
  );
  const place = new Map(nodes.map(({ name }, index) => [name, index]));
  const harmed = [...on.keys()].map((name) => {
    const [a, b] = name.split(BOTH);
    return link(name, place.get(a) ?? -1, place.get(b) ?? -1, undefined);
  });
  return {
    view: model.get("view"),
    nodes,
    links,
    harmed,
    counts: model.get("harmed"),
    injections: model.get("injections"),
    base: model.get("base"),
  };
}

/** @param {State} state @returns {string} All in a line. */
export function summary({ nodes, links, counts, base }) {
  const down = nodes.filter((node) => !isUp(node)).length;
  const sides = new Set(nodes.map(({ side }) => side).filter((side) => side >= 0)).size;
  return [
    counted(nodes.length, "node"),
    links.length ? counted(links.length, "link") : "",
    down ? `${down} down` : "",
    sides ? `${sides} sides apart` : "",
    counts.cut ? `${counted(counts.cut, "link")} cut` : "",
    counts.slow ? `${counts.slow} slowed` : "",
    counts.other ? `${counts.other} disturbed` : "",
    base ? `${base} on every link` : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @param {number} number @param {string} word */
export function counted(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

/** @param {number} load Messages a second. @returns {string} The same in a few letters. */
export function rateWords(load) {
  if (load >= 1000) return `${Number((load / 1000).toPrecision(3))}k/s`;
  return load >= 10 || Number.isInteger(load) ? `${load.toFixed(0)}/s` : `${load.toFixed(1)}/s`;
}

/** @param {number} size Bytes a second. */
export function bytesWords(size) {
  const power = Math.min(3, Math.floor(Math.log2(Math.max(size, 1)) / 10));
  return `${Number((size / 1024 ** power).toPrecision(3))} ${["B", "KiB", "MiB", "GiB"][power]}/s`;
}

/** @param {number} side @returns {string} What a side is called: A to Z, then numbers. */
export function letter(side) {
  return side < 26 ? String.fromCharCode(65 + side) : String(side + 1);
}

/** @param {State} state @param {Link} link @returns {string} How the link is, in words. */
export function linkWords({ nodes }, link) {
  const [a, b] = link.name.split(BOTH);
  const cuts = { both: "cut both ways", out: `what ${a} sends is lost`, in: `what ${b} sends is lost` };
  const parts = [cuts[link.cut] ?? "", link.late ? `slowed by ${link.late}` : ""];
  if (link.disturbed) parts.push(`disturbed by ${link.disturbed}`);
  else if (link.on.length && !link.cut && !link.late) parts.push("disturbed");
  const away = [link.one, link.other].filter((end) => nodes[end] && !isUp(nodes[end]));
  parts.push(...away.map((end) => `${nodes[end].name} is ${nodes[end].status}`));
  return parts.filter(Boolean).join(", ") || "carries messages both ways";
}

/** @param {Node} node @returns {string} Its memory and queue, small. */
export function details({ memory, queue }) {
  return [memory, queue === null ? "" : `queue ${queue}`].filter(Boolean).join(", ");
}
