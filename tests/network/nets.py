"""A small network in one loop, for tests: transports that record what they are told."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, ClassVar

from resilkit.network.transport import SocketTransport
from resilkit.rng import stream

COOKIE = b"the cookie of these tests"


class Recorder:
    """A receiver that keeps everything, in order, and wakes who waits for it."""

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []
        self.frames = 0
        self.routes = 0
        self.answer: Callable[[str, Any], None] | None = None
        self.greet: Callable[[str], None] | None = None
        self.changed = asyncio.Event()

    def _note(self, *entry: Any) -> None:
        self.log.append(entry)
        self.changed.set()

    def deliver(self, source: str, incarnation: int, messages: list[Any]) -> None:
        self.frames += 1
        for message in messages:
            self._note("message", source, incarnation, message)
            if self.answer is not None:
                self.answer(source, message)

    def peer_up(self, name: str, incarnation: int, role: str) -> None:
        self._note("up", name, incarnation, role)
        if self.greet is not None:
            self.greet(name)

    def routes_changed(self) -> None:
        self.routes += 1

    def peer_down(self, name: str, incarnation: int) -> None:
        self._note("down", name, incarnation)

    def on_unsendable(self, node: str, message: Any, error: BaseException) -> None:
        self._note("unsendable", node, message, type(error).__name__)

    def on_undecodable(self, source: str, error: BaseException, rest: Any = ()) -> None:
        self._note("undecodable", source, type(error).__name__)

    def emit(self, kind: str, event: str, target: str = "", **detail: Any) -> None:
        self._note(kind, event, target, detail)

    def messages(self, source: str | None = None) -> list[Any]:
        return [e[3] for e in self.log if e[0] == "message" and source in (None, e[1])]

    def ups(self) -> list[tuple[Any, ...]]:
        return [entry for entry in self.log if entry[0] in ("up", "down")]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


class Net:
    """Transports over one topology."""

    open: ClassVar[list[Net]] = []

    def __init__(self, folder: Path, edges: Iterable[tuple[str, str]], **options: Any) -> None:
        Net.open.append(self)
        self.folder = folder
        self.edges = list(edges)
        self.members = sorted(set(itertools.chain(*self.edges)))
        self.options = options
        self.nodes: dict[str, SocketTransport] = {}
        self.got: dict[str, Recorder] = {}
        self.complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: self.complaints.append(context)
        )

    async def start(self, name: str, incarnation: int = 1, role: str = "member") -> SocketTransport:
        self.got[name] = Recorder()
        options = {"cookie": COOKIE, "detect_after": 5.0, "classify": lambda _: "call"}
        node = self.nodes[name] = SocketTransport(
            name, incarnation, role=role, folder=self.folder, receiver=self.got[name],
            members=self.members, edges=self.edges if role == "member" else [],
            rng=stream(1, ascii(name), incarnation), **{**options, **self.options},
        )  # fmt: skip
        await node.start()
        if role == "client":
            for member in self.members:
                node.dial(member)
        return node

    async def up(self, *names: str) -> None:
        """Start members (all by default) and wait until each knows of all links."""
        for name in names or self.members:
            await self.start(name)
        started = names or self.members
        wanted = {(a, b) for one in self.edges for a, b in (one, one[::-1]) if {a, b} <= {*started}}
        async with asyncio.timeout(10):
            # Every link, at every node: that some way leads to all is not enough.
            while any(self._known(name) != wanted for name in started):  # noqa: ASYNC110
                await asyncio.sleep(0)

    def _known(self, name: str) -> set[tuple[str, str]]:
        states = self.nodes[name].membership._routes.states
        return {(node, peer) for node, one in states.items() for peer, _ in one.neighbours}

    async def reach(self, name: str, others: Iterable[str]) -> None:
        wanted = set(others)
        await self.got[name].until(lambda: set(self.nodes[name].peers()) == wanted)

    async def close(self) -> None:
        for node in self.nodes.values():
            await node.close()


def mesh(*names: str) -> list[tuple[str, str]]:
    return list(itertools.combinations(names, 2))


def on_both_loops(test: Callable[[Path], Coroutine[Any, Any, None]]) -> Callable[[Path, str], None]:
    """Run an async test on asyncio's own loop and on uvloop; nothing may be left behind."""

    async def whole(folder: Path) -> None:
        try:
            await test(folder)
        finally:
            for net in Net.open:
                await net.close()
            Net.open.clear()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks were left behind: {left}"

    def run(tmp_path: Path, loop_kind: str) -> None:
        if loop_kind == "uvloop":
            import uvloop

            uvloop.run(whole(tmp_path))
        else:
            asyncio.run(whole(tmp_path))

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run
