"""What `History.read` is given: paths, formats, bytes."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import resilkit as rk
from resilkit.errors import InvalidArgument, StorageError
from resilkit.history.importers import FORMATS
from tests.history.importers.writing import as_python, op_edn, op_json, op_lists

INVOKED = '{"type": "invoke", "process": 0, "f": "read"}\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recorded")


def test_an_unknown_format_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(InvalidArgument, match=r"format: is not known \(did you mean 'jepsen_edn'"):
        rk.History.read("history.edn", format="jepsen-edn")
    with pytest.raises(InvalidArgument) as caught:
        rk.History.read("history.edn", format="xml")
    assert all(repr(name) in caught.value.allowed for name in ["auto", *FORMATS])


@pytest.mark.parametrize("path", [3, None, "", "a\0b", b"history.edn", "~no-such-user-at-all/x"])
def test_what_is_no_path_is_refused(path: object) -> None:
    with pytest.raises(InvalidArgument, match=r"^path: "):
        rk.History.read(path)


def test_a_missing_file_is_told_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"missing\.edn' could not be read: No such file"):
        rk.History.read(tmp_path / "missing.edn")


def test_a_folder_and_a_pipe_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(InvalidArgument, match="is no plain file"):
            rk.History.read(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b",; nothing but a comment\n", ":2:1: is missing; allowed: a value"),
        (INVOKED.encode() + b'{"f": "caf\xe9"}', r":2: is no text in UTF-8, got b'\\xe9"),
        (INVOKED.encode("utf-16"), ":1: is no text in UTF-8"),
        (b"\x1f\x8b\x08\x00rest of a gzip", ":1: is no text in UTF-8"),
        (b"# A title\n", ":1: is no history in a known format, got '# A title"),
        (b"[build-system]\n", ":1: is no history in a known format"),
        (b"PK\x03\x04\x00\x00", ":1: is no history in a known format, got 'PK"),
        (b'{"type": "invoke"}', ":1: is an op without process"),
        (b'{"type": "invoke", "process": true, "f": "read"}', ":1: is no process, got True"),
        (b'{"type": "invoke", "process": -1, "f": "read"}', ":1: is no process, got -1"),
        (b'{"type": "invoke", "process": 9223372036854775808, "f": "r"}', ":1: is no process"),
        (b'{"type": "invoke", "process": 0, "f": ["read"]}', r":1: is no f, got \('read',\)"),
        (b'{"type": ["invoke"], "process": 0, "f": "read"}', ":1: is no type"),
        (INVOKED.encode() + b"[1]", r":2: is no op, got \(1,\)"),
        (INVOKED.encode() + b"9" * 5000, ":2: is no JSON that can be read"),
        (INVOKED.encode() + b'{"value": ' + b"[" * 99999, ":2: is nested too deeply"),
        (b"3\t:invoke\t:read\tnil\n99999999999999999999\t:ok\t:read\t1", ":2: is no process"),
        (b"3\t:invoke\t:read\tnil\n3\t:okay\t:read\t1", ":2: is no type, got ':okay'"),
        (b"INFO [2017-13-30 15:28:17,423] x - jepsen.util 0 :ok :read 1", ":1: is no time"),
    ],
)
def test_what_is_no_history_is_refused_with_its_line(
    tmp_path: Path, data: bytes, words: str
) -> None:
    path = tmp_path / "recorded"
    path.write_bytes(data)
    with pytest.raises(InvalidArgument, match=words):
        rk.History.read(path)


def test_a_log_without_ops_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jepsen.log"
    path.write_text("INFO  jepsen.core - Worker 0 starting\n")
    with pytest.raises(InvalidArgument, match="has no line of an op"):
        rk.History.read(path, format="jepsen_log")


@pytest.mark.parametrize("text", ["[]", "()", "{:type :info, :process :nemesis, :f :start}"])
def test_a_history_in_which_no_client_did_anything_is_empty(tmp_path: Path, text: str) -> None:
    path = tmp_path / "history.edn"
    path.write_text(text)
    assert len(rk.History.read(path)) == 0
    assert rk.History.read(path).frame().empty


def test_a_byte_order_mark_and_the_line_ends_of_windows_are_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "recorded"
    for text in (
        "{:type :invoke, :process 0, :f :read}\n{:type :ok, :process 0, :f :read, :value 4}\n",
        INVOKED + '{"type": "ok", "process": 0, "f": "read", "value": 4}\n',
        "INFO  jepsen.util - 0\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:ok\t:read\t4\n",
    ):
        path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
        (read,) = rk.History.read(path)
        assert read.value == 4


def test_the_name_of_a_file_that_is_no_utf_8_is_written_as_far_as_it_can_be(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.jsonl")
    path.write_text(INVOKED)
    assert rk.History.read(path)[0].generator == "caf\ufffd.jsonl"
    path.write_text("{")
    with pytest.raises(InvalidArgument, match="caf\ufffd\\.jsonl:1:1: begins, but does not end"):
        rk.History.read(path)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 3_000_000,
        "[" + "1 " * 300_000,
        '"' + "\\n" * 500_000,
        "[" + "1" * 1_000_000,
        "; " * 500_000,
        f"INFO  jepsen.util - 0\t:invoke\t:read\t{'[' * 90}{'x ' * 300_000}",
        f"INFO  jepsen.util - 0\t:{'x ' * 300_000}",
        f"{'jepsen.util - ' * 200_000}",
    ],
)
def test_a_huge_line_is_refused_in_time_that_grows_with_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recorded"
    path.write_text(text)
    for format in ("auto", *FORMATS):
        with pytest.raises(InvalidArgument):
            rk.History.read(path, format=format)


def test_reading_loads_no_importer_before_it_is_asked_for() -> None:
    code = "import sys, resilkit.history; print([n for n in sys.modules if 'importers' in n])"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "[]"


@given(ops=op_lists())
def test_what_is_written_as_edn_comes_back_as_operations(folder: Path, ops: list[dict]) -> None:
    path = folder / "history.edn"
    lines = "\n".join(map(op_edn, ops))
    path.write_text(lines or "[]")
    history = rk.History.read(path, format="jepsen_edn")
    path.write_text(f"[{lines}]")
    assert list(rk.History.read(path)) == list(history)
    check_rows(history, ops)


def check_rows(history: rk.History, ops: list[dict]) -> None:
    clients = [op for op in ops if isinstance(op["process"], int)]
    at = [op["time"] / 1e9 if "time" in op else float(place) for place, op in enumerate(clients)]
    ends = [place for place, op in enumerate(clients) if op["type"] != "invoke"]
    assert len(history) == len(clients) - len(ends)
    rows = list(history)
    for row, end in zip(rows, ends, strict=False):
        op = clients[end]
        begin = max(n for n in range(end) if clients[n]["process"] == op["process"])
        assert (row.operation, row.user, row.status) == (op["f"], op["process"], op["type"])
        assert (row.intended, row.sent, row.done) == (at[begin], at[begin], at[end])
        assert row.value == as_python(op["value"])
        assert row.error == (op["error"].name if "error" in op else "")
    assert {(row.status, row.done) for row in rows[len(ends) :]} <= {("info", None)}


@given(ops=op_lists(timed=True))
def test_json_and_edn_of_one_history_tell_the_same(folder: Path, ops: list[dict]) -> None:
    (folder / "a.jsonl").write_text("\n".join(map(op_json, ops)) or "{}")
    (folder / "a.json").write_text(f"[{','.join(map(op_json, ops))}]")
    (folder / "a.edn").write_text("\n".join(map(op_edn, ops)) or "[]")
    if not ops:
        return
    one, other = (
        rk.History.read(folder / "a.jsonl", format="json_lines"),
        rk.History.read(folder / "a.edn", format="jepsen_edn"),
    )
    assert list(rk.History.read(folder / "a.json")) == [
        dataclasses.replace(row, generator="a.json") for row in one
    ]
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        assert (left.operation, left.user, left.sent, left.done, left.status, left.error) == (
            *(right.operation, right.user, right.sent, right.done, right.status, right.error),
        )


PIECES = [
    *("{", "}", "[", "]", "(", ")", "#{", "#_", '"', "\\", ";", ",", " ", "\t", "\n", "\r", ":"),
    *(":type", ":invoke", ":ok", ":info", ":process", ":f", ":read", ":value", ":key", ":time"),
    *("nil", "0", "1", "-3", "1.5", "9" * 30, "nemesis", ":nemesis", "#inst", "true", "é", "\x00"),
    *('"type": "invoke"', '"process": 0', '"f": "read"', ": ", "null", "{:type :invoke, "),
    *("INFO  jepsen.util - 3\t", "[2017-03-30 15:28:17,423]", "jepsen.print: 3 ", "\ufeff"),
    "{:type :invoke, :process 0, :f :read, :value nil}\n",
    "{:type :ok, :process 0, :f :read, :value nil}\n",
]


@given(
    data=st.one_of(
        st.binary(),
        st.text().map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.lists(st.sampled_from(PIECES)).map(lambda pieces: "".join(pieces).encode()),
    ),
    format=st.sampled_from(["auto", *FORMATS]),
)
def test_any_file_is_read_whole_or_refused(folder: Path, data: bytes, format: str) -> None:
    path = folder / "any"
    path.write_bytes(data)
    try:
        history = rk.History.read(path, format=format)
    except InvalidArgument as error:
        where = error.path
    else:
        history.frame()
        history.events_frame()
        where = str(path)
    assert where.startswith(str(path))
