"""`ClusterView`: a cluster's nodes, links and servers, kept up to date under a cell."""

from __future__ import annotations

import html
import threading
from typing import Any

from resilkit import Cluster, InvalidArgument, Unavailable, validate

__all__ = ["ClusterView"]


class ClusterView:
    """Shows a running cluster and draws it anew until it is stopped or the cluster is closed.

    Leave it as the last line of a cell. It goes on while other cells are busy, since a thread of
    its own asks the nodes. When it ends, the last picture stays in the notebook as plain HTML, so
    it is still there after saving, exporting and restarting.

    Args:
        cluster: The cluster to watch.
        refresh: Seconds between two pictures, above 0. A node that does not answer (a paused one,
            say) makes a picture take up to a second longer.

    Raises:
        InvalidArgument: `cluster` is no `resilkit.Cluster`, or `refresh` is out of range.
        Unavailable: ipywidgets is not installed.

    Examples:
        ::

            cluster = resilkit.Cluster(nodes=3)
            ClusterView(cluster)
    """

    def __init__(self, cluster: Cluster, *, refresh: float = 0.5) -> None:
        if not isinstance(cluster, Cluster):
            raise InvalidArgument(
                "must be a running cluster", path="cluster", value=cluster, allowed="a Cluster"
            )
        self._refresh = validate.duration(refresh, "refresh", allow_zero=False)
        widgets = _ipywidgets()
        self._cluster = cluster
        self._over = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._handle: Any = None
        self._picture = widgets.HTML()
        self._button = widgets.Button(description="Stop watching", icon="stop")
        self._button.on_click(lambda _: self.stop())
        self.widget = widgets.VBox([self._picture, self._button])
        """The ipywidgets box, to be placed in a layout of one's own (call `start` then)."""

    @property
    def html(self) -> str:
        """The last picture."""
        return str(self._picture.value)

    @property
    def running(self) -> bool:
        """Whether new pictures are still to come."""
        return self._thread is not None and not self._over.is_set()

    def start(self) -> None:
        """Draw now, and again every `refresh` seconds. Displaying does this; twice is once."""
        with self._starting:
            if self._thread is not None or self._over.is_set():
                return
            self.draw()
            self._thread = threading.Thread(
                target=self._watch, name="resilkit ClusterView", daemon=True
            )
            self._thread.start()

    def draw(self) -> None:
        """Ask the nodes and draw once, now. What goes wrong is shown instead of the picture."""
        try:
            text = self._cluster._repr_html_()
        except Exception as error:  # noqa: BLE001 - in a thread it would vanish: show it
            text = f"<pre>{html.escape(f'{type(error).__name__}: {error}')}</pre>"
        self._picture.value = text

    def stop(self) -> None:
        """Draw no more, and leave the last picture as plain HTML. Twice is once."""
        if self._over.is_set():
            return
        self._over.set()
        self._button.disabled = True
        if self._handle is not None:
            self._handle.update({"text/html": self.html, "text/plain": repr(self)}, raw=True)

    def _watch(self) -> None:
        while not self._over.wait(self._refresh):
            self.draw()
            if self._cluster.closed:
                self.stop()

    def __repr__(self) -> str:
        state = "live" if self.running else "stopped" if self._over.is_set() else "not started"
        return f"<ClusterView {state} of {self._cluster!r}>"

    def _ipython_display_(self) -> None:
        from IPython.display import display

        self.start()
        self._handle = display(self.widget, display_id=True)
        if not self.running:  # it ended while it was being displayed
            self._handle.update({"text/html": self.html, "text/plain": repr(self)}, raw=True)


def _ipywidgets() -> Any:
    try:
        import ipywidgets
    except ImportError as error:
        raise Unavailable(
            "live views need ipywidgets: pip install 'resilkit[lab]', then restart the kernel"
        ) from error
    return ipywidgets
