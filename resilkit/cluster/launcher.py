"""The launcher: one small process beside the notebook that forks, reaps and restarts nodes.

It is single-threaded and never runs an event loop, so that its forks are clean and cheap. Two
kinds of sockets lead to the notebook's process: the *root*, over which the notebook hands in a
socket for each cluster, and those. End-of-file on a cluster's socket ends that cluster: faults
are undone, processes killed, the folder removed. End-of-file on the root ends all of them, and
the launcher itself.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from contextlib import suppress
from typing import Any

from resilkit.clock import monotonic
from resilkit.cluster.frames import ROOT, Splitter, frame
from resilkit.cluster.hosted import HostedCluster, Member
from resilkit.cluster.orphans import (
    kill_orphans,
    own_children,
    subreaper,
    woken_when_orphaned,
)

__all__ = ["main"]

_READ = 1 << 18
_LAST_REAP = 5.0  # seconds; a process in uninterruptible sleep must not keep the launcher


class _Channel:
    """One cluster's socket, its frames in both directions, and the cluster behind it."""

    __slots__ = ("_launcher", "cluster", "open", "out", "sock", "splitter")

    def __init__(self, launcher: _Launcher, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._launcher = launcher
        self.sock = sock
        self.splitter = Splitter()
        self.out = bytearray()
        self.open = True
        self.cluster = HostedCluster(
            self.send, pipes=launcher.child_pipes, children=launcher.children
        )

    def send(self, message: dict[str, Any]) -> None:
        if self.open:
            self.out += frame(message)
            self.flush()

    def flush(self) -> None:
        try:
            while self.out:
                del self.out[: self.sock.send(self.out)]
        except BlockingIOError:
            pass
        except OSError:  # nobody reads any more: the end-of-file is about to say so
            self.out.clear()
        mask = select.POLLIN | (select.POLLOUT if self.out else 0)
        self._launcher.watch(self.sock.fileno(), mask)

    def receive(self) -> None:
        try:
            data = self.sock.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.open = False
            self._launcher.unwatch(self.sock.fileno())
            self.cluster.end()
            return
        for message, blob in self.splitter.feed(data):
            self.cluster.handle(message, blob)


class _Launcher:
    def __init__(self, root: socket.socket, client: int) -> None:
        self._poll = select.poll()
        self.children: dict[int, tuple[HostedCluster, Member]] = {}
        self._channels: dict[int, _Channel] = {}
        self._errors: dict[int, str] = {}
        self._root: socket.socket | None = root
        self._idle: float | None = None
        self._idle_since: float | None = None  # since it hosted its last cluster
        lifeline, self._lifeline_end = os.pipe()  # the end that children must not have
        self._status, status = os.pipe()
        self._wake, wake_end = os.pipe()
        self.child_pipes = (lifeline, status)
        for fd in (self._status, status, self._wake, wake_end):
            os.set_blocking(fd, False)
        root.setblocking(False)
        self._client = _watch_process(client)
        for fd in (root.fileno(), self._status, self._wake, self._client):
            if fd >= 0:
                self.watch(fd, select.POLLIN)
        self._stop = False
        self._deadline: float | None = None
        signal.signal(signal.SIGCHLD, lambda *_: None)  # so that the wake-up descriptor hears it
        signal.signal(signal.SIGTERM, self._terminated)
        for ignored in (signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)

    def watch(self, fd: int, mask: int) -> None:
        self._poll.register(fd, mask)

    def unwatch(self, fd: int) -> None:
        with suppress(KeyError):
            self._poll.unregister(fd)

    def _terminated(self, *_: object) -> None:
        self._stop = True

    # -- the loop

    def run(self) -> None:
        """Serve until the notebook is gone, or this was told to stop."""
        try:
            while not self._finished():
                self._turn(self._poll.poll(self._patience()))
        finally:
            self._end_all_now()

    def _turn(self, ready: list[tuple[int, int]]) -> None:
        for fd, _mask in ready:
            if fd == self._wake:
                _drain(fd)
            elif fd == self._status:
                self._read_status()
            elif self._root is not None and fd == self._root.fileno():
                self._accept(self._root)
            elif fd == self._client:
                self._client_gone()
            elif fd in self._channels:
                channel = self._channels[fd]
                channel.flush()
                if channel.open:
                    channel.receive()
        if self._stop:
            self._client_gone()
        self._reap()
        now = monotonic()
        for channel in list(self._channels.values()):
            channel.cluster.tick(now)
            if channel.cluster.ending and not channel.cluster.running:
                self._close(channel)

    def _finished(self) -> bool:
        if self._deadline is not None and monotonic() >= self._deadline:
            return True
        if self._channels:
            return False
        if self._root is None:
            return True
        ends = self._idle_end()
        return ends is not None and monotonic() >= ends

    def _idle_end(self) -> float | None:
        if self._idle is None or self._idle_since is None or self._channels:
            return None
        return self._idle_since + self._idle

    def _patience(self) -> float | None:
        """Return milliseconds until there is something to do without being told."""
        times = [channel.cluster.next_due() for channel in self._channels.values()]
        times += [self._idle_end(), self._deadline]
        due = min((time for time in times if time is not None), default=None)
        return None if due is None else max(0.0, due - monotonic()) * 1000 + 1

    # -- the notebook

    def _accept(self, root: socket.socket) -> None:
        try:
            data, fds, _flags, _address = socket.recv_fds(root, ROOT.size, 1)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if len(data) != ROOT.size:
            self._client_gone()
            return
        kind, seconds = ROOT.unpack(data)
        if kind == b"i":
            self._idle = seconds if seconds >= 0 else None
        for fd in fds:
            channel = _Channel(self, socket.socket(fileno=fd))
            self._channels[fd] = channel
            self.watch(fd, select.POLLIN)

    def _client_gone(self) -> None:
        if self._root is not None:
            self.unwatch(self._root.fileno())
            self.unwatch(self._client)
            self._root.close()
            self._root = None
            self._deadline = monotonic() + _LAST_REAP
            for channel in self._channels.values():
                channel.cluster.end()

    def _close(self, channel: _Channel) -> None:
        channel.cluster.clean_up()
        channel.flush()
        fd = channel.sock.fileno()
        self.unwatch(fd)
        del self._channels[fd]
        channel.sock.close()  # its end-of-file tells the notebook that nothing is left
        self._idle_since = monotonic()

    # -- children

    def _reap(self) -> None:
        ended = 0
        with suppress(ChildProcessError):
            while (found := _reap_one())[0]:
                self._take_note(*found)
                ended += 1
        if ended:
            kill_orphans(self.children.keys())

    def _take_note(self, pid: int, status: int) -> None:
        self._read_status()
        cluster, member = self.children.pop(pid, (None, None))
        error = self._errors.pop(pid, "")
        if cluster is not None and member is not None:
            cluster.exited(member, status, error)

    def _read_status(self) -> None:
        """Read what children say before they are nodes: that they are tied to us, or failed."""
        for record in _drain(self._status).split(b"\0"):
            number, failed, text = record.partition(b"\n")
            pid = int(number) if number.isdigit() else 0
            if pid not in self.children:
                continue
            if failed:
                self._errors[pid] = text.decode(errors="replace")
            else:
                cluster, member = self.children[pid]
                cluster.tied(member)

    def _end_all_now(self) -> None:
        """End everything without the loop: this is the way out, after an error too."""
        for channel in self._channels.values():
            with suppress(Exception):
                channel.cluster.end()
        deadline = monotonic() + _LAST_REAP
        while self._kill_descendants() and monotonic() < deadline:
            self._poll_wake(0.05)
            self._reap()
        for channel in list(self._channels.values()):
            with suppress(Exception):
                self._close(channel)

    def _kill_descendants(self) -> bool:
        """Kill what is left, orphans of nodes among them; return whether there was anything."""
        pids = self.children.keys() | own_children()
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        return bool(pids)

    def _poll_wake(self, seconds: float) -> None:
        if select.select([self._wake], [], [], seconds)[0]:
            _drain(self._wake)


def _reap_one() -> tuple[int, int]:
    """Reap one child that has ended: its pid and wait status; ``(0, 0)`` when none has.

    A node is a machine of its own: what it started goes with it, so its group is killed, and
    (where the system can tell without reaping) before its number can belong to anybody else.
    """
    if hasattr(os, "waitid"):
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None:
            return 0, 0
        _kill_group(found.si_pid)
        return os.waitpid(found.si_pid, 0)
    pid, status = os.waitpid(-1, os.WNOHANG)
    if pid:
        _kill_group(pid)
    return pid, status


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _drain(fd: int) -> bytes:
    parts = []
    with suppress(BlockingIOError):
        while data := os.read(fd, 1 << 16):
            parts.append(data)
    return b"".join(parts)


def _watch_process(pid: int) -> int:
    """Return a descriptor that is readable once `pid` has ended, or -1 where there is none.

    End-of-file comes late when somebody forked the notebook and holds its sockets open.
    """
    return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1


def main(root: int, client: int) -> None:
    """Run the launcher for the process `client` on the socket `root`."""
    subreaper()
    woken_when_orphaned()
    try:
        launcher = _Launcher(socket.socket(fileno=root), client)
    except ProcessLookupError:  # the notebook is gone already
        return
    launcher.run()
