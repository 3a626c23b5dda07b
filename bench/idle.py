# SPDX-License-Identifier: MIT
"""What does a connection cost that says nothing?"""
from question import Figure, Goal, Row

TITLE = "What does a connection cost that says nothing?"
TEXT = """
The echo servers, and clients that have each spoken once. Memory is what the server has more of than
without them, by their number: resident, and the page tables for it, but not what the kernel keeps for a
socket. *lean* takes its buffer of 1 KiB only when there is something to read (`weft_wait_readable`), the
others keep it. Wake-ups are switches of context of all threads of the server in three seconds.
"""
ROUNDS = 5
REFERENCE = "weft, lean"
THREADS = "weft, a thread each"
PEERS = {
    "weft, lean": "load echo_weft lean WEFT_IO=epoll",
    "weft, lean, io_uring": "load echo_weft lean WEFT_IO=uring",
    "weft, plain": "load echo_weft plain",
    THREADS: "load echo_weft threads",
    "libuv": "load echo_uv",
    "Boost.Asio": "load echo_asio",
    "State Threads": "load echo_st",
    "Go": "load echo_go",
    "tokio": "load echo_tokio",
}
FIGURES = [Figure("")]
ROWS = [
    Row("memory 10000", "bytes of each of 10,000", "0,1", without=(THREADS,)),
    Row("memory 5000", "of 5,000: a thread has a descriptor too", "0,1",
        without=tuple(set(PEERS) - {THREADS})),
    Row("wakeups 1000", "wake-ups, of 1,000, in 3 s", "0,1", without=("Boost.Asio", "State Threads")),
]
MEMORY = ("a page of stack, 128 bytes of page tables for it, and beside it the connection and the future "
          "of its task")
GOALS = [Goal(peer, row, at_most=most, why=why)
         for row, most, why in (("memory 10000", 4800, MEMORY), ("wakeups 1000", 0, ""))
         for peer in ("weft, lean", "weft, lean, io_uring")]
