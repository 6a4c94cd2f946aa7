"""Members and clients over sockets: messages, order, restarts, limits, and clean ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from resilkit.errors import InvalidArgument
from resilkit.network import link as link_module
from resilkit.network import transport as transport_module
from tests.network.nets import COOKIE, Net, mesh, on_both_loops

ROOT = Path(__file__).parents[2]


class Bomb:
    """Pickles well; raises when it is made again."""

    def __reduce__(self) -> Any:
        return (int, ("no number",))


@on_both_loops
async def test_messages_arrive_in_order_after_their_sender_came_up(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    for number in range(5000):
        assert net.nodes["n1"].send("n2", (1, number))
    await net.got["n2"].until(lambda: len(net.got["n2"].messages()) == 5000)

    assert [(1, number) for number in range(5000)] == net.got["n2"].messages("n1")
    assert net.got["n2"].log[0] == ("up", "n1", 1, "member")
    assert net.got["n2"].frames < 50
    assert dict(net.nodes["n1"].peers()) == {"n2": 1}
    await net.close()


@on_both_loops
async def test_nobody_and_oneself_cannot_be_reached(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.start("n1")

    assert not net.nodes["n1"].send("n2", (1,))
    assert not net.nodes["n1"].send("nobody", (1,))
    assert not net.nodes["n1"].send("n1", (1,))
    await net.close()


@on_both_loops
async def test_a_restarted_member_goes_down_before_it_comes_up(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2", "n3"))
    await net.up()
    await net.nodes["n2"].close()
    await net.start("n2", incarnation=2)
    for name in ("n1", "n3"):
        await net.got[name].until(lambda n=name: net.nodes[n].peers().get("n2") == 2)  # type: ignore[misc]
        assert [entry for entry in net.got[name].ups() if entry[1] == "n2"] == [
            ("up", "n2", 1, "member"), ("down", "n2", 1), ("up", "n2", 2, "member"),
        ]  # fmt: skip
        assert net.nodes[name].send("n2", (name,))
    await net.got["n2"].until(lambda: len(net.got["n2"].messages()) == 2)
    await net.close()


@on_both_loops
async def test_a_successor_replaces_one_whose_end_was_not_seen(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    old, old_log = net.nodes["n2"], net.got["n2"]
    await net.start("n2", incarnation=2)
    await net.got["n1"].until(lambda: net.nodes["n1"].peers().get("n2") == 2)

    assert [e for e in net.got["n1"].ups() if e[1] == "n2"][1:] == [
        ("down", "n2", 1), ("up", "n2", 2, "member"),
    ]  # fmt: skip
    del old_log
    await old.close()
    assert net.nodes["n1"].peers() == {"n2": 2}
    await net.close()


@on_both_loops
async def test_a_client_reaches_members_and_is_no_member(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    await net.start("@notebook", role="client")
    await net.reach("@notebook", ["n1", "n2"])
    net.got["n1"].answer = lambda source, message: (
        net.nodes["n1"].send(source, ("re", message)) and None
    )
    assert net.nodes["@notebook"].send("n1", (1, "hello"))
    await net.got["@notebook"].until(lambda: bool(net.got["@notebook"].messages()))

    assert net.got["@notebook"].messages("n1") == [("re", (1, "hello"))]
    assert ("up", "@notebook", 1, "client") in net.got["n1"].log
    assert set(net.nodes["n1"].peers()) == {"n2"}
    assert {counters.peer for counters in net.nodes["n1"].links()} == {"n2"}

    await net.nodes["@notebook"].close()
    await net.got["n1"].until(lambda: ("down", "@notebook", 1) in net.got["n1"].log)
    assert not net.nodes["n1"].send("@notebook", (1,))
    await net.close()


@on_both_loops
async def test_a_client_that_speaks_at_once_is_heard_of_first_and_answered(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    for name in ("n1", "n2"):
        net.got[name].answer = lambda source, _, n=name: net.nodes[n].send(source, (n,)) and None  # type: ignore[misc]
    client = await net.start("@g1", role="client")
    net.got["@g1"].greet = lambda name: client.send(name, ("hello",)) and None
    await net.got["@g1"].until(lambda: len(net.got["@g1"].messages()) == 2)

    for name in ("n1", "n2"):
        assert [e[0] for e in net.got[name].log if e[1] == "@g1"] == ["up", "message"]
    await net.close()


@on_both_loops
async def test_one_message_that_cannot_be_pickled_fails_alone(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    for number in range(9):
        net.nodes["n1"].send("n2", (number, threading.Lock()) if number == 4 else (number,))
    await net.got["n2"].until(lambda: len(net.got["n2"].messages()) == 8)

    assert net.got["n2"].messages() == [(0,), (1,), (2,), (3,), (5,), (6,), (7,), (8,)]
    (failed,) = (entry for entry in net.got["n1"].log if entry[0] == "unsendable")
    assert failed[1:] == ("n2", failed[2], "TypeError")
    assert failed[2][0] == 4
    await net.close()


@on_both_loops
async def test_one_message_that_cannot_be_unpickled_fails_alone(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    for message in [(1,), (2, Bomb()), (3,)]:
        net.nodes["n1"].send("n2", message)
    await net.got["n2"].until(lambda: len(net.got["n2"].messages()) == 2)

    assert net.got["n2"].messages() == [(1,), (3,)]
    assert ("undecodable", "n1", "ValueError") in net.got["n2"].log
    await net.close()


@on_both_loops
async def test_a_receiver_that_raises_does_not_end_the_connection(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()

    def fail(source: str, message: Any) -> None:
        if message == ("bad",):
            raise LookupError("receiver")

    net.got["n2"].answer = fail
    net.nodes["n1"].send("n2", ("bad",))
    await net.got["n2"].until(lambda: bool(net.got["n2"].messages()))
    net.nodes["n1"].send("n2", ("good",))
    await net.got["n2"].until(lambda: len(net.got["n2"].messages()) == 2)

    assert [str(one["exception"]) for one in net.complaints] == ["receiver"]
    assert ("down", "n1", 1) not in net.got["n2"].log
    await net.close()


def test_a_message_that_is_too_large_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "LARGEST", 100_000)

    async def run() -> None:
        net = Net(tmp_path, mesh("n1", "n2"))
        await net.up()
        for size in (10, 200_000, 60_000, 60_000, 20):
            net.nodes["n1"].send("n2", (1, os.urandom(size)))
        await net.got["n2"].until(lambda: len(net.got["n2"].messages()) == 4)

        assert [len(one[1]) for one in net.got["n2"].messages()] == [10, 60_000, 60_000, 20]
        (failed,) = (entry for entry in net.got["n1"].log if entry[0] == "unsendable")
        assert failed[3] == "InvalidArgument"
        await net.close()

    asyncio.run(run())


@on_both_loops
async def test_large_and_small_messages_arrive_whole(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    sent = [(number, os.urandom(size)) for number, size in enumerate([5, 3_000_000, 0, 262_139, 9])]
    for message in sent:
        net.nodes["n1"].send("n2", message)
        await asyncio.sleep(0)
    await net.got["n2"].until(lambda: len(net.got["n2"].messages()) == 5)

    assert sent == net.got["n2"].messages()
    await net.close()


@on_both_loops
async def test_counters_count_messages_bytes_and_losses(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    for _ in range(10):
        net.nodes["n1"].send("n2", (1, "x" * 100))
    net.nodes["n1"].cut(["n2"], "out")
    net.nodes["n1"].send("n2", (1, "x"))
    (counters,) = net.nodes["n1"].links()

    assert (counters.messages, counters.drops) == (0, 11)
    net.nodes["n1"].mend(["n2"])
    await net.reach("n1", ["n2"])
    net.nodes["n1"].send("n2", (1, "x" * 100))
    await net.got["n2"].until(lambda: bool(net.got["n2"].messages()))
    assert counters.messages == 1
    assert 100 < counters.bytes < 200
    await net.close()


STOPPED = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.network.nets import Net, mesh
async def main():
    net = Net(Path(sys.argv[1]), mesh("n1", "n2"))
    await net.start("n2")
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(len(net.got["n2"].messages()), flush=True)
    await net.close()
asyncio.run(main())
"""


