// @ts-check
/** The panel of chaos: faults and scenarios to put in, scenarios that run, and what is in. */

import "./panel.css";
import "./controls.css";
import "./chaos.css";
import { faultForm } from "./fault_form.js";
import { injectionsPart } from "./injections.js";
import { button, element, panel } from "./panel.js";
import { runsPart } from "./runs.js";
import { scenarioPart } from "./scenario.js";
import { tabs } from "./tabs.js";

export default {
  /** @param {import("./panel.js").Context} context */
  render({ model, el }) {
    const { tools, body, end } = panel({ model, el }, "Chaos");
    const healAll = button(tools, "Heal all", "Take back every fault that is in, and end scenarios", () =>
      model.send({ do: "heal_all" }),
    );
    const [faultTab, scenarioTab] = tabs(element("div", "rk-chaos", body), ["One fault", "Scenario"]);
    const fault = faultForm(faultTab, model);
    const scenario = scenarioPart(scenarioTab, model);
    const runs = runsPart(body, model);
    const injections = injectionsPart(body, model);

    const show = () => {
      const idle = model.get("injections").length === 0;
      healAll.disabled = idle || model.get("state") === "over";
      fault.show();
      scenario.show();
      runs.show();
      injections.show();
    };
    const heard = {
      problems: fault.showProblems,
      draft: scenario.drafted,
      places: fault.showPlaces,
      // What works here may change what is right.
      lacking: () => {
        fault.showLacking();
        scenario.check();
      },
      runs: show,
      injections: show,
      doing: show,
      state: show,
    };
    for (const [name, listener] of Object.entries(heard)) model.on(`change:${name}`, listener);
    fault.showProblems();
    show();
    const restyle = () => {
      scenario.restyle();
      runs.restyle();
    };
    return end(restyle, () => {
      scenario.end();
      runs.end();
      injections.end();
      for (const [name, listener] of Object.entries(heard)) model.off(`change:${name}`, listener);
    });
  },
};
