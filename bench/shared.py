# SPDX-License-Identifier: MIT
"""What does memory cost that two processes share?"""
from question import Figure, Goal, Row

TITLE = "What does memory cost that two processes share?"
TEXT = """
Nanoseconds of wall clock, two processes on two cores. *stream* is a queue of 64-byte items with room for
1,024, one who puts and one who gets, as fast as it goes; *there and back* is one item at a time through
two of them. *pthreads* is a ring in shared memory under a robust mutex and two conditions; the *bare
ring* knows one putter and one getter, spins, and has neither locks nor sleep. Python's is SimpleQueue,
which is a pipe, and Lock, a semaphore of POSIX; its holder's death is told to nobody.
"""
ROUNDS = 7
REFERENCE = "pthreads"
PEERS = {
    "weft": "shared_weft",
    "pthreads": "shared_pthread",
    "bare ring": "shared_ring",
    "Python": "shared_python.py",
}
FIGURES = [Figure("")]
ROWS = [
    Row("stream", "stream", "0,1"),
    Row("round_trip", "there and back", "0,1"),
    Row("lock", "lock and unlock, nobody else", "0", without=("bare ring",)),
    Row("lock_by_two", "lock and unlock, two at it", "0,1", without=("bare ring",)),
]
GOALS = [
    Goal("weft", "stream", at_most=100,
         why="three atomic steps at each end, and two sides that read each other's lines; a ring under one "
         "lock passes items in bursts"),
]
