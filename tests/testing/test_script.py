"""The script of a failing trial runs by itself, and fails as the trial did."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import functools
import linecache
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.testing import Call, Concurrent, Model, Trial, run_trial
from tests.testing.saved import run
from tests.testing.servers import COUNTER, Counter, Forgetful, increments

LIMIT = 4


def below(cluster: rk.Cluster) -> bool:
    return bool(cluster.whereis("counter").call.get() < LIMIT)


def fails_again(trial: Trial, folder: Path) -> str:
    outcome = run_trial(trial)
    assert outcome.failure is not None
    script = outcome.script()
    ended = run(script, folder)
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.strip() == repr(outcome)
    assert f"resilkit.errors.TrialFailed: {outcome.failure}" in ended.stderr
    return script


def test_what_is_in_a_module_is_imported(tmp_path: Path) -> None:
    trial = Trial(
        Counter, increments(1, 2, 3), invariants=[below], model=COUNTER, nodes=2, seed=3,
        faults=[faults.Latency(0.01, 0.02, duration=0.5)],
    )  # fmt: skip
    script = fails_again(trial, tmp_path)
    assert "class" not in script
    for line in (
        "from resilkit.faults import Latency",
        "from resilkit.testing import Call, Model, Trial, run_trial",
        "from tests.testing.servers import Counter, counting",
        "from tests.testing.test_script import below",
        "outcome.raise_if_failed()",
    ):
        assert line in script.splitlines()


def test_what_is_in_no_module_is_written_down(tmp_path: Path) -> None:
    most = {"most": 3}

    class Odd(Forgetful):
        """Counts oddly."""

        step = 2

        def increment(self, by: int = 1) -> int:
            return super().increment(by * self.step)

    def capped(value: int, operation: Call) -> tuple[int, int]:
        value = min(value + operation.kwargs["by"], most["most"])
        return value, value

    few = [lambda cluster: cluster.seed < LIMIT - most["most"]]
    trial = Trial(Odd, increments(1), model=Model(0, capped), invariants=few)
    script = fails_again(trial, tmp_path)
    assert "class Odd(Forgetful):" in script
    assert "most = {'most': 3}" in script
    assert 'invariant_1 = lambda cluster: cluster.seed < LIMIT - most["most"]' in script
    assert "LIMIT = 4" in script


def test_processes_and_specs_are_written_as_code(tmp_path: Path) -> None:
    system = rk.SupervisorSpec("counters", [rk.ChildSpec(Forgetful, name="counter")])
    race = Concurrent([increments(3, 3), [Call("get", to="counter")]])
    script = fails_again(Trial({"n2": [system]}, race, model=COUNTER, schedule="pct"), tmp_path)
    assert 'SupervisorSpec("counters", [ChildSpec(Forgetful, name="counter")])' in script
    assert 'schedule="pct"' in script


def test_what_was_written_in_main_is_written_down(tmp_path: Path) -> None:
    first = """
import resilkit as rk
from resilkit.testing import Call, Trial, run_trial

ENOUGH = 2

class Tally(rk.Server):
    def init(self):
        self.names = []
    def add(self, name):
        self.names.append(name)
        return len(self.names)

def few(cluster):
    return len(cluster.whereis("tally").state()["names"]) < ENOUGH

outcome = run_trial(Trial(Tally, [Call("add", "a"), Call("add", "b")], invariants=[few]))
print(outcome.script())
"""
    made = run(first, tmp_path)
    assert made.returncode == 0, made.stderr
    assert "class Tally(rk.Server):" in made.stdout
    ended = run(made.stdout, tmp_path)
    assert ended.returncode == 1
    assert 'TrialFailed: the invariant few does not hold after Call("add", "b")' in ended.stderr


def test_what_was_written_in_a_cell_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = """
import resilkit as rk
from resilkit.testing import Call, Trial, run_trial

import dataclasses
import enum

class Sign(enum.Enum):
    PLUS = 1

@dataclasses.dataclass
class Step:
    sign: Sign

class Tally(rk.Server):
    def init(self):
        self.count = 0
    def add(self, step):
        self.count += 2
        return self.count

def stepping(count, operation):
    return count + 1, count + 1
