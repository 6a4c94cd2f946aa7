"""Faults that were put into a running cluster together, and end together."""

from __future__ import annotations

import asyncio
import dataclasses
import html
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, overload

from resilkit import validate
from resilkit.chaos.fitting import try_targets
from resilkit.cluster.injecting import inject_planned
from resilkit.cluster.injection import Injection
from resilkit.errors import InvalidArgument, ResilkitError
from resilkit.faults import Fault, ServerFault
from resilkit.faults.targets import is_named
from resilkit.ipython.candidates import server_names

if TYPE_CHECKING:
    from pandas import DataFrame

    from resilkit.chaos import Scenario
    from resilkit.cluster import Cluster

__all__ = ["Injected", "check", "inject_scenario"]

_ending: set[asyncio.Task[None]] = set()
"""Timers at work: the loop itself holds no task."""


def check(cluster: Cluster, scenario: Scenario, length: float | None) -> None:
    """Refuse a scenario that this cluster cannot serve, before anything of it is in.

    Raises:
        InvalidArgument: A fault names a node that is not there, begins after the end, or draws
            its moments from a length that nobody knows.
        Unavailable: This machine lacks what the scenario requires.
    """
    scenario.check_requirements()
    for index, fault in enumerate(scenario.faults):
        path = f"faults[{index}]"
        try:
            try_targets(fault, list(cluster.nodes), cluster._session.edges)
        except InvalidArgument as error:
            raise error.below(path) from None
        name = f"{path}.{fault.fault_name}"
        if length is None and fault.random and fault.every is None:
            raise InvalidArgument(
                "draws moments from the length of the chaos, which is not known",
                path=f"{name}.random",
                value=True,
                allowed="--for TIME, a `duration` of the scenario, or `every` beside it",
            )
        first = fault.at if fault.at is not None else fault.every
        if isinstance(fault, ServerFault) and not first:
            for target in _named_targets(fault):  # later, others may have come
                validate.choice(target, f"{name}.targets", server_names(cluster))
        if length is not None and first is not None and first >= length:
            raise InvalidArgument(
                "lies after the end of the chaos",
                path=f"{name}.{'at' if fault.at is not None else 'every'}",
                value=first,
                allowed=f"less than {length:g} seconds",
            )


def _named_targets(fault: Fault) -> list[str]:
    """Return whom a fault names; none where its targets are a number, a word or a pattern."""
    targets = fault.targets
    listed = targets if isinstance(targets, tuple) else (targets,)
    return [str(one) for one in listed if is_named(one) and not str(one).startswith("matching:")]


def inject_scenario(
    cluster: Cluster, scenario: Scenario, *, length: float | None = None, seed: int | None = None
) -> Injected:
    """Put all faults of a scenario in, each on its own schedule; return when they stand.

    Those of one seed strike when and whom `Scenario.timeline` shows for it.

    Args:
        cluster: The cluster to break.
        scenario: The faults. Its criteria are for an experiment to judge.
        length: Seconds after which all heals; ``None``: when each does, or at ``heal()``.
        seed: The root of the randomness; ``None`` for the cluster's.

    Raises:
        InvalidArgument: It does not fit this cluster, see `check`; or a server is not there.
        ResilkitError: A fault could not be delivered. In both cases none is left in.
    """
    check(cluster, scenario, length)
    root = cluster.seed if seed is None else seed
    group = Injected(cluster, scenario, length)
    try:
        for index, occurrence, fault in _planned(scenario, length, root):
            injection = inject_planned(
                cluster._session,
                fault,
                given=scenario.scaled_faults[index],
                seed=root,
                place=(index, occurrence),
            )
            group.add(injection)
    except BaseException:
        group.heal()
        raise
    if length is not None:
        group.end_after(length)
    return group


def _planned(
    scenario: Scenario, length: float | None, seed: int
) -> Iterator[tuple[int, int, Fault]]:
    """Give each fault with its place; one at drawn moments once a moment."""
    for index, fault in enumerate(scenario.scaled_faults):
        if not fault.random or fault.every is not None:
            yield index, 0, fault
            continue
        single = dataclasses.replace(fault, random=False, count=None, probability=1.0)
        for planned in scenario.timeline(length, seed):
            if planned.fault_index == index:
                moved = dataclasses.replace(single, at=planned.time)
                yield index, planned.occurrence, moved


