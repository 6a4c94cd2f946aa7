"""How specs of servers look in a notebook: a table, and a supervisor's tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from resilkit.markup import code, display, guarded, nested, note, paragraph, safe, table
from resilkit.texts import plain, shown

if TYPE_CHECKING:
    from resilkit.runtime.specs import ChildSpec, SupervisorSpec

__all__ = ["child_spec_html", "spec_tree", "supervisor_spec_html"]

_LONGEST = 80


@guarded
def child_spec_html(spec: ChildSpec) -> str:
    """Return how a server is started, restarted and stopped."""
    arguments = [_short(each) for each in spec.args]
    arguments += [f"{key}={_short(value)}" for key, value in spec.kwargs.items()]
    named = f"{spec.name} (once a {spec.scope})" if spec.name else "none"
    rows: list[tuple[str, object]] = [
        ("class", code(spec.server.__name__)),
        ("name", named),
        ("arguments", code(", ".join(arguments)) if arguments else "none"),
        ("restart", spec.restart),
        ("shutdown", _shutdown(spec.shutdown)),
    ]
    if spec.significant:
        rows.append(("significant", "yes: its end can end its supervisor"))
    return display("child spec", spec.id, table((), rows))


def _short(value: object) -> str:
    text = shown(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _shutdown(given: Any) -> str:
    if given is None:
        return "as long as it takes"
    if isinstance(given, str):
        return "killed at once"
    return f"killed after {given:g} s"


@guarded
def supervisor_spec_html(spec: SupervisorSpec) -> str:
    """Return a supervisor's rules and the tree below it."""
    below = spec_tree(spec.children) or note("It begins without children.")
    return display("supervisor spec", spec.name, paragraph(_rules(spec)), below)


def _rules(spec: SupervisorSpec) -> str:
    restarts = plain(spec.max_restarts, "restart")
    rules = f"{spec.strategy}, at most {restarts} in {spec.max_seconds:g} s"
    if spec.auto_shutdown != "never":
        rules += f", ends with {spec.auto_shutdown.replace('_', ' ')} child"
    return rules


def spec_tree(children: Sequence[ChildSpec | SupervisorSpec]) -> Markup:
    """Return specs, and those below them, as a nested list."""
    return nested((_line(each), spec_tree(getattr(each, "children", ()))) for each in children)


def _line(spec: ChildSpec | SupervisorSpec) -> Markup:
    # Asked by its attribute: the classes live in the module that imports this one.
    what = code(spec.server.__name__) if hasattr(spec, "server") else safe(_rules(spec))
    facts = [what, safe(spec.restart), *(["significant"] if spec.significant else [])]
    name = spec.name or "no name"
    if spec.name != spec.id:
        facts.append(safe(name))
    return Markup("<b>{}</b> {}").format(safe(spec.id), Markup(" · ").join(facts))
