"""A state machine that fails says how to see it again: a script, its messages, and a figure."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, multiple, rule, run_state_machine_as_test
from matplotlib.text import Text

import resilkit as rk
from resilkit.faults import Latency
from resilkit.testing import Outcome
from resilkit.testing import strategies as rst
from resilkit.testing.machines import ClusterMachine
from resilkit.testing.outcome_steps import steps_of
from tests.testing.saved import run
from tests.testing.servers import COUNTER, Counter, Forgetful, Silent

FEW = settings(
    max_examples=100, stateful_step_count=8, database=None, deadline=None, derandomize=True,
    suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
)  # fmt: skip


def failing(machine: type[ClusterMachine], **changes: Any) -> BaseException:
    with pytest.raises(Exception) as raised:
        run_state_machine_as_test(machine, settings=settings(FEW, **changes))
    return raised.value


def fails_again(error: Any, folder: Path) -> str:
    """Return the script of a failure, after it failed in the same way."""
    outcome: Outcome = error.outcome
    script = outcome.script()
    ended = run(script, folder)
    assert ended.returncode == 1, ended.stderr
    kind = type(error)
    last = f"{kind.__module__}.{kind.__name__}: " if kind.__module__ != "builtins" else ""
    assert f"{last}{str(error).splitlines()[0]}" in ended.stderr
    return script


def words(picture: Any) -> str:
    return " ".join(text.get_text() for text in picture.findobj(Text))


class Forgetting(ClusterMachine):
    system = Forgetful
    operations = {"increment": rst.arguments(by=st.integers(1, 9)), "get": None}
    model = COUNTER
    nodes = 1


@functools.cache
def forgetting() -> Any:
    return failing(Forgetting)


def test_the_failure_has_a_script_that_fails_again(tmp_path: Path) -> None:
    script = fails_again(forgetting(), tmp_path)
    for line in (
        "from resilkit.testing import Arguments",
        "from tests.testing.test_machine_outcome import Forgetting",
        "state = Forgetting()",
        '    state.start(seed=0, schedule="fifo")',
        "    state.call_increment(arguments=Arguments(by=6))",
        "    state.teardown()",
    ):
        assert line in script.splitlines()


def test_its_message_has_the_script_and_says_how_to_get_at_the_rest() -> None:
    told = str(forgetting())
    assert "To see it again (seed 0, schedule fifo):" in told
    assert "    state = Forgetting()" in told.splitlines()[10:]
    assert "`outcome` of this exception has `diagram()`" in told


def test_the_failure_has_what_was_done_as_messages_and_pictures() -> None:
    outcome = forgetting().outcome
    assert isinstance(outcome, Outcome)
    assert repr(outcome).startswith('<Outcome: failed: Call("increment", by=6) by @notebook')
    assert [(row.kind, row.sender, row.receiver) for row in outcome.since_the_first] == [
        ("call", "@notebook", "forgetful"), ("reply", "forgetful", "@notebook"),
    ]  # fmt: skip
    assert "Messages of the machine" in words(outcome.diagram())
    assert "Machine failed: model (seed 0, schedule fifo)" in words(outcome.figure())
    assert list(outcome.frame()["method"]) == ["increment"]
    assert "state.call_increment(arguments=Arguments(by=6))" in outcome._repr_html_()


def test_nothing_is_written_while_smaller_failures_are_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[str] = []
    script = rk.testing.machines.outcome.MachineOutcome.script

    def counting(outcome: Any) -> str:
        written.append("script")
        return script(outcome)

    monkeypatch.setattr(rk.testing.machines.outcome.MachineOutcome, "script", counting)
    failing(Forgetting)
    assert len(written) == 1


def test_a_machine_that_is_in_no_module_is_written_down(tmp_path: Path) -> None:
    amounts = st.integers(1, 9)

    class Local(ClusterMachine):
        system = Forgetful
        operations = {"increment": rst.arguments(by=amounts), "get": None}
        model = COUNTER
        must_hold = (lambda _: True,)
        faults = ("partition", "kill_node")
        inject = st.just(Latency(0.1, 0.2))
        nodes = 2
        options = {"topology": "ring"}
        timeout = 3.0

    script = fails_again(failing(Local), tmp_path)
    assert "class Local(ClusterMachine):" in script
    assert "It will not run" not in script


def test_a_machine_and_its_server_may_be_called_as_what_the_script_uses(tmp_path: Path) -> None:
    base: Any = ClusterMachine

    def written() -> Any:
        class ClusterMachine(Forgetful):
            step = 2

        return ClusterMachine

    class state(base):  # noqa: N801 - as the script calls what it carries out
        system = written()
        operations = {"increment": rst.arguments(by=st.integers(1, 9)), "get": None}
        model = COUNTER
        nodes = 1

    script = fails_again(failing(state), tmp_path)
    assert "It will not run" not in script
    assert "class ClusterMachine(Forgetful):" in script
    assert "class state(rk_ClusterMachine):" in script
    assert "state_2 = state()" in script


def test_a_server_that_hangs_at_the_end_hangs_again(tmp_path: Path) -> None:
    class Hanging(ClusterMachine):
        system = Silent
        operations = {"hang": None}
        casts = ("hang",)
        nodes = 1

    error: Any = failing(Hanging)
    assert error.outcome.failure.kind == "unanswered"
    assert [step.name for step in error.outcome.did] == ["start", "cast_hang"]
    fails_again(error, tmp_path)


class Cut(ClusterMachine):
    """Fails of a cut, which is none of its operations."""

    system = rk.SupervisorSpec("counters", [rk.ChildSpec(Counter, name="counter")])
    operations = {"get": None}
    faults = ("partition",)
    inject = st.just(Latency(0.1, 0.2))
    nodes = 2

    @invariant()
    def whole(self) -> None:
        assert not self.cut, "it is cut"


def test_a_step_of_its_own_that_raises_has_an_outcome_too(tmp_path: Path) -> None:
    error: Any = failing(Cut)
    outcome = error.outcome
    assert outcome.failure.kind == "step"
    assert str(outcome.failure) == "the step whole raised AssertionError: it is cut"
    notes = "\n".join(error.__notes__)
    assert "To see it again" in notes
    assert "    state.whole()" in fails_again(error, tmp_path)
    assert [row.kind for row in steps_of(outcome)] == ["fault"]
    assert outcome.figure() is not None


class Keeping(ClusterMachine):
    """Has a bundle, and a rule that draws from it."""

    system = Counter
    operations = {"get": None}
    nodes = 1
    kept = Bundle("kept")

    @rule(target=kept, number=st.integers(1, 3))
    def keep(self, number: int) -> list[int]:
        return [number]

    @rule(target=kept)
    def several(self) -> Any:
        return multiple([7], [8])

    @rule(one=kept, two=kept)
    def compare(self, one: list[int], two: list[int]) -> None:
        if one is not two:
            one.extend(two)
            assert len(two) > 1 or one[0] != 7, "a seven"


def test_what_later_steps_have_from_earlier_ones_is_named(tmp_path: Path) -> None:
    script = fails_again(failing(Keeping, max_examples=300), tmp_path)
    assert " = state." in script
    assert "state.compare(one=v1, two=v" in script


class Adding(Keeping):
    @rule(items=st.just([1, 2]).map(list))
    def add_to(self, items: list[int]) -> None:
        items.append(3)
        assert not items, "a list"


def test_a_list_that_a_rule_adds_to_stands_in_the_script_as_it_was_drawn() -> None:
    error: Any = failing(Adding)
    assert "    state.add_to(items=[1, 2])" in error.outcome.script().splitlines()


def test_what_was_put_into_a_bundle_is_its_own_when_the_messages_are_asked_for() -> None:
    asked: list[bool] = []

    class Referring(ClusterMachine):
        system = Counter
        operations = {"get": None}
        kept = Bundle("kept")

        @rule(target=kept)
        def refer(self) -> Any:
            return self.cluster.whereis("counter")

        @rule(one=kept)
        def ask(self, one: Any) -> None:
            asked.append(one.call.get() == 0)
            raise AssertionError("asked")

    error: Any = failing(Referring)
    before = len(asked)
    assert error.outcome.messages
    assert len(asked) == before + 1


def test_a_machine_of_main_with_rules_of_its_own_is_written_down(tmp_path: Path) -> None:
    first = """
