"""A shrunk case as a script that runs, and as what a notebook shows."""

from __future__ import annotations

import enum
import subprocess
import sys

import pytest

import resilkit as rk
from resilkit.experiment.system import read_system
from resilkit.reruns.script import script_of
from tests.reruns.shrinks import LOST, SYSTEM, quiet, three_looked
from tests.reruns.systems import Account, Bank, bank, failing
from tests.seen import HOSTILE, seen


def script_fails(shrunk, folder):
    """Run the script of a case as somebody does who saved it somewhere."""
    path = folder / "found.py"
    path.write_text(shrunk.script())
    ended = subprocess.run(
        [sys.executable, str(path)], cwd=folder, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stderr
    assert "AssertionError" in ended.stderr, ended.stderr
    return path.read_text()


def test_the_script_of_a_store_that_loses_a_write_fails_in_a_process_of_its_own(
    early_loss, tmp_path
):
    script = script_fails(early_loss, tmp_path)
    assert "Store(early_ack=True)" in script


def test_its_script_is_short_and_fails(lost, monkeypatch):
    script = lost.script()
    for line in (
        "from tests.reruns.systems import Bank, add",
        "    ClusterSpec(nodes=1),",
        "    system=Bank(),",
        '        arrivals.explicit([(0.0, "add"), (0.0, "add")]),',
    ):
        assert line in script.splitlines()
    assert len(script.splitlines()) < 30
    assert max(map(len, script.splitlines())) <= 100
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(AssertionError, match="data_consistency"):
        exec(compile(script, "found.py", "exec"), {"__name__": "__main__"})  # noqa: S102


def test_what_a_notebook_defined_is_written_down_in_its_script(tmp_path):
    class Shop(rk.Server):
        def init(self, stock=3):
            self.stock = stock

        def buy(self):
            self.stock -= 1
            return 1 / self.stock

    def sold_out(result):
        return any("ZeroDivisionError" in row.error for row in result.history)

    made = rk.Experiment(
        1,
        system=rk.SupervisorSpec("shops", [rk.ChildSpec(Shop, name="shop")], max_restarts=99),
        workload=rk.Workload([rk.Operation.call("shop", "buy")], rk.arrivals.constant(10.0)),
        scenario=rk.Scenario("shop"),
        duration=0.4,
        seed=1,
    )
    found = quiet(made, failing=sold_out, budget=20)
    assert len(found.experiment.workload.arrivals.due) == 3
    script = script_fails(found, tmp_path)
    assert "class Shop(Server):" in script.replace("rk.Server", "Server")
    assert 'Operation.call("shop", "buy")' in script
    assert "assert not sold_out(result)" in script
    assert script.startswith("# sold_out is still true of 3 operations, 0 faults on 1 node, in ")
    assert max(map(len, script.splitlines())) <= 100


class Till:
    """Makes its state of what it is given, so that no call makes it again."""

    def __init__(self, hundreds=1):
        self.restarts = 100 * hundreds

    def applications(self, nodes):
        child = rk.ChildSpec(Account, name="account")
        return {nodes[0]: [rk.SupervisorSpec("bank", [child], max_restarts=self.restarts)]}


def written(system):
    made = bank(system=system, scenario=rk.Scenario("some"))
    return script_of(made, schedule="fifo", failing=three_looked, remarks=["it failed"])


def test_an_object_that_no_call_makes_again_is_filled(monkeypatch):
    script = written(Till(3))
    assert 'system = object.__new__(Till)\nvars(system).update({"restarts": 300})' in script
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(AssertionError):
        exec(compile(script, "found.py", "exec"), {"__name__": "__main__"})  # noqa: S102


def test_a_system_that_was_read_already_is_written_as_somebody_gives_it(monkeypatch):
    assert 'system=SupervisorSpec("bank", [' in written(read_system(SYSTEM, ["n1", "n2"]))
    assert 'system={"n2": [ChildSpec(' in written(
        read_system({"n2": [SYSTEM.children[0]]}, ["n1", "n2"])
    )
    script = written(read_system(Bank(), ["n1", "n2"]))
    assert "audit=Bank().audit," in script
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(AssertionError):
        exec(compile(script, "found.py", "exec"), {"__name__": "__main__"})  # noqa: S102


class Mode(enum.Flag):
    FAST = 1
    SAFE = 2


def test_a_member_of_an_enum_is_written_by_its_name(monkeypatch):
    till = Till(3)
    till.mode = Mode.FAST | Mode.SAFE
    script = written(till)
    assert '"mode": Mode.FAST | Mode.SAFE' in script
    assert "import Mode, " in script
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(AssertionError):
        exec(compile(script, "found.py", "exec"), {"__name__": "__main__"})  # noqa: S102


def test_what_cannot_be_written_down_is_told():
    till = Till(3)
    till.own = till
    assert "# It will not run as it is: own holds itself, which cannot be written" in written(till)
    till.own = object()
    assert "# It will not run as it is: own is object, which cannot be written" in written(till)


def test_it_looks_as_a_story(lost):
    text = seen(lost)
    assert "✗ still fails" in text
    assert lost.sentence() in text
    assert "arrivals.explicit" in text
    assert "27 runs" not in lost.sentence().split(".")[0]


def test_names_are_escaped():
    made, _ = failing(name=HOSTILE, scenario=rk.Scenario(HOSTILE, criteria=[LOST]))
    assert HOSTILE in seen(quiet(made, budget=9))


class Operation(Account):
    """Is called as what the script uses."""


def test_what_the_script_uses_gives_way_to_names_of_users(monkeypatch):
    def result(found):
        return three_looked(found)

    made = bank(
        system=rk.SupervisorSpec("bank", [rk.ChildSpec(Operation, name="account")]),
        scenario=rk.Scenario("some"),
    )
    script = script_of(made, schedule="fifo", failing=result, remarks=["it failed"])
    assert "from resilkit import" in script
    assert "Operation as rk_Operation" in script
    assert 'rk_Operation("look", look)' in script
    assert "assert not result(result_2)" in script
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(AssertionError):
        exec(compile(script, "found.py", "exec"), {"__name__": "__main__"})  # noqa: S102
