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