class Injected(Sequence[Injection]):
    """The injections of one scenario, in the order of its faults. It heals on leaving its ``with``.

    Attributes:
        scenario: What was put in.
        length: Seconds after which all heals by itself; ``None`` for no end.
    """

    def __init__(self, cluster: Cluster, scenario: Scenario, length: float | None) -> None:
        self._cluster = cluster
        self._all: list[Injection] = []
        self.scenario = scenario
        self.length = length

    def add(self, injection: Injection) -> None:
        """Take in one that has begun."""
        self._all.append(injection)

    @overload
    def __getitem__(self, index: int) -> Injection: ...
    @overload
    def __getitem__(self, index: slice) -> list[Injection]: ...
    def __getitem__(self, index: int | slice) -> Injection | list[Injection]:
        return self._all[index]

    def __len__(self) -> int:
        return len(self._all)

    @property
    def done(self) -> bool:
        """Whether all have healed and will not strike again."""
        return all(each.done for each in self._all)

    def heal(self) -> None:
        """End all and take back what they did, the last one first. Twice is once.

        Raises:
            ResilkitError: Something could not be taken back; all else has been by then.
        """
        errors: list[ResilkitError] = []
        for each in reversed(self._all):
            try:
                each.heal()
            except ResilkitError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all have ended by themselves; return whether they have.

        Args:
            timeout: Seconds; ``None`` for ever.
        """
        session = self._cluster._session

        async def ended() -> bool:
            try:
                async with asyncio.timeout(timeout):
                    await self._finished()
            except TimeoutError:
                return False
            return True

        return session.thread.sync(ended())

    async def _finished(self) -> None:
        for each in self._all:
            await each._finished.wait()

    def end_after(self, seconds: float) -> None:
        """Have all heal after so many seconds, unless they have ended by then."""

        async def end() -> None:
            try:
                async with asyncio.timeout(seconds):
                    await self._finished()
            except TimeoutError:
                for each in reversed(self._all):
                    await each.close()  # an event tells what could not be taken back

        def begin() -> None:
            task = self._cluster._session.loop.create_task(end())
            _ending.add(task)
            task.add_done_callback(_ending.discard)

        self._cluster._session.thread.submit(begin)

    def frame(self) -> DataFrame:
        """Return a row a strike: injection, fault, time, targets, delivered, healed, why.

        Times are seconds since the cluster started.
        """
        import pandas as pd

        started = self._cluster.started
        rows = [
            {
                "injection": each.id,
                "fault": each.fault.fault_name,
                "time": row["time"] - started,
                "targets": ", ".join(row["targets"]),
                "delivered": row["delivered"],
                "healed": row["healed"] - started if row.get("healed") is not None else None,
                "why": row.get("why", row.get("heal_failed", "")),
            }
            for each in self._all
            for row in list(each.outcomes)
        ]
        columns = ["injection", "fault", "time", "targets", "delivered", "healed", "why"]
        return pd.DataFrame(rows, columns=columns).astype({"healed": float})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.heal()

    def __repr__(self) -> str:
        states = ", ".join(f"{each.id} {_state(each)}" for each in self._all) or "no faults"
        return f"<Injected {self.scenario.name!r}: {states}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(each.id)}</td><td>{_SIGNS[_state(each)]} {_state(each)}</td>"
            f"<td>{html.escape(repr(each.fault))}</td>"
            f"<td>{html.escape(', '.join(_hit(each)) or '–')}</td></tr>"
            for each in self._all
        )
        until = "" if self.length is None else f", for {self.length:g} s"
        caption = f"{html.escape(self.scenario.name)}: {len(self._all)} injected{until}"
        return (
            f'<table style="text-align:left"><caption style="text-align:left">{caption}</caption>'
            "<thead><tr><th>injection</th><th>state</th><th>fault</th><th>hit</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


_SIGNS = {"active": "●", "waiting": "○", "done": "✓"}


def _state(injection: Injection) -> str:
    return "done" if injection.done else "active" if injection.active else "waiting"


def _hit(injection: Injection) -> list[Any]:
    return list(dict.fromkeys(at for row in injection.outcomes for at in row["targets"]))
