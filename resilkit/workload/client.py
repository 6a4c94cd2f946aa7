"""What an operation sees of the system under load, and the user who does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from resilkit.clock import monotonic
from resilkit.rng import stream
from resilkit.runtime.naming import check_name

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = ["CallTarget", "Client", "User"]


class CallTarget(Protocol):
    """What `User.whereis` gives: a reference whose calls are awaited."""

    @property
    def call(self) -> Any:
        """``await reference.call.METHOD(*args, **kwargs)`` sends a request and gives its reply."""
        ...

    def with_timeout(self, timeout: float | None, /) -> CallTarget:
        """Return the same reference whose calls wait at most `timeout` seconds."""
        ...


class Client(Protocol):
    """A generator's way into the system under load."""

    def whereis(self, name: str, /) -> Any:
        """Return a `CallTarget` for the server of that name, at once, without waiting.

        Raises:
            NoProcess: Nobody has that name now.
        """
        ...


class User:
    """One simulated user: who an operation is done for. Handed to every operation.

    Attributes:
        index: From 0, unique in the whole workload whatever the number of generators.
        generator: The name of the generator that this user lives in.
        state: A dictionary of the user's own, kept for the whole run: sessions, counters, clients.

    Examples:
        >>> user = User(3, seed=7)
        >>> user.rng.random() == User(3, seed=7).rng.random() != User(4, seed=7).rng.random()
        True
    """

    __slots__ = ("_client", "_now", "_rng", "_seed", "generator", "index", "state")

    def __init__(
        self,
        index: int,
        *,
        seed: int = 0,
        generator: str = "g1",
        client: Client | None = None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self.index = index
        self.generator = generator
        self.state: dict[str, Any] = {}
        self._seed = seed
        self._client = client
        self._now = now
        self._rng: random.Random | None = None

    @property
    def rng(self) -> random.Random:
        """The user's own stream of the root seed: the same draws however users are spread."""
        # Made when first asked for: 2.5 KB a user, which most closed-loop users never need.
        if self._rng is None:
            self._rng = stream(self._seed, "user", self.index)
        return self._rng

    def whereis(self, name: str) -> Any:
        """Return a reference to the server that has `name` now, found anew at every call.

        ``await user.whereis("bank").call.deposit(10)`` follows the name across restarts.

        Raises:
            InvalidArgument: `name` can be no server's.
            NoProcess: Nobody has that name.
        """
        check_name(name, "name")
        if self._client is None:
            raise LookupError("this user has no client: it lives outside a generator")
        return self._client.whereis(name)

    def now(self) -> float:
        """Return monotonic seconds (virtual ones on a simulator)."""
        return self._now()

    def __repr__(self) -> str:
        return f"<User {self.index} of {self.generator}>"
