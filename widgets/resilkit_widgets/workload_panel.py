"""`WorkloadPanel`: puts load on a cluster, changes it while it runs, and shows how it does."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import traitlets

from resilkit import Cluster, InvalidArgument, Operation, Workload, validate
from resilkit.cluster.deployed import supervisors
from resilkit.runtime import ChildSpec, SupervisorSpec
from resilkit.runtime.reasons import describe
from resilkit.texts import shown
from resilkit.workload import CallMethod, LoadRun
from resilkit_widgets.acting import ActingPanel
from resilkit_widgets.in_code import in_code
from resilkit_widgets.load_rows import LoadRows
from resilkit_widgets.panel import bundle
from resilkit_widgets.workload_form import OPTIONS, Draft, call_of, filled, forms_for, read

__all__ = ["WorkloadPanel"]

_MOST_SERVERS = 200
_LONGEST = 120


class WorkloadPanel(ActingPanel):
    """Puts load on a running cluster, changes it while it runs, and shows how it does.

    The form takes any arrivals, and checks each field while one writes. What is done is the
    operations of `workload`, with weights that can be changed, and calls of servers that run. The
    rate, or the users, of each running load move with its slider at once. Loads that code has
    started (`Workload.start`, an experiment) are there too.

    Args:
        cluster: The cluster.
        workload: What the form begins with, operations of one's own among them; ``None`` for
            calls that are put together in the form.

    Raises:
        InvalidArgument: `cluster` is no `resilkit.Cluster`, or `workload` no `resilkit.Workload`.

    Examples:
        ::

            WorkloadPanel(cluster, workload)  # press Start
    """

    _esm, _css = bundle("workload")

    forms: traitlets.List[Any] = traitlets.List().tag(sync=True)
    options: traitlets.List[Any] = traitlets.List().tag(sync=True)
    first: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    operations: traitlets.List[Any] = traitlets.List().tag(sync=True)
    servers: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    problems: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    loads: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, cluster: Cluster, workload: Workload | None = None) -> None:
        if not isinstance(cluster, Cluster):
            raise InvalidArgument(
                "must be a running cluster", path="cluster", value=cluster, allowed="a Cluster"
            )
        if workload is not None and not isinstance(workload, Workload):
            raise InvalidArgument(
                "is no workload", path="workload", value=workload, allowed="a Workload, or None"
            )
        self._cluster = cluster
        self._workload = workload
        self._rows = LoadRows(cluster)
        given = workload.operations if workload is not None else ()
        self._chosen = {str(number): each for number, each in enumerate(given)}
        self._own = frozenset(self._chosen)
        self._next_operation = len(self._chosen)
        self._wishes: dict[Any, Any] = {}
        self._granting = False
        self._wishing = threading.Lock()
        super().__init__(forms=forms_for(workload), options=list(OPTIONS), first=filled(workload))
        self._list()

    def __repr__(self) -> str:
        return f"<WorkloadPanel {self.state} of {self._cluster!r}>"

    def _update(self) -> None:
        self.loads = self._rows.look()
        if not self._cluster.closed:
            self.servers = _servers(self._cluster)

    def _ended(self) -> bool:
        return self._cluster.closed and all(load.finished for load in self._rows.loads)

    # What the front end asks for -----------------------------------------------------------------

    def _heard(self, widget: object, content: Any, buffers: object) -> None:
        what = content.get("do") if isinstance(content, Mapping) else None
        if what == "check":
            # At once: it is the answer to each key that somebody presses.
            with self._guard:
                self._check(content.get("form"))
        elif what == "set":
            try:
                self._wish(content.get("id"), content.get("value"))
            except Exception as error:  # noqa: BLE001 - in a callback it would vanish: show it
                self._tell(refused=describe(error))
        else:
            super()._heard(widget, content, buffers)

    def _check(self, form: object) -> None:
        try:
            problems = self._read(form)[1]
        except Exception as error:  # noqa: BLE001 - an operation of the user's may raise anything
            problems = {"": describe(error)}
        self.problems = problems

    def _read(self, form: object) -> tuple[Draft | None, dict[str, str]]:
        if not isinstance(form, Mapping):
            return None, {"": "is no form"}
        draft, problems = read(form, self._chosen, self._workload)
        if "operations" in problems and not self.servers and not self._cluster.closed:
            first = f'{in_code(self._cluster)}.start(MyServer, name="mine")'
            problems["operations"] = f"no server runs yet: {first}, then add a call to it"
        return draft, problems

    def _words(self, what: str, _content: Mapping[str, Any]) -> str:
        validate.choice(what, "do", ("start", "stop", "add", "remove"))
        return {"start": "starting the load", "stop": "stopping the load"}.get(what, "")

    def _do(self, what: str, content: Mapping[str, Any]) -> None:
        if what == "start":
            draft, problems = self._read(content.get("form"))
            self._tell(problems=problems)
            if draft is None:
                field, why = next(iter(problems.items()))
                raise InvalidArgument(why, path=field)
            draft.workload.start(self._cluster, duration=draft.duration, seed=draft.seed)
        elif what == "stop":
            self._rows.find(content.get("id")).stop(wait=False)
        elif what == "add":
            self._add(content)
        else:
            self._chosen.pop(str(content.get("id")), None)
            self._list()

    def _add(self, content: Mapping[str, Any]) -> None:
        server, method, arguments = (
            str(content.get(key, "")).strip() for key in ("server", "method", "arguments")
        )
        taken = {each.name for each in self._chosen.values()}
        made = call_of(server, method, arguments, taken)
        if known := self.servers.get(server):
            validate.choice(method, "call.method", known)
        self._chosen[str(self._next_operation)] = made
        self._next_operation += 1
        self._list()

    def _list(self) -> None:
        """Show the operations that can be chosen from."""
        with self._guard, self.hold_sync():
            self.operations = [
                {
                    "id": key,
                    "name": each.name,
                    "what": _described(each),
                    "weight": f"{each.weight:g}",
                    "own": key in self._own,
                }
                for key, each in self._chosen.items()
            ]

    # The rate ------------------------------------------------------------------------------------

    def _wish(self, number: Any, value: Any) -> None:
        """Take a move of a slider: only the last one counts of those that wait."""
        with self._wishing:
            self._wishes[number] = value
            if self._granting:
                return
            try:
                self._begin_thread(self._grant)
            except RuntimeError:  # there is no room for one; the next may find some
                del self._wishes[number]
                raise
            self._granting = True

    def _grant(self) -> None:
        while True:
            with self._wishing:
                if not self._wishes:
                    self._granting = False
                    break
                number, value = self._wishes.popitem()
            refused = ""
            try:
                _set(self._rows.find(number), value)
            except BaseException as error:  # noqa: BLE001 - in a thread it would vanish: show it
                refused = describe(error)
            self._tell(refused=refused)
        self.tick()

    def _picture(self) -> str:
        return self._rows.picture()


def _set(load: LoadRun, value: Any) -> None:
    if load.rate is None and not load.workload.arrivals.ramped:  # type: ignore[union-attr]
        load.users = value
    elif load.workload.arrivals.kind in {"constant", "poisson"}:
        load.rate = value
    else:
        load.set_rate(value)


def _described(operation: Operation) -> str:
    """Return what an operation does, as it would be written."""
    function = operation.function
    if not isinstance(function, CallMethod):
        name = getattr(function, "__qualname__", type(function).__qualname__)
        return f"{name}(user)"
    target = operation.describe()["target"]  # of a function that draws one, its name
    parts = [shown(value) for value in function.args]
    parts += [f"{name}={shown(value)}" for name, value in function.kwargs]
    text = f"{target}.{function.method}({', '.join(parts)})"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _servers(cluster: Cluster) -> dict[str, list[str]]:
    """Return the names that are held now, and the methods of those whose class is known here."""
    session: Any = cluster._session
    nodes = dict(session.nodes)
    held = session.node.names.all().keys() - session.supervising - supervisors(nodes)
    classes: dict[str, Any] = {}
    for node in nodes.values():
        for spec in (*node.spec.applications, *(each.spec for each in node.deployed.values())):
            _note_classes(spec, classes)
    return {
        name: classes[name].handlers() if name in classes else []
        for name in sorted(held)[:_MOST_SERVERS]
    }


def _note_classes(spec: Any, classes: dict[str, Any]) -> None:
    if isinstance(spec, SupervisorSpec):
        for child in spec.children:
            _note_classes(child, classes)
    elif isinstance(spec, ChildSpec) and spec.name is not None:
        classes[spec.name] = spec.server
