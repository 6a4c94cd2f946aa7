"""What one update of a live view costs the kernel: 4 lines of 2,000 samples, one new one in each.

Each contestant draws, or packs, what a notebook then shows, and sends it as ipykernel does:
serialized, signed and written to a socket. What the browser does is not counted; see
``tests/browser/test_drawing_rate.py`` for that.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.benchmarks.contest import Aim, Row

__all__ = ["ROWS"]

LINES = 4
SAMPLES = 2_000
APART = 0.03
"""Seconds between two samples: 2,000 of them fill a window of a minute."""

Send = Callable[..., None]


@contextmanager
def wire() -> Iterator[Send]:
    """Give what sends a message with buffers to a socket, as a kernel's session does."""
    import zmq
    from jupyter_client.session import Session

    session = Session(key=b"benchmark")
    with zmq.Context() as context, context.socket(zmq.PUB) as socket:
        socket.linger = 0
        socket.bind_to_random_port("tcp://127.0.0.1")

        def send(data: dict[str, Any], metadata: Any = None, buffers: Any = None) -> None:
            content = {"comm_id": "benchmark", "data": data}
            session.send(socket, "comm_msg", content, metadata=metadata, buffers=buffers)

        yield send


def samples() -> npt.NDArray[np.float64]:
    """Return the samples of each line, and as many again that are new later."""
    return np.random.default_rng(1).normal(100.0, 5.0, (LINES, 2 * SAMPLES))


def each_update(seconds: float, update: Callable[[int], object]) -> float:
    """Call `update` with the number of the new sample for so long; return seconds an update."""
    update(0)  # warm: fonts, caches, the first layout
    done, start = 0, perf_counter()
    while perf_counter() - start < seconds:
        done += 1
        update(done)
    return (perf_counter() - start) / done


def resilkit(seconds: float) -> float:
    """Tick a panel of live metrics whose lines have a new sample each, with a threshold on them."""
    import resilkit as rk
    from resilkit_widgets import LiveMetrics, live_metrics, ticker

    def only_when_told(one: ticker.Ticking) -> None:
        """Begin nothing."""

    ticker.begin = only_when_told
    live_metrics._POINTS = SAMPLES  # as many as the others draw; by itself it sends 600
    values = samples()
    with wire() as send, rk.Cluster(nodes=1, sample_interval=3600.0) as cluster:
        store, origin = cluster.metrics, cluster.started
        for line in range(LINES):
            times = (origin + np.arange(SAMPLES) * APART).tolist()
            store.extend("queue_length", times, "n1", f"s{line}", values[line, :SAMPLES].tolist())
        cluster.alert_when("queue_length > 1000")
        panel = LiveMetrics(cluster, metrics=["queue_length"], window=SAMPLES * APART)
        panel.comm.send = send
        panel.start()

        def update(number: int) -> None:
            time = origin + (SAMPLES + number) * APART
            for line in range(LINES):
                store.append("queue_length", time, "n1", f"s{line}", values[line, number % SAMPLES])
            panel.acknowledged = panel.sent
            panel.tick()

        figure = each_update(seconds, update)
        panel.close()
        if panel.error or panel.sent < 10:
            raise AssertionError(f"{panel.sent} updates; {panel.error}")
    return figure


def _figure() -> tuple[Any, list[Any], npt.NDArray[np.float64]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.5))
    axes = figure.subplots()
    values = samples()
    axis = np.arange(SAMPLES) * APART
    lines = [axes.plot(axis, row[:SAMPLES], label=f"s{at}")[0] for at, row in enumerate(values)]
    axes.legend(loc="upper left")
    return figure, lines, values


def _moved(lines: list[Any], values: npt.NDArray[np.float64], number: int) -> None:
    start = number % SAMPLES
    axis = (np.arange(SAMPLES) + number) * APART
    for line, row in zip(lines, values, strict=True):
        line.set_data(axis, row[start : start + SAMPLES])
    lines[0].axes.set_xlim(axis[0], axis[-1])


def matplotlib_png(seconds: float) -> float:
    """Draw a figure into a PNG, as ``update_display`` of it does."""
    figure, lines, values = _figure()
    with wire() as send:

        def update(number: int) -> None:
            _moved(lines, values, number)
            file = io.BytesIO()
            figure.savefig(file, format="png")
            image = base64.b64encode(file.getvalue()).decode()
            send({"image/png": image})

        return each_update(seconds, update)


def ipympl(seconds: float) -> float:
    """Draw a figure on ipympl's canvas, and send what has changed, as it does for each draw."""
    import ipympl.backend_nbagg as backend

    figure, lines, values = _figure()
    with wire() as send:
        canvas = backend.Canvas(figure)
        manager = backend.FigureManager(canvas, 1)
        canvas.comm.send = send
        canvas.syncing_data_url = False  # as once a front end is there

        def update(number: int) -> None:
            _moved(lines, values, number)
            canvas.draw()
            manager.refresh_all()  # to the front end, which is among its sockets

        return each_update(seconds, update)


ROWS = (
    Row(
        name="live_view",
        title="an update of a live view, 4 x 2,000 samples",
        unit="seconds",
        contestants={
            "resilkit": resilkit,
            "matplotlib to PNG": matplotlib_png,
            "ipympl": ipympl,
        },
        aims=(Aim(None, 0.002), Aim("matplotlib to PNG", 0.1), Aim("ipympl", 0.1)),
    ),
)
