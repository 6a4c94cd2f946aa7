"""From a fork of the launcher to a node: what a child does before its own code runs."""

from __future__ import annotations

import faulthandler
import gc
import importlib
import os
import resource
import select
import signal
import sys
import threading
import traceback
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from resilkit.cluster.node_log import take_streams
from resilkit.cluster.orphans import NODE_MARK, node_mark, prctl

if TYPE_CHECKING:
    import asyncio

__all__ = ["ENTRY_FAILED", "ORPHANED", "ChildPlan", "become_node", "watch_lifeline"]

ENTRY_FAILED = 70
"""Exit status of a child whose set-up or entry function raised (EX_SOFTWARE)."""

ORPHANED = 75
"""Exit status of a child that found its launcher gone."""

_RESET = (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_ERROR_SIZE = 3000  # bytes of a traceback; with the head below PIPE_BUF, so one write is atomic
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15


class ChildPlan(NamedTuple):
    """All that a child needs to know; it inherits this by the fork itself."""

    name: str
    incarnation: int
    entry: str
    boot: bytes
    limits: dict[str, int]
    env: dict[str, str]
    argv: list[str]
    sys_path: list[str]
    cwd: str
    log: str
    lifeline: int
    status: int
    launcher: int


def become_node(plan: ChildPlan) -> NoReturn:
    """Turn this process, just forked from the launcher, into the node of `plan`. Never returns.

    The launcher blocked all signals before the fork: until this function has put its own
    dispositions in place, none of the launcher's handlers may run here.
    """
    status = ENTRY_FAILED
    try:
        _tie_to_the_launcher(plan)
        _leave_the_launcher(plan)
        _settle(plan)
        module, _, function = plan.entry.partition(":")
        entry = getattr(importlib.import_module(module), function)
        result = entry(plan.boot, plan.lifeline, plan.incarnation)
        status = result if isinstance(result, int) else 0
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except BaseException as error:  # noqa: BLE001 - the last frame of this process: report, exit
        _report(plan, error)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        # Not sys.exit: the stack below is the launcher's, and so are its exit handlers.
        os._exit(status & 0xFF)
    raise AssertionError  # for the type checker: os._exit does not return


def _tie_to_the_launcher(plan: ChildPlan) -> None:
    signal.set_wakeup_fd(-1)
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    # Interrupting a cell must leave the nodes alone, even in a shell that shares the terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setpgid(0, 0)
    if prctl is not None:
        # Ends even a node that is stopped or busy, when the launcher is killed.
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(_PR_SET_NAME, f"rk:{plan.name}"[:15].encode(), 0, 0, 0)
    if os.getppid() != plan.launcher:  # it died before the line above took effect
        os._exit(ORPHANED)
    # Now it can be told that this node is there. The pipe does not block: wait for room.
    select.select([], [plan.status], [])
    os.write(plan.status, b"%d\0" % os.getpid())


def _leave_the_launcher(plan: ChildPlan) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(plan.log, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # Whoever keeps an end of a pipe that is not his keeps its reader from ever seeing the end.
    _close_all_but({0, 1, 2, plan.lifeline, plan.status})


def _close_all_but(kept: set[int]) -> None:
    try:
        found = [int(name) for name in os.listdir("/dev/fd")]  # noqa: PTH208
    except OSError:
        found = list(range(3, 1024))
    for number in found:
        if number not in kept:
            with suppress(OSError):  # among them the one that listed the others
                os.close(number)


def _settle(plan: ChildPlan) -> None:
    os.environ.clear()
    os.environ.update(plan.env)
    # Whatever the node starts carries this, and is found by it when the node has ended.
    os.environ[NODE_MARK] = node_mark(os.getpid())
    os.chdir(plan.cwd)
    sys.path[:] = plan.sys_path
    sys.argv[:] = plan.argv
    # What the launcher's own main module holds is nobody's business here.
    sys.modules["__main__"] = ModuleType("__main__")
    importlib.invalidate_caches()
    take_streams()
    faulthandler.enable(2)
    apply_limits(plan.limits)
    gc.enable()


def apply_limits(limits: dict[str, int]) -> None:
    """Put the fields of a `Limits` in force for this process.

    Raises:
        OSError: The machine allows less.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for key, value in limits.items():
        number = getattr(resource, _RLIMITS[key])
        soft, hard = value, resource.getrlimit(number)[1]
        if key == "cpu_seconds":  # SIGXCPU at the soft limit, SIGKILL at the hard one
            hard = value + 1 if hard == resource.RLIM_INFINITY else min(value + 1, hard)
        elif hard != resource.RLIM_INFINITY and soft > hard:
            hard = soft
        try:
            resource.setrlimit(number, (soft, hard))
        except (ValueError, OSError) as error:
            most = resource.getrlimit(number)[1]
            raise OSError(f"limits.{key} = {value}: this machine allows {most}") from error


_RLIMITS = {
    # Private writable memory: what a server allocates. RLIMIT_AS would count every library that
    # is merely mapped as well, several times the memory that is used.
    "memory_bytes": "RLIMIT_DATA" if sys.platform == "linux" else "RLIMIT_AS",
    "open_files": "RLIMIT_NOFILE",
    "cpu_seconds": "RLIMIT_CPU",
    "processes": "RLIMIT_NPROC",
    "file_size_bytes": "RLIMIT_FSIZE",
}


def _report(plan: ChildPlan, error: BaseException) -> None:
    text = "".join(traceback.format_exception(error))
    with suppress(OSError):
        os.write(2, f"{plan.name} (incarnation {plan.incarnation}) failed:\n{text}".encode())
    # The end of a traceback says what happened. The pipe does not block: better no text than
    # a child that never ends.
    tail = text.encode(errors="backslashreplace")[-_ERROR_SIZE:].replace(b"\0", b"?")
    with suppress(OSError):
        os.write(plan.status, b"%d\n%s\0" % (os.getpid(), tail))


def watch_lifeline(loop: asyncio.AbstractEventLoop, lifeline: int) -> None:
    """End this node and all that it started, at once, when the launcher is gone.

    Call it in the node, with the descriptor that the entry function got. On Linux the kernel
    ends a node whose launcher died even while the node is busy or stopped; elsewhere a thread
    watches beside the loop, so that a busy handler cannot keep the node alive.

    Args:
        loop: The node's event loop.
        lifeline: The descriptor; nothing is ever written to it, so readable means end-of-file.
    """
    loop.add_reader(lifeline, end_now)
    if prctl is None:

        def watch() -> None:
            os.read(lifeline, 1)
            end_now()

        os.set_blocking(lifeline, True)
        threading.Thread(target=watch, name="resilkit-lifeline", daemon=True).start()


def end_now(status: int = ORPHANED) -> NoReturn:
    """End this process at once, and the processes that it started (its process group)."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(status)
