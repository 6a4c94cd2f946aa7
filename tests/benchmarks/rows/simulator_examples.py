"""One hundred Hypothesis examples, each on a simulated cluster of its own."""

from __future__ import annotations

from time import process_time
from typing import Any

import resilkit as rk
from tests.benchmarks.contest import Aim, Row

__all__ = ["ROWS"]

EXAMPLES = 100
OPERATIONS = 5


class Counter(rk.Server):
    """Counts."""

    def init(self, start: int = 0) -> None:
        """Begin somewhere."""
        self.value = start

    def increment(self, by: int = 1) -> int:
        """Add, and return the sum."""
        self.value += by
        return self.value

    def get(self) -> int:
        """Return the sum."""
        return self.value


def resilkit(seconds: float) -> float:
    """Draw operations, start three nodes with a counter each, do and check them, close."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    counters = rk.SupervisorSpec(
        "counters",
        [rk.ChildSpec(Counter, name=f"counter-{number}", args=(number,)) for number in range(3)],
    )
    checked = 0
    operations = st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 9) | st.none()),
        min_size=OPERATIONS,
        max_size=OPERATIONS,
    )

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(seed=st.integers(0, 2**32), drawn=operations)
    def examples(seed: int, drawn: list[tuple[int, int | None]]) -> None:
        nonlocal checked
        sums = [0, 1, 2]
        with rk.Cluster(nodes=3, backend="simulation", seed=seed) as cluster:
            cluster.start(counters)
            for which, by in drawn:
                counter: Any = cluster.whereis(f"counter-{which}")
                if by is None:
                    assert counter.call.get() == sums[which]
                else:
                    sums[which] += by
                    assert counter.call.increment(by=by) == sums[which]
        checked += 1

    examples()  # warm: imports, caches
    checked, start = 0, process_time()
    while (spent := process_time() - start) < seconds or not checked:
        examples()
    return spent * EXAMPLES / checked


ROWS = (
    Row(
        name="simulator-examples",
        title="simulator, 100 Hypothesis examples on 3 nodes (CPU)",
        unit="seconds",
        contestants={"resilkit": resilkit},
        aims=(Aim(None, 1.0),),
    ),
)
