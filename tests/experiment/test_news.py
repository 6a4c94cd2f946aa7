"""What the faults of a run have done since the last look, as headlines."""

from __future__ import annotations

from resilkit.experiment.live import News
from resilkit.metrics import EventLog


def test_what_a_fault_did_while_it_was_put_in_is_told_after_its_beginning() -> None:
    events = EventLog()
    news = News(events)
    about = {"id": "server_crash-4", "fault": "server_crash"}
    back = {"id": "server_crash-4", "seconds": 0.002572}
    events.append(17.01, "fault", "came_back", target="shop", detail=back)
    events.append(17.0, "fault", "injected", target="shop", detail=about)
    assert news.read(10.0) == (
        (7.0, "server crash strikes: shop"),
        (17.01 - 10.0, "shop came back after 2.57 ms (server crash)"),
    )
    assert news.read(10.0) == ()
