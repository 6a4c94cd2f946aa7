"""What the launcher's tests share: waiting for facts, and launchers whose events can be awaited."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import subprocess
import sys
from pathlib import Path

from resilkit.cluster.launcher_client import Launcher

ROOT = Path(__file__).parents[2]
ENTRIES = "tests.cluster.entries"
DEADLINE = 20.0  # seconds that a test waits for what must come, before it fails


class Events:
    """Lets a test wait for the next event of a kind; those before it are skipped."""

    def __init__(self):
        self.all = []
        self._queue = asyncio.Queue()

    def __call__(self, event):
        self.all.append(event)
        self._queue.put_nowait(event)

    async def next(self, kind, **fields):
        async with asyncio.timeout(DEADLINE):
            while True:
                event = await self._queue.get()
                if isinstance(event, kind) and all(
                    getattr(event, key) == value for key, value in fields.items()
                ):
                    return event


@contextlib.asynccontextmanager
async def launched(folder, **options):
    events = Events()
    launcher = Launcher(folder, on_event=events, **options)
    await launcher.start()
    try:
        yield launcher, events
    finally:
        await launcher.close()


def run(scenario):
    """Run the coroutine function `scenario`."""
    return asyncio.run(scenario())


class Watched:
    """Processes held by descriptor, so that a test can wait for the end of each."""

    def __init__(self, *pids):
        self._fds = {pid: os.pidfd_open(pid) for pid in pids}

    def wait_gone(self, patience=DEADLINE):
        """Return once all have ended; fail after the deadline."""
        for pid, fd in self._fds.items():
            ended = select.select([fd], [], [], patience)[0]
            os.close(fd)
            assert ended, f"process {pid} is still there"


class Pipe:
    """A named pipe through which a child tells the test one text."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = os.fsencode(path)
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    async def read(self):
        """Return what one child wrote, once it is complete."""
        loop, parts, done = asyncio.get_running_loop(), [], asyncio.Event()

        def receive():
            parts.append(os.read(self._fd, 1 << 16))
            if not parts[-1]:
                done.set()

        loop.add_reader(self._fd, receive)
        try:
            async with asyncio.timeout(DEADLINE):
                await done.wait()
        finally:
            loop.remove_reader(self._fd)
            os.close(self._fd)
        return b"".join(parts).decode()


class Client:
    """Another process with a cluster of its own: what a test can kill as a notebook is killed.

    Its script is run as the body of an async function, where `launcher` is started and `say`
    hands a value to the test; then it waits for ever.
    """

    def __init__(self, folder, body, *, cwd=None, path=(), before=""):
        lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
        script = folder.parent / f"{folder.name}-client.py"
        script.write_text(
            f"import asyncio, json, os, signal, sys\n"
            # Under nohup it would be ignored.
            f"signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
            f"sys.path[:0] = {[*map(str, path), str(ROOT)]!r}\n"
            f"from resilkit.cluster.launcher_client import Launcher\n"
            f"ENTRIES = {ENTRIES!r}\n"
            f"def say(value): print(json.dumps(value), flush=True)\n"
            f"{before}\n"
            f"async def main():\n"
            f"    launcher = Launcher({str(folder)!r})\n"
            f"    await launcher.start()\n"
            f"{lines}\n"
            f"    await asyncio.Event().wait()\n"
            f"asyncio.run(main())\n",
            encoding="utf-8",
        )
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        self.process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=environment,
            start_new_session=True,
        )

    def heard(self):
        """Return the next value that the script says."""
        line = self.process.stdout.readline()
        assert line, "the client ended without a word"
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
