"""A message that raises what ends a process: it ends nothing, and its sender hears of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from resilkit.network import Deliver, Message
from tests.network.nets import Net, on_both_loops
from tests.network.test_forwarding import LINE, Late


class Ending(BaseException):
    """Of a user's own, and no `Exception`."""


class Raises:
    """Raises when it is pickled."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def __reduce__(self) -> Any:
        raise self.error("while it was pickled")


class Asks(Late):
    """Wants to know how large a message is."""

    needs_size = True

    def decide(self, message: Message, rng: Any) -> Deliver:
        return super().decide(message, rng)


ERRORS = (SystemExit, KeyboardInterrupt, Ending, GeneratorExit)


async def _sent_among_others(net: Net, target: str) -> None:
    for number, error in enumerate(ERRORS):
        net.nodes["n1"].send(target, ("before", number))
        assert net.nodes["n1"].send(target, ("bad", Raises(error)))
    net.nodes["n1"].send(target, ("last",))
    await net.got[target].until(lambda: ("last",) in net.got[target].messages())

    wanted = [*(("before", number) for number in range(len(ERRORS))), ("last",)]
    assert net.got[target].messages() == wanted
    told = [entry for entry in net.got["n1"].log if entry[0] == "unsendable"]
    assert [(to, error) for _, to, _, error in told] == [(target, e.__name__) for e in ERRORS]
    assert [message[1].error for _, _, message, _ in told] == list(ERRORS)
    assert not net.complaints
    net.got["n1"].log.clear()
    net.got[target].log[:] = [e for e in net.got[target].log if e[0] != "message"]


@on_both_loops
async def test_what_ends_the_pickler_does_not_end_the_node(folder: Path) -> None:
    net = Net(folder, LINE)
    await net.up()
    await net.reach("n1", ["n2", "n3"])
    await _sent_among_others(net, "n2")
    await _sent_among_others(net, "n3")


@on_both_loops
async def test_nor_does_it_where_a_fault_holds_it_back_or_measures_it(folder: Path) -> None:
    net = Net(folder, LINE)
    await net.up()
    await net.reach("n1", ["n2", "n3"])
    for fault in (Late(0.001), Asks(0.001)):
        net.nodes["n1"].install("fault", fault, ["n2"])
        await _sent_among_others(net, "n2")
        await _sent_among_others(net, "n3")


class Reads:
    """Pickles well; raises when it is made again."""

    def __init__(self, error: str) -> None:
        self.error = error

    def __reduce__(self) -> Any:
        return (_raise, (self.error,))


def _raise(name: str) -> None:
    raise {error.__name__: error for error in ERRORS}[name]("while it was read")


class Held:
    """Its state raises, deep in others."""

    def __setstate__(self, state: Any) -> None:
        sys.exit(f"{state}")

    def __getstate__(self) -> Any:
        return 3


class Odd:
    """Cannot be put into a set where it arrives."""

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def __hash__(self) -> int:
        if not hasattr(self, "number"):
            raise KeyboardInterrupt
        return 1

    def __eq__(self, other: object) -> bool:
        return self is other

    def __reduce__(self) -> Any:
        return (object.__new__, (Odd,))


@on_both_loops
async def test_what_ends_the_reader_does_not_end_the_node(folder: Path) -> None:
    net = Net(folder, LINE)
    await net.up()
    await net.reach("n1", ["n2", "n3"])
    bad = [
        *(("bad", Reads(error.__name__)) for error in ERRORS),
        ("bad", {1: [Held()]}),
        ("bad", {Odd()}),
        ("bad", frozenset([Odd()])),
        ("bad", {Odd(): 1}),
    ]
    for target in ("n2", "n3"):
        for number, message in enumerate(bad):
            net.nodes["n1"].send(target, ("before", number))
            net.nodes["n1"].send(target, message)
        net.nodes["n1"].send(target, ("last",))
        await net.got[target].until(lambda t=target: ("last",) in net.got[t].messages())  # type: ignore[misc]

        wanted = [*(("before", number) for number in range(len(bad))), ("last",)]
        assert net.got[target].messages() == wanted
    # n2 reads what it passes on, too.
    errors = [entry[2] for entry in net.got["n2"].log if entry[0] == "undecodable"]
    assert set(errors) == {error.__name__ for error in ERRORS}
    assert len(errors) == 2 * len(bad)
    assert not net.complaints
