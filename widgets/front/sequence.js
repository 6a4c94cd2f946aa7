// @ts-check
/**
 * A sequence diagram that grows at the bottom: lifelines, arrows, and the message pointed at.
 *
 * @typedef {object} Message
 * @property {number} id
 * @property {number} time Seconds since the first message.
 * @property {string} kind
 * @property {string} sender
 * @property {string} receiver "" for what befell the sender.
 * @property {string} text What stands at the arrow.
 * @property {string} payload
 * @property {number | null} answers The id of what it answers.
 *
 * @typedef {{tone: string, dashed: boolean, open: boolean, sign: string}} Look As in Python.
 */

import { element } from "./panel.js";

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 66;
const RIGHT = 8;
const ROW = 24;
const HEAD = 32;
const NARROWEST_GAP = 104;
const CHARACTER = 6.6; // pixels, on the wide side
const NEAR = 8; // pixels from the bottom within which the newest is followed
/** Which of a theme's colours of lines. */
const TONES = { call: 0, bad: 1, cast: 2, good: 2, other: 4 };
/** @type {Look} */
const SOME = { tone: "other", dashed: false, open: true, sign: "" };

export class Sequence {
  /**
   * @param {HTMLElement} parent
   * @param {Record<string, Look>} looks
   */
  constructor(parent, looks) {
    this.looks = looks;
    this.scroll = element("div", "rk-sequence", parent);
    this.names = svg("svg", { class: "rk-names", "aria-hidden": "true" }, this.scroll);
    this.steps = svg("svg", { class: "rk-steps", role: "list" }, this.scroll);
    this.steps.setAttribute("aria-label", "Messages, the newest last; arrow keys go through them");
    this.lines = svg("g", {}, this.steps);
    this.arrows = svg("g", {}, this.steps);
    this.detail = element("pre", "rk-detail", parent);
    this.detail.setAttribute("role", "status");
    /** @type {Map<number, SVGElement>} */
    this.groups = new Map();
    /** @type {Message[]} */
    this.messages = [];
    this.layout = "";
    /** @type {number | null} */
    this.chosen = null;
    for (const event of ["pointerover", "focusin"]) {
      // Not on the arrows: part of a drawing that listens to the focus takes it, too.
      this.scroll.addEventListener(event, ({ target }) => {
        const group = /** @type {Element} */ (target).closest("[data-id]");
        if (group) this.choose(Number(group.getAttribute("data-id")));
      });
    }
    this.arrows.addEventListener("keydown", (event) => this.step(/** @type {KeyboardEvent} */ (event)));
  }

