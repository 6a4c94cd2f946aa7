// @ts-check
/** Hatches of kinds of fault, for those who cannot tell colours. */

const KINDS_OF_A_COLOUR = 8;

/**
 * Return to which side the hatch of a kind leans: kinds of one colour lean to different sides, and
 * the user's own to both.
 *
 * @param {number} kind The number of the kind; `lean_of` in `resilkit/metrics/fault_looks.py`.
 * @returns {"right" | "left" | "both"}
 */
export function leanOf(kind) {
  if (kind >= 2 * KINDS_OF_A_COLOUR) return "both";
  return (kind + Math.floor(kind / KINDS_OF_A_COLOUR)) % 2 ? "left" : "right";
}
