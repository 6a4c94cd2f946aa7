"""`VerdictPanel`: the criteria as they stand now, how far the run is, and its export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import traitlets

from resilkit import Cluster, Criterion, Experiment, InvalidArgument, Result
from resilkit.chaos.criteria import as_criteria
from resilkit.chaos.judge import Verdict
from resilkit.experiment.words import VERDICTS, interval
from resilkit.markup import amounts_whole, code, display, paragraph, table, whole, word
from resilkit.metrics.words import quantity
from resilkit_widgets.acting import ActingPanel
from resilkit_widgets.panel import bundle
from resilkit_widgets.verdict_sources import ClusterSource, ExperimentSource, Source

__all__ = ["HAND_CRITERIA", "VerdictPanel"]

HAND_CRITERIA = ("availability >= 99 %", "p95 <= 500 ms", "recovery_time <= 5 s")
"""What a load that was started by hand is judged by, until somebody writes other criteria."""

_SUFFIXES = {"html": "report.html", "parquet": "run"}


class VerdictPanel(ActingPanel):
    """Shows the criteria as they stand now, and exports what was measured.

    Of an experiment it shows each run while it goes on, in whichever cell, and can start and stop
    one. Of a cluster it judges the load that runs on it (see `Workload.start`) by criteria that
    can be edited in the panel; an experiment that runs on the cluster takes its place meanwhile.

    A criterion that cannot be decided yet is "not yet"; when the run is over, "inconclusive".

    Args:
        target: The experiment or the cluster.
        criteria: What a load on a cluster is judged by; `HAND_CRITERIA` when left out.

    Attributes:
        result: The last result that there is: of the experiment's last run, or as exported.

    Raises:
        InvalidArgument: `target` is neither, a criterion is wrong, or there are criteria for an
            experiment, which has its own.

    Examples:
        ::

            VerdictPanel(cluster, ["availability >= 90 %", "p95 <= 100 ms"])
    """

    _esm, _css = bundle("verdict")

    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)
    progress: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    outcome: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    criteria = traitlets.Unicode("").tag(sync=True)
    editable = traitlets.Bool(False).tag(sync=True)
    startable = traitlets.Bool(False).tag(sync=True)
    stoppable = traitlets.Bool(False).tag(sync=True)
    exportable = traitlets.Bool(False).tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)
    exported: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(
        self, target: Cluster | Experiment, criteria: Iterable[str | Criterion] | None = None
    ) -> None:
        if isinstance(target, Experiment):
            if criteria is not None:
                raise InvalidArgument(
                    "has criteria of its own, in its scenario", path="criteria", value=criteria,
                    allowed="None for an experiment",
                )  # fmt: skip
            self._source: Source = ExperimentSource(target)
        elif isinstance(target, Cluster):
            wanted = HAND_CRITERIA if criteria is None else criteria
            self._source = ClusterSource(target, as_criteria(wanted))
        else:
            raise InvalidArgument(
                "must be a running cluster or an experiment", path="target", value=target,
                allowed="a Cluster, or an Experiment",
            )  # fmt: skip
        super().__init__()
        self._look()

    @property
    def result(self) -> Result | None:
        """The last result that there is."""
        return self._source.result

    def __repr__(self) -> str:
        return f"<VerdictPanel {self.state} of {self._source.target!r}>"

    def _update(self) -> None:
        self._look()

    def _ended(self) -> bool:
        return self._source.ended()

    def _look(self) -> None:
        seen = self._source.look()
        self.rows = [_row(verdict, over=seen.over) for verdict in seen.verdicts]
        self.progress = dict(seen.progress)
        self.outcome = _outcome(seen.passed, seen.sentence) if seen.over else {}
        self.criteria = "\n".join(map(str, seen.criteria))
        self.editable = seen.editable
        self.startable = seen.startable
        self.stoppable = seen.stoppable
        self.exportable = seen.exportable

    # What the front end asks for -----------------------------------------------------------------

    def _heard(self, widget: object, content: Any, buffers: object) -> None:
        what = content.get("do") if isinstance(content, Mapping) else None
        if what == "stop":
            # Not in its turn: what it stops may be what is being done.
            self._aside(self._source.stop)
        elif what == "check":
            self._tell(problem=self._problem(content.get("criteria")))
        else:
            super()._heard(widget, content, buffers)

    def _words(self, what: str, content: Mapping[str, Any]) -> str:
        if what == "run":
            return "running"
        if what == "judge":
            return "judging"
        if what == "export":
            return f"writing {content.get('path') or _SUFFIXES.get(str(content.get('as')), '')}"
        raise InvalidArgument("is no action", path="do", value=what)

    def _do(self, what: str, content: Mapping[str, Any]) -> None:
        if what == "run":
            self._source.run()
        elif what == "judge":
            self._source.judge_by(as_criteria(_lines(content["criteria"])))
        else:
            self._export(content)

    def _export(self, content: Mapping[str, Any]) -> None:
        writers: dict[str, Callable[[Result, Path], Path]] = {
            "html": Result.report,
            "parquet": Result.save,
        }
        kind = content.get("as")
        if kind not in writers:
            raise InvalidArgument("is no format", path="as", value=kind, allowed="html, parquet")
        path = Path(str(content.get("path") or _SUFFIXES[kind])).expanduser()
        written = writers[kind](self._source.result_now(), path).resolve()
        with self._guard:
            self.exported = [
                *(each for each in self.exported if each != str(written)),
                str(written),
            ]

    def _problem(self, text: object) -> str:
        try:
            self._source.check(as_criteria(_lines(text)))
        except InvalidArgument as error:
            return str(error)
        return ""

    def _picture(self) -> str:
        rows = [
            (
                word(f"{row['sign']} {row['word']}"),
                whole(code(amounts_whole(row["criterion"]))),
                row["measured"], row["interval"], row["n"],
            )
            for row in self.rows
        ]  # fmt: skip
        heads = ("", "criterion", "measured", "95 %", "n")
        reasons = [row["reason"] for row in self.rows]
        told = " ".join(str(self.outcome[name]) for name in ("sign", "sentence")
                        if self.outcome.get(name))  # fmt: skip
        shown = table(heads, rows, numbers=(2, 3, 4), most=len(rows), remarks=reasons)
        return display("Verdict", "", shown, paragraph(told) if told else "")


def _row(verdict: Verdict, *, over: bool) -> dict[str, Any]:
    kind, sign, word = VERDICTS[verdict.verdict]
    if kind == "inconclusive" and not over:
        sign, word = "…", "not yet"
    return {
        "kind": kind,
        "sign": sign,
        "word": word,
        "criterion": verdict.criterion,
        "measured": quantity(verdict.measured, verdict.unit) or "–",
        "interval": interval(verdict.low, verdict.high, verdict.unit),
        "n": verdict.n,
        "reason": verdict.reason,
    }


def _outcome(passed: bool | None, sentence: str) -> dict[str, str]:  # noqa: FBT001
    kind, sign = {True: ("pass", "✓"), False: ("fail", "✗"), None: ("inconclusive", "?")}[passed]
    return {"kind": kind, "sign": sign, "sentence": sentence}


def _lines(text: object) -> list[str]:
    return [line.strip() for line in str(text).splitlines() if line.strip()]
