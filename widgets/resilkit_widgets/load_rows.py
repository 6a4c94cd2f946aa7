"""What the workload panel shows of the loads on a cluster."""

from __future__ import annotations

import itertools
import math
import threading
from typing import Any, Final
from weakref import WeakKeyDictionary

from resilkit import Cluster, InvalidArgument
from resilkit.markup import display, note, paragraph, table
from resilkit.metrics.statistics import least_samples
from resilkit.metrics.units import format_value
from resilkit.workload import LoadRun
from resilkit.workload.display import load_state, summary_table
from resilkit.workload.explicit import Explicit
from resilkit.workload.live import LiveFigures, Totals
from resilkit.workload.specs import MOST_RATE, MOST_USERS, Closed, Constant

__all__ = ["LoadRows"]

_MOST_ERRORS: Final = 4
_LONGEST: Final = 160
_ROOM: Final = 4.0
"""How many times the planned rate the slider goes to."""


class LoadRows:
    """Follows the loads of a cluster, those that code has started too."""

    def __init__(self, cluster: Cluster) -> None:
        self._session: Any = cluster._session
        self._shown: WeakKeyDictionary[LoadRun, _Shown] = WeakKeyDictionary()
        self._numbers = itertools.count(1)
        # Ticks come in one thread, cells that end and sliders in others.
        self._lock = threading.Lock()

    @property
    def loads(self) -> list[LoadRun]:
        """Those that run, and the last that have ended."""
        return list(self._session.loads)

    def find(self, number: object) -> LoadRun:
        """Return the load that has a number.

        Raises:
            InvalidArgument: It has gone.
        """
        with self._lock:
            for load, shown in self._shown.items():
                if shown.number == number:
                    return load
        raise InvalidArgument("is no load any more", path="id", value=number)

    def look(self) -> list[dict[str, Any]]:
        """Take in what is new; return a row a load, as plain data."""
        with self._lock:
            return [self._of(load).row for load in self.loads]

    def picture(self) -> str:
        """Return what the loads have done, as HTML that needs nobody; everything is escaped."""
        with self._lock:
            parts = [self._of(load).picture(load) for load in self.loads]
        return "".join(parts) or display("Workload", "", note("No load has run."))

    def _of(self, load: LoadRun) -> _Shown:
        shown = self._shown.get(load)
        if shown is None:
            shown = self._shown[load] = _Shown(load, next(self._numbers))
        shown.look(load)
        return shown


