// @ts-check
/**
 * Colours of the page that a panel is in: JupyterLab tells its theme, other pages prefer one.
 *
 * The colours are Okabe and Ito's, some darker, those of the figures in Python; lines differ in their dashes
 * too, and faults in their hatches.
 *
 * @typedef {object} Theme
 * @property {"light" | "dark"} name
 * @property {string} ink Text.
 * @property {string} faint Secondary text, axes.
 * @property {string} grid Grid lines.
 * @property {string} back Lines that stand back.
 * @property {string} paper What is behind all.
 * @property {string} alert Thresholds, and where they are crossed.
 * @property {string[]} lines Colours of lines, in the order in which they take them.
 * @property {string[]} faults Colours of kinds of fault, by their numbers.
 */

/** @type {Theme} */
const LIGHT = {
  name: "light",
  ink: "#1b1f24",
  faint: "#5c6670",
  grid: "#dde1e6",
  back: "#7a848e",
  paper: "#ffffff",
  alert: "#a8320a",
  lines: ["#0072b2", "#d55e00", "#008f68", "#aa4499", "#a87300", "#332288"],
  faults: ["#cc79a7", "#e69f00", "#56b4e9", "#d55e00", "#009e73", "#8c6bb1", "#0072b2", "#777777"],
};

/** @type {Theme} */
const DARK = {
  name: "dark",
  ink: "#e8ebee",
  faint: "#9aa4ae",
  grid: "#343b43",
  back: "#6f7b86",
  paper: "#14181d",
  alert: "#ff9d76",
  lines: ["#56b4e9", "#f08a4b", "#2fc79a", "#e39bc6", "#f0c05a", "#f0e442"],
  faults: ["#cc79a7", "#e69f00", "#56b4e9", "#f2703a", "#2fc79a", "#b49ad6", "#4a9fd8", "#aaaaaa"],
};

/** Dashes of lines in pixels, in the order in which they take them. */
export const DASHES = [[], [8, 3], [2, 2], [9, 3, 2, 3], [5, 2, 2, 2, 2, 2], [14, 5]];

/** @returns {Theme} The theme of the page now. */
export function pageTheme() {
  const said = document.body.dataset.jpThemeLight;
  if (said !== undefined) return said === "true" ? LIGHT : DARK;
  return matchMedia("(prefers-color-scheme: dark)").matches ? DARK : LIGHT;
}

/**
 * Call `changed` whenever the page takes another theme; return what ends that.
 *
 * @param {() => void} changed
 * @returns {() => void}
 */
export function onThemeChange(changed) {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  const preference = matchMedia("(prefers-color-scheme: dark)");
  preference.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    preference.removeEventListener("change", changed);
  };
}
