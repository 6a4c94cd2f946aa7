"""The supervisor: OTP's ``supervisor.erl``, rule by rule."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from resilkit.errors import AlreadyStarted, InvalidArgument, Refused, StartFailed
from resilkit.runtime import children as acts
from resilkit.runtime import reasons
from resilkit.runtime.children import Child, Spawn
from resilkit.runtime.messages import NO_REPLY, Exit, Pid
from resilkit.runtime.reference import Reference
from resilkit.runtime.server import Server
from resilkit.runtime.specs import ChildSpec, SupervisorSpec

if TYPE_CHECKING:
    from resilkit.runtime.server_process import ServerProcess

__all__ = ["Supervisor"]


class _TryAgain:
    """What a supervisor sends itself after a failed restart: others have their turn between."""

    __slots__ = ("id",)

    def __init__(self, id: str) -> None:
        self.id = id


class Supervisor(Server):
    """Starts, watches and restarts children. Made from a `SupervisorSpec`, never by hand."""

    __slots__ = ("_children", "_restarts", "_spawn", "_spec")

    _children: list[Child]
    _restarts: deque[float]
    _spec: SupervisorSpec

    def __init__(self, spawn: Spawn) -> None:
        self._spawn = spawn

    @property
    def _own(self) -> ServerProcess:
        return self._process

    async def init(self, spec: SupervisorSpec) -> None:
        """Start the children left to right; a failure stops those started, in reverse."""
        self.trap_exit = True
        self._spec = spec
        self._restarts = deque()
        self._children = [Child(one) for one in spec.children]
        for index, child in enumerate(self._children):
            reason = await self._start(child)
            if reason is not None:
                for started in reversed(self._children[:index]):
                    await acts.terminate(self._own, started)
                failed = ("failed_to_start_child", child.id, reason)
                raise StartFailed("", reason=("shutdown", failed))
        # OTP's `undefined` temporary children of a failed start do not exist here: any failure
        # of an initial start fails the whole.

    async def terminate(self, reason: Any) -> None:
        """Stop the children one at a time, right to left."""
        del reason
        for child in reversed(self._children):
            await acts.terminate(self._own, child)

    # What can be asked of it -----------------------------------------------------------------

    def children(self) -> list[dict[str, Any]]:
        """Return the children in order: id, ref or None, status, restart type, kind, restarts."""
        return [child.row() for child in self._children]

    @property
    def running(self) -> list[tuple[Pid, str]]:
        """The children that run, in order: process and id."""
        return [(child.pid, child.id) for child in self._children if child.pid is not None]

    def count_children(self) -> dict[str, int]:
        """Return how many children it has: specs, active, supervisors, workers."""
        return {
            "specs": len(self._children),
            "active": sum(child.pid is not None for child in self._children),
            "supervisors": sum(child.kind == "supervisor" for child in self._children),
            "workers": sum(child.kind == "worker" for child in self._children),
        }

    async def start_child(self, spec: ChildSpec | SupervisorSpec) -> Any:
        """Add a child at the end and start it; return its reference.

        Raises:
            Refused: It is no spec, or a significant child that could never end this supervisor;
                its id is taken (``already_started``, ``already_present``); or it could not
                start, and its spec is not kept.
            AlreadyStarted: Somebody else holds its name; ``ref`` says who.
        """
        if not isinstance(spec, (ChildSpec, SupervisorSpec)):
            raise Refused(f"start_child takes a ChildSpec or SupervisorSpec, not {spec!r}")
        try:
            self._spec.check_significance(spec, f"start_child({spec.id!r})")
        except InvalidArgument as error:
            raise Refused(str(error)) from None
        present = self._find(spec.id)
        if present is not None:
            state = "already_started" if present.pid is not None else "already_present"
            raise Refused(f"{state}: {self._spec.name!r} has a child with the id {spec.id!r}")
        child = Child(spec)
        reason = await self._start(child)
        if reason is not None:
            return self._answer_failure(child.id, reason)
        self._children.append(child)
        reference = child.reference()
        assert reference is not None  # noqa: S101 - it has just been started
        return reference

    async def terminate_child(self, id: str) -> None:
        """Stop a child and keep its spec, unless it is temporary."""
        child = self._known(id)
        await acts.terminate(self._own, child)
        if child.spec.restart == "temporary":
            self._children.remove(child)

    async def restart_child(self, id: str) -> Any:
        """Start a child that had ended; it must not be running.

        Raises:
            Refused: There is no such child, it runs, or it could not start.
            AlreadyStarted: Somebody else holds its name; ``ref`` says who.
        """
        child = self._known(id)
        if child.status != "terminated":
            raise Refused(f"{child.status}: child {id!r} need not be started")
        reason = await self._start(child)
        if reason is not None:
            return self._answer_failure(id, reason)
        reference = child.reference()
        assert reference is not None  # noqa: S101 - it has just been started
        return reference

    def _answer_failure(self, id: str, reason: Any) -> Any:
        """Answer the one who wants a child started why it is not; this supervisor goes on."""
        kind, holder = reason if type(reason) is tuple and len(reason) == 2 else (None, None)
        if reasons.is_text(kind, "already_started") and isinstance(holder, Reference):
            why = f"{id!r} could not start: its name is held by {holder!r}"
            self.defer().fail(AlreadyStarted(why, ref=holder))
            return NO_REPLY
        why = f"{id!r} could not start: {reasons.why_not_started(reason)}"
        # Refused carries text alone, so the traceback stands in it.
        raise Refused(str(StartFailed(why, reason=reason)))

    def delete_child(self, id: str) -> None:
        """Forget the spec of a child that has ended."""
        child = self._known(id)
        if child.status != "terminated":
            raise Refused(f"{child.status}: terminate child {id!r} before it is deleted")
        self._children.remove(child)
        self._tell("deleted", child)

    async def tree(self) -> dict[str, Any]:
        """Return this supervisor and everything below it as nested dicts."""
        rows = []
        for child in list(self._children):
            row = child.row()
            if child.kind == "supervisor" and child.pid is not None:
                row["tree"] = await Reference(child.pid).call.tree()
            rows.append(row)
        return {
            "name": self._spec.name,
            "strategy": self._spec.strategy,
            "max_restarts": self._spec.max_restarts,
            "max_seconds": self._spec.max_seconds,
            "children": rows,
        }

    # What happens to its children ------------------------------------------------------------

    async def info(self, message: Any) -> None:
        """Act on the end of a child, and on its own second tries."""
        if isinstance(message, Exit):
            pid = message.process.address
            child = next((one for one in self._children if one.pid == pid), None)
            if child is not None and isinstance(pid, Pid):
                await self._ended(child, message.reason)
        elif isinstance(message, _TryAgain):
            child = self._find(message.id)
            if child is not None and child.status == "restarting":
                await self._restart(child)

    async def _ended(self, child: Child, reason: Any) -> None:
        asked = child.process is not None and child.process.asked
        restart = child.spec.restart
        again = restart == "permanent" or (
            restart == "transient" and not reasons.is_shutdown(reason)
        )
        why = reasons.describe(reason)
        self._tell("terminated", child, reason=why, asked=asked, again=again)
        child.pid = child.process = None
        child.status = "terminated"
        if again:
            await self._restart(child)
            return
        if restart == "temporary":
            self._children.remove(child)
        self._auto_shutdown(child)

    def _auto_shutdown(self, child: Child) -> None:
        mode = self._spec.auto_shutdown
        if not child.spec.significant or mode == "never":
            return
        others = any(one.spec.significant and one.status != "terminated" for one in self._children)
        if mode == "any_significant" or not others:
            self._own.node.emit("supervision", "auto_shutdown", self._spec.name, child=child.id)
            self.stop("shutdown")

    async def _restart(self, child: Child) -> None:
        if self._too_many():
            child.status = "terminated"
            self._own.node.emit(
                "supervision",
                "gave_up",
                self._spec.name,
                pid=str(self._own.pid),
                child=child.id,
                max_restarts=self._spec.max_restarts,
                max_seconds=self._spec.max_seconds,
            )
            self.stop("shutdown")
        strategy = self._spec.strategy
        if strategy == "one_for_one":
            affected = [child]
        else:
            first = self._children.index(child) if strategy == "rest_for_one" else 0
            affected = self._children[first:]
            for sibling in reversed(affected):
                if sibling is not child:
                    await acts.terminate(self._own, sibling)
                    if sibling.spec.restart == "temporary":
                        self._children.remove(sibling)
            affected = [one for one in affected if one in self._children]
        for one in affected:
            reason = await self._start(one, again=True)
            if reason is not None:
                one.pid = None
                one.status = "restarting"
                self._own.info(_TryAgain(one.id))
                return

    def _too_many(self) -> bool:
        """Count one restart; more than `max_restarts` within `max_seconds` is too many (rule 1)."""
        now = self._process.node.clock.now()
        self._restarts.append(now)
        while self._restarts and now - self._restarts[0] > self._spec.max_seconds:
            self._restarts.popleft()
        return len(self._restarts) > self._spec.max_restarts

    async def _start(self, child: Child, *, again: bool = False) -> Any:
        reason = await acts.start(self._own, child, self._spawn)
        if reason is not None:
            self._tell("start_failed", child, reason=reasons.describe(reason), again=again)
            return reason
        if again:
            child.restarts += 1
        self._tell("restarted" if again else "started", child, restarts=child.restarts)
        return None

    def _tell(self, event: str, child: Child, **detail: Any) -> None:
        self._own.node.emit(
            "supervision", event, child.id, supervisor=self._spec.name, pid=_shown(child), **detail
        )

    def _find(self, id: str) -> Child | None:
        return next((child for child in self._children if child.id == id), None)

    def _known(self, id: str) -> Child:
        child = self._find(id)
        if child is None:
            ids = ", ".join(repr(one.id) for one in self._children) or "(none)"
            raise Refused(f"not_found: {self._spec.name!r} has no child {id!r}; it has {ids}")
        return child


def _shown(child: Child) -> str:
    return "" if child.pid is None else str(child.pid)
