from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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


_QUIET = """
import os, psutil
from resilkit.metrics import ProcessSampler
while psutil.Process().num_threads() > 1:  # what has been imported aside
    os.sched_yield()
"""


def alone(code: str) -> str:
    """Return what `code` prints in a process where nothing begins or ends beside it."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _QUIET + code], capture_output=True, text=True, check=True, cwd=root
    )
    return done.stdout


def test_it_agrees_with_psutil_about_its_own_process() -> None:
    said = alone("""
process = psutil.Process()
with ProcessSampler() as sampler:
    ours = sampler.read()
    times = process.cpu_times()
    print(sampler.pid, ours.rss_bytes, ours.cpu_seconds, ours.threads, ours.open_files)
    print(os.getpid(), process.memory_info().rss, times.user + times.system,
          process.num_threads(), process.num_fds())
""")
    ours, theirs = ([float(each) for each in line.split()] for line in said.splitlines())
    assert ours[0] == theirs[0]
    assert ours[1] == pytest.approx(theirs[1], rel=0.05)
    assert ours[2] == pytest.approx(theirs[2], abs=0.1)
    assert ours[3] == theirs[3]
    assert abs(ours[4] - theirs[4]) <= 1  # psutil opens one to count


def test_it_sees_files_threads_and_work() -> None:
    said = alone("""
import threading
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
    print(after.open_files - before.open_files, after.threads - before.threads,
          after.cpu_seconds - before.cpu_seconds, sampler.read().open_files - before.open_files)
""")
    files, threads, seconds, left = map(float, said.split())
    assert (files, threads, left) == (40, 5, 0)
    assert 0.005 < seconds < 5


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
import resource
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
    assert int(alone(code)) == 64
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
    assert alone(code).split() == ["True"] * 4


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
    said = alone("""
with ProcessSampler() as counter:
    before = counter.read().open_files
    for _ in range(50):
        sampler = ProcessSampler()
        sampler.close()
        sampler.close()
        ProcessSampler()  # forgotten
    print(counter.read().open_files - before)
""")
    assert int(said) == 0


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