import resilkit as rk
from hypothesis import settings, strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test
from resilkit.testing import machines, strategies as rst, Call

class Tally(rk.Server):
    def init(self):
        self.count = 0
    def add(self, by):
        self.count += by
        return self.count

class Tallying(machines.ClusterMachine):
    system = Tally
    operations = {"add": rst.arguments(by=st.integers(1, 9))}
    nodes = 1

    @rule(times=st.integers(1, 3))
    def several(self, times):
        assert self.do(Call("add", by=times)).value < 3, "too many"

try:
    run_state_machine_as_test(Tallying, settings=settings(database=None, derandomize=True))
except AssertionError as error:
    print(error.outcome.script())
"""
    made = run(first, tmp_path)
    assert made.returncode == 0, made.stderr
    assert "class Tallying(machines.ClusterMachine):" in made.stdout
    ended = run(made.stdout, tmp_path)
    assert ended.returncode == 1
    assert "AssertionError: too many" in ended.stderr


class Lame(Counter):
    def init(self, start: int = 0) -> None:
        raise ValueError("no legs")


class Starting(ClusterMachine):
    system = Lame
    operations = {"get": None}
    nodes = 1


def test_a_system_that_does_not_start_has_an_outcome() -> None:
    error: Any = failing(Starting)
    assert error.outcome.failure.kind == "start"
    assert "state.start(seed=0" in error.outcome.script()


def test_it_is_so_on_processes_too() -> None:
    class OnProcesses(Forgetting):
        backend = "processes"
        settle = 0.0
        operations = {"increment": rst.arguments(by=st.just(6))}

    error: Any = failing(OnProcesses, max_examples=5, stateful_step_count=3)
    assert 'backend = "processes"' in error.outcome.script()
    kinds = [row.kind for row in error.outcome.messages]
    assert kinds[-2:] == ["call", "reply"]
