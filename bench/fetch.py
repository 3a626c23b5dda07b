# SPDX-License-Identifier: MIT
"""What does it cost to ask many pages for their size?"""
from question import Figure, Goal, Row

TITLE = "What does it cost to ask many pages for their size?"
TEXT = """
`weft fetch` beside other fetchers, against nginx with one process on the same two cores; it keeps
connections open and writes no log. CPU and memory are the client's alone, from its start to its end, as
the kernel counts them; the wall's clock, and so pages a second, are shared with nginx. Each prints a line
for each page, with its status and its size, and a run in which one is missing, or has another size, has
failed: wget2's lines are those of its statistics, aria2's pages are files that are counted.

*small* are 10,000 pages of 1 KB of one host, 50 at once. *late* are 2,000 that come after 100 ms, from a
server of ours, 1,000 at once. *large* are 200 of 2 MB, 5 at once. *hosts* are 1,000 hosts with one page
each, at addresses of their own and with TLS 1.3 (P-256), 50 at once; the names are in /etc/hosts, as the
client sees it, and their authority stands last among the system's. *HTTP/2* are 5,000 pages of 1 KB of one
host. *many* are 100,000 small pages: how much more memory each of them takes than with 1,000, without the
text of its URL.

The lecture's way is urllib in a ThreadPoolExecutor. Go's is a client of the standard library and goroutines.
libcurl is its multi interface and nothing else: with *poll*, curl_multi_poll; with *epoll*,
curl_multi_socket_action. h2load measures servers: it tells nothing of a page, and shows how fast nginx is.
Who is slow is asked for fewer pages, and its time is stretched: the lecture's way for 2,000 small pages
and 200 hosts, aria2 for 500 and 200. So is curl, for 100 hosts: it reads all of the system's
authorities again for each of them.
"""
ROUNDS = 5
REFERENCE = "weft"
CURL, WGET2, ARIA2, GO = "curl -Z", "wget2", "aria2", "Go"
PYTHON5, PYTHON50 = "the lecture's, 5 workers", "the lecture's, 50 workers"
POLL, EPOLL, TWO, LOAD = "libcurl, poll", "libcurl, epoll", "libcurl, epoll, 2 threads", "h2load"
PEERS = {
    REFERENCE: "fetch_peer.py weft",
    CURL: "fetch_peer.py curl",
    WGET2: "fetch_peer.py wget2",
    ARIA2: "fetch_peer.py aria2",
    PYTHON5: "fetch_peer.py python5",
    PYTHON50: "fetch_peer.py python50",
    GO: "fetch_peer.py go",
    POLL: "fetch_peer.py poll",
    EPOLL: "fetch_peer.py epoll",
    TWO: "fetch_peer.py two",
    LOAD: "fetch_peer.py h2load",
}


def row(name, text, *without):
    return Row(name, text, "0,1", without)


PAGES, LATE, BIG, HOSTS, HTTP2, MANY = "pages", "late", "large", "hosts", "http2", "memory"
ROWS = [
    row(PAGES, "small"),
    row(LATE, "late", ARIA2, PYTHON5, LOAD),
    row(BIG, "large", PYTHON50),
    row(HOSTS, "hosts", PYTHON5, LOAD),
    row(HTTP2, "HTTP/2", ARIA2, PYTHON5, PYTHON50),
    row(MANY, "many", WGET2, ARIA2, PYTHON5, PYTHON50, POLL, TWO, LOAD),
]
FIGURES = [
    Figure("rate", "pages a second (more is better)", 0),
    Figure("wall", "seconds for all", 3),
    Figure("cpu", "CPU of the client, s a thousand pages", 3),
    Figure("rss", "memory of the client at its largest, MB"),
    Figure("growth", "bytes of each further page", 0),
]


def goal(name, figure, of="", **limit):
    return Goal(REFERENCE, name, figure, of=of, **limit)


HANDSHAKE = ("two thirds of weft's time are OpenSSL 3's handshake, with what it allocates and locks (by samples: "
             "libcrypto and libssl 45 %, malloc and locks 24 %), a fifth the kernel, a tenth libcurl and 2 % weft; "
             "Go has a handshake of its own, and bare libcurl takes longer than weft")
GOALS = [
    goal(PAGES, "rate", at_least=25000),
    goal(PAGES, "cpu", at_most=0.045),
    goal(PAGES, "cpu", (CURL, WGET2, ARIA2, PYTHON5, PYTHON50, GO), at_most=1),
    goal(LATE, "wall", at_most=0.42,
         why="bare libcurl takes a quarter longer on this machine, whose two cores the server shares"),
    goal(LATE, "cpu", at_most=0.13,
         why="bare libcurl takes two thirds of it; the rest is what 1,000 pages at once touch for the first time: "
         "a fiber's stack, the request, the row"),
    goal(LATE, "rss", at_most=28,
         why="bare libcurl takes 27.5 to 27.9; beside it each of 1,000 has a stack of 4 KB, and a KB for its request, its task "
         "and its turn"),
    goal(BIG, "wall", at_most=0.3),
    goal(BIG, "cpu", at_most=1),
    goal(BIG, "rss", at_most=16),
    goal(HOSTS, "wall", at_most=1.6),
    goal(HOSTS, "wall", GO, at_most=1, why=HANDSHAKE),
    goal(HOSTS, "cpu", GO, at_most=1, why=HANDSHAKE),
    goal(HTTP2, "rate", at_least=12000),
    goal(HTTP2, "cpu", GO, at_most=1),
    goal(MANY, "growth", at_most=160),
]
