"""What a script wants for itself gives way to the names of those whose trial it writes."""

from __future__ import annotations

import datetime as dates
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults, testing
from resilkit.testing import run_trial
from tests.testing.saved import fails_again


class Keeping(rk.Server):
    def keep(self, *what: object) -> None: ...


class Call(Keeping): ...


class Trial(Keeping): ...


class Latency(Keeping): ...


class SupervisorSpec(Keeping): ...


class Fault(Keeping): ...


class Operation(Keeping): ...


def none(cluster: rk.Cluster, history: list[Any]) -> bool:
    return not history


def outcome(cluster: rk.Cluster, history: list[Any]) -> bool:
    return not history or trial(cluster)


def trial(cluster: rk.Cluster) -> bool:
    return cluster.seed < 0


def made(server: Any, *given: object, invariant: Any = none) -> testing.Trial:
    children = [rk.ChildSpec(server, name="keeper")]
    return testing.Trial(
        rk.SupervisorSpec("keepers", children),
        [testing.Call("keep", *given, to="keeper")],
        nodes=1,
        faults=[faults.Latency(0.01, 0.02, duration=0.5)],
        invariants=[invariant],
    )


@pytest.mark.parametrize("server", [Call, Trial, Latency, SupervisorSpec, Fault, Operation])
def test_a_server_may_be_called_as_what_the_script_uses(server: Any, tmp_path: Path) -> None:
    script = fails_again(made(server), tmp_path)
    assert f"import {server.__name__}, none\n" in script
    assert f"ChildSpec({server.__name__}, " in script


def test_what_the_script_uses_is_imported_by_another_name(tmp_path: Path) -> None:
    script = fails_again(made(Call), tmp_path)
    assert "from resilkit.testing import Call as rk_Call, Trial, run_trial" in script.splitlines()
    assert 'rk_Call("keep", to="keeper")' in script


def test_a_class_that_is_written_down_may_be_called_so_too(tmp_path: Path) -> None:
    class Call(rk.Server):
        def keep(self, *what: object) -> None:
            self.kept = what

    script = fails_again(made(Call), tmp_path)
    assert "class Call(rk.Server):" in script
    assert 'rk_Call("keep", to="keeper")' in script


def test_a_class_and_a_name_of_resilkit_that_a_call_is_given_keep_apart(tmp_path: Path) -> None:
    script = fails_again(made(Keeping, Call, testing.Call, testing.Call("get")), tmp_path)
    assert 'rk_Call("keep", Call, rk_Call, rk_Call("get"), to="keeper")' in script


def test_what_the_script_keeps_has_names_that_are_free(tmp_path: Path) -> None:
    def asks(cluster: rk.Cluster, history: list[Any]) -> bool:
        return outcome(cluster, history)

    script = fails_again(made(Keeping, invariant=asks), tmp_path)
    assert "outcome_2 = run_trial(trial)" in script


def test_a_class_may_be_called_as_the_module_of_a_value(tmp_path: Path) -> None:
    def early(cluster: rk.Cluster, history: list[Any]) -> bool:
        return not history or datetime(1, 1, 1) is None  # noqa: DTZ001 - never so

    script = fails_again(made(Keeping, dates.date(2000, 1, 2), invariant=early), tmp_path)
    assert "import datetime as datetime_module" in script.splitlines()
    assert 'Call("keep", datetime_module.date(2000, 1, 2), to="keeper")' in script


def test_a_script_says_so_where_what_is_written_down_uses_two_things_of_one_name() -> None:
    def other() -> Any:
        from tests.testing.test_script import Keeper

        def keeping(cluster: rk.Cluster, history: list[Any]) -> bool:
            return Keeper is None

        return keeping

    class Keeper(rk.Server):
        def keep(self, *what: object) -> None: ...

    told = run_trial(made(Keeper, invariant=other())).script()
    assert "# It will not run as it is: two things are called Keeper." in told


count = object()
limit = 7
sum = max  # noqa: A001 - as a cell does that means no harm


def test_parameters_and_variables_of_a_check_are_no_names_that_it_needs(tmp_path: Path) -> None:
    def few(cluster: rk.Cluster, history: list[Any]) -> bool:
        count = len([history for history in history if history])
        return count < 1

    script = fails_again(made(Keeping, invariant=few), tmp_path)
    assert "\ncount = " not in script


def test_a_name_of_python_that_users_gave_another_meaning_has_it_in_the_script(
    tmp_path: Path,
) -> None:
    def least(cluster: rk.Cluster, history: list[Any]) -> bool:
        return sum(4, 3) > 4

    assert "\nsum = max\n" in fails_again(made(Keeping, invariant=least), tmp_path)


def test_what_a_class_reads_and_then_keeps_by_the_same_name_is_in_the_script(
    tmp_path: Path,
) -> None:
    class Local(rk.Server):
        limit = limit
        limits = limit, limit

        def keep(self) -> None: ...

    assert "\nlimit = 7\n" in fails_again(made(Local), tmp_path)


def test_a_function_that_sets_what_is_around_it_is_none_by_itself() -> None:
    looks = 0

    def once(cluster: rk.Cluster, history: list[Any]) -> bool:
        nonlocal looks
        looks += 1
        return not history

    told = run_trial(made(Keeping, invariant=once)).script()
    assert "# It will not run as it is: the source of once is none by itself." in told


def test_a_function_of_a_class_that_was_written_in_a_function_has_its_class_in_front(
    tmp_path: Path,
) -> None:
    class Local:
        class Inner:
            @staticmethod
            def idle(cluster: rk.Cluster, history: list[Any]) -> bool:
                return cluster.seed < 0 or not history

        def quiet(self: Any, history: list[Any]) -> bool:  # type: ignore[misc]
            return Local.Inner.idle(self, history)

    for asked, told in ((Local.quiet, "Local.quiet"), (Local.Inner.idle, "Local.Inner.idle")):
        script = fails_again(made(Keeping, invariant=asked), tmp_path)
        assert f"invariants=[{told}]" in script.replace("\n        ", "").replace(",\n    ]", "]")


def test_a_script_says_so_where_what_a_class_read_in_its_function_is_gone() -> None:
    most = 7

    class Local(rk.Server):
        least = most

        def keep(self, what: rk.Server | None = None) -> None: ...

    told = run_trial(made(Local)).script()
    assert "# It will not run as it is: Local uses most, which nobody knows any more." in told