def test_what_waits_for_a_stopped_peer_is_bounded_and_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "MOST_WAITING_BYTES", 4_000_000)

    async def run() -> None:
        other = subprocess.Popen(  # noqa: ASYNC220 - it is over in milliseconds
            [sys.executable, "-c", STOPPED, str(tmp_path)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert other.stdin is not None
        assert other.stdout is not None
        net = Net(tmp_path, mesh("n1", "n2"))
        try:
            assert other.stdout.readline() == b"ready\n"
            await net.start("n1")
            await net.reach("n1", ["n2"])
            other.send_signal(signal.SIGSTOP)
            accepted = refused = 0
            for _ in range(2000):
                if net.nodes["n1"].send("n2", (1, "x" * 10_000)):
                    accepted += 1
                else:
                    refused += 1
                if accepted % 10 == 0:
                    await asyncio.sleep(0)
            (counters,) = net.nodes["n1"].links()
            assert refused > 1000
            assert accepted * 10_000 < 10_000_000
            assert counters.drops >= refused
            other.send_signal(signal.SIGCONT)
            async with asyncio.timeout(10):
                while not net.nodes["n1"].send("n2", (1, "again")):  # noqa: ASYNC110
                    await asyncio.sleep(0)
            await net.close()
            received, _ = other.communicate(timeout=10)
            assert int(received) == counters.messages
        finally:
            other.send_signal(signal.SIGCONT)
            other.kill()
            other.communicate()
            await net.close()

    asyncio.run(run())


# Names, files, ends ------------------------------------------------------------------------------


@on_both_loops
async def test_hostile_names_make_no_hostile_paths(folder: Path) -> None:
    names = ["../escape", "a/b", ".hidden", "N1", "é" * 30, "x" * 64]
    inner = folder / "inner"
    inner.mkdir()
    net = Net(inner, mesh(*names))
    await net.up()

    assert [one.name for one in folder.iterdir()] == ["inner"]  # noqa: ASYNC240
    assert len(list(inner.iterdir())) == len(names)
    await net.close()
    assert not list(inner.iterdir())


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "a\0b", "\ud800", 7])
def test_what_is_no_name_is_refused(tmp_path: Path, name: Any) -> None:
    async def run() -> None:
        net = Net(tmp_path, [])
        with pytest.raises(InvalidArgument, match="name"):
            await net.start(name)

    asyncio.run(run())


