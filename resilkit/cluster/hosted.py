"""One cluster inside the launcher: its nodes' processes, their restarts, its end."""

from __future__ import annotations

import gc
import importlib
import itertools
import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

from resilkit.clock import monotonic
from resilkit.cluster.folders import is_ours, make_folder, remove_folder
from resilkit.cluster.fork import ChildPlan, become_node
from resilkit.cluster.journal import Journal, slow_key
from resilkit.cluster.processes import start_time
from resilkit.cluster.restart import RestartLedger, RestartPolicy
from resilkit.cluster.slowing import Slowing
from resilkit.errors import ResilkitError, StorageError

__all__ = ["HostedCluster", "Member"]

_GO_ON = int(signal.SIGCONT)
_FORK_MASK = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Member:
    """One node: what it is started from, and its process while it has one."""

    __slots__ = (
        "asked", "boot", "deferred", "entry", "env", "forgotten", "incarnation", "ledger", "limits",
        "name", "pace", "pid", "starting", "tied",
    )  # fmt: skip

    def __init__(self, message: dict[str, Any], boot: bytes) -> None:
        self.name: str = message["name"]
        self.entry: str = message["entry"]
        self.boot = boot
        self.limits: dict[str, int] = message["limits"]
        self.env: dict[str, str] = message["env"]
        self.ledger = RestartLedger(RestartPolicy(**message["restart"]))
        self.incarnation: int = message["incarnation"]
        self.pid: int | None = None
        self.forgotten = False  # to be dropped once this process has ended
        self.asked: list[int] = []  # requests that wait for the next process
        self.starting: list[int] = []  # those that wait for this one to be tied
        self.tied: dict[str, Any] | None = None  # what to tell once it is; then None
        self.deferred: list[tuple[int, bool]] = []  # signals that must not come before
        self.pace = Slowing(lambda number: _kill(self.pid, number, group=False))

    def send(self, number: int, *, group: bool) -> bool:
        """Send a signal to its process; return whether there was one to get it."""
        sent = _kill(self.pid, number, group=group)
        if sent and number == signal.SIGSTOP:
            self.pace.paused(monotonic())
        elif sent and number == signal.SIGCONT:
            self.pace.resumed(monotonic())
        return sent


