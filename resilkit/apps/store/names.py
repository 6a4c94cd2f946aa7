"""What the servers of the store are called."""

from __future__ import annotations

__all__ = ["coordinator_name", "replica_name"]


def coordinator_name(node: str) -> str:
    """Return the name, unique in the cluster, of the coordinator on `node`.

    Examples:
        >>> coordinator_name("n1")
        'coordinator-n1'
    """
    return f"coordinator-{node}"


def replica_name(node: str) -> str:
    """Return the name of the replica on `node`, which that node alone gives (scope ``"node"``).

    A name of the whole cluster would cost each start a round of agreement. A node that comes back
    while links are slow should not wait for that before its replica counts again.

    Examples:
        >>> replica_name("n1")
        'replica-n1'
    """
    return f"replica-{node}"