def test_a_cookie_that_everybody_has_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        net = Net(tmp_path, mesh("n1", "n2"), cookie=b"")
        with pytest.raises(InvalidArgument, match="cookie"):
            await net.start("n1")

    asyncio.run(run())


def test_a_folder_whose_path_is_too_long_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        net = Net(tmp_path / ("x" * 100), mesh("n1", "n2"))
        with pytest.raises(InvalidArgument, match="too long"):
            await net.start("n1")

    asyncio.run(run())


@on_both_loops
async def test_a_socket_that_a_dead_process_left_is_replaced_but_no_other_file(
    folder: Path,
) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(folder / "n1.sock"))
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    assert (folder / "n1.sock").stat().st_mode & 0o077 == 0
    await net.close()

    (folder / "n1.sock").write_text("precious")
    with pytest.raises(InvalidArgument, match="in the way"):
        await net.start("n1")
    assert (folder / "n1.sock").read_text() == "precious"


@on_both_loops
async def test_closing_sends_what_waits_and_leaves_the_successors_socket(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    first = net.nodes["n1"]
    first.send("n2", ("last words",))
    successor = await net.start("n1", incarnation=2)
    await first.close()
    await net.got["n2"].until(lambda: ("last words",) in net.got["n2"].messages())

    assert (folder / "n1.sock").exists()
    await successor.close()
    assert not (folder / "n1.sock").exists()
    await net.close()


def test_loopback_tcp_serves_where_there_are_no_unix_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resilkit.network.addresses._UNIX", False)

    async def run() -> None:
        net = Net(tmp_path, mesh("n1", "n2"))
        await net.up()
        net.nodes["n1"].send("n2", (1,))
        await net.got["n2"].until(lambda: bool(net.got["n2"].messages()))
        assert COOKIE not in (tmp_path / "n1.port").read_bytes()
        await net.close()

    asyncio.run(run())
