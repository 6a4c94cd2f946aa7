// @ts-check
/** Values with their units, as `resilkit/metrics/units.py` writes them. */

/** @type {Record<string, [string, number][]>} */
const STEPS = {
  s: [["s", 1], ["ms", 1e-3], ["µs", 1e-6], ["ns", 1e-9]],
  bytes: [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10], ["B", 1]],
};

/**
 * Return a value with three digits that count and the unit that suits it.
 *
 * @param {number} value
 * @param {string} unit Seconds (`"s"`) and `"bytes"` are scaled, the rest is written as it is.
 * @returns {string}
 */
export function shownValue(value, unit) {
  const steps = STEPS[unit];
  if (!steps) return `${digits(value)}${unit.endsWith("/s") ? "/s" : unit && ` ${unit}`}`;
  const size = Math.abs(value) || 1;
  const [label, width] = steps.find((step) => size >= step[1]) ?? steps[steps.length - 1];
  return `${digits(value / width)} ${label}`;
}

/**
 * Return how many letters of a line's width the values of a unit need.
 *
 * @param {string} unit
 */
export function widthOf(unit) {
  if (STEPS[unit]) return 8;
  return 5 + (unit.endsWith("/s") ? 2 : unit.length + 1);
}

/** @param {number} value @returns {string} */
function digits(value) {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
