"""A cluster's side of the launcher, for the notebook's loop."""

from __future__ import annotations

import asyncio
import os
import secrets
import select
import signal as signals
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from resilkit.cluster.folders import remove_folder
from resilkit.cluster.frames import frame
from resilkit.cluster.journal import undo_file
from resilkit.cluster.launcher_events import (
    Exited,
    Forked,
    LauncherDied,
    LauncherEvent,
    Undone,
    read_event,
)
from resilkit.cluster.launcher_faults import FaultRequests
from resilkit.cluster.launcher_process import (
    LauncherProcess,
    leave_launcher,
    own_socket,
    retire_launcher,
    shared_launcher,
)
from resilkit.cluster.launcher_requests import Requests
from resilkit.cluster.launcher_stream import FrameStream
from resilkit.cluster.processes import signal_process
from resilkit.cluster.restart import RestartPolicy
from resilkit.errors import CallTimeout, ClusterClosed, ClusterError, StartFailed, Unavailable
from resilkit.texts import plain

__all__ = ["Launcher"]


class Launcher(FaultRequests):
    """One cluster's connection to the launcher, which this process's clusters share.

    Use it from one event loop; only `close_now` may be called from elsewhere.

    Args:
        folder: The cluster's private folder: a path where nothing stands yet, or an empty
            folder. It holds ``logs/NAME.log`` and the undo journal, and is removed at the end.
        preload: Modules that the launcher imports before it forks, by name, so that nodes start
            with them: light ones only, that start no threads.
        on_event: Called with each `LauncherEvent`, in the loop.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        preload: Sequence[str] = (),
        on_event: Callable[[LauncherEvent], None] | None = None,
    ) -> None:
        self.folder = Path(folder).absolute()
        self.on_event = on_event
        self._preload = list(preload)
        self._token = secrets.token_hex(16)
        self._owner = os.getpid()
        self._process: LauncherProcess | None = None
        self._transport: asyncio.Transport | None = None
        self._watch: socket.socket | None = None
        self._gone: asyncio.Future[None] | None = None
        self._requests = Requests()
        self._running: dict[str, tuple[int, float]] = {}
        self._state = "new"

    def __repr__(self) -> str:
        return f"<Launcher {self.folder} {self._state}, {plain(len(self._running), 'node')}>"

    @property
    def alive(self) -> bool:
        """Whether nodes can be started: the launcher is there and was not closed."""
        return self._state == "open" and self._owner == os.getpid()

    @property
    def pid(self) -> int:
        """The process id of the launcher, or 0 before `start`."""
        return self._process.pid if self._process is not None else 0

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the nodes that have a process now."""
        # A copy first, in one step: other threads ask while the loop goes on.
        return {name: pid for name, (pid, _) in dict(self._running).items()}

    # -- life

    async def start(self, timeout: float = 10.0) -> None:
        """Connect to the launcher, which is started if there is none, and have it make the folder.

        Not this process: the launcher removes what it knows of, when this process is killed.

        Args:
            timeout: Seconds for all of it.

        Raises:
            InvalidArgument: Something stands at the path of the folder.
            StartFailed: The launcher did not come up; its last words are in the message.
            Unavailable: There is no fork here.
        """
        if self._state != "new":
            raise ClusterClosed(f"this launcher is {self._state}")
        self._state = "starting"
        try:
            async with asyncio.timeout(timeout):
                await self._connect_anew(timeout / 2)
        except BaseException as error:
            process = self._process
            words = process.last_words() if process is not None else ""
            self._drop()
            self._state = "failed"
            if process is not None and isinstance(error, TimeoutError | ConnectionError):
                retire_launcher(process)  # else each later cluster would wait for it in vain
            elif process is not None and not isinstance(error, Exception):
                process.doubted = True  # whoever gave up may have had a reason
            remove_folder(str(self.folder), self._token)
            if isinstance(error, Unavailable):
                raise
            if isinstance(error, OSError | ClusterError):  # TimeoutError is an OSError
                reason = str(error) or "no answer in time"
                which = f"the launcher (process {self.pid})" if self.pid else "the launcher"
                message = f"{which} did not start: {reason}\n{words}"
                raise StartFailed(message.rstrip(), reason=error) from error
            raise
        self._state = "open"

    async def _connect_anew(self, patience: float) -> None:
        """Connect; to a new launcher, when the one that is there is silent for `patience`."""
        process = shared_launcher()
        try:
            async with asyncio.timeout(process.patience(patience)):
                await self._connect(process)
        except (ConnectionError, TimeoutError):
            # It ended, idle, between our look at it and our request; or somebody stopped it, and
            # it finds our request when it goes on: what that tells it to remove is not ours then.
            self._drop()
            retire_launcher(process)
            remove_folder(str(self.folder), self._token)
            self._token = secrets.token_hex(16)
            await self._connect(shared_launcher())

    async def _connect(self, process: LauncherProcess) -> None:
        self._process = process
        process.users.add(self)
        ours, theirs = socket.socketpair()
        own_socket(ours)
        self._watch = ours.dup()
        own_socket(self._watch)
        try:
            self._process.adopt(theirs)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        loop = asyncio.get_running_loop()
        self._gone = loop.create_future()
        ours.setblocking(False)
        self._transport, _ = await loop.create_unix_connection(
            lambda: FrameStream(self._on_message, self._on_closed), sock=ours
        )
        await self._ask(
            "open", folder=str(self.folder), token=self._token, preload=self._preload,
            sys_path=[entry or os.getcwd() for entry in sys.path],  # noqa: PTH109
            cwd=os.getcwd(), argv=sys.argv[:1] or [""], env=dict(os.environ),  # noqa: PTH109
        )  # fmt: skip
        process.answered, process.doubted = True, False

    async def close(
        self,
        timeout: float = 5.0,
        *,
        grace: float = 0.0,
        keep_folder: bool = False,
    ) -> None:
        """Undo every fault, end every node, remove the folder. Safe to call twice.

        Args:
            timeout: Seconds for all of it; then this process kills what is left by itself.
            grace: Seconds between SIGTERM and SIGKILL; 0 kills at once.
            keep_folder: Leave the folder (the logs in it, say) to the caller.
        """
        if self._state not in {"open", "died"} or self._owner != os.getpid():
            return
        died, self._state = self._state == "died", "closed"
        silent = False
        try:
            if not died and self._transport is not None and self._gone is not None:
                request = {"do": "close", "grace": min(grace, timeout), "keep_folder": keep_folder}
                self._transport.write(frame(request))
                silent = not (await asyncio.wait([self._gone], timeout=timeout))[0]
        finally:
            self._drop()
            for event in self._sweep(keep_folder=keep_folder):
                self._tell(event)
            if silent and self._process is not None:
                retire_launcher(self._process)

    def close_now(self, timeout: float = 5.0) -> None:
        """Do what `close` does, from any thread and without the loop: for atexit.

        Args:
            timeout: Seconds to wait for the launcher; then this process kills what is left.
        """
        watch = self._watch
        if self._state not in {"open", "died"} or self._owner != os.getpid() or watch is None:
            return
        self._state = "closed"
        with suppress(OSError):
            watch.shutdown(socket.SHUT_WR)
            poll = select.poll()
            poll.register(watch.fileno(), select.POLLHUP)
            poll.poll(timeout * 1000)
        self._sweep()
        watch.close()

    def _drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self._process is not None:
            leave_launcher(self._process, self)
        self._requests.fail(ClusterClosed("the cluster was closed"))

    def _sweep(self, *, keep_folder: bool = False) -> list[Undone]:
        """Do the launcher's last duties in its place; there is nothing to do if it did them."""
        for pid, started in self._running.values():
            with suppress(PermissionError):
                signal_process(pid, started, signals.SIGKILL, group=True)
        self._running.clear()
        undone = [Undone(**each) for each in undo_file(f"{self.folder}/journal.jsonl")]
        if not keep_folder:
            remove_folder(str(self.folder), self._token)
        return undone

    # -- nodes

    async def fork(
        self,
        name: str,
        entry: str,
        boot: bytes = b"",
        *,
        incarnation: int = 1,
        limits: Mapping[str, int] | None = None,
        env: Mapping[str, str] | None = None,
        restart: RestartPolicy | None = None,
    ) -> int:
        """Start the process of the node `name` and return its process id.

        Args:
            name: Its name; taken while it has a process, or a restart is due.
            entry: ``"module:function"``, called as ``function(boot, lifeline, incarnation)``.
                What it returns, if an int, is the exit status. It should call
                `resilkit.cluster.fork.watch_lifeline`.
            boot: Handed to `entry`, at each restart too.
            incarnation: The first one's number; each restart adds 1.
            limits: The fields of a `Limits`, put in force before `entry` is imported.
            env: Environment variables beside the notebook's.
            restart: What happens when the process ends; ``None`` for nothing.

        Raises:
            ClusterError: The name is taken, or the machine has no process or memory left.
        """
        reply = await self._ask(
            "fork", boot, name=name, entry=entry, incarnation=incarnation,
            limits=dict(limits or {}), env=dict(env or {}),
            restart=(restart or RestartPolicy()).to_dict(),
        )  # fmt: skip
        return int(reply["pid"])

    async def signal(self, name: str, number: int, *, group: bool = True) -> bool:
        """Send a signal to a node, and to all that it started if `group`.

        Returns:
            Whether it was delivered: not when the node has no process.
        """
        return bool(
            (await self._ask("signal", name=name, signal=int(number), group=group))["delivered"]
        )

    async def restart(self, name: str, after: float = 0.0) -> int:
        """Kill the node if it runs, and return the process id of its next process.

        Args:
            name: The node.
            after: Seconds between the end of the old process and the start of the new one.
        """
        return int((await self._ask("restart", name=name, after=after))["pid"])

    async def hold(self, name: str) -> None:
        """Keep the node down once it ends, whatever its policy, until `restart`."""
        await self._ask("hold", name=name)

    async def update_boot(self, name: str, boot: bytes) -> None:
        """Replace what the node's next process gets as `boot`."""
        await self._ask("update_boot", boot, name=name)

    async def forget(self, name: str, *, kill: bool = False) -> bool:
        """Drop a node that has no process, so that nothing of it is kept.

        Args:
            name: The node.
            kill: End its process if it has one, and drop the node then.

        Returns:
            Whether it had a process, whose end is told by an event.
        """
        return bool((await self._ask("forget", name=name, kill=kill))["ran"])

    async def ping(self) -> float:
        """Return the launcher's monotonic time: it is there and not stuck."""
        return float((await self._ask("ping"))["time"])

    # -- messages

    async def _ask(self, do: str, blob: bytes = b"", **parts: Any) -> dict[str, Any]:
        if self._owner != os.getpid():
            raise ClusterError("this cluster belongs to the process that forked this one")
        if self._state == "died":
            raise ClusterError("the launcher died, and the nodes with it; make a new cluster")
        if self._transport is None or self._state not in {"starting", "open"}:
            raise ClusterClosed("the cluster was closed")
        try:
            return await self._requests.ask(self._transport, do, blob, parts)
        except CallTimeout as error:
            raise CallTimeout(
                f"{error}; if somebody stopped it, `kill -CONT {self.pid}` lets it go on; else "
                "close this cluster and make a new one"
            ) from None

    def _on_message(self, message: dict[str, Any]) -> None:
        if self._requests.heard(message):
            return
        event = read_event(message)
        if isinstance(event, Forked):
            self._running[event.name] = (event.pid, event.start_time)
        elif isinstance(event, Exited):
            self._running.pop(event.name, None)
        self._tell(event)

    def _on_closed(self, transport: asyncio.BaseTransport) -> None:
        if self._transport is not transport:  # one that was dropped says nothing any more
            return
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        if self._state == "open":
            self._state = "died"
            words = self._process.last_words() if self._process is not None else ""
            reason = f"the launcher died\n{words}".rstrip()
            self._requests.fail(ClusterError(reason, definite=False))
            for event in self._sweep(keep_folder=True):
                self._tell(event)
            self._tell(LauncherDied(reason))
        else:
            self._requests.fail(ConnectionError("the launcher ended"))

    def _tell(self, event: LauncherEvent) -> None:
        if self.on_event is None:
            return
        try:
            self.on_event(event)
        except Exception as error:  # noqa: BLE001 - must not cost us the connection
            context = {"message": f"on_event failed for {event}", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
