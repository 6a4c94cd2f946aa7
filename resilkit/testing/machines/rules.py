"""The rules of a machine: one an operation, and those that break something and mend it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from resilkit.errors import InvalidArgument
from resilkit.testing.calls import Arguments, Call, Cast
from resilkit.testing.strategies.operations import Vocabulary

if TYPE_CHECKING:
    from resilkit.testing.machines.machine import ClusterMachine

__all__ = ["FAULTS", "fault_rules", "injecting", "operation_rules"]

FAULTS: Final = ("kill_node", "kill_server", "partition", "pause_node")
"""What a machine can break. What mends it comes with it."""

_WAITS: Final = (0.1, 1.0, 10.0)
"""Seconds that may pass: a moment, long enough for a restart, and for a node to count as lost."""

_NONE: Final = Arguments()

Rule = Callable[..., Any]


def operation_rules(known: Vocabulary) -> dict[str, Rule]:
    """Return a rule for each method: ``call_increment``, or ``cast_increment``."""
    rules = {}
    for method in known.arguments:
        kind = "cast" if method in known.cast else "call"
        rules[f"{kind}_{method}"] = _operation_rule(known, method, f"{kind}_{method}")
    return rules


def _operation_rule(known: Vocabulary, method: str, name: str) -> Rule:
    draws: dict[str, Any] = {}
    given = known.arguments[method]
    if given is not None:
        draws["arguments"] = given
    if known.servers is not None:
        draws["to"] = known.server
    kind = Cast if method in known.cast else Call

    def operate(self: ClusterMachine, arguments: Arguments = _NONE, to: str | None = None) -> None:
        __tracebackhide__ = True
        if not isinstance(arguments, Arguments):
            raise InvalidArgument(
                "draws something else than arguments", path=f"operations.{method}",
                value=arguments, allowed="a strategy for Arguments, such as rst.arguments(…)",
            )  # fmt: skip
        self.do(kind(method, *arguments.args, to=to, **arguments.kwargs))

    operate.__name__ = name
    operate.__qualname__ = f"ClusterMachine.{name}"
    operate.__doc__ = f"Do {Call(method)!r}, with arguments that are drawn."
    rules: Any = rule  # its overloads know no mapping
    made: Rule = rules(**draws)(operate)
    return made


def fault_rules(
    faults: Sequence[str], nodes: Sequence[str], servers: Sequence[str]
) -> dict[str, Rule]:
    """Return the rules that break something, and those that mend it."""
    rules: dict[str, Rule] = {}
    if "kill_node" in faults:
        rules |= {"kill_node": _kill_node(), "restart_node": _restart_node()}
    if "pause_node" in faults:
        rules |= {"pause_node": _pause_node(), "resume_node": _resume_node()}
    if "partition" in faults:
        rules |= {"partition": _partition(nodes), "heal": _heal()}
    if "kill_server" in faults:
        rules["kill_server"] = _kill_server(servers)
    if faults:
        rules["wait"] = _wait()
    return rules


def injecting(faults: st.SearchStrategy[Any]) -> dict[str, Rule]:
    """Return the rules that put in what a strategy draws, and heal all."""

    @rule(fault=faults)
    def inject_fault(self: ClusterMachine, fault: Any) -> None:
        """Put a fault in; ``heal`` takes it out."""
        self.break_with(lambda: self.cluster.inject(fault))
        self.cut = True

    return {"inject_fault": inject_fault, "heal": _heal(), "wait": _wait()}


def _among(name: str) -> st.SearchStrategy[str]:
    """Draw one of the names that the machine has under `name` just then."""
    return st.runner().flatmap(lambda machine: st.sampled_from(getattr(machine, name)))


def _kill_node() -> Rule:
    @precondition(lambda self: len(self.up) > 1)
    @rule(node=_among("up"))
    def kill_node(self: ClusterMachine, node: str) -> None:
        """Kill a node; one is always left."""
        self.break_with(self.cluster.nodes[node].kill)

    return kill_node


def _restart_node() -> Rule:
    @precondition(lambda self: self.down)
    @rule(node=_among("down"))
    def restart_node(self: ClusterMachine, node: str) -> None:
        """Start a node again that was killed."""
        self.cluster.nodes[node].restart()

    return restart_node


def _pause_node() -> Rule:
    @precondition(lambda self: len(self.up) > 1)
    @rule(node=_among("up"))
    def pause_node(self: ClusterMachine, node: str) -> None:
        """Pause a node; one always goes on."""
        self.break_with(self.cluster.nodes[node].pause)

    return pause_node


def _resume_node() -> Rule:
    @precondition(lambda self: self.paused)
    @rule(node=_among("paused"))
    def resume_node(self: ClusterMachine, node: str) -> None:
        """Let a node go on that is paused."""
        self.cluster.nodes[node].resume()

    return resume_node


def _partition(nodes: Sequence[str]) -> Rule:
    sides = st.lists(
        st.sampled_from(list(nodes)), min_size=1, max_size=max(1, len(nodes) // 2), unique=True
    )

    @precondition(lambda self: not self.cut)
    @rule(nodes=sides)
    def partition(self: ClusterMachine, nodes: list[str]) -> None:
        """Cut some nodes from all others."""
        self.break_with(lambda: self.cluster.partition(nodes))
        self.cut = True

    return partition


def _heal() -> Rule:
    @precondition(lambda self: self.cut)
    @rule()
    def heal(self: ClusterMachine) -> None:
        """Take back what was cut and put in."""
        self.mend()

    return heal


def _kill_server(servers: Sequence[str]) -> Rule:
    @rule(server=st.sampled_from(list(servers)))
    def kill_server(self: ClusterMachine, server: str) -> None:
        """Kill a server: it is for its supervisor to start it again."""
        self.break_with(self.cluster.whereis(server).kill)

    return kill_server


def _wait() -> Rule:
    @rule(seconds=st.sampled_from(_WAITS))
    def wait(self: ClusterMachine, seconds: float) -> None:
        """Let time go on."""
        self.rest(seconds)

    return wait