"""
    # As IPython does it: the lines of a cell are under the name of a file that there is not.
    name, lines = "ipykernel/cell-1.py", cell.splitlines(keepends=True)
    linecache.cache[name] = (len(cell), None, lines, name)
    main = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    made = vars(main)
    exec(compile(cell, name, "exec"), made)  # noqa: S102 - the code is our own
    linecache.cache["ipykernel/cell-2.py"] = (1, None, ["%%bash\n"], "ipykernel/cell-2.py")
    call = Call("add", made["Step"](made["Sign"].PLUS))
    trial = Trial(made["Tally"], [call], model=Model(0, made["stepping"]))
    script = fails_again(trial, tmp_path)
    assert "@dataclasses.dataclass\nclass Step:" in script
    assert 'Call("add", Step(sign=Sign.PLUS))' in script
    assert "class Tally(rk.Server):" in script
    assert "def stepping(count, operation):" in script


def test_a_class_whose_file_is_no_python_is_named() -> None:
    name = "notes.md"
    linecache.cache[name] = (9, None, ["It's a note\n"], name)
    made: dict[str, Any] = {"__name__": "__main__", "Forgetful": Forgetful}
    code = "class Odd(Forgetful):\n    def get(self):\n        return 1"
    exec(compile(code, name, "exec"), made)  # noqa: S102 - the code is our own
    script = run_trial(Trial(made["Odd"], increments(9), model=COUNTER)).script()
    assert "# It will not run as it is: the source of Odd was not found." in script


def test_a_system_that_is_an_object_is_written_as_its_specs(tmp_path: Path) -> None:
    class Made:
        def applications(self, nodes: list[str]) -> dict[str, object]:
            return {nodes[-1]: rk.ChildSpec(Forgetful, name="counter")}

    script = fails_again(Trial(Made(), increments(9), model=COUNTER), tmp_path)
    assert 'Trial(\n    {"n3": [ChildSpec(Forgetful, name="counter")]},' in script


def test_what_cannot_be_written_down_is_named() -> None:
    lock = object()

    def locked(cluster: rk.Cluster) -> bool:
        return cluster is lock

    script = run_trial(Trial(Counter, invariants=[locked])).script()
    assert "# It will not run as it is: lock is object, which cannot be written down." in script


@pytest.mark.parametrize("backend", ["processes"])
def test_a_script_says_where_it_ran(backend: str) -> None:
    outcome = run_trial(Trial(Forgetful, increments(9), model=COUNTER, nodes=1), backend=backend)
    assert 'run_trial(trial, backend="processes")' in outcome.script()


class Size(enum.Enum):
    SMALL = 1


@dataclasses.dataclass(frozen=True)
class Parcel:
    label: str
    size: Size


class Weight(NamedTuple):
    grams: decimal.Decimal


def test_arguments_of_your_own_kinds_are_written_down(tmp_path: Path) -> None:
    def fits(cluster: rk.Cluster, history: list[Any], most: int) -> bool:
        return len(history) < most

    given = [
        Parcel("a", Size.SMALL), Weight(decimal.Decimal("1.5")), datetime.date(2000, 1, 2),
    ]  # fmt: skip
    trial = Trial(
        Keeper, [Call("keep", each) for each in given], invariants=[functools.partial(fits, most=3)]
    )
    script = fails_again(trial, tmp_path)
    assert 'Call("keep", Parcel(label="a", size=Size.SMALL))' in script
    assert "invariant_1 = functools.partial(fits, most=3)" in script


class Keeper(rk.Server):
    def keep(self, what: object) -> None: ...


class Odd:
    def __init__(self) -> None:
        self.own = object()

    def __repr__(self) -> str:
        return "<an odd one>"

    def __call__(self, _: rk.Cluster) -> bool:
        return False


def test_what_cannot_be_written_down_is_said_and_the_failure_is_still_raised() -> None:
    with pytest.raises(rk.TrialFailed) as raised:
        run_trial(Trial(Keeper, [Call("keep", Odd())], invariants=[Odd()])).raise_if_failed()
    told = str(raised.value)
    assert "# It will not run as it is: Odd <an odd one> cannot be written down." in told
    assert "# It will not run as it is: invariant_1 is Odd, which cannot be written down." in told


def test_a_number_too_long_for_decimal_digits_stands_in_the_script(tmp_path: Path) -> None:
    most = 10 ** sys.get_int_max_str_digits()

    def none(cluster: rk.Cluster, history: list[Any]) -> bool:
        return not history or most == 0

    script = fails_again(Trial(Keeper, [Call("keep", most)], invariants=[none]), tmp_path)
    assert "will not run" not in script
