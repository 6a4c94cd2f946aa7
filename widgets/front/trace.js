// @ts-check
/** The panel of a trace: choose a server, and see who says what to it, as a sequence diagram. */

import "./panel.css";
import "./controls.css";
import "./trace.css";
import { labelled, write } from "./controls.js";
import { button, element, panel } from "./panel.js";
import { Sequence } from "./sequence.js";
import { pageTheme } from "./theme.js";

/** @typedef {{node: string, names: string[]}} Servers */

const GROUPS = [
  ["calls", "Calls", "Calls and requests, with their answers"],
  ["casts", "Casts", "Requests that nobody answers"],
  ["infos", "Infos", "Other messages, timers and publications"],
  ["signals", "Signals", "Exits, notices of monitors, starts and ends"],
];

export default {
  /** @param {import("./panel.js").Context} context */
  render({ model, el }) {
    const { root, tools, body, end } = panel({ model, el }, "Trace");
    const pause = button(tools, "Pause", "Let the diagram stand still; the trace goes on", () => {
      model.set("paused", !model.get("paused"));
      model.save_changes();
    });
    pause.dataset.action = "pause";

    const bar = element("div", "rk-actions rk-trace-bar", body);
    const choice = /** @type {HTMLSelectElement} */ (labelled(bar, "Server", "select"));
    choice.setAttribute("aria-label", "Server");
    const go = button(bar, "Start", "Record the messages of this server", () =>
      model.send(model.get("tracing") ? { do: "stop" } : { do: "start", server: choice.value }),
    );
    go.dataset.action = "go";
    const filters = element("div", "rk-filters", bar);
    filters.setAttribute("role", "group");
    filters.setAttribute("aria-label", "Kinds of message");
    const toggles = GROUPS.map(([name, text, title]) => {
      const made = button(filters, text, title, () => {
        const now = new Set(model.get("groups"));
        now.has(name) ? now.delete(name) : now.add(name);
        model.send({ do: "filter", groups: [...now] });
      });
      made.dataset.group = name;
      return made;
    });
    const counted = element("p", "rk-faint rk-counted", body);
    const none = element("p", "rk-faint rk-none", body);
    const outside = element("p", "rk-faint rk-outside", body);
    const sequence = new Sequence(body, model.get("looks"));

    const showServers = () => {
      /** @type {Servers[]} */
      const servers = model.get("servers");
      const listed = JSON.stringify(servers);
      // An open list that is built anew closes under the hand of whoever chooses.
      if (choice.dataset.listed !== listed) {
        const chosen = choice.value || model.get("server");
        choice.dataset.listed = listed;
        choice.replaceChildren(
          ...servers.map(({ node, names }) => {
            const group = document.createElement("optgroup");
            group.label = node;
            for (const name of names) group.append(new Option(name, name));
            return group;
          }),
        );
        choice.value = chosen;
        if (choice.selectedIndex < 0 && chosen) {
          // Whoever was chosen stays so: it may be back in a moment, and another is not meant.
          choice.prepend(new Option(`${chosen} (not running)`, chosen));
        }
        if (choice.selectedIndex < 0) choice.selectedIndex = 0;
        if (chosen) choice.value = chosen;
      }
      showState();
    };
    const showServer = () => {
      if (model.get("server")) choice.value = model.get("server");
      showState();
    };
    const showState = () => {
      const tracing = Boolean(model.get("tracing"));
      const idle = Boolean(model.get("doing")) || model.get("state") === "over";
      write(go, tracing ? "Stop" : "Start");
      go.disabled = idle || (!tracing && !choice.value);
      choice.disabled = idle;
      const groups = new Set(model.get("groups"));
      for (const each of toggles) {
        each.setAttribute("aria-pressed", String(groups.has(each.dataset.group ?? "")));
        // The last one stays: without any there is nothing to trace.
        each.disabled = idle || (groups.size === 1 && groups.has(each.dataset.group ?? ""));
      }
      pause.hidden = model.get("state") === "over";
      pause.setAttribute("aria-pressed", String(model.get("paused")));
      write(pause, model.get("paused") ? "Go on" : "Pause");
      root.dataset.tracing = String(tracing);
      write(counted, model.get("told"));
      write(
        none,
        model.get("run") ? "No messages yet." : "Choose a server and press Start to see its messages.",
      );
    };
    const show = () => {
      const groups = new Set(model.get("groups"));
      const looks = model.get("looks");
      /** @type {import("./sequence.js").Message[]} */
      const messages = model.get("messages");
      const wanted = messages.filter(({ kind }) => groups.has(looks[kind]?.group ?? "infos"));
      sequence.draw(wanted, pageTheme(), model.get("order"), model.get("outside"));
      write(outside, wanted.length ? model.get("outside") : "");
      none.hidden = wanted.length > 0;
      root.dataset.messages = String(wanted.length);
    };
    const showGroups = () => {
      showState();
      show();
    };

    choice.addEventListener("change", () => {
      if (model.get("tracing")) model.send({ do: "start", server: choice.value });
      showState();
    });
    const heard = {
      servers: showServers, server: showServer, tracing: showState, doing: showState,
      state: showState, paused: showState, told: showState, run: showState, groups: showGroups,
      messages: show, order: show, outside: show,
    };
    for (const [name, listener] of Object.entries(heard)) model.on(`change:${name}`, listener);
    const resized = new ResizeObserver(show);
    resized.observe(body);
    showServers();
    showServer();
    show();
    return end(show, () => {
      resized.disconnect();
      for (const [name, listener] of Object.entries(heard)) model.off(`change:${name}`, listener);
    });
  },
};
