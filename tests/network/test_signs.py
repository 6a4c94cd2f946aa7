"""When a link counts again that was cut."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from resilkit.network.cuts import Cuts
from resilkit.network.framing import HEARTBEAT
from resilkit.network.signs import SignsOfLife


class Link:
    """The state of a link, and what was written on it."""

    def __init__(self) -> None:
        self.peer = SimpleNamespace(name="b", role="member")
        self.heard, self.hears_us, self.confirmed, self.full = 0.0, True, True, False
        self.written: list[int] = []

    def write(self, kind: int, body: bytes) -> None:
        self.written.append(kind)


@pytest.mark.parametrize("first", ["heard", "answered", "told of others"])
def test_a_mended_link_counts_when_the_other_end_has_said_whom_it_reaches(first):
    async def scene():
        link, changes, asked = Link(), [], []
        life = SignsOfLife({"b": link}, Cuts(), 1.0, lambda: changes.append(1), asked.append)
        life.doubt(link)
        assert asked == [link]
        if first == "heard":
            life.heard(link)
        elif first == "answered":
            life.answered(link, hears_us=True)
        else:
            life.told(link, own=False)
        # What it had said before it was cut would bring the link up for a moment.
        assert not life.usable(link)
        assert not changes
        life.told(link, own=True)
        assert life.usable(link)
        assert changes == [1]

    asyncio.run(scene())


def test_the_other_end_is_asked_again_until_it_says_so():
    async def scene():
        link, turns = Link(), asyncio.Semaphore(0)
        asked: list[Link] = []
        life = SignsOfLife({"b": link}, Cuts(), 0.004, turns.release, asked.append)
        life.doubt(link)
        beating = asyncio.ensure_future(life.beat())
        for _ in range(2):
            await turns.acquire()
        assert asked == [link] * 3
        life.told(link, own=True)
        for _ in range(2):
            await turns.acquire()
        beating.cancel()
        assert asked == [link] * 3
        assert HEARTBEAT in link.written

    asyncio.run(scene())


def test_a_mended_link_whose_cut_nobody_has_noticed_counts_all_the_time():
    async def scene():
        link, asked = Link(), []
        life = SignsOfLife({"b": link}, Cuts(), 1.0, lambda: None, asked.append)
        life.doubt(link, counted=True)
        assert asked == [link], "what it has said meanwhile was lost"
        assert life.usable(link)

    asyncio.run(scene())
