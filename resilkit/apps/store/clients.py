"""What clients do: puts and gets through any coordinator that lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import resilkit as rk
from resilkit.apps.store.names import coordinator_name
from resilkit.apps.store.protocol import Version

__all__ = ["CLIENT_TIMEOUT", "Get", "Put", "workload"]

CLIENT_TIMEOUT = 2.0
"""Longer than a coordinator's own patience: else the client gives up before it could be told
whether there was an effect, and counts as unknown what was refused."""

_AVOID = 1.0
"""Seconds for which a user prefers other coordinators to one that has just failed him."""

Seen: TypeAlias = tuple[str, Version, Any]
"""What the history keeps of an operation: key, version, value."""


def workload(
    nodes: Sequence[str] = ("n1", "n2", "n3"),
    *,
    rate: float = 300.0,
    keys: int = 1000,
    put_share: float = 0.5,
) -> rk.Workload:
    """Return puts and gets in an open loop, each on a key drawn from all alike.

    Many keys, since a lost put cannot be found missing once a later one has covered its place.

    Args:
        nodes: The nodes that have a coordinator.
        rate: Operations a second (a Poisson process).
        keys: How many keys there are.
        put_share: The share of puts, 0..1.
    """
    coordinators = tuple(map(coordinator_name, nodes))
    return rk.Workload(
        [
            rk.Operation("put", Put(coordinators, keys), weight=put_share),
            rk.Operation("get", Get(coordinators, keys), weight=1.0 - put_share),
        ],
        arrivals=rk.arrivals.poisson(rate),
    )


@dataclass(frozen=True, slots=True)
class _Client:
    """What both operations know.

    Args:
        coordinators: The names of the coordinators, any of which will do.
        keys: How many keys there are.
    """

    coordinators: tuple[str, ...]
    keys: int

    def key(self, user: Any) -> str:
        """Draw a key."""
        return f"key-{user.rng.randrange(self.keys)}"

    async def ask(self, user: Any, method: str, *args: Any) -> Any:
        """Ask one coordinator after the other until one does it.

        Only what definitely had no effect moves on to the next. When nobody knows, a second
        attempt would be another operation in the dress of the first: a put done twice, whose
        second copy may bury what somebody else wrote in between. Such an outcome belongs into the
        history as it is: unknown.
        """
        now = user.now()
        avoided: dict[str, float] = user.state.setdefault("avoided", {})
        order = user.rng.sample(self.coordinators, len(self.coordinators))
        order.sort(key=lambda name: avoided.get(name, 0.0) > now)
        for name in order[:-1]:
            try:
                return await self._ask(user, name, method, args)
            except rk.ResilkitError as error:
                avoided[name] = user.now() + _AVOID
                if not error.definite:
                    raise
        return await self._ask(user, order[-1], method, args)

    @staticmethod
    async def _ask(user: Any, name: str, method: str, args: tuple[Any, ...]) -> Any:
        coordinator = user.whereis(name).with_timeout(CLIENT_TIMEOUT)
        return await getattr(coordinator.call, method)(*args)


class Put(_Client):
    """Write a value that nobody else ever writes, so that a read shows which write it saw."""

    __slots__ = ()

    async def __call__(self, user: Any) -> Seen:
        """Return key, version and value."""
        key = self.key(user)
        user.state["puts"] = number = user.state.get("puts", 0) + 1
        value = f"{user.generator}/{user.index}/{number}"
        return key, await self.ask(user, "put", key, value), value


class Get(_Client):
    """Read a key."""

    __slots__ = ()

    async def __call__(self, user: Any) -> Seen:
        """Return key, version and value; None when the key has never been written."""
        key = self.key(user)
        version, value = await self.ask(user, "get", key)
        return key, version, value
