# SPDX-License-Identifier: MIT
"""What does a fiber cost?"""
import collections

TITLE = "What does a fiber cost?"
TEXT = """
Nanoseconds of wall clock each, on one core but for the last but one row; bytes in the last.
*limit* is weft's switch and a list of the ready, and nothing else: no deadlines, no descriptors, no
cancellation, no names. State Threads have no queue: there two tasks talk by two conditions, and their
yield is a sleep of 0.
"""
PEERS = { # the first is ours
    "weft": "fibers_weft",
    "Go": "fibers_go",
    "Boost.Fiber": "fibers_boost",
    "State Threads": "fibers_st",
    "limit": "fibers_limit",
}
Row = collections.namedtuple("Row", "name text goal reason cores", defaults=("0",))
FUTURE = ("some twenty locked instructions: for the future, its parker, its stack, and exit, which counts "
          "what lives under a lock; none of them knows yet that all is on one loop")
QUEUE = ("each wait goes through a lock, a line and the park word, all of them fit for other threads too: "
         "about ten locked instructions each")
ROWS = [
    Row("yield", "yield between two", 10, "two calls through tables, errno kept, timers looked at "
        "at each 64th switch"),
    Row("start_join", "start and join, one after another", 40, FUTURE),
    Row("ping_pong", "round trip through two queues of 1", 45, QUEUE),
    Row("buffered", "an item through a queue of 128", 20, QUEUE),
    Row("between_loops", "an item through a queue of 128, between two threads", 60,
        "each wake-up of the other loop is one ring of its bell: they are not batched", "0,1"),
    Row("parked", "bytes of a parked one, of 100,000, with a guard", 4600,
        "the page of its stack, its future and its parker", "0,1"),
]
