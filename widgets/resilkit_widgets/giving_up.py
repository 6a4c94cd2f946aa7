"""Supervisors that gave up, told until one of the same name runs again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from resilkit.metrics.events import Event
from resilkit.texts import plain

__all__ = ["GivenUp"]

_MOST_TOLD = 10
_MOST_KEPT = 200
_MOST_ENDS = 1_000
_LONGEST_REASON = 200


@dataclass(slots=True)
class _Entry:
    words: str
    pid: str
    mark: int
    sure: bool


class GivenUp:
    """What is known of supervisors that gave up, and that have not come back.

    An entry is told once nodes were asked after it: one whose own supervisor has started it again
    meanwhile is never told of. The newest 200 are kept and the newest 10 told.

    Args:
        origin: The time that counts as 0 s.
    """

    def __init__(self, origin: float) -> None:
        self._origin = origin
        self._entries: dict[str, _Entry] = {}
        self._ends: dict[tuple[str, str], tuple[str, str]] = {}

    def take_in(self, event: Event, mark: int) -> None:
        """Read an event of the kind ``supervision``.

        Args:
            event: The event.
            mark: How far the events are read with it.
        """
        if event.event in {"terminated", "start_failed"}:
            about = _about(event)
            if about.get("supervisor"):
                of = (event.node, str(about["supervisor"]))
                self._ends.pop(of, None)  # the newest stand last
                self._ends[of] = (event.target, _end(event, str(about.get("reason", ""))))
                _keep_newest(self._ends, _MOST_ENDS)
        elif event.event == "gave_up":
            known = self._entries.pop(event.target, None)
            self._entries[event.target] = _Entry(
                self._told(event), str(_about(event).get("pid", "")), mark,
                sure=known is not None and known.sure,
            )  # fmt: skip
            _keep_newest(self._entries, _MOST_KEPT)

    def seen(self, running: Iterable[tuple[str, str]], mark: int) -> None:
        """Compare with what nodes answered.

        Args:
            running: The name and the pid of every supervisor that runs.
            mark: How far the events had been read when the nodes were asked. An answer says
                nothing of what happened later.
        """
        pids: dict[str, set[str]] = {}
        for name, pid in running:
            pids.setdefault(name, set()).add(pid)
        for name, entry in list(self._entries.items()):
            if entry.mark > mark:
                continue
            # One that gave up runs on until the last of its children has ended.
            if pids.get(name, set()) - {entry.pid}:
                del self._entries[name]
            else:
                entry.sure = True

    def words(self, *, all_over: bool) -> list[str]:
        """Return one sentence for each, the newest last.

        Args:
            all_over: Whether nobody will be asked any more: what is known then is final.
        """
        told = [entry.words for entry in self._entries.values() if entry.sure or all_over]
        more = len(told) - _MOST_TOLD
        if more <= 0:
            return told
        return [f"✗ {plain(more, 'supervisor')} gave up before these.", *told[-_MOST_TOLD:]]

    def _told(self, event: Event) -> str:
        about = _about(event)
        child = str(about.get("child", ""))
        last, end = self._ends.get((event.node, event.target), ("", ""))
        why = f": {end if last == child else f'{child} ended too often'}" if child else ""
        rule = ""
        if "max_restarts" in about and "max_seconds" in about:
            most = plain(about["max_restarts"], "restart")
            rule = f" (more than {most} in {about['max_seconds']:g} s)"
        moment = f"{event.time - self._origin:.1f} s"
        return f"✗ {event.target} gave up on {event.node} at {moment}{rule}{why}"


def _end(event: Event, reason: str) -> str:
    first = next(iter(reason.splitlines()), "")
    first = first if len(first) <= _LONGEST_REASON else f"{first[:_LONGEST_REASON]}…"
    how = "ended with" if event.event == "terminated" else "could not be started:"
    return f"{event.target} {how} {first}"


def _about(event: Event) -> dict[str, Any]:
    try:
        about = json.loads(event.detail)
    except ValueError:
        return {}  # one that was too long was cut
    return about if isinstance(about, dict) else {}


def _keep_newest(kept: dict[Any, Any], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
