"""How a store of samples and a log of events show themselves."""

from __future__ import annotations

from resilkit.metrics import EventLog, MetricStore
from tests.seen import HOSTILE, seen


def test_a_store_shows_each_metric_and_the_range_of_its_newest_values() -> None:
    store = MetricStore()
    for node, value in (("n1", 1 << 20), ("n2", 4 << 20), ("n3", float("nan"))):
        store.append("memory_rss", 1.0, node, "", value)
    store.append(HOSTILE, 1.0, "n1", "", 3.0)
    text = seen(store)
    assert "metrics 4 samples" in text
    assert "memory_rss Memory (RSS) 3 1 MiB 4 MiB" in text
    assert HOSTILE in text


def test_a_log_shows_how_many_of_each_kind_and_the_latest() -> None:
    log = EventLog(max_rows=30)
    for number in range(40):
        log.append(100.0 + number, "supervision", "restarted", node="n1", target=HOSTILE,
                   detail={"reason": HOSTILE, "restarts": number})  # fmt: skip
    text = seen(log)
    assert "events 30" in text
    assert "supervision 30 restarted 30" in text
    told = f"29.00 supervision restarted n1 → {HOSTILE} reason: {HOSTILE}, restart no. 39"
    assert told in text
    assert "in seconds since the first" in text
    assert "restart no. 27" not in text, "twelve are enough"
    assert "10 old events were dropped" in text


def test_the_latest_events_stand_in_order_of_time_on_the_clock_of_their_cluster() -> None:
    log = EventLog(origin=100.0)
    log.append(101.25, "node", "lost", node="n1", target="n3", detail={"majority": False})
    begun = {"id": "loss-1", "fault": "loss", "parameters": {"loss": {"share": 0.1}}}
    log.append(101.24, "fault", "injected", target="n1<->n2", detail=begun | {"links": ["n1-n2"]})
    log.append(101.5, "fault", "heal_failed", target="n1<->n2", detail={"why": "n2 is down"})
    text = seen(log)
    rows = [
        "1.24 fault injected n1 – n2 loss: share 10 %",
        "1.25 node lost n1 → n3 reaches no more than a minority",
        "1.50 fault heal failed",
    ]
    assert [text.index(row) for row in rows] == sorted(text.index(row) for row in rows)
    assert "All of them, in seconds since the cluster started" in text
    assert '"' not in text.split("in seconds")[1], "nothing as JSON"


def test_what_is_empty_says_so() -> None:
    assert "Nothing has happened." in seen(EventLog())
    assert "Nothing has been measured." in seen(MetricStore())
