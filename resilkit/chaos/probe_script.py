"""Probes what this machine lets an ordinary process do. Run as a script, never imported.

It runs in a process of its own, so that forks, limits and namespaces touch nobody else, and
prints one JSON object: for each probe whether it works, and why or why not. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
Answer = tuple[bool, str]


@contextlib.contextmanager
def idle_child() -> Iterator[int]:
    """Fork a child that waits until it is killed; it is, in any case."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)  # should the parent die first, the child does not stay
        while True:
            signal.pause()
    try:
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def in_child(work: Callable[[], None]) -> Answer:
    """Do `work` in a fork; it works when nothing raises. The text is the error."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the answer
            os.write(write, f"{type(error).__name__}: {error}"[:300].encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        error_text = pipe.read().decode(errors="replace")
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return False, f"the probe died of signal {os.WTERMSIG(status)}"
    return not error_text, error_text


def fork() -> Answer:
    """Fork a process and reap it."""
    return in_child(lambda: None)


def signals() -> Answer:
    """Stop, continue and kill a child, and see each happen."""
    with idle_child() as pid:
        os.kill(pid, signal.SIGSTOP)
        if not os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]):
            return False, "SIGSTOP did not stop a child"
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGKILL)
        killed = os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    return killed, "" if killed else "SIGKILL did not kill a child"


def unix_sockets() -> Answer:
    """Listen on a socket file and connect to it."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        address = f"{folder}/s"
        server.bind(address)
        server.listen(1)
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2.0)
            client.connect(address)
    return True, ""


def rlimits() -> Answer:
    """Lower the limits on memory and files in a child, and run into one."""
    import resource

    def work() -> None:
        for limit, value in ((resource.RLIMIT_AS, 1 << 40), (resource.RLIMIT_NOFILE, 64)):
            _, hard = resource.getrlimit(limit)
            resource.setrlimit(limit, (value if hard < 0 else min(value, hard), hard))
        with contextlib.suppress(OSError):
            held = [os.open(os.devnull, os.O_RDONLY) for _ in range(100)]
            raise RuntimeError(f"a limit of 64 open files let {len(held)} be opened")

    return in_child(work)


def prlimit() -> Answer:
    """Lower a limit of another process while it runs."""
    import resource

    if not hasattr(resource, "prlimit"):
        return False, f"{sys.platform} cannot change the limits of another process"
    with idle_child() as pid:
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (32, hard))
        lowered = resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] == 32
    return lowered, "" if lowered else "the limit did not change"


def proc() -> Answer:
    """Read what /proc says of this process."""
    pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    files = any(True for _ in Path("/proc/self/fd").iterdir())
    return pages > 0 and files, ""


def pidfd() -> Answer:
    """Open a descriptor of a child that tells when it ends."""
    if not hasattr(os, "pidfd_open"):
        return False, f"{sys.platform} has no pidfd"
    with idle_child() as pid:
        os.close(os.pidfd_open(pid))
    return True, ""


def unshare(flags: int) -> None:
    """Leave this process's namespaces; the new ones end with it."""
    import ctypes

    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def own_network() -> None:
    """Take a network namespace of one's own, with a user namespace where that is needed."""
    try:
        unshare(CLONE_NEWNET)
    except OSError:
        unshare(CLONE_NEWUSER | CLONE_NEWNET)


def network_namespaces() -> Answer:
    """Take a network namespace in a child that ends at once."""
    if sys.platform != "linux":
        return False, f"{sys.platform} has no network namespaces"
    return in_child(own_network)


def netem() -> Answer:
    """Delay packets in a network namespace that ends with the probe."""

    def work() -> None:
        own_network()
        command = ["tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=3, check=False)
        except FileNotFoundError:
            raise RuntimeError("the program tc is not installed") from None
        if done.returncode:
            raise RuntimeError(" ".join(done.stderr.split()) or "tc failed")

    if sys.platform != "linux":
        return False, f"{sys.platform} has no netem"
    return in_child(work)


def cgroup_v2() -> Answer:
    """Look whether this process's own control group can be written; nothing is written."""
    root = Path("/sys/fs/cgroup")
    if not (root / "cgroup.controllers").exists():
        return False, "no control groups of version 2 are mounted"
    groups = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    own = next((line[3:].strip("/ ") for line in groups if line.startswith("0::")), "")
    place = root / own if (root / own).is_dir() else root
    writable = os.access(place, os.W_OK) and os.access(place / "cgroup.procs", os.W_OK)
    return writable, "" if writable else "its own control group may not be written"


PROBES: dict[str, Callable[[], Answer]] = {
    "fork": fork,
    "signals": signals,
    "unix_sockets": unix_sockets,
    "rlimits": rlimits,
    "prlimit": prlimit,
    "proc": proc,
    "pidfd": pidfd,
    "cgroup_v2": cgroup_v2,
    "network_namespaces": network_namespaces,
    "netem": netem,
}


def main() -> None:
    """Run every probe; one that raises does not work, for that reason."""
    answers: dict[str, Answer] = {}
    for name, probe in PROBES.items():
        try:
            works, why = probe()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            works, why = False, f"{type(error).__name__}: {error}"[:300]
        answers[name] = (bool(works), why.removeprefix("RuntimeError: "))
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main()
