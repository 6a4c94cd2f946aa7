"""What several processes do at once, and where they wait for each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.records import readable
from resilkit.testing.calls import Call, Cast
from resilkit.testing.code import as_code, pretty
from resilkit.testing.construction import Made

__all__ = ["FEWEST_PROCESSES", "MOST_PROCESSES", "Barrier", "Concurrent"]

FEWEST_PROCESSES, MOST_PROCESSES = 2, 10


@readable
@dataclass(frozen=True, slots=True)
class Barrier:
    """A point at which every process waits until all have come there; see `Concurrent`.

    Examples:
        >>> Barrier()
        Barrier()
    """

    def _made_by(self) -> Made:
        return Made("Barrier")


Step = Call | Cast | Barrier


@validate.strict
@readable
@dataclass(frozen=True, slots=True, repr=False)
class Concurrent:
    """What several processes do at once: each a sequence of operations, in its order.

    Between two processes no order is given, but by the barriers: nobody passes its first one
    until all have come to theirs, and so on with the second. Between two barriers lies a *phase*.

    Args:
        processes: 2 to 10 sequences of `Call`, `Cast` and `Barrier`, with as many barriers in each.

    Raises:
        InvalidArgument: There are fewer or more processes, something else is in a sequence, or
            the processes have different numbers of barriers.

    Examples:
        >>> race = Concurrent(
        ...     [
        ...         [Call("increment"), Barrier(), Call("get")],
        ...         [Call("increment"), Barrier(), Call("get")],
        ...     ]
        ... )
        >>> race.barriers
        1
        >>> [operation.method for operation in race.operations]
        ['increment', 'get', 'increment', 'get']
        >>> race.phases[0]
        ((Call("increment"),), (Call("increment"),))
    """

    processes: tuple[tuple[Step, ...], ...] | Sequence[Sequence[Step]]

    def __post_init__(self) -> None:
        """Check everything, and store lists as tuples."""
        object.__setattr__(self, "processes", _checked(self.processes))

    @property
    def barriers(self) -> int:
        """How many barriers each process has."""
        return _barriers(self.processes[0])

    @property
    def operations(self) -> tuple[Call | Cast, ...]:
        """All operations, those of the first process first."""
        return tuple(
            step for steps in self.processes for step in steps if not isinstance(step, Barrier)
        )

    @property
    def phases(self) -> tuple[tuple[tuple[Call | Cast, ...], ...], ...]:
        """The operations of each phase, process by process: what is concurrent with what."""
        return tuple(zip(*(_phases(steps) for steps in self.processes), strict=True))

    def __repr__(self) -> str:
        return as_code(self, width=None)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython's own
        pretty(self, printer, cycle=cycle)

    def _repr_html_(self) -> str:
        from resilkit.testing.display import concurrent_html

        return concurrent_html(self)

    def _made_by(self) -> Made:
        return Made("Concurrent", ([list(steps) for steps in self.processes],))


def _phases(steps: Sequence[Step]) -> tuple[tuple[Call | Cast, ...], ...]:
    ends = [place for place, step in enumerate(steps) if isinstance(step, Barrier)]
    return tuple(
        tuple(step for step in steps[begin + 1 : end] if not isinstance(step, Barrier))
        for begin, end in pairwise([-1, *ends, len(steps)])
    )


def _barriers(steps: Sequence[Step]) -> int:
    return sum(isinstance(step, Barrier) for step in steps)


def _checked(given: object) -> tuple[tuple[Step, ...], ...]:
    allowed = f"{FEWEST_PROCESSES} to {MOST_PROCESSES} lists of Call, Cast and Barrier"
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        raise InvalidArgument("must be a list", path="processes", value=given, allowed=allowed)
    if not FEWEST_PROCESSES <= len(given) <= MOST_PROCESSES:
        raise InvalidArgument(
            "has the wrong number of processes", path="processes", value=len(given), allowed=allowed
        )
    for number, steps in enumerate(given):
        path = f"processes[{number}]"
        if not isinstance(steps, Sequence) or isinstance(steps, str | bytes):
            raise InvalidArgument("must be a list", path=path, value=steps, allowed=allowed)
        for place, step in enumerate(steps):
            if not isinstance(step, Step):
                raise InvalidArgument(
                    "is no operation",
                    path=f"{path}[{place}]",
                    value=step,
                    allowed="Call, Cast or Barrier",
                )
    wanted = _barriers(given[0])
    for number, steps in enumerate(given):
        if _barriers(steps) != wanted:
            raise InvalidArgument(
                "has another number of barriers than the first process: they would wait for ever",
                path=f"processes[{number}]",
                value=_barriers(steps),
                allowed=f"{wanted}, as in processes[0]",
            )
    return tuple(map(tuple, given))
