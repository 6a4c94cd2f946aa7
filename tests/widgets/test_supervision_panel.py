"""The supervision panel's side of the kernel: it follows real supervisors, and acts on children."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit_widgets import SupervisionPanel, supervision_panel
from tests.cluster.harm import wait_until
from tests.cluster.servers import Counter
from tests.seen import HOSTILE, text_of
from tests.widgets.pressing import press

pytestmark = pytest.mark.usefixtures("ticked_by_hand")


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    inner = rk.SupervisorSpec("inner", [rk.ChildSpec(Counter, name="leaf")], strategy="one_for_all")
    top = rk.SupervisorSpec("top", [inner, rk.ChildSpec(Counter, id=HOSTILE)], max_restarts=9)
    with rk.Cluster(nodes=2, seed=5) as cluster:
        cluster.start(top, node="n1")
        yield cluster


@pytest.fixture
def panel(cluster: rk.Cluster) -> Iterator[SupervisionPanel]:
    made = SupervisionPanel(cluster)
    made.start()
    until(made, lambda: made.trees and not made._due and made._asking is None)
    yield made
    made.close()


def until(panel: SupervisionPanel, condition: Callable[[], Any]) -> None:
    """Tick, with a browser that draws at once, until a condition holds."""

    def holds() -> bool:
        panel.acknowledged = panel.sent
        panel.tick()
        return bool(condition())

    wait_until(holds)


def rows(panel: SupervisionPanel) -> dict[str, dict[str, Any]]:
    """Return every row of the tree by its id."""

    def walk(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield row
        for child in row["children"]:
            yield from walk(child)

    return {row["id"]: row for tree in panel.trees for row in walk(tree)}


def key(panel: SupervisionPanel, id: str) -> str:
    return str(rows(panel)[id]["key"])


def test_the_tree_is_nested_and_tells_class_node_status_and_rule(panel: SupervisionPanel) -> None:
    (top,) = panel.trees
    assert [child["id"] for child in top["children"]] == ["inner", HOSTILE]
    assert [top[name] for name in ("id", "node", "status", "rule", "top")] == [
        "top", "n1", "running", "one_for_one, 9 in 5 s", True,
    ]  # fmt: skip
    leaf = rows(panel)["leaf"]
    assert (leaf["class"], leaf["restart"], leaf["restarts"]) == ("Counter", "permanent", 0)
    assert not leaf["top"]


def test_a_crash_is_counted_with_its_reason_and_the_child_keeps_its_place(
    panel: SupervisionPanel,
) -> None:
    place = key(panel, "leaf")
    press(panel, "crash", key=place)
    assert panel.refused == ""
    until(panel, lambda: rows(panel)["leaf"]["restarts"] == 1)
    leaf = rows(panel)["leaf"]
    assert (leaf["key"], leaf["reason"], leaf["status"]) == (place, "killed", "running")


def test_an_exception_is_the_reason(cluster: rk.Cluster, panel: SupervisionPanel) -> None:
    with pytest.raises(rk.ServerExit):
        cluster.whereis("leaf").call.boom()
    until(panel, lambda: "boom" in rows(panel)["leaf"]["reason"])


def test_a_child_is_terminated_started_again_and_forgotten(panel: SupervisionPanel) -> None:
    press(panel, "terminate", key=key(panel, HOSTILE))
    until(panel, lambda: rows(panel)[HOSTILE]["status"] == "terminated")
    press(panel, "restart", key=key(panel, HOSTILE))
    until(panel, lambda: rows(panel)[HOSTILE]["status"] == "running")
    press(panel, "terminate", key=key(panel, HOSTILE))
    until(panel, lambda: rows(panel)[HOSTILE]["status"] == "terminated")
    press(panel, "delete", key=key(panel, HOSTILE))
    until(panel, lambda: HOSTILE not in rows(panel))


def test_children_and_supervisors_that_come_later_are_there(
    cluster: rk.Cluster, panel: SupervisionPanel
) -> None:
    cluster.whereis("inner").start_child(rk.ChildSpec(Counter, name="late"))
    until(panel, lambda: "late" in rows(panel))
    cluster.start(rk.SupervisorSpec("other", [rk.ChildSpec(Counter, name="else")]), node="n2")
    until(panel, lambda: "else" in rows(panel))
    assert [tree["node"] for tree in panel.trees] == ["n1", "n2"]
    cluster.whereis("other").stop()
    until(panel, lambda: "other" not in rows(panel))


def test_nodes_are_asked_when_something_has_changed_and_not_otherwise(
    panel: SupervisionPanel, cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    look = supervision_panel.look
    monkeypatch.setattr(
        supervision_panel, "look", lambda *given: asked.append("asked") or look(*given)
    )
    for _ in range(50):
        panel.acknowledged = panel.sent
        panel.tick()
    assert asked == []
    cluster.whereis("leaf").kill()
    until(panel, lambda: rows(panel)["leaf"]["restarts"] == 1 and panel._asking is None)
    assert 1 <= len(asked) <= 3


def test_the_queue_follows_the_metrics_and_needs_no_question(
    panel: SupervisionPanel, cluster: rk.Cluster
) -> None:
    until(panel, lambda: rows(panel)["leaf"]["queue"] == 0)
    cluster.metrics.append("queue_length", 1e9, "n1", "leaf", 7)
    until(panel, lambda: rows(panel)["leaf"]["queue"] == 7)
    press(panel, "terminate", key=key(panel, HOSTILE))
    until(panel, lambda: rows(panel)[HOSTILE]["status"] == "terminated")
    assert rows(panel)[HOSTILE]["queue"] is None


def test_a_node_that_does_not_answer_is_named_and_shown_as_it_was(
    panel: SupervisionPanel, cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision_panel, "_AGAIN", 0.0)
    cluster.nodes["n1"].pause()
    cluster.start(rk.SupervisorSpec("other", []), node="n2")
    until(panel, lambda: panel.notices)
    assert panel.notices == [
        "n1 does not answer: it is paused. Its supervisors are shown as they were last."
    ]
    assert rows(panel)["leaf"]["silent"]
    assert not rows(panel)["other"]["silent"]
    cluster.nodes["n1"].resume()
    until(panel, lambda: not panel.notices)
    assert not rows(panel)["leaf"]["silent"]


def test_what_goes_wrong_when_nodes_are_asked_is_told_and_they_are_asked_again(
    panel: SupervisionPanel, cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no wire")

    monkeypatch.setattr(supervision_panel, "_AGAIN", 0.0)
    with monkeypatch.context() as bad:
        bad.setattr(supervision_panel, "look", fail)
        cluster.start(rk.SupervisorSpec("other", []), node="n2")
        until(panel, lambda: panel.notices)
        assert panel.notices == [
            "The nodes could not be asked: OSError: no wire. They are shown as they were last."
        ]
        assert "leaf" in rows(panel)
    until(panel, lambda: "other" in rows(panel) and not panel.notices)


def test_an_answer_that_cannot_be_read_leaves_the_other_nodes_as_they_are(
    panel: SupervisionPanel, cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(answer: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if any(row["pid"].node == "n1" for row in answer):
            raise KeyError("parent")
        return branches(answer)

    branches = supervision_panel.branches
    monkeypatch.setattr(supervision_panel, "_AGAIN", 0.0)
    with monkeypatch.context() as bad:
        bad.setattr(supervision_panel, "branches", read)
        cluster.start(rk.SupervisorSpec("other", []), node="n2")
        until(panel, lambda: "other" in rows(panel))
        [notice] = panel.notices
        assert notice.startswith("n1 gives an answer that cannot be read: KeyError: 'parent'. Its")
        assert rows(panel)["leaf"]["silent"]
        assert not rows(panel)["other"]["silent"]
    until(panel, lambda: not panel.notices)
    assert not rows(panel)["leaf"]["silent"]


def test_nodes_are_asked_again_when_there_was_no_room_for_the_thread_that_asks(
    panel: SupervisionPanel, cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    panel._due = True
    with monkeypatch.context() as bad:
        bad.setattr(threading.Thread, "start", full)
        panel.acknowledged = panel.sent
        panel.tick()
    assert panel.error == "RuntimeError: can't start new thread"
    cluster.start(rk.SupervisorSpec("other", []), node="n2")
    until(panel, lambda: "other" in rows(panel))
    assert panel.error == ""


def test_of_children_that_are_gone_only_the_newest_reasons_are_kept(
    panel: SupervisionPanel, cluster: rk.Cluster
) -> None:
    press(panel, "crash", key=key(panel, "leaf"))
    until(panel, lambda: rows(panel)["leaf"]["reason"] == "killed")
    about = {"supervisor": "top", "reason": "done"}
    for number in range(3_000):
        told = {"node": "n1", "target": f"job-{number}", "detail": about}
        cluster.events.append(1e9, "supervision", "terminated", **told)
    until(panel, lambda: panel._asking is None and not panel._due)
    assert rows(panel)["leaf"]["reason"] == "killed", "it is there"
    assert len(panel._reasons) == supervision_panel._MOST_REASONS + 1
    assert ("n1", "top", "job-2999") in panel._reasons, "it may be seen with the next answer"


def test_what_ended_with_its_node_is_told_and_comes_back_with_it(
    panel: SupervisionPanel, cluster: rk.Cluster
) -> None:
    cluster.nodes["n1"].kill()
    until(panel, lambda: panel.trees == [])
    assert panel.notices == ["n1 is killed: what was supervised on it has ended."]
    cluster.nodes["n1"].restart()
    until(panel, lambda: "leaf" in rows(panel) and panel.notices == [])


def give_up(cluster: rk.Cluster, name: str) -> None:
    """Start a supervisor that forgives one end of its child, and crash it until that gives up."""
    till = rk.ChildSpec(Counter, name=f"{name}-till")
    spec = rk.SupervisorSpec(name, [till], max_restarts=1, max_seconds=5.0)
    cluster.start(spec, node="n2")

    def over() -> bool:
        with contextlib.suppress(rk.ResilkitError):
            cluster.whereis(f"{name}-till").call.boom()
        return any(one.event == "gave_up" for one in cluster.events)

    wait_until(over)


def test_one_that_gave_up_is_told_with_its_reason_until_one_of_its_name_runs(
    panel: SupervisionPanel, cluster: rk.Cluster
) -> None:
    give_up(cluster, HOSTILE)
    until(panel, lambda: panel.given_up)
    [told] = panel.given_up
    moment = next(one.time for one in cluster.events if one.event == "gave_up") - cluster.started
    assert told == (
        f"✗ {HOSTILE} gave up on n2 at {moment:.1f} s (more than 1 restart in 5 s): "
        f"{HOSTILE}-till ended with ValueError: boom"
    )
    assert HOSTILE not in {tree["id"] for tree in panel.trees}
    picture = panel.last_picture()["text/html"]
    assert "<img" not in picture
    assert told in text_of(picture)
    cluster.start(rk.SupervisorSpec(HOSTILE, []), node="n1")
    until(panel, lambda: not panel.given_up)


def test_one_that_gave_up_is_told_of_when_the_cluster_is_over(
    panel: SupervisionPanel, cluster: rk.Cluster
) -> None:
    give_up(cluster, "shop")
    until(panel, lambda: panel.given_up)
    cluster.close()
    panel.tick()
    assert panel.state == "over"
    assert "✗ shop gave up on n2" in text_of(panel.last_picture()["text/html"])


def test_what_cannot_be_done_is_told_under_the_panel(panel: SupervisionPanel) -> None:
    press(panel, "terminate", key=key(panel, "top"))
    assert "top has no supervisor" in panel.refused
    press(panel, "restart", key=key(panel, "leaf"))
    assert "need not be started" in panel.refused
    press(panel, "crash", key='["n1", "gone"]')
    assert "is not there any more" in panel.refused
    press(panel, "format", key=key(panel, "leaf"))
    assert panel.refused.startswith("InvalidArgument: do:")


def test_the_last_tree_stays_and_is_harmless(panel: SupervisionPanel, cluster: rk.Cluster) -> None:
    press(panel, "crash", key=key(panel, "leaf"))
    until(panel, lambda: rows(panel)["leaf"]["restarts"] == 1)
    cluster.close()
    panel.tick()
    assert panel.state == "over"
    picture = panel.last_picture()["text/html"]
    assert "<img" not in picture
    assert "<ul><li>" in picture
    text = text_of(picture)
    assert "as last seen" in text
    assert "●" not in text
    assert "9 in 5 s · n1 ■" in text, "no sign stands before nothing"
    assert {row["status"] for row in rows(panel).values()} == {"closed"}
    assert "■ closed leaf Counter · n1 · permanent · ↻ 1" in text
    assert "ended last with killed" in text
    assert f"{HOSTILE} Counter" in text


def test_a_panel_that_is_closed_leaves_no_thread(panel: SupervisionPanel) -> None:
    panel._due = True
    panel.acknowledged = panel.sent
    panel.tick()
    panel.close()
    for thread in threading.enumerate():
        if thread.name == "resilkit panel supervision":
            thread.join(10.0)
    panel.tick()
    assert not any("supervision" in thread.name for thread in threading.enumerate())


def test_what_is_no_cluster_is_refused() -> None:
    with pytest.raises(rk.InvalidArgument, match="must be a running cluster"):
        SupervisionPanel(3)  # type: ignore[arg-type]
