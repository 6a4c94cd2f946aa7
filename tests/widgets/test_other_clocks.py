"""Panels of a cluster whose clock is not the machine's: what is now there is now for them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import resilkit as rk
from resilkit_widgets.load_lines import LoadLines
from resilkit_widgets.load_rows import LoadRows
from tests.cluster.clocks import ahead_of_the_machine
from tests.cluster.harm import wait_until
from tests.workload.desk import Desk


@pytest.fixture(scope="module", params=[100.0, -100.0], ids=["ahead", "behind"])
def cluster(request: pytest.FixtureRequest) -> Iterator[rk.Cluster]:
    with ahead_of_the_machine(request.param), rk.Cluster(nodes=1) as cluster:
        cluster.start(Desk, name="desk")
        yield cluster


@pytest.fixture
def load(cluster: rk.Cluster) -> Iterator[rk.LoadRun]:
    mix = [rk.Operation.call("desk", "add")]
    with rk.Workload(mix, rk.arrivals.constant(100)).start(cluster) as load:
        yield load


@pytest.mark.usefixtures("load")
def test_the_rows_of_a_load_show_its_last_second(cluster: rk.Cluster) -> None:
    rows = LoadRows(cluster)

    def rate() -> bool:
        figures = {each["name"]: each["text"] for each in rows.look()[-1]["figures"]}
        return figures["ok/s"] == "100"

    wait_until(rate)


@pytest.mark.usefixtures("load")
def test_the_lines_of_a_load_end_now(cluster: rk.Cluster) -> None:
    lines = LoadLines(cluster, 60.0)
    wait_until(lambda: lines.look() > cluster.started)
    assert cluster.clock.now() - 10.0 < lines.look() <= cluster.clock.now()

    def rate() -> float:
        lines.look()
        _, rates = lines.lines("throughput", since=0.0)["", "throughput"]
        return float(np.nan_to_num(rates).max())

    wait_until(lambda: rate() >= 90.0)
