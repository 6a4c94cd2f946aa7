"""What somebody writes into the workload panel's form, read and checked field by field."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from resilkit import InvalidArgument, Operation, Workload, arrivals, validate
from resilkit.amounts import parse_duration
from resilkit.workload import Arrivals, Explicit
from resilkit.workload.specs import Burst, Closed, Constant, Poisson, Stages

__all__ = ["FORMS", "OPTIONS", "Draft", "arguments_of", "call_of", "filled", "forms_for", "read"]

_LONGEST = 2000
_STEPS = "10 s: 100, 5 s: 400"

_KINDS: Final[tuple[type[Any], ...]] = (Constant, Poisson, Stages, Burst, Closed)
_UNITS: Final = {
    "rate": "operations/s", "base": "operations/s", "peak": "operations/s",
    "initial": "operations/s", "every": "s", "length": "s", "think_time": "s",
    "steps": "s: operations/s", "users": "", "gaps": "", "due": "", "loop": "",
}  # fmt: skip
_ALLOWED: Final = {
    "steps": f"seconds and the rate at their end, such as {_STEPS}",
    "users": "a number, or seconds and the number at their end, such as 10 s: 20, 60 s: 20",
    "think_time": "seconds between two operations of a user, or a range such as 0.1 to 0.5",
}
_CHOICES: Final = {"gaps": ["even", "poisson"]}


def _text(value: object) -> str:
    """Return a value of arrivals as somebody would write it."""
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], (list, tuple)):
        return ", ".join(f"{duration:g} s: {target:g}" for duration, target in value)
    if isinstance(value, (list, tuple)):
        return " to ".join(f"{each:g}" for each in value)
    return value if isinstance(value, str) else f"{value:g}"


def _form(kind: type[Any]) -> dict[str, Any]:
    about = inspect.getdoc(getattr(arrivals, kind.kind)) or ""
    return {
        "kind": kind.kind,
        "doc": about.partition("\n")[0].replace("`", ""),
        "fields": [
            {
                "key": field.name,
                "type": "choice" if field.name in _CHOICES else "str",
                "required": field.default is dataclasses.MISSING,
                "default": "" if field.default is dataclasses.MISSING else _text(field.default),
                "unit": _UNITS[field.name],
                "allowed": _ALLOWED.get(field.name, ""),
                "choices": _CHOICES.get(field.name, []),
                "doc": "",
            }
            for field in dataclasses.fields(kind)
        ],
    }


FORMS: Final = [_form(kind) for kind in _KINDS]
"""Every kind of arrivals that can be written in a form, with its fields, for the front end."""

OPTIONS: Final = [
    {"key": "duration", "unit": "s", "default": "until stopped", "doc": "Seconds of load."},
    {"key": "users", "unit": "", "default": "one a generator",
     "doc": "Open loop: how many users the operations are dealt out to."},
    {"key": "generators", "unit": "", "default": "1",
     "doc": "Processes that send; more of them for more than some 10,000 operations a second."},
    {"key": "seed", "unit": "", "default": "the cluster's", "doc": "The root of its randomness."},
]  # fmt: skip
"""What else can be said of a load."""


class Draft(NamedTuple):
    """A load that can be started."""

    workload: Workload
    duration: float | None
    seed: int | None


def forms_for(workload: Workload | None) -> list[dict[str, Any]]:
    """Return the forms that a panel has: one for a list too, where `workload` is one.

    A list is too long to be written in a field: as it was given, it can be started.
    """
    if workload is None or not isinstance(workload.arrivals, Explicit):
        return list(FORMS)
    return [*FORMS, {**_form(Explicit), "fields": []}]


def filled(workload: Workload | None) -> dict[str, Any]:
    """Return what the form has at first: the arrivals and options of `workload`."""
    if workload is None:
        return {"kind": "poisson", "fields": {"rate": "100"}, "options": {}}
    about = workload.arrivals.describe()
    kind = about.pop("kind")
    if isinstance(workload.arrivals, Explicit):
        return {"kind": kind, "fields": {}, "options": {}}
    users = workload.users if workload.users not in {None, workload.generators} else ""
    generators = workload.generators if workload.generators > 1 else ""
    return {
        "kind": kind,
        "fields": {key: _text(value) for key, value in about.items()},
        "options": {"users": str(users), "generators": str(generators)},
    }


def read(
    form: Mapping[str, Any], operations: Mapping[str, Operation], given: Workload | None
) -> tuple[Draft | None, dict[str, str]]:
    """Return the load that a form asks for, or what is wrong with each of its fields.

    Args:
        form: ``kind`` and ``fields`` of the arrivals, ``weights`` of the operations by their ids,
            and ``options``; all values are text.
        operations: By their ids.
        given: The workload that the panel was given: the rest is as there.

    Returns:
        The draft, or ``None`` and a problem by field: ``arrivals.rate``, ``weights.3``,
        ``options.seed`` and so on.
    """
    found = _Problems()
    options = {key: str(value).strip() for key, value in _mapping(form.get("options")).items()}
    weights = _mapping(form.get("weights"))
    made = found.attempt(_arrivals, form, given, place=_arrivals_place)
    mix = [
        found.attempt(_weighed, one, weights.get(key, ""), place=f"weights.{key}")
        for key, one in operations.items()
    ]
    duration = found.attempt(_duration, options.get("duration", ""))
    seed = found.attempt(_whole, options.get("seed", ""), "options.seed")
    if not operations:
        found["operations"] = "add a call to a server first"
    if found:
        return None, found
    workload = found.attempt(_workload, mix, made, options, given, place=_workload_place)
    return (None if found else Draft(workload, duration, seed)), found


class _Problems(dict[str, str]):
    """What is wrong, by field."""

    def attempt(
        self,
        work: Callable[..., Any],
        *args: Any,
        place: str | Callable[[str], str] = lambda path: path,
    ) -> Any:
        """Return what `work` does; ``None`` where it refuses something, and why is kept."""
        try:
            return work(*args)
        except InvalidArgument as error:
            where = place if isinstance(place, str) else place(error.path)
            self.setdefault(where, str(error).removeprefix(f"{error.path}: "))
            return None


def _mapping(given: object) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}


def _arrivals(form: Mapping[str, Any], given: Workload | None) -> Arrivals:
    if given is not None and form.get("kind") == Explicit.kind == given.arrivals.kind:
        return given.arrivals
    about: dict[str, Any] = {"kind": form.get("kind")}
    for key, value in _mapping(form.get("fields")).items():
        if text := str(value).strip():
            about[key] = _READ.get(key, _number)(text[:_LONGEST], f"arrivals.{key}")
    return arrivals.parse(about)


def _arrivals_place(path: str) -> str:
    # arrivals.steps[1].duration: the field is the second part.
    return ".".join(path.split(".")[:2]).partition("[")[0]


def _workload_place(path: str) -> str:
    return path if path.startswith("operations") else f"options.{path}"


def _number(text: str, _path: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text  # refused by whoever takes it, who knows what it should be
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _steps(text: str, path: str) -> list[tuple[float, Any]]:
    steps = []
    for part in text.replace(";", ",").strip(" ,").split(","):
        duration, colon, target = part.partition(":")
        if not colon:
            allowed = f"seconds and what is there at their end, such as {_STEPS}"
            raise InvalidArgument("is no step", path=path, value=part.strip(), allowed=allowed)
        steps.append((parse_duration(duration.strip(), path), _number(target.strip(), path)))
    return steps


def _users(text: str, path: str) -> Any:
    return _steps(text, path) if ":" in text else _number(text, path)


def _think_time(text: str, path: str) -> Any:
    low, to, high = text.partition(" to ")
    if to:
        return parse_duration(low, path), parse_duration(high, path)
    return parse_duration(text, path)


_READ: Final[dict[str, Callable[[str, str], Any]]] = {
    "steps": _steps,
    "users": _users,
    "think_time": _think_time,
    "every": parse_duration,
    "length": parse_duration,
    "gaps": lambda text, _: text,
}


def _duration(text: str) -> float | None:
    if not text:
        return None
    seconds = parse_duration(text, "options.duration")
    return validate.duration(seconds, "options.duration", allow_zero=False)


def _whole(text: str, path: str) -> int | None:
    return validate.number(_number(text, path), path, low=0, integer=True) if text else None


def _weighed(operation: Operation, text: str) -> Operation:
    text = str(text).strip()
    return dataclasses.replace(operation, weight=_number(text, "weight")) if text else operation


def _workload(
    mix: list[Operation], made: Arrivals, options: Mapping[str, str], given: Workload | None
) -> Workload:
    counts = {
        key: _whole(options.get(key, ""), key)
        for key in ("users", "generators")
        if not (key == "users" and isinstance(made, Closed | Explicit))
    }
    rest: dict[str, Any] = {key: value for key, value in counts.items() if value is not None}
    if given is not None:
        rest = {"max_in_flight": given.max_in_flight, "drain": given.drain} | rest
    return Workload(mix, made, **rest)


def call_of(server: str, method: str, arguments: str, taken: set[str]) -> Operation:
    """Return the operation that calls a method of a server.

    Args:
        server: Its name.
        method: The method's name.
        arguments: As between the parentheses of a call: Python literals.
        taken: Names that other operations have.

    Raises:
        InvalidArgument: Something is malformed; the path is that of the field: ``call.server``,
            ``call.method`` or ``call.arguments``.
    """
    args, kwargs = arguments_of(arguments)
    name, number = f"{server}.{method}"[:60], 1
    while (shown := name if number == 1 else f"{name} ({number})") in taken:
        number += 1
    try:
        return Operation.call(server, method, *args, name=shown, **kwargs)
    except InvalidArgument as error:
        field = {"target": "server", "name": "server"}.get(error.path, error.path)
        raise InvalidArgument(
            error.message, path=f"call.{field}", value=error.value, allowed=error.allowed
        ) from None


def arguments_of(text: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments that stand between the parentheses of a call. Nothing is evaluated.

    Raises:
        InvalidArgument: They are no Python literals.

    Examples:
        >>> arguments_of("1, [2, 'x'], by=-3")
        ((1, [2, 'x']), {'by': -3})
    """
    path, allowed = "call.arguments", "Python literals, such as 1, 'ann', by=2"
    try:
        call: Any = ast.parse(f"f({text[:_LONGEST]}\n)", mode="eval").body
        alone = isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        if not alone or len(text) > _LONGEST:
            raise ValueError(text)
        args = tuple(ast.literal_eval(each) for each in call.args)
        pairs = [(each.arg, ast.literal_eval(each.value)) for each in call.keywords]
        kwargs = {str(name): value for name, value in pairs}
        if None in dict(pairs) or len(kwargs) < len(pairs):  # **mapping, or a name twice
            raise ValueError(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise InvalidArgument(
            "are no literals", path=path, value=text[:200], allowed=allowed
        ) from None
    return args, kwargs
