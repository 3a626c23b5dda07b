# SPDX-License-Identifier: MIT
"""What does a message between two processes cost?"""
from question import Figure, Goal, Row

TITLE = "What does a message between two processes cost?"
TEXT = """
Nanoseconds of wall clock a message, between two processes on two cores, each of which does nothing else.
The bare socketpair is of SOCK_SEQPACKET, with one system call at each end: it cannot keep a message that
is too large for its reader. Python's pipe writes a length before each message into a stream.
"""
ROUNDS = 7
REFERENCE = "bare socketpair"
PEERS = {
    "weft": "pipe_weft",
    "bare socketpair": "pipe_c",
    "Python's Pipe": "pipe_python.py",
}
FIGURES = [Figure("")]
ROWS = [
    Row("stream", "64 bytes, one way, as fast as it goes", "0,1"),
    Row("large", "65,536 bytes, one way", "0,1"),
    Row("round_trip", "64 bytes there and back", "0,1"),
]
GOALS = [
    Goal("weft", "stream", at_most=1000,
         why="one system call to send, and two to receive since a message too large must stay; the bare "
         "socket takes longer than this goal with one (docs/processes.md)"),
]
