"""The live display of a run in a terminal, and its plain lines everywhere else."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from resilkit.cli.output import printable
from resilkit.settings import options

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from resilkit.experiment import Experiment
    from resilkit.experiment.progress import Progress

__all__ = ["PlainLines", "Silent", "TerminalDisplay", "live_display"]

_LINE_EVERY = 2.0
_STATES = {
    "running": "green",
    "paused": "yellow",
    "starting": "yellow",
    "restarting": "yellow",
    "stopped": "red",
    "killed": "red",
    "crashed": "red",
}


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        return None

    def update(self, progress: Progress) -> None:
        """Show nothing."""


class PlainLines:
    """Writes a line for each phase, each deed of a fault, and every two seconds of load."""

    def __init__(self, stream: TextIO, title: str) -> None:
        self._stream = stream
        self._title = title
        self._text = ""
        self._next = _LINE_EVERY

    def __enter__(self) -> Self:
        self._write(self._title)
        return self

    def __exit__(self, *_details: object) -> None:
        return None

    def update(self, progress: Progress) -> None:
        """Write a line when something new begins or two seconds have gone."""
        if progress.phase == "done":
            return  # the outcome is the command's own last word, on stdout
        for moment, told in progress.news:
            # Each on its own: of what comes and goes between two looks the state shows nothing.
            self._write(printable(f"{moment:5.1f} s  {told}"))
        if progress.text != self._text:
            self._text = progress.text
            self._write(progress.text)
        elif progress.phase in {"load", "warm-up"} and progress.elapsed >= self._next:
            self._next = progress.elapsed + _LINE_EVERY
            self._write(_line(progress))

    def _write(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


def _line(progress: Progress) -> str:
    parts = [
        f"{progress.elapsed:5.1f} s of {progress.total:g}",
        f"{progress.rate:,.0f} operations/s",
        "" if progress.availability is None else f"{progress.availability:.2%} good",
        f"{progress.waiting:,} waiting" if progress.waiting else "",
        ", ".join(
            f"{name} {state}" for name, state in progress.nodes.items() if state != "running"
        ),
        f"faults: {_names(progress)}" if progress.faults else "",
    ]
    return "  ".join(part for part in parts if part)


def _names(progress: Progress) -> str:
    return ", ".join(name.replace("_", " ") for name in progress.faults)


class TerminalDisplay:
    """A panel that is drawn anew in place: nodes, rate, availability, faults, time left."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._live: Live | None = None
        self._latest: tuple[float, str] | None = None

    def __enter__(self) -> Self:
        from rich.live import Live

        self._live = Live(console=self._console, refresh_per_second=8, transient=True)
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def update(self, progress: Progress) -> None:
        """Draw `progress`."""
        if self._live is not None:
            self._live.update(self.draw(progress))

    def draw(self, progress: Progress) -> RenderableType:
        """Return the panel for `progress`. Names are shown as text: markup in them is inert."""
        from rich.console import Group
        from rich.panel import Panel
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        nodes = Text(overflow="fold")
        for name, state in progress.nodes.items():
            nodes.append("● ", style=_STATES.get(state, "yellow"))
            nodes.append(f"{name} {state}   ")
        good = "–" if progress.availability is None else f"{progress.availability:.2%}"
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row("nodes", nodes)
        table.add_row("operations", Text(f"{progress.operations:,} ({progress.rate:,.0f}/s)"))
        waiting = f", {progress.waiting:,} waiting" if progress.waiting else ""
        table.add_row("availability", Text(f"{good}{waiting}"))
        faults = _names(progress)
        table.add_row("faults now", Text(faults or "none", style="red" if faults else ""))
        if progress.news:
            self._latest = progress.news[-1]
        if self._latest is not None:
            moment, told = self._latest
            table.add_row("latest", Text(f"{moment:.1f} s  {told}"))
        table.add_row("time left", Text(f"{progress.left:.1f} s"))
        bar = ProgressBar(total=max(progress.total, 1e-9), completed=progress.elapsed)
        # A bar by itself does not end its line, and would swallow the row that follows.
        whole_line = Table.grid(expand=True)
        whole_line.add_row(bar)
        return Panel(
            Group(Text(progress.text), whole_line, table),
            title=Text(self._title),
            title_align="left",
            width=min(self._console.width, 78),
        )


def live_display(
    experiment: Experiment, *, stream: TextIO, quiet: bool, simulated: bool = False
) -> Silent | PlainLines | TerminalDisplay:
    """Return the display that suits `stream`: a panel on a terminal, else plain lines."""
    if quiet or options.quiet:
        return Silent()
    title = f"{experiment.name}, seed {experiment.seed}"
    title += ", in virtual time" if simulated else ""
    if not stream.isatty():
        return PlainLines(stream, title)
    from rich.console import Console

    return TerminalDisplay(Console(file=stream), title)
