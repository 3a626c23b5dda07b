# SPDX-License-Identifier: MIT
"""How long does a word take to everybody?"""
from question import Figure, Goal, Row

TITLE = "How long does a word take to everybody?"
TEXT = """
The chat server: its clients, handlers and rooms, with two rooms in one process, on one loop and core 0.
In one of them are 10,000 who say nothing; in the other 100, of whom one after the other says 64 bytes.
Latency is from the call that sends them until each of the other 99 has them, over 300 broadcasts; their
clients are one program on core 1. Memory is all that is resident at the end, and the page tables for it.
"""
ROUNDS = 7
REFERENCE = "weft, epoll"
PEERS = {
    "weft, epoll": "load broadcast_weft WEFT_IO=epoll",
    "weft, io_uring": "load broadcast_weft WEFT_IO=uring",
}
ROWS = [Row("broadcast 10000 100", "10,000 idle, 100 talk", "0,1")]
FIGURES = [
    Figure("p99", "latency, ms, 99 %", 3),
    Figure("p50", "latency, ms, 50 %", 3),
    Figure("memory", "memory of the server, MB"),
]
GOALS = [Goal(peer, "broadcast 10000 100", figure, at_most=most)
         for peer in PEERS for figure, most in (("p99", 2), ("memory", 64))]
