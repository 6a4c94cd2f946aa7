"""`Trace`: the messages of one server, as they come and go."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

from resilkit import validate
from resilkit.cluster.handles import stay
from resilkit.cluster.trace_log import TraceLog, TraceMessage, counted
from resilkit.errors import CallTimeout, NoProcess, ResilkitError
from resilkit.export import write_frame
from resilkit.importing import whole
from resilkit.runtime.kinds import QUERY
from resilkit.runtime.messages import Pid
from resilkit.runtime.trace_filter import DIRECTIONS, TRACE_KINDS, TraceFilter
from resilkit.texts import plain

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Iterator

    from pandas import DataFrame

    from resilkit.cluster.session import Session
    from resilkit.metrics.plots import Picture
    from resilkit.runtime.reference import Address

__all__ = ["DEFAULT_LIMIT", "DEFAULT_RATE", "Trace"]

DEFAULT_LIMIT: Final = 10_000
"""Messages that a trace keeps."""

DEFAULT_RATE: Final = 2_000.0
"""Messages a second that a node records for a trace."""

_ANSWERED_WITHIN: Final = 5.0

_ANSWERED: Final = frozenset({"call", "request"})
"""Kinds that are answered."""

_MOST_OPEN: Final = 10_000
"""Of those, how many are remembered: some are never answered."""


class Trace:
    """Records the messages of a server, from ``reference.trace()`` on until `stop`.

    It follows a name: over restarts of the server and of its node, and to another node. It ends
    with `stop`, with its ``with`` block, after its ``duration``, when the cluster is closed, and
    for a reference by pid with that process. What it has recorded stays.

    =========== =====================================================================
    kind        what it is
    =========== =====================================================================
    ``call``    a request; its answer is a ``reply`` or an ``error``
    ``cast``    a request that nobody answers
    ``info``    any other message
    ``timer``   a message that the server sent to itself by ``send_after``
    ``publish`` a publication: the other end is ``topics``, the method is the topic
    ``request`` ``sync``, ``state`` or ``stop``; answered like a call
    ``reply``   the answer to a call or a request
    ``error``   the error that is the answer, or why there is none
    ``exit``    an exit signal: of a link, a supervisor, a kill
    ``down``    the notice of a monitor
    ``node``    a node came or went, for a server that watches nodes
    ``started`` the server has got its name
    ``ended``   it has ended, and why
    =========== =====================================================================

    Links and monitors that are made, and questions that no handler sees (``queue_length``,
    ``alive``), are no messages of the server's. A message counts when it comes to the mailbox, not
    when it is handled: the time to the answer is that of the queue and of the handler.

    What is outside of the cluster's nodes has a name that begins with ``@``: ``"@notebook"``, and
    ``"@g1"``, ``"@g2"``, … for those that generate load.

    Iterating gives what is there and then what comes, until the trace ends (``async for`` does the
    same for async code); `messages` is what is there now.

    Nodes tell what they record in batches. Whoever looks at a trace that goes on gets what was
    recorded up to then: the nodes are asked for it first. One that is paused or does not answer is
    waited for half a second at most, and not again before it has answered.

    Examples:
        ::

            with cluster.whereis("bank").trace(methods="transfer") as trace:
                bank.call.transfer("ann", "bob", 10)
            trace.frame()
            trace.diagram()
    """

    def __init__(
        self,
        session: Session,
        address: Address,
        *,
        filter: TraceFilter,
        limit: int,
        rate: float,
        duration: float | None,
    ) -> None:
        self._session = session
        self._address = address
        self._filter = filter
        self._duration = duration
        self._order = {"address": address, "filter": filter, "rate": rate}
        self._id = ""
        self._log = TraceLog(limit, session.thread.condition())
        # A node counts its own records: here they are numbered anew, for all nodes together.
        self._count = 0
        self._open: dict[tuple[str, int], int] = {}
        self._home = ""
        self._label = self.name
        self._why = ""
        self._ending: asyncio.Task[None] | None = None

    __reduce__ = stay

    @classmethod
    async def begun(
        cls,
        session: Session,
        address: Address,
        *,
        kinds: Any = None,
        methods: Any = None,
        direction: Any = None,
        peers: Any = None,
        limit: Any = DEFAULT_LIMIT,
        rate: Any = DEFAULT_RATE,
        duration: Any = None,
    ) -> Self:
        """Return a trace that stands on every node: what `ClusterReference.trace` does."""
        filter = TraceFilter(kinds=kinds, methods=methods, direction=direction, peers=peers)
        limit = validate.number(limit, "limit", low=1, integer=True)
        rate = validate.number(rate, "rate", low=0, low_open=True)
        duration = validate.duration(duration, "duration", allow_none=True, allow_zero=False)
        session.refuse_closed()
        trace = cls(session, address, filter=filter, limit=limit, rate=rate, duration=duration)

        async def begin(session: Session) -> Self:
            await trace._begin(session)
            return trace

        return await session.thread.bridge(session.while_open(begin), cls._lost)

    # On the clusters' loop -----------------------------------------------------------------------

    async def _begin(self, session: Session) -> None:
        self._id = await session.traces.begin(self)
        pid = session.node.resolve(self._address)
        self._home = pid.node if pid is not None else ""
        if isinstance(self._address, Pid):
            try:
                await self._refuse_ended(session, self._address)
            except BaseException:
                await self._end("it could not begin")
                raise
        if self._duration is not None:
            session.loop.call_later(self._duration, self._end_soon, "its duration is over")

    @staticmethod
    async def _refuse_ended(session: Session, pid: Pid) -> None:
        if not await session.node.request(QUERY, pid, "alive", None, _ANSWERED_WITHIN):
            raise NoProcess(f"no process {pid}: it has ended")

    def _end_soon(self, why: str) -> None:
        if self._ending is None and not self._session.closed:
            self._session.node.spawn_task(self._end(why))

    @staticmethod
    async def _lost(trace: Trace) -> None:
        await trace._end("nobody has it")

    async def _end(self, why: str, within: float | None = None) -> None:
        if self._ending is None:
            self._ending = self._session.loop.create_task(self._really_end(why, within))
        await asyncio.shield(self._ending)

    async def _really_end(self, why: str, within: float | None) -> None:
        try:
            await self._session.traces.end(self._id, within)
        finally:
            self._why = why
            self._log.end()

    def _take(self, node: str, rows: list[tuple[Any, ...]], dropped: int) -> None:
        """Take what a node has recorded: see `runtime.watch.Row`."""
        messages = []
        for time, direction, kind, sender, receiver, *texts, number, answered in rows:
            self._count += 1
            if kind in _ANSWERED:
                self._note_open((node, number))
            self._home = "" if kind == "ended" else node
            self._label = receiver if direction == "in" else sender
            answers = self._open.pop((node, answered), None)
            time_here = self._session.on_clock(node, time)
            row = (time_here, direction, kind, sender, receiver, *texts, node, self._count, answers)
            messages.append(TraceMessage(*row))
        self._log.extend(messages, dropped)

    def _note_open(self, key: tuple[str, int]) -> None:
        if len(self._open) >= _MOST_OPEN:
            del self._open[next(iter(self._open))]
        self._open[key] = self._count

    def _lost_node(self, node: str, time: float) -> None:
        """Learn that a node is gone: what was on it has ended, and could not say so."""
        for key in [key for key in self._open if key[0] == node]:
            del self._open[key]  # the next process of that name counts anew
        if self._home == node and self._filter.wants("", "ended", "", ""):
            self._count += 1
            why = f"node {node} ended"
            row = (time, "", "ended", self._label, "", "", why, node, self._count, None)
            self._log.extend([TraceMessage(*row)])
        if self._home == node:
            self._home = ""
        if isinstance(self._address, Pid) and self._address.node == node:
            self._end_soon("its node has ended")

    # The end -------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Record no more; what was recorded has come when this returns. Twice is once.

        A node that does not answer is not waited for long: what it has recorded since may be
        missing.
        """
        if not (self.over or self._session.thread.over):
            self._session.thread.sync(self._end("stopped"))

    async def astop(self) -> None:
        """Await it: `stop`, for async code."""
        if not (self.over or self._session.thread.over):
            await self._session.thread.bridge(self._end("stopped"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.astop()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return bool(self._why)

    # What it has recorded ------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Whose messages it records: a name, or a pid as text."""
        if isinstance(self._address, str):
            return self._address
        return str(self._address) if isinstance(self._address, Pid) else self._address[0]

    @property
    def messages(self) -> list[TraceMessage]:
        """What is there now, in the order in which it came: at most ``limit``, the newest."""
        return self._fetched().all()

    @property
    def dropped(self) -> int:
        """How many that it is about are not there: beyond the limit, or the rate."""
        return self._fetched().dropped

    def _fetched(self) -> TraceLog:
        """Return the log, once what the nodes have recorded up to now has come."""
        if not self.over:
            # Where it cannot be waited for, what is there is shown: on the clusters' own thread,
            # in a fork, and when the cluster closes.
            with suppress(ResilkitError):
                self._session.thread.wait(self._fetching)
        return self._log

    def _fetching(self) -> asyncio.Task[None]:
        return self._session.loop.create_task(self._session.traces.fetch(self._id))

    def after(self, mark: int) -> tuple[int, list[TraceMessage]]:
        """Return the messages that came after a mark, and the mark for the next look.

        It takes what has come, and asks no node: it is for who looks again soon.

        Args:
            mark: What the last look returned; 0 for all that are kept.
        """
        return self._log.after(mark)

    def wait(self, count: int = 1, timeout: float | None = 5.0) -> list[TraceMessage]:
        """Return what is there once `count` messages have come since the trace began.

        Args:
            count: How many.
            timeout: Seconds to wait; ``None`` for as long as the trace goes on.

        Raises:
            CallTimeout: They had not come within `timeout`, or when the trace ended.
            InvalidArgument: An argument is none.
        """
        count = validate.number(count, "count", low=1, integer=True)
        timeout = validate.duration(timeout, "timeout", allow_none=True)
        if not self._log.wait(count, timeout):
            when = f"when it ended ({self._why})" if self.over else f"within {timeout:g} s"
            come = f"{self._log.appended} of {plain(count, 'message')}"
            raise CallTimeout(f"the trace of {self.name!r} had {come} {when}")
        return self._log.all()

    def __len__(self) -> int:
        return len(self._fetched())

    def __iter__(self) -> Iterator[TraceMessage]:
        """Yield what is there, and what comes, until the trace ends."""
        return self._fetched().stream()

    def __aiter__(self) -> AsyncIterator[TraceMessage]:
        """Yield the same to async code, on any event loop."""
        return self._log.astream()

    def frame(self) -> DataFrame:
        """Return the messages as a pandas frame, sorted by time.

        Returns:
            Columns ``time`` (float64, seconds on the clock of metrics and events), ``direction``
            and ``kind`` (categories), ``sender``, ``receiver``, ``method``, ``payload`` and
            ``node`` (text), ``id`` (int64), and ``answers`` (Int64: the id of what a reply or an
            error answers, missing elsewhere).
        """
        whole("pandas")
        import pandas as pd

        rows = sorted(self.messages, key=lambda row: row.time)
        frame = pd.DataFrame(rows, columns=list(TraceMessage._fields))
        texts = dict.fromkeys(("sender", "receiver", "method", "payload", "node"), "str")
        numbers = {"time": "float64", "id": "int64", "answers": "Int64"}
        frame = frame.astype({**texts, **numbers})
        for column, known in (("direction", ("", *DIRECTIONS)), ("kind", TRACE_KINDS)):
            frame[column] = pd.Categorical(frame[column], categories=known)
        return frame

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write the messages to `path`: Parquet, CSV, JSON or JSON lines, by the suffix.

        Raises:
            InvalidArgument: The suffix is not .parquet, .csv, .json or .jsonl.
            StorageError: The file cannot be written.
        """
        write_frame(self.frame(), path)

    def diagram(
        self, *, most: int = 60, theme: str = "light", width: int = 900, title: str | None = None
    ) -> Picture:
        """Draw the messages as a sequence diagram, time flowing down from the trace's first one.

        Args:
            most: Messages at most, the newest, 1..500; the figure says that older ones are left
                out.
            theme: ``"light"`` or ``"dark"``.
            width: Pixels, 300..4000.
            title: Stands above; ``None`` names the server, ``""`` is none.

        Raises:
            InvalidArgument: An argument is out of range.
        """
        whole("resilkit.metrics.plots")
        from resilkit.metrics.plots import sequence_figure

        title = f"Messages of {self.name}" if title is None else title
        return sequence_figure(
            self.messages, most=most, theme=theme, width=width, title=title, origin=self._log.began
        )

    def _repr_html_(self) -> str:
        from resilkit.markup import display, note
        from resilkit.metrics.sequence_svg import sequence_image

        drawn = sequence_image(self.messages, origin=self._log.began)
        return display("trace of", self.name, note(self.told()), drawn)

    def __repr__(self) -> str:
        return f"<trace of {self.name!r}: {self.told()}>"

    def told(self) -> str:
        """Return in a line how many messages there were, and whether it goes on."""
        log = self._fetched()
        had = counted(log.appended, too_fast=log.too_fast, kept=len(log))
        return f"{had}; {self._why or 'going on'}"
