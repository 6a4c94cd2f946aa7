"""Evidence made by hand, for tests of criteria."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from resilkit.errors import InvalidArgument


def operations(rows: Iterable[tuple[str, float, float, str]]) -> pd.DataFrame:
    """A history's frame from (operation, intended, response, status)."""
    frame = pd.DataFrame(list(rows), columns=["operation", "intended", "response", "status"])
    frame["sent"] = frame["intended"]
    frame["done"] = frame["intended"] + frame["response"]
    frame["service"] = frame["response"]
    frame["error"] = ""
    return frame.astype({"intended": float, "response": float, "done": float})


def steady(
    count: int = 1000,
    *,
    rate: float = 100.0,
    response: float = 0.01,
    errors: int = 0,
    operation: str = "get",
) -> pd.DataFrame:
    """`count` operations at even distances, the last `errors` of which failed."""
    return operations(
        (operation, number / rate, response, "fail" if number >= count - errors else "ok")
        for number in range(count)
    )  # fmt: skip


def events(rows: Iterable[tuple[float, str, str, str, str, Mapping[str, object]]]) -> pd.DataFrame:
    """An event log's frame from (time, kind, event, node, target, detail)."""
    columns = ["time", "kind", "event", "node", "target", "detail"]
    return pd.DataFrame([(*row[:5], json.dumps(row[5])) for row in rows], columns=columns)


def samples(rows: Iterable[tuple[float, str, str, float]]) -> pd.DataFrame:
    """A metric's frame from (time, node, server, value)."""
    frame = pd.DataFrame(list(rows), columns=["time", "node", "server", "value"])
    return frame.astype({"node": "category", "server": "category"})


@dataclass
class Observed:
    operations: pd.DataFrame = field(default_factory=lambda: operations([]))
    events: pd.DataFrame = field(default_factory=lambda: events([]))
    metrics: dict[str, pd.DataFrame] = field(default_factory=dict)
    started: float = 0.0
    duration: float = 10.0
    consistency: tuple[float, int] | None = None
    memory_limit_bytes: int | dict[str, int] | None = None

    def metric(self, name: str) -> pd.DataFrame:
        if name not in self.metrics:
            raise InvalidArgument("no such metric", path="metric", value=name)
        return self.metrics[name]
