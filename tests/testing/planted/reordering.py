"""Reordering assumed away: a display shows what came last, which is not what was said last."""

from __future__ import annotations

import resilkit as rk
from resilkit.rng import stream
from resilkit.testing import Call, Trial


class Source(rk.Server):
    """Says what the time is: a number that grows."""

    def init(self):
        self.display = self.whereis("display")
        self.number = 0

    def tick(self):
        self.number += 1
        self.display.cast.show(self.number)
        return self.number


class Display(rk.Server):
    """Shows what it is told."""

    def init(self, careful):
        self.careful = careful
        self.shown = [0]

    def show(self, number):
        if self.careful and number <= self.shown[-1]:
            return
        self.shown.append(number)

    def all(self):
        return self.shown


def never_goes_back(cluster):
    """What is shown grows."""
    shown = cluster.whereis("display").call.all()
    return shown == sorted(shown)


def trial(seed, *, fixed):
    chance = stream(seed, "reordering")
    faults = [
        rk.faults.Reorder(share=round(chance.uniform(0.2, 0.8), 1), window=0.05),
        rk.faults.Latency(0.0, 0.01),
    ]
    return Trial(
        {"n1": [rk.ChildSpec(Source, name="source")],
         "n2": [rk.ChildSpec(Display, name="display", args=(fixed,))]},
        [Call("tick") for _ in range(chance.randint(2, 12))],
        faults=faults[: chance.randint(1, 2)], seed=seed, nodes=2, invariants=[never_goes_back],
    )  # fmt: skip
