"""What the notebook asked the launcher, and waits for."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from resilkit.cluster.frames import frame
from resilkit.errors import CallTimeout, ClusterError, InvalidArgument, StorageError

__all__ = ["SILENT_FOR", "Requests"]

SILENT_FOR = 10.0
"""Seconds without a word of a launcher that is asked something, after which it counts as stuck."""

_ONCE_MORE = 1.0
"""Seconds for each request to a launcher that is stuck: it may have been let go on just now."""

_ERRORS: dict[str, type[Exception]] = {
    "InvalidArgument": InvalidArgument,
    "StorageError": StorageError,
}


class Requests:
    """The open requests of one cluster."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        # When each was asked that has no answer yet, also those that nobody waits for any more: of
        # a launcher that is stuck it is known at the second request.
        self._asked: dict[int, float] = {}
        self._heard = 0.0

    async def ask(
        self, transport: asyncio.WriteTransport, do: str, blob: bytes, parts: dict[str, Any]
    ) -> dict[str, Any]:
        """Send a request and return the answer.

        A launcher that has much to do may take long, as long as it says something meanwhile.

        Raises:
            CallTimeout: The launcher said nothing at all for `SILENT_FOR` seconds.
            ClusterError: It refused, or died.
        """
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        future = self._waiting[number] = loop.create_future()
        least = loop.time() + _ONCE_MORE
        self._asked[number] = loop.time() + float(parts.get("after", 0.0))
        transport.write(frame({"do": do, "id": number, **parts}, blob))
        try:
            while not future.done():
                silent_since = max(min(self._asked.values()), self._heard)
                left = max(silent_since + SILENT_FOR, least) - loop.time()
                if left <= 0:
                    silent = loop.time() - silent_since
                    raise CallTimeout(
                        f"the launcher does not answer: asked to {do.replace('_', ' ')}, it has "
                        f"said nothing for {silent:.0f} s"
                    )
                await asyncio.wait([future], timeout=left)
            reply = future.result()
        finally:
            self._waiting.pop(number, None)
            future.cancel()
        if "error" in reply:
            raise _ERRORS.get(reply["kind"], ClusterError)(reply["error"])
        return reply

    def heard(self, message: dict[str, Any]) -> bool:
        """Take note of a message; return whether it is an answer."""
        self._heard = asyncio.get_running_loop().time()
        if "re" not in message:
            return False
        self._asked.pop(message["re"], None)
        future = self._waiting.get(message["re"])
        if future is not None and not future.done():
            future.set_result(message)
        return True

    def fail(self, error: Exception) -> None:
        """Answer all that is open with an error."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)
