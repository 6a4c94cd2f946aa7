"""No row is lost while the notebook does not read, as far as memory goes."""

from __future__ import annotations

import asyncio

from resilkit.clock import SystemClock
from resilkit.history import Rows
from resilkit.runtime import Pid
from resilkit.workload import Operation, Workload, arrivals
from resilkit.workload.generator import Generator
from resilkit.workload.generators import packed
from resilkit.workload.outbox import Outbox
from tests.workload.virtual_loop import run_virtually


class Narrow:
    """A way out that is full at times."""

    def __init__(self):
        self.full = False
        self.sent = []

    def __call__(self, rows):
        if not self.full:
            self.sent.append(rows)
        return not self.full


def batch(first, count=10):
    rows = Rows("g1", ("op",))
    for number in range(first, first + count):
        rows.append(0, number, float(number), 0.0, 0.0, 0, "", None)
    return rows


def users(sent):
    return [user for rows in sent for user in rows.users]


def test_what_cannot_go_waits_and_keeps_its_order():
    narrow = Narrow()
    outbox = Outbox(narrow)
    outbox.put(batch(0))
    narrow.full = True
    outbox.put(batch(10))
    outbox.put(batch(20))
    assert users(narrow.sent) == list(range(10))
    narrow.full = False
    outbox.put(batch(30))
    assert users(narrow.sent) == list(range(40))
    assert outbox.lost == 0


def test_what_there_is_no_room_for_is_counted():
    narrow = Narrow()
    narrow.full = True
    outbox = Outbox(narrow, most=20)
    for first in range(0, 40, 10):
        outbox.put(batch(first))
    narrow.full = False
    assert outbox.pump()
    assert users(narrow.sent) == list(range(20))
    assert outbox.lost == 20
    outbox.put(batch(40, 20))
    assert outbox.lost == 20


def test_closing_waits_until_all_of_it_is_taken():
    narrow = Narrow()

    async def main(loop):
        outbox = Outbox(narrow)
        narrow.full = True
        outbox.put(batch(0))
        loop.call_later(3.0, setattr, narrow, "full", False)
        await outbox.close(batch(10, 1))
        return loop.time()

    assert run_virtually(main) >= 1003.0
    assert users(narrow.sent) == list(range(11))


class Link:
    """The transport of a generator whose notebook does not read at first."""

    def __init__(self):
        self.full = True
        self.flushes = 0
        self.rows = []

    def flush(self):
        self.flushes += 1

    def send(self, node, message):
        if not self.full:
            self.rows += message[2][2]
        return not self.full


class Here:
    """As much of a process and its node as a generator needs."""

    name = "@g1"

    def __init__(self, link):
        self.node, self.transport, self.clock = self, link, SystemClock()
        self.loop, self.context = asyncio.get_running_loop(), None


async def nothing(user):
    return None


def test_a_generator_hands_over_every_row_before_it_reports():
    plans = Workload([Operation("op", nothing)], arrivals.constant(200)).plan(7, 1.0)
    link = Link()

    class Caller:
        def __init__(self):
            self.answer = asyncio.get_running_loop().create_future()

        def reply(self, report):
            self.answer.set_result((report, len(link.rows)))

        def fail(self, error):
            self.answer.set_exception(error)

    async def main(loop):
        generator = Generator()
        generator._process = Here(link)
        generator.transport = link
        caller = Caller()
        generator.defer = lambda: caller
        generator.init(Pid("@notebook", 1, 1), packed(plans[0]))
        generator.engine.now = loop.time
        generator.run(loop.time())
        loop.call_later(2.0, setattr, link, "full", False)
        return await caller.answer

    report, handed_over = run_virtually(main)
    assert (report.intended, report.undelivered, handed_over) == (200, 0, 200)
    assert link.flushes


def test_what_was_sent_at_last_leaves_its_room_to_others():
    narrow = Narrow()
    outbox = Outbox(narrow, most=20)
    for first in range(0, 60, 20):
        narrow.full = True
        outbox.put(batch(first, 20))
        narrow.full = False
        assert outbox.pump()
    assert outbox.lost == 0
    assert users(narrow.sent) == list(range(60))
