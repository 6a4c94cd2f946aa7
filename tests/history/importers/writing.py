"""Values and histories as other tools write them, made by Hypothesis."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from resilkit.history.importers.edn import hashable

__all__ = ["Keyword", "as_edn", "as_python", "op_edn", "op_json", "op_lists", "values"]


@dataclass(frozen=True)
class Keyword:
    name: str


def keywords() -> st.SearchStrategy[Keyword]:
    return st.from_regex(r"[a-z][a-z0-9.*+!?_-]{0,9}(/[a-z]{1,5})?", fullmatch=True).map(Keyword)


def _characters() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=("Cs",)))


def values() -> st.SearchStrategy[Any]:
    """Whatever EDN can say; maps are dicts, vectors tuples, sets lists of what is distinct."""
    atoms = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), _characters(),
        keywords(),
    )  # fmt: skip
    return st.recursive(
        atoms,
        lambda below: st.one_of(
            st.lists(below).map(tuple),
            st.dictionaries(st.one_of(_characters(), keywords()), below).map(_distinct),
            st.frozensets(st.one_of(st.integers(), st.text(alphabet="abc"))),
        ),
        max_leaves=8,
    )


def _distinct(given: dict[Any, Any]) -> dict[Any, Any]:
    # A keyword and a text of the same name are one key once the colon is gone.
    return {key: given[key] for key in {as_python(key): key for key in given}.values()}


def as_edn(value: object) -> str:
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Keyword):
        return f":{value.name}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, float):
        return {"inf": "##Inf", "-inf": "##-Inf"}.get(repr(value), repr(value))
    if isinstance(value, tuple):
        return f"[{' '.join(map(as_edn, value))}]"
    if isinstance(value, frozenset):
        return f"#{{{' '.join(map(as_edn, value))}}}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{as_edn(key)} {as_edn(one)}' for key, one in value.items())}}}"
    return str(value)


def as_python(value: object) -> object:
    """Return what the reader should make of `value`."""
    if isinstance(value, Keyword):
        return value.name
    if isinstance(value, tuple):
        return tuple(map(as_python, value))
    if isinstance(value, Mapping):
        return {hashable(as_python(key)): as_python(one) for key, one in value.items()}
    return value


# Made once: to put a strategy together costs more than to draw from it.
_VALUES = st.one_of(
    st.none(),
    st.integers(),
    st.floats(allow_nan=False),
    _characters(),
    keywords(),
    st.lists(st.one_of(st.none(), st.integers(), keywords()), max_size=3).map(tuple),
    st.dictionaries(st.text("abc"), st.integers(), max_size=3),
)
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["invoke", "invoke", "ok", "fail", "info", "nemesis"]),
        st.integers(0, 2),
        st.sampled_from(["read", "write", "cas"]),
        _VALUES,
        st.integers(0, 10**10),
    ),
    max_size=20,
)


def op_lists(*, timed: bool | None = None) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Op maps of a history as Jepsen would record it, keys without colons."""
    return st.builds(_ops, _STEPS, st.booleans() if timed is None else st.just(timed))


def _ops(steps: list[tuple[str, int, str, Any, int]], timed: bool) -> list[dict[str, Any]]:
    clock, processes = 0, [0, 1, 2]
    opened: dict[int, dict[str, Any]] = {}
    found: list[dict[str, Any]] = []
    for kind, thread, f, value, pause in steps:
        clock += pause
        process = processes[thread]
        op: dict[str, Any]
        if kind == "nemesis":
            op = {"process": Keyword("nemesis"), "type": "info", "f": "start"}
        elif process not in opened:
            op = opened[process] = {"process": process, "type": "invoke", "f": f, "value": value}
        elif kind == "invoke":
            continue
        else:
            op = {**opened.pop(process), "type": kind}
            op |= {"value": value} if kind == "ok" else {"error": Keyword("timeout")}
            if kind == "info":
                processes[thread] += 3
        found.append({**op, "time": clock} if timed else op)
    return found


def op_edn(op: Mapping[str, Any]) -> str:
    words = {"type", "f"}
    shown = [f":{key} {as_edn(Keyword(one) if key in words else one)}" for key, one in op.items()]
    return f"{{{', '.join(shown)}}}"


def op_json(op: Mapping[str, Any]) -> str:
    return json.dumps({key: as_json(one) for key, one in op.items()})


def as_json(value: object) -> object:
    if isinstance(value, Keyword):
        return value.name
    if isinstance(value, (tuple, frozenset)):
        return [as_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(as_json(key)): as_json(one) for key, one in value.items()}
    return value
