"""One process, one thread, many nodes in virtual time: the same servers, exactly repeatable.

`scheduler` has the time and decides what happens next, by one of the orders in `schedules`; `loop`
is the event loop that each node is handed, `clock` its clock, `transport` and `network` what
carries its messages, `disk` its storage. None of them knows a cluster: `resilkit.cluster.simulated`
makes nodes out of them.
"""
