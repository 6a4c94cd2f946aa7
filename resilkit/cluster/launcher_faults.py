"""What a launcher is asked for faults: slower nodes, and undos that are written down."""

from __future__ import annotations

from typing import Any

from resilkit.cluster.launcher_events import Undone

__all__ = ["FaultRequests"]


class FaultRequests:
    """The part of a `Launcher` that faults use."""

    async def _ask(self, do: str, blob: bytes = b"", **parts: Any) -> dict[str, Any]:
        raise NotImplementedError

    async def slow(self, name: str, key: str, factor: float) -> None:
        """Have a node do everything `factor` times slower from now on, its next processes too.

        How to let its process go on is written down in the undo journal before it is first stopped.
        Factors of several keys multiply.

        Args:
            name: The node.
            key: Whose doing it is.
            factor: More than 1.

        Raises:
            ClusterError: The node has no process.
            StorageError: The undo could not be written; then nothing has been done.
        """
        await self._ask("slow", name=name, key=key, factor=factor)

    async def unslow(self, name: str, key: str) -> float | None:
        """Slow a node no more for `key`; nobody's doing is no error.

        Returns:
            How many times slower the node has really been; ``None`` where it did not run.
        """
        slowed: float | None = (await self._ask("unslow", name=name, key=key))["slowed"]
        return slowed

    async def journal_add(self, key: str, entry: dict[str, Any]) -> None:
        """Have `entry` written down under `key`; await this *before* the fault goes in.

        Raises:
            InvalidArgument: The entry could not be carried out; see `journal`.
            StorageError: It could not be written; then the fault must not go in.
        """
        await self._ask("journal_add", key=key, entry=entry)

    async def journal_remove(self, key: str) -> None:
        """Forget the entries of `key`: the fault was taken back."""
        await self._ask("journal_remove", key=key)

    async def undo(self, key: str) -> list[Undone]:
        """Carry out the entries of `key` now, the last first, and forget them."""
        return [Undone(**each) for each in (await self._ask("undo", key=key))["undone"]]
