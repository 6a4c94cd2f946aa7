"""Applications: what a node starts by itself, each time that it is started."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from resilkit.errors import InvalidArgument
from resilkit.network.codec import by_value, from_value
from resilkit.runtime import ChildSpec, Server, SupervisorSpec, reasons
from resilkit.runtime.specs import check_unsupervised

if TYPE_CHECKING:
    from resilkit.cluster.specs import NodeSpec

__all__ = ["as_spec", "dump_applications", "imported", "load_applications", "specs_of"]

_IMPORTABLE = "'package.module:Name' of something that can be imported"


def as_spec(
    what: Any, args: tuple[Any, ...] = (), name: str | None = None, path: str = "what"
) -> ChildSpec | SupervisorSpec:
    """Return the spec for a spec, a server class, or text such as ``"package.module:Name"``.

    Raises:
        InvalidArgument: It is none of them, the text names nothing that can be imported, or the
            spec asks for a supervisor, which it would not have.

    Examples:
        >>> class Echo(Server):
        ...     pass
        >>> as_spec(Echo, name="echo").name
        'echo'
    """
    if isinstance(what, str):
        what = imported(what, path)
    if isinstance(what, (ChildSpec, SupervisorSpec)):
        if args or name is not None:
            raise InvalidArgument(
                "a spec carries its own arguments and name",
                path=path,
                value=what,
                allowed="name=… and arguments with a Server class only",
            )
        check_unsupervised(what, path)
        return what
    if isinstance(what, type) and issubclass(what, Server):
        # Not restarted: nobody supervises it.
        return ChildSpec(what, name=name, args=args, restart="temporary")
    raise InvalidArgument(
        "cannot be started",
        path=path,
        value=what,
        allowed="a Server subclass, a ChildSpec, a SupervisorSpec, or 'package.module:Name'",
    )


def specs_of(node: NodeSpec, path: str) -> list[ChildSpec | SupervisorSpec]:
    """Return the specs of a node's own applications.

    Raises:
        InvalidArgument: One of them cannot be started; its path starts with `path`.
    """
    return [
        as_spec(application, path=f"{path}.applications[{index}]")
        for index, application in enumerate(node.applications)
    ]


def imported(text: str, path: str) -> Any:
    """Return what ``"package.module:Name"`` names.

    Raises:
        InvalidArgument: Nothing that can be imported.
    """
    module, _, attribute = text.partition(":")
    if not all(module.split(".")):  # "", ".x", "a..b"
        raise InvalidArgument("is no module", path=path, value=text, allowed=_IMPORTABLE)
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:  # a script without a guard ends what imports it
        raise InvalidArgument(
            f"cannot be imported ({reasons.describe(reasons.portable(error))})",
            path=path,
            value=text,
            allowed=_IMPORTABLE,
        ) from error
    return found


def dump_applications(specs: Mapping[str, ChildSpec | SupervisorSpec]) -> bytes:
    """Return the specs as bytes that a node can load, with classes of the notebook by value.

    Their keys are what the node names them by when it tells how they ended.
    """
    return by_value(dict(specs))


def load_applications(blob: bytes) -> dict[str, ChildSpec | SupervisorSpec]:
    """Return the specs that `dump_applications` put into bytes."""
    return dict(from_value(blob)) if blob else {}
