from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from resilkit.errors import InvalidArgument
from resilkit.metrics import EventLog

COLUMNS = ["time", "kind", "event", "node", "target", "detail"]


def test_events_come_back_sorted_by_time_in_columns() -> None:
    log = EventLog()
    log.append(3.0, "node", "down", node="n2")
    log.append(1.0, "fault", "injected", node="n1", target="latency", detail={"low": 0.1})
    log.append(3.0, "node", "up", node="n2")
    frame = log.frame()
    assert list(frame.columns) == COLUMNS
    assert frame["event"].tolist() == ["injected", "down", "up"]
    assert frame.iloc[0].tolist() == [1.0, "fault", "injected", "n1", "latency", '{"low": 0.1}']
    assert frame.iloc[1].tolist() == [3.0, "node", "down", "n2", "", "{}"]
    assert [event.event for event in log] == ["down", "injected", "up"]


@pytest.mark.parametrize("kind", ["fault", "faults"])
def test_one_kind_is_picked_by_its_singular_or_plural(kind: str) -> None:
    log = EventLog()
    log.append(1.0, "fault", "injected")
    log.append(2.0, "node", "down")
    assert log.frame(kind)["event"].tolist() == ["injected"]
    assert log.frame(kind, since=1.5).empty


def test_a_kind_without_events_is_an_empty_frame_with_columns() -> None:
    frame = EventLog().frame("supervision")
    assert list(frame.columns) == COLUMNS
    assert frame.empty


def test_a_misspelt_kind_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="supervision"):
        EventLog().frame("supervison")


def test_a_kind_of_ones_own_is_kept() -> None:
    log = EventLog()
    log.append(1.0, "bus", "late")
    assert log.frame("bus")["event"].tolist() == ["late"]


def test_a_look_after_a_mark_tells_what_is_new_and_still_kept() -> None:
    log = EventLog(max_rows=3)
    log.append(1.0, "node", "up")
    mark, rows = log.after(0)
    assert [row.event for row in rows] == ["up"]
    assert log.after(mark) == (mark, [])
    for each in range(5):
        log.append(2.0, "node", f"e{each}")
    mark, rows = log.after(mark)
    assert [row.event for row in rows] == ["e2", "e3", "e4"]
    assert log.after(mark) == (mark, [])


def test_the_oldest_events_are_dropped_and_counted() -> None:
    log = EventLog(max_rows=3)
    for place in range(10):
        log.append(place, "node", f"e{place}")
    assert log.frame()["event"].tolist() == ["e7", "e8", "e9"]
    assert (len(log), log.dropped) == (3, 7)


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


LOOP: dict[str, object] = {}
LOOP["self"] = LOOP


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ({"reason": ("shutdown", 1)}, {"reason": ["shutdown", 1]}),
        ({"reason": ValueError("x")}, {"reason": "ValueError('x')"}),
        ({"who": {"n3", "n1", "n2"}}, {"who": ["n1", "n2", "n3"]}),
        ({"share": math.nan}, {"share": "nan"}),
        ({(1, 2): 3}, {"(1, 2)": "3"}),
        ({"x": Hostile()}, {"x": "<Hostile, whose repr raised RuntimeError>"}),
        (LOOP, {"self": "{'self': {...}}"}),
    ],
)
def test_any_detail_becomes_json(detail: Mapping[str, object], shown: object) -> None:
    log = EventLog()
    log.append(1.0, "node", "down", detail=detail)
    assert json.loads(log.frame()["detail"][0]) == shown


def test_a_huge_detail_is_cut_but_stays_json() -> None:
    log = EventLog()
    log.append(1.0, "node", "down", detail={"text": 'é"' * 100_000})
    text = log.frame()["detail"][0]
    assert len(text) <= 8192
    assert "é" in json.loads(text)["cut"]


def test_a_detail_is_taken_as_it_was() -> None:
    log, detail = EventLog(), {"count": 1}
    log.append(1.0, "node", "down", detail=detail)
    detail["count"] = 2
    assert log.frame()["detail"][0] == '{"count": 1}'


@pytest.mark.parametrize("time", [math.nan, math.inf])
def test_an_event_without_a_time_is_refused(time: float) -> None:
    with pytest.raises(InvalidArgument, match="time"):
        EventLog().append(time, "node", "down")


def test_texts_that_no_file_takes_or_that_are_missing_are_made_clean(tmp_path: Path) -> None:
    log = EventLog()
    log.append(1.0, "node", "caf\udce9", node=None, target=math.nan, detail={"why": "x\ud800"})  # type: ignore[arg-type]
    (row,) = log.frame().to_dict("records")
    assert (row["event"], row["node"], row["target"]) == ("caf\ufffd", "", "")
    assert row["detail"] == '{"why": "x\ufffd"}'
    log.export(tmp_path / "events.parquet")
    assert pd.read_parquet(tmp_path / "events.parquet")["event"].tolist() == ["caf\ufffd"]
