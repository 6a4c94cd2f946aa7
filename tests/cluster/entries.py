"""What the launcher's tests run as nodes: each an entry function of a child process."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

from resilkit.cluster.fork import watch_lifeline


def serve(_boot: bytes, lifeline: int, _incarnation: int) -> None:
    """Run a loop that ends only with the launcher."""
    loop = asyncio.new_event_loop()
    watch_lifeline(loop, lifeline)
    loop.run_forever()


def tell(boot: bytes, lifeline: int, incarnation: int) -> None:
    """Write what a child sees to the file named by `boot`, then serve."""
    limits = ("DATA", "NOFILE", "CPU", "FSIZE", "CORE")
    facts = {
        "incarnation": incarnation,
        "group": os.getpgrp() == os.getpid(),
        "files": sorted(int(each.name) for each in Path("/proc/self/fd").iterdir()),
        "lifeline": lifeline,
        "sigint": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
        "sigterm": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
        "sigchld": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "limits": {key: resource.getrlimit(getattr(resource, f"RLIMIT_{key}")) for key in limits},
        "env": dict(os.environ),
        "path": sys.path,
        "cwd": str(Path.cwd()),
        "main": sorted(vars(sys.modules["__main__"])),
        "modules": sorted(sys.modules),
        "argv": sys.argv,
    }
    print("a line on stdout")  # noqa: T201
    write(boot, json.dumps(facts))
    serve(boot, lifeline, incarnation)


def write(path: bytes, text: str) -> None:
    """Write to the pipe that a test reads."""
    Path(os.fsdecode(path)).write_text(text, encoding="utf-8")


def fail(_boot: bytes, _lifeline: int, _incarnation: int) -> None:
    raise ValueError("boom at the start, with é")


def leave(boot: bytes, _lifeline: int, _incarnation: int) -> int:
    return int(boot)


def measure(boot: bytes, _lifeline: int, _incarnation: int) -> int:
    return len(boot) % 251


def spin(_boot: bytes, _lifeline: int, _incarnation: int) -> None:
    """A handler that never ends and never looks at its loop."""
    while True:
        pass


def deaf(boot: bytes, lifeline: int, incarnation: int) -> None:
    """Ignore what can be ignored."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    write(boot, "ready")
    serve(boot, lifeline, incarnation)


def parent(boot: bytes, lifeline: int, incarnation: int) -> None:
    """Start a process of one's own and one that left the group, write their pids, serve."""
    here = subprocess.Popen(["/bin/sleep", "1000"], env={})  # nothing tells whose it is
    away = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    write(boot, json.dumps([here.pid, away.pid]))
    serve(boot, lifeline, incarnation)


def daemonize(boot: bytes, lifeline: int, incarnation: int) -> None:
    """Start a daemon, whose parent is gone; write its pid, serve."""
    shell = "setsid sleep 1000 > /dev/null & echo $!"
    write(boot, subprocess.check_output(["sh", "-c", shell], text=True))
    serve(boot, lifeline, incarnation)


def hoard(_boot: bytes, _lifeline: int, _incarnation: int) -> int:
    """Take memory until there is none; return 7 if Python noticed."""
    taken = []
    try:
        for _ in range(1024):
            taken.append(bytearray(1 << 20))  # noqa: PERF401 - one by one, until there is none
    except MemoryError:
        taken.clear()
        return 7
    return 1
