from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from resilkit.errors import InvalidArgument, NoProcess, Unavailable
from resilkit.metrics import ProcessSampler
from resilkit.metrics.sampler import _PsutilSource

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", "input('.')"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)  # by now it is what it will be
        yield process
        process.kill()


def test_it_agrees_with_psutil_about_this_process() -> None:
    process = psutil.Process()
    with ProcessSampler() as sampler:
        assert sampler.pid == os.getpid()
        ours = sampler.read()
        assert ours.rss_bytes == pytest.approx(process.memory_info().rss, rel=0.05)
        times = process.cpu_times()
        assert ours.cpu_seconds == pytest.approx(times.user + times.system, abs=0.1)
        assert ours.threads == process.num_threads()
        assert abs(ours.open_files - process.num_fds()) <= 1  # psutil opens one to count


def test_it_sees_files_threads_and_work() -> None:
    with ProcessSampler() as sampler:
        before = sampler.read()
        pipes = [os.pipe() for _ in range(20)]
        go = threading.Event()
        threads = [threading.Thread(target=go.wait) for _ in range(5)]
        for thread in threads:
            thread.start()
        sum(place * place for place in range(300_000))
        after = sampler.read()
        go.set()
        for thread in threads:
            thread.join()
        for pair in pipes:
            os.close(pair[0])
            os.close(pair[1])
        assert after.open_files - before.open_files == 40
        assert after.threads - before.threads == 5
        assert 0.005 < after.cpu_seconds - before.cpu_seconds < 5
        assert sampler.read().open_files == before.open_files


def test_memory_that_grows_is_seen() -> None:
    with ProcessSampler() as sampler:
        before, unique = sampler.read().rss_bytes, sampler.uss_bytes()
        block = bytearray(os.urandom(1)) * (64 << 20)
        assert sampler.read().rss_bytes - before > 50 << 20
        assert sampler.uss_bytes() - unique > 50 << 20
        del block


@linux
def test_it_goes_on_when_the_process_may_open_no_more_files() -> None:
    code = """
import os, resource
from resilkit.metrics import ProcessSampler
sampler = ProcessSampler()
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    print(sampler.read().open_files)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert int(done.stdout) == 64
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 64


def test_it_reads_another_process_until_that_ends(child: subprocess.Popen[bytes]) -> None:
    with ProcessSampler(child.pid) as sampler:
        assert sampler.pid == child.pid
        assert sampler.read().rss_bytes > 1 << 20
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(NoProcess, match=str(child.pid)):  # a zombie
            sampler.read()
        child.wait()
        with pytest.raises(NoProcess, match=str(child.pid)):  # gone
            sampler.read()
        with pytest.raises(NoProcess):
            sampler.uss_bytes()


def test_there_is_no_sampler_of_a_process_that_is_not(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    with pytest.raises(NoProcess):
        ProcessSampler(child.pid)


def test_after_a_fork_it_reads_the_new_process() -> None:
    code = """
import os
from resilkit.metrics import ProcessSampler
sampler = ProcessSampler()
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(30)]
    sample = sampler.read()
    os.write(writer, f"{sampler.pid == os.getpid()} {sample.open_files >= 30}".encode())
    os._exit(0)
os.waitpid(child, 0)
print(os.read(reader, 100).decode(), sampler.pid == os.getpid(), sampler.read().open_files < 30)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.split() == ["True"] * 4


@linux
def test_a_name_with_brackets_does_not_confuse_it(tmp_path: Path) -> None:
    named = tmp_path / ") R 1 (x"
    named.symlink_to(sys.executable)
    prefix = {"PYTHONHOME": sys.base_prefix} if sys.prefix == sys.base_prefix else {}
    with subprocess.Popen(
        [named, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | prefix,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with ProcessSampler(process.pid) as sampler:
            assert sampler.read().threads == 1
        process.kill()


@linux
def test_it_gives_its_files_back() -> None:
    with ProcessSampler() as counter:
        before = counter.read().open_files
        for _ in range(50):
            sampler = ProcessSampler()
            sampler.close()
            sampler.close()
            ProcessSampler()  # forgotten
        assert counter.read().open_files == before


@linux
def test_a_closed_sampler_says_so() -> None:
    sampler = ProcessSampler()
    sampler.close()
    with pytest.raises(Unavailable, match="closed"):
        sampler.read()


@pytest.mark.parametrize("pid", [0, -1, True, "1", 1.0])
def test_a_pid_that_is_none_is_refused(pid: int) -> None:
    with pytest.raises(InvalidArgument, match="pid"):
        ProcessSampler(pid)


def test_the_fallback_gives_the_same_figures(child: subprocess.Popen[bytes]) -> None:
    with ProcessSampler(child.pid) as sampler:
        fallback = _PsutilSource(child.pid)
        ours, theirs = sampler.read(), fallback.read()
        assert ours.threads == theirs.threads
        assert ours.open_files == theirs.open_files
        assert ours.cpu_seconds == pytest.approx(theirs.cpu_seconds, abs=0.1)
        assert fallback.uss_bytes() == pytest.approx(sampler.uss_bytes(), rel=0.2)
    child.kill()
    child.wait()
    for read in (fallback.read, fallback.uss_bytes, lambda: _PsutilSource(child.pid)):
        with pytest.raises(NoProcess):
            read()
