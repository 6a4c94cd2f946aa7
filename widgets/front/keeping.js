// @ts-check
/** Places that stay as high as they have been, so that nothing below them goes up and down. */

/**
 * Return what keeps the height of a place.
 *
 * @param {HTMLElement} place
 */
export function keepingHeight(place) {
  let width = 0;
  const free = () => {
    place.style.minHeight = "";
  };
  // Lines are broken anew where there is another width: it may have become less high.
  const watch = new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== width) free();
    width = contentRect.width;
  });
  watch.observe(place);
  return {
    /** From now on it is at least as high as it is. */
    keep() {
      place.style.minHeight = `${place.getBoundingClientRect().height}px`;
    },
    /** It is as high as what is in it again. */
    free,
    end: () => watch.disconnect(),
  };
}
