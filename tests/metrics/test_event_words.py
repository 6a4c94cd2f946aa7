"""What an event did, in words for a person."""

from __future__ import annotations

import json
from typing import Any

import pytest

from resilkit.metrics.event_words import detail_words


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ({"id": "server_crash-2", "fault": "server_crash",
          "parameters": {"server_crash": {"share": 0.01, "at": 0.001, "for": 5, "targets": "w1"}},
          "outcomes": {"w1": "armed"}},
         "server crash: share 1 %, for 5 s, w1 armed"),
        ({"id": "partition-2", "fault": "partition",
          "parameters": {"partition": {"kind": "one", "at": 5.0, "every": 5.0, "count": 2}},
          "cuts": ["n1->n2", "n2->n1", "n2->n3"]},
         "partition: kind one"),
        ({"fault": "loss", "parameters": {"loss": {"share": 0.1, "random": True, "every": 2.0}}},
         "loss: share 10 %"),
        ({"fault": "latency", "links": ["n1-n2"], "touched": 1200},
         "latency, touched 1,200 messages"),
        ({"fault": "latency",
          "parameters": {"latency": {"low": 0.02, "high": 0.2, "probability": 0.1}}},
         "latency: low 20 ms, high 200 ms, probability 10 %"),
        ({"fault": "loss", "parameters": {"loss": {"at": 1.0, "probability": 1.0}}}, "loss"),
        ({"fault": "memory", "reached": {"n1": {"limit_bytes": 2**30, "share": 0.5}},
          "built_up_after": 2.0020000001},
         "memory, reached n1 (limit 1 GiB, share 50 %), built up after 2 s"),
        ({"fault": "slow_node", "parameters": {"slow_node": {"factor": 10.0}}, "back": [],
          "slowed": {"n1": 9.912, "n2": None}},
         "slow node: factor 10, n1 9.91 times slower"),
        ({"fault": "slow_node", "slowed": {"n2": None}}, "slow node"),
        ({"fault": "clock_skew", "pids": {"n1": 7}, "back": [],
          "parameters": {"clock_skew": {"offset": -0.5, "drift": 0.0002, "targets": "n1"}}},
         "clock skew: offset -500 ms, drift 0.0002 s/s"),
        ({"fault": "loss", "touched": None, "why": "n3 is killed"}, "loss, n3 is killed"),
        ({"id": "node_crash-1", "fault": "node_crash", "back": ["n1"]}, "node crash, back: n1"),
        ({"pid": 8, "incarnation": 2, "signal": 99, "error": "", "restarting": True},
         "process 8, its start no. 2, by signal 99, is started again"),
        ({"supervisor": "pool", "restarts": 0, "ramp": 0.5, "deep": {"on": False}},
         "below pool, ramp 500 ms, deep on no"),
        ({"fault": "memory", "parameters": {"memory": {"share": 0.3, "limit_bytes": 2**30}},
          "reached": {"n2": {"limit_bytes": 1094328320, "used_bytes": 328298496, "share": 0.3},
                      "n3": {"limit_bytes": 1094328320, "used_bytes": None, "share": 0.3}},
          "built_up_after": 0.8780000000006112},
         ("memory: share 30 %, limit 1 GiB, reached n2 (limit 1.02 GiB, used 313 MiB, share 30 %), "
          "n3 (limit 1.02 GiB, used unknown, share 30 %), built up after 878 ms")),
        ({"fault": "memory", "left": {"n2": {"used_bytes": 20586496}}},
         "memory, left n2 (used 19.6 MiB)"),
        ({"fault": "bandwidth", "parameters": {"bandwidth": {"bytes_per_second": 1048576}},
          "touched": 1},
         "bandwidth: 1 MiB/s, touched 1 message"),
        ({"fault": "cpu", "reached": {"n1": {"share": None}},
          "short": {"n1": {"part": None, "why": "nobody knows"}, "n2": {"part": 0.5, "why": "no"}}},
         "cpu, reached n1 (share unknown), less than was asked: nobody knows, on n1; no, on n2"),
        ({"short": {"n1": 3}}, "less than was asked: 3, on n1"),
        ({"short": 3}, "3"),
        ({"id": "server_crash-4", "seconds": 0.002572}, "2.57 ms"),
        ({"fault": "server_crash", "recovery_times": [0.002572, 1.5], "asked": False},
         "server crash, recovery times 2.57 ms, 1.5 s"),
        ({"fault": "supervisor_children", "killed": 3, "restarted": 2, "failed_to_restart": 0},
         "supervisor children, killed 3, restarted 2, failed to restart 0, 1 not back by then"),
        ({"killed": 5, "restarted": 1, "failed_to_restart": 1},
         "killed 5, restarted 1, failed to restart 1, 4 not back by then"),
        ({"killed": 3, "restarted": 2, "failed_to_restart": 4},
         "killed 3, restarted 2, failed to restart 4, 1 not back by then"),
        ({"killed": 3, "restarted": 3}, "killed 3, restarted 3"),
        ({"killed": "odd", "restarted": None}, "killed odd"),
        ({"measured": 0.0683512, "unit": "share"}, "measured 6.84 %"),
        ({"measured": 0.25, "unit": "s"}, "measured 250 ms"),
        ({"measured": "odd", "unit": 3}, "measured odd, unit 3"),
        ({"fault": "x", "parameters": 3, "outcomes": 5, "cuts": 1, "touched": "y"},
         "x, 5, touched y"),
    ],
)  # fmt: skip
def test_details_are_told_for_a_person(detail: dict[str, Any], words: str) -> None:
    assert detail_words(json.dumps(detail)) == words
