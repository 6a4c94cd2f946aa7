"""The outcome of a trial shows what it failed of, as text, in a notebook and as pictures."""

from __future__ import annotations

import functools
from xml.etree import ElementTree

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.apps import store
from resilkit.cluster.trace_log import TraceMessage
from resilkit.metrics.sequence import diagram
from resilkit.testing import Call, Cast, Concurrent, Outcome, Trial, run_trial
from resilkit.testing.outcome_figure import outcome_figure
from resilkit.testing.outcome_steps import steps_of
from resilkit.testing.trail import merged
from resilkit.texts import timed
from tests.seen import drawings, text_of
from tests.testing.servers import COUNTER, Counter, Forgetful, increments


@functools.cache
def lost() -> Outcome:
    trial = Trial(
        Forgetful, [*increments(2, 3, 1), Cast("increment"), Call("take", 9)], model=COUNTER,
        faults=[faults.Latency(0.05, 0.1, at=0.1, duration=0.3)], seed=4,
    )  # fmt: skip
    return run_trial(trial)


def test_it_says_in_short_lines_what_it_failed_of() -> None:
    assert repr(lost()) == (
        '<Outcome: failed: no order of the operations explains that Call("increment",\n'
        '  by=1) by @notebook replied 5: after Call("increment", by=2), then\n'
        '  Call("increment", by=3) the model says 6; 5 operations, seed 4, schedule\n'
        "  random>"
    )
    assert repr(run_trial(Trial(Counter))) == (
        "<Outcome: passed; 0 operations, seed 0, schedule random>"
    )


def test_a_failure_is_raised_with_all_there_is_to_say() -> None:
    run_trial(Trial(Counter, increments(1))).raise_if_failed()
    with pytest.raises(AssertionError) as raised:
        lost().raise_if_failed()
    assert isinstance(raised.value, rk.TrialFailed)
    assert raised.value.outcome is lost()
    told = str(raised.value)
    assert told.startswith("no order of the operations explains that")
    assert 'Call("increment", by=3)  ✓ 5' in told
    assert 'Call("take", 9)          ✗ Refused: too little' in told
    assert "Latency(low=0.05, high=0.1, at=0.1, duration=0.3)" in told
    assert "To see it again (seed 4, schedule random):" in told
    assert "    from tests.testing.servers import Forgetful" in told


def test_the_cause_of_a_failure_is_that_of_the_error() -> None:
    def never(cluster: rk.Cluster) -> bool:
        raise KeyError(cluster.seed)

    outcome = run_trial(Trial(Counter, invariants=[never]))
    with pytest.raises(rk.TrialFailed) as raised:
        outcome.raise_if_failed()
    assert isinstance(raised.value.__cause__, KeyError)


def test_in_a_notebook_it_shows_operations_picture_messages_and_script() -> None:
    page = lost()._repr_html_()
    for part in (
        "✗ failed", "Refused: too little", 'class="rk-themed"', "run_trial(trial)",
        "faults",
    ):  # fmt: skip
        assert part in page
    assert "<svg" not in page, "the words of one would stand in a row where it is not trusted"
    (drawing,) = drawings(page)
    texts = [each.text for each in drawing.iter() if each.tag.endswith("text")]
    assert {"@notebook", "forgetful", "increment(by=2)"} <= set(texts)
    assert 'title="call increment(by=2)"' in page, "to who points at it"
    passed = run_trial(Trial(Counter, increments(1)))._repr_html_()
    assert "✓ passed" in passed
    assert not drawings(passed)


def test_what_people_named_is_escaped_on_a_page() -> None:
    def evil(cluster: rk.Cluster) -> bool:
        assert cluster.closed, "<script>alert(1)</script>"
        return True

    named = rk.ChildSpec(Counter, name="<i>counter</i>")
    outcome = run_trial(Trial(named, [Call("get", to="<i>counter</i>")], invariants=[evil]))
    page = outcome._repr_html_()
    assert "<script>" not in page
    assert "<i>" not in page
    assert "&lt;i&gt;counter" in page


def test_the_figure_has_a_lane_a_process_and_virtual_seconds() -> None:
    race = Concurrent([increments(1, 2), [Cast("increment")], [Call("take", 99)]])
    outcome = run_trial(Trial(Counter, race, faults=[faults.Partition(duration=0.5)]))
    for theme in ("light", "dark"):
        picture = outcome.figure(theme=theme, width=700)
        texts = [text.get_text() for axes in picture.axes for text in axes.texts]
        assert {"@p1", "@p2", "@p3", "Operations"} <= set(texts)
        assert any("partition" in text for text in texts)
        assert picture.axes[-1].get_xlabel() == "virtual time (s)"
        assert picture.to_png()[1:4] == b"PNG"
    assert "Trial passed (seed 0, schedule random)" in [each.get_text() for each in picture.texts]
    empty = outcome_figure(run_trial(Trial(Counter)))
    assert any("no operations" in text.get_text() for text in empty.axes[-1].texts)


