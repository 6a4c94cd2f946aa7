"""What several processes do at once, with one thing less: the steps to the shortest that fails."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from resilkit.testing.concurrent import FEWEST_PROCESSES, Barrier, Concurrent, Step

__all__ = ["shorter", "switches"]


def shorter(race: Concurrent) -> Iterator[Concurrent]:
    """Give what is left with a process less, a barrier less, or an operation less, in that order.

    What has no operations any more goes with its last one: an idle process, a barrier at either
    end.

    Examples:
        >>> from resilkit.testing.calls import Call
        >>> race = Concurrent([[Call("add"), Call("get")], [Call("add")]])
        >>> for each in shorter(race):
        ...     print(each)
        Concurrent([[Call("get")], [Call("add")]])
        Concurrent([[Call("add")], [Call("add")]])
        Concurrent([[Call("add"), Call("get")], []])
    """
    processes = [list(steps) for steps in race.processes]
    if len(processes) > FEWEST_PROCESSES:
        for number in range(len(processes)):
            yield _tidy(processes[:number] + processes[number + 1 :])
    for barrier in range(race.barriers):
        yield _tidy([_without_barrier(steps, barrier) for steps in processes])
    for number, steps in enumerate(processes):
        for place, step in enumerate(steps):
            if not isinstance(step, Barrier):
                less = [*steps[:place], *steps[place + 1 :]]
                yield _tidy([*processes[:number], less, *processes[number + 1 :]])


def _without_barrier(steps: list[Step], number: int) -> list[Step]:
    places = [place for place, step in enumerate(steps) if isinstance(step, Barrier)]
    return [step for place, step in enumerate(steps) if place != places[number]]


def _tidy(processes: list[list[Step]]) -> Concurrent:
    """Return the processes without phases in which nobody does anything, and without idle ones."""
    phases = [phase for phase in Concurrent(processes).phases if any(phase)]
    made: list[list[Step]] = [[] for _ in processes]
    for number, phase in enumerate(phases):
        for steps, part in zip(made, phase, strict=True):
            steps.extend([Barrier(), *part] if number else part)
    busy = [steps for steps in made if any(not isinstance(step, Barrier) for step in steps)]
    idle = [steps for steps in made if steps not in busy]
    while len(busy) < FEWEST_PROCESSES:
        busy.append(idle.pop(0))
    return Concurrent(busy)


def switches(who: list[tuple[int, int]]) -> int:
    """Return how often it is another process's operation that begins or ends next.

    Args:
        who: The rank of each beginning and each end, and whose it is.

    Examples:
        >>> switches([(0, 1), (1, 2), (2, 2), (3, 1)])
        2
    """
    order = [process for _, process in sorted(who)]
    return sum(one != other for one, other in pairwise(order))
