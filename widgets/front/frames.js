// @ts-check
/**
 * Frames of samples, as `resilkit_widgets/frames.py` packs them.
 *
 * @typedef {object} Frame
 * @property {number} sequence Counts the frames of a panel, from 1.
 * @property {number} layout The number of the layout that tells what the columns are.
 * @property {Float64Array} x Seconds.
 * @property {Float32Array[]} columns As long as `x`; NaN where there is no sample.
 */

const HEADER_BYTES = 16;

/**
 * Return the frame that is in `view`, or null when there is none yet.
 *
 * @param {DataView | null | undefined} view
 * @returns {Frame | null}
 */
export function decode(view) {
  if (!view || view.byteLength < HEADER_BYTES) return null;
  // A copy: the view may lie at any offset of its buffer, and typed arrays need aligned ones.
  const { buffer } = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
  const [sequence, layout, points, columns] = new Uint32Array(buffer, 0, 4);
  const x = new Float64Array(buffer, HEADER_BYTES, points);
  const first = HEADER_BYTES + 8 * points;
  return {
    sequence,
    layout,
    x,
    columns: Array.from(
      { length: columns },
      (_, index) => new Float32Array(buffer, first + 4 * points * index, points),
    ),
  };
}

/**
 * Return a column as uPlot wants it: null where a line has a gap.
 *
 * @param {Float32Array} column
 * @returns {(number | null)[]}
 */
export function withGaps(column) {
  const values = new Array(column.length);
  for (let index = 0; index < column.length; index += 1) {
    const value = column[index];
    values[index] = value === value ? value : null;
  }
  return values;
}
