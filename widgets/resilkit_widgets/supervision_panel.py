"""`SupervisionPanel`: the supervisors of a cluster with their children, and what can be done."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import traitlets

from resilkit import Cluster, ClusterReference, InvalidArgument, Pid, Refused, validate
from resilkit.clock import monotonic
from resilkit.cluster.display import tree_list
from resilkit.cluster.last_seen import last_seen
from resilkit.cluster.looking import look
from resilkit.cluster.supervision import branches
from resilkit.errors import ResilkitError
from resilkit.markup import display, note, paragraph, sign_of
from resilkit.metrics.events import Event
from resilkit.runtime.reasons import describe
from resilkit_widgets.acting import ActingPanel
from resilkit_widgets.giving_up import GivenUp
from resilkit_widgets.panel import bundle

__all__ = ["SupervisionPanel"]

_ACTIONS = {
    "crash": "crashing",
    "terminate": "terminating",
    "restart": "restarting",
    "delete": "deleting",
}
_AGAIN = 2.0
"""Seconds after which nodes are asked again that did not answer, though none told of a change."""
_LONGEST_REASON = 200
_MOST_REASONS = 1_000
"""Reasons kept of children that are not there: one may be told of before it is seen."""

Place = tuple[str, ...]
"""Where a child stands: its node, and the ids from the top down to it."""


class SupervisionPanel(ActingPanel):
    """Shows the supervision trees of a cluster, restarts as they happen, and acts on a child.

    Leave it as the last line of a cell. Choose a child with the mouse or the arrow keys: *Crash*
    kills it, as `ClusterReference.kill` does, and its supervisor does what its strategy says;
    *Terminate*, *Restart* and *Delete* are those of the supervisor's reference. Nodes are asked
    when supervisors or nodes tell of a change, and not otherwise; one that does not answer is
    named, and shown as it was last. A supervisor that gave up is told with its reason, until one
    of its name runs again. When the cluster is closed, the last tree stays in the
    notebook.

    Args:
        cluster: The cluster to show.

    Attributes:
        trees: The supervisors at the top, each with its children: what the front end draws.
        given_up: Supervisors that gave up and do not run again: when and why, in words.
        notices: What to know of nodes that do not answer or have ended, in words.

    Raises:
        InvalidArgument: `cluster` is no `resilkit.Cluster`.

    Examples:
        ::

            cluster.start(counters)
            SupervisionPanel(cluster)
    """

    _esm, _css = bundle("supervision")

    trees: traitlets.List[Any] = traitlets.List().tag(sync=True)
    given_up: traitlets.List[Any] = traitlets.List().tag(sync=True)
    notices: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, cluster: Cluster) -> None:
        if not isinstance(cluster, Cluster):
            raise InvalidArgument(
                "must be a running cluster", path="cluster", value=cluster, allowed="a Cluster"
            )
        self._cluster = cluster
        self._mark = 0
        self._reasons: dict[tuple[str, str, str], str] = {}
        self._given_up = GivenUp(cluster.started)
        # By node what it answered last; what is found aside waits for the next update.
        self._known: dict[str, list[dict[str, Any]]] = {}
        self._silent: dict[str, str] = {}
        self._failed = ""
        self._lost: list[str] = []
        self._asking: threading.Thread | None = None
        self._due = True
        self._asked_at = 0.0
        super().__init__()

    def __repr__(self) -> str:
        return f"<SupervisionPanel {self.state} of {self._cluster!r}>"

    # Looking -------------------------------------------------------------------------------------

    def _ended(self) -> bool:
        return self._cluster.closed

    def _update(self) -> None:
        cluster = self._cluster
        self.closed = cluster.closed
        self._mark, news = cluster.events.after(self._mark)
        for event in news:
            self._take_in(event)
        self._forget_reasons()
        if (self._silent or self._failed) and monotonic() - self._asked_at >= _AGAIN:
            self._due = True
        if self._due and self._asking is None and not cluster.closed:
            asking = threading.Thread(
                target=self._ask, args=(self._mark,), name="resilkit panel supervision", daemon=True
            )
            asking.start()
            # Only of one that has begun: it says that it is over when it gets our lock.
            self._asking, self._due, self._asked_at = asking, False, monotonic()
        queues = cluster.metrics.latest("queue_length")
        lengths = {key: int(length) for key, (_, length) in queues.items()}
        self.trees = [
            self._row(tree, (), "", lengths) for trees in self._known.values() for tree in trees
        ]
        self.given_up = self._given_up.words(all_over=self.closed)
        self.notices = [*(() if self.closed else self._unsure()), *self._ended_nodes()]

    def _unsure(self) -> Iterator[str]:
        """Yield of what nobody knows how it is now, in words."""
        if self._failed:
            yield f"The nodes could not be asked: {self._failed}. They are shown as they were last."
        for node, why in self._silent.items():
            yield f"{node} {why}. Its supervisors are shown as they were last."

    def _ended_nodes(self) -> Iterator[str]:
        for node in self._lost:
            left = last_seen(self._cluster._session, node).status
            yield f"{node} is {left}: what was supervised on it has ended."

    def _take_in(self, event: Event) -> None:
        if event.kind == "node":
            self._due = True
        elif event.kind == "supervision":
            self._due = True
            self._given_up.take_in(event, self._mark)
            if event.event in {"terminated", "start_failed"}:
                about = json.loads(event.detail)
                place = (event.node, str(about.get("supervisor", "")), event.target)
                self._reasons.pop(place, None)  # the newest stand last
                self._reasons[place] = str(about.get("reason", ""))[:_LONGEST_REASON]

    def _forget_reasons(self) -> None:
        """Keep those of the children that are there, and the newest of the others."""
        if len(self._reasons) <= _MOST_REASONS:
            return
        there = {
            (child["node"], "" if parent is None else parent["name"], child["id"])
            for trees in self._known.values()
            for tree in trees
            for _, child, parent in _walk(tree, (), None)
        }
        others = [place for place in self._reasons if place not in there]
        for place in others[:-_MOST_REASONS]:
            del self._reasons[place]

    def _ask(self, mark: int) -> None:
        """Ask every node that runs; may take a second, so it has a thread of its own."""
        session = self._cluster._session
        trees, failed = None, "it was cut short"
        try:
            [answers] = look(session, "supervision")
            trees, failed = {node: _read(answer) for node, answer in answers.items()}, ""
        except Exception as error:  # noqa: BLE001 - in a thread it would vanish: show it
            failed = describe(error)
        finally:
            with self._guard:
                self._asking = None
                if not self._cluster.closed:  # meanwhile; what was seen last stays then
                    self._failed = failed
                    if trees is not None:
                        self._take_trees(trees)
                        self._given_up.seen(_supervisors(trees.values()), mark)

    def _take_trees(self, answers: Mapping[str, list[dict[str, Any]] | str]) -> None:
        known = {
            node: self._known.get(node, []) if isinstance(answer, str) else answer
            for node, answer in answers.items()
        }
        self._silent = {node: answer for node, answer in answers.items() if isinstance(answer, str)}
        had = [node for node, trees in self._known.items() if trees]
        self._lost = [node for node in (*self._lost, *had) if node not in known]
        self._known = known

    def _row(
        self, branch: Mapping[str, Any], above: Place, parent: str, lengths: Mapping[Any, int]
    ) -> dict[str, Any]:
        """Return one line of the tree, and those below it, as plain values."""
        place = (*(above or (branch["node"],)), branch["id"])
        status = branch["status"]
        if self.closed and status != "terminated":
            status = "closed"
        running = status == "running"
        row = {
            "key": json.dumps(place),
            "id": branch["id"],
            "kind": branch["kind"],
            "class": branch["class"],
            "node": branch["node"],
            "status": status,
            "sign": sign_of(status).mark,
            "restart": branch["restart"],
            "restarts": branch["restarts"],
            "queue": lengths.get((branch["node"], branch["label"])) if running else None,
            "reason": self._reasons.get((branch["node"], parent, branch["id"]), ""),
            "rule": _rule(branch),
            "silent": branch["node"] in self._silent and not self.closed,
            "top": not above,
        }
        below = [self._row(child, place, branch["name"], lengths) for child in branch["children"]]
        return row | {"children": below}

    # Acting --------------------------------------------------------------------------------------

    def _words(self, what: str, content: Mapping[str, Any]) -> str:
        validate.choice(what, "do", tuple(_ACTIONS))
        return f"{_ACTIONS[what]} {self._find(content)[0]['id']}"

    def _do(self, what: str, content: Mapping[str, Any]) -> None:
        child, parent = self._find(content)
        session = self._cluster._session
        if what == "crash":
            if not child["pid"]:
                raise Refused(f"{child['id']} does not run")
            ClusterReference(session, _pid(child)).kill()
            return
        if parent is None:
            raise Refused(f"{child['id']} has no supervisor, so it can only be crashed")
        supervisor = ClusterReference(session, _pid(parent))
        getattr(supervisor, f"{what}_child")(child["id"])

    def _find(self, content: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return what stands at a place as it is known now, and its supervisor."""
        key = content.get("key")
        with self._guard:
            trees = [tree for each in self._known.values() for tree in each]
        for tree in trees:
            for place, child, parent in _walk(tree, (), None):
                if json.dumps(place) == key:
                    return child, parent
        raise InvalidArgument("is not there any more", path="child", value=key)

    def _picture(self) -> str:
        def plain(row: Mapping[str, Any]) -> dict[str, Any]:
            known = {"strategy": row["rule"], "children": [plain(each) for each in row["children"]]}
            return {**row, **known}

        trees = tree_list([plain(tree) for tree in self.trees])
        notices = [
            *(paragraph(each, kind="bad") for each in self.given_up),
            *(paragraph(each, kind="unsure") for each in self.notices),
        ]
        seen = "The cluster is closed: this is its tree as last seen." if self.closed else ""
        return display(
            "Supervision tree",
            "",
            note(seen) if seen else "",
            *notices,
            trees or note("No supervisor runs."),
        )


