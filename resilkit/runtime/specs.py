"""What a supervisor is told about its children. Checked whole, before anything starts."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Literal

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.records import readable
from resilkit.runtime.naming import check_name, check_scope
from resilkit.runtime.server import Server

__all__ = ["ChildSpec", "SupervisorSpec", "check_unsupervised"]

Restart = Literal["permanent", "transient", "temporary"]
Strategy = Literal["one_for_one", "one_for_all", "rest_for_one"]
AutoShutdown = Literal["never", "any_significant", "all_significant"]

_RESTARTS = ("permanent", "transient", "temporary")
_STRATEGIES = ("one_for_one", "one_for_all", "rest_for_one")
_AUTO = ("never", "any_significant", "all_significant")


@validate.strict
@readable
@dataclass(frozen=True, slots=True, repr=False)
class ChildSpec:
    """How a supervisor starts, restarts and stops one server.

    Only a supervisor restarts. Given to `Cluster.start`, or to a node as an application, it has
    none: the server is stopped by this spec, and starts again with its node, but nobody restarts
    it when it ends, whether `restart` is ``"permanent"``, as it is by default, or
    ``"temporary"``. ``"transient"`` and `significant`, which only somebody who counts on a
    supervisor writes, are refused there; put the spec under a `SupervisorSpec`.

    Args:
        server: The `Server` subclass.
        id: Its name among its siblings; the server's `name` when left out, then the class's name.
        name: The name to register it under, ``None`` for none.
        args: Positional arguments of its ``init``.
        kwargs: Keyword arguments of its ``init``.
        restart: ``"permanent"`` (always; the default), ``"transient"`` (unless it ended with
            ``normal``, ``shutdown`` or ``(shutdown, x)``) or ``"temporary"`` (never).
        shutdown: Seconds that it may take to end after ``shutdown`` before it is killed,
            ``None`` for no limit, or ``"brutal_kill"`` for no time at all.
        significant: Whether its end can end the supervisor (`SupervisorSpec.auto_shutdown`).
        scope: ``"cluster"`` for a name that is unique in the cluster, ``"node"`` for one that
            each node can give once.

    Raises:
        InvalidArgument: For anything else, with the path and what is allowed; also when ``init``
            surely does not take the arguments.

    Examples:
        >>> class Echo(Server):
        ...     def say(self, text):
        ...         return text
        >>> ChildSpec(Echo, name="echo").id
        'echo'
    """

    server: type[Server]
    id: str = field(default="", kw_only=True)
    name: str | None = field(default=None, kw_only=True)
    args: tuple[Any, ...] = field(default=(), kw_only=True)
    kwargs: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    restart: Restart = field(default="permanent", kw_only=True)
    shutdown: float | Literal["brutal_kill"] | None = field(default=5.0, kw_only=True)
    significant: bool = field(default=False, kw_only=True)
    scope: Literal["cluster", "node"] = field(default="cluster", kw_only=True)

    def __post_init__(self) -> None:
        if not (isinstance(self.server, type) and issubclass(self.server, Server)):
            raise InvalidArgument(
                "must be a subclass of resilkit.Server",
                path="ChildSpec.server",
                value=self.server,
                allowed="the class itself, not an instance",
            )
        if self.name is not None:
            check_name(self.name, "ChildSpec.name")
        if self.id is None or (isinstance(self.id, str) and not self.id):
            object.__setattr__(self, "id", self.name or self.server.__name__)
        if not isinstance(self.id, str):
            raise InvalidArgument("must be a string", path="ChildSpec.id", value=self.id)
        if not isinstance(self.args, tuple):
            if not isinstance(self.args, list):
                raise InvalidArgument(
                    "must be a tuple of arguments",
                    path=f"ChildSpec({self.id}).args",
                    value=self.args,
                    allowed="args=(x,) for one argument",
                )
            object.__setattr__(self, "args", tuple(self.args))
        if not isinstance(self.kwargs, Mapping):
            raise InvalidArgument(
                "must be a mapping", path=f"ChildSpec({self.id}).kwargs", value=self.kwargs
            )
        for key in self.kwargs:
            if not isinstance(key, str):
                message, path = "has a key that is no text", f"ChildSpec({self.id}).kwargs"
                raise InvalidArgument(message, path=path, value=key, allowed="names of arguments")
        _refuse_misfits(self)
        validate.choice(self.restart, f"ChildSpec({self.id}).restart", _RESTARTS)
        check_scope(self.scope, f"ChildSpec({self.id}).scope")
        # Looked at as text only when it is: an array, say, compares to no single answer.
        if not (isinstance(self.shutdown, str) and self.shutdown == "brutal_kill"):
            validate.duration(self.shutdown, f"ChildSpec({self.id}).shutdown", allow_none=True)
        _flag(self.significant, f"ChildSpec({self.id}).significant")

    def __repr__(self) -> str:
        return f"<ChildSpec {self.id!r}: {self.server.__name__}, {self.restart}>"

    def _repr_html_(self) -> str:
        from resilkit.runtime.display import child_spec_html

        return child_spec_html(self)


@validate.strict
@readable
@dataclass(frozen=True, slots=True, repr=False)
class SupervisorSpec:
    """A supervisor: its children in order, and what it does when one ends (OTP's rules).

    Args:
        name: The name that it is registered under, and its id among its siblings.
        children: `ChildSpec` and `SupervisorSpec`, started in this order, stopped in reverse.
        strategy: ``"one_for_one"`` restarts the child that ended, ``"rest_for_one"`` that one and
            those after it, ``"one_for_all"`` all.
        max_restarts: More restarts than this within `max_seconds` end the supervisor.
        max_seconds: The window of `max_restarts`, in seconds.
        auto_shutdown: Ends the supervisor when a significant child ended by itself: ``"never"``,
            ``"any_significant"`` or ``"all_significant"``.
        restart: What its own supervisor does when it ends, as for a child. At the top of a node it
            has none: there ``"permanent"``, the default, means nothing, and ``"transient"`` is
            refused.
        significant: As for a child.
        scope: As for a child: ``"node"`` for a name that each node can give once, which takes no
            agreement with the others.

    Raises:
        InvalidArgument: For duplicate ids or names, a spec that contains itself, a significant
            permanent child, and every other bad field, with its path.

    Examples:
        >>> class Echo(Server):
        ...     pass
        >>> SupervisorSpec("echoes", [ChildSpec(Echo, id="a"), ChildSpec(Echo, id="b")])
        <SupervisorSpec 'echoes', one_for_one: a, b>
    """

    name: str
    children: Sequence[ChildSpec | SupervisorSpec] = ()
    strategy: Strategy = field(default="one_for_one", kw_only=True)
    max_restarts: int = field(default=3, kw_only=True)
    max_seconds: float = field(default=5.0, kw_only=True)
    auto_shutdown: AutoShutdown = field(default="never", kw_only=True)
    restart: Restart = field(default="permanent", kw_only=True)
    significant: bool = field(default=False, kw_only=True)
    scope: Literal["cluster", "node"] = field(default="cluster", kw_only=True)

    @property
    def id(self) -> str:
        """Its name among its siblings."""
        return self.name

    @property
    def shutdown(self) -> None:
        """A supervisor may take as long as its children need (OTP's ``infinity``)."""
        return

    def __post_init__(self) -> None:
        check_name(self.name, "SupervisorSpec.name")
        where = f"SupervisorSpec({self.name})"
        if isinstance(self.children, (str, bytes)) or not isinstance(self.children, Sequence):
            raise InvalidArgument(
                "must be a list of ChildSpec and SupervisorSpec",
                path=f"{where}.children",
                value=self.children,
            )
        object.__setattr__(self, "children", tuple(self.children))
        validate.choice(self.strategy, f"{where}.strategy", _STRATEGIES)
        validate.number(self.max_restarts, f"{where}.max_restarts", low=0, integer=True)
        validate.duration(self.max_seconds, f"{where}.max_seconds", allow_zero=False)
        validate.choice(self.auto_shutdown, f"{where}.auto_shutdown", _AUTO)
        validate.choice(self.restart, f"{where}.restart", _RESTARTS)
        _flag(self.significant, f"{where}.significant")
        check_scope(self.scope, f"{where}.scope")
        seen: dict[str, int] = {}
        for index, child in enumerate(self.children):
            path = f"{where}.children[{index}]"
            if not isinstance(child, (ChildSpec, SupervisorSpec)):
                raise InvalidArgument(
                    "must be a ChildSpec or a SupervisorSpec", path=path, value=child
                )
            if child.id in seen:
                raise InvalidArgument(
                    f"has the same id as children[{seen[child.id]}]",
                    path=f"{path}.id",
                    value=child.id,
                    allowed="ids that differ within one supervisor; give id=…",
                )
            seen[child.id] = index
            self.check_significance(child, path)
        _no_name_twice(self, where)

    def __repr__(self) -> str:
        shown = [child.name or child.id for child in self.children[:_SHOWN_CHILDREN]]
        more = len(self.children) - len(shown)
        names = ", ".join([*shown, *([f"and {more} more"] if more else [])]) or "no children"
        return f"<SupervisorSpec {self.name!r}, {self.strategy}: {names}>"

    def _repr_html_(self) -> str:
        from resilkit.runtime.display import supervisor_spec_html

        return supervisor_spec_html(self)

    def check_significance(self, child: ChildSpec | SupervisorSpec, path: str) -> None:
        """Refuse a significant child that could never end this supervisor (OTP, rule 7)."""
        if not child.significant:
            return
        if child.restart == "permanent":
            raise InvalidArgument(
                "a permanent child cannot be significant: it is always restarted",
                path=f"{path}.significant",
                value=True,
                allowed='restart="transient" or "temporary" with it',
            )
        if self.auto_shutdown == "never":
            raise InvalidArgument(
                'a significant child needs auto_shutdown other than "never"',
                path=f"{path}.significant",
                value=True,
                allowed='auto_shutdown="any_significant" or "all_significant"',
            )


def check_unsupervised(spec: ChildSpec | SupervisorSpec, path: str) -> None:
    """Refuse what asks for a supervisor, where `spec` is to stand at the top of a node.

    The default of `restart` is no such wish. Nor is the same text written out: two specs that are
    equal must be taken alike.

    Raises:
        InvalidArgument: It is to be restarted only after some ends, or its end is significant.
    """
    transient = spec.restart == "transient"
    if transient or spec.significant:
        raise InvalidArgument(
            "asks for a supervisor, and at the top of a node there is none",
            path=f"{path}.restart" if transient else f"{path}.significant",
            value="transient" if transient else True,
            allowed="the spec among the children of a SupervisorSpec, or without this",
        )


def _no_name_twice(spec: SupervisorSpec, where: str) -> None:
    seen: dict[str, str] = {}

    def visit(one: ChildSpec | SupervisorSpec, path: str) -> None:
        if one.name is not None:
            if one.name in seen:
                raise InvalidArgument(
                    f"the name is given twice; it is also at {seen[one.name]}",
                    path=f"{path}.name",
                    value=one.name,
                    allowed="names that differ within the tree",
                )
            seen[one.name] = path
        if isinstance(one, SupervisorSpec):
            for index, child in enumerate(one.children):
                visit(child, f"{path}.children[{index}]")

    visit(spec, where)


_SHOWN_CHILDREN = 5


def _flag(value: object, path: str) -> None:
    if not isinstance(value, bool):
        raise InvalidArgument("must be True or False", path=path, value=value)


def _refuse_misfits(spec: ChildSpec) -> None:
    """Refuse arguments that `init` surely does not take; what cannot be told is left to the start.

    The function itself is asked, not what it says that it wraps: a decorator may give some.
    """
    init = inspect.getattr_static(spec.server, "init", None)
    if not isinstance(init, FunctionType) or hasattr(init, "__signature__"):
        return
    signature = inspect.signature(init, follow_wrapped=False)
    try:
        signature.bind(None, *spec.args, **spec.kwargs)
    except TypeError as error:
        taken = ", ".join(map(str, list(signature.parameters.values())[1:])) or "no arguments"
        raise InvalidArgument(
            f"does not fit {spec.server.__name__}.init ({error})",
            path=f"ChildSpec({spec.id}).args",
            value=(*spec.args, *(f"{key}=…" for key in spec.kwargs)),
            allowed=taken,
        ) from None