class _Shown:
    """One load, as it was seen last. It does not hold the load."""

    def __init__(self, load: LoadRun, number: int) -> None:
        self.number = number
        self._figures = LiveFigures(origin=load.started, keep=10.0)
        self.row: dict[str, Any] = {}
        self._table = ""
        self._over = False

    def look(self, load: LoadRun) -> None:
        if self._over:
            return
        self._over = load.finished  # before its last rows are taken
        self._figures.take([load])
        totals = self._figures.totals(load)
        sign, words = load_state(load)
        state = "over" if self._over else "stopping" if load.stopping else "running"
        errors = [
            {"text": text[:_LONGEST], "count": f"{count:,}"}
            for text, count in totals.texts.most_common(_MOST_ERRORS)
        ]
        self.row = {
            "id": self.number,
            "state": state,
            "sign": sign,
            "words": words,
            "what": f"{load.workload!r:.300}"[1:].removeprefix("Workload ").removesuffix(">"),
            "lever": None if state != "running" else _lever(load),
            "figures": self._over_all(load, totals) if self._over else self._now(load, totals),
            "errors": errors,
            "kinds": len(totals.texts),
            "incomplete": load.incomplete,
        }

    def _now(self, load: LoadRun, totals: Totals) -> list[dict[str, str]]:
        now = load._session.clock.now()
        curves = self._figures.curves(now=now, since=now - 2.0)
        ok, errors, p95 = (
            float(values[-1]) if values.size else math.nan
            for values in (curves.throughput, curves.errors, curves.p95)
        )
        # An open loop has no users: operations come when they come.
        wanted = ("users", f"{load.users:,}") if load.rate is None else (
            "intended/s", _rate(load.rate),
        )  # fmt: skip
        last, so_far = "last second", "so far"
        return [
            _figure(*wanted, "now"),
            _figure("ok/s", _rate(ok), last),
            _figure("errors/s", _rate(errors), last),
            _figure("p95 of ok", "–" if math.isnan(p95) else format_value(p95, "s"), last),
            _figure("waiting > 1 s", f"{load.overdue:,}", "now"),
            _figure("operations", f"{len(load.history):,}", so_far),
            _figure("not ok", _share(totals), so_far),
        ]

    def _over_all(self, load: LoadRun, totals: Totals) -> list[dict[str, str]]:
        shares = (0.5, 0.95, 0.99)
        # As in a summary: a percentile of too few is no figure.
        p50, p95, p99 = (
            format_value(value, "s") if totals.latency.count >= least_samples(share) else "–"
            for share, value in zip(shares, totals.latency.percentiles(shares), strict=True)
        )
        seconds = load.elapsed
        shown = {
            "operations": f"{len(load.history):,}",
            "ok/s": _rate(totals.ok / seconds if seconds else math.nan),
            "not ok": _share(totals),
            "unknown": f"{totals.info:,}",
            "p50 of ok": p50,
            "p95 of ok": p95,
            "p99 of ok": p99,
        }
        return [_figure(name, text, "whole load") for name, text in shown.items()]

    def picture(self, load: LoadRun) -> str:
        row = self.row
        if self._over and len(load.history):
            # Once: it goes through all that there is.
            body = self._table = self._table or summary_table(load.summary())
        else:
            heads = [f"{each['name']}, {each['over']}" for each in row["figures"]]
            told = [each["text"] for each in row["figures"]]
            body = table(heads, [told], numbers=range(len(heads)))
        errors = (paragraph(f"{each['count']} × {each['text']}") for each in row["errors"])
        return display(
            "Workload", f"{row['sign']} {row['words']}", note(row["what"]), body, *errors
        )


def _lever(load: LoadRun) -> dict[str, Any] | None:
    """Return what can be changed while it runs: the rate, the users, or the factor of a plan.

    Of a list of operations nothing can.
    """
    arrivals = load.workload.arrivals
    if isinstance(arrivals, Explicit):
        return None
    if isinstance(arrivals, Constant):
        return _slider("rate", "operations/s", load.rate, arrivals.rate, MOST_RATE)
    if isinstance(arrivals, Closed) and not arrivals.ramped:
        return _slider("users", "users", load.users, arrivals.most, MOST_USERS)
    limit = MOST_USERS if isinstance(arrivals, Closed) else MOST_RATE
    return _slider("factor", "× the plan", load.factor, 1.0, limit / arrivals.most)


def _slider(
    kind: str, unit: str, value: float | None, planned: float, limit: float
) -> dict[str, Any]:
    """Return a lever; its slider goes from 0 to a round number a few times the plan."""
    wide = planned * _ROOM
    power = 10.0 ** math.floor(math.log10(wide))
    most = next(each * power for each in (1, 2, 5, 10) if each * power >= wide)
    most = min(most, limit)
    step = 1.0 if kind == "users" else 10.0 ** (math.floor(math.log10(most)) - 2)
    shown = round(value or 0.0, 6)
    return {
        "kind": kind, "unit": unit, "value": shown, "most": most, "step": step, "limit": limit,
    }  # fmt: skip


def _figure(name: str, text: str, over: str) -> dict[str, str]:
    """Return a figure with what it is over: without that, two panels seem to contradict."""
    return {"name": name, "text": text, "over": over}


def _rate(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if value >= 100 or value.is_integer() else f"{value:.3g}"


def _share(totals: Totals) -> str:
    known = totals.ok + totals.fail + totals.info
    return f"{(known - totals.ok) / known * 100:.3g} %" if known else "–"
