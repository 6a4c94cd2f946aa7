"""Texts for people: times with few digits."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import resilkit as rk
from resilkit.texts import timed

_UNITS = {"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "days": 86400.0}


@given(st.floats(1e-6, 8e8) | st.floats(-8e8, -1e-6))
def test_a_time_has_four_digits_at_most_and_is_the_one_that_was_given(seconds: float) -> None:
    number, unit = timed(seconds).split()
    assert re.fullmatch(r"-?\d{1,4}(\.\d{1,3})?", number)
    assert len(re.sub(r"\D|^-?0\.0*", "", number)) <= 4
    assert float(number) * _UNITS[unit] == pytest.approx(seconds, rel=5e-4)


def test_nothing_that_tells_virtual_time_has_more_digits() -> None:
    with rk.Cluster(nodes=1, backend="simulation", seed=3) as cluster:
        for _ in range(10):
            cluster.advance(0.1)
            cluster.advance(0.2)
        told = timed(cluster.clock.now())
        assert len(repr(cluster.clock.now())) > 10
        assert repr(cluster.clock) == f"<virtual clock: t = {told}>"
        assert f"t = {told} virtual" in repr(cluster)
        assert f"t = {told} virtual" in cluster._repr_html_()
        assert f"t = {told} virtual" in repr(cluster.simulation)
        assert f"<td>{told}</td>" in re.sub(r"<td[^>]*>", "<td>", cluster.simulation._repr_html_())
        cluster.advance(12_345.678)
        assert "t = 205.8 min virtual" in repr(cluster)
