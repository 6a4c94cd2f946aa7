"""The trace panel's side of the kernel: a trace of a real server, and none when it is closed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit.clock import monotonic
from resilkit.markup import safe
from resilkit.metrics.sequence import OUTSIDE
from resilkit_widgets import TracePanel, ticker, trace_panel
from tests.cluster.harm import wait_until
from tests.cluster.servers import Counter
from tests.widgets.pressing import press


@pytest.fixture(scope="module")
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, seed=5) as cluster:
        cluster.start(rk.SupervisorSpec("boss", [rk.ChildSpec(Counter, name="counter")]), node="n2")
        cluster.start(Counter, name="other", node="n1")
        yield cluster


@pytest.fixture
def panels(monkeypatch: pytest.MonkeyPatch, cluster: rk.Cluster) -> Iterator[Any]:
    """Make panels that tick when the test says so, and close them."""
    monkeypatch.setattr(ticker, "begin", lambda _: None)
    made: list[TracePanel] = []

    def make(server: Any = None) -> TracePanel:
        made.append(TracePanel(cluster, server))
        made[-1].start()
        made[-1].tick()
        return made[-1]

    yield make
    for panel in made:
        panel.close()
    assert cluster._session.traces._traces == {}


def look(panel: TracePanel) -> list[tuple[str, str]]:
    """Bring the panel up to date as if a browser had drawn; return kinds and texts."""
    panel.acknowledged = panel.sent
    panel.tick()
    return [(row["kind"], row["text"]) for row in panel.messages]


def test_names_that_run_now_are_listed_by_node(panels: Any) -> None:
    panel = panels()
    assert panel.servers == [
        {"node": "n1", "names": ["other"]},
        {"node": "n2", "names": ["boss", "counter"]},
    ]
    assert (panel.tracing, panel.trace, panel.messages) == (False, None, [])


def test_a_server_is_traced_from_its_start_to_its_stop(panels: Any, cluster: rk.Cluster) -> None:
    panel, counter = panels(), cluster.whereis("counter")
    press(panel, "start", server="counter")
    assert (panel.server, panel.tracing, panel.run, panel.refused) == ("counter", True, 1, "")
    began = monotonic()
    counter.call.increment(by=2)
    took = monotonic() - began
    wait_until(lambda: len(look(panel)) == 2)
    asked, answered = panel.messages
    assert (asked["text"], answered["text"]) == ("increment(by=2)", "2")
    assert (asked["sender"], asked["receiver"]) == ("@notebook", "counter")
    assert asked["time"] == 0.0 < answered["time"] <= took
    assert answered["answers"] == asked["id"]
    press(panel, "stop")
    counter.call.increment()
    assert look(panel) == [("call", "increment(by=2)"), ("reply", "2")]
    assert (panel.tracing, panel.told) == (False, "2 messages")
    assert panel.trace.over


def test_what_is_made_again_and_again_shows_what_has_come_and_asks_no_node(
    panels: Any, cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = panels("counter")
    cluster.whereis("counter").call.increment()
    with monkeypatch.context() as patched:
        patched.setattr(rk.Trace, "_fetched", None)
        wait_until(lambda: len(look(panel)) == 2)
        assert "2 messages" in panel._picture()


def test_a_server_that_is_given_is_traced_as_soon_as_the_panel_is_there(
    panels: Any, cluster: rk.Cluster
) -> None:
    by_name, by_reference = panels("counter"), panels(cluster.whereis("other"))
    nameless = cluster.start(Counter, node="n1")
    by_pid = panels(nameless)
    assert [panel.tracing for panel in (by_name, by_reference, by_pid)] == [True] * 3
    assert [by_name.server, by_reference.server] == ["counter", "other"]
    assert by_pid.servers[-1] == {"node": "others", "names": [by_pid.server]}
    nameless.call.increment()
    wait_until(lambda: len(look(by_pid)) == 2)
    press(by_pid, "start", server=by_pid.server)
    assert by_pid.refused == "", "it is known though it has no name"
    nameless.stop()


def test_another_server_begins_a_new_diagram_and_ends_the_old_trace(
    panels: Any, cluster: rk.Cluster
) -> None:
    panel = panels("counter")
    cluster.whereis("counter").cast.increment()
    wait_until(lambda: look(panel))
    first = panel.trace
    press(panel, "start", server="other")
    assert first.over
    assert look(panel) == []
    cluster.whereis("counter").call.increment()
    cluster.whereis("other").cast.increment()
    wait_until(lambda: look(panel) == [("cast", "increment()")])


def test_kinds_that_are_not_asked_for_are_not_recorded_and_the_diagram_goes_on(
    panels: Any, cluster: rk.Cluster
) -> None:
    panel, counter = panels("counter"), cluster.whereis("counter")
    counter.cast.increment()
    counter.call.increment(by=1)
    wait_until(lambda: len(look(panel)) == 3)
    press(panel, "filter", groups=["signals", "calls"])
    assert panel.groups == ["calls", "signals"]
    counter.cast.increment()
    counter.call.increment(by=2)
    wait_until(lambda: len(look(panel)) == 5)
    assert [text for _, text in look(panel)][3] == "increment(by=2)"
    ids = [row["id"] for row in panel.messages]
    assert ids == [1, 2, 3, 4, 5]
    assert panel.messages[-1]["answers"] == 4
    assert panel.told == "5 messages"
    times = [row["time"] for row in panel.messages]
    assert times == sorted(times)
    page = panel.last_picture()["text/html"]
    assert "increment(by=1)" in page, "of the trace before"
    assert "increment(by=2)" in page
    assert "rk-cast" not in page


@pytest.mark.parametrize("groups", [[], ["call"], "calls", None])
def test_what_is_no_filter_is_refused_and_the_trace_goes_on(
    panels: Any, cluster: rk.Cluster, groups: Any
) -> None:
    panel = panels("counter")
    before = panel.trace
    press(panel, "filter", groups=groups)
    assert "InvalidArgument" in panel.refused
    if groups == []:
        press(panel, "filter", groups=["calls"])
        return
    assert panel.trace is before
    assert panel.tracing


def test_a_pause_holds_the_diagram_and_not_the_trace(panels: Any, cluster: rk.Cluster) -> None:
    panel, counter = panels("counter"), cluster.whereis("counter")
    panel.paused = True
    counter.cast.increment()
    wait_until(lambda: look(panel) == [] and panel.told == "1 message")
    panel.paused = False
    assert look(panel) == [("cast", "increment()")]


def test_the_newest_are_shown_and_what_came_too_fast_is_counted(
    panels: Any, cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_panel, "_SHOWN", 3)
    monkeypatch.setattr(trace_panel, "_KEPT", 5)
    monkeypatch.setattr(trace_panel, "_RATE", 20.0)
    panel, counter = panels("counter"), cluster.whereis("counter")
    for number in range(50):
        counter.cast.increment(number)
    counter.sync()
    wait_until(lambda: look(panel) and "of which" in panel.told)
    log = panel.trace._log
    wait_until(lambda: log.appended + log.too_fast == 52)  # with those of `sync`
    look(panel)
    assert len(panel.messages) == 3
    assert 0 < log.too_fast <= 42
    assert panel.told == (
        f"{log.appended + log.too_fast} messages, of which {log.too_fast} came too fast and were "
        "only counted; the newest 5 are kept"
    )


def test_the_picture_that_stays_has_the_times_the_count_and_the_order_of_the_live_diagram(
    panels: Any, cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_panel, "_SHOWN", 4)
    monkeypatch.setattr(trace_panel, "_KEPT", 5)
    panel, counter = panels("counter"), cluster.whereis("counter")
    counter.call.increment(by=1)
    wait_until(lambda: len(look(panel)) == 2)
    panel.trace._log.extend([panel.trace.messages[0]._replace(time=monotonic() + 60.0)] * 6)
    answer = panel.trace.messages[0]._replace(sender="counter", receiver="@notebook")
    panel.trace._log.extend([answer] * 5)
    assert len(look(panel)) == 4
    assert panel.messages[-1]["time"] > 50.0
    assert panel.messages[-1]["sender"] == "counter"
    assert panel.order == ["@notebook", "counter"]
    page = panel.last_picture()["text/html"]
    live = f"{panel.messages[-1]['time']:.3f}"
    assert re.findall(r'class="rk-t"[^>]*>([\d.]+)<', page) == [live] * 5
    assert re.findall(r'class="rk-n"[^>]*>([^<]+)<title>', page) == ["@notebook", "counter"]
    assert f"{panel.told}; as last seen" in page
    assert panel.told == "13 messages; the newest 5 are kept"
    assert safe(panel.outside) in page
    panel.trace.stop()
    assert f"{panel.told}; stopped" in panel.last_picture()["text/html"]


def test_whoever_has_had_no_message_for_long_gives_up_the_place(
    panels: Any, cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_panel, "_SHOWN", 2)
    panel, counter = panels("counter"), cluster.whereis("counter")
    counter.cast.increment()
    wait_until(lambda: len(look(panel)) == 1)
    assert (panel.order, panel.outside) == (["@notebook", "counter"], OUTSIDE)
    inside = panel.trace.messages[0]._replace(sender="other")
    panel.trace._log.extend([inside] * 2)
    look(panel)
    assert (panel.order, panel.outside) == (["counter", "other"], "")


def test_a_server_that_crashes_is_followed_and_one_that_is_not_there_waited_for(
    panels: Any, cluster: rk.Cluster
) -> None:
    panel = panels("late")
    assert panel.servers[-1] == {"node": "not running", "names": ["late"]}
    cluster.start(Counter, name="late", node="n1").stop()
    wait_until(lambda: [kind for kind, _ in look(panel)][:1] == ["started"])
    wait_until(lambda: "ended" in [kind for kind, _ in look(panel)])


def test_closing_the_panel_ends_its_trace_also_one_that_begins_just_then(
    panels: Any, cluster: rk.Cluster
) -> None:
    panel = panels("counter")
    trace = panel.trace
    panel.close()
    assert trace.over
    assert panel.state == "over"
    press(panel, "start", server="other")
    assert cluster._session.traces._traces == {}


def test_the_last_picture_is_the_diagram_with_hostile_names_as_text(
    panels: Any, cluster: rk.Cluster
) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    cluster.start(Counter, name=hostile, node="n1")
    panel = panels(hostile)
    assert "No server was traced" in panels().last_picture()["text/html"]
    cluster.whereis(hostile).cast.echo(hostile)
    wait_until(lambda: look(panel))
    page = panel.last_picture()["text/html"]
    assert "<svg" in page
    assert "<img" not in page
    assert "&lt;img src=x" in page
    cluster.whereis(hostile).stop()


def test_a_panel_is_over_when_its_cluster_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "begin", lambda _: None)
    with rk.Cluster(nodes=1) as cluster:
        counter = cluster.start(Counter, name="counter")
        panel = TracePanel(cluster, "counter")
        panel.start()
        counter.cast.increment()
        counter.sync()
    panel.tick()
    assert panel.state == "over"
    assert [row["kind"] for row in panel.messages] == ["cast", "request", "reply"]
    assert not panel.tracing


@pytest.mark.parametrize(
    ("given", "path"),
    [((None,), "cluster"), (("c", 3), "server"), (("c", "two\nlines"), "server")],
)
def test_what_cannot_be_traced_is_refused(
    cluster: rk.Cluster, given: tuple[Any, ...], path: str
) -> None:
    arguments = [cluster if each == "c" else each for each in given]
    with pytest.raises(rk.InvalidArgument) as caught:
        TracePanel(*arguments)
    assert caught.value.path == path


def test_what_the_front_end_should_not_ask_for_is_told_under_the_panel(panels: Any) -> None:
    panel = panels()
    for content in ({"server": 3}, {"server": None}, {"server": ""}, {}):
        press(panel, "start", **content)
        assert "InvalidArgument: server" in panel.refused
    press(panel, "format_disk")
    assert "is not known" in panel.refused
