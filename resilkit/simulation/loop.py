"""The event loop that a simulated node is handed: asyncio's, as far as virtual time goes."""

from __future__ import annotations

import asyncio
import contextvars
from asyncio.log import logger
from typing import TYPE_CHECKING, Any, NoReturn

from resilkit.errors import Unavailable
from resilkit.simulation.ending import end_coroutines, is_running
from resilkit.simulation.handle import Handle
from resilkit.simulation.sets import PlaceFuture, PlaceTask
from resilkit.texts import timed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from resilkit.simulation.place import Place

__all__ = ["PlaceLoop"]

_PRUNE = 64


def _settle(outcome: Callable[[Any], None], value: Any, future: asyncio.Future[Any]) -> None:
    if not future.done():  # it may have been cancelled
        outcome(value)


class PlaceLoop(asyncio.AbstractEventLoop):
    """One node's event loop, which the simulation's scheduler runs.

    Tasks, futures, timers, locks, queues and timeouts work as ever, in virtual time. What needs the
    machine, sockets and subprocesses and signals, is refused: a simulated node has none.
    """

    is_virtual = True
    """Whoever would be heard of in real time only must not be awaited here."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._scheduler = place.scheduler
        self._ready = place.scheduler.ready.append
        self._numbers = place.scheduler.task_numbers
        self.future_numbers = place.scheduler.future_numbers
        self._tasks: list[asyncio.Task[Any]] = []
        self._prune_at = _PRUNE
        self.on_error: Callable[[dict[str, Any]], None] | None = None
        self.on_exit: Callable[[BaseException], object] | None = None

    def __repr__(self) -> str:
        return f"<event loop of {self._place.name or 'nobody'} at {timed(self.time())} virtual>"

    # Time and callbacks --------------------------------------------------------------------------

    def time(self) -> float:
        """Return virtual seconds; of a handler that is busy, those when it is done."""
        return self._place.time()

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> Handle:
        """Call `callback` as soon as its turn comes."""
        handle = Handle(
            self._place, callback, args, contextvars.copy_context() if context is None else context,
            0.0,
        )  # fmt: skip
        self._ready(handle)
        return handle

    # Other threads hand their work to the cluster's thread, which submits it here.
    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., Any],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> Handle:
        """Call `callback` at an instant."""
        handle = Handle(
            self._place, callback, args, contextvars.copy_context() if context is None else context,
            when,
        )  # fmt: skip
        self._scheduler.at(when, handle)
        return handle

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., Any],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> Handle:
        """Call `callback` after `delay` seconds."""
        now = max(self._scheduler.now, self._place.busy_until)
        return self.call_at(now + delay, callback, *args, context=context)

    # Futures and tasks ---------------------------------------------------------------------------

    def create_future(self) -> asyncio.Future[Any]:
        """Return a new future."""
        return PlaceFuture(loop=self)

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
        **_: Any,
    ) -> asyncio.Task[Any]:
        """Run a coroutine as a task."""
        number = next(self._numbers)
        # asyncio would count all tasks of the process, those of earlier simulations too.
        name = f"Task-{number}" if name is None else name
        task = PlaceTask(number, coro, loop=self, name=name, context=context)
        # A node that is killed drops its tasks, which is no mistake of anybody's.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        tasks = self._tasks
        tasks.append(task)
        if self._place.dead:
            self._place.end_the_rest()  # it never begins
        elif len(tasks) > self._prune_at:
            tasks[:] = [each for each in tasks if not each.done()]
            self._prune_at = 2 * len(tasks) + _PRUNE
        return task

    def forget(self, task: Any) -> None:
        """Let go of a task that is over, and so of what it returned: whoever waited has it."""
        if task in self._tasks:
            self._tasks.remove(task)

    def get_task_factory(self) -> None:
        """Return ``None``: tasks are asyncio's own."""

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Call `func` here and now: a thread would make the order of things chance.

        Whoever awaits it has the outcome in another turn, as from a thread. Else one who does so
        in a loop, until something has happened, would let nothing happen.
        """
        del executor
        future = self.create_future()
        try:
            result = func(*args)
        except Exception as error:  # noqa: BLE001 - it belongs to who awaits it
            self.call_soon(_settle, future.set_exception, error, future)
        else:
            self.call_soon(_settle, future.set_result, result, future)
        return future

    def end(self) -> bool:
        """Drop every task: its node is dead, and nothing that it does any more has an effect.

        Returns:
            Whether one runs just now. It may be suspended again, and is to be dropped then.
        """
        tasks = [task for task in self._tasks if not task.done()]
        self._tasks = [task for task in tasks if is_running(task.get_coro())]
        # Now, and not whenever Python frees them: what they do when they end is done at the same
        # step each time, and finds a node that is dead, whose errors nobody hears.
        with self._scheduler.visit(self._place):
            end_coroutines(task.get_coro() for task in tasks)
        return bool(self._tasks)

    # What asyncio asks of a loop -----------------------------------------------------------------

    def get_debug(self) -> bool:
        """Return ``False``: the checks of asyncio's debug mode read real time."""
        return False

    def is_running(self) -> bool:
        """Whether the simulation runs just now."""
        return self._scheduler.running

    def is_closed(self) -> bool:
        """Whether the node is dead."""
        return self._place.dead

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tell of an error that nobody has handled; of a dead node's, nobody is told."""
        if self._place.dead:
            return
        if self.on_error is not None:
            self.on_error(context)
        else:
            logger.error(context.get("message"), exc_info=context.get("exception"))

    def exited(self, error: BaseException) -> None:
        """End what runs here, as a callback's `SystemExit` or `KeyboardInterrupt` ends a process.

        Raises:
            BaseException: That one, where no process is simulated, or whoever drives the simulation
                has interrupted it: it is the caller's.
        """
        if self.on_exit is None or getattr(error, "from_outside", False):
            raise error
        self.on_exit(error)

    default_exception_handler = call_exception_handler

    def get_exception_handler(self) -> None:
        """Return ``None``: `on_error` is told."""

    def set_exception_handler(self, handler: Any) -> None:
        """Do nothing: errors are told where the node's log is."""

    def set_debug(self, enabled: bool) -> None:  # noqa: FBT001 - asyncio's signature
        """Do nothing: see `get_debug`."""

    def set_task_factory(self, factory: Any) -> None:
        """Do nothing: tasks are asyncio's own."""

    def set_default_executor(self, executor: Any) -> None:
        """Do nothing: what is for an executor is done at once."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Do nothing: there is none."""

    async def shutdown_asyncgens(self) -> None:
        """Do nothing: asynchronous generators end with what uses them."""

    def _refuse(self, *_args: Any, **_options: Any) -> NoReturn:
        raise Unavailable(
            "a simulated node has no sockets, files to watch, signals or subprocesses: give it a "
            "server that stands for what it talks to, or run it on processes"
        )

    add_reader = remove_reader = add_writer = remove_writer = _refuse  # type: ignore[assignment]
    add_signal_handler = remove_signal_handler = _refuse  # type: ignore[assignment]
    create_connection = create_server = create_unix_connection = create_unix_server = _refuse
    create_datagram_endpoint = connect_accepted_socket = start_tls = sendfile = _refuse
    connect_read_pipe = connect_write_pipe = subprocess_exec = subprocess_shell = _refuse
    sock_recv = sock_recv_into = sock_recvfrom = sock_sendall = sock_connect = _refuse
    sock_accept = sock_sendfile = sock_sendto = sock_recvfrom_into = getaddrinfo = _refuse
    getnameinfo = run_forever = run_until_complete = stop = close = _refuse
