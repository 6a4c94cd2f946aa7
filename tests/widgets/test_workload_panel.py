"""The workload panel's side of the kernel: loads on a real cluster, from its form and from code."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import resilkit as rk
from resilkit.workload import LoadRun
from resilkit_widgets import WorkloadPanel
from tests.cluster.harm import wait_until
from tests.widgets.pressing import press

pytestmark = pytest.mark.usefixtures("ticked_by_hand")

HOSTILE = "<img src=x onerror=hurt()>"
FORM: dict[str, Any] = {
    "kind": "constant", "fields": {"rate": "100"}, "weights": {}, "options": {},
}  # fmt: skip


class Desk(rk.Server):
    """Counts."""

    def init(self) -> None:
        """Begin at 0."""
        self.count = 0

    def add(self, by: int = 1) -> int:
        """Count."""
        self.count += by
        return self.count

    def refuse(self) -> None:
        """Refuse, with a text that would be markup."""
        raise rk.Refused(HOSTILE)


async def own(user: Any) -> int:
    """Count, as an operation of one's own."""
    return int(await user.whereis("desk").call.add())


def any_desk(user: Any) -> str:
    """Draw a desk."""
    return str(user.rng.choice(["desk", "other"]))


def workload(rate: float = 100) -> rk.Workload:
    return rk.Workload([rk.Operation("own", own)], rk.arrivals.constant(rate))


@pytest.fixture(scope="module")
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, seed=5) as cluster:
        spec = rk.SupervisorSpec("desks", [rk.ChildSpec(Desk, name="desk")])
        cluster.start(spec, node="n2")
        cluster.start(Desk, name="other", node="n1")
        wait_until(lambda: cluster.whereis("desk").alive())
        yield cluster


@pytest.fixture(autouse=True)
def _no_load_is_left(cluster: rk.Cluster) -> Iterator[None]:
    yield
    for load in cluster._session.loads:
        load.stop()


def opened(cluster: rk.Cluster, *given: Any) -> WorkloadPanel:
    panel = WorkloadPanel(cluster, *given)
    panel.start()
    panel.tick()
    return panel


def problems(panel: WorkloadPanel, form: Any) -> dict[str, str]:
    panel._handle_custom_msg({"do": "check", "form": form}, [])
    return dict(panel.problems)


def running(panel: WorkloadPanel) -> LoadRun:
    [load] = [each for each in panel._cluster._session.loads if each.running]
    return load


def row(panel: WorkloadPanel, condition: Any = lambda _: True) -> dict[str, Any]:
    """Tick, as a browser draws, until the newest load's row is as it should be; return it."""

    def tick() -> Any:
        panel.acknowledged = panel.sent
        panel.tick()
        assert panel.error == ""
        return panel.loads and condition(panel.loads[-1])

    wait_until(tick)
    return dict(panel.loads[-1])


def figures(shown: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["text"] for each in shown["figures"]}


def by_second(load: LoadRun) -> list[str]:
    """Return how much has succeeded in each second of a load, as it is shown."""
    done = load.history.frame(origin=load.started)["done"].dropna()
    return [str(count) for count in np.bincount(done.to_numpy(dtype=int))]


def test_the_form_begins_with_the_workload_and_the_servers_that_run(cluster: rk.Cluster) -> None:
    operations = [
        rk.Operation.call("desk", "add", by=2, weight=0.8),
        rk.Operation("own", own, weight=0.2),
        rk.Operation.call(any_desk, "add", name="any"),
    ]
    panel = opened(cluster, rk.Workload(operations, rk.arrivals.closed(5, think_time=0.1)))
    assert panel.first["kind"] == "closed"
    assert panel.first["fields"] == {"users": "5", "think_time": "0.1"}
    assert [(each["what"], each["weight"]) for each in panel.operations] == [
        ("desk.add(by=2)", "0.8"),
        ("own(user)", "0.2"),
        ("any_desk.add()", "1"),
    ]
    assert panel.servers == {"desk": ["add", "refuse"], "other": ["add", "refuse"]}
    assert panel.loads == []


def test_a_load_is_started_from_the_form_followed_and_stopped(cluster: rk.Cluster) -> None:
    panel = opened(cluster, workload())
    assert problems(panel, FORM) == {}
    press(panel, "start", form=FORM | {"options": {"seed": "3"}})
    assert panel.refused == ""
    load = running(panel)
    assert (load.workload.operations[0].name, load.seed, load.duration) == ("own", 3, None)
    shown = row(panel, lambda row: figures(row)["ok/s"] in by_second(load))
    assert shown["state"] == "running"
    assert shown["words"].startswith("running for ")
    assert "constant(rate=100)" in shown["what"]
    assert (figures(shown)["intended/s"], figures(shown)["errors/s"]) == ("100", "0")
    assert "users" not in figures(shown), "an open loop has none"
    assert [each["over"] for each in shown["figures"]] == [
        "now", "last second", "last second", "last second", "now", "so far", "so far",
    ]  # fmt: skip
    row(panel, lambda row: figures(row)["p95 of ok"] != "–")
    press(panel, "stop", id=shown["id"])
    assert load.wait(20.0)
    shown = row(panel, lambda row: row["state"] == "over")
    assert shown["lever"] is None
    assert figures(shown)["operations"] == f"{len(load.history):,}"
    assert figures(shown)["p50 of ok"].endswith("s")
    assert {each["over"] for each in shown["figures"]} == {"whole load"}
    press(panel, "stop", id=shown["id"])
    assert panel.refused == "", "it has ended already"