def test_the_history_is_a_frame() -> None:
    frame = lost().frame()
    assert list(frame["method"]) == ["increment"] * 4 + ["take"]
    assert list(frame["status"]) == ["ok", "ok", "ok", "sent", "fail"]
    assert list(frame["value"])[:3] == [2, 5, 5]
    assert list(frame["error"])[-1] == "Refused: too little"
    assert set(frame["to"]) == {"forgetful"}
    assert frame["ended"].isna().tolist() == [False, False, False, True, False]
    assert frame["began"].dtype == "float64"


def test_the_messages_are_those_of_the_very_same_run() -> None:
    outcome = run_trial(Trial(Counter, Concurrent([increments(1, 2), increments(4)]), seed=9))
    calls = [row for row in outcome.messages if row.kind == "call"]
    assert sorted((row.sender, row.payload) for row in calls) == [
        ("@p1", "by=1"), ("@p1", "by=2"), ("@p2", "by=4"),
    ]  # fmt: skip
    by_reply = {str(each.value): each for each in outcome.history}
    for row in outcome.messages:
        if row.kind == "reply" and row.receiver.startswith("@p"):
            each = by_reply[row.payload]
            assert each.ended is not None
            assert each.began < row.time - outcome.started < each.ended
    assert outcome.diagram(width=600).to_png()[1:4] == b"PNG"


def test_what_invariants_ask_is_not_among_the_messages() -> None:
    def small(cluster: rk.Cluster) -> bool:
        return bool(cluster.whereis("counter").call.get() < 100)

    operations = [Call("increment", by=2), Call("get"), Cast("increment", by=3)]
    alone = Trial(Counter, operations, invariants=[small], duration=1.0)
    outcome = run_trial(alone)
    assert outcome.looks > 10
    assert [(row.kind, row.payload) for row in outcome.messages if row.kind != "started"] == [
        ("call", "by=2"), ("reply", "2"), ("call", ""), ("reply", "2"), ("cast", "by=3"),
    ]  # fmt: skip
    at_once = alone.replaced(operations=Concurrent([operations, [Call("get")]]))
    messages = run_trial(at_once).messages
    assert [row.id for row in messages] == list(range(1, len(messages) + 1))
    assert {row.sender for row in messages if row.kind == "call"} == {"@p1", "@p2"}
    assert len([row for row in messages if row.kind == "reply"]) == 3


def test_faults_are_steps_of_the_diagram() -> None:
    cut = faults.Partition("one", targets="n1", duration=0.2)
    trial = Trial(
        Counter, increments(1, 1, 1), duration=3.0, nodes=2,
        faults=[cut, faults.NodePause(at=1.5, targets="n2")], invariants=[lambda _: False],
    )  # fmt: skip
    assert [row.kind for row in steps_of(run_trial(trial))] == ["fault", "call", "reply"]
    outcome = run_trial(trial.replaced(invariants=[]))
    told = [row.payload if row.kind == "fault" else row.kind for row in steps_of(outcome)]
    assert told == [
        "partition n1 – n2", "call", "reply", "partition n1 – n2 ends", "call", "reply",
        "node pause n2", "call", "reply",
    ]  # fmt: skip
    assert all(row.time >= outcome.started for row in steps_of(outcome))
    page = run_trial(trial)._repr_html_()
    assert "⚡ partition" in page
    shown = [text.get_text() for text in outcome.diagram().axes[0].texts]
    assert "⚡ node pause n2" in shown


def test_faults_and_operations_have_one_zero_in_the_diagram() -> None:
    cut = faults.Partition("one", targets="n1", duration=0.2)
    trial = Trial(
        Counter, increments(1, 1, 1), duration=3.0, nodes=2,
        faults=[cut, faults.NodePause(at=1.5, targets="n2")],
    )  # fmt: skip
    outcome = run_trial(trial)
    first = outcome.history[0].began
    assert 0.0 < first < 0.01, "it waits for what strikes at 0"
    assert [each.began for each in outcome.history[1:]] == pytest.approx([1.0, 2.0], abs=1e-9)
    drawn = diagram(steps_of(outcome), most=60, lifelines=5, origin=outcome.started)
    moments = {step.text: drawn.when(step) for step in drawn.steps if step.kind == "fault"}
    assert moments["⚡ node pause n2"] == "1.500"