class HostedCluster:
    """One cluster inside the launcher. Single-threaded; nothing here waits.

    Args:
        send: Hands a message to the notebook; never blocks or raises.
        pipes: The lifeline and status ends that children inherit.
        children: The launcher's table of all children: pid to cluster and member.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any]], None],
        *,
        pipes: tuple[int, int],
        children: dict[int, tuple[HostedCluster, Member]],
    ) -> None:
        self._send = send
        self._pipes = pipes
        self._children = children
        self._members: dict[str, Member] = {}
        self._hello: dict[str, Any] = {}
        self._journal = Journal(None)
        self._kill_at: float | None = None
        self.ending = False
        self.keep_folder = False

    # -- what the notebook asks for

    def handle(self, message: dict[str, Any], blob: bytes) -> None:
        """Carry out one request and answer it; an error goes back as the answer."""
        request = message.get("id")
        try:
            action = self._actions[message["do"]]
            if self.ending:
                raise ResilkitError("the cluster is ending")
            reply = action(self, message, blob)
        except Exception as error:  # noqa: BLE001 - the notebook raises it
            text = str(error) if isinstance(error, (ResilkitError, OSError)) else _traceback(error)
            self._answer(request, error=text, kind=type(error).__name__)
        else:
            if reply is not None:
                self._answer(request, **reply)

    def _answer(self, request: int | None, **parts: Any) -> None:
        if request is not None:
            self._send({"re": request, **parts})

    def _open(self, message: dict[str, Any], _blob: bytes) -> dict[str, Any]:
        self._hello = message
        if not is_ours(message["folder"], message["token"]):
            make_folder(message["folder"], message["token"])
        self._journal = Journal(f"{message['folder']}/journal.jsonl")
        gc.disable()
        for module in message["preload"]:
            importlib.import_module(module)
        # What is there now is shared with every child; a collection would copy its pages.
        gc.freeze()
        return {"pid": os.getpid()}

    def _fork(self, message: dict[str, Any], blob: bytes) -> None:
        name = message["name"]
        old = self._members.get(name)
        if old is not None and (old.pid is not None or old.ledger.due is not None):
            raise ResilkitError(f"{name} runs already")
        member = Member(message, blob)
        member.asked.append(message["id"])
        self._start(member)
        self._members[name] = member

    def _member(self, message: dict[str, Any]) -> Member:
        member = self._members.get(message["name"])
        if member is None or member.forgotten:
            raise ResilkitError(f"no node is called {message['name']!r}")
        return member

    def _signal(self, message: dict[str, Any], _blob: bytes) -> dict[str, Any]:
        member = self._member(message)
        number, group = message["signal"], message["group"]
        if member.tied is not None and number != signal.SIGKILL:
            member.deferred.append((number, group))
            return {"delivered": True}
        return {"delivered": member.send(number, group=group)}

    def _hold(self, message: dict[str, Any], _blob: bytes) -> dict[str, Any]:
        member = self._member(message)
        member.ledger.hold()
        self._fail_waiting(member, "the node was told to stay down")
        return {}

    def _update_boot(self, message: dict[str, Any], blob: bytes) -> dict[str, Any]:
        self._member(message).boot = blob
        return {}

    def _restart(self, message: dict[str, Any], _blob: bytes) -> None:
        member = self._member(message)
        member.asked.append(message["id"])
        member.ledger.ask(message["after"], monotonic(), running=member.pid is not None)
        _kill(member.pid, signal.SIGKILL, group=True)

    def _forget(self, message: dict[str, Any], _blob: bytes) -> dict[str, Any]:
        member = self._member(message)
        if member.pid is not None and not message["kill"]:
            raise ResilkitError(f"{member.name} still runs")
        member.ledger.hold()
        self._fail_waiting(member, "the node was forgotten")
        if member.pid is None:
            del self._members[member.name]
            return {"ran": False}
        member.forgotten = True
        _kill(member.pid, signal.SIGKILL, group=True)
        return {"ran": True}

    def _journal_add(self, message: dict[str, Any], _blob: bytes) -> dict[str, Any]:
        self._journal.add(message["key"], message["entry"])
        return {}

    def _journal_remove(self, message: dict[str, Any], _blob: bytes) -> dict[str, Any]:
        self._journal.remove(message["key"])
        return {}

    def _undo(self, message: dict[str, Any], _blob: bytes) -> dict[str, Any]:
        return {"undone": self._journal.undo(message["key"])}

    def _slow(self, message: dict[str, Any], _blob: bytes) -> dict[str, Any]:
        member, key = self._member(message), message["key"]
        started = None if member.pid is None else start_time(member.pid)
        if started is None:
            raise ResilkitError(f"{member.name} has no process that could be slow")
        self._write_down_slow(member, key, started)
        member.pace.slow(key, message["factor"], monotonic())
        return {}

    def _write_down_slow(self, member: Member, key: str, started: float) -> None:
        """Write down how to let a process go on, in the place of what stood there before."""
        entry = {"undo": "signal", "pid": member.pid, "start_time": started, "signal": _GO_ON}
        self._journal.remove(slow_key(member.name, key))
        self._journal.add(slow_key(member.name, key), entry)

    def _unslow(self, message: dict[str, Any], _blob: bytes) -> dict[str, Any]:
        name, key = message["name"], message["key"]
        self._journal.remove(slow_key(name, key))
        member = self._members.get(name)
        return {"slowed": None if member is None else member.pace.end(key, monotonic())}

    def _ping(self, _message: dict[str, Any], _blob: bytes) -> dict[str, Any]:
        return {"time": monotonic()}

    def _close(self, message: dict[str, Any], _blob: bytes) -> None:
        self.keep_folder = message["keep_folder"]
        self.end(grace=message["grace"])

    _actions: ClassVar[dict[str, Callable[..., dict[str, Any] | None]]] = {
        "open": _open, "fork": _fork, "signal": _signal, "hold": _hold, "restart": _restart,
        "update_boot": _update_boot, "forget": _forget, "journal_add": _journal_add,
        "journal_remove": _journal_remove, "undo": _undo, "slow": _slow, "unslow": _unslow,
        "ping": _ping, "close": _close,
    }  # fmt: skip

    # -- processes

    def _start(self, member: Member, *, again: bool = False) -> None:
        hello = self._hello
        lifeline, status = self._pipes
        plan = ChildPlan(
            name=member.name, incarnation=member.incarnation, entry=member.entry,
            boot=member.boot, limits=member.limits, env={**hello["env"], **member.env},
            argv=hello["argv"], sys_path=hello["sys_path"], cwd=hello["cwd"],
            log=f"{hello['folder']}/logs/{member.name}.log",
            lifeline=lifeline, status=status, launcher=os.getpid(),
        )  # fmt: skip
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _FORK_MASK)
        try:
            pid = os.fork()
            if pid == 0:
                become_node(plan)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        # The child does the same; whoever comes first, a kill of the group finds it.
        with suppress(OSError):
            os.setpgid(pid, pid)
        member.pid = pid
        self._children[pid] = (self, member)
        member.tied = {
            "event": "forked", "name": member.name, "pid": pid, "again": again,
            "incarnation": member.incarnation, "start_time": start_time(pid) or 0.0,
            "time": monotonic(),
        }  # fmt: skip
        member.starting, member.asked = member.asked, []

    def tied(self, member: Member) -> None:
        """Tell of `member`'s process: it has a group of its own, and ends when the launcher does.

        A pause that came before would freeze it with neither: nothing could end it any more if
        launcher and notebook were killed meanwhile.
        """
        if member.tied is None:
            return
        facts, member.tied = member.tied, None
        self._send(facts)
        for request in member.starting:
            self._answer(request, pid=facts["pid"])
        member.starting.clear()
        member.pace.begins(monotonic())
        for key in member.pace.keys:
            self._keep_slow(member, key, facts["start_time"])
        for number, group in member.deferred:
            member.send(number, group=group)
        member.deferred.clear()

    def _keep_slow(self, member: Member, key: str, started: float) -> None:
        """Write down how to let a process go on that has come in the place of a slow one."""
        try:
            self._write_down_slow(member, key, started)
        except StorageError as error:
            member.pace.end(key, monotonic())
            self._send({"event": "not_slowed", "name": member.name, "key": key,
                        "error": str(error), "time": monotonic()})  # fmt: skip

    def exited(self, member: Member, status: int, error: str) -> None:
        """Take note that `member`'s process ended with the wait status `status`."""
        now = monotonic()
        self.tied(member)  # in case it died so early that it never was
        member.pace.ends(now)
        pid, member.pid = member.pid, None
        code = os.waitstatus_to_exitcode(status)
        comes = member.ledger.ended(code, now)
        self._send({
            "event": "exited", "name": member.name, "pid": pid, "time": now,
            "incarnation": member.incarnation, "status": code if code >= 0 else None,
            "signal": -code if code < 0 else None, "error": error,
            "restarting": comes == "restarts",
        })  # fmt: skip
        member.incarnation += 1
        if member.forgotten:
            del self._members[member.name]
        elif comes == "gives up":
            self._give_up(member, now)

    def _give_up(self, member: Member, now: float) -> None:
        ledger = member.ledger
        self._send({"event": "gave_up", "name": member.name, "restarts": ledger.restarts,
                    "time": now, "max_seconds": ledger.policy.max_seconds})  # fmt: skip

    def _fail_waiting(self, member: Member, why: str) -> None:
        for request in member.asked:
            self._answer(request, error=why, kind="ResilkitError")
        member.asked.clear()

    # -- time

    def next_due(self) -> float | None:
        """Return the next instant at which `tick` has work, or ``None``."""
        members = self._members.values()
        dues = itertools.chain.from_iterable((one.ledger.due, one.pace.due) for one in members)
        times = [due for due in dues if due is not None]
        if self._kill_at is not None:
            times.append(self._kill_at)
        return min(times, default=None)

    def tick(self, now: float) -> None:
        """Start the processes that are due, and end the patience with those that should stop."""
        if self._kill_at is not None and self._kill_at <= now:
            self._kill_at = None
            self._signal_all(signal.SIGKILL)
        for member in list(self._members.values()):
            member.pace.tick(now)
            if not member.ledger.start_now(now):
                continue
            try:
                self._start(member, again=True)
            except OSError as error:
                self._send({"event": "fork_failed", "name": member.name, "time": now,
                            "error": str(error)})  # fmt: skip
                if member.ledger.start_failed(now) == "gives up":
                    self._fail_waiting(member, f"the machine cannot start it: {error}")
                    self._give_up(member, now)

    # -- the end

    @property
    def running(self) -> bool:
        """Whether some process of it is still there."""
        return any(member.pid is not None for member in self._members.values())

    def end(self, *, grace: float = 0.0) -> None:
        """Undo every fault and end every process: by SIGTERM for `grace` seconds, by SIGKILL.

        The rest happens in `exited`; when nothing is `running`, call `clean_up`.
        """
        if not self.ending:
            self.ending = True
            for member in self._members.values():
                member.pace.stop()
            for result in self._journal.undo_all():
                self._send({"event": "undone", **result})
            for member in self._members.values():
                member.ledger.hold()
                self._fail_waiting(member, "the cluster is ending")
        if grace > 0:
            self._kill_at = monotonic() + grace
            self._signal_all(signal.SIGTERM)
            self._signal_all(signal.SIGCONT)
        else:
            self._kill_at = None
            self._signal_all(signal.SIGKILL)

    def _signal_all(self, number: int) -> None:
        for member in self._members.values():
            _kill(member.pid, number, group=True)

    def clean_up(self) -> None:
        """Remove the folder. Nothing writes into it any more."""
        if self._hello and not self.keep_folder:
            remove_folder(self._hello["folder"], self._hello["token"])


def _kill(pid: int | None, number: int, *, group: bool) -> bool:
    """Signal a child that has not been reaped, whose number is therefore still its own."""
    if pid is None:
        return False
    try:
        os.killpg(pid, number) if group else os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()