def test_nothing_is_started_from_a_form_with_a_mistake(cluster: rk.Cluster) -> None:
    panel = opened(cluster, workload())
    wrong = FORM | {"fields": {"rate": "quick"}}
    assert list(problems(panel, wrong)) == ["arrivals.rate"]
    press(panel, "start", form=wrong)
    assert panel.refused.startswith("InvalidArgument: arrivals.rate: ")
    assert list(panel.problems) == ["arrivals.rate"]
    press(panel, "start", form=None)
    press(panel, "dance")
    assert "is no action" in panel.refused or "dance" in panel.refused
    for nonsense in (None, 3, [], {}):
        assert problems(panel, nonsense)
    assert not [each for each in cluster._session.loads if each.running]


@dataclass(frozen=True)
class Touchy(rk.Operation):
    """An operation of the user's, whose own code raises at some weights."""

    def __post_init__(self) -> None:
        super().__post_init__()
        1 / (self.weight - 7.0)


def test_what_the_users_code_raises_while_one_writes_is_shown_until_it_does_not_any_more(
    cluster: rk.Cluster,
) -> None:
    panel = opened(cluster, rk.Workload([Touchy("own", own)], rk.arrivals.constant(50)))
    wrong = FORM | {"weights": {"0": "7"}}
    assert problems(panel, wrong) == {"": "ZeroDivisionError: float division by zero"}
    press(panel, "start", form=wrong)
    assert panel.refused == "ZeroDivisionError: float division by zero"
    assert problems(panel, FORM | {"weights": {"0": "6"}}) == {}


