"""How specs of servers show themselves."""

from __future__ import annotations

from resilkit.runtime import ChildSpec, SupervisorSpec
from tests.runtime.servers import Counter
from tests.seen import HOSTILE, seen


class Sulky:
    def __repr__(self) -> str:
        raise ValueError(HOSTILE)


def test_a_child_spec_shows_how_it_is_started_and_stopped() -> None:
    text = seen(ChildSpec(Counter, name="a", args=(3,), restart="transient", shutdown=None))
    assert "child spec a" in text
    assert "class Counter" in text
    assert "arguments 3" in text
    assert "restart transient" in text
    assert "shutdown as long as it takes" in text


def test_a_child_spec_with_a_hostile_name_and_argument_is_harmless() -> None:
    text = seen(ChildSpec(Counter, id=HOSTILE, args=(Sulky(),)))
    assert HOSTILE in text
    assert "whose repr raised ValueError" in text


def test_the_repr_of_a_child_spec_is_short_and_asks_no_argument() -> None:
    assert (
        repr(ChildSpec(Counter, name="a", args=(Sulky(),))) == "<ChildSpec 'a': Counter, permanent>"
    )


def test_a_supervisor_spec_shows_its_rules_and_its_tree() -> None:
    inner = SupervisorSpec("inner", [ChildSpec(Counter, id=HOSTILE)], strategy="one_for_all")
    spec = SupervisorSpec("outer", [inner, ChildSpec(Counter, name="b")], max_restarts=7)
    text = seen(spec)
    assert "supervisor spec outer one_for_one, at most 7 restarts in 5 s" in text
    assert f"inner one_for_all, at most 3 restarts in 5 s · permanent {HOSTILE} Counter" in text
    assert "<ul><li><b>inner</b>" in spec._repr_html_()
