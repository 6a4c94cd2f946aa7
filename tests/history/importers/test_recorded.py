"""Recorded histories in each format: good ones, bad ones, and files that are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

import resilkit as rk
from resilkit.check import lost_writes
from resilkit.errors import InvalidArgument
from resilkit.history.importers import FORMATS, NO_END, Op
from resilkit.history.importers.pairing import paired

HISTORIES = Path(__file__).parents[2] / "histories"
GOOD = HISTORIES / "good"
BAD = HISTORIES / "bad"
DAMAGED = HISTORIES / "damaged"

REGISTERS = {
    "register.edn": "jepsen_edn",
    "register_lines.edn": "jepsen_edn",
    "register.jsonl": "json_lines",
    "register.json": "json_lines",
    "register_console.log": "jepsen_log",
    "register_worker.log": "jepsen_log",
    "register_logback.log": "jepsen_log",
    "history.txt": "jepsen_log",
}
TIMED = {"register.edn", "register.jsonl", "register.json"}
LOGGED_TIMES = {"register_worker.log", "register_logback.log"}

# operation, user, status, value: in the order of their ends.
ROWS = [
    ("read", 1, "ok", None),
    ("write", 0, "ok", 1),
    ("cas", 1, "fail", (2, 4)),
    ("cas", 2, "info", (1, 3)),
    ("read", 5, "ok", 3),
    ("write", 0, "info", 6),
]


@pytest.mark.parametrize("name", REGISTERS)
def test_one_history_is_the_same_in_each_format(name: str) -> None:
    history = rk.History.read(GOOD / name)
    found = [(each.operation, each.user, each.status, each.value) for each in history]
    assert found == ROWS
    assert {each.generator for each in history} == {name}
    assert [each.done for each in history][-1] is None
    assert [each.intended for each in history] == [each.sent for each in history]


@pytest.mark.parametrize("name", REGISTERS)
def test_the_format_that_the_content_shows_can_also_be_named(name: str) -> None:
    named = rk.History.read(GOOD / name, format=REGISTERS[name])
    assert list(named) == list(rk.History.read(GOOD / name))


@pytest.mark.parametrize("name", REGISTERS)
def test_the_reasons_are_kept(name: str) -> None:
    quoted = "timeout: no reply" if REGISTERS[name] != "jepsen_log" else '[:timeout "no reply"]'
    errors = [each.error for each in rk.History.read(GOOD / name)]
    assert errors == ["", "", "mismatch", quoted, "", NO_END]


@pytest.mark.parametrize("name", sorted(TIMED))
def test_nanoseconds_become_seconds(name: str) -> None:
    history = rk.History.read(GOOD / name)
    assert [each.sent for each in history] == [1.25, 1.0, 2.5, 2.25, 7.5, 8.0]
    assert [each.done for each in history] == [1.5, 2.0, 3.0, 7.25, 7.75, None]


@pytest.mark.parametrize("name", sorted(LOGGED_TIMES))
def test_the_times_of_a_log_count_from_its_first_op(name: str) -> None:
    history = rk.History.read(GOOD / name)
    assert [each.sent for each in history] == [0.25, 0.0, 1.5, 1.25, 6.5, 7.0]
    assert [each.done for each in history] == [0.5, 1.0, 2.0, 6.25, 6.75, None]


@pytest.mark.parametrize("name", sorted(set(REGISTERS) - TIMED - LOGGED_TIMES))
def test_without_times_the_places_among_the_ops_give_the_order(name: str) -> None:
    history = rk.History.read(GOOD / name)
    assert [each.sent for each in history] == [1.0, 0.0, 5.0, 4.0, 8.0, 10.0]
    assert [each.done for each in history] == [2.0, 3.0, 6.0, 7.0, 9.0, None]


def test_lines_of_one_millisecond_keep_their_order(tmp_path: Path) -> None:
    log = tmp_path / "jepsen.log"
    # The second thread was late to write: its line has the earlier time.
    stamps = ("17,424", "17,423", "17,424", "17,500")
    ops = ("0 :invoke :write 1", "0 :ok :write 1", "1 :invoke :read nil", "1 :ok :read 1")
    log.write_text(
        "\n".join(
            f"INFO [2017-03-30 15:28:{stamp}] jepsen worker 0 - jepsen.util {op}"
            for stamp, op in zip(stamps, ops, strict=True)
        )
    )
    write, read = rk.History.read(log)
    assert (write.sent, write.done) == (0.0, 1e-6)
    assert (read.sent, read.done) == (2e-6, 0.076)


def test_what_a_log_holds_besides_may_begin_with_a_number(tmp_path: Path) -> None:
    log = tmp_path / "jepsen.log"
    lines = (GOOD / "register_console.log").read_text().splitlines()
    log.write_text("\n".join([*lines, "17", "4 :valid? true", "3\t:ok\t:read\tnil"]))
    assert len(rk.History.read(log)) == len(ROWS)


def test_a_key_value_log_has_the_key_in_its_values() -> None:
    history = rk.History.read(GOOD / "key_value.txt")
    assert [(each.operation, each.user, each.status, each.value) for each in history] == [
        ("get", 1, "ok", ("a", "")),
        ("put", 0, "ok", ("a", "x 0 0 y")),
        ("append", 2, "ok", ("a", "x 2 0 y")),
        ("get", 1, "ok", ("a", "x 0 0 yx 2 0 y")),
        ("append", 0, "info", ("b", "x 0 1 y")),
    ]
    plain = rk.History.read(GOOD / "key_value.txt", format="jepsen_edn")
    assert plain[0].value == ""


def test_the_frames_of_a_recorded_history_are_those_of_any_other() -> None:
    history = rk.History.read(GOOD / "register.edn")
    frame = history.frame()
    assert list(frame.columns) == list(rk.History().frame().columns)
    assert frame["service"].tolist()[:5] == [0.25, 1.0, 0.5, 5.0, 0.25]
    assert frame["value"].tolist() == [value for *_, value in ROWS]
    again = rk.History.from_frame(frame)
    assert [each.value for each in again] == [each.value for each in history]
    events = history.events_frame()
    assert events["type"].tolist()[:4] == ["invoke", "invoke", "ok", "ok"]
    assert events["type"].tolist()[-1] == "info"
    assert len(events) == 2 * len(history)


def test_a_checker_finds_the_fault_of_a_bad_history_and_none_in_a_good_one() -> None:
    def seen(record: rk.history.OperationRecord) -> tuple[str, int, object]:
        # Each value of this register is written once, and each is larger than the one before.
        return "register", record.value or 0, record.value

    bad = rk.History.read(BAD / "register_lost.edn")
    assert lost_writes(bad, {"register": (1, 1)}, seen=seen).valid is False
    assert lost_writes(list(bad)[:1], {"register": (1, 1)}, seen=seen).valid is True


def test_a_stale_read_of_a_key_value_log_is_read_as_it_was_recorded() -> None:
    put, get = rk.History.read(BAD / "key_value_stale.txt")
    assert (put.value, get.value) == (("a", "x 0 0 y"), ("a", ""))
    assert put.done is not None
    assert get.sent is not None
    assert put.done < get.sent


REFUSED = {
    "cut_off.edn": (r":2:2: begins, but does not end, got '\{'; allowed: \}", "jepsen_edn"),
    "wrong_bracket.edn": (r":1:50: closes another bracket, got '\}'; allowed: \]", "jepsen_edn"),
    "no_map.edn": (r":2: is no op, got 'ok'", "jepsen_edn"),
    "end_without_invocation.edn": (
        r":2: ends what was not invoked, got 'process 1 :ok write'",
        "jepsen_edn",
    ),
    "ends_another.edn": (r":2: ends 'write', which was invoked in line 1", "jepsen_edn"),
    "ends_before.edn": (r":2: ends before it begins in line 1", "jepsen_edn"),
    "time_missing.edn": (r":2: has no time, while ops above have one", "jepsen_edn"),
    "unknown_type.edn": (r":2: is no type, got 'okay'; allowed: invoke, ok", "jepsen_edn"),
    "process_is_text.edn": (r":1: is no process, got 'zero'", "jepsen_edn"),
    "invoked_twice.log": (r":2: is invoked while 'read' of line 1 is open", "jepsen_log"),
    "cut_off.log": (r":2: is the line of an op, but cut off or malformed", "jepsen_log"),
    "cut_off_value.log": (r":1:36: begins, but does not end, got '\['", "jepsen_log"),
    "cut_off.jsonl": (r":2:33: is no JSON: Expecting ':' delimiter", "json_lines"),
    "time_in_seconds.jsonl": (r":1: is no time, got 1\.25; allowed: whole nano", "json_lines"),
    "cut_off.json": (r":3:36: is no JSON: Unterminated string", "json_lines"),
    "no_comma.json": (r":3:2: is no JSON: Expecting ',' delimiter", "json_lines"),
    "two_arrays.json": (r":3:1: is no JSON: Extra data", "json_lines"),
    "unknown_type.json": (r":3: is no type, got 'okay'; allowed: invoke, ok", "json_lines"),
    "comment_only.edn": (r":2:1: is missing; allowed: a value", "jepsen_edn"),
    "no_key.txt": (r":2: is an op without key", "porcupine_kv"),
    "no_history.txt": (r":1: is no history in a known format, got 'It was a", "auto"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_damaged_is_refused_with_its_file_and_line(name: str) -> None:
    words, format = REFUSED[name]
    for chosen in {"auto", format}:
        with pytest.raises(InvalidArgument, match=words) as caught:
            rk.History.read(DAMAGED / name, format=chosen)
        assert caught.value.path.startswith(str(DAMAGED / name))


def test_a_vector_of_maps_with_quoted_keys_stays_edn(tmp_path: Path) -> None:
    (tmp_path / "quoted.edn").write_text('[{"type" :ok, "process" 0, "f" :read}]')
    with pytest.raises(InvalidArgument, match=r":1: ends what was not invoked"):
        rk.History.read(tmp_path / "quoted.edn")


def test_each_damaged_file_is_tried() -> None:
    assert {path.name for path in DAMAGED.iterdir()} == set(REFUSED)


def test_all_formats_are_tried() -> None:
    assert {*REGISTERS.values(), "porcupine_kv"} == set(FORMATS)


def _ops(*lines: tuple[int, str, str, object]) -> list[Op]:
    return [Op(number, *line) for number, line in enumerate(lines, 1)]


@pytest.mark.parametrize(
    ("invoked", "end", "row"),
    [
        # Old clients give the reason where the value stands.
        ((0, "invoke", "write", 4), (0, "info", "write", "timed-out"), ("info", "timed-out", 4)),
        (
            (0, "invoke", "read", None),
            (0, "fail", "read", "timed-out"),
            ("fail", "timed-out", None),
        ),
        # A text that was written is no reason.
        ((0, "invoke", "write", "a"), (0, "fail", "write", "a"), ("fail", "", "a")),
        # What a crashed operation did find is more than nothing.
        ((0, "invoke", "drain", None), (0, "info", "drain", (1, 2)), ("info", "", (1, 2))),
        ((0, "invoke", "cas", (1, 2)), (0, "ok", "cas", (1, 2)), ("ok", "", (1, 2))),
    ],
)
def test_the_value_is_what_was_found_or_else_what_was_tried(invoked, end, row) -> None:
    (found,) = rk.History(paired(_ops(invoked, end), "x"))
    assert (found.status, found.error, found.value) == row


def test_an_end_without_value_has_that_of_the_invocation(tmp_path: Path) -> None:
    path = tmp_path / "history.edn"
    path.write_text(
        "{:type :invoke, :process 0, :f :write, :value 4}\n{:type :ok, :process 0, :f :write}\n"
        "{:type :invoke, :process 0, :f :lock}\n{:type :fail, :process 0, :f :lock, :error :held}"
    )
    write, lock = rk.History.read(path)
    assert (write.value, write.error) == (4, "")
    assert (lock.value, lock.error) == (None, "held")


def test_a_crashed_process_makes_way_for_a_new_one() -> None:
    ops = _ops(
        (0, "invoke", "write", 1),
        (0, "info", "write", 1),
        (3, "invoke", "write", 2),
        (3, "ok", "write", 2),
    )
    first, second = rk.History(paired(ops, "x"))
    assert (first.user, first.status, first.done) == (0, "info", 1.0)
    assert (second.user, second.status) == (3, "ok")


def test_histories_of_two_files_keep_their_processes_apart() -> None:
    both = rk.History(
        [*rk.History.read(GOOD / "register.edn"), *rk.History.read(GOOD / "history.txt")]
    )
    assert {each.generator for each in both} == {"register.edn", "history.txt"}
    assert len(both) == 2 * len(ROWS)
