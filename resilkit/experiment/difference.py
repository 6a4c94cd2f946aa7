"""Where two runs with the same seed differ first, and how that looks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from resilkit.errors import Nondeterministic
from resilkit.records import readable
from resilkit.simulation.trace import SimulationTrace, TraceLine
from resilkit.texts import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DeterminismCheck", "RunSeen", "TraceDifference", "compare"]

_CONTEXT: Final = 4
"""Lines that are kept before the first difference, and after it of each run."""


class RunSeen(NamedTuple):
    """What was seen of one run.

    Attributes:
        trace: All that happened.
        fingerprint: Of its steps.
        suspects: What was used in it that no simulation decides.
        error: How it ended, if that was an error; ``""``.
    """

    trace: SimulationTrace
    fingerprint: str
    suspects: tuple[str, ...]
    error: str = ""

    @property
    def done(self) -> tuple[str, str, str]:
        """What is the same for two runs that did the same."""
        return self.trace.digest, self.fingerprint, self.error


@readable
@dataclass(frozen=True, slots=True)
class TraceDifference:
    """The first place where two traces differ.

    Attributes:
        number: The number of the line.
        first: That line in the first run; ``None`` where that was over already.
        second: That line in the second one.
        before: The last lines that both have, before it.
        first_after: What comes next in the first run.
        second_after: What comes next in the second one.
    """

    number: int
    first: TraceLine | None
    second: TraceLine | None
    before: tuple[TraceLine, ...] = ()
    first_after: tuple[TraceLine, ...] = ()
    second_after: tuple[TraceLine, ...] = ()

    def __str__(self) -> str:
        first, second = _told(self.first), _told(self.second)
        same = next(
            (place for place, pair in enumerate(zip(first, second, strict=False))
             if pair[0] != pair[1]),
            min(len(first), len(second)),
        )  # fmt: skip
        return "\n".join([
            *(f"  both   {line}" for line in self.before),
            f"  first  {first}",
            f"  second {second}",
            f"         {' ' * same}^",
            *(f"  first  {line}" for line in self.first_after),
            *(f"  second {line}" for line in self.second_after),
        ])  # fmt: skip


def _told(line: TraceLine | None) -> str:
    return "(it was over)" if line is None else str(line)


@readable
@dataclass(frozen=True, slots=True, kw_only=True)
class DeterminismCheck:
    """Whether two runs with the same seed did the same; true when they did.

    Attributes:
        deterministic: Whether they did, to the last byte of their traces and step for step.
        seed: The seed of both.
        schedule: The schedule of both.
        lines: How many lines the first trace has.
        steps: In how many steps that happened.
        digest: The digest of the first trace.
        fingerprint: The fingerprint of the first run.
        second_run: Where the second run was: in another process, or why not.
        first_difference: Where they differ first; ``None`` where they do not, or where the
            messages and events are the same and only steps between them differ.
        errors: How the first run ended and the second one, where that was an error; else ``""``.
        suspects: What servers used that no simulation decides, and where.
        hashes_differ: Whether it is the order of hashes that makes the difference: one more run in
            this process did the same as the first.
        left_behind: Whether it is what a run leaves behind in its process that makes the difference
            for the next one there: the first in a new process did the same.
    """

    deterministic: bool
    seed: int
    schedule: str
    lines: int
    steps: int
    digest: str
    fingerprint: str
    second_run: str
    first_difference: TraceDifference | None = None
    errors: tuple[str, str] = ("", "")
    suspects: tuple[str, ...] = ()
    hashes_differ: bool = False
    left_behind: bool = False

    def __bool__(self) -> bool:
        return self.deterministic

    def raise_if_not(self) -> Self:
        """Return this, if the two runs did the same.

        Raises:
            Nondeterministic: They did not; its text shows the first difference.
        """
        __tracebackhide__ = True  # a failing test stops at its own line
        if not self.deterministic:
            raise Nondeterministic(repr(self).strip("<>"))
        return self

    @property
    def sentence(self) -> str:
        """What came of it, in a sentence or two."""
        about = f"seed {self.seed}, schedule {self.schedule}"
        if self.deterministic:
            return (
                f"deterministic: two runs with {about} did the same, "
                f"{plain(self.lines, 'line')} in {plain(self.steps, 'step')}"
            )
        text = f"not deterministic: two runs with {about} did not do the same"
        if self.errors[0] != self.errors[1]:
            ends = [error or "with no error" for error in self.errors]
            text += f"; the first ended {ends[0]}, the second {ends[1]}"
        if self.first_difference is not None:
            text += f"; they differ first in line {self.first_difference.number:,}"
        elif self.errors[0] == self.errors[1]:
            text += "; the messages and events are the same, but steps between them differ"
        return text

    @property
    def advice(self) -> tuple[str, ...]:
        """What may be the cause, and what to use instead."""
        if self.deterministic:
            return ()
        if self.left_behind:
            return (*self.suspects, _OF_REMAINS)
        return (*self.suspects, _OF_HASHES if self.hashes_differ else _ADVICE)

    def __repr__(self) -> str:
        parts = [f"{self.sentence}. The second run was {self.second_run}."]
        if self.first_difference is not None:
            parts.append(str(self.first_difference))
        return "<" + "\n".join([*parts, *self.advice]) + ">"

    def _repr_html_(self) -> str:
        from resilkit.experiment.difference_html import check_html

        return check_html(self)


_ADVICE: Final = (
    "What makes runs differ: the order of a set (of texts, of objects), id(), hash() of a text, "
    "functions of time taken by name, threads, files, whatever is asked of the machine, module "
    "globals and class attributes that earlier runs have changed, and when the garbage collector "
    "frees what is in a circle (seen by __del__ and weak references). Use dicts or sorted(), "
    "self.now() and self.rng, keep state in self or in self.storage, and break circles or call "
    "gc.disable() first."
)

_OF_HASHES: Final = (
    "With the same order of hashes it did the same: what differs hangs on the order of a set of "
    "texts, or on hash() of a text, which are others in each process. Use dicts or sorted()."
)

_OF_REMAINS: Final = (
    "The run before it in the same process did the same as the first: what differs hangs on what a "
    "run leaves behind. Likely causes are module globals and class attributes (a counter, a dict, "
    "a cache), which all nodes and all runs of a process share. Keep state in self, or in "
    "self.storage."
)


def compare(
    first: RunSeen, second: RunSeen, *, seed: int, schedule: str, second_run: str
) -> DeterminismCheck:
    """Return what a look at two runs shows.

    Args:
        first: The first one.
        second: The second one.
        seed: The seed of both.
        schedule: The schedule of both.
        second_run: Where the second one was, in words.
    """
    same = first.done == second.done
    return DeterminismCheck(
        deterministic=same,
        seed=seed,
        schedule=schedule,
        lines=len(first.trace) + first.trace.dropped,
        steps=first.trace[-1].step if len(first.trace) else 0,
        digest=first.trace.digest,
        fingerprint=first.fingerprint,
        second_run=second_run,
        first_difference=None if same else _difference(first.trace, second.trace),
        errors=(first.error, second.error),
        suspects=tuple(dict.fromkeys((*first.suspects, *second.suspects))),
    )


def _difference(one: SimulationTrace, other: SimulationTrace) -> TraceDifference | None:
    first, second = one.written().split("\n"), other.written().split("\n")
    pairs = zip(first, second, strict=False)
    place = next(
        (place for place, (mine, theirs) in enumerate(pairs) if mine != theirs),
        min(len(first), len(second)),
    )
    if place >= len(first) and place >= len(second):
        return None
    return TraceDifference(
        number=place,
        first=_line(one, place),
        second=_line(other, place),
        before=tuple(one[max(0, place - _CONTEXT) : place]),
        first_after=_few(one[place + 1 :]),
        second_after=_few(other[place + 1 :]),
    )


def _line(trace: SimulationTrace, place: int) -> TraceLine | None:
    return trace[place] if place < len(trace) else None


def _few(lines: Iterable[TraceLine]) -> tuple[TraceLine, ...]:
    return tuple(islice(lines, _CONTEXT))
