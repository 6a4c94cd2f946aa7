from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.check import lost_writes
from resilkit.history import History, OperationRecord


def w(key, version, value, sent, done, status="ok"):
    return _record("write", (key, version, value), sent, done, status)


def r(key, version, value, sent, done, status="ok"):
    return _record("read", (key, version, value), sent, done, status)


def _record(name, value, sent, done, status):
    return OperationRecord(name, 0, "g1", sent, sent, done, status, "", value)


GOOD = {
    "a write that is there": ([w("k", 1, "a", 0, 1)], {"k": (1, "a")}),
    "a write that a later one covers": (
        [w("k", 1, "a", 0, 1), w("k", 2, "b", 2, 3)],
        {"k": (2, "b")},
    ),
    "a write that an unknown one covers": ([w("k", 1, "a", 0, 1)], {"k": (9, "?")}),
    "a failed write that is missing": (
        [w("k", 1, "a", 0, 1), w("k", 2, "b", 2, 3, "fail")],
        {"k": (1, "a")},
    ),
    "an unknown write that is missing": (
        [w("k", 1, "a", 0, 1), w("k", 2, "b", 2, 3, "info")],
        {"k": (1, "a")},
    ),
    "a read of the past that overlaps the write": (
        [w("k", 1, "a", 0, 1), w("k", 2, "b", 2, 5), r("k", 1, "a", 4, 9)],
        {"k": (2, "b")},
    ),
    "a read sent at the very instant of the acknowledgement": (
        [w("k", 1, "a", 0, 1), r("k", None, None, 1, 2)],
        {"k": (1, "a")},
    ),
    "overlapping writes acknowledged against the order of their versions": (
        [w("k", 2, "b", 0, 1), w("k", 1, "a", 0.5, 3)],
        {"k": (2, "b")},
    ),
    "a read of nothing before the first write": (
        [r("k", None, None, 0, 1), w("k", 1, "a", 2, 3)],
        {"k": (1, "a")},
    ),
    "a read that sees the future": (
        [w("k", 1, "a", 0, 1), r("k", 7, "?", 2, 3)],
        {"k": (7, "?")},
    ),
    "versions that are tuples": (
        [w("k", (1, "n1"), "a", 0, 1), w("k", (1, "n2"), "b", 2, 3)],
        {"k": ((1, "n2"), "b")},
    ),
    "a version that failed, given to another value": (
        [w("k", 1, "a", 0, 1), w("k", 2, "b", 2, 3, "fail"), r("k", 2, "c", 4, 5)],
        {"k": (2, "c")},
    ),
    "a version that failed, and was then written by an acknowledged one": (
        [w("k", 1, "a", 0, 1, "fail"), w("k", 1, "a", 2, 3), r("k", 1, "a", 4, 5)],
        {"k": (1, "a")},
    ),
    "a failed write that comes after what it would have written was seen": (
        [
            w("k", 1, "a", 0, 1),
            r("k", 2, "b", 2, 3),
            w("k", 2, "b", 4, 5, "fail"),
            w("k", 3, 0, 6, 7),
        ],
        {"k": (3, 0)},
    ),
    "failures that tell nothing": (
        [
            w("k", 1, "a", 0, 1),
            *(_record("write", one, 2, 3, "fail") for one in (None, 7, "abc", [[]] * 3)),
        ],
        {"k": (1, "a")},
    ),
    "other operations with other values": (
        [w("k", 1, "a", 0, 1), _record("scan", 42, 2, 3, "ok")],
        {"k": (1, "a")},
    ),
}

