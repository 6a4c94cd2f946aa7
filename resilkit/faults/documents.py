"""Faults as plain data: what scenario files and saved runs hold."""

from __future__ import annotations

from collections.abc import Mapping

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.faults.base import Fault
from resilkit.faults.fields import FieldInfo, field_info
from resilkit.faults.registry import is_registered, registered_faults

__all__ = ["from_dict", "to_dict"]


def from_dict(data: object, path: str = "fault") -> Fault:
    """Return the fault that `data` describes: one key, its name, over a mapping of its fields.

    Numbers may be text with a unit (``"20 ms"``, ``"5 %"``, ``"64 MiB"``, ``"1 MB/s"``); a bare
    number has the field's own unit. ``for`` is the key of `duration`. A name alone, or a name
    over nothing, means the defaults.

    Args:
        data: The description.
        path: Where it stands, for errors.

    Raises:
        InvalidArgument: An unknown fault or field, a missing field or a bad value; the error has
            the path to it.

    Examples:
        >>> from_dict({"latency": {"low": "20 ms", "high": 0.2, "for": "5 s"}})
        Latency(low=0.02, high=0.2, duration=5.0)
        >>> from_dict({"latency": {"low": 0, "hihg": 1}}, "faults[2]")
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: faults[2].latency.hihg: is an unknown key \
(did you mean 'high'?); allowed: 'low', 'high', 'fraction', 'at', 'every', 'count', 'random', \
'for', 'targets', 'probability'
    """
    if isinstance(data, str):
        data = {data: {}}
    if not isinstance(data, Mapping) or len(data) != 1:
        raise InvalidArgument(
            "must be one fault",
            path=path,
            value=data,
            allowed='one name over its fields, such as {"latency": {"low": 0.1, "high": 1}}',
        )
    known = registered_faults()
    ((name, given),) = data.items()
    fault_class = known[validate.choice(name, path, list(known))]
    where = f"{path}.{name}"
    infos = {info.key: info for info in field_info(fault_class)}
    values = _values({} if given is None else given, infos, where)
    missing = [info.key for info in infos.values() if info.required and info.name not in values]
    if missing:
        raise InvalidArgument(
            "is missing", path=f"{where}.{missing[0]}", allowed=infos[missing[0]].allowed
        )
    try:
        return fault_class(**values)  # type: ignore[arg-type]
    except InvalidArgument as error:
        # In Python a path begins with the class, in a file with the name that stands there.
        inside = error.path.removeprefix(fault_class.__name__)
        raise validate.relocated(error, f"{where}{inside}") from None


def _values(given: object, infos: Mapping[str, FieldInfo], path: str) -> dict[str, object]:
    if isinstance(given, Mapping) and "duration" in given and "for" not in given:
        given = {("for" if key == "duration" else key): value for key, value in given.items()}
    clean = validate.known_keys(given, path, infos)
    return {
        infos[key].name: infos[key].read(value, f"{path}.{key}") for key, value in clean.items()
    }


def to_dict(fault: Fault) -> dict[str, dict[str, object]]:
    """Return the fault as plain data that `from_dict` reads; defaults are left out.

    Raises:
        InvalidArgument: The fault's class is not registered.

    Examples:
        >>> from resilkit.faults import Latency
        >>> to_dict(Latency(0.02, 0.2, duration=5.0))
        {'latency': {'low': 0.02, 'high': 0.2, 'for': 5.0}}
    """
    if not is_registered(type(fault)):
        raise InvalidArgument(
            "is no registered fault", path="fault", value=fault, allowed="see register_fault"
        )
    values = {
        info.key: _plain(getattr(fault, info.name))
        for info in field_info(type(fault))
        if info.required or getattr(fault, info.name) != info.default
    }
    return {fault.fault_name: values}


def _plain(value: object) -> object:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
