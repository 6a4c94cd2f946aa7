"""What a sweep sends to its workers, and what runs without being sent."""

from __future__ import annotations

import socket

import pytest

from resilkit.errors import InvalidArgument
from resilkit.reruns.sweeping import sweep
from tests.reruns.systems import Bank, add, bank


def here(experiment, **options):
    return sweep(experiment, **{"seeds": 3, "processes": 1, "progress": False, **options})


class Watched(Bank):
    """A system whose audit holds what no process can give to another."""

    def __init__(self, held):
        super().__init__()
        self.held = held

    def audit(self, cluster, history):
        assert self.held.fileno() >= 0
        return super().audit(cluster, history)


@pytest.fixture
def held():
    with socket.socket() as made:
        yield made


def test_what_cannot_travel_is_refused_by_workers_before_anything_runs(held, tmp_path):
    with pytest.raises(InvalidArgument, match="cannot travel to another process") as caught:
        here(bank(system=Watched(held)), processes=2, resume=tmp_path / "new")
    assert "socket" in caught.value.message
    assert (caught.value.path, caught.value.allowed) == (
        "experiment", "what cloudpickle can send, or processes=1",
    )  # fmt: skip
    assert not (tmp_path / "new").exists()


def test_what_cannot_travel_runs_in_this_process_all_the_same(held):
    frame = here(bank(system=Watched(held))).drop(columns="wall")
    assert frame.equals(here(bank()).drop(columns="wall"))


@pytest.mark.parametrize("processes", [1, 2])
def test_operations_that_cannot_travel_are_refused_before_anything_runs(held, processes, tmp_path):
    async def add_held(user):
        assert held is not None
        return await add(user)

    with pytest.raises(InvalidArgument, match=r"cannot travel to .*socket") as caught:
        here(bank(operation=add_held), processes=processes, resume=tmp_path / "new")
    assert caught.value.path.startswith("experiment")
    assert not (tmp_path / "new").exists()
