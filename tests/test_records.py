"""What `help` shows of the records that people meet: our words, and nobody's remarks to himself;
and what they say to those who take one field for another."""

from __future__ import annotations

import copy
import dataclasses
import functools
import pickle
import pydoc
from collections.abc import Callable
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.validate import strict

RECORDS = sorted(
    {
        found
        for module in (rk, faults)
        for found in (getattr(module, name) for name in module.__all__)
        if isinstance(found, type) and dataclasses.is_dataclass(found)
    },
    key=lambda record: (record.__qualname__, record.__module__),
)


@pytest.mark.parametrize(
    "record", RECORDS, ids=lambda record: f"{record.__module__}.{record.__qualname__}"
)
def test_help_on_a_record_shows_no_comment_of_the_standard_library(record: type) -> None:
    shown = pydoc.render_doc(record, renderer=pydoc.plaintext)
    assert "_dataclass_getstate" not in shown


def test_records_are_pickled_and_copied_as_ever() -> None:
    spec = rk.NodeSpec("a", limits=rk.Limits(open_files=64))
    for record in (spec, faults.Latency(0.1, 0.2, duration=3.0), rk.NodeLost("a", majority=True)):
        assert pickle.loads(pickle.dumps(record)) == copy.copy(record) == record


MADE = [record for record in RECORDS if hasattr(record.__init__, "__wrapped__")]


def test_all_that_users_make_is_strict() -> None:
    by_hand = (
        "ClusterSpec NodeSpec Limits RestartPolicy LinkLatency ChildSpec SupervisorSpec Workload "
        "Operation Scenario Experiment"
    )
    assert {getattr(rk, name) for name in by_hand.split()} <= {*MADE, rk.Experiment}
    assert hasattr(rk.Experiment.__init__, "__wrapped__")
    ours = [kind for kind in faults.registered_faults().values() if kind in RECORDS]
    assert len(ours) > 10
    assert set(ours) <= set(MADE)


@pytest.mark.parametrize("record", MADE, ids=lambda record: record.__qualname__)
def test_an_unknown_field_is_refused_with_the_names_that_there_are(record: type) -> None:
    with pytest.raises(rk.InvalidArgument, match=r"is an unknown key.*allowed: '") as caught:
        record(nodse=3)
    assert caught.value.path == f"{record.__name__}.nodse"


def test_other_slips_in_making_a_record_are_refused_as_well() -> None:
    with pytest.raises(rk.InvalidArgument, match=r"^Limits.memory: is an unknown key .*_bytes'"):
        rk.Limits(memory="1 GB")  # type: ignore[call-arg]
    with pytest.raises(rk.InvalidArgument, match=r"^NodeSpec.name: is missing"):
        rk.NodeSpec()  # type: ignore[call-arg]
    with pytest.raises(rk.InvalidArgument, match=r"^NodeSpec.name: is given twice"):
        rk.NodeSpec("a", name="b")  # type: ignore[misc]
    with pytest.raises(rk.InvalidArgument, match=r"^ClusterSpec: takes 1 argument without a name"):
        rk.ClusterSpec(3, "ring")  # type: ignore[misc]


def test_a_type_error_of_the_record_itself_is_nobodys_slip() -> None:
    @strict
    @dataclasses.dataclass
    class Wrong:
        value: int

        def __post_init__(self) -> None:
            _ = self.value + "text"  # type: ignore[operator]

    with pytest.raises(TypeError, match="unsupported operand"):
        Wrong(1)


class Fixed(rk.Server):
    """Takes nothing."""

    def init(self) -> None:
        """Begin."""


def given(method: Callable[..., Any]) -> Callable[..., Any]:
    """Give a method an argument of its own."""

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any) -> Any:
        return method(self, "given", *args)

    return wrapper


class Given(rk.Server):
    """Is given its first argument by a decorator."""

    @given
    def init(self, first: str, second: int) -> None:
        """Begin."""


def test_arguments_that_surely_do_not_fit_are_refused_at_once() -> None:
    for wrong in ({"args": (1, 2, 3)}, {"kwargs": {"x": 1}}):
        with pytest.raises(rk.InvalidArgument, match=r"does not fit Fixed.init .*no arguments"):
            rk.ChildSpec(Fixed, **wrong)  # type: ignore[arg-type]
    with pytest.raises(rk.InvalidArgument, match="no text"):
        rk.ChildSpec(Fixed, kwargs={1: 2})  # type: ignore[dict-item]
    assert rk.ChildSpec(Given, args=(1,)).args == (1,)
    assert rk.ChildSpec(rk.Server, args=(1, 2)).args == (1, 2)
