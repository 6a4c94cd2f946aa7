"""`ChaosPanel`: faults and whole scenarios put into a cluster, watched there, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import traitlets

from resilkit import Cluster, Injection, InvalidArgument
from resilkit.faults import from_dict, registered_faults
from resilkit.runtime.reasons import describe
from resilkit_widgets import machine
from resilkit_widgets.acting import ActingPanel
from resilkit_widgets.fault_forms import form
from resilkit_widgets.injection_rows import ended_row, injection_row
from resilkit_widgets.panel import bundle
from resilkit_widgets.scenario_part import (
    drafted,
    library,
    plans_of,
    read_draft,
    run_shown,
)
from resilkit_widgets.still_chaos import still_chaos

__all__ = ["ChaosPanel"]

_MOST_ENDED = 50
"""Faults of which it is told what has become of them: their rows stay for some seconds."""


class ChaosPanel(ActingPanel):
    """Injects faults and scenarios into a running cluster, shows what they do, and heals them.

    Every registered fault is there, those of one's own too. Its fields take what scenario files
    take (``20 ms``, ``5 %``, ``64 MiB``); what is wrong with one stands beside it before anything
    is injected. A scenario is a named one, or one that is written as YAML in the panel; its
    timeline is there before it starts, and fills while it runs. Faults that code injects are
    listed as well, and so are scenarios that code or an experiment runs on the cluster.

    Args:
        cluster: The cluster to break.

    Raises:
        InvalidArgument: `cluster` is no `resilkit.Cluster`.

    Examples:
        ::

            ChaosPanel(cluster)
    """

    _esm, _css = bundle("chaos")

    faults: traitlets.List[Any] = traitlets.List().tag(sync=True)
    problems: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    ended: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    injections: traitlets.List[Any] = traitlets.List().tag(sync=True)
    places: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    lacking: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    library: traitlets.List[Any] = traitlets.List().tag(sync=True)
    draft: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    runs: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, cluster: Cluster) -> None:
        if not isinstance(cluster, Cluster):
            raise InvalidArgument(
                "must be a running cluster", path="cluster", value=cluster, allowed="a Cluster"
            )
        self._cluster = cluster
        self._mark = 0
        self._looked: object = None
        self._shown: dict[str, Injection] = {}
        self._turns, self._answered = count(), dict[str, int]()
        super().__init__(
            faults=[form(name, kind) for name, kind in registered_faults().items()],
            library=(named := library()),
            draft=drafted({"name": named[0]["name"]}, cluster),
        )

    def __repr__(self) -> str:
        return f"<ChaosPanel {self.state} of {self._cluster!r}>"

    def start(self) -> None:
        """Begin to tick, and to find out what works on this machine."""
        machine.look()
        super().start()

    # What is shown -------------------------------------------------------------------------------

    def _update(self) -> None:
        session = self._cluster._session
        self.lacking = machine.lacking() or {}
        names = self._cluster._session.node.names.all()
        supervising = sorted(session.supervising & names.keys())
        self.places = {
            "nodes": list(session.nodes),
            "links": [f"{a}<->{b}" for a, b in sorted(session.edges)],
            "servers": sorted(names.keys() - session.supervising),
            "supervisors": supervising,
        }
        self._mark, news = self._cluster.events.after(self._mark)
        fresh = any(each.kind == "fault" for each in news)
        plans = plans_of(self._cluster)
        # A run is looked at when something has happened, and else once a second.
        looked = [(one.started, one.done, int(one.elapsed)) for one in plans]
        if fresh or looked != self._looked:
            self._looked = looked
            self.runs = [run_shown(one, session.started) for one in plans]
        scenarios = {
            injection.id: plan.scenario.name for plan in plans for injection in plan.injections
        }
        running = list(session.faults.injections.values())
        now = session.clock.now()
        here = {one.id: one for one in running}
        gone = {id: ended_row(one) for id, one in self._shown.items() if id not in here}
        self.ended = dict([*self.ended.items(), *gone.items()][-_MOST_ENDED:])
        self._shown = here
        self.injections = [injection_row(one, scenarios.get(one.id, ""), now) for one in running]

    def _ended(self) -> bool:
        return self._cluster.closed

    def _picture(self) -> str:
        cluster = self._cluster
        runs = [run_shown(one, cluster.started) for one in plans_of(cluster)]
        return still_chaos(runs, cluster.events, cluster.started)

    # What is asked for ---------------------------------------------------------------------------

    def _heard(self, widget: object, content: Any, buffers: object) -> None:
        asked = content.get("do") if isinstance(content, Mapping) else None
        # At once: these are answers to each key that somebody presses.
        if asked == "check":
            self._answer("problems", lambda: self._problems(content.get("fault")))
        elif asked == "draft":
            self._answer("draft", lambda: drafted(content, self._cluster))
        else:
            super()._heard(widget, content, buffers)

    def _answer(self, trait: str, make: Callable[[], object]) -> None:
        """Answer a question; that to a later one, which may have been found sooner, stays."""
        turn = next(self._turns)
        answer = make()  # without the guard: a long text must not hold up what is shown
        with self._guard:
            if turn > self._answered.get(trait, -1):
                self._answered[trait] = turn
                setattr(self, trait, answer)

    def _problems(self, fault: object) -> dict[str, str]:
        """Return what is wrong with a form, by the field; under ``""`` what is about all of it."""
        try:
            from_dict(fault, "fault")
        except InvalidArgument as error:
            # fault.latency.low: the field is the third part.
            field = [*error.path.split("."), "", ""][2].partition("[")[0]
            return {field: str(error).removeprefix(f"{error.path}: ")}
        except Exception as error:  # noqa: BLE001 - a fault of the user's may raise anything
            return {"": describe(error)}
        return {}

    def _words(self, what: str, content: Mapping[str, Any]) -> str:
        words = {"heal_all": "healing all", "start": "starting the scenario", "stop": "stopping"}
        if what == "inject":
            return f"injecting {next(iter(content['fault']))}"
        if what == "heal":
            return f"healing {content['id']}"
        if what not in words:
            raise InvalidArgument("is no action", path="do", value=what)
        return words[what]

    def _do(self, what: str, content: Mapping[str, Any]) -> None:
        if what == "inject":
            self._cluster.inject(from_dict(content["fault"], "fault"))
        elif what == "heal_all":
            self._cluster.heal()
        elif what == "start":
            scenario, duration, seed = read_draft(content)
            scenario.start(self._cluster, duration=duration, seed=seed)
        elif what == "stop":
            for plan in plans_of(self._cluster):
                if f"{plan.started:.6f}" == content["id"]:
                    plan.stop()
        elif injection := self._cluster._session.faults.injections.get(content["id"]):
            injection.heal()  # else it has healed by itself just now
