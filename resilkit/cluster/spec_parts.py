"""Parts of the specs of clusters and nodes: each is checked, and comes back in its plain form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from resilkit.cluster import resolvers
from resilkit.cluster.limits import Limits
from resilkit.errors import InvalidArgument

__all__ = ["applications", "config", "described", "limits"]


def config(value: object, path: str) -> dict[str, Any]:
    """Return settings if they are a mapping of text to anything.

    Raises:
        InvalidArgument: It is anything else.
    """
    if not isinstance(value, Mapping):
        raise InvalidArgument("must be a mapping", path=path, value=value, allowed="text to value")
    for key in value:
        if not isinstance(key, str):
            raise InvalidArgument("has a key that is no text", path=path, value=key, allowed="text")
    return dict(value)


def limits(value: object, path: str) -> Limits | None:
    """Return limits if they are `Limits` or ``None``.

    Raises:
        InvalidArgument: It is anything else.
    """
    if value is None:
        return None
    if not isinstance(value, Limits):
        allowed = "None or Limits(…)"
        raise InvalidArgument("is no Limits", path=path, value=value, allowed=allowed)
    return value


def applications(value: object, path: str) -> tuple[Any, ...]:
    """Return what a node starts if each of them can be started.

    Raises:
        InvalidArgument: It is anything else.
    """
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence):
        allowed = "a list of server classes, specs, or text 'package.module:Name'"
        raise InvalidArgument("must be a list", path=path, value=value, allowed=allowed)
    return tuple(_application(each, f"{path}[{i}]") for i, each in enumerate(value))


def _application(application: Any, path: str) -> Any:
    if isinstance(application, str):
        if re.fullmatch(resolvers.IMPORTABLE, application):
            return application
    elif isinstance(application, type):
        return application
    else:
        from resilkit.runtime.specs import ChildSpec, SupervisorSpec, check_unsupervised

        if isinstance(application, ChildSpec | SupervisorSpec):
            check_unsupervised(application, path)
            return application
    allowed = "a server class, a spec, or text 'package.module:Name'"
    raise InvalidArgument("is no application", path=path, value=application, allowed=allowed)


def described(application: Any) -> Any:
    """Return an application as a manifest shows it."""
    if isinstance(application, str):
        return application
    if isinstance(application, type):
        return f"{application.__module__}:{application.__qualname__}"
    describe = getattr(application, "to_dict", None)
    return describe() if callable(describe) else repr(application)
