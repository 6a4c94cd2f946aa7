"""What counts as lost."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import resilkit as rk
from resilkit.apps.store.audit import audit, read_all
from resilkit.history import History

A, B, C = (1, "a"), (1, "b"), (2, "a")


def row(operation, version, value, begin, end, *, status="ok", key="k"):
    return (operation, 0, "g1", begin, begin, end, status, "", (key, version, value))


class Store:
    """A cluster with a coordinator on each node that answers, or fails, as told."""

    def __init__(self, held, *failures):
        self.nodes = {"n1": None, "n2": None}
        self.held, self.failures, self.asked = held, list(failures), []
        self.time = 0.0
        self.clock = SimpleNamespace(now=lambda: self.time)

    def whereis(self, name):
        def get_many(keys):
            self.asked.append(name)
            if self.failures:
                raise self.failures.pop(0)
            return {key: self.held.get(key, ((0, ""), None)) for key in keys}

        reference = SimpleNamespace(call=SimpleNamespace(get_many=get_many))
        reference.with_timeout = lambda _: reference
        return reference

    def health(self):
        self.time += 10.0


def audited(rows, held):
    return audit(Store(held), History(rows))


def test_a_put_that_is_still_there_is_not_lost():
    found = audited([row("put", A, "x", 0, 1)], {"k": (A, "x")})
    assert (found.share, found.n, found.valid) == (1.0, 1, True)


def test_a_put_whose_place_a_later_one_took_is_not_lost():
    rows = [row("put", A, "x", 0, 1), row("put", C, "y", 2, 3)]
    found = audited(rows, {"k": (C, "y")})
    assert (found.share, found.n, found.valid) == (1.0, 2, True)


@pytest.mark.parametrize("held", [{}, {"k": (A, "x")}, {"k": (C, "another value")}])
def test_a_put_of_which_nothing_newer_is_there_is_lost(held):
    rows = [row("put", C, "y", 0, 1), row("put", A, "x", 0, 1, key="other")]
    found = audited(rows, held | {"other": (A, "x")})
    assert (found.share, found.n, found.valid) == (0.5, 2, False)
    assert "1 of 2 acknowledged writes" in found.summary


def test_a_put_that_was_not_acknowledged_may_be_there_or_not():
    rows = [row("put", A, "x", 0, 1, key="other"), row("put", None, None, 0, None, status="info")]
    other = {"other": (A, "x")}
    assert audited(rows, other).valid
    assert audited(rows, other | {"k": (A, "x")}).n == 1


@pytest.mark.parametrize(
    ("later", "valid"),
    [
        (row("get", (0, ""), None, 2, 3), False),
        (row("get", (0, ""), None, 0.5, 3), True),
        (row("get", A, "x", 2, 3), True),
        (row("put", B, "y", 2, 3), False),
        (row("put", B, "y", 0.5, 3), True),
    ],
    ids=["stale get", "overlapping get", "get", "put that ties", "overlapping put"],
)
def test_an_operation_that_missed_what_was_acknowledged_before_it_is_told(later, valid):
    found = audited([row("put", A, "x", 0, 1), later], {"k": (B, "y")})
    assert (found.share, found.valid) == (1.0, valid)


def test_a_value_that_was_seen_must_not_be_missed_later():
    rows = [row("get", C, "y", 0, 1), row("get", A, "x", 2, 3), row("put", A, "x", 0, 1)]
    assert audited(rows, {"k": (C, "y")}).valid is False


def test_times_count_from_the_first_operation():
    rows = [row("put", A, "x", 7000, 7001.5)]
    assert "acknowledged at 1.500 s" in audited(rows, {}).example


def test_the_headline_is_short_and_the_example_says_where_to_look():
    value = {"writer": "x" * 5000}
    rows = [
        *(row("put", C, value, 0, 1, key=f"k{number}") for number in range(1200)),
        row("get", A, "old", 2, 3, key="k7"),
    ]
    found = audited(rows, {f"k{number}": (C, value) for number in range(1, 1200)})
    assert found.summary == (
        "1 of 1,200 acknowledged writes is lost, and 1 operation saw the past."
    )
    assert "k0 at version (2, 'a') was acknowledged at 1.000 s" in found.example
    assert len(found.example) < 200
    kept = audited(rows, {f"k{number}": (C, value) for number in range(1200)})
    assert kept.summary.startswith("All 1,200 acknowledged writes are there, but 1 operation")
    assert "the get of k7 sent at 2.000 s was given version (1, 'a')" in kept.example


def test_nothing_acknowledged_is_nothing_lost_and_nothing_shown():
    found = audited([], {})
    assert (found.share, found.n, found.valid) == (1.0, 0, None)


def test_keys_are_read_through_another_coordinator_when_one_does_not_answer():
    store = Store({"k": (A, "x")}, rk.NodeDown(), rk.Refused("no"), rk.CallTimeout())
    assert read_all(store, ["k"]) == {"k": (A, "x")}
    assert store.asked == ["coordinator-n1", "coordinator-n2"] * 2


def test_the_patience_with_coordinators_ends_on_the_clusters_clock():
    store = Store({}, *[rk.NodeDown("gone") for _ in range(100)])
    with pytest.raises(rk.NodeDown):
        read_all(store, ["k"])
    assert len(store.asked) == 9, "for half a minute, in which all were asked every ten seconds"


def test_many_keys_are_read_in_parts():
    store = Store({})
    assert len(read_all(store, [f"k{index}" for index in range(600)])) == 600
    assert len(store.asked) == 3
