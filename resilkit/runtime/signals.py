"""Links, monitors and exit signals of one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.errors import NoProcess
from resilkit.runtime.kinds import (
    CALL,
    CAST,
    DEMONITOR,
    DOWN,
    EXIT,
    INFO,
    LINK,
    MONITOR,
    QUERY,
    SETTLED,
    SYSTEM,
    UNLINK,
)
from resilkit.runtime.messages import Down, Pid

if TYPE_CHECKING:
    from resilkit.runtime.node import Node
    from resilkit.runtime.ports import Message
    from resilkit.runtime.process import Process
    from resilkit.runtime.reference import Address

__all__ = [
    "demonitor",
    "link",
    "lose_node",
    "monitor",
    "send_demonitor",
    "to_nobody",
    "to_process",
    "unlink",
]


# From a process of this node ---------------------------------------------------------------


def link(node: Node, process: Process, address: Address) -> None:
    """Link `process` with the one at `address`; nobody there gives an exit ``noproc``."""
    pid = node.resolve(address)
    if pid is None:
        process.exit_signal(_link_to_nobody(process, Pid("", 0, 0)), "noproc", by_link=True)
        return
    if pid == process.pid or pid in process.links:
        return
    process.links[pid] = None
    if pid.node == node.name:
        node.dispatch(node.name, pid.incarnation, (LINK, pid.number, process.pid))
    elif not node.send_to(pid, (LINK, pid.number, process.pid)):
        known = node.membership.incarnation(pid.node)
        process.exit_signal(pid, "noconnection" if known is None else "noproc", by_link=True)


def _link_to_nobody(process: Process, nobody: Pid) -> Pid:
    process.links[nobody] = None
    return nobody


def unlink(node: Node, process: Process, address: Address) -> None:
    """Undo a link; an exit signal that is under way has no effect any more."""
    pid = node.resolve(address)
    if pid is not None and process.links.pop(pid, 0) is None:
        node.signal(pid, (UNLINK, pid.number, process.pid))


def monitor(node: Node, process: Process, address: Address, callback: Any = None) -> int:
    """Watch the process at `address`; return the monitor's number.

    Args:
        node: The watcher's node.
        process: The watcher.
        address: Whom to watch.
        callback: Called with the reason instead of a `Down` in the mailbox.
    """
    monitor = node.new_monitor()
    pid = node.resolve(address)
    process.monitors[monitor] = (pid, callback if callback is not None else address)
    nobody = pid if pid is not None else Pid(node.name, 0, 0)
    if pid is None:
        node.loop.call_soon(process.down_signal, monitor, nobody, "noproc")
    elif pid.node == node.name:
        message = (MONITOR, pid.number, monitor, process.pid)
        node.dispatch(node.name, pid.incarnation, message)
    elif not node.send_to(pid, (MONITOR, pid.number, monitor, process.pid)):
        known = node.membership.incarnation(pid.node)
        reason = "noconnection" if known is None else "noproc"
        node.loop.call_soon(process.down_signal, monitor, nobody, reason)
    return monitor


def demonitor(node: Node, process: Process, monitor: int) -> None:
    """Stop watching; a `Down` that already waits in the mailbox is taken out."""
    entry = process.monitors.pop(monitor, None)
    if entry is not None and entry[0] is not None:
        send_demonitor(node, entry[0], monitor, process.pid)
    for index in reversed(range(len(process.mailbox))):
        message = process.mailbox[index]
        if message[0] == INFO and isinstance(message[2], Down) and message[2].monitor == monitor:
            del process.mailbox[index]


def send_demonitor(node: Node, target: Pid, monitor: int, watcher: Pid) -> None:
    """Tell the target's node that a monitor is gone."""
    node.signal(target, (DEMONITOR, target.number, monitor, watcher))


# To a process of this node -----------------------------------------------------------------


def to_process(node: Node, process: Process, message: Message) -> None:
    """Carry out one signal, or put one message into the mailbox."""
    kind = message[0]
    if kind in (CALL, CAST, INFO, SYSTEM):
        process.enqueue(message)
    elif kind == EXIT:
        process.exit_signal(message[2], message[3], by_link=message[4])
    elif kind == DOWN:
        process.down_signal(message[2], message[3], message[4])
    elif kind == LINK:
        process.links[message[2]] = None
    elif kind == UNLINK:
        process.links.pop(message[2], None)
    elif kind == MONITOR:
        process.monitored_by[(message[2], message[3])] = None
    elif kind == DEMONITOR:
        process.monitored_by.pop((message[2], message[3]), None)
    elif kind == SETTLED:
        process.settled(message[2], message[3])
    elif kind == QUERY:
        node.answer(message[4], message[5], _query(process, message[2]))


def _query(process: Process, request: str) -> object:
    if request == "queue_length":
        return len(process.mailbox)
    if request == "trap_exit":
        return process.trap_exit
    return process.alive


def to_nobody(node: Node, message: Message) -> None:
    """Answer what was sent to a process that is not here (any more)."""
    kind = message[0]
    if kind == CALL:
        node.answer_error(message[5], message[6], gone(node, message[1]))
    elif kind == SYSTEM:
        node.answer_error(message[4], message[5], gone(node, message[1]))
    elif kind == QUERY:
        if message[2] == "alive":
            node.answer(message[4], message[5], value=False)
        else:
            node.answer_error(message[4], message[5], gone(node, message[1]))
    elif kind == MONITOR:
        watcher: Pid = message[3]
        pid = Pid(node.name, message[1], node.incarnation)
        node.signal(watcher, (DOWN, watcher.number, message[2], pid, "noproc"))
    elif kind == LINK:
        linked: Pid = message[2]
        pid = Pid(node.name, message[1], node.incarnation)
        node.signal(linked, (EXIT, linked.number, pid, "noproc", True))


def gone(node: Node, number: int) -> NoProcess:
    """Return the error for a call of a process that has ended."""
    return NoProcess(f"no process <{node.name}.{number}>: it has ended")


def lose_node(node: Node, name: str) -> None:
    """Break every link and monitor with processes of a node that was lost."""
    for process in list(node.processes.values()):
        for pid in [pid for pid in process.links if pid.node == name]:
            process.exit_signal(pid, "noconnection", by_link=True)
        for monitor, (target, _) in list(process.monitors.items()):
            if target is not None and target.node == name:
                process.down_signal(monitor, target, "noconnection")
        for key in [key for key in process.monitored_by if key[1].node == name]:
            del process.monitored_by[key]
