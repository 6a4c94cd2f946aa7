"""A check of determinism finds what a run leaves behind in its process for the next one."""

from __future__ import annotations

import itertools
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

import resilkit as rk


class Tickets(rk.Server):
    """Counts in its class, which is one for all nodes and runs of a process."""

    numbers = itertools.count(1)
    fixed: ClassVar[dict[str, int]] = {"price": 3}

    def of_a_class(self) -> int:
        return next(self.numbers)

    def of_a_global(self) -> int:
        SOLD.append(len(SOLD))
        return SOLD[-1]

    def of_itself(self) -> int:
        self.own = getattr(self, "own", 0) + self.fixed["price"]
        return self.own


SOLD: list[int] = []


def selling(method: str) -> Callable[[rk.Cluster], None]:
    def use(cluster: rk.Cluster) -> None:
        getattr(cluster.start(Tickets, name="tickets", node="n2").call, method)()

    return use


@pytest.fixture
def unsold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a process in which nothing was sold yet, as the others are."""
    monkeypatch.setattr(Tickets, "numbers", itertools.count(1))
    SOLD.clear()


@pytest.mark.usefixtures("unsold")
@pytest.mark.parametrize("method", ["of_a_class", "of_a_global"])
@pytest.mark.parametrize("orders", [1, 2])
def test_what_a_run_leaves_behind_for_the_next_is_found_and_named(method: str, orders: int) -> None:
    check = rk.check_determinism(selling(method), nodes=2, seed=7, orders=orders)
    assert not check
    assert (check.left_behind, check.hashes_differ) == (True, False)
    assert check.second_run == "in another process, after one there that did the same as the first"
    difference = check.first_difference
    assert difference is not None
    assert difference.first is not None
    assert difference.second is not None
    assert difference.first.kind == difference.second.kind == "reply"
    assert difference.first.text != difference.second.text
    for text in (repr(check), check._repr_html_()):
        assert "module globals and class attributes" in text
        assert "Keep state in self, or in self.storage." in text
    assert pickle.loads(pickle.dumps(check)) == check


@pytest.mark.usefixtures("unsold")
def test_what_an_earlier_run_has_left_here_is_named_as_a_cause() -> None:
    rk.check_determinism(selling("of_a_class"), nodes=2, seed=7, across_processes=False)
    for across in (True, False):
        check = rk.check_determinism(
            selling("of_a_class"), nodes=2, seed=7, across_processes=across, orders=1
        )
        assert not check
        assert not check.left_behind
        assert "module globals and class attributes that earlier runs have changed" in repr(check)


def test_what_servers_keep_in_themselves_is_left_to_nobody() -> None:
    assert rk.check_determinism(selling("of_itself"), nodes=2, seed=7, orders=1)


def test_a_check_runs_once_more_than_there_are_orders(tmp_path: Path) -> None:
    def use(cluster: rk.Cluster) -> None:
        cluster.start(Tickets).call.of_itself()
        with (tmp_path / "runs").open("a") as runs:
            runs.write(f"{os.getpid()}\n")

    assert rk.check_determinism(use, nodes=1, orders=2)
    pids = (tmp_path / "runs").read_text().split()
    assert [pids.count(each) for each in dict.fromkeys(pids)] == [1, 1, 2]
