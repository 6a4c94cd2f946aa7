"""The register of faults by name, and the decorator that puts a class there."""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar, dataclass_transform

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.faults.base import (
    Fault,
    LinkFault,
    NodeFault,
    PartitionFault,
    ResourceFault,
    ServerFault,
)
from resilkit.records import readable

__all__ = ["register_fault", "registered_faults"]

F = TypeVar("F", bound=Fault)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_REGISTERED: dict[str, type[Fault]] = {}
_ANSWERS: dict[type[Fault], str] = {
    LinkFault: "verdict",
    NodeFault: "actions",
    ServerFault: "rule",
    PartitionFault: "cuts",
    ResourceFault: "pressure",
}


@dataclass_transform(frozen_default=True)
def register_fault(name: str) -> Callable[[type[F]], type[F]]:
    """Make a class a fault, and register it under `name`.

    The class becomes a frozen, slotted dataclass: its own fields by position, then the schedule
    that all faults share, by keyword. Registering again from the same place (a cell that runs
    again) replaces; a name that another class holds is refused.

    Args:
        name: What scenario files call it: small letters, digits and ``_``.

    Raises:
        InvalidArgument: The name is not such a text or is taken, or the class is no subclass of
            one of the five kinds of fault, or lacks the method that its kind answers with.

    Examples:
        >>> import resilkit.faults as faults
        >>> from resilkit.network.verdicts import PASS, Drop
        >>> @register_fault("deaf")
        ... class Deaf(faults.LinkFault):
        ...     "Drops every call."
        ...
        ...     def verdict(self, message, rng):
        ...         return Drop() if message.kind == "call" else PASS
        >>> faults.from_dict({"deaf": {"for": "2 s"}})
        Deaf(duration=2.0)
        >>> del faults.registry._REGISTERED["deaf"]
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidArgument(
            "is no name for a fault",
            path="register_fault",
            value=name,
            allowed="1 to 64 small letters, digits and '_', a letter first",
        )

    def register(fault_class: type[F]) -> type[F]:
        _check_class(name, fault_class)
        made: type[F] = _slotted(fault_class)
        made.fault_name = name
        for field in fields(made):
            shared = field.name in Fault.__dataclass_fields__
            if shared and not field.kw_only:
                raise InvalidArgument(
                    "is a field that all faults share; rename it, or make it keyword-only",
                    path=f"{name}.{field.name}",
                )
        _REGISTERED[name] = made
        return made

    return register


def _check_class(name: str, fault_class: object) -> None:
    if not isinstance(fault_class, type) or not issubclass(fault_class, Fault):
        raise InvalidArgument(
            "is no fault",
            path=name,
            value=fault_class,
            allowed="a subclass of LinkFault, NodeFault…",
        )
    kind = next((kind for kind in _ANSWERS if issubclass(fault_class, kind)), None)
    if kind is None:
        kinds = ", ".join(kind.__name__ for kind in _ANSWERS)
        raise InvalidArgument(
            "subclasses Fault itself", path=name, value=fault_class, allowed=f"one of {kinds}"
        )
    answer = _ANSWERS[kind]
    if getattr(fault_class, answer) is getattr(kind, answer):
        raise InvalidArgument(
            f"has no method {answer}()", path=name, value=fault_class, allowed=kind.__name__
        )
    holder = _REGISTERED.get(name)
    if holder is not None and _place(holder) != _place(fault_class):
        raise InvalidArgument(
            f"is taken by {'.'.join(_place(holder))}",
            path="register_fault",
            value=name,
            allowed="a name that no other fault has",
        )


def _place(fault_class: type) -> tuple[str, str]:
    return fault_class.__module__, fault_class.__qualname__


def is_registered(fault_class: type) -> bool:
    """Return whether `fault_class`, or what its cell made when it ran before, is registered."""
    holder = _REGISTERED.get(getattr(fault_class, "fault_name", ""))
    return holder is not None and _place(holder) == _place(fault_class)


def _slotted(fault_class: type[F]) -> type[F]:
    """Return the class as a dataclass with slots, whose methods may still say ``super()``.

    ``dataclass(slots=True)`` makes a new class, and before Python 3.14 the methods' own
    ``__class__`` still points at the old one: a bare ``super()`` then raises TypeError.
    """
    made = validate.strict(readable(dataclass(frozen=True, slots=True, repr=False)(fault_class)))
    for member in vars(made).values():
        function: Any = getattr(member, "__func__", getattr(member, "fget", member))
        if isinstance(function, types.FunctionType):
            for cell, variable in zip(
                function.__closure__ or (), function.__code__.co_freevars, strict=True
            ):
                if variable == "__class__" and cell.cell_contents is fault_class:
                    cell.cell_contents = made
    return made


def registered_faults() -> dict[str, type[Fault]]:
    """Return every registered fault by name, sorted: resilkit's own and yours.

    Examples:
        >>> registered_faults()["latency"].__name__
        'Latency'
    """
    import resilkit.faults as _all  # noqa: F401 - registers the ones that resilkit brings

    return dict(sorted(_REGISTERED.items()))
