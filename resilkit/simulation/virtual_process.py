"""The process that a simulated node stands for: its number, signals to it, and its end.

A server that ends its node, with ``os._exit`` or a signal to its own process, would end the process
that simulates it, a notebook say. Inside a step that ends the simulated node.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

from resilkit.errors import Unavailable
from resilkit.simulation.driving import Driver, driver
from resilkit.simulation.patching import Replacement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["replacements"]

_real_pid: Final = os.getpid

_OF_THE_MACHINE: Final = (
    "signal", "alarm", "setitimer", "pthread_sigmask", "set_wakeup_fd",
    "siginterrupt", "pause", "sigwait", "sigwaitinfo", "sigtimedwait",
)  # fmt: skip
"""What is for the whole process: how it hears signals, and when it gets them."""


def replacements() -> Iterator[Replacement]:
    """Yield what is to be replaced in `os` and `signal`."""
    owner = _real_pid()
    for module, name, virtual in (
        (os, "getpid", _getpid),
        (os, "getpgrp", _getpid),
        (os, "kill", _kill),
        (os, "killpg", _kill),
        (os, "_exit", _exit),
        (os, "abort", _abort),
        (signal, "raise_signal", _raise_signal),
    ):
        yield Replacement(module, name, functools.partial(_of_node, virtual, owner))
    for name in _OF_THE_MACHINE:
        refuse = functools.partial(_refuse, name)
        yield Replacement(signal, name, functools.partial(_of_node, refuse, owner))


def _refuse(name: str, by: Driver, original: Any, *_args: Any, **_options: Any) -> NoReturn:
    del by, original
    raise Unavailable(
        f"a simulated node has no signal handlers and no alarms of its own: signal.{name} would be "
        f"for the process that runs the simulation; use self.send_after() or asyncio.timeout() for "
        f"what is to happen later, or run it on processes"
    )


def _of_node(virtual: Callable[..., Any], owner: int, original: Any) -> Any:
    @functools.wraps(original)
    def either(*args: Any, **options: Any) -> Any:
        by = driver()
        # In a fork that a step has made, a subprocess on its way, all is the machine's.
        if by is not None and by.pid is not None and _real_pid() == owner:
            return virtual(by, original, *args, **options)
        return original(*args, **options)

    return either


def _getpid(by: Driver, original: Any) -> int | None:
    # It looks up what the machine knows of its process, which of a simulated one is nothing.
    if str(sys._getframe(2).f_globals.get("__name__")).startswith("psutil"):
        return int(original())
    return by.pid


def _kill(by: Driver, original: Any, pid: int, number: int, /) -> None:
    if not by.signal(by.pid if pid == 0 else pid, number):
        original(pid, number)


def _exit(by: Driver, original: Any, status: int) -> None:
    del original
    by.end(status)


def _abort(by: Driver, original: Any) -> None:
    del original
    by.signal(by.pid, signal.SIGABRT)


def _raise_signal(by: Driver, original: Any, signalnum: int, /) -> None:
    del original
    by.signal(by.pid, signalnum)
