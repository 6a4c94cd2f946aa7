"""Everything that gives a frame can be written to a file, in the same words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from resilkit.errors import InvalidArgument, StorageError
from resilkit.history import History
from resilkit.history.values import from_json
from resilkit.metrics import EventLog, MetricStore
from tests.experiment import synthetic


def _store() -> MetricStore:
    store = MetricStore()
    store.append("queue_length", 1.25, "n1", '$a,"b"', 1 / 3)
    store.append("memory_rss", 2.0, "n2", "ü", 5e7)
    return store


def _log() -> EventLog:
    log = EventLog()
    log.append(1.0, "fault", "injected", node="n1", target="a,b", detail={"x": 'say "no"'})
    return log


GIVERS: dict[str, Callable[[], Any]] = {
    "a live store": _store,
    "a live log": _log,
    "the metrics of a result": lambda: synthetic.result().metrics,
    "the events of a result": lambda: synthetic.result().events,
    "the history of a result": lambda: synthetic.result().history,
}
EACH = pytest.mark.parametrize("made", GIVERS.values(), ids=GIVERS)


def _read(path: Path) -> pd.DataFrame:
    match path.suffix:
        case ".parquet":
            return pd.read_parquet(path)
        case ".csv":
            return pd.read_csv(path, keep_default_na=False, na_values={"done": [""]})
        case ".json":
            return pd.DataFrame(json.loads(path.read_text("utf-8")))
    return pd.DataFrame([json.loads(line) for line in path.read_text("utf-8").splitlines()])


@EACH
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".json", ".jsonl"])
def test_pandas_reads_what_was_written(tmp_path: Path, made: Any, suffix: str) -> None:
    giver, path = made(), tmp_path / f"table{suffix}"
    giver.export(path)
    wanted, found = giver.frame(), _read(path)
    assert list(found.columns) == list(wanted.columns)
    assert len(found) == len(wanted) > 0
    for name in wanted.columns:
        if name == "value" and wanted[name].dtype == object:
            assert [from_json(text) for text in found[name]] == wanted[name].tolist()
        elif wanted[name].dtype.kind in "fi":
            assert found[name].tolist() == pytest.approx(wanted[name].tolist(), nan_ok=True)
        else:
            assert found[name].tolist() == wanted[name].tolist()
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@EACH
@pytest.mark.parametrize(
    "given", ["table.xls", "table", 3, "~nobody-at-all/table.csv", "a\0.csv", "\ud800.csv"]
)
def test_what_is_no_place_for_a_table_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Any, given: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgument, match="path: "):
        made().export(given)
    assert list(tmp_path.iterdir()) == []


@EACH
def test_a_folder_that_takes_no_file_is_a_storage_error(tmp_path: Path, made: Any) -> None:
    (tmp_path / "file").write_text("old")
    for folder in ("missing", "file", "x" * 300):
        with pytest.raises(StorageError, match="cannot write"):
            made().export(tmp_path / folder / "table.csv")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


@EACH
def test_a_disk_that_is_full_halfway_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Any
) -> None:
    def fill_the_disk(_: pd.DataFrame, path: Path, **options: object) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    (tmp_path / "table.csv").write_text("old")
    monkeypatch.setattr(pd.DataFrame, "to_csv", fill_the_disk)
    with pytest.raises(StorageError, match="No space left"):
        made().export(tmp_path / "table.csv")
    assert [each.name for each in tmp_path.iterdir()] == ["table.csv"]
    assert (tmp_path / "table.csv").read_text() == "old"


def test_a_home_is_expanded_as_for_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    _log().export("~/events.csv")
    assert (tmp_path / "events.csv").is_file()


def test_values_of_all_kinds_fit_into_one_column(tmp_path: Path) -> None:
    given = [None, 3, "caf\udce9", (1, "a"), {"version": 2}, object(), float("inf")]
    rows = [("get", 0, "g1", 1.0, 1.0, 1.5, "ok", "", value) for value in given]
    for suffix in ("parquet", "csv", "jsonl"):
        History(rows).export(tmp_path / f"table.{suffix}")
    texts = pd.read_parquet(tmp_path / "table.parquet")["value"].tolist()
    assert [from_json(text) for text in texts[:5]] == given[:5]
    assert "<object object" in texts[5]
