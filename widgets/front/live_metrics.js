// @ts-check
/** The panel of live metrics: memory, queues and more as streaming charts with fault bands. */

import "uplot/dist/uPlot.min.css";
import "./panel.css";
import { bandNames } from "./band_names.js";
import { Charts } from "./charts.js";
import { decode } from "./frames.js";
import { button, element, panel } from "./panel.js";
import { watching } from "./watching.js";

export default {
  /** @param {import("./panel.js").Context} context */
  render({ model, el }) {
    const { root, tools, body, end } = panel({ model, el }, "Live metrics");
    const marks = () => ({
      thresholds: model.get("thresholds") ?? [],
      alerts: model.get("alerts") ?? [],
      anomalies: model.get("anomalies") ?? [],
    });
    const endWatching = watching(model, body);
    const place = element("div", "rk-charts", body);
    const nameBands = bandNames(body);
    const charts = new Charts(place, () => model.get("bands"), marks, (shown, zoomed) => {
      if (zoomed) root.dataset.zoomed = shown.map((each) => each.toFixed(1)).join(" ");
      else delete root.dataset.zoomed;
      nameBands(model.get("bands"), shown);
    });
    let due = 0;
    let frames = 0;

    const follow = button(tools, "Follow", "Show the newest samples again", () => charts.show(null));
    const pause = button(tools, "Pause", "Let the charts stand still", () => {
      model.set("paused", !model.get("paused"));
      model.save_changes();
    });

    const build = () => {
      charts.build(model.get("arrangement"));
      charts.look(); // in the colours of the page
      schedule();
    };
    const draw = () => {
      due = 0;
      const frame = decode(model.get("frame"));
      if (!frame) return;
      if (frame.layout === charts.layout?.id) {
        charts.draw(frame);
        frames += 1;
        root.dataset.frames = String(frames);
        root.dataset.sequence = String(frame.sequence);
      }
    };
    const schedule = () => {
      due ||= requestAnimationFrame(draw);
    };
    const showPaused = () => {
      pause.setAttribute("aria-pressed", String(model.get("paused")));
      pause.textContent = model.get("paused") ? "Go on" : "Pause";
    };
    const shade = () => {
      const bands = model.get("bands");
      root.dataset.bands = String(bands.length);
      root.dataset.standing = String(bands.filter(({ end }) => end === null).length);
      charts.redraw();
      charts.look();
    };

    const mark = () => {
      const { thresholds, alerts, anomalies } = marks();
      root.dataset.thresholds = String(thresholds.length);
      root.dataset.alerts = String(alerts.filter(({ end }) => end === null).length);
      root.dataset.anomalies = String(anomalies.length);
      charts.redraw();
    };

    place.addEventListener("dblclick", () => charts.show(null));
    const marked = { thresholds: mark, alerts: mark, anomalies: mark };
    const heard = { arrangement: build, frame: schedule, bands: shade, paused: showPaused, ...marked };
    for (const [name, listener] of Object.entries(heard)) model.on(`change:${name}`, listener);
    follow.dataset.action = "follow";
    pause.dataset.action = "pause";
    showPaused();
    build();
    shade();
    mark();

    return end(build, () => {
      cancelAnimationFrame(due);
      for (const [name, listener] of Object.entries(heard)) model.off(`change:${name}`, listener);
      endWatching();
      charts.destroy();
    });
  },
};
