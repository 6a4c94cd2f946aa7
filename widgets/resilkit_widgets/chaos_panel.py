"""`ChaosPanel`: every fault as a form, and those that are in with a button that heals them."""

from __future__ import annotations

import html
import inspect
from collections.abc import Mapping
from typing import Any

import traitlets

from resilkit import Cluster, Fault, InvalidArgument
from resilkit.faults import from_dict, registered_faults, to_dict
from resilkit.faults.fields import FieldInfo, field_info
from resilkit_widgets.acting import ActingPanel
from resilkit_widgets.panel import STATIC

__all__ = ["ChaosPanel"]

_UNITS = {"s": "s", "share": "0 to 1, or %", "bytes": "bytes, MiB", "bytes/s": "MB/s", "1/s": "/s"}


class ChaosPanel(ActingPanel):
    """Injects faults into a running cluster from forms, shows those that are in, and heals them.

    Every registered fault is there, those of one's own too. Its fields take what scenario files
    take (``20 ms``, ``5 %``, ``64 MiB``); what is wrong with one stands beside it before anything
    is injected. Faults that code injects are listed as well.

    Args:
        cluster: The cluster to break.

    Raises:
        InvalidArgument: `cluster` is no `resilkit.Cluster`.

    Examples:
        ::

            ChaosPanel(cluster)
    """

    _esm = STATIC / "chaos.js"
    _css = STATIC / "chaos.css"

    faults: traitlets.List[Any] = traitlets.List().tag(sync=True)
    problems: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    injections: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, cluster: Cluster) -> None:
        if not isinstance(cluster, Cluster):
            raise InvalidArgument(
                "must be a running cluster", path="cluster", value=cluster, allowed="a Cluster"
            )
        self._cluster = cluster
        super().__init__(faults=[_form(name, kind) for name, kind in registered_faults().items()])

    def __repr__(self) -> str:
        return f"<ChaosPanel {self.state} of {self._cluster!r}>"

    def _update(self) -> None:
        running = list(self._cluster._session.faults.injections.values())
        self.injections = [
            {
                "id": each.id,
                "what": _described(each.fault),
                "where": ", ".join(each.outcomes[-1]["targets"]) if each.outcomes else "",
                "state": "active" if each.active else "waiting",
                "strikes": len(each.outcomes),
            }
            for each in running
        ]

    def _ended(self) -> bool:
        return self._cluster.closed

    def _heard(self, widget: object, content: Any, buffers: object) -> None:
        if isinstance(content, Mapping) and content.get("do") == "check":
            # At once: it is the answer to each key that somebody presses.
            with self._guard:
                self.problems = self._problems(content.get("fault"))
            return
        super()._heard(widget, content, buffers)

    def _problems(self, fault: object) -> dict[str, str]:
        """Return what is wrong with a form, by the field; under ``""`` what is about all of it."""
        try:
            from_dict(fault, "fault")
        except InvalidArgument as error:
            # fault.latency.low: the field is the third part.
            field = [*error.path.split("."), "", ""][2].partition("[")[0]
            return {field: str(error).removeprefix(f"{error.path}: ")}
        return {}

    def _words(self, what: str, content: Mapping[str, Any]) -> str:
        if what == "inject":
            return f"injecting {next(iter(content['fault']))}"
        if what == "heal":
            return f"healing {content['id']}"
        if what == "heal_all":
            return "healing all"
        raise InvalidArgument("is no action", path="do", value=what)

    def _do(self, what: str, content: Mapping[str, Any]) -> None:
        if what == "inject":
            self._cluster.inject(from_dict(content["fault"], "fault"))
        elif what == "heal_all":
            self._cluster.heal()
        elif injection := self._cluster._session.faults.injections.get(content["id"]):
            injection.heal()  # else it has healed by itself just now

    def _picture(self) -> str:
        events = self._cluster.events.frame("fault")
        started = self._cluster._session.started
        rows = "".join(
            f"<tr><td>{time - started:.1f}</td><td>{event}</td><td>{html.escape(target)}</td></tr>"
            for time, event, target in zip(
                events["time"], events["event"], events["target"], strict=True
            )
        )
        return (
            "<table><caption>Faults</caption><thead><tr><th>time (s)</th><th>event</th>"
            f"<th>where</th></tr></thead><tbody>{rows}</tbody></table>"
        )


def _described(fault: Fault) -> str:
    """Return a fault in a line, with what is not as it is by default.

    Examples:
        >>> from resilkit import faults
        >>> _described(faults.Latency(0.02, 0.2, targets="n1"))
        'latency (low 0.02, high 0.2, targets n1)'
    """
    ((name, fields),) = to_dict(fault).items()
    told = ", ".join(f"{key} {value}" for key, value in fields.items())
    return name.replace("_", " ") + (f" ({told})" if told else "")


def _form(name: str, kind: type[Fault]) -> dict[str, Any]:
    return {
        "name": name,
        "title": name.replace("_", " "),
        "doc": (inspect.getdoc(kind) or "").partition("\n")[0],
        "fields": [_field(info) for info in field_info(kind)],
    }


def _field(info: FieldInfo) -> dict[str, Any]:
    return {
        "key": info.key,
        "type": info.type,
        "required": info.required,
        "default": "" if info.default is None else _text(info.default),
        "unit": _UNITS.get(info.unit.unit, ""),
        "allowed": info.allowed,
        "choices": list(info.choices),
        "own": info.own,
        "doc": info.doc,
    }


def _text(default: object) -> str:
    return ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)
