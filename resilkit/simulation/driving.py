"""Whether this thread runs a step of a simulation just now, and of which one."""

from __future__ import annotations

import functools
from _thread import get_ident
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = ["STATE", "Driver", "driver", "routed"]


class Driver(Protocol):
    """What stands for the machine while a step runs."""

    entropy: random.Random
    """In the place of the system's."""

    hidden: random.Random
    """Keeps the state of the `random` module's own generator between the steps."""

    state: Any
    """The memory of `hidden`."""

    names: random.Random
    """Names temporary files."""

    numpys: Any
    """In the place of numpy's global generator; ``None`` until it is asked for."""

    threads: bool
    """Whether a thread was started inside: what waits may be waiting for it."""

    host: int
    """48 bits, in the place of the network card's number."""

    last_uuid: int
    """The time in the last version 1 UUID, so that no two are the same."""

    @property
    def pid(self) -> int | None:
        """The number of the process that the node stands for; ``None`` where it is the real one."""
        ...

    @property
    def is_dead(self) -> bool:
        """Whether the node has died whose code runs."""
        ...

    def signal(self, pid: int | None, number: int) -> bool:
        """Send a signal to a simulated process; return whether there is one of that number.

        One that ends the process whose step this is does not return.
        """
        ...

    def end(self, status: int) -> None:
        """End the process whose step this is, and do not return."""
        ...

    def now(self) -> float:
        """Return virtual seconds of a clock that never goes back."""
        ...

    def wall(self) -> float:
        """Return virtual seconds since 1970."""
        ...

    def sleep(self, seconds: float) -> None:
        """Have virtual time pass for the handler that runs."""
        ...

    def tell(self, what: str, why: str, *, where: str | None = None) -> None:
        """Report once that something was used that no simulation can decide."""
        ...

    def leave(self) -> None:
        """Be outside this step."""
        ...


class _State:
    """Of the whole process: one thread is inside a step at a time.

    Attributes:
        by: Whose step it is, ``None`` outside.
        thread: Which thread runs it, 0 outside.
        outer: In whose step this one was entered, and in whose that one, as nested pairs.
        drawn_elsewhere: Whether numpy's global generator was drawn from outside since it began.
    """

    __slots__ = ("by", "drawn_elsewhere", "outer", "thread")

    def __init__(self) -> None:
        self.by: Driver | None = None
        self.outer: Any = ()
        self.thread = 0
        self.drawn_elsewhere = False


STATE = _State()


def driver() -> Driver | None:
    """Return whose step this thread runs, ``None`` outside: then all is the machine's."""
    return STATE.by if STATE.thread == get_ident() else None


def routed(original: Any, virtual: Callable[..., Any]) -> Any:
    """Return a function that is `virtual` inside a step, and `original` everywhere else.

    Args:
        original: What it stands for; its name and signature are kept.
        virtual: Called with the driver, and then as `original` is.
    """

    @functools.wraps(original)
    def either(*args: Any, **options: Any) -> Any:
        by = STATE.by if STATE.thread == get_ident() else None
        return original(*args, **options) if by is None else virtual(by, *args, **options)

    return either
