"""How a fault shows itself."""

from __future__ import annotations

import pytest

from resilkit import faults
from tests.seen import HOSTILE, seen


def test_a_fault_shows_what_it_does_and_its_fields_with_units() -> None:
    text = seen(faults.Latency(0.02, 1.5, fraction=0.3, at=3.0))
    assert "fault latency" in text
    assert "low 20 ms" in text
    assert "high 1.5 s" in text
    assert "fraction 30 %" in text
    assert "at 3 s" in text
    assert "duration" not in text, "what is as by default stands back"


def test_sizes_and_groups_are_written_as_people_write_them() -> None:
    assert "128 KiB/s" in seen(faults.Bandwidth(128 * 1024))
    shown = seen(faults.ClockSkew(-0.5, drift=0.0002))
    assert "offset -0.5 s " in shown
    assert "drift 0.0002 s/s " in shown
    assert "{n1}, {n2, n3}" in seen(faults.Partition("custom", groups=[["n1"], ["n2", "n3"]]))


@pytest.mark.parametrize("fault", [faults.NodeCrash(targets=HOSTILE), faults.KillChildren(HOSTILE)])
def test_hostile_names_in_faults_are_escaped(fault: faults.Fault) -> None:
    assert HOSTILE in seen(fault)
