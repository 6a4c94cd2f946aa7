"""The first two blocks of code that resilkit promises to run, as they stand in its design.

They are text, since that is what is run: from a script, in a REPL, and in a notebook's cells.
"""

# ruff: noqa: E501 - the lines are quoted as they stand

from __future__ import annotations

import ast

__all__ = ["CLUSTER", "EXPERIMENT", "as_typed", "quick"]

CLUSTER = """\
import resilkit as rk

class Counter(rk.Server):
    \"\"\"Counts. Every public method can be called (reply) or cast (no reply).\"\"\"
    def init(self, start=0):
        self.value = start
    def increment(self, by=1):
        self.value += by
        return self.value
    def get(self):
        return self.value

counters = rk.SupervisorSpec(
    "counters",
    [rk.ChildSpec(Counter, name=f"counter-{i}", args=(i,)) for i in range(3)],
    strategy="one_for_one", max_restarts=3, max_seconds=5.0,
)

cluster = rk.Cluster(nodes=3, topology="mesh")      # three OS processes
cluster.start(counters, node="n1")
c = cluster.whereis("counter-2")                    # follows the name across restarts
c.call.increment(by=2)                              # 4: waits for the reply
c.cast.increment()                                  # returns at once
c.sync()                                            # returns when everything sent before is handled
c.state()                                           # {"value": 5}
c.queue_length()                                    # 0
c.with_timeout(0.5).call.get()                      # options ride on the reference
cluster.nodes["n2"].kill()                          # SIGKILL; .pause() .resume() .restart() .stop()
with cluster.partition(["n1"], ["n2", "n3"]):       # heals when the block ends
    ...
cluster.metrics.frame("queue_length")               # pandas: time, node, server, value
cluster                                             # nodes, links and servers, as a table and a picture
cluster.close()
"""

EXPERIMENT = """\
workload = rk.Workload(
    [rk.Operation.call("counter-0", "increment", weight=0.8),
     rk.Operation.call("counter-0", "get", weight=0.2)],
    arrivals=rk.arrivals.poisson(rate=500),         # open loop; rk.arrivals.closed(users=50, think_time=0.1)
)
scenario = rk.Scenario(
    "progressive node failures",
    [rk.faults.NodeCrash(every=2.0, count=2, restart_after=1.0),
     rk.faults.Latency(0.02, 0.2, fraction=0.3)],
    criteria=["availability >= 0.8", "recovery_time <= 5 s", "p95 <= 500 ms", "error_rate < 5 %"],
)
experiment = rk.Experiment(rk.ClusterSpec(nodes=3), system=counters, workload=workload,
                           scenario=scenario, duration=10.0, seed=7)
result = experiment.run()                           # progress bar; live plots if a lab is open
result.passed                                       # True / False / None (inconclusive)
result.verdicts                                     # DataFrame: criterion, measured, low, high, n, verdict
result.summary()                                    # DataFrame per operation: count, errors, rate, p50…p99.9
result.metrics; result.latency; result.history; result.events     # joined on one clock
result.plot()                                       # memory, queue length, latency, throughput; faults shaded
result.report("report.html")                        # one self-contained file
result.save("runs/first"); rk.load("runs/first"); rk.compare("runs/first", "runs/second")
"""


def quick(code: str = EXPERIMENT, *, duration: float = 3.0) -> str:
    """Return the experiment with a shorter load, and with the second run that it compares with."""
    compared = "rk.compare("
    saved = 'result.save("runs/second"); '
    for old in ("duration=10.0", compared):
        assert code.count(old) == 1
    return code.replace("duration=10.0", f"duration={duration}").replace(compared, saved + compared)


def as_typed(code: str) -> str:
    """Return `code` as somebody types it at a prompt: an empty line ends a block."""
    lines = code.splitlines()
    typed: list[str] = []
    for statement in ast.parse(code).body:
        text = lines[statement.lineno - 1 : statement.end_lineno]
        if text != typed[-len(text) :]:  # several statements may share a line
            typed += text
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.With):
            typed.append("")
    return "\n".join(typed) + "\n"
