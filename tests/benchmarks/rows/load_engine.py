"""Operations that do nothing, as fast as the load engine can do, count and record them."""

from __future__ import annotations

from time import perf_counter

from tests.benchmarks.contest import Aim, Row

__all__ = ["ROWS"]

USERS = 50


def resilkit_engine(seconds: float, *, gives_way: bool) -> float:
    """Run as many users as Locust, without think time; every operation becomes a history row."""
    import asyncio

    import uvloop

    from resilkit.history import History
    from resilkit.workload import Engine, Operation, User, Workload, arrivals

    async def nothing(user: User) -> None:
        if gives_way:
            await asyncio.sleep(0)

    workload = Workload([Operation("nothing", nothing)], arrivals.closed(users=USERS))
    [plan] = workload.plan(seed=7, duration=seconds)
    history = History()

    async def main() -> float:
        engine = Engine(plan, None, history.extend)
        report = await engine.run(engine.now())
        if report.ok != len(history):
            raise AssertionError(f"{report.ok} done, {len(history)} recorded")
        return report.ok / (report.ended - report.started)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


def resilkit(seconds: float) -> float:
    """Do operations that return at once, as Locust's tasks do here."""
    return resilkit_engine(seconds, gives_way=False)


def resilkit_gives_way(seconds: float) -> float:
    """Do operations that wait once, as those that use a network must."""
    return resilkit_engine(seconds, gives_way=True)


def locust_engine(seconds: float, *, recorded: bool) -> float:
    """Run users without waiting times; `recorded` also fires the event that every request fires."""
    import gevent.monkey

    gevent.monkey.patch_all()
    import gevent.event
    import locust
    from locust.env import Environment

    locust.log.setup_logging("ERROR")
    done = 0

    class Nothing(locust.User):
        wait_time = locust.constant(0)

        @locust.task
        def nothing(self) -> None:
            nonlocal done
            if recorded:
                self.environment.events.request.fire(
                    request_type="none",
                    name="nothing",
                    response_time=0.1,
                    response_length=0,
                    exception=None,
                    context={},
                )
            done += 1

    environment = Environment(user_classes=[Nothing])
    runner = environment.create_local_runner()
    everyone = gevent.event.Event()
    environment.events.spawning_complete.add_listener(lambda **_: everyone.set())
    runner.start(USERS, spawn_rate=USERS)
    everyone.wait()
    before, start = done, perf_counter()
    gevent.sleep(seconds)
    found = (done - before) / (perf_counter() - start)
    runner.quit()
    return found


def locust_bare(seconds: float) -> float:
    """Run tasks and record nothing."""
    return locust_engine(seconds, recorded=False)


def locust_recorded(seconds: float) -> float:
    """Run tasks and record each as a request."""
    return locust_engine(seconds, recorded=True)


ROWS = (
    Row(
        name="load-engine",
        title="load engine, no network",
        unit="per second",
        contestants={
            "resilkit": resilkit,
            "resilkit (waits once)": resilkit_gives_way,
            "locust": locust_bare,
            "locust (recorded)": locust_recorded,
        },
        aims=(Aim("locust", 3),),
    ),
)