BAD = {
    "lost to an older one": (
        [w("k", 1, "a", 0, 1), w("k", 2, "b", 2, 3)],
        {"k": (1, "a")},
    ),
    "lost altogether": ([w("k", 1, "a", 0, 1)], {"k": (None, None)}),
    "lost to another value of its version": ([w("k", 1, "a", 0, 1)], {"k": (1, "b")}),
    "a read of the past": (
        [w("k", 1, "a", 0, 1), w("k", 2, "b", 2, 3), r("k", 1, "a", 4, 5)],
        {"k": (2, "b")},
    ),
    "a read of nothing after a write": (
        [w("k", 1, "a", 0, 1), r("k", None, None, 2, 3)],
        {"k": (1, "a")},
    ),
    "a write below an acknowledged one": (
        [w("k", 5, "a", 0, 1), w("k", 3, "b", 2, 3)],
        {"k": (5, "a")},
    ),
    "a write at an acknowledged version": (
        [w("k", 5, "a", 0, 1), w("k", 5, "a", 2, 3)],
        {"k": (5, "a")},
    ),
    "one version for two overlapping writes, covered later": (
        [w("k", 1, "a", 0, 2), w("k", 1, "b", 1, 3), w("k", 2, "c", 4, 5)],
        {"k": (2, "c")},
    ),
    "a read of what was never written at that version": (
        [w("k", 1, "a", 0, 3), r("k", 1, "b", 1, 2), w("k", 2, "c", 4, 5)],
        {"k": (2, "c")},
    ),
    "a read and the final read of one version with two values": (
        [w("k", 2, "a", 0, 1), r("k", 3, "x", 2, 3)],
        {"k": (3, "zzz")},
    ),
    "two reads of an unknown write's version with two values": (
        [
            w("k", 2, "a", 0, 1),
            w("k", None, None, 2, 9, "info"),
            r("k", 3, "x", 4, 5),
            r("k", 3, "y", 6, 7),
        ],
        {"k": (3, "y")},
    ),
    "a read of what had failed": (
        [
            w("k", 1, "a", 0, 1),
            w("k", 2, "b", 2, 3, "fail"),
            r("k", 2, "b", 4, 5),
            w("k", 3, "c", 6, 7),
        ],
        {"k": (3, "c")},
    ),
    "a final read of what had failed": (
        [w("k", 1, "a", 0, 1), w("k", 2, "b", 2, 3, "fail")],
        {"k": (2, "b")},
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_history_that_keeps_its_promises_is_valid(name):
    history, final = GOOD[name]
    verdict = lost_writes(history, final)
    assert verdict.valid is True, verdict.summary
    assert verdict.share == 1.0


@pytest.mark.parametrize("name", BAD)
def test_a_history_that_breaks_a_promise_is_not(name):
    history, final = BAD[name]
    assert lost_writes(history, final).valid is False


def test_the_evidence_names_the_lost_write_and_what_was_there_instead():
    history = [w("k", 1, "a", 0, 1), w("k", 2, "b", 2, 3), w("j", 1, "x", 0, 1)]
    verdict = lost_writes(history, {"k": (1, "a"), "j": (1, "x")})
    [lost] = verdict.lost
    assert lost == ("k", 2, "b", 3, 1, "a")
    assert verdict.acknowledged == 3
    assert verdict.share == pytest.approx(2 / 3)
    assert verdict.summary == (
        "1 of 3 acknowledged writes is lost: 'k' = 'b' at version 2 was acknowledged at 3.000 s, "
        "and version 1 = 'a' was there in the end."
    )
    assert str(verdict) == verdict.summary


def test_the_evidence_names_the_operation_that_saw_the_past():
    history = [w("k", 1, "a", 0, 1), w("k", 2, "b", 2, 3), r("k", 1, "a", 4, 5)]
    verdict = lost_writes(history, {"k": (2, "b")})
    assert verdict.stale == (("read", "k", 1, 4, 2, 3),)
    assert verdict.share == 1.0
    assert "1 operation saw the past" in verdict.summary


def test_only_the_first_stale_operations_are_kept_and_all_are_counted():
    history = [w("k", 2, "b", 0, 1), *(r("k", 1, "a", 10 + n, 11 + n) for n in range(50))]
    verdict = lost_writes(history, {"k": (2, "b")})
    assert verdict.stale_count == 50
    assert [one.sent_at for one in verdict.stale] == list(range(10, 20))


def test_without_a_final_read_nobody_knows():
    history = [w("k", 1, "a", 0, 1), w("j", 1, "a", 0, 1)]
    nothing = lost_writes(history, None)
    assert (nothing.valid, nothing.share, nothing.unread) == (None, None, 2)
    assert nothing.summary == "None of 2 acknowledged writes could be looked for."
    part = lost_writes(history, {"k": (1, "a")})
    assert (part.valid, part.share, part.unread) == (None, 1.0, 1)
    assert "1 more could not be looked for" in part.summary


def test_what_is_violated_is_violated_though_a_final_read_is_missing():
    history, _ = BAD["a read of the past"]
    assert lost_writes(history, None).valid is False


def test_a_store_that_acknowledges_nothing_has_shown_nothing():
    verdict = lost_writes([w("k", 1, "a", 0, 1, "fail")], {"k": (None, None)})
    assert (verdict.valid, verdict.share, verdict.acknowledged) == (None, None, 0)
    assert "nothing to keep" in verdict.summary


def test_a_later_write_must_be_higher_in_its_step():
    """Two coordinators that both missed a third one's write can tie with it in the counter."""
    history = [w("k", (2, "a"), "x", 0, 1), w("k", (2, "b"), "y", 2, 3)]
    final = {"k": ((2, "b"), "y")}
    assert lost_writes(history, final).valid is True
    verdict = lost_writes(history, final, step=lambda version: version[0])
    assert verdict.valid is False
    assert verdict.stale[0].operation == "write"


def test_an_atomic_register_must_not_go_back_behind_a_read():
    history = [w("k", 1, "a", 0, 1), r("k", 2, "?", 2, 3), r("k", 1, "a", 4, 5)]
    final = {"k": (2, "?")}
    assert lost_writes(history, final).valid is True
    assert lost_writes(history, final, after_reads=True).valid is False


def test_the_final_read_of_an_atomic_register_is_not_behind_a_read():
    history = [w("k", 2, "b", 0, 1), r("k", 3, "?", 2, 3)]
    final = {"k": (2, "b")}
    assert lost_writes(history, final).valid is True
    verdict = lost_writes(history, final, after_reads=True)
    assert verdict.valid is False
    assert verdict.stale == (("final read", "k", 2, 3, 3, 3),)
    assert verdict.stale_count == 1
    assert lost_writes(history, {"k": (3, "?")}, after_reads=True).valid is True
    gone = lost_writes([r("k", 3, "?", 2, 3)], {"k": (None, None)}, after_reads=True)
    assert gone.valid is False
    # What the loss of a write already tells is not told twice.
    lost = lost_writes(
        [w("k", 2, "b", 0, 1), r("k", 2, "b", 2, 3)], {"k": (1, 0)}, after_reads=True
    )
    assert (len(lost.lost), lost.stale_count) == (1, 0)


def test_the_evidence_names_the_value_that_had_failed():
    history, final = BAD["a final read of what had failed"]
    verdict = lost_writes(history, final)
    assert verdict.conflicts == (("final read", "k", 2, "b", "b"),)
    assert "version 2 of 'k' was seen as 'b', whose write had failed" in verdict.summary


def test_frames_histories_and_files_are_taken_alike():
    history = [w("k", (1, "n1"), "a", 0, 1), r("k", (1, "n1"), "a", 2, 3)]
    as_lists = [w("k", [1, "n1"], "a", 0, 1), r("k", [1, "n1"], "a", 2, 3)]
    for source in (history, History(history), History(history).frame(), as_lists):
        for final in ({"k": ((1, "n1"), "a")}, [("k", [1, "n1"], "a")]):
            assert lost_writes(source, final).valid is True


def test_names_and_values_can_be_of_ones_own():
    history = [_record("put", {"at": 3}, 0, 1, "ok")]
    verdict = lost_writes(
        history,
        {"k": (2, "a")},
        write="put",
        read="get",
        seen=lambda one: ("k", one.value["at"], "a"),
    )
    assert [one.version for one in verdict.lost] == [3]


# A register that is right by construction: each operation takes effect at one instant between its
# sending and its end, with the next version.

_operations = st.lists(
    st.tuples(
        st.sampled_from(["write", "read"]),
        st.sampled_from("ab"),
        st.floats(0, 100),
        st.floats(0.01, 20),
        st.floats(0, 1),
        st.sampled_from(["ok", "ok", "ok", "info", "fail"]),
    ),
    min_size=1,
    max_size=40,
)


def _play(operations):
    """Return the records of an atomic register, and what it holds in the end."""
    order = sorted(operations, key=lambda one: one[2] + one[3] * one[4])
    versions, held, records = {}, {}, []
    for number, (name, key, sent, took, _, status) in enumerate(order):
        if name == "write" and status != "fail":
            versions[key] = versions.get(key, 0) + 1
            held[key] = (versions[key], number)
        version, value = held.get(key, (None, None))
        seen = None if status != "ok" else (key, version, value)
        records.append(_record(name, seen, sent, sent + took, status))
    return records, {key: held.get(key, (None, None)) for key in "ab"}


@given(_operations)
def test_an_atomic_register_is_never_accused(operations):
    history, final = _play(operations)
    verdict = lost_writes(history, final, after_reads=True, step=lambda version: version)
    assert verdict.valid in (True, None), verdict.summary
    assert verdict.unread == 0


@given(_operations, st.data())
def test_taking_an_acknowledged_write_away_is_always_found(operations, data):
    history, final = _play(operations)
    last = {
        record.value[0]: record
        for record in sorted(
            (one for one in history if one.operation == "write" and one.status == "ok"),
            key=lambda one: one.value[1],
        )
    }
    at_top = [record for key, record in last.items() if final[key][0] == record.value[1]]
    if not at_top:
        return
    victim = data.draw(st.sampled_from(at_top))
    key, version, value = victim.value
    final[key] = data.draw(
        st.sampled_from([(None, None), (version - 1, "older"), (version, ("not", value))])
    )
    verdict = lost_writes(history, final)
    assert verdict.valid is False
    assert victim.value in [(one.key, one.version, one.value) for one in verdict.lost]


@given(_operations, st.data())
def test_the_sweep_agrees_with_the_definition_of_stale(operations, data):
    """The definition compares every pair; versions are drawn at random, so most are wrong."""
    history, _ = _play(operations)
    shuffled = []
    for record in history:
        if record.status == "ok":
            version = data.draw(st.integers(1, 5))
            record.value = (record.value[0], version, "same")
        shuffled.append(record)
    ended = [one for one in shuffled if one.status == "ok"]
    expected = 0
    for one in ended:
        floors = [
            other.value[1]
            for other in ended
            if other.operation == "write"
            and other.value[0] == one.value[0]
            and other.done < one.sent
        ]
        if floors:
            least = max(floors) + (1 if one.operation == "write" else 0)
            expected += one.value[1] < least
    assert lost_writes(shuffled, None).stale_count == expected


def test_a_long_history_is_judged_in_one_pass():
    """A comparison of all pairs would take half an hour here."""
    history = [w(f"k{n % 100}", n, n, n, n + 0.5) for n in range(60_000)]
    final = {f"k{n % 100}": (n, n) for n in range(60_000)}
    assert lost_writes(history, final).valid is True


def test_it_is_light_to_import():
    code = (
        "import sys, resilkit.check;"
        "print([module for module in ('numpy', 'pandas', 'scipy') if module in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
