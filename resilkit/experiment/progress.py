"""What a run tells while it goes on, and the listeners that show it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from types import TracebackType
from typing import Any, Protocol, Self

from resilkit.settings import options

__all__ = [
    "PHASES",
    "Listener",
    "NotebookLine",
    "Progress",
    "Quiet",
    "TqdmBar",
    "choose_listener",
    "in_notebook",
    "in_terminal",
]

PHASES = ("start", "system", "warm-up", "load", "heal", "drain", "audit", "judge", "done")
"""The phases of a run, in order; ``warm-up`` is left out when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One look at a run that goes on.

    Attributes:
        phase: One of `PHASES`.
        text: The phase in words.
        elapsed: Seconds since the load began; 0 before it.
        total: Seconds of load, warm-up included.
        operations: Operations that have ended, however they ended.
        rate: Operations that succeeded in the last second or so, per second.
        availability: Share that succeeded of the operations that have ended or are waiting, 0..1;
            ``None`` before the first.
        waiting: Operations that have been under way for more than a second.
        nodes: Node name to its status.
        faults: The names of faults that are active now.
        news: What faults have done since the last look: seconds since the load began, and words.
    """

    phase: str
    text: str
    elapsed: float = 0.0
    total: float = 0.0
    operations: int = 0
    rate: float = 0.0
    availability: float | None = None
    waiting: int = 0
    nodes: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    news: tuple[tuple[float, str], ...] = ()

    @property
    def left(self) -> float:
        """Seconds of load that are left."""
        return max(0.0, self.total - self.elapsed)


class Listener(Protocol):
    """Shows a run: entered before anything starts, told now and then, and always left."""

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop to show, on success and on failure."""
        ...

    def update(self, progress: Progress) -> None:
        """Show `progress`. Called about four times a second from the thread that runs."""
        ...


class Quiet:
    """Shows nothing itself; hands every `Progress` to a function, if there is one."""

    def __init__(self, function: Callable[[Progress], None] | None = None) -> None:
        self._function = function

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        return None

    @property
    def silent(self) -> bool:
        """Whether nobody is told anything: then nothing has to be put into words."""
        return self._function is None

    def update(self, progress: Progress) -> None:
        """Hand `progress` to the function."""
        if self._function is not None:
            self._function(progress)


class TqdmBar:
    """A tqdm bar over the seconds of load, in a terminal; it goes when the run is over."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def update(self, progress: Progress) -> None:
        """Move the bar to `progress`."""
        bar = self._bar
        if bar is None:
            from tqdm import tqdm

            layout = "{desc}: {bar} {n:.1f}/{total:.1f} s{postfix}"
            total = max(progress.total, 1e-9)
            bar = self._bar = tqdm(total=total, bar_format=layout, leave=False)
        bar.n = min(progress.elapsed, progress.total)
        bar.set_description_str(progress.text, refresh=False)
        if progress.availability is not None:
            bar.set_postfix_str(_figures(progress), refresh=False)
        bar.refresh()


class NotebookLine:
    """One line of a cell's output that is replaced in place; how the run ended stays.

    A bar of tqdm's would write a line a look on stderr, which a notebook that is executed without
    anybody looking (nbconvert, nbclient) keeps all of, or need a widget, which it cannot show.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._told = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None and self._handle is not None:
            self.show(f"{self._told}; ended by {kind.__name__}")

    def update(self, progress: Progress) -> None:
        """Replace the line."""
        if progress.phase == "done":
            text = progress.text
        else:
            text = f"{progress.text}: {progress.elapsed:.1f}/{progress.total:.1f} s"
            text += f", {_figures(progress)}" if progress.availability is not None else ""
        if text != self._told:
            self._told = text
            self.show(text)

    def show(self, text: str) -> None:
        """Replace the line by `text`."""
        from IPython.display import display

        # Both kinds, since a line of text alone would be shown in the letters of code.
        shown = {"text/plain": text, "text/html": f"<div>{escape(text)}</div>"}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(shown, raw=True)


def _figures(progress: Progress) -> str:
    faults = f", {' '.join(progress.faults)}" if progress.faults else ""
    waiting = f", {progress.waiting:,} waiting" if progress.waiting else ""
    return f"{progress.rate:.0f}/s, {progress.availability or 0.0:.1%} good{waiting}{faults}"


def in_notebook() -> bool:
    """Return whether a cell's output can be shown and replaced."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def choose_listener(
    progress: bool,  # noqa: FBT001 - the user's own flag, handed on
    on_progress: Callable[[Progress], None] | None,
) -> Listener:
    """Return what somebody who looks can see: a line of a cell, or a bar; else a quiet one."""
    if on_progress is not None or not progress or options.quiet:
        return Quiet(on_progress)
    if in_notebook():
        return NotebookLine()
    return TqdmBar() if in_terminal() else Quiet()


def in_terminal() -> bool:
    """Return whether somebody sees a bar on stderr."""
    return "IPython" in sys.modules or bool(sys.stderr and sys.stderr.isatty())
