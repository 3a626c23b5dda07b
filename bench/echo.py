# SPDX-License-Identifier: MIT
"""What does a request cost?"""
from question import Figure, Goal, Row

TITLE = "What does a request cost?"
TEXT = """
An echo server over loopback TCP: 64 bytes, each connection has one request under way. The server is
alone on core 0; one program on core 1 is all its clients, for every server, and checks each byte that
comes back. The figure that counts is the server's CPU time, that of the kernel for it included, by the
requests that were answered in 0.6 s after a warm-up. With 10,000 connections latency is the line that
they stand in: 10,000 by the rate. *bare epoll* (level-triggered) and *bare io_uring* (provided
buffers, DEFER_TASKRUN) are the least that one can write in C. State Threads wait by poll: Debian's
have no epoll. *weft* is what it takes by itself: io_uring where a system call is dear, else epoll.
"""
ROUNDS = 7
REFERENCE = "bare epoll"
THREADS = "weft, a thread each"
PEERS = {
    "weft": "load echo_weft plain",
    "weft, epoll": "load echo_weft plain WEFT_IO=epoll",
    "weft, io_uring": "load echo_weft plain WEFT_IO=uring",
    THREADS: "load echo_weft threads",
    "bare epoll": "load echo_epoll",
    "bare io_uring": "load echo_uring single",
    "bare io_uring, multishot": "load echo_uring multishot",
    "libuv": "load echo_uv",
    "Boost.Asio": "load echo_asio",
    "State Threads": "load echo_st",
    "Go": "load echo_go",
    "tokio": "load echo_tokio",
}
ROWS = [
    Row("echo 50", "50 connections", "0,1"),
    Row("echo 1000", "1,000 connections", "0,1"),
    Row("echo 10000", "10,000 connections", "0,1", without=(THREADS,)),
]
FIGURES = [
    Figure("cpu", "CPU of the server, µs a request", 2),
    Figure("p99", "latency, ms, 99 %", 2),
    Figure("p50", "latency, ms, 50 %", 2),
    Figure("rate", "thousand requests a second (more is better)"),
]
MISSES = ("the calls are those of the bare program; but a fiber's stack is a page of its own, and to look up so many "
          "takes long under a hypervisor: bare epoll that touches a page for each connection takes as long")
GOALS = [
    Goal("weft", row, figure, at_most=most, of="bare epoll", why=MISSES)
    for figure, limits in (("cpu", (0.95, 1.0, 0.9)), ("p99", (1.0, 1.0, 1.0)))
    for row, most in zip(("echo 50", "echo 1000", "echo 10000"), limits)
]
