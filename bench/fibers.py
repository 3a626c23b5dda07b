# SPDX-License-Identifier: MIT
"""What does a fiber cost?"""
from question import Figure, Goal, Row

TITLE = "What does a fiber cost?"
TEXT = """
Nanoseconds of wall clock each, on one core but for the last but one column; bytes in the last.
*limit* is weft's switch and a list of the ready, and nothing else: no deadlines, no descriptors, no
cancellation, no names. Two that yield, or pass an item there and back, run one function, as the fibers
of a server do; where they run two the processor mispredicts a return at each switch, which costs 12 ns
more. State Threads have no queue: there two tasks talk by two conditions, and their yield is a sleep of 0.
"""
ROUNDS = 7
REFERENCE = "weft"
PEERS = {
    "weft": "fibers_weft",
    "Go": "fibers_go",
    "Boost.Fiber": "fibers_boost",
    "State Threads": "fibers_st",
    "limit": "fibers_limit",
}
FIGURES = [Figure("")]
ROWS = [
    Row("yield", "yield between two"),
    Row("start_join", "start and join, one after another"),
    Row("ping_pong", "round trip through two queues of 1"),
    Row("buffered", "an item through a queue of 128"),
    Row("between_loops", "an item through a queue of 128, between two threads", "0,1"),
    Row("parked", "bytes of a parked one, of 100,000, with a guard", "0,1"),
]
FUTURE = ("some 670 instructions, of which one is locked: it may be joined, waited for, cancelled, listed and "
          "named from any thread, has an argument, a result and an error of its own, and exit waits for it")
QUEUE = "where the fibers of one loop have a queue for themselves, what is left are checks and two switches"
GOALS = [
    Goal("weft", "yield", at_most=10, why="two calls through tables, errno kept, the turn counted"),
    Goal("weft", "start_join", at_most=40, why=FUTURE),
    Goal("weft", "ping_pong", at_most=45, why=QUEUE),
    Goal("weft", "buffered", at_most=20, why=QUEUE),
    Goal("weft", "between_loops", at_most=60,
         why="what the two ends know of each other goes from core to core once a batch, and where the "
         "getter is as fast as the putter batches are small; Go's two run on one core by turns"),
    Goal("weft", "parked", at_most=4600, why="the page of its stack, its future and its parker"),
]
