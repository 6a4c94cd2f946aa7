// @ts-check
/** An axis of orders of magnitude, for times that differ a thousandfold; as `still_axes.py` has it. */

const MOST_DECADES = 6;
const FINE_DECADES = 2;
const STEPS = [1, 2, 5];

/**
 * Return the ends of an axis: round numbers around the values, ten times apart at least.
 *
 * @param {number | null | undefined} least The smallest value above 0.
 * @param {number | null | undefined} most
 * @returns {[number, number]}
 */
export function logEnds(least, most) {
  if (!most || most <= 0) return [1e-3, 1];
  const high = round(most, "up");
  return [Math.max(round(Math.min(least && least > 0 ? least : most, high / 10), "down"), high / 10 ** MOST_DECADES), high];
}

/**
 * Return the round numbers of an axis: a few in each power of ten, or only these where there are many.
 *
 * @param {number} low
 * @param {number} high
 * @returns {number[]}
 */
export function logTicks(low, high) {
  const steps = high / low > 10 ** FINE_DECADES * 1.001 ? [1] : STEPS;
  const ticks = [];
  for (let power = Math.floor(Math.log10(low) + 1e-9); power <= Math.log10(high) + 1e-9; power += 1) {
    for (const step of steps) {
      const tick = Number(`${step}e${power}`);
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return ticks;
}

/** @param {number} value @param {"up" | "down"} way */
function round(value, way) {
  const power = Math.floor(Math.log10(value) + 1e-9);
  const numbers = [...STEPS.map((step) => Number(`${step}e${power}`)), Number(`1e${power + 1}`)];
  if (way === "up") return /** @type {number} */ (numbers.find((each) => each >= value * 0.999999));
  return /** @type {number} */ (numbers.findLast((each) => each <= value * 1.000001));
}
