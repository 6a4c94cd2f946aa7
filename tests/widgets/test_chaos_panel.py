"""The chaos panel's side of the kernel: checks of forms, and injections into a real cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit_widgets import ChaosPanel, ticker
from tests.cluster.harm import wait_until
from tests.widgets.pressing import press


class Counter(rk.Server):
    """Counts nothing: it is there to be crashed."""


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChaosPanel]:
    monkeypatch.setattr(ticker, "begin", lambda _: None)
    with rk.Cluster(nodes=3, seed=5) as cluster:
        made = ChaosPanel(cluster)
        made.start()
        made.tick()
        yield made


def problems(panel: ChaosPanel, fault: Any) -> dict[str, str]:
    panel._handle_custom_msg({"do": "check", "fault": fault}, [])
    return panel.problems


def test_every_registered_fault_is_there_with_its_units(panel: ChaosPanel) -> None:
    forms = {form["name"]: form for form in panel.faults}
    assert {"latency", "node_crash", "partition", "server_crash", "memory"} <= set(forms)
    [low] = [field for field in forms["latency"]["fields"] if field["key"] == "low"]
    assert (low["unit"], low["required"], low["own"]) == ("s, or 20 ms", True, True)
    assert low["allowed"].startswith("a number of seconds")
    [kind] = [field for field in forms["partition"]["fields"] if field["key"] == "kind"]
    assert "halves" in kind["choices"]


def test_what_is_wrong_is_told_by_its_field(panel: ChaosPanel) -> None:
    assert problems(panel, {"latency": {"low": "20 ms", "high": 0.2}}) == {}
    assert list(problems(panel, {"latency": {"high": 1}})) == ["low"]
    assert list(problems(panel, {"latency": {"low": "quick", "high": 1}})) == ["low"]
    found = problems(panel, {"latency": {"low": 0.1, "high": 1, "every": 0}})
    assert list(found) == ["every"]
    assert "latency" not in found["every"], "the field is where it stands"
    assert list(problems(panel, {"latency": {"low": 2, "high": 1}})) == ["low"]
    assert list(problems(panel, {"node_crash": {"targets": []}})) == ["targets"]
    for links in ("n1<->n2", ["n1<->n2", "n2<->n3"]):
        assert problems(panel, {"latency": {"low": 0, "high": 1, "targets": links}}) == {}
    found = problems(panel, {"latency": {"low": 0, "high": 1, "targets": "n1->n2"}})
    assert 'allowed: "n1<->n2"' in found["targets"]
    for nonsense in (None, 3, {}, {"nope": {}}, {"latency": 3}):
        assert problems(panel, nonsense)


def test_a_fault_is_injected_listed_and_healed(panel: ChaosPanel) -> None:
    cluster = panel._cluster
    press(
        panel, "inject", fault={"partition": {"kind": "custom", "groups": [["n1"], ["n2", "n3"]]}}
    )
    assert panel.refused == ""
    [row] = panel.injections
    assert row["what"] == "partition: n1 apart from n2, n3"
    assert (row["state"], row["strikes"]) == ("active", 1)
    assert cluster.health()["n1"]["reachable"] == ["n1"]
    press(panel, "heal", id=row["id"])
    assert panel.injections == []
    ended = panel.ended[row["id"]]
    assert (ended["words"], ended["why"]) == ("✓ healed", "")
    assert (ended["where"], ended["strikes"]) == (row["where"], 1)
    assert cluster.health()["n1"]["reachable"] == ["n1", "n2", "n3"]
    press(panel, "heal", id=row["id"])
    assert panel.refused == "", "it has healed already"


def test_faults_that_code_injects_are_listed_too_and_healed_all_together(
    panel: ChaosPanel,
) -> None:
    panel._cluster.inject(rk.faults.Latency(0.0, 0.001))
    panel._cluster.inject(rk.faults.NodePause(at=100.0))
    panel.tick()
    assert [row["state"] for row in panel.injections] == ["active", "waiting"]
    press(panel, "heal_all")
    assert panel.injections == []


def test_a_crash_of_a_server_has_struck_so_often_and_is_never_in(ticked_by_hand: None) -> None:
    # In virtual time, which stands still while the panel looks: no moment between is missed.
    with rk.Cluster(nodes=3, backend="simulation", seed=5) as cluster:
        panel = ChaosPanel(cluster)
        panel.start()
        cluster.start(rk.SupervisorSpec("all", [rk.ChildSpec(Counter, name="c")], max_restarts=99))
        crash = cluster.inject(rk.faults.ServerCrash(every=0.05, count=2, targets="c"))
        seen = set()
        for _ in range(30):
            panel.acknowledged = panel.sent
            panel.tick()
            seen.update((row["state"], row["words"]) for row in panel.injections)
            cluster.advance(0.01)
        assert seen == {("waiting", "waiting"), ("waiting", "struck once")}
        assert panel.ended == {
            crash.id: {
                "words": "✓ struck twice, over", "why": "", "strikes": 2, "where": "c",
                "places": "c",
            }
        }  # fmt: skip


def test_what_has_become_of_a_fault_is_told_as_it_is(panel: ChaosPanel) -> None:
    def heal(broken: str) -> dict[str, Any]:
        fault = rk.faults.Latency(0.0, 0.001, at=99.0 if broken == "never struck" else None)
        injection = panel._cluster.inject(fault)
        panel.tick()
        if broken == "cannot":
            injection.outcomes[0]["heal_failed"] = "n1 does not come back"
        injection.heal()
        panel.acknowledged = panel.sent
        panel.tick()
        return dict(panel.ended[injection.id])

    assert heal("never struck")["words"] == "– taken back before it struck"
    cannot = heal("cannot")
    assert (cannot["words"], cannot["why"]) == ("✗ not taken back", "n1 does not come back")
    for _ in range(60):
        heal("")
    assert len(panel.ended) == 50


def test_what_cannot_be_injected_is_told_under_the_panel(panel: ChaosPanel) -> None:
    press(panel, "inject", fault={"node_pause": {"targets": "n9"}})
    assert "n9" in panel.refused
    press(panel, "format_disk")
    assert "is no action" in panel.refused
    assert panel.injections == []


def test_a_fault_of_ones_own_has_a_form_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from resilkit.faults import registry

    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))

    @rk.register_fault("hiccup")
    class Hiccup(rk.LinkFault):
        """Holds each message up for a moment."""

        seconds: float = 0.1

        def verdict(self, message: Any, rng: Any) -> Any:
            return rk.Deliver(after=self.seconds)

    with rk.Cluster(nodes=2) as cluster:
        panel = ChaosPanel(cluster)
        [form] = [each for each in panel.faults if each["name"] == "hiccup"]
        assert form["doc"] == "Holds each message up for a moment."
        assert form["fields"][0]["default"] == "0.1"


def test_what_a_fault_of_ones_own_raises_is_told_in_its_form(
    panel: ChaosPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from resilkit.faults import registry

    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))

    @rk.register_fault("hiccup")
    class Hiccup(rk.LinkFault):
        """Holds each message up for a moment."""

        rate: float = 0.1

        def __post_init__(self) -> None:
            self.check(1 / self.rate > 0)

        def check(self, fine: bool) -> None:
            assert fine

        def verdict(self, message: Any, rng: Any) -> Any:
            return rk.Deliver(after=1 / self.rate)

    told = "ZeroDivisionError: float division by zero"
    assert problems(panel, {"hiccup": {"rate": 0}}) == {"": told}
    text = "name: h\nduration: 9 s\nfaults:\n  - hiccup: {rate: 0}\n"
    panel._handle_custom_msg({"do": "draft", "yaml": text}, [])
    assert (panel.draft["problem"], panel.draft["timeline"]) == (told, None)
    assert problems(panel, {"hiccup": {"rate": 1}}) == {}


def test_the_last_picture_is_a_table_of_what_happened(panel: ChaosPanel) -> None:
    press(panel, "inject", fault={"node_pause": {"targets": "n2", "for": "50 ms"}})
    wait_until(lambda: "healed" in set(panel._cluster.events.frame("fault")["event"]))
    html = panel.last_picture()["text/html"]
    assert "✓</span> healed</span></td>" in html
    assert "n2" in html


def test_what_is_no_cluster_is_refused() -> None:
    with pytest.raises(rk.InvalidArgument, match="must be a running cluster"):
        ChaosPanel(None)  # type: ignore[arg-type]
