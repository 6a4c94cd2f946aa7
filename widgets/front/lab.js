// @ts-check
/** The bar on top of a lab: what it is of, and buttons that show and hide its panels. */

import "./panel.css";
import "./lab.css";
import { button, element, panel } from "./panel.js";
import { write } from "./controls.js";

export default {
  /** @param {import("./panel.js").Context} context */
  render({ model, el }) {
    const { root, tools, end } = panel({ model, el }, "resilkit lab", "lab");
    root.classList.add("rk-lab-bar");
    const status = element("span", "rk-lab-status", tools);
    status.setAttribute("role", "status");
    const group = element("div", "rk-chips", tools);
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Panels that are shown");
    const chips = model.get("names").map(([name, title]) => {
      const chip = button(group, title, "", () => {
        const chosen = model.get("chosen");
        model.set(
          "chosen",
          chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name],
        );
        model.save_changes();
      });
      chip.dataset.panel = name;
      chip.dataset.title = title;
      return chip;
    });
    const show = () => {
      write(status, model.get("status"));
      for (const chip of chips) {
        const there = model.get("there").includes(chip.dataset.panel);
        const pressed = there && model.get("chosen").includes(chip.dataset.panel);
        chip.setAttribute("aria-pressed", String(pressed));
        chip.disabled = !there || model.get("state") === "over";
        const { title } = chip.dataset;
        chip.title = there ? `Show or hide: ${title}` : `${title} comes ${model.get("until")}`;
      }
    };
    const heard = ["status", "chosen", "there", "until", "state"];
    for (const name of heard) model.on(`change:${name}`, show);
    show();
    return end(show, () => {
      for (const name of heard) model.off(`change:${name}`, show);
    });
  },
};
