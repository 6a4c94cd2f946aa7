// @ts-check
/**
 * Faults that stand at once, each in a row of its own above the charts: over one another they would be mud.
 *
 * @typedef {import("./bands.js").Band} Band
 *
 * @typedef {object} Row
 * @property {string} label
 * @property {Band[]} bands
 * @property {boolean} others Whether it stands for all that found no room.
 * @property {number | null} text Where its label begins, in pixels; null where there is no room for it.
 */

/** Pixels of a row. */
export const ROW = 12;
/** Pixels: what is shorter is a moment. */
const MOMENT = 3;
const MOST_KINDS = 4;
const MOST_ROWS = 7;
const MARK = 5;
const PAD = 4;

/**
 * Return the bands of which something is in view.
 *
 * @param {Band[]} bands
 * @param {[number, number]} span
 */
export function inView(bands, [start, end]) {
  return bands.filter((band) => band.start <= end && (band.end ?? Infinity) >= start);
}

/** @param {Band} band @param {number} secondsAPixel */
export function isMoment(band, secondsAPixel) {
  return (band.end ?? Infinity) - band.start < MOMENT * secondsAPixel;
}

/**
 * Return whether bands behind the lines would hide them and each other, as in the figures in Python: where
 * two stand at once, or where there are more kinds than one can keep in mind.
 *
 * @param {Band[]} bands Those in view.
 * @param {number} secondsAPixel
 */
export function crowded(bands, secondsAPixel) {
  if (new Set(bands.map(({ colour }) => colour)).size > MOST_KINDS) return true;
  let latest = -Infinity;
  for (const band of [...bands].sort((one, other) => one.start - other.start)) {
    if (isMoment(band, secondsAPixel)) continue;
    if (band.start < latest) return true;
    latest = Math.max(latest, band.end ?? Infinity);
  }
  return false;
}

/**
 * Return the rows of a lane: faults of one name share one, and those of others where neither bars nor names
 * overlap, when there are many.
 *
 * @param {Band[]} bands Those in view.
 * @param {[number, number]} span
 * @param {number} width Pixels of the charts.
 * @param {(text: string) => number} measure Returns the pixels of a text.
 * @returns {Row[][]}
 */
export function laneRows(bands, [start, end], width, measure) {
  const x = (/** @type {number} */ time) => ((Math.min(Math.max(time, start), end) - start) / (end - start || 1)) * width;
  /** @type {Map<string, Band[]>} */
  const named = new Map();
  for (const band of [...bands].sort((one, other) => one.start - other.start)) {
    named.set(band.label, [...(named.get(band.label) ?? []), band]);
  }
  /** @type {{rows: Row[], taken: [number, number][]}[]} */
  const lane = [];
  /** @type {Band[]} */
  const rest = [];
  let others = 0;
  const most = named.size > MOST_ROWS ? MOST_ROWS - 1 : MOST_ROWS;
  for (const [label, all] of named) {
    const bars = all.map((band) => bar(band, x));
    const needed = measure(label);
    const text = spot(bars, needed, width);
    const taken = text === null ? bars : [...bars, /** @type {[number, number]} */ ([text, text + needed])];
    const row = { label, bands: all, others: false, text };
    const free = named.size > MOST_ROWS ? lane.find((each) => !overlaps(each.taken, taken)) : undefined;
    if (free) {
      free.rows.push(row);
      free.taken.push(...taken);
    } else if (lane.length < most) lane.push({ rows: [row], taken: [...taken] });
    else {
      rest.push(...all);
      others += 1;
    }
  }
  const rows = lane.map((each) => each.rows);
  if (rest.length) {
    const label = others === 1 ? rest[0].label : `${others} others`;
    const all = others > 1 ? joined(rest) : rest;
    const bars = all.map((band) => bar(band, x));
    rows.push([{ label, bands: all, others: others > 1, text: spot(bars, measure(label), width) }]);
  }
  return rows;
}

/**
 * Return one band for all that overlap.
 *
 * @param {Band[]} bands
 */
function joined(bands) {
  /** @type {Band[]} */
  const whole = [];
  for (const band of [...bands].sort((one, other) => one.start - other.start)) {
    const last = whole.at(-1);
    if (!last || band.start > (last.end ?? Infinity)) whole.push({ ...band });
    else if (last.end !== null && (band.end ?? Infinity) > last.end) last.end = band.end;
  }
  return whole;
}

/** @param {Band} band @param {(time: number) => number} x @returns {[number, number]} */
function bar(band, x) {
  const [left, right] = [x(band.start), x(band.end ?? Infinity)];
  return right - left < MOMENT ? [left - MARK, left + MARK] : [left, right];
}

/**
 * Return where a name has room: in a bar, after the last one, before the first, or between two.
 *
 * @param {[number, number][]} bars
 * @param {number} needed
 * @param {number} width
 * @returns {number | null}
 */
function spot(bars, needed, width) {
  const inside = bars.find(([left, right]) => right - left >= needed + 2 * PAD);
  if (inside) return inside[0] + PAD;
  const first = Math.min(...bars.map(([left]) => left));
  const last = Math.max(...bars.map(([, right]) => right));
  if (last + PAD + needed <= width) return last + PAD;
  if (first - PAD - needed >= 0) return first - PAD - needed;
  for (let at = 1, reached = bars[0][1]; at < bars.length; at += 1) {
    if (bars[at][0] - reached >= needed + 2 * PAD) return reached + PAD;
    reached = Math.max(reached, bars[at][1]);
  }
  return null;
}

/** @param {[number, number][]} taken @param {[number, number][]} wanted */
function overlaps(taken, wanted) {
  return taken.some(([left, right]) => wanted.some(([from, to]) => from < right + PAD && to > left - PAD));
}
