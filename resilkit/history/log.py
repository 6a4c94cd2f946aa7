"""The log of every operation of a run."""

from __future__ import annotations

import threading
from array import array
from math import isnan
from typing import TYPE_CHECKING, Self

from resilkit.errors import InvalidArgument
from resilkit.history.record import STATUSES, OperationRecord, RowTuple
from resilkit.history.rows import Rows

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from resilkit.history.columns import Columns

from resilkit.importing import whole
from resilkit.texts import plain, writable

__all__ = ["History"]


class _Names:
    """Texts that repeat, each kept once and stored as its number."""

    __slots__ = ("codes", "texts")

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.texts = list(texts)
        self.codes = {text: code for code, text in enumerate(self.texts)}

    def code(self, text: str) -> int:
        code = self.codes.get(text)
        if code is None and text != (whole := writable(text)):
            code = self.codes[text] = self.code(whole)
        elif code is None:
            code = self.codes[text] = len(self.texts)
            self.texts.append(text)
        return code


class History:
    """What each operation invoked and how it ended, in the order in which the ends were known.

    Columns of numbers, about 60 bytes a row besides the values. One thread may append while
    others read.

    Args:
        rows: The first rows: records, tuples in their order of fields, or a `Rows` batch.

    Examples:
        >>> history = History([("get", 0, "g1", 1.0, 1.25, 1.5, "ok", "", 42)])
        >>> len(history), next(iter(history)).value
        (1, 42)
        >>> history.frame()[["operation", "response", "service"]].values.tolist()
        [['get', 0.5, 0.25]]
    """

    def __init__(self, rows: Rows | Iterable[OperationRecord | RowTuple] = ()) -> None:
        self._lock = threading.Lock()
        self._operations = _Names()
        self._generators = _Names()
        self._errors = _Names([""])
        self._operation: array[int] = array("I")
        self._user: array[int] = array("q")
        self._generator: array[int] = array("I")
        self._intended: array[float] = array("d")
        self._sent: array[float] = array("d")
        self._done: array[float] = array("d")
        self._status: array[int] = array("B")
        self._error: array[int] = array("I")
        self._value: list[object] = []
        self.extend(rows)

    def extend(
        self, rows: Rows | Iterable[OperationRecord | RowTuple], *, offset: float = 0.0
    ) -> None:
        """Append `rows`.

        Args:
            rows: A `Rows` batch (the quick way), records, or tuples in their order of fields.
            offset: Seconds to add to every time: from the generator's clock to the reader's.

        Raises:
            InvalidArgument: A row has another shape or an unknown status; the path says which.
                Nothing of `rows` was appended.
        """
        batches = [rows] if isinstance(rows, Rows) else _as_batches(rows)
        with self._lock:
            for batch in batches:
                self._extend(batch, offset)

    def _extend(self, batch: Rows, offset: float) -> None:
        first, count = len(self._operation), len(batch)
        table = [self._operations.code(name) for name in batch.operations]
        if table == list(range(len(table))):
            self._operation.extend(batch.codes)
        else:
            self._operation.extend([table[code] for code in batch.codes])
        self._user.extend(batch.users)
        self._generator.extend(array("I", [self._generators.code(batch.generator)]) * count)
        for column, times in (
            (self._intended, batch.intended),
            (self._sent, batch.sent),
            (self._done, batch.done),
        ):
            column.extend(times if not offset else [time + offset for time in times])
        self._status.extend(batch.statuses)
        self._error.extend(array("I", [0]) * count)
        for row, error in batch.errors.items():
            self._error[first + row] = self._errors.code(error)
        self._value.extend(batch.values)

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[OperationRecord]:
        """Give the records that are there now; those appended meanwhile may or may not follow."""
        row = 0
        while row < len(self):
            yield self._record(row)
            row += 1

    def __getitem__(self, row: int) -> OperationRecord:
        """Return the record at `row`; negative numbers count from the end."""
        count = len(self)
        if not -count <= row < count:
            raise IndexError(f"row {row} of a history of {count} rows")
        return self._record(row % count)

    def _record(self, row: int) -> OperationRecord:
        sent, done = self._sent[row], self._done[row]
        return OperationRecord(
            self._operations.texts[self._operation[row]],
            self._user[row],
            self._generators.texts[self._generator[row]],
            self._intended[row],
            None if isnan(sent) else sent,
            None if isnan(done) else done,
            STATUSES[self._status[row]],
            self._errors.texts[self._error[row]],
            self._value[row],
        )

    def __repr__(self) -> str:
        with self._lock:
            total = len(self)
            ends = ", ".join(f"{name} {self._status.count(i)}" for i, name in enumerate(STATUSES))
        return f"<History of {plain(total, 'operation')}: {ends}>"

    def _repr_html_(self) -> str:
        from resilkit.history.display import history_html

        return history_html(self)

    def frame(self, *, first: int = 0, origin: float = 0.0) -> pd.DataFrame:
        """Return the rows as a frame.

        Args:
            first: The first row to take: pass the `len` seen last to get what is new.
            origin: Subtracted from the three times, e.g. the start of the run.

        Returns:
            Columns ``operation``, ``user``, ``generator``, ``intended``, ``sent``, ``done``,
            ``status``, ``error``, ``value``, ``response`` (``done - intended``) and ``service``
            (``done - sent``). Times are float seconds, NaN where absent; texts are categories.
        """
        whole("pandas")
        import numpy as np
        import pandas as pd

        with self._lock:
            # Slices of arrays are copies made at once, so appending may go on while we work.
            operation, generator, error = (
                column[first:] for column in (self._operation, self._generator, self._error)
            )
            user, status = self._user[first:], self._status[first:]
            intended, sent, done = (
                column[first:] for column in (self._intended, self._sent, self._done)
            )
            given = self._value[first:]
            texts = [
                list(names.texts) for names in (self._operations, self._generators, self._errors)
            ]

        def category(codes: array[int], names: list[str]) -> pd.Categorical:
            numbers = np.frombuffer(codes, dtype=np.uint8 if codes.typecode == "B" else np.uint32)
            small = numbers.astype(np.int8) if len(names) < 128 else numbers.astype(np.int32)
            return pd.Categorical.from_codes(small, categories=pd.Index(names, dtype=object))

        value = np.empty(len(given), dtype=object)
        value[:] = given
        began, left, ended = (
            np.frombuffer(times, dtype=np.float64) for times in (intended, sent, done)
        )
        if origin:
            began, left, ended = began - origin, left - origin, ended - origin
        columns = {
            "operation": category(operation, texts[0]),
            "user": np.frombuffer(user, dtype=np.int64),
            "generator": category(generator, texts[1]),
            "intended": began,
            "sent": left,
            "done": ended,
            "status": category(status, list(STATUSES)),
            "error": category(error, texts[2]),
            # Of what it is told nothing, pandas makes texts of all texts: None becomes NaN, and
            # one that is no UTF-8 cannot be kept.
            "value": pd.Series(value, dtype=object),
            "response": ended - began,
            "service": ended - left,
        }
        return pd.DataFrame(columns, copy=False)

    def columns(self, first: int = 0, last: int | None = None) -> Columns:
        """Return rows as arrays: a fiftieth of what a frame costs.

        Args:
            first: The first row to take: pass what was seen last to get what is new.
            last: The first row that is not taken; ``None`` takes all that there are.

        Examples:
            >>> history = History([("get", 0, "g1", 1.0, 1.25, 1.5, "ok", "", 42)])
            >>> history.columns().done.tolist()
            [1.5]
        """
        from resilkit.history.columns import columns

        with self._lock:
            intended, done = self._intended[first:last], self._done[first:last]
            status, error = self._status[first:last], self._error[first:last]
        return columns(intended, done, status, error, self._errors.texts)

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write every operation to `path`: Parquet, CSV, JSON or JSON lines, by the suffix.

        The columns are those of `frame`. ``value`` is JSON text, whatever the operations gave: in
        one column of a file all values have one type. `read` is for histories of other tools; a
        run that is to be loaded again is saved with `Result.save`.

        Args:
            path: Ends in ``.parquet``, ``.csv``, ``.json`` (an array of records) or ``.jsonl``.

        Raises:
            InvalidArgument: It has another suffix, or can be no path; nothing was written.
            StorageError: The file cannot be written; what stood there is still there.

        Examples:
            >>> import pandas, pathlib, tempfile
            >>> history = History([("get", 0, "g1", 1.0, 1.25, 1.5, "ok", "", {"version": 3})])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = pathlib.Path(folder, "history.csv")
            ...     history.export(path)
            ...     pandas.read_csv(path)[["operation", "response", "value"]].values.tolist()
            [['get', 0.5, '{"version":3}']]
        """
        from resilkit.export import write_frame
        from resilkit.history.values import to_json

        frame = self.frame()
        values = [to_json(value) for value in frame["value"]]
        write_frame(frame.assign(value=values), path)

    def events_frame(self, *, origin: float = 0.0) -> pd.DataFrame:
        """Return invocations and completions as rows of their own, as Jepsen logs them.

        See `resilkit.history.events.events_frame` for the rules.
        """
        from resilkit.history.events import events_frame

        return events_frame(self, origin=origin)

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, format: str = "auto") -> Self:
        r"""Return the history that another tool recorded in the file `path`.

        Each operation is one row, its invocation paired with its end, in the order in which they
        ended; those of which no end was recorded stand last, as ``info``. The ops of the nemesis
        are left out. See `resilkit.history.importers.pairing.paired` for the rules.

        - ``user`` is the process, ``generator`` the name of the file.
        - ``sent`` and ``intended`` are the time of the invocation, ``done`` that of the end, in
          seconds since the test began (in a log: since its first op). In a file without times
          they are places, 0.0, 1.0, …, among all invocations and ends: they give the order, and
          their differences mean nothing.
        - ``value`` is the value of the end when it is ``ok``, otherwise that of the invocation;
          in a key-value log ``(key, value)``. Keywords are texts without their colon, vectors
          and arrays are tuples, sets are frozensets; see `resilkit.history.importers.edn`.
        - ``error`` is the reason that was recorded, if any.

        Args:
            path: The file: text in UTF-8.
            format: ``"jepsen_edn"`` (a ``history.edn``: one op map a line, or a vector of them),
                ``"jepsen_log"`` (the lines that Jepsen logs, a ``history.txt``),
                ``"porcupine_kv"`` (the key-value logs among Porcupine's test data),
                ``"json_lines"`` (one object with the same keys a line, or one array of them;
                times are whole nanoseconds); ``"auto"`` looks at the content.

        Raises:
            InvalidArgument: `format` is not known, or the file is empty, damaged or no history;
                the path has its name, the line and, where known, the column. Nothing is half
                read.
            StorageError: The file is missing or cannot be read.

        Examples:
            >>> import pathlib, tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     log = pathlib.Path(folder, "etcd.log")
            ...     lines = (
            ...         "INFO  jepsen.util - 3 :invoke :read nil",
            ...         "INFO  jepsen.util - 3 :ok :read 4",
            ...     )
            ...     _ = log.write_text("\n".join(lines))
            ...     history = History.read(log)
            >>> history[0].operation, history[0].user, history[0].status, history[0].value
            ('read', 3, 'ok', 4)
        """
        from resilkit.history.importers.reading import read

        return cls(read(path, format=format))

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Self:
        """Return the history that such a `frame` shows.

        Args:
            frame: Columns ``operation``, ``intended``, ``sent``, ``done`` and ``status``, and
                optionally ``user``, ``generator``, ``error`` and ``value``. Others are ignored.

        Raises:
            InvalidArgument: A column is missing, or a row has an unknown status.
        """
        for name in ("operation", "intended", "sent", "done", "status"):
            if name not in frame.columns:
                raise InvalidArgument("is missing", path=f"frame.{name}")
        count = len(frame)
        column = {name: frame[name].tolist() for name in frame.columns}
        rows = zip(
            column["operation"],
            column.get("user", [0] * count),
            column.get("generator", [""] * count),
            column["intended"],
            column["sent"],
            column["done"],
            column["status"],
            column.get("error", [""] * count),
            column.get("value", [None] * count),
            strict=True,
        )
        return cls(rows)


def _as_batches(rows: Iterable[OperationRecord | RowTuple]) -> list[Rows]:
    """Return `rows` as batches, one a run of rows of the same generator: order must be kept."""
    batches: list[Rows] = []
    operations = _Names()
    for row, given in enumerate(rows):
        record = given.as_tuple() if isinstance(given, OperationRecord) else given
        try:
            operation, user, generator, intended, sent, done, status, error, value = record
            hash((generator, error))  # a table of names would refuse it half-way through
            if not batches or batches[-1].generator != generator:
                batches.append(Rows(generator, ()))
            batches[-1].append(
                operations.code(operation),
                user,
                intended,
                sent,
                done,
                STATUSES.index(status),
                error,
                value,
            )
        except (TypeError, ValueError, OverflowError) as problem:
            raise InvalidArgument(
                "is no operation record",
                path=f"rows[{row}]",
                value=given,
                allowed=f"(operation, user, generator, intended, sent, done, status in {STATUSES}, "
                "error, value)",
            ) from problem
    for batch in batches:
        batch.operations = tuple(operations.texts)
    return batches