def test_a_move_of_a_slider_that_cannot_be_granted_is_told_and_the_next_one_counts(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = opened(cluster)

    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with workload().start(cluster) as load:
        number = row(panel)["id"]
        with monkeypatch.context() as crowded:
            crowded.setattr(threading.Thread, "start", full)
            press(panel, "set", id=number, value=30)
        assert panel.refused == "RuntimeError: can't start new thread"
        press(panel, "set", id=[number], value=40)
        assert panel.refused.startswith("TypeError: ")
        assert load.rate == 100
        press(panel, "set", id=number, value=50)
        assert (panel.refused, load.rate) == ("", 50)


def test_calls_are_put_together_added_and_taken_off(cluster: rk.Cluster) -> None:
    panel = opened(cluster)
    assert "add a call" in problems(panel, FORM)["operations"]
    press(panel, "add", server=" desk ", method="add", arguments="by=2")
    press(panel, "add", server="desk", method="refuse", arguments="")
    press(panel, "add", server="desk", method="add", arguments="3")
    assert panel.refused == ""
    assert [(each["name"], each["what"], each["own"]) for each in panel.operations] == [
        ("desk.add", "desk.add(by=2)", False),
        ("desk.refuse", "desk.refuse()", False),
        ("desk.add (2)", "desk.add(3)", False),
    ]
    press(panel, "remove", id=panel.operations[0]["id"])
    assert [each["name"] for each in panel.operations] == ["desk.refuse", "desk.add (2)"]
    refuse, add = (each["id"] for each in panel.operations)
    press(panel, "start", form=FORM | {"weights": {refuse: "1", add: "0"}})
    shown = row(panel, lambda row: row["errors"])
    assert shown["errors"][0]["text"].startswith("Refused")
    assert HOSTILE in shown["errors"][0]["text"], "the front end shows it as text"
    picture = panel.last_picture()["text/html"]
    assert "<img" not in picture
    assert "&lt;img" in picture
    assert set(running(panel).history.frame()["operation"]) == {"desk.refuse"}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ({"server": "desk", "method": "fly", "arguments": ""}, "call.method: "),
        ({"server": "desk", "method": "add", "arguments": "os"}, "call.arguments: "),
        ({"server": "", "method": "add", "arguments": ""}, "call.server: "),
        ({}, "call.server: "),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(
    cluster: rk.Cluster, call: dict[str, str], told: str
) -> None:
    panel = opened(cluster)
    press(panel, "add", **call)
    assert told in panel.refused
    assert panel.operations == []


def test_the_lever_moves_the_rate_the_users_or_the_plan(cluster: rk.Cluster) -> None:
    panel = opened(cluster)
    for arrivals, lever, value, attribute in (
        (rk.arrivals.poisson(100), ("rate", 500.0), 250, "rate"),
        (rk.arrivals.closed(3, think_time=0.05), ("users", 20.0), 7, "users"),
        (rk.arrivals.stages([(1, 50)], initial=50), ("factor", 5.0), 0.5, "factor"),
    ):
        made = rk.Workload([rk.Operation("own", own)], arrivals)
        with made.start(cluster) as load:
            shown = row(panel, lambda row: row["state"] == "running")
            assert (shown["lever"]["kind"], shown["lever"]["most"]) == lever
            press(panel, "set", id=shown["id"], value=value)
            assert panel.refused == ""
            assert getattr(load, attribute) == value
            assert row(panel)["lever"]["value"] == value
            press(panel, "set", id=shown["id"], value="fast")
            assert "InvalidArgument" in panel.refused
            assert getattr(load, attribute) == value
            press(panel, "set", id=shown["id"], value=value)
            assert panel.refused == ""
        row(panel, lambda row: row["state"] == "over")
    press(panel, "set", id=99, value=3)
    assert "is no load any more" in panel.refused


def test_of_many_moves_of_a_slider_the_last_one_holds(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = opened(cluster)
    with workload().start(cluster) as load:
        number = row(panel)["id"]
        held, asked, set_rate = threading.Event(), [], LoadRun.set_rate

        def slow(one: LoadRun, factor: float) -> None:
            asked.append(factor)
            held.wait(20.0)
            set_rate(one, factor)

        monkeypatch.setattr(LoadRun, "set_rate", slow)
        panel._handle_custom_msg({"do": "set", "id": number, "value": 10}, [])
        wait_until(lambda: asked)
        for value in range(20, 60):
            panel._handle_custom_msg({"do": "set", "id": number, "value": value}, [])
        held.set()
        press(panel, "set", id=number, value=60)
        assert load.rate == 60
        assert len(asked) <= 3, "those that were overtaken are left out"


def test_a_load_of_an_experiment_or_of_code_is_there_too_until_the_next_one(
    cluster: rk.Cluster,
) -> None:
    panel = opened(cluster)
    experiment = rk.Experiment(
        cluster.spec, system=None, workload=workload(50), scenario=rk.Scenario("calm", []),
        duration=0.2,
    )  # fmt: skip
    experiment.run(cluster=cluster, progress=False)
    first = row(panel, lambda row: row["state"] == "over")
    assert figures(first)["operations"] == "10"
    with workload(200).start(cluster, duration=30.0):
        second = row(panel, lambda row: row["state"] == "running")
        assert [each["id"] for each in panel.loads] == [second["id"]]
        assert second["id"] != first["id"]
        assert "of 30 s" in second["words"]


def test_the_last_picture_is_a_table_of_what_the_loads_did() -> None:
    with rk.Cluster(nodes=1) as cluster:
        cluster.start(Desk, name="desk")
        panel = opened(cluster, workload())
        assert "No load has run" in panel.last_picture()["text/html"]
        with workload().start(cluster) as load:
            row(panel, lambda _: len(load.history) > 30)
            assert "running for" in panel.last_picture()["text/html"]
            assert panel.last_picture()["text/html"].count("<table") == 1

    def over() -> bool:
        panel.acknowledged = panel.sent
        panel.tick()
        return panel.state == "over"

    wait_until(over)
    html = panel.last_picture()["text/html"]
    assert ">own</" in html
    assert "over after" in html
    assert f">{len(load.history):,}</td>" in html
    assert "<script" not in html
    assert panel.last_picture()["text/plain"].startswith("<WorkloadPanel over of")


@pytest.mark.parametrize(("given", "path"), [(("n1",), "cluster"), ((None,), "cluster")])
def test_what_is_no_cluster_is_refused(given: Any, path: str) -> None:
    with pytest.raises(rk.InvalidArgument) as caught:
        WorkloadPanel(*given)
    assert caught.value.path == path


def test_what_is_no_workload_is_refused(cluster: rk.Cluster) -> None:
    with pytest.raises(rk.InvalidArgument, match="workload: is no workload"):
        WorkloadPanel(cluster, [own])  # type: ignore[arg-type]


def test_a_cluster_without_servers_says_how_to_start_one_first() -> None:
    with rk.Cluster(nodes=1) as empty:
        panel = opened(empty)
        told = problems(panel, FORM)["operations"]
        assert told == (
            'no server runs yet: cluster.start(MyServer, name="mine"), then add a call to it'
        )
        empty.start(Desk, name="desk")
        panel.acknowledged = panel.sent
        panel.tick()
        assert problems(panel, FORM)["operations"] == "add a call to a server first"
