// @ts-check
/** Parts of a panel of which one is seen at a time. */

import { element } from "./panel.js";

let made = 0;

/**
 * Put tabs into `parent`; return their parts. Arrow keys go from tab to tab.
 *
 * @param {HTMLElement} parent
 * @param {string[]} titles
 */
export function tabs(parent, titles) {
  const list = element("div", "rk-tabs", parent);
  list.setAttribute("role", "tablist");
  const key = `rk-tab-${(made += 1)}`;
  const heads = titles.map((title, index) => {
    const head = /** @type {HTMLButtonElement} */ (element("button", "", list));
    Object.assign(head, { type: "button", textContent: title, id: `${key}-${index}` });
    head.setAttribute("role", "tab");
    return head;
  });
  const parts = titles.map((_, index) => {
    const part = element("div", "rk-part", parent);
    part.setAttribute("role", "tabpanel");
    part.setAttribute("aria-labelledby", `${key}-${index}`);
    return part;
  });
  const choose = (/** @type {number} */ chosen) => {
    heads.forEach((head, index) => {
      head.setAttribute("aria-selected", String(index === chosen));
      head.tabIndex = index === chosen ? 0 : -1;
      parts[index].hidden = index !== chosen;
    });
  };
  heads.forEach((head, index) => {
    head.addEventListener("click", () => choose(index));
    head.addEventListener("keydown", ({ key: pressed }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[pressed] ?? 0;
      if (step === 0) return;
      const next = (index + step + heads.length) % heads.length;
      choose(next);
      heads[next].focus();
    });
  });
  choose(0);
  return parts;
}