def test_a_failed_trial_tells_that_a_supervisor_gave_up() -> None:
    class Divides(rk.Server):
        def sell(self) -> float:
            return 1 / 0

    shops = rk.SupervisorSpec("shops", [rk.ChildSpec(Divides, name="shop")], max_restarts=1)
    asked = [Call("sell", to="shop")] * 4
    outcome = run_trial(
        Trial(
            shops, asked, may_crash=True, duration=1.0, invariants=[lambda _, done: len(done) < 4]
        )
    )
    told = outcome.told()
    assert "Supervisor 'shops' gave up at 0.25 s" in told
    assert "shop ended with ZeroDivisionError" in told
    assert "Supervisor &#39;shops&#39; gave up at 0.25 s" in outcome._repr_html_()
    calm = run_trial(outcome.trial.replaced(operations=asked[:1]))
    assert "gave up" not in calm.told()


def test_what_servers_send_before_the_first_operation_is_not_in_the_diagram() -> None:
    asked = [Call("put", "colour", "red", to="coordinator-n1")]
    trial = Trial(
        store.Store(), asked, nodes=3, duration=0.1, faults=[faults.Latency(0.0, 0.005)],
        invariants=[lambda _: False],
    )  # fmt: skip
    outcome = run_trial(trial)
    between = [row for row in outcome.messages if 0.0 <= row.time - outcome.started < 0.001]
    assert between, "while the latency came into force"
    first, second, *_ = steps_of(outcome)
    assert (first.kind, second.kind, second.sender) == ("fault", "call", "@notebook")


def test_who_does_the_operations_has_a_lifeline_where_there_is_no_room_for_all() -> None:
    asked = [Call("put", "colour", "red", to="coordinator-n1")]
    trial = Trial(store.Store(), asked, nodes=3, duration=1.0, invariants=[lambda _: False])
    outcome = run_trial(trial)
    shown = [text.get_text() for text in outcome.diagram(width=700).axes[0].texts]
    (drawing,) = drawings(outcome._repr_html_())
    heads = [each.text for each in drawing.iter() if each.get("class") == "rk-n"]
    for names in (shown, heads):
        assert "@notebook" in names
        assert "coordinator-n1" in names
        assert any(str(name).endswith(" others)") for name in names), "there is no room for all"


def has_crashed(cluster: rk.Cluster) -> bool:
    return all(event.event != "killed" for event in cluster.events)


def broken(page: str) -> list[ElementTree.Element]:
    """Return the parts of lifelines in which a server was not there."""
    (drawing,) = drawings(page)
    return [each for each in drawing.iter() if each.get("class") == "rk-g"]


def test_a_lifeline_is_broken_while_the_node_of_its_server_is_down() -> None:
    crash = faults.NodeCrash(at=0.3, restart_after=0.4, targets="n1")
    both = {name: [rk.ChildSpec(Counter, name=f"on-{name}")] for name in ("n1", "n2")}
    asked = [Call("get", to=to) for to in ("on-n1", "on-n2") for _ in range(4)]
    outcome = run_trial(Trial(both, asked, faults=[crash], nodes=2, duration=2.0))
    crashed = next(row for row in outcome.events if row.event == "killed")
    told = [(row.kind, row.time) for row in outcome.messages if row.sender == "on-n1"]
    assert [kind for kind, _ in told if kind in {"started", "ended"}] == [
        "started", "ended", "started",
    ]  # fmt: skip
    assert ("ended", crashed.time) in told
    drawn = diagram(steps_of(outcome), most=60, lifelines=5)
    (gone,) = drawn.gone
    assert drawn.names[gone.lifeline] == "on-n1"
    first, last = drawn.steps[gone.first], drawn.steps[gone.last]
    assert (first.text, last.kind) == ("ended: node n1 ended", "started")
    assert last.time - first.time >= 0.4
    page = run_trial(outcome.trial.replaced(invariants=[lambda _: False]))._repr_html_()
    assert not broken(page), "it failed before the crash"
    page = run_trial(outcome.trial.replaced(invariants=[has_crashed]))._repr_html_()
    assert len(broken(page)) == 1


def test_a_server_that_ended_by_itself_does_not_end_again_with_its_node() -> None:
    class Brief(rk.Server):
        def leave(self) -> None:
            self.stop("done")

    trial = Trial(
        rk.ChildSpec(Brief, name="brief", restart="temporary"), [Call("leave")], nodes=1,
        faults=[faults.NodeCrash(at=0.5)], may_crash=True, duration=1.0,
    )  # fmt: skip
    ended = [row.payload for row in run_trial(trial).messages if row.kind == "ended"]
    assert len(ended) == 1, ended
    assert "done" in ended[0]


