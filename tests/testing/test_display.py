"""How concurrent processes show themselves in a notebook."""

from __future__ import annotations

from resilkit.testing import Barrier, Call, Cast, Concurrent
from tests.seen import HOSTILE, seen


def test_processes_stand_side_by_side_phase_below_phase() -> None:
    text = seen(
        Concurrent([
            [Call("increment", by=2), Barrier(), Call("get")],
            [Barrier(), Cast("reset"), Call("get", to="counter-1")],
        ])
    )  # fmt: skip
    assert text == (
        "concurrent 2 processes phase process 1 process 2 "
        '1 Call("increment", by=2) – '
        '2 Call("get") Cast("reset") Call("get", to="counter-1") '
        "All wait for each other at the end of each phase."
    )


def test_without_barriers_nothing_is_said_of_phases() -> None:
    text = seen(Concurrent([[Call("get")], []]))
    assert text == 'concurrent 2 processes process 1 process 2 Call("get") –'


def test_what_the_user_wrote_is_escaped() -> None:
    assert HOSTILE in seen(Concurrent([[Call("put", HOSTILE, to=HOSTILE)], []]))
