"""What a run tells while it goes on, and the listeners that show it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

__all__ = ["PHASES", "Listener", "Progress", "Quiet", "TqdmBar", "choose_listener"]

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
        availability: Share of ended operations that succeeded, 0..1; ``None`` before the first.
        nodes: Node name to its status.
        faults: The names of faults that are active now.
    """

    phase: str
    text: str
    elapsed: float = 0.0
    total: float = 0.0
    operations: int = 0
    rate: float = 0.0
    availability: float | None = None
    nodes: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

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

    def update(self, progress: Progress) -> None:
        """Hand `progress` to the function."""
        if self._function is not None:
            self._function(progress)


class TqdmBar:
    """A tqdm bar over the seconds of load: a widget in a notebook, a line in a terminal."""

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
            bar = self._bar = _new_bar(progress.total)
        bar.n = min(progress.elapsed, progress.total)
        bar.set_description_str(progress.text, refresh=False)
        if progress.availability is not None:
            faults = f", {' '.join(progress.faults)}" if progress.faults else ""
            figures = f"{progress.rate:.0f}/s, {progress.availability:.1%} good{faults}"
            bar.set_postfix_str(figures, refresh=False)
        bar.refresh()


def _new_bar(total: float) -> Any:
    # tqdm.auto warns where ipywidgets is missing, and every run would repeat it: a kernel
    # without ipywidgets gets the plain bar, which works there too.
    layout = "{desc}: {bar} {n:.1f}/{total:.1f} s{postfix}"
    bar: Any
    if "IPython" in sys.modules and _in_notebook():
        from tqdm.notebook import tqdm as bar
    else:
        from tqdm import tqdm as bar
    return bar(total=max(total, 1e-9), bar_format=layout, leave=False)


def _in_notebook() -> bool:
    from importlib.util import find_spec

    shell = getattr(sys.modules["IPython"], "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell" and find_spec("ipywidgets") is not None


def choose_listener(
    progress: bool,  # noqa: FBT001 - the user's own flag, handed on
    on_progress: Callable[[Progress], None] | None,
) -> Listener:
    """Return the bar when it was asked for and somebody can see it, else a quiet one."""
    if on_progress is not None or not progress:
        return Quiet(on_progress)
    if "IPython" not in sys.modules and not (sys.stderr and sys.stderr.isatty()):
        return Quiet()
    return TqdmBar()
