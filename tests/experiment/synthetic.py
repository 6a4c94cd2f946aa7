"""Results made of numbers alone, so that showing and keeping them needs no cluster."""

from __future__ import annotations

import json

import pandas as pd

from resilkit.experiment import Audit, Result
from resilkit.experiment.frames import EVENT_COLUMNS, Events, Metrics
from resilkit.experiment.verdicts import verdict_frame
from resilkit.history import History
from resilkit.metrics.units import unit_of
from resilkit.rng import stream

HOSTILE = "<script>alert(1)</script>"
KEPT = "1,203 acknowledged writes, none lost."
MATHS = "$x_1$ & \"'`{{ 7*7 }}"


def history(
    *,
    seconds: float = 20.0,
    rate: float = 200.0,
    seed: int = 7,
    names: tuple[str, ...] = ("get", "put"),
) -> History:
    rng = stream(seed, "synthetic")
    rows = []
    for number in range(int(seconds * rate)):
        intended = number / rate
        down = 8.0 <= intended < 9.2
        response = rng.lognormvariate(-5.3, 0.4) + (0.15 if 8.0 <= intended < 10.0 else 0.0)
        status = "info" if down and rng.random() < 0.7 else "ok"
        error = "CallTimeout: no reply in 1 s" if status == "info" else ""
        name = names[0] if rng.random() < 0.7 else names[1]
        done = intended + (1.0 if error else response)
        value = {"version": (number, "n1")} if name == names[1] else number
        rows.append(
            (name, number % 9, "@g1", intended, intended + 0.0004, done, status, error, value)
        )
    return History(rows)


def events(target: str = "n2", *, many: int = 0) -> Events:
    crash = json.dumps({"fault": "node_crash", "id": "node_crash-1", "outcome": "delivered"})
    slow = json.dumps({"fault": "latency", "id": "latency-2", "low": 0.02, "high": 0.2})
    rows = [
        (-0.4, "node", "up", "n1", "", "{}"),
        (-0.4, "node", "up", target, "", "{}"),
        (5.0, "fault", "injected", "n1", "n3", slow),
        (7.0, "fault", "healed", "n1", "n3", slow),
        (8.0, "fault", "injected", target, "", crash),
        (8.02, "node", "down", target, "", json.dumps({"reason": "killed", "signal": 9})),
        (8.1, "supervision", "restarted", "n1", "store-2", json.dumps({"attempt": 1})),
        (9.0, "node", "up", target, "", json.dumps({"incarnation": 2})),
        (9.0, "fault", "healed", target, "", crash),
        *((9.0 + i / 100, "supervision", "restarted", "n1", f"s{i}", "{}") for i in range(many)),
    ]
    return Events(pd.DataFrame(rows, columns=list(EVENT_COLUMNS)))


def metrics(server: str = "store", *, seconds: float = 20.0) -> Metrics:
    rng = stream(3, "metrics")
    frames = {}
    levels = {"memory_rss": 48e6, "cpu": 0.4, "queue_length": 3.0, "loop_lag": 0.001}
    for name, level in levels.items():
        rows = [
            (step / 5, f"n{node}", server if name == "queue_length" else "", value)
            for step in range(int(seconds * 5))
            for node in (1, 2, 3)
            for value in [level * (1 + 0.1 * rng.random() + (2 if 40 <= step < 46 else 0))]
        ]
        frame = pd.DataFrame(rows, columns=["time", "node", "server", "value"])
        frame = frame.astype({"node": "category", "server": "category"})
        frame.attrs.update(metric=name, unit=unit_of(name))
        frames[name] = frame
    return Metrics(frames)


def verdicts(*words: str) -> pd.DataFrame:
    rows = [
        {"criterion": "availability >= 0.8", "measured": 0.957, "low": 0.95, "high": 0.963,
         "n": 4000, "verdict": "pass", "unit": "share", "reason": ""},
        {"criterion": "p95 <= 100 ms", "measured": 0.163, "low": 0.155, "high": 0.17,
         "n": 3828, "verdict": "fail", "unit": "s", "reason": "all of it is above the limit"},
        {"criterion": "p99.9[put] < 200 ms", "measured": None, "low": None, "high": None,
         "n": 1140, "verdict": "inconclusive", "unit": "s",
         "reason": "needs 3,688 samples for a 95 % interval"},
    ]  # fmt: skip
    wanted = words or ("pass", "fail", "inconclusive")
    return verdict_frame([row for row in rows if row["verdict"] in wanted])


def result(**changes: object) -> Result:
    parts: dict[str, object] = {
        "name": "progressive node failures",
        "seed": 7,
        "duration": 20.0,
        "ran": 20.0,
        "verdicts": verdicts(),
        "history": history(),
        "events": events(),
        "metrics": metrics(),
        "generators": pd.DataFrame([{"generator": "@g1", "dropped": 3, "send_lag_max": 0.0021}]),
        "consistency": Audit(share=1.0, n=1203, valid=True, summary=KEPT),
        "description": {"cluster": {"nodes": 3, "topology": "mesh"}, "scenario": {"name": "crash"}},
        "environment": {
            "started": "2026-01-02T03:04:05+00:00", "resilkit": "0.1.0", "python": "CPython 3.11.7",
            "system": "Linux 6.1", "machine": "x86_64", "cores": 8, "memory_bytes": 16 * 2**30,
            "packages": {"numpy": "2.0", "pandas": "2.2"},
        },
        "rerun": "resilkit demo --seconds 20 --seed 7",
    }  # fmt: skip
    return Result(**{**parts, **changes})  # type: ignore[arg-type]


def hostile_result() -> Result:
    """Every text that a person or a system can choose is an attack."""
    table = verdicts()
    table["criterion"] = f"p95[{HOSTILE}] <= 1 s"
    table["reason"] = MATHS
    base = history(names=(HOSTILE, MATHS))
    rows = [(*row.as_tuple()[:7], HOSTILE if row.status == "info" else "", HOSTILE) for row in base]
    return result(
        name=f"{HOSTILE} {MATHS}",
        verdicts=table,
        history=History(rows),
        events=events(HOSTILE),
        metrics=metrics(f"{HOSTILE}{MATHS}"),
        problems=(HOSTILE,),
        consistency=Audit(share=0.5, n=2, summary=HOSTILE),
        description={"cluster": {"nodes": [HOSTILE]}, HOSTILE: MATHS},
        environment={"started": HOSTILE, HOSTILE: HOSTILE},
        rerun=f"resilkit run {HOSTILE}",
    )
