"""Which message may follow which: rules, checked, and what they leave to choose from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.testing.strategies import options

__all__ = ["Course", "Rules"]


class Rules:
    """What may come after what, among named messages.

    Args:
        names: The messages.
        off: Those of them that never come.
        requires: Message to those that must each have come before it.
        once: Messages that come at most once.
        terminal: Messages after which none comes.
        excludes: Message to those that are never in one sequence with it.

    Raises:
        InvalidArgument: A name is unknown, or a message could never come; the path says which.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        off: Collection[str] = (),
        requires: object = None,
        once: object = (),
        terminal: object = (),
        excludes: object = None,
    ) -> None:
        self.names = tuple(name for name in names if name not in off)
        self.place = {name: place for place, name in enumerate(self.names)}
        self.requires = _relation(requires, "requires", names)
        self.once = frozenset(options.selection(once, "once", names, empty=True))
        self.terminal = frozenset(options.selection(terminal, "terminal", names, empty=True))
        self.excludes = {name: frozenset[str]() for name in names}
        for name, others in _relation(excludes, "excludes", names).items():
            self.excludes[name] |= others
            for other in others:
                self.excludes[other] |= {name}
        self._longest: dict[tuple[frozenset[str], int], int] = {}
        for name in self.names:
            self._check_possible(name, off)

    def needed(self, name: str) -> frozenset[str]:
        """Return the messages that must have come before `name`, those of their own included."""
        found: set[str] = set()
        left = [*self.requires[name]]
        while left:
            other = left.pop()
            if other not in found:
                found.add(other)
                left.extend(self.requires[other])
        return frozenset(found)

    def following(self, seen: frozenset[str]) -> Iterator[str]:
        """Yield, in order, the messages that may follow once those in `seen` have come."""
        if seen & self.terminal:
            return
        for name in self.names:
            again = name in self.once and name in seen
            if not again and self.requires[name] <= seen and not self.excludes[name] & seen:
                yield name

    def longest(self, seen: frozenset[str], most: int) -> int:
        """Return how many messages can follow once those in `seen` have come, `most` at most."""
        if most <= 0:
            return 0
        known = self._longest.get((seen, most))
        if known is None:
            known = self._longest[seen, most] = self._search(seen, most)
        return known

    def _search(self, seen: frozenset[str], most: int) -> int:
        best = 0
        for name in self.following(seen):
            if name not in self.once and name not in self.terminal:
                return most  # it may come again and again
        for name in self.following(seen):
            best = max(best, 1 + self.longest(seen | {name}, most - 1))
            if best == most:
                break
        return best

    def _check_possible(self, name: str, off: Collection[str]) -> None:
        """Refuse a message that no sequence can hold."""
        if name in self.excludes[name]:
            raise InvalidArgument(
                "excludes itself",
                path=f"excludes.{name}",
                value=name,
                allowed="other messages; once=[…] for a message that comes at most once",
            )
        before = self.needed(name)
        together = [
            (one, other)
            for one, other in combinations(sorted(before | {name}), 2)
            if other in self.excludes[one]
        ]
        if name in before:
            why = "it requires itself, directly or by way of others"
        elif before & self.terminal:
            why = f"{min(before & self.terminal)!r} must come before it, which is terminal"
        elif before & set(off):
            why = (
                f"{min(before & set(off))!r} must come before it, which a weight of 0 switches off"
            )
        elif together:
            why = "it takes {!r} and {!r}, which exclude each other".format(*together[0])
        else:
            return
        raise InvalidArgument(
            f"can never come: {why}",
            path=f"requires.{name}",
            value=sorted(self.requires[name]),
            allowed="messages that can come before it",
        )


class Course:
    """One sequence as it comes about: what has come, and what may come next.

    Args:
        rules: The rules.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.seen = frozenset[str]()

    def next(self, wanted: str, still: int) -> str | None:
        """Return the message that comes next; ``None`` where none may.

        Where `wanted` may not, it is the nearest one before it that may, in the order in which the
        messages are given, else the first that may. So the least that stands for a message is
        mostly that message itself, and keeps its meaning when something before it goes.

        Args:
            wanted: The message that was drawn.
            still: How many must follow, with this one.
        """
        found = None
        for name in self.rules.following(self.seen):
            if self.rules.longest(self.seen | {name}, still - 1) >= still - 1:
                if found is not None and self.rules.place[name] > self.rules.place[wanted]:
                    break
                found = name
        return found

    def take(self, name: str) -> None:
        """Note that `name` has come."""
        self.seen |= {name}

    def longest(self, most: int) -> int:
        """Return how many may still come, `most` at most."""
        return self.rules.longest(self.seen, most)


def _relation(given: object, path: str, names: Sequence[str]) -> dict[str, frozenset[str]]:
    found = {name: frozenset[str]() for name in names}
    if given is None:
        return found
    for name, others in validate.known_keys(given, path, names).items():
        found[name] = frozenset(options.selection(others, f"{path}.{name}", names))
    return found