  /**
   * Draw messages, the newest at the bottom.
   *
   * @param {Message[]} messages
   * @param {import("./theme.js").Theme} theme
   * @param {string[]} order Who stands left of whom.
   * @param {string} outside What explains the names with an @.
   */
  draw(messages, theme, order, outside) {
    const follows = this.scroll.scrollTop + this.scroll.clientHeight >= this.scroll.scrollHeight - NEAR;
    const width = Math.max(280, this.scroll.clientWidth);
    this.scroll.hidden = this.detail.hidden = messages.length === 0;
    this.messages = messages;
    const { names, places } = this.places(messages, order, Math.floor((width - LEFT - RIGHT) / NARROWEST_GAP));
    const gap = (width - LEFT - RIGHT) / Math.max(1, names.length);
    const x = (/** @type {number} */ place) => LEFT + gap * (place + 0.5);
    const layout = JSON.stringify([width, names, theme.name, outside]);
    if (layout !== this.layout) {
      this.layout = layout;
      for (const group of this.groups.values()) group.remove();
      this.groups.clear();
      this.drawNames(names, x, gap, width, outside);
    }
    const height = ROW * messages.length + 10;
    size(this.steps, width, height);
    this.drawLines(messages, places, names.length, x, height);
    const wanted = new Set(messages.map(({ id }) => id));
    for (const [id, group] of this.groups) {
      if (!wanted.has(id)) {
        group.remove();
        this.groups.delete(id);
      }
    }
    messages.forEach((message, row) => {
      let group = this.groups.get(message.id);
      if (!group) {
        group = this.arrow(message, places, x, width, theme);
        this.groups.set(message.id, group);
        this.arrows.append(group);
      }
      group.setAttribute("transform", `translate(0 ${ROW * (row + 0.75)})`);
    });
    if (this.chosen === null || !wanted.has(this.chosen)) this.chosen = null;
    this.mark();
    if (follows) this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  /**
   * Return the lifelines from left to right, and the place of each name on them.
   *
   * @param {Message[]} messages
   * @param {string[]} order
   * @param {number} room
   */
  places(messages, order, room) {
    const counts = new Map();
    for (const { sender, receiver } of messages) {
      for (const name of [sender, receiver]) {
        if (!name) continue;
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
    // Messages that have come before the order that they belong to have names that it has not yet.
    const all = [...new Set([...order, ...counts.keys()])].filter((name) => counts.has(name));
    const most = Math.max(2, room);
    if (all.length <= most) return { names: all, places: new Map(all.map((name, place) => [name, place])) };
    const kept = new Set(
      [...all].sort((one, other) => counts.get(other) - counts.get(one)).slice(0, most - 1),
    );
    const names = all.filter((name) => kept.has(name));
    const places = new Map(all.map((name) => [name, kept.has(name) ? names.indexOf(name) : names.length]));
    return { names: [...names, `(${all.length - names.length} others)`], places };
  }

  /**
   * @param {string[]} names
   * @param {(place: number) => number} x
   * @param {number} gap
   * @param {number} width
   * @param {string} outside
   */
  drawNames(names, x, gap, width, outside) {
    this.names.replaceChildren();
    size(this.names, width, HEAD);
    write(this.names, "time (s)", LEFT - 10, 18, "rk-time");
    names.forEach((name, place) => {
      const wide = gap - 10;
      svg("rect", { x: x(place) - wide / 2, y: 3, width: wide, height: 22, rx: 3 }, this.names);
      const text = write(this.names, fitted(name, wide - 10), x(place), 18, "rk-name");
      svg("title", {}, text).textContent = outside && name.startsWith("@") ? `${name}\n${outside}` : name;
    });
  }

  /**
   * Draw the lifelines, dotted where a server was not there.
   *
   * @param {Message[]} messages
   * @param {Map<string, number>} places
   * @param {number} count
   * @param {(place: number) => number} x
   * @param {number} height
   */
  drawLines(messages, places, count, x, height) {
    this.lines.replaceChildren();
    const begun = Array(count).fill(0);
    const gone = new Map();
    messages.forEach(({ kind, sender }, row) => {
      const place = places.get(sender) ?? 0;
      const y = ROW * (row + 0.75);
      if (kind === "ended" && !gone.has(place)) gone.set(place, y);
      if (kind === "started" && gone.has(place)) {
        this.line(x(place), begun[place], gone.get(place), "");
        this.line(x(place), gone.get(place), y, "rk-gone");
        begun[place] = y;
        gone.delete(place);
      }
    });
    for (let place = 0; place < count; place += 1) {
      this.line(x(place), begun[place], gone.get(place) ?? height, "");
      if (gone.has(place)) this.line(x(place), gone.get(place), height, "rk-gone");
    }
  }

  line(/** @type {number} */ x, /** @type {number} */ y1, /** @type {number} */ y2, /** @type {string} */ name) {
    svg("line", { x1: x, x2: x, y1, y2, class: name }, this.lines);
  }

  /**
   * @param {Message} message
   * @param {Map<string, number>} places
   * @param {(place: number) => number} x
   * @param {number} width
   * @param {import("./theme.js").Theme} theme
   */
  arrow(message, places, x, width, theme) {
    const look = this.looks[message.kind] ?? SOME;
    const colour = theme.lines[TONES[look.tone] ?? 4];
    const from = places.get(message.sender) ?? 0;
    const to = message.receiver ? (places.get(message.receiver) ?? 0) : from;
    const [x1, x2] = [x(from), x(to)];
    const group = svg("g", { "data-id": message.id, "data-kind": message.kind, role: "listitem", tabindex: -1 });
    group.setAttribute("aria-label", told(message));
    svg("rect", { class: "rk-row", x: 0, y: -ROW / 2 - 4, width, height: ROW }, group);
    write(group, message.time.toFixed(3), LEFT - 10, 4, "rk-time");
    const stroke = { stroke: colour, "stroke-width": 1.5, fill: "none" };
    if (x1 !== x2) {
      const back = x2 > x1 ? -7 : 7;
      const dashes = look.dashed ? { "stroke-dasharray": "5 3" } : {};
      svg("line", { x1, x2: look.open ? x2 : x2 + back, y1: 0, y2: 0, ...stroke, ...dashes }, group);
      tip(group, x2, 0, back, colour, look.open);
      const text = fitted(message.text, Math.abs(x2 - x1) - 16);
      write(group, text, (x1 + x2) / 2, -4, "rk-middle");
      return group;
    }
    if (message.kind === "started") svg("circle", { cx: x1, cy: 0, r: 4, fill: colour }, group);
    else if (message.kind === "ended") svg("path", { d: `M${x1 - 4} -4l8 8m0 -8l-8 8`, ...stroke, "stroke-width": 2 }, group);
    else {
      svg("path", { d: `M${x1} -6h16v9h-16`, ...stroke }, group);
      tip(group, x1, 3, 7, colour, look.open);
    }
    const left = from > 0 && from === Math.max(...places.values());
    const room = left ? x1 - LEFT : width - x1 - 26;
    write(group, fitted(message.text, room), left ? x1 - 9 : x1 + 21, 4, left ? "rk-end" : "");
    return group;
  }

  /** Show the whole of one message under the diagram. */
  choose(/** @type {number} */ id) {
    this.chosen = id;
    this.mark();
  }

  /** Mark the chosen message and what belongs to it; one of all can be reached with the tab key. */
  mark() {
    const chosen = this.messages.find(({ id }) => id === this.chosen);
    const last = this.messages.at(-1);
    const reached = chosen?.id ?? last?.id;
    for (const [id, group] of this.groups) {
      group.setAttribute("tabindex", id === reached ? "0" : "-1");
      group.classList.toggle("rk-chosen", id === chosen?.id);
      const other = this.messages.find((each) => each.id === id);
      const same = chosen && other && (other.answers === chosen.id || chosen.answers === id);
      group.classList.toggle("rk-same", Boolean(same));
    }
    const text = chosen ? [told(chosen), ...this.answered(chosen)].join("\n") : "";
    if (this.detail.textContent !== text) this.detail.textContent = text;
  }

  /** @param {Message} message */
  answered(message) {
    const answer = this.messages.find(({ answers }) => answers === message.id);
    const asked = this.messages.find(({ id }) => id === message.answers);
    if (answer) return [`answered after ${spent(answer.time - message.time)}: ${answer.payload}`];
    if (asked) return [`after ${spent(message.time - asked.time)}, to ${asked.text}`];
    return [];
  }

  step(/** @type {KeyboardEvent} */ event) {
    const at = this.messages.findIndex(({ id }) => id === this.chosen);
    const goals = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: this.messages.length - 1 };
    const goal = this.messages[goals[event.key] ?? -1];
    if (!goal) return;
    event.preventDefault();
    const group = /** @type {SVGElement} */ (this.groups.get(goal.id));
    group.focus({ preventScroll: true });
    group.scrollIntoView({ block: "nearest" });
  }
}

/** @param {Message} message */
function told({ time, kind, sender, receiver, text }) {
  const whom = receiver ? `${sender} → ${receiver}` : sender;
  return `${time.toFixed(3)} s  ${kind}  ${whom}\n${text}`;
}

function spent(/** @type {number} */ seconds) {
  return seconds < 1 ? `${(seconds * 1000).toPrecision(3)} ms` : `${seconds.toPrecision(3)} s`;
}

function fitted(/** @type {string} */ text, /** @type {number} */ pixels) {
  const most = Math.max(1, Math.floor(pixels / CHARACTER));
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join("")}…`;
}

/**
 * @param {string} tag
 * @param {object} attributes
 * @param {Element} [parent]
 */
function svg(tag, attributes, parent) {
  const made = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  parent?.append(made);
  return made;
}

function size(/** @type {SVGElement} */ one, /** @type {number} */ width, /** @type {number} */ height) {
  one.setAttribute("width", String(width));
  one.setAttribute("height", String(height));
}

/**
 * @param {Element} parent
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {string} name
 */
function write(parent, text, x, y, name) {
  const made = svg("text", { x, y, class: name }, parent);
  made.textContent = text;
  return made;
}

/**
 * @param {Element} parent
 * @param {number} x
 * @param {number} y
 * @param {number} back
 * @param {string} colour
 * @param {boolean} open
 */
function tip(parent, x, y, back, colour, open) {
  const d = `M${x + back} ${y - 4}L${x} ${y}L${x + back} ${y + 4}`;
  if (open) svg("path", { d, fill: "none", stroke: colour, "stroke-width": 1.5 }, parent);
  else svg("path", { d: `${d}Z`, fill: colour }, parent);
}
