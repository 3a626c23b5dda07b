# SPDX-License-Identifier: MIT
"""What does it cost to accept?"""
from question import Figure, Goal, Row

TITLE = "What does it cost to accept?"
TEXT = """
A server on core 0 takes each connection over loopback TCP and closes it. A program on core 1 connects N
times, looks until the server has closed them all, and begins again. The figure is the server's CPU
time, that of the kernel for it included, by the connections of 0.6 s after a warm-up. *bare epoll*
accepts by calls until nobody is left; *poll* does so too, told by the ring; *single* asks the ring for
one connection at a time, *multishot* once for all. weft also asks for the names of both ends, which is
two calls more; Go does the like, and sets options.
"""
ROUNDS = 9
REFERENCE = "bare epoll"
PEERS = {
    "weft, epoll": "load accept_weft WEFT_IO=epoll",
    "weft, io_uring": "load accept_weft WEFT_IO=uring",
    "bare epoll": "load accept_epoll",
    "bare io_uring, poll": "load accept_uring poll",
    "bare io_uring, single": "load accept_uring single",
    "bare io_uring, multishot": "load accept_uring multishot",
    "Go": "load accept_go",
}
ROWS = [Row(f"accept {n}", text, "0,1") for n, text in ((1, "one by one"), (64, "64 at once"))]
FIGURES = [
    Figure("cpu", "CPU of the server, µs a connection", 2),
    Figure("rate", "thousand connections a second (more is better)"),
]
NAMES = "the names of both ends are two calls and two texts more, and a connection is memory with a lock"
GOALS = [Goal(f"weft, {engine}", row.name, "cpu", at_most=1.1, of="bare epoll", why=NAMES)
         for engine in ("io_uring", "epoll") for row in ROWS]
