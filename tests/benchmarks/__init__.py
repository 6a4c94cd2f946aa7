"""resilkit and its peers, run in turn on this machine: ``python -m tests.benchmarks``.

Every row is one file in `rows`. A row names contestants, resilkit among them, and what we aim for
as a ratio to a peer. Each repetition runs in a process of its own, and the contestants take turns
inside each round, so that a slow minute of the machine hits all of them. Trust the ratios, never a
single figure. Nothing here is a test, and pytest does not collect it.
"""
