"""Workers of a sweep that die while they start, as where the machine is short of memory."""

from __future__ import annotations

import signal

import pytest

from resilkit import clock
from resilkit.errors import StartFailed
from resilkit.network.codec import by_value
from resilkit.reruns import crew
from resilkit.reruns.crew import Crew, Lost
from tests.reruns.systems import bank, die, spin

TASKS = [(0, seed) for seed in range(4)]


@pytest.fixture
def workers(monkeypatch):
    """Have as many of the next workers die at their birth as ``workers.dying`` says."""

    class Workers(list):
        dying = 0
        stopped = False

    born, make = Workers(), crew._Worker

    def bear(job):
        worker = make(job)
        born.append(worker)
        if born.dying:
            born.dying -= 1
            worker.process.kill()
        if born.stopped:
            worker.process.send_signal(signal.SIGSTOP)
        return worker

    monkeypatch.setattr(crew, "_Worker", bear)
    return born


def done(workers, *, dying):
    """Do the tasks by one worker, which is killed after the first, as are so many after it."""
    where = {"backend": "simulation", "schedule": None, "timeout": None}
    with Crew(1, by_value({"experiments": [bank()], "where": where})) as one:
        answers = {}
        for task, answer in one.do(TASKS):
            answers[task] = answer
            if len(answers) == 1:
                workers.dying = dying
                workers[-1].process.kill()
                workers[-1].process.wait()
        return answers


def test_the_tasks_go_on_when_some_workers_die_while_they_start(workers):
    answers = done(workers, dying=3)
    assert sorted(answers) == TASKS
    assert sum(isinstance(answer, Lost) for answer in answers.values()) <= 1
    assert len(workers) == 5


def test_workers_that_keep_dying_while_they_start_end_it(workers):
    with pytest.raises(StartFailed, match="a worker did not start: its process was killed"):
        done(workers, dying=100)
    assert len(workers) == 5


def test_a_first_worker_that_dies_while_it_starts_ends_it(workers):
    workers.dying = 1
    with pytest.raises(StartFailed, match="a worker did not start: its process was killed"):
        done(workers, dying=0)
    assert len(workers) == 1


def test_a_worker_that_is_stopped_while_it_starts_ends_it_in_time(workers, monkeypatch):
    monkeypatch.setattr(crew, "_READY", 0.2)
    workers.stopped = True
    with pytest.raises(StartFailed, match=r"not ready after 0\.2 s, and was killed"):
        done(workers, dying=0)
    assert workers[0].process.poll() is not None


def lost(operation, tasks, **options):
    """Do tasks by one worker; return what came to nothing, with the most that it can have taken."""
    where = {"backend": "simulation", "schedule": None, "timeout": None}
    job = by_value({"experiments": [bank(operation=operation)], "where": where})
    found, last = [], clock.monotonic()
    with Crew(1, job, **options) as one:
        for _, answer in one.do(tasks):
            now = clock.monotonic()
            if isinstance(answer, Lost):
                found.append((answer, now - last))
            last = now
    return found


def test_a_task_whose_worker_dies_took_no_longer_than_that_was_busy_with_it():
    found = lost(die, [(0, seed) for seed in range(8)])
    assert len(found) > 1
    assert all("ended with status 3" in answer.why for answer, _ in found)
    assert all(0 < answer.took <= most for answer, most in found)


def test_a_task_whose_worker_has_to_be_killed_took_the_time_until_then(monkeypatch):
    monkeypatch.setattr(crew, "_SLACK", 0.0)
    found = lost(spin, TASKS[:3], timeout=0.1)
    assert len(found) == 3
    assert all(0.1 <= answer.took <= most for answer, most in found)
