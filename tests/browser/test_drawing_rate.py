"""How often the live metrics are drawn: measured over seconds, with all that a chart can have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from resilkit_widgets.frames import pack
from tests.browser.modules import ModulePage, sent

Module = Callable[..., ModulePage]

SERIES = 20
POINTS = 600
SECONDS = 2.0
WINDOWS = 8
LEAST_HZ = 10.0

# A new frame every 25 ms, as from a kernel that never waits; and what came of them.
_MEASURE = """async ([frames, seconds]) => {
  const root = document.querySelector(".rk-panel");
  const made = frames.map((each) => window.traitOf(each));
  const count = () => Number(root.dataset.frames);
  const [before, start] = [count(), performance.now()];
  let sent = 0;
  await new Promise((done) => {
    const timer = setInterval(() => {
      window.model.set("frame", made[sent % made.length]);
      sent += 1;
      if (performance.now() - start >= seconds * 1000) {
        clearInterval(timer);
        done();
      }
    }, 25);
  });
  return { drawn: count() - before, seconds: (performance.now() - start) / 1000 };
}"""


def line(column: int) -> dict[str, Any]:
    return {"name": f"server-{column}", "column": column, "style": column if column < 6 else -1}


def chart(metric: str, columns: range) -> dict[str, Any]:
    lines = [line(column) for column in columns]
    return {"title": metric, "unit": "u", "metric": metric, "factor": 1.0, "lines": lines}


def frame(number: int) -> bytes:
    values = np.random.default_rng(number).normal(100.0, 10.0, (SERIES, POINTS))
    axis = np.linspace(number * 0.1, 60.0 + number * 0.1, POINTS)
    return pack(number + 1, 1, axis, values.astype(np.float32))


def test_twenty_lines_are_drawn_ten_times_a_second_and_more(module: Module) -> None:
    threshold = {"text": "queue_length > 120", "metric": "queue_length", "limit": 120.0}
    alert = {"what": "queue_length > 120", "where": "a", "value": "130", "why": "", "end": None}
    about = {"metric": "queue_length", "limit": 120.0}
    made = module(
        "live_metrics",
        width=1200,
        arrangement={
            "id": 1,
            "window": 60.0,
            "charts": [chart("queue_length", range(10)), chart("cpu", range(10, SERIES))],
        },
        bands=[{"start": 10.0, "end": 30.0, "label": "latency", "colour": 0}],
        thresholds=[threshold | {"above": True, "hold": 0.0, "standing": ["a"]}],
        alerts=[alert | about | {"time": 5.0 * number} for number in range(8)],
        anomalies=[],
        chosen={"nodes": None, "servers": None},
        known={"nodes": [], "servers": []},
        answer={},
        paused=False,
        frame=frame(0),
        sent=1,
    )
    made.wait("root.dataset.frames === '1'")
    frames = [sent(frame(number)) for number in range(20)]
    rates = []
    for _ in range(WINDOWS):  # others' load on the machine can only make it slower
        measured = made.page.evaluate(_MEASURE, [frames, SECONDS])
        assert measured["seconds"] >= SECONDS
        rates.append(measured["drawn"] / measured["seconds"])
        if rates[-1] >= LEAST_HZ:
            break
    assert max(rates) >= LEAST_HZ, rates