def test_answers_name_what_they_answer() -> None:
    asked: dict[int, str] = {}
    for row in run_trial(Trial(Counter, increments(1, 2))).messages:
        if row.kind == "call":
            asked[row.id] = row.payload
        elif row.kind == "reply":
            assert row.answers is not None
            assert asked.pop(row.answers) == f"by={1 if row.payload == '1' else 2}"
    assert not asked


def test_what_a_server_sends_comes_after_what_had_it_sent() -> None:
    class Front(rk.Server):
        def add(self, by: int) -> None:
            self.whereis("counter").cast.increment(by)

        async def ask(self) -> object:
            return await self.whereis("counter").call.get()

    both = {"n1": [rk.ChildSpec(Counter, name="counter"), rk.ChildSpec(Front, name="front")]}
    asked = [Call("add", 3, to="front"), Call("ask", to="front")]
    outcome = run_trial(Trial(both, asked, nodes=1))
    assert len({row.time for row in outcome.since_the_first}) == 2
    assert [(row.kind, row.sender, row.receiver) for row in outcome.since_the_first] == [
        ("call", "@notebook", "front"),
        ("cast", "front", "counter"),
        ("reply", "front", "@notebook"),
        ("call", "@notebook", "front"),
        ("call", "front", "counter"),
        ("reply", "counter", "front"),
        ("reply", "front", "@notebook"),
    ]


def test_messages_between_two_servers_are_told_once() -> None:
    def row(time: float, direction: str, kind: str, sender: str, receiver: str) -> TraceMessage:
        return TraceMessage(time, direction, kind, sender, receiver, "m", "", "n1", 1, None)

    told = merged(
        [
            ("a", [row(1, "out", "call", "a", "b"), row(4, "in", "reply", "b", "a")]),
            ("b", [row(2, "in", "call", "a", "b"), row(3, "out", "reply", "b", "a")]),
            ("c", [row(0, "", "started", "c", ""), row(5, "out", "cast", "c", "elsewhere")]),
        ]
    )
    assert [(each.time, each.kind, each.id) for each in told] == [
        (0, "started", 1), (2, "call", 2), (3, "reply", 3), (5, "cast", 4),
    ]  # fmt: skip


def test_of_very_many_messages_the_first_are_seen_with_the_newest() -> None:
    between = [Call("get")] * 30
    operations = [*increments(2), *between, *increments(3, 1)]
    outcome = run_trial(Trial(Forgetful, operations, model=COUNTER))
    page = outcome._repr_html_()
    for shown in ("increment(by=2)", "increment(by=1)", "⋮ 27 left out ⋮"):
        assert shown in page
    texts = [each.get_text() for each in outcome.diagram(most=20).axes[0].texts]
    assert {"increment(by=2)", "increment(by=1)", "⋮ 47 left out ⋮"} <= set(texts)


def test_the_figure_marks_when_it_failed_though_the_last_operation_is_long_over() -> None:
    def never_old(cluster: rk.Cluster) -> bool:
        looks.append(cluster)
        return len(looks) != oldest

    looks: list[rk.Cluster] = []
    oldest = 0
    trial = Trial(Counter, increments(1), invariants=[never_old], settle=2.0)
    passed = run_trial(trial)
    oldest = passed.looks
    looks.clear()
    outcome = run_trial(trial)
    assert outcome.failure is not None
    assert outcome.failure.time > 2.0
    (last,) = outcome.history
    assert last.ended is not None
    assert last.ended < 0.1
    axes = outcome.figure(width=700).axes[-1]
    (cross,) = [each for each in axes.collections if each.get_zorder() == 4]
    assert cross.get_offsets()[0][0] == pytest.approx(outcome.failure.time)
    assert axes.get_xlim()[1] > outcome.failure.time
    texts = [each.get_text() for each in axes.texts]
    assert {"failed", f"{outcome.failure.time:.4g} s: never_old"} <= set(texts)
    assert "failed" not in [each.get_text() for each in passed.figure(width=700).axes[-1].texts]


def test_no_line_breaks_within_the_moment_of_a_failure_or_a_short_name() -> None:
    named = rk.ChildSpec(Counter, name="locks-2")
    trial = Trial(named, [Call("increment", to="locks-2")], invariants=[lambda _: False])
    outcome = run_trial(trial)
    page = outcome._repr_html_()
    whole = '<span style="white-space:nowrap">{}</span>'
    assert outcome.failure is not None
    assert whole.format("locks-2") in page
    assert whole.format(f"(t = {timed(outcome.failure.time)})") in page
    assert text_of(page).count("(t = ") >= 1
