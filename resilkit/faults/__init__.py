"""Faults: one small frozen record a kind of harm, one file each.

=======================  ==============  ================================================
name in a file           class           harm
=======================  ==============  ================================================
``bandwidth``            `Bandwidth`     a link carries only so many bytes a second
``cpu``                  `CPU`           a busy neighbour burns processor time
``duplicate``            `Duplicate`     messages arrive twice
``latency``              `Latency`       messages take longer
``loss``                 `Loss`          messages get lost
``memory``               `Memory`        a node has to hold memory that it does not need
``node_crash``           `NodeCrash`     a node is killed, and may come back
``node_pause``           `NodePause`     a node stands still, and does not know it
``open_files``           `OpenFiles`     a node runs out of file descriptors
``partition``            `Partition`     nodes live but cannot talk
``reorder``              `Reorder`       messages overtake each other
``server_crash``         `ServerCrash`   a server ends, at once or on a message
``supervisor_children``  `KillChildren`  a supervisor's servers die, again and again
=======================  ==============  ================================================

`base` says what a fault is and how to write one, `targets` whom it hits, `schedule` when.
All here is light (standard library only), since every node loads it.
"""

from __future__ import annotations

from resilkit.faults.bandwidth import Bandwidth
from resilkit.faults.base import (
    ChildrenRule,
    Fault,
    LinkFault,
    MessageView,
    NodeFault,
    PartitionFault,
    Pressure,
    ResourceFault,
    ServerFault,
    ServerRule,
    Signal,
    occurs,
)
from resilkit.faults.cpu import CPU
from resilkit.faults.documents import from_dict, to_dict
from resilkit.faults.duplicate import Duplicate
from resilkit.faults.fields import (
    Bytes,
    Count,
    FieldInfo,
    Rate,
    ScaledSeconds,
    Seconds,
    Share,
    Unit,
    field_info,
)
from resilkit.faults.kill_children import KillChildren
from resilkit.faults.latency import Latency
from resilkit.faults.loss import Loss
from resilkit.faults.memory import Memory
from resilkit.faults.node_crash import NodeCrash
from resilkit.faults.node_pause import NodePause
from resilkit.faults.open_files import OpenFiles
from resilkit.faults.partition import Partition
from resilkit.faults.registry import register_fault, registered_faults
from resilkit.faults.reorder import Reorder
from resilkit.faults.schedule import schedule
from resilkit.faults.server_crash import ServerCrash
from resilkit.faults.targets import Targets, choose_targets

__all__ = [
    "CPU",
    "Bandwidth",
    "Bytes",
    "ChildrenRule",
    "Count",
    "Duplicate",
    "Fault",
    "FieldInfo",
    "KillChildren",
    "Latency",
    "LinkFault",
    "Loss",
    "Memory",
    "MessageView",
    "NodeCrash",
    "NodeFault",
    "NodePause",
    "OpenFiles",
    "Partition",
    "PartitionFault",
    "Pressure",
    "Rate",
    "Reorder",
    "ResourceFault",
    "ScaledSeconds",
    "Seconds",
    "ServerCrash",
    "ServerFault",
    "ServerRule",
    "Share",
    "Signal",
    "Targets",
    "Unit",
    "choose_targets",
    "field_info",
    "from_dict",
    "occurs",
    "register_fault",
    "registered_faults",
    "schedule",
    "to_dict",
]
