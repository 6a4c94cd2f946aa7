// @ts-check
/**
 * What all panels have: a frame with a title, tools, a body, and the errors of the kernel.
 *
 * @typedef {object} Model anywidget's: the traits of the Python object.
 * @property {(name: string) => any} get
 * @property {(name: string, value: any) => void} set
 * @property {() => void} save_changes
 * @property {(content: object) => void} send
 * @property {(event: string, listener: () => void) => void} on
 * @property {(event: string, listener: () => void) => void} off
 *
 * @typedef {{model: Model, el: HTMLElement}} Context
 */

import { onThemeChange, pageTheme } from "./theme.js";

/**
 * Put the frame of a panel into `el`.
 *
 * @param {Context} context
 * @param {string} title
 * @param {string} what What its kernel may be lost to.
 */
export function panel({ model, el }, title, what = "panel") {
  const root = element("section", "rk-panel", el);
  root.setAttribute("aria-label", title);
  root.dataset.panel = title.toLowerCase().replaceAll(" ", "-"); // what the styles of one are kept to
  // Keys in a panel are the panel's: JupyterLab would edit a cell on Enter, and cut one on X.
  root.dataset.lmSuppressShortcuts = "true";
  onEnter(root, (field) => {
    if (!field.form) field.dispatchEvent(new Event("change", { bubbles: true }));
    else if (!field.form.querySelector("button[type=submit]:disabled")) field.form.requestSubmit();
  });
  const head = element("header", "rk-head", root);
  element("h3", "rk-title", head).textContent = title;
  const tools = element("div", "rk-tools", head);
  const closed = element("p", "rk-closed", root);
  closed.textContent = "■ The cluster is closed: this is how it was last seen.";
  closed.setAttribute("role", "status");
  const body = element("div", "rk-body", root);
  const lost = element("p", "rk-lost", root);
  lost.textContent =
    `The kernel of this ${what} has ended. This is what it showed last; run its cell again for a new one.`;
  const error = element("pre", "rk-error", root);
  error.setAttribute("role", "alert");
  const doing = element("span", "rk-doing", tools);
  doing.setAttribute("role", "status");

  const showTheme = () => {
    root.dataset.theme = pageTheme().name;
  };
  const showState = () => {
    const wrong = [model.get("refused"), model.get("error")].filter(Boolean);
    error.textContent = wrong.join("\n");
    error.hidden = wrong.length === 0;
    doing.textContent = model.get("doing") ? `${model.get("doing")} …` : "";
    root.dataset.state = model.get("state");
    closed.hidden = !model.get("closed");
  };
  const showLost = () => {
    // JupyterLab says only that something is new about that; who still hears from a kernel is not
    // lost, and shows so with the next change that comes from there.
    root.dataset.lost = "";
  };
  const showFound = () => delete root.dataset.lost;
  model.on("comm_live_update", showLost);
  // Of what is drawn the kernel hears; while the page is hidden nothing is, and it waits.
  let drawn = 0;
  const acknowledge = () => {
    drawn ||= requestAnimationFrame(() => {
      drawn = 0;
      root.dataset.updates = String(model.get("sent"));
      model.set("acknowledged", model.get("sent"));
      model.save_changes();
    });
  };
  model.on("change:sent", acknowledge);
  acknowledge();
  const states = ["error", "state", "refused", "doing", "closed"];
  for (const name of states) model.on(`change:${name}`, showState);
  // What only the kernel sets: an acknowledgement of what was drawn last is our own.
  const heard = ["sent", ...states].map((name) => `change:${name}`);
  for (const event of heard) model.on(event, showFound);
  showTheme();
  showState();

  return {
    root,
    tools,
    body,
    /**
     * Return what ends the panel.
     *
     * @param {() => void} restyled Called when the page has another theme.
     * @param {() => void} ended
     */
    end(restyled, ended) {
      const off = onThemeChange(() => {
        showTheme();
        restyled();
      });
      return () => {
        off();
        cancelAnimationFrame(drawn);
        model.off("change:sent", acknowledge);
        model.off("comm_live_update", showLost);
        for (const event of heard) model.off(event, showFound);
        for (const name of states) model.off(`change:${name}`, showState);
        ended();
        root.remove();
      };
    },
  };
}

/**
 * Call `pressed` when somebody presses Enter in an input in a place, and in none within that does so
 * by itself. JupyterLab keeps what the key does by itself from the page: a frame brings it to the
 * form, or to whoever waits for a change.
 *
 * @param {HTMLElement} place
 * @param {(field: HTMLInputElement) => void} pressed
 */
export function onEnter(place, pressed) {
  place.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    event.stopPropagation();
    pressed(event.target);
  });
}

/**
 * @param {string} tag
 * @param {string} name
 * @param {HTMLElement} parent
 */
export function element(tag, name, parent) {
  const made = document.createElement(tag);
  made.className = name;
  parent.append(made);
  return made;
}

/**
 * @param {HTMLElement} parent
 * @param {string} text
 * @param {string} title
 * @param {() => void} pressed
 */
export function button(parent, text, title, pressed) {
  const made = /** @type {HTMLButtonElement} */ (element("button", "", parent));
  Object.assign(made, { type: "button", textContent: text, title });
  made.addEventListener("click", pressed);
  return made;
}
