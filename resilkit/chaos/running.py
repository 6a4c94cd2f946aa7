"""A scenario at work on a cluster: what it plans, what has become of that, and its end."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from resilkit import validate
from resilkit.chaos.fitting import check_fit
from resilkit.chaos.planning import LAST_STRIKE, planned_faults, planned_strikes
from resilkit.cluster.injection import Injection
from resilkit.cluster.telling import listed, why_of
from resilkit.errors import InvalidArgument, ResilkitError
from resilkit.faults.places import place_words
from resilkit.importing import whole
from resilkit.texts import plain

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from pandas import DataFrame

    from resilkit.chaos.scenario import Planned, Scenario
    from resilkit.cluster.session import Session

__all__ = ["RunningScenario", "StrikeState", "Struck", "begin", "checked"]

StrikeState = Literal["planned", "active", "healed", "failed", "left out"]


@dataclass(frozen=True, slots=True)
class Struck:
    """One planned strike of a scenario, and what has become of it.

    Attributes:
        fault: The fault's registered name.
        fault_index: Which of the scenario's faults it is of.
        planned: When it was to strike, in seconds from the scenario's start.
        until: When it was to heal by itself; ``None``: when the scenario ends.
        state: ``"planned"``, ``"active"`` (from when it begins to build up), ``"healed"``,
            ``"failed"`` or ``"left out"``: the scenario ended before, or it was to hit nobody.
        began: When it struck; ``None``: it has not.
        ended: When it was healed; ``None``: it has not been.
        where: Whom or what it hit, in words.
        why: What was not as asked, ``""`` for nothing: why it failed, fell short, was left out or
            could not be taken back.
    """

    fault: str
    fault_index: int
    planned: float
    until: float | None
    state: StrikeState
    began: float | None = None
    ended: float | None = None
    where: str = ""
    why: str = ""


class RunningScenario:
    """A scenario that was started on a cluster; `Scenario.start` makes it.

    It puts its faults in on their timeline, and heals all of them when its duration is over, on
    `stop`, on leaving its ``with``, on ``cluster.heal()`` and when the cluster closes.

    Attributes:
        scenario: What runs.
        duration: Seconds that it takes.
        seed: The root of its moments, chances and targets.
        started: When it began, on the clock of the cluster's events.
        ended: When it ended; ``None`` while it runs.
        stopped: Whether somebody ended it before its time.
        injections: What it has put in, as `Injection` objects, in the order of its faults.
        refused: Why the cluster did not take a fault, by its index.
        by: ``"experiment"`` where an experiment runs it, else ``"code"``.

    Examples:
        ::

            with scenario.start(cluster, duration=30.0, seed=7) as running:
                running.wait()
            running.frame()
    """

    def __init__(
        self,
        session: Session,
        scenario: Scenario,
        *,
        duration: float,
        seed: int,
        by: Literal["code", "experiment"] = "code",
    ) -> None:
        self.scenario = scenario
        self.duration = duration
        self.seed = seed
        self.by = by
        self.started = session.clock.now()
        self.ended: float | None = None
        self.stopped = False
        self.injections: list[Injection] = []
        self.refused: dict[int, str] = {}
        self._session = session
        self._indices: list[int] = []
        self._plan = planned_strikes(scenario, duration, seed)
        self._given = planned_faults(scenario, duration, seed)
        self._end: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._unhealed: list[Exception] = []

    # The plain API -------------------------------------------------------------------------------

    @property
    def done(self) -> bool:
        """Whether it has ended, and all that it put in was healed."""
        return self.ended is not None

    @property
    def elapsed(self) -> float:
        """Seconds since its start; from its end on, those that it took."""
        now = self._session.clock.now() if self.ended is None else self.ended
        return min(now - self.started, self.duration)

    @property
    def strikes(self) -> list[Struck]:
        """Every strike that was planned, in order of time, with what has become of it."""
        rows = {
            (index, row["occurrence"]): row
            for index, injection in self.placed()
            for row in list(injection.outcomes)
        }
        return [
            self._struck(one, rows.get((one.fault_index, one.occurrence))) for one in self._plan
        ]

    def frame(self) -> DataFrame:
        """Return `strikes` as a frame, one row each; times are seconds from its start."""
        whole("pandas")
        import pandas as pd

        columns = list(Struck.__dataclass_fields__)
        frame = pd.DataFrame([asdict(each) for each in self.strikes], columns=columns)
        return frame.astype(dict.fromkeys(("planned", "until", "began", "ended"), "float64"))

    def stop(self) -> None:
        """End it now, and take back all that it put in; returns when that is done. Twice is once.

        Raises:
            ResilkitError: Something could not be taken back, now or before. All else has been.
        """
        self._session.thread.sync(self._stop())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended; return whether it has.

        Args:
            timeout: Seconds; ``None``: as long as it takes.
        """
        return self._session.thread.sync(_within(self._over.wait(), timeout))

    def wait_first(self, timeout: float | None = None) -> bool:
        """Wait until what is due at its start is in, or has failed; return whether it is so far.

        Args:
            timeout: Seconds; ``None``: as long as it takes. To fill a node's memory takes some.
        """
        due = {one.fault_index for one in self._plan if one.time == 0.0}
        first = [each for index, each in self.placed() if index in due]

        async def begun() -> None:
            await asyncio.gather(*(each.first_over() for each in first))

        return self._session.thread.sync(_within(begun(), timeout))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            self.stop()
        except Exception as failed:
            if error is None:
                raise
            error.add_note(f"{self!r} could not be healed: {why_of(failed)}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            await self._session.thread.bridge(self._stop())
        except Exception as failed:
            if error is None:
                raise
            error.add_note(f"{self!r} could not be healed: {why_of(failed)}")

    def __repr__(self) -> str:
        """Show how far it is, and what is in."""
        return f"<scenario {self.scenario.name!r} {self.told()}>"

    def told(self) -> str:
        """Return in a line how far it is, and what is in."""
        state = "stopped" if self.stopped else "over" if self.done else "running"
        strikes = self.strikes
        struck = sum(one.began is not None for one in strikes)
        active = ", ".join(dict.fromkeys(one.fault for one in strikes if one.state == "active"))
        told = f"; active: {active}" if active else ""
        return (
            f"{state}: {self.elapsed:.1f} of {self.duration:g} s, "
            f"{struck} of {plain(len(strikes), 'strike')}{told}; seed {self.seed}"
        )

    def _repr_html_(self) -> str:
        """Show a table of the strikes, everything escaped."""
        from resilkit.chaos.display import running_html

        return running_html(self)

    def placed(self) -> list[tuple[int, Injection]]:
        """Return what it has put in, each with the index of its fault."""
        pairs = zip(list(self._indices), list(self.injections), strict=False)
        return [(index, each) for index, each in pairs if index not in self.refused]

    # On the loop ---------------------------------------------------------------------------------

    async def begin(self, *, whole: bool = True) -> None:
        """Give the cluster all its faults.

        Args:
            whole: Whether the first one that is not taken is raised, and all before it are taken
                back; else `refused` has it.
        """
        session = self._session
        session.refuse_closed()
        given = self.scenario.scaled_faults
        self.started = session.clock.now()
        session.faults.starts(self)
        for index, occurrence, fault in self._given:
            place = (index, occurrence)
            injection = Injection(session, fault, seed=self.seed, place=place, given=given[index])
            self.injections.append(injection)
            self._indices.append(index)
            try:
                # Filling a node's memory takes seconds: the others must not wait for that.
                await injection.begin(waits=False)
            except BaseException as error:
                if whole or not isinstance(error, ResilkitError):
                    await self.close()
                    raise
                self.refused.setdefault(index, str(error))

    def end_in_time(self) -> None:
        """Let it end by itself when its duration is over."""
        left = self.duration - (self._session.clock.now() - self.started)
        self._end = self._session.loop.call_later(max(left, 0.0), self._begin_to_close)

    async def close(self) -> None:
        """End it, and take back all that is in, whatever happens; it raises nothing."""
        if self._closing is None:
            self.stopped = self.elapsed < LAST_STRIKE * self.duration
        await asyncio.shield(self._begin_to_close())

    def _begin_to_close(self) -> asyncio.Task[None]:
        if self._closing is None:
            self._closing = self._session.loop.create_task(self._close())
        return self._closing

    async def _close(self) -> None:
        if self._end is not None:
            self._end.cancel()
        for injection in reversed(self.injections):
            await injection.close()
            self._unhealed += injection.unhealed()
        self.ended = self._session.clock.now()
        self._over.set()

    async def _stop(self) -> None:
        await self.close()
        errors, self._unhealed = self._unhealed, []
        for error in errors:
            raise error

    # What has become of it -----------------------------------------------------------------------

    def _struck(self, planned: Planned, row: dict[str, Any] | None) -> Struck:
        def told(state: StrikeState, **found: Any) -> Struck:
            return Struck(
                planned.fault.fault_name,
                planned.fault_index,
                planned.time,
                planned.end,
                state,
                **found,
            )

        if row is None:
            if why := self.refused.get(planned.fault_index):
                return told("failed", why=why)
            ended = self.done
            return told("left out", why="the scenario ended before") if ended else told("planned")
        began, healed, why = row["time"] - self.started, row.get("healed"), _why(row)
        where = place_words(row, listed(row["targets"]))
        if not row["delivered"] and planned.fault.inert:
            return told("left out", why=why)
        if not row["delivered"] and why:
            return told("failed", began=began, where=where, why=why)
        if healed is None and "heal_failed" not in row:
            return told("active", began=began, where=where, why=why)
        over = None if healed is None else healed - self.started
        state: StrikeState = "failed" if healed is None else "healed"
        return told(state, began=began, ended=over, where=where, why=why)


def checked(
    scenario: Scenario, cluster: Any, duration: float | None, seed: int | None
) -> tuple[Session, float, int]:
    """Return where to start a scenario, for how long and from which seed, once that is checked.

    Raises:
        InvalidArgument: Something is wrong, or does not fit the cluster; see `check_fit`.
        Unavailable: It does not fit the machine.
        ClusterClosed: The cluster was closed.
    """
    from resilkit.cluster.cluster import Cluster

    if not isinstance(cluster, Cluster):
        message = "must be a running cluster"
        raise InvalidArgument(message, path="cluster", value=cluster, allowed="a Cluster")
    session = cluster._session
    session.refuse_closed()
    given = scenario.duration if duration is None else duration
    if given is None:
        allowed = "seconds > 0: the scenario has no duration of its own"
        raise InvalidArgument("is not known", path="duration", allowed=allowed)
    length = validate.duration(given, "duration", allow_zero=False)
    root = session.seed if seed is None else seed
    root = validate.number(root, "seed", low=0, high=2**63 - 1, integer=True)
    check_fit(scenario, session, length)
    planned_strikes(scenario, length, root)  # too many of them are refused here
    return session, length, root


async def begin(
    session: Session, scenario: Scenario, *, duration: float, seed: int
) -> RunningScenario:
    """Start a scenario that was `checked`, on the loop; it ends by itself.

    Raises:
        ClusterClosed: The cluster was closed.
    """
    running = RunningScenario(session, scenario, duration=duration, seed=seed)
    await running.begin()
    running.end_in_time()
    return running


async def _within(waiting: Awaitable[object], timeout: float | None) -> bool:
    try:
        async with asyncio.timeout(timeout):
            await waiting
    except TimeoutError:
        return False
    return True


def _why(row: dict[str, Any]) -> str:
    """Return what of a strike was not as asked."""
    if "heal_failed" in row:
        return f"could not be taken back: {row['heal_failed']}"
    told = [str(row["why"])] if "why" in row else []
    short = [f"{node}: {one['why']}" for node, one in row.get("short", {}).items()]
    return "; ".join([*told, *short])
