"""Injections: one fault put into a running cluster, on its schedule, until it heals."""

from __future__ import annotations

import asyncio
import itertools
import math
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self

from resilkit import rng as rng_module
from resilkit.cluster.coming import Coming
from resilkit.cluster.shown import ShownInjection
from resilkit.cluster.strike import HALTED, half_way, new_row
from resilkit.cluster.strikes import strike_for
from resilkit.cluster.telling import Teller, told, why_of
from resilkit.cluster.timetable import timetable
from resilkit.errors import InvalidArgument, Refused
from resilkit.faults import Fault, occurs, schedule, to_dict
from resilkit.faults.partition import check_places

if TYPE_CHECKING:
    from random import Random

    from resilkit.cluster.session import Session
    from resilkit.cluster.strike import Strike
    from resilkit.cluster.timetable import Moment

__all__ = ["Injection"]

_FOR_EVER = 1e9


class Injection(ShownInjection):
    """A fault at work. It heals on `heal`, on leaving its ``with``, at its end, or at close.

    Attributes:
        id: Its id in the events, e.g. ``"latency-3"``.
        fault: The fault.
        coming: When it strikes next, and when what is in heals by itself: see `Coming`.
        outcomes: A row a strike, from its beginning: ``time``, ``targets``, ``delivered`` (and
            ``why`` not); from its end ``healed``, the time of that, or ``heal_failed``: why it
            could not be taken back. One that is healed on its way in was delivered as far as it
            came, and ``why`` says so where that is not all. And what was measured:

            - on links: ``links``, and once healed ``touched``, on how many messages it acted
              (``None``: a node that would know is gone, or silent, and ``why`` says which); of
              partitions ``cuts``;
            - of nodes: ``pids``, and once healed those that are ``back``, and how many times slower
              (``slowed``) each really was;
            - of resources: what was ``reached`` by node, ``built_up_after`` so many seconds, where
              it is less than 9/10 of what was asked ``short`` by node (which ``part`` of that it
              is, and ``why``), and once healed what is ``left``;
            - of servers: ``outcomes`` by name (``"died"``, ``"trapped"``, ``"armed"``), how often
              it ``struck``, ``crashes`` (a row each: ``time``, ``server``, ``outcome``, ``reason``
              and ``restart_seconds``, ``None`` while it is not back) and ``recovery_times``;
            - of children: ``killed`` (``None``: as ``touched``), ``restarted``,
              ``failed_to_restart``, ``supervisor_gave_up``, ``supervisor_alive`` and
              ``recovery_times``.
    """

    def __init__(
        self,
        session: Session,
        fault: Fault,
        *,
        targets: Any = None,
        seed: int | None = None,
        place: tuple[int, int] | None = None,
        given: Fault | None = None,
    ) -> None:
        self.session = session
        self.fault = fault
        self._teller = Teller(session, self._name, to_dict(given or fault))  # what events tell
        self._key, self._from = place or (session.faults.count, 0)
        self.id = session.faults.new_id(fault.fault_name or type(fault).__name__)
        self.outcomes: list[dict[str, Any]] = []
        self.coming = Coming(session.clock)
        self._targets = targets
        self._root = session.seed if seed is None else seed
        self._active: list[Strike] = []
        self._unhealed: list[Exception] = []
        self._rows: dict[Strike, dict[str, Any]] = {}
        self._healing: dict[Strike, asyncio.Task[None]] = {}
        self._closing: asyncio.Task[None] | None = None
        self._strikes = 0
        self._finished = asyncio.Event()
        self._first = asyncio.Event()
        self._timeline: asyncio.Task[None] | None = None
        self._timers: dict[asyncio.Task[None], None] = {}
        session.faults.begins(self)

    # The plain API -------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether it does harm now, as one does that is still building up."""
        return self._teller.building or bool(self._active)

    @property
    def done(self) -> bool:
        """Whether it has healed and will not strike again."""
        return self._finished.is_set()

    def heal(self) -> None:
        """End it and take back what it did; returns when that is done. Twice is once.

        Leaving its ``with`` does the same; there, an error that is on its way already goes first.

        Raises:
            ResilkitError: Something could not be taken back, now or at its own time: a node does
                not come back, say. All else has been taken back by then.
        """
        self.session.thread.sync(self._heal())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended by itself; return whether it has.

        Args:
            timeout: Seconds; ``None`` for ever.
        """

        async def ended() -> bool:
            try:
                async with asyncio.timeout(timeout):
                    await self._finished.wait()
            except TimeoutError:
                return False
            return True

        return self.session.thread.sync(ended())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            self.heal()
        except Exception as failed:
            if error is None:
                raise
            error.add_note(f"{self.id} could not be healed: {why_of(failed)}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            await self.session.thread.bridge(self._heal())
        except Exception as failed:
            if error is None:
                raise
            error.add_note(f"{self.id} could not be healed: {why_of(failed)}")

    # On the loop ---------------------------------------------------------------------------------

    async def begin(self, *, waits: bool = True) -> None:
        """Start its timeline; return when a strike that is due at once has taken place.

        Args:
            waits: Whether to wait for that strike; else its outcome says what went wrong.

        Raises:
            InvalidArgument: Its moments are to be drawn from a run whose end nobody knows.
            InvalidArgument: A fault that is due at once names a group or link that is not there.
            ResilkitError: That strike could not be delivered: nobody waits for a schedule to
                tell so. What a fault of the user's own raises comes as it is.
        """
        if self.fault.random and self.fault.every is None:
            self._end()
            raise InvalidArgument(
                "draws moments from the length of a run, which only a scenario has",
                path=f"{type(self.fault).__name__}.random",
                value=True,
                allowed="random together with every, or a Scenario",
            )
        moments = schedule(self.fault, _FOR_EVER, self._stream("schedule"))
        first = next(moments, None)
        if first is None:
            self._end()
            return
        at_once = waits and first == 0.0
        if at_once:
            try:
                check_places(self.fault, list(self.session.nodes), self.session.edges)
            except InvalidArgument as unknown:
                self._end()
                raise unknown.below(type(self.fault).__name__) from None
        strikes = itertools.chain([first], moments)
        self._timeline = self.session.loop.create_task(self._run(strikes))
        if at_once:
            try:
                await self._first.wait()
            except asyncio.CancelledError:  # nobody gets this injection to heal it
                await self.close()
                raise
            error = self.outcomes[0].get("error") if self.outcomes else None
            if error is not None:
                await self.close()
                raise error
            if self.outcomes and not self.outcomes[0]["delivered"]:
                self.session.refuse_closed()  # closed meanwhile: it has not been put in

    async def first_over(self) -> None:
        """Wait until its first moment has come, and what was to happen then has: or has failed."""
        await self._first.wait()

    async def _run(self, moments: Any) -> None:
        async with aclosing(timetable(moments, self._from, self.coming.waits)) as due:
            async for moment in due:
                if not occurs(self.fault, self._stream("occurs", moment.occurrence)):
                    self.session.note("fault", "skipped", "", id=self.id, fault=self._name)
                elif moment.missed:
                    self._miss(moment)
                else:
                    await self._strike(moment.occurrence)
                self._first.set()
        self._timeline = None
        self._maybe_end()

    def _miss(self, moment: Moment) -> None:
        time = self.session.clock.now() - moment.late
        why = f"its moment passed while {moment.missed}"
        self.outcomes.append(new_row(time, moment.occurrence) | {"why": why})
        about = {"id": self.id, "fault": self._name, "why": why}
        self.session.events.append(time, "fault", "missed", detail=about)

    def _stream(self, purpose: str, *names: int) -> Random:
        """Return a stream that depends on the seed and the place of this fault alone.

        The same ones as in `Scenario.timeline`: the plan that it shows is the plan that an
        experiment runs, which gives each fault its place in the scenario. Without a place it is
        the number of faults that the cluster had before.
        """
        return rng_module.stream(self._root, purpose, self._key, *names)

    @property
    def _name(self) -> str:
        return self.fault.fault_name or type(self.fault).__name__

    async def _strike(self, occurrence: int) -> None:
        session = self.session
        self._strikes += 1
        strike_id = self.id if self._strikes == 1 else f"{self.id}.{self._strikes}"
        row = new_row(session.clock.now(), occurrence)
        self.outcomes.append(row)
        try:
            strike = strike_for(strike_id, session, self.fault, self._stream("targets", occurrence))
        except Exception as error:  # noqa: BLE001 - the rule of a user's fault may raise anything
            row.update(error=error, why=why_of(error))
            session.note("fault", "failed", "", id=strike_id, fault=self._name, why=row["why"])
            return
        self._rows[strike] = strike.row = row
        strike.teller = self._teller
        try:
            if self._spares_all():
                row["why"] = "it was to hit nobody"
                self._teller.note("skipped", strike, why=row["why"])
                return
            row["targets"] = targets = strike.choose(occurrence, self._targets)
            if not targets:
                raise Refused("nobody is there whom its targets fit")
            with self._teller.span("inject", strike), self._teller.beginning(strike):
                measured = await strike.deliver(targets)
        except asyncio.CancelledError:
            # Half delivered is delivered: whoever ends the injection expects it gone.
            await self._break_off(strike, await strike.halt())
            raise
        except Exception as error:  # noqa: BLE001 - a user's fault may raise anything: told below
            measured = strike.so_far()
            told_of = half_way(error, strike.hit)
            row.update(error=told_of, why=why_of(told_of))
            await self._break_off(strike, measured)
            return
        row.update(delivered="failed" not in row, **measured)
        self._active.append(strike)
        self._teller.note_beginning("injected", strike, strike.targets, **told(measured))
        self._heal_later(strike)

    async def _break_off(self, strike: Strike, measured: dict[str, Any]) -> None:
        """Take back a strike that is not wholly in; the harm that it did is told all the same.

        Healed on its way in, it was delivered as far as it came. One that failed was not.
        """
        row = self._rows[strike]
        if measured:
            row.update(measured, delivered="error" not in row and "failed" not in row)
            self._active.append(strike)
            about = {"why": row["why"]} if "why" in row else {}
            self._teller.note_beginning("injected", strike, strike.hit, **about | told(measured))
        if not row["delivered"]:
            ended = "the cluster was closed before it was wholly in"
            why = row.setdefault("why", ended if self.session.closed else HALTED)
            self._teller.note("failed", strike, why=why)
        await self._take_back(strike)

    def _spares_all(self) -> bool:
        """Whether nobody is to be hit, by the targets or a chance of 0."""
        fault, targets = self.fault, self._targets
        if targets is None:
            return fault.inert
        return fault.harmless or targets in ("none", 0)

    def _heal_later(self, strike: Strike) -> None:
        after = strike.ends_after(self.fault.duration)
        left = after and strike.began + after - self.session.loop.time()
        self.coming.lasts(strike, left)
        if after is not None:
            timer = self.session.loop.create_task(self._heal_after(strike, after))
            self._timers[timer] = None
            timer.add_done_callback(self._timers.pop)

    async def _heal_after(self, strike: Strike, delay: float) -> None:
        await asyncio.sleep(strike.began + delay - self.session.loop.time())
        await self._heal_strike(strike)
        self._maybe_end()

    async def _heal_strike(self, strike: Strike) -> None:
        """Take a strike back, once; whoever stops waiting for that does not stop it."""
        if strike not in self._active:
            return
        if strike not in self._healing:
            self._healing[strike] = self.session.loop.create_task(self._take_back(strike))
        await asyncio.shield(self._healing[strike])

    async def _take_back(self, strike: Strike) -> None:
        row, was_in = self._rows[strike], strike in self._active
        try:
            with self._teller.span("heal", strike):
                measured = await self._undone(strike)
        except Exception as error:  # noqa: BLE001 - the others still have to be taken back
            why = row["heal_failed"] = why_of(error)
            self._unhealed.append(error)
            self.session.note("alert", "undo_failed", "", id=strike.id, why=why)
            # It does no more than it did: for whoever looks at its time, it ends here.
            self._teller.note("heal_failed", strike, why=why)
        else:
            if was_in:
                row.update(measured, healed=self.session.clock.now())
                self._teller.note("healed", strike, **told(measured))
        if was_in:
            self._active.remove(strike)
        self._healing.pop(strike, None)
        self.coming.healed(strike)
        strike.over()

    def row_of(self, strike_id: str) -> dict[str, Any] | None:
        """Return the outcome of one strike, ``None`` for another injection's."""
        return next((row for strike, row in self._rows.items() if strike.id == strike_id), None)

    async def _undone(self, strike: Strike) -> dict[str, Any]:
        """Undo a strike; return what was measured."""
        if self.session.closed:
            # All processes end now, and the launcher undoes what is in the journal: nobody has to
            # be asked, let alone waited for.
            strike.abandon()
            return {}
        return await strike.undo()

    def unhealed(self) -> list[Exception]:
        """Return why something could not be taken back, each once: it is to be told once."""
        errors, self._unhealed = self._unhealed, []
        return errors

    async def _heal(self) -> None:
        await self.close()
        for error in self.unhealed():
            raise error

    async def close(self) -> None:
        """End the timeline and undo what is in, whatever happens.

        It raises nothing: `unhealed` says what could not be taken back.
        """
        if self._closing is None:
            self._closing = self.session.loop.create_task(self._close())
        # An interrupt of the cell that heals must not leave half of it in.
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        tasks = [task for task in [self._timeline, *self._timers] if task is not None]
        self._timeline = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for strike in list(reversed(self._active)):
            await self._heal_strike(strike)
        self._end()

    def _maybe_end(self) -> None:
        if self._timeline is None and not self._active:
            self._end()

    def _end(self) -> None:
        self.coming.waits(math.inf)
        self._first.set()
        self._finished.set()
        self.session.faults.injections.pop(self.id, None)
