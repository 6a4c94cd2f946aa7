"""The figure of what happened, as lanes on one clock."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from PIL import Image

from resilkit.errors import InvalidArgument
from resilkit.metrics import EventLog
from resilkit.metrics.plots import timeline_figure
from tests.metrics.plots.run import texts
from tests.seen import HOSTILE


def events(*more: tuple[Any, ...]) -> pd.DataFrame:
    log = EventLog()
    for name in ("n1", "n2"):
        log.append(10.0, "node", "started", node=name, target=name)
        log.append(11.0, "node", "running", node=name, target=name)
        log.append(11.5, "node", "reached", node=name, target="n9")
    log.append(14.0, "node", "killed", node="n2", target="n2")
    for time, event, target, detail in more:
        log.append(time, "supervision", event, node="n1", target=target, detail=detail)
    return log.frame()


CRASH = (
    (12.0, "started", "counter", {}),
    (13.0, "terminated", "counter", {"asked": False}),
    (13.1, "restarted", "counter", {}),
    (15.0, "terminated", "counter", {"asked": True}),
)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_as_wide_as_asked_in_both_themes(theme: str) -> None:
    picture = timeline_figure(events(*CRASH), theme=theme, width=700, title="shop")
    image = Image.open(io.BytesIO(picture.to_png())).convert("RGB")
    assert image.width == 700
    assert image.getpixel((2, image.height - 2)) == (
        (255,) * 3 if theme == "light" else (0x14, 0x18, 0x1D)
    )
    assert "time (s)" in texts(picture)


def test_each_node_and_server_is_a_lane_and_the_legend_tells_what_is_drawn() -> None:
    shown = texts(timeline_figure(events(*CRASH), faults=[(12.5, 14.5, "latency", "latency")]))
    assert {"n1", "n2", "counter @ n1", "latency"} <= set(shown)
    assert {"starting", "running", "killed"} <= set(shown)
    assert {"started", "ended by itself", "restarted", "stopped"} <= set(shown)
    assert "reached" not in shown, "whom a node reaches is not what it does"


def test_a_bar_of_a_node_lasts_until_its_next_event_or_the_end() -> None:
    picture = timeline_figure(events(), span=(10.0, 20.0), origin=10.0)
    lane = picture.axes[0]
    bars = [
        (round(float(path.vertices[:, 0].min()), 3), round(float(path.vertices[:, 0].max()), 3))
        for bar in lane.collections
        if isinstance(bar, PolyCollection)
        for path in bar.get_paths()
    ]
    assert sorted(bars) == [(0.0, 1.0), (0.0, 1.0), (1.0, 4.0), (1.0, 10.0), (4.0, 10.0)]


def test_marks_of_what_happened_differ_in_shape() -> None:
    gave_up = ((14.0, "gave_up", "team", {}), (14.2, "start_failed", "counter", {}))
    picture = timeline_figure(events(*CRASH, *gave_up))
    marks = [line.get_marker() for line in picture.axes[1].lines if line.get_marker() != "None"]
    assert len(set(marks)) == len(marks) == 6


def test_alerts_have_a_lane_of_their_kind() -> None:
    log = EventLog()
    log.append(1.0, "alert", "heals_late", target="n1")
    shown = texts(timeline_figure(log.frame()))
    assert {"Alerts", "heals late"} <= set(shown)


def test_more_servers_than_there_is_room_for_share_the_last_lane() -> None:
    many = [(12.0 + n / 100, "started", f"s-{n}", {}) for n in range(60)]
    shown = texts(timeline_figure(events(*many, *((13.0, "restarted", "s-59", {}),) * 3)))
    assert "37 others" in shown
    assert "s-59 @ n1" in shown, "of whom there is most to tell"


def test_names_are_only_text_and_have_room_left_of_the_axes() -> None:
    long = "a-server-with-a-long-name-" * 3
    picture = timeline_figure(
        events((12.0, "started", HOSTILE, {}), (12.5, "started", "$x_1$", {}),
               (13.0, "started", long, {})), width=700,
    )  # fmt: skip
    assert "$x_1$ @ n1" in texts(picture)
    assert "<img" not in picture.to_svg()
    picture.draw_without_rendering()
    assert min(text.get_window_extent().x0 for text in picture.axes[1].texts) >= 0


def test_no_events_at_all_say_so() -> None:
    shown = texts(timeline_figure(EventLog().frame()))
    assert {"no events of nodes", "no supervisor did anything"} <= set(shown)


def test_a_frame_without_its_columns_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"^events: columns are missing"):
        timeline_figure(pd.DataFrame({"time": [1.0]}))
