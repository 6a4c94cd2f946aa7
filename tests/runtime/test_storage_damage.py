"""Storage after a crash and after damage: what nobody was told of may go, what was synced not."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import StorageError
from resilkit.runtime import Storage
from resilkit.runtime.log import mark, record
from tests.runtime.storing import stored

MARKED = len(mark(0))


def _written(folder: Path, *batches: dict[str, Any]) -> Path:
    """Write and sync each batch; return the log."""
    storage = Storage.open(folder, "a")
    for batch in batches:
        for key, value in batch.items():
            storage.put(key, value)
        storage.sync()
    storage.close()
    [log] = folder.glob("*.log")
    return log


def _stored_or_told(folder: Path) -> dict[Any, Any] | StorageError:
    try:
        return stored(folder)
    except StorageError as error:
        return error


def _flip(log: Path, position: int) -> None:
    data = bytearray(log.read_bytes())
    data[position] ^= 1
    log.write_bytes(data)


@given(st.data())
def test_a_bit_lost_anywhere_is_told_or_costs_nothing(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=4), label="batches")
    whole = {f"{batch}-{key}": "v" * key for batch, size in enumerate(sizes) for key in range(size)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = _written(
            folder,
            *({k: v for k, v in whole.items() if k[0] == str(n)} for n in range(len(sizes))),
        )
        _flip(log, data.draw(st.integers(0, log.stat().st_size - 1), label="byte"))
        before = log.read_bytes()
        held = _stored_or_told(folder)
        if isinstance(held, StorageError):
            assert "was synced, is damaged" in str(held)
            assert log.read_bytes() == before
        else:
            assert held == whole


@given(st.data())
def test_bytes_lost_or_put_in_anywhere_are_told_or_cost_nothing(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=4), label="batches")
    batches = [
        {f"{batch}-{key}": "v" * 9 * key for key in range(size)} for batch, size in enumerate(sizes)
    ]
    whole = {key: value for batch in batches for key, value in batch.items()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = _written(folder, *batches)
        raw = log.read_bytes()
        first = data.draw(st.integers(0, len(raw) - 1), label="at")
        if data.draw(st.booleans(), label="lost"):
            # What takes the last mark along cannot be told from what never came to the disk.
            last = len(raw) - MARKED
            most = last - first if first < last else len(raw) - first
            count = data.draw(st.integers(1, most), label="bytes lost")
            changed = raw[:first] + raw[first + count :]
        else:
            copied = data.draw(st.integers(0, len(raw) - 1), label="copied from")
            fresh = data.draw(
                st.binary(min_size=1, max_size=80)
                | st.just(raw[copied : copied + 60])
                | st.just(raw[first : first + 60]),
                label="put in",
            )
            changed = raw[:first] + fresh + raw[first:]
        log.write_bytes(changed)
        held = _stored_or_told(folder)
        if isinstance(held, StorageError):
            assert "was synced, is damaged" in str(held)
            assert log.read_bytes() == changed
        else:
            assert held == whole


def test_a_lost_byte_leaves_the_file_to_be_salvaged(tmp_path: Path) -> None:
    log = _written(tmp_path, *({f"k{number}": number} for number in range(5)))
    raw = log.read_bytes()
    changed = raw[:20] + raw[21:]
    log.write_bytes(changed)
    with pytest.raises(StorageError, match=r"record 0 at byte 0, .* intact behind it: 4"):
        Storage.open(tmp_path, "a")
    assert log.read_bytes() == changed
    assert Storage.salvaged(log) == {f"k{number}": number for number in range(1, 5)}


def test_a_batch_that_is_missing_without_a_trace_is_told_by_the_next_mark(tmp_path: Path) -> None:
    log = _written(tmp_path, {"a": 1}, {"b": 2}, {"c": 3})
    raw, whole = log.read_bytes(), len(record(("a", 1))) + MARKED
    log.write_bytes(raw[:whole] + raw[2 * whole :])
    at = whole + len(record(("c", 3)))
    with pytest.raises(StorageError, match=f"record 2 at byte {at}, which was synced, is damaged"):
        Storage.open(tmp_path, "a")
    assert Storage.salvaged(log) == {"a": 1, "c": 3}


@given(st.data())
def test_a_sync_cut_short_by_a_power_cut_costs_nothing_that_was_synced(data: st.DataObject) -> None:
    """The blocks of the last batch reach the disk in any order, or never."""
    block = 16
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = _written(folder, {"a": "x" * 20}, {"b": "y" * 20})
        synced = log.read_bytes()
        count = data.draw(st.integers(1, 5), label="records under way")
        under_way = b"".join(record((f"n{number}", "z" * 30)) for number in range(count))
        # The mark behind what was synced shares its block with what follows, and waits with it.
        start = len(synced) - data.draw(st.sampled_from([0, MARKED]), label="mark lost")
        torn = bytearray((synced + under_way)[start:])
        for first in range(0, len(torn), block):
            if data.draw(st.booleans(), label=f"block {first // block} lost"):
                end = min(first + block, len(torn))
                torn[first:end] = bytes(end - first)
        torn = torn[: data.draw(st.integers(0, len(torn)), label="length")]
        log.write_bytes(synced[:start] + torn)
        held = stored(folder)
        assert {"a": "x" * 20, "b": "y" * 20}.items() <= held.items()
        fresh = [f"n{number}" for number in range(len(held) - 2)]
        assert held.keys() == {"a", "b", *fresh}, "a first part of the batch, without gaps"
        # And it goes on from there.
        storage = Storage.open(folder, "a")
        storage.put("next", 1)
        storage.sync()
        storage.close()
        assert stored(folder) == {**held, "next": 1}


def test_an_error_about_damage_says_where_and_how_much_is_behind(tmp_path: Path) -> None:
    log = _written(tmp_path, *({f"k{number}": number} for number in range(100)))
    position = len(record(("k0", 0))) + MARKED
    _flip(log, position + 12)
    for _ in range(2):  # it stays so
        with pytest.raises(StorageError) as raised:
            Storage.open(tmp_path, "a")
        assert f"{log}: record 1 at byte {position}, which was synced, is damaged" in str(
            raised.value
        )
        assert "intact behind it: 98." in str(raised.value)


def test_what_is_intact_can_be_salvaged_and_put_back(tmp_path: Path) -> None:
    log = _written(tmp_path, *({f"k{number}": number} for number in range(10)))
    _flip(log, log.stat().st_size // 2)
    salvaged = Storage.salvaged(str(log))  # as it stands in the error
    assert len(salvaged) == 9
    assert salvaged.items() <= {f"k{number}": number for number in range(10)}.items()
    log.rename(tmp_path / "damaged")
    _written(tmp_path, salvaged)
    assert stored(tmp_path) == salvaged
    with pytest.raises(StorageError, match="No such file"):
        Storage.salvaged(tmp_path / "nothing")


def test_what_is_salvaged_keeps_to_the_order_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "torn"
    frames = [record(("k", 1)), record(("k", 2)), record(("gone", 1)), record(("gone",))]
    log.write_bytes(b"\0\1junk".join([b"", *frames, b""]))
    assert Storage.salvaged(log) == {"k": 2}


def test_damage_to_the_last_mark_costs_nothing(tmp_path: Path) -> None:
    log = _written(tmp_path, {"a": 1}, {"b": 2})
    _flip(log, log.stat().st_size - 1)
    assert stored(tmp_path) == {"a": 1, "b": 2}


def test_what_was_found_whole_after_a_crash_counts_as_synced_from_then_on(tmp_path: Path) -> None:
    log = _written(tmp_path, {"a": 1})
    start = log.stat().st_size
    log.write_bytes(log.read_bytes() + record(("b", 2)))  # died before the sync was done
    assert stored(tmp_path) == {"a": 1, "b": 2}
    _flip(log, start + 12)
    with pytest.raises(StorageError, match="is damaged"):
        Storage.open(tmp_path, "a")


def test_a_log_is_marked_once_and_not_at_every_open(tmp_path: Path) -> None:
    log = _written(tmp_path, {"a": 1})
    before = log.read_bytes()
    for _ in range(3):
        assert stored(tmp_path) == {"a": 1}
        assert log.read_bytes() == before
    empty = tmp_path / "empty"
    for _ in range(2):
        Storage.open(empty, "a").close()
        assert [one.stat().st_size for one in empty.iterdir()] == [0]


def test_damage_to_a_compacted_log_is_told(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path, "a")
    for number in range(5000):
        storage.put("k", number)
    storage.sync()
    storage.close()
    assert stored(tmp_path) == {"k": 4999}
    [log] = tmp_path.glob("*.log")
    assert log.stat().st_size == len(record(("k", 4999))) + MARKED
    _flip(log, 12)
    with pytest.raises(StorageError, match="record 0 at byte 0, which was synced, is damaged"):
        Storage.open(tmp_path, "a")


def test_a_value_that_holds_a_log_is_no_log_behind_a_torn_record(tmp_path: Path) -> None:
    log = _written(tmp_path, {"a": 1})
    other = record(("inner", 1))
    torn = record(("copy", other + mark(len(other)) + b"x" * 50))
    log.write_bytes(log.read_bytes() + torn[:-10])
    assert stored(tmp_path) == {"a": 1}


def test_a_mark_that_finds_no_room_is_taken_back_and_the_sync_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, plain = Storage.open(tmp_path, "a"), os.write
    with monkeypatch.context() as patch:

        def full(file: int, data: bytes) -> int:
            if len(data) == MARKED:
                return plain(file, data[:5])
            if len(data) == MARKED - 5:
                raise OSError(28, "No space left on device")
            return plain(file, data)

        patch.setattr(os, "write", full)
        storage.put("a", 1)
        storage.sync()
    [log] = tmp_path.glob("*.log")
    assert log.read_bytes() == record(("a", 1))
    storage.put("b", 2)
    storage.sync()
    storage.close()
    assert stored(tmp_path) == {"a": 1, "b": 2}
