"""The notebook's end of a connection to the launcher, as asyncio sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from resilkit.cluster.frames import Splitter

__all__ = ["FrameStream"]


class FrameStream(asyncio.Protocol):
    """Cuts what arrives into messages, and tells when no more will come.

    Args:
        on_message: Called with each message.
        on_closed: Called once with the transport, when the other end or this one closed it.
    """

    def __init__(
        self,
        on_message: Callable[[dict[str, Any]], None],
        on_closed: Callable[[asyncio.BaseTransport], None],
    ) -> None:
        self._on_message = on_message
        self._on_closed = on_closed
        self._splitter = Splitter()
        self._transport: asyncio.BaseTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, to say later which one was closed."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand on the messages that are complete now."""
        for message, _blob in self._splitter.feed(data):
            self._on_message(message)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell that no more will come."""
        self._on_closed(self._transport)
