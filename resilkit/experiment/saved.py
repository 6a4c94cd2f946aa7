"""Runs on disk: a folder of Parquet tables and one JSON manifest, without pickles.

::

    runs/first/
    ├── manifest.json         name, seed, verdicts, summary, experiment, versions, machine, hashes
    ├── operations.parquet    the history
    ├── events.parquet        faults, supervision, nodes, alerts
    └── metrics/*.parquet     one table a metric
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resilkit import clock
from resilkit.errors import InvalidArgument, ResilkitError, StorageError
from resilkit.experiment.audit import Audit
from resilkit.experiment.drafts import interrupted, restore
from resilkit.experiment.manifest import (
    FILE_NAME,
    FORMAT,
    VERSION,
    AuditRow,
    Entry,
    Manifest,
    VerdictRow,
    finite,
    read_manifest,
)
from resilkit.experiment.paths import absolute_path, checked_path
from resilkit.experiment.storage import check_folder, entries_of, read_checked, write_folder
from resilkit.experiment.tables import from_parquet, to_parquet
from resilkit.history.values import from_json, to_json
from resilkit.importing import whole
from resilkit.texts import writable

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.experiment.result import Result

__all__ = ["is_run", "read", "run_target", "runs", "save"]

_OPERATIONS = {
    "operation": "text",
    "user": "int",
    "generator": "text",
    "intended": "float",
    "sent": "float",
    "done": "float",
    "status": "text",
    "error": "text",
    "value": "text",
}
_EVENTS = {
    "time": "float",
    "kind": "text",
    "event": "text",
    "node": "text",
    "target": "text",
    "detail": "text",
}
_METRIC = {"time": "float", "node": "text", "server": "text", "value": "float"}
_FOLDER = "the path of a folder, such as 'runs/first'"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_RUN_COLUMNS = ("run", "name", "passed", "seed", "duration", "saved", "resilkit", "problem", "path")


def save(result: Result, path: str | Path) -> Path:
    """Write `result` to the folder `path`; see `Result.save`."""
    target = run_target(path)
    check_folder(target, may_replace=is_run)
    files = {
        "operations.parquet": to_parquet(_operations_table(result)),
        "events.parquet": to_parquet(_writable_table(result.events.frame(), _EVENTS)),
    }
    places: dict[str, str] = {}
    for number, name in enumerate(result.metrics):
        # A metric of the user's own may have any name, but no name may leave the folder.
        stem = name if _PLAIN_NAME.fullmatch(name) else f"metric-{number}"
        places[name] = f"metrics/{stem}.parquet"
        table = _writable_table(result.metrics[name], _METRIC)
        files[places[name]] = to_parquet(table)
    manifest = _manifest(result, places, files)
    write_folder(target, {**files, FILE_NAME: manifest.to_bytes()}, may_replace=is_run)
    return Path(path)


def run_target(path: object) -> Path:
    """Return where a run that is saved to `path` goes, as an absolute path."""
    # Absolute at once: a rename needs the name of "." itself.
    return absolute_path(checked_path(path, allowed=_FOLDER))


def is_run(folder: Path) -> bool:
    """Return whether `folder` holds a saved run, be it damaged: such a one may be replaced."""
    try:
        read_manifest(folder)
    except InvalidArgument:
        return False
    except StorageError:
        # A damaged run is one nevertheless, but we never wrote a manifest that is no file.
        return (folder / FILE_NAME).is_file()
    return True


def _operations_table(result: Result) -> pd.DataFrame:
    table = result.operations.copy()
    table["value"] = [to_json(value) for value in table["value"]]
    return _writable_table(table, _OPERATIONS)


def _writable_table(table: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    table = table[list(columns)]
    texts = {name: "str" for name, kind in columns.items() if kind == "text"}
    try:
        return table.astype(texts)
    except UnicodeEncodeError:  # rare, and slow to look for in every cell
        whole = {name: [writable(str(cell)) for cell in table[name]] for name in texts}
        return table.assign(**whole).astype(texts)


def _manifest(result: Result, places: dict[str, str], files: dict[str, bytes]) -> Manifest:
    audit = result.consistency
    now = datetime.datetime.fromtimestamp(clock.wall(), tz=datetime.UTC)
    return Manifest(
        format=FORMAT,
        version=VERSION,
        saved=now.isoformat(timespec="seconds"),
        name=result.name,
        seed=result.seed,
        duration=result.duration,
        warmup=result.warmup,
        ran=result.ran,
        passed=result.passed,
        sentence=result.sentence(),
        verdicts=[VerdictRow.of(row) for row in result.verdicts.to_dict("records")],
        summary=_records(result.summary()),
        generators=_records(result.generators),
        consistency=None
        if audit is None
        else AuditRow(audit.share, audit.n, audit.valid, audit.summary, audit.example),
        problems=list(result.problems),
        description=finite(result.description),
        environment=finite(result.environment),
        memory_limit_bytes=_limit(result.memory_limit_bytes),
        closed_loop=result.closed_loop,
        rerun=result.rerun,
        backend=result.backend,
        schedule=result.schedule,
        fingerprint=result.fingerprint,
        metrics=places,
        units={name: str(frame.attrs.get("unit", "")) for name, frame in result.metrics.items()},
        recipes=finite(result.how_to_make()),
        files={name: Entry(**entry) for name, entry in entries_of(files).items()},  # type: ignore[arg-type]
    )


def _limit(limit: int | Mapping[str, int] | None) -> int | dict[str, int] | None:
    return dict(limit) if isinstance(limit, Mapping) else limit


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frame.reset_index() if frame.index.name is not None else frame
    return [
        {str(key): _scalar(value) for key, value in row.items()} for row in rows.to_dict("records")
    ]


def _scalar(value: Any) -> Any:
    item = value.item() if hasattr(value, "item") else value  # numpy's numbers
    if item is None or isinstance(item, (bool, int, str)):
        return item
    return finite(item) if isinstance(item, float) else str(item)


def read(path: str | Path, make: type[Result]) -> Result:
    """Return the run in the folder `path`, made by `make`; see `resilkit.experiment.load`."""
    whole("pandas")
    whole("resilkit.experiment.frames")
    import pandas as pd

    from resilkit.experiment.frames import Events, Metrics
    from resilkit.experiment.verdicts import verdict_frame
    from resilkit.history import History

    folder = checked_path(path, allowed=_FOLDER)
    restore(folder)
    manifest = read_manifest(folder)
    operations = _table(folder, manifest, "operations.parquet", _OPERATIONS)
    try:
        values = [from_json(text) for text in operations["value"]]
        history = History.from_frame(operations.assign(value=pd.Series(values, dtype=object)))
        consistency = _audit(manifest.consistency)
    except (InvalidArgument, ValueError) as error:
        raise StorageError(f"the saved run {str(folder)!r} is damaged: {error}") from error
    frames = {}
    for name, file in manifest.metrics.items():
        frame = _table(folder, manifest, file, _METRIC)
        frames[name] = frame.astype({"node": "category", "server": "category"})
        frames[name].attrs.update(metric=name, unit=manifest.units.get(name, ""))
    return make(
        name=manifest.name,
        seed=manifest.seed,
        duration=manifest.duration,
        warmup=manifest.warmup,
        ran=manifest.ran,
        verdicts=verdict_frame(row.row() for row in manifest.verdicts),
        history=history,
        events=Events(_table(folder, manifest, "events.parquet", _EVENTS)),
        metrics=Metrics(frames, simulated=manifest.backend == "simulation"),
        generators=_frame(manifest.generators),
        consistency=consistency,
        problems=tuple(manifest.problems),
        description=manifest.description,
        environment=manifest.environment,
        memory_limit_bytes=manifest.memory_limit_bytes,
        closed_loop=manifest.closed_loop,
        rerun=manifest.rerun,
        backend=manifest.backend,
        schedule=manifest.schedule,
        fingerprint=manifest.fingerprint,
        recipes=manifest.recipes,
    )


def _audit(row: AuditRow | None) -> Audit | None:
    if row is None:
        return None
    return Audit(
        share=row.share, n=row.n, valid=row.valid, summary=row.summary, example=row.example
    )


def _table(folder: Path, manifest: Manifest, name: str, columns: dict[str, str]) -> pd.DataFrame:
    return from_parquet(_checked(folder, manifest, name), columns, where=name)


def _checked(folder: Path, manifest: Manifest, name: str) -> bytes:
    # The manifest is somebody's text: only files that it lists, and none outside the folder.
    entry = manifest.files.get(name)
    if entry is None or name.startswith("/") or ".." in Path(name).parts:
        message = f"the saved run {str(folder)!r} is damaged: {FILE_NAME} lists no file {name!r}"
        raise StorageError(message)
    return read_checked(folder, name, {"bytes": entry.bytes, "sha256": entry.sha256})


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    whole("pandas")
    import pandas as pd

    return pd.DataFrame(rows)


def runs(folder: str | Path = "runs") -> pd.DataFrame:
    """Return the saved runs below `folder`, one row each, newest first.

    Args:
        folder: Where `Result.save` put them.

    Returns:
        Columns ``run`` (the folder's name), ``name``, ``passed``, ``seed``, ``duration``
        (seconds), ``saved`` (UTC), ``resilkit`` (version), ``problem`` (why it cannot be loaded,
        else ``""``; its files are compared with their hashes, not read) and ``path``. Folders that
        hold something else are left out.

    Raises:
        InvalidArgument: There is no such folder.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     len(runs(folder))
        0
    """
    whole("pandas")
    import pandas as pd

    parent = checked_path(folder, "folder", allowed="the path of a folder of saved runs")
    if not os.path.isdir(parent):  # noqa: PTH112 - Path.is_dir raises for a name that is too long
        raise InvalidArgument("is no folder", path="folder", value=str(folder))
    rows = [_lost(target) for target in interrupted(parent)]
    # Hidden ones are drafts of a save that goes on or was killed.
    rows += [
        _row(path)
        for path in sorted(parent.iterdir())
        if path.is_dir() and not path.name.startswith(".") and (path / FILE_NAME).exists()
    ]
    frame = pd.DataFrame([row for row in rows if row], columns=list(_RUN_COLUMNS))
    return frame.sort_values("saved", ascending=False, kind="stable", ignore_index=True)


def _lost(target: Path) -> dict[str, object] | None:
    """Put back what a killed save moved aside; return the row of one that cannot be."""
    try:
        restore(target)
    except StorageError as error:
        return {**_bare(target), "problem": str(error)}
    return None


def _bare(path: Path) -> dict[str, object]:
    return {"run": path.name, "path": str(path), "saved": "", "problem": ""}


def _row(path: Path) -> dict[str, object] | None:
    row = _bare(path)
    try:
        manifest = read_manifest(path)
    except ResilkitError as error:
        foreign = isinstance(error, InvalidArgument) and error.path == "path"
        return None if foreign else {**row, "problem": str(error)}
    return {
        **row,
        "problem": _problem(path, manifest),
        "name": manifest.name,
        "passed": manifest.passed,
        "seed": manifest.seed,
        "duration": manifest.duration,
        "saved": manifest.saved,
        "resilkit": manifest.environment.get("resilkit", ""),
    }


def _problem(folder: Path, manifest: Manifest) -> str:
    """Return which file of a run is missing or was changed; ``""`` when all are as written."""
    try:
        for name in ("operations.parquet", "events.parquet", *manifest.metrics.values()):
            _checked(folder, manifest, name)
    except ResilkitError as error:
        return str(error)
    return ""