def _read(answer: Any) -> list[dict[str, Any]] | str:
    """Return the trees of a node, or why there are none, in words that follow on its name."""
    if isinstance(answer, ResilkitError):
        return f"does not answer: {answer}"
    try:
        return branches(answer)
    except Exception as error:  # noqa: BLE001 - the other nodes are shown
        return f"gives an answer that cannot be read: {describe(error)}"


def _supervisors(
    answers: Iterable[list[dict[str, Any]] | str],
) -> Iterator[tuple[str, str]]:
    """Yield the name and the pid of each supervisor that runs where nodes have answered."""
    for trees in answers:
        for tree in trees if not isinstance(trees, str) else ():
            for _, branch, _ in _walk(tree, (), None):
                if branch["kind"] == "supervisor" and branch["pid"]:
                    yield branch["name"], branch["pid"]


def _rule(branch: Mapping[str, Any]) -> str:
    if branch["kind"] != "supervisor" or "strategy" not in branch:
        return ""
    return f"{branch['strategy']}, {branch['max_restarts']} in {branch['max_seconds']:g} s"


def _pid(branch: Mapping[str, Any]) -> Pid:
    node, number, incarnation = branch["pid"].strip("<>").rsplit(".", 2)
    return Pid(node, int(number), int(incarnation))


def _walk(
    branch: dict[str, Any], above: Place, parent: dict[str, Any] | None
) -> Iterator[tuple[Place, dict[str, Any], dict[str, Any] | None]]:
    place = (*(above or (branch["node"],)), branch["id"])
    yield place, branch, parent
    for child in branch["children"]:
        yield from _walk(child, place, branch)
