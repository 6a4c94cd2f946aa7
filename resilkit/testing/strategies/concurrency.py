"""Operations that several processes do at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.testing.calls import Call, Cast
from resilkit.testing.concurrent import (
    FEWEST_PROCESSES,
    MOST_PROCESSES,
    Barrier,
    Concurrent,
    Step,
)
from resilkit.testing.strategies import options
from resilkit.testing.strategies.defining import defines
from resilkit.testing.strategies.lists import lists
from resilkit.testing.strategies.operations import Methods, operation_sequences

__all__ = ["concurrent_scenarios"]

_SIZES = (0, 5)


@defines
def concurrent_scenarios(
    operations: Methods | st.SearchStrategy[list[Call | Cast]],
    *,
    min_processes: int = FEWEST_PROCESSES,
    max_processes: int = 4,
    max_barriers: int = 2,
    weights: Mapping[str, float] | None = None,
    casts: Collection[str] = (),
    servers: Collection[str] | None = None,
    min_size: int | None = None,
    max_size: int | None = None,
) -> Callable[[st.DrawFn], Concurrent]:
    """Draw what several processes do at once, with barriers at which all wait for each other.

    They shrink to fewer processes, fewer barriers and fewer operations, and each operation to a
    simpler one. A barrier always parts operations from operations.

    Args:
        operations: Method to what draws its `arguments`, ``None`` for none, as for
            `operation_sequences`; or a strategy for the whole sequence of one process, such as
            ``rst.message_sequences(…)`` where each must keep to a protocol.
        min_processes: The fewest processes, at least 2.
        max_processes: The most processes, at most 10.
        max_barriers: The most barriers; 0 for none.
        weights: How often each operation comes; see `operation_sequences`.
        casts: The methods that are cast: nobody waits for them.
        servers: The names of the servers of which each operation goes to one; ``None``: to the one
            under test, whose name the operations do not hold.
        min_size: The fewest operations of each process; ``None`` for 0.
        max_size: The most operations of each process; ``None`` for 5.

    Raises:
        InvalidArgument: An option is wrong, or says what a strategy for sequences says already;
            the path says which.

    Examples:
        >>> from hypothesis import find, strategies as st
        >>> from resilkit.testing.strategies import arguments
        >>> races = concurrent_scenarios({"increment": arguments(st.integers(1, 9)), "get": None})
        >>> find(races, lambda race: all(len(steps) for steps in race.processes))
        Concurrent([[Call("get")], [Call("get")]])
    """
    fewest, most = options.sizes(
        min_processes, max_processes, "processes", low=FEWEST_PROCESSES, high=MOST_PROCESSES
    )
    barriers = validate.number(max_barriers, "max_barriers", low=0, integer=True)
    given = {
        "weights": weights,
        "casts": casts or None,
        "servers": servers,
        "min_size": min_size,
        "max_size": max_size,
    }
    one = _sequences(operations, {key: it for key, it in given.items() if it is not None})
    sequences = lists(one, fewest, most)

    def draw_one(draw: st.DrawFn) -> Concurrent:
        processes = draw(sequences)
        # As many places for every barrier however many processes there are: one that goes leaves
        # those of the others as they were.
        place = st.integers(0, max(map(len, processes)))
        places = draw(lists(st.tuples(*[place] * most), 0, barriers))
        return Concurrent(_with_barriers(processes, places))

    return draw_one


def _sequences(operations: object, given: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if isinstance(operations, st.SearchStrategy):
        for name, value in given.items():
            raise InvalidArgument(
                "belongs to the strategy that draws the sequences",
                path=name,
                value=value,
                allowed=f"rst.operation_sequences(…, {name}=…)",
            )
        return operations
    low, high = _SIZES
    least = validate.number(given.get("min_size", low), "min_size", low=low, integer=True)
    sizes = {"min_size": low, "max_size": max(high, least)}
    methods: Any = operations
    return operation_sequences(methods, **{**sizes, **given})


def _with_barriers(
    processes: Sequence[Sequence[Call | Cast]], places: Sequence[Sequence[int]]
) -> list[list[Step]]:
    """Put barriers where they part something: between phases in which somebody does something."""
    cuts = [
        [0, *sorted(min(spots[number], len(steps)) for spots in places), len(steps)]
        for number, steps in enumerate(processes)
    ]
    phases = [
        [steps[begin:end] for steps, (begin, end) in zip(processes, spans, strict=True)]
        for spans in zip(*map(pairwise, cuts), strict=True)
    ]
    phases = [phase for phase in phases if any(phase)]
    made: list[list[Step]] = [[] for _ in processes]
    for number, phase in enumerate(phases):
        for steps, part in zip(made, phase, strict=True):
            steps.extend([Barrier(), *part] if number else part)
    return made
