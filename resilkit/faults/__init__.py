"""Faults: one small frozen record a kind of harm, one file each.

=======================  ==============  ================================================
name in a file           class           harm
=======================  ==============  ================================================
``bandwidth``            `Bandwidth`     a link carries only so many bytes a second
``clock_skew``           `ClockSkew`     a node's clocks are off, and may drift
``cpu``                  `CPU`           a busy neighbour burns processor time
``duplicate``            `Duplicate`     messages arrive twice
``hold``                 `Hold`          messages wait on the link, then all arrive
``latency``              `Latency`       messages take longer
``loss``                 `Loss`          messages get lost
``memory``               `Memory`        a node has to hold memory that it does not need
``node_crash``           `NodeCrash`     a node is killed, and may come back
``node_pause``           `NodePause`     a node stands still, and does not know it
``open_files``           `OpenFiles`     a node runs out of file descriptors
``partition``            `Partition`     nodes live but cannot talk
``reorder``              `Reorder`       messages overtake each other
``server_crash``         `ServerCrash`   a server ends, at once or on a message
``slow_node``            `SlowNode`      a node does everything so many times slower
``supervisor_children``  `KillChildren`  a supervisor's servers die, again and again
=======================  ==============  ================================================

Your own: subclass `LinkFault`, `NodeFault`, `ServerFault`, `PartitionFault` or `ResourceFault`
under `register_fault`. `base` says how, and what they answer with; `fields` has the types of
their fields, `targets` whom a fault hits, `schedule` when.
All here is light (standard library only), since every node loads it.
"""

from __future__ import annotations

from resilkit.faults.answers import (
    ChildrenRule,
    MessageView,
    Pressure,
    ServerRule,
    Signal,
    Skew,
    Slowdown,
)
from resilkit.faults.bandwidth import Bandwidth
from resilkit.faults.base import (
    Fault,
    LinkFault,
    NodeFault,
    PartitionFault,
    ResourceFault,
    ServerFault,
)
from resilkit.faults.base import occurs as occurs
from resilkit.faults.clock_skew import ClockSkew
from resilkit.faults.cpu import CPU
from resilkit.faults.documents import from_dict as from_dict
from resilkit.faults.documents import to_dict as to_dict
from resilkit.faults.duplicate import Duplicate
from resilkit.faults.fields import Bytes as Bytes
from resilkit.faults.fields import Count as Count
from resilkit.faults.fields import FieldInfo as FieldInfo
from resilkit.faults.fields import Rate as Rate
from resilkit.faults.fields import ScaledSeconds as ScaledSeconds
from resilkit.faults.fields import Seconds as Seconds
from resilkit.faults.fields import Share as Share
from resilkit.faults.fields import Unit as Unit
from resilkit.faults.fields import field_info as field_info
from resilkit.faults.hold import Hold
from resilkit.faults.kill_children import KillChildren
from resilkit.faults.latency import Latency
from resilkit.faults.loss import Loss
from resilkit.faults.memory import Memory
from resilkit.faults.node_crash import NodeCrash
from resilkit.faults.node_pause import NodePause
from resilkit.faults.open_files import OpenFiles
from resilkit.faults.partition import Partition
from resilkit.faults.registry import register_fault
from resilkit.faults.registry import registered_faults as registered_faults
from resilkit.faults.reorder import Reorder
from resilkit.faults.schedule import schedule as schedule
from resilkit.faults.server_crash import ServerCrash
from resilkit.faults.slow_node import SlowNode
from resilkit.faults.targets import Targets as Targets
from resilkit.faults.targets import choose_targets as choose_targets

__all__ = [
    "CPU",
    "Bandwidth",
    "ChildrenRule",
    "ClockSkew",
    "Duplicate",
    "Fault",
    "Hold",
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
    "Reorder",
    "ResourceFault",
    "ServerCrash",
    "ServerFault",
    "ServerRule",
    "Signal",
    "Skew",
    "SlowNode",
    "Slowdown",
    "register_fault",
]


def __dir__() -> list[str]:
    # What completion offers in a notebook: faults, and what it takes to write one. The rest can be
    # imported from here all the same.
    return sorted(__all__)
