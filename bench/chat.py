# SPDX-License-Identifier: MIT
"""What does a chat server cost, and how fast is it?"""
from question import Figure, Goal, Row

TITLE = "What does a chat server cost, and how fast is it?"
TEXT = """
`weft serve` beside other servers that pass a word on to many. The server is alone on core 0; one
program on core 1 is all members, for every server. In each room one speaks, texts of 100 bytes, and
every other member must hear each of them once, in order and unaltered: that is checked at each, and a
run in which it is not so has failed. *In flight* are texts that not all have heard yet. *Offered* texts
come at their times, however the server does, and latency counts from then. CPU is that of the server
with the kernel's for it, all threads, by delivery, over 0.6 s after a warm-up.

The peers have no flood control and no limits that matter here. Weft is as it comes: with history, on
its own thread of the same core; *no history* is without. *Tags* are message-tags and server-time: each
text arrives with its time and its id. NATS and mosquitto (quality of service 0) keep no names and tell
nobody who came. *Lecture* is the Python server that passes bytes on, a thread each, and *weft, plain*
is the door of weft that does the same; as they need not know where a text ends, many are as cheap as
one, so they are not compared with 32 in flight. ngircd lets in some twenty clients a second, and is not
asked with a thousand. Who joins has done so once each of the 1,000 has been told of all that came after
it. Memory is what the server has more of with 10,000 members than before, two seconds after the last has
come: resident, and the page tables for it.
"""
ROUNDS = 11
REFERENCE = "InspIRCd"
WEFT, TAGS, WEB, TLS, BARE = ("weft", "weft, tags", "weft, WebSocket", "weft, TLS", "weft, no history")
LECTURE, PLAIN, TAGGED = "lecture", "weft, plain", "InspIRCd, tags"
PEERS = {
    WEFT: "chat_peer.py weft",
    BARE: "chat_peer.py weft_no_history",
    TAGS: "chat_peer.py weft_tags",
    WEB: "chat_peer.py weft_websocket",
    TLS: "chat_peer.py weft_tls",
    PLAIN: "chat_peer.py weft_plain",
    REFERENCE: "chat_peer.py inspircd",
    TAGGED: "chat_peer.py inspircd_tags",
    "ngircd": "chat_peer.py ngircd",
    "NATS": "chat_peer.py nats",
    "mosquitto": "chat_peer.py mosquitto",
    LECTURE: "chat_peer.py lecture",
}


def row(name, text, *peers, rounds=None):
    return Row(name, text, "0,1", tuple(peer for peer in PEERS if peer not in peers), rounds)


LARGE = (REFERENCE, "NATS", "mosquitto")
OTHERS = (*LARGE, "ngircd")
ONE, MANY, RATE = "rooms 1 100 1", "rooms 1 100 32", "rate 100 500"
THOUSAND, ROOMS = "rooms 1 1000 32", "rooms 100 50 1"
REGISTER, JOIN, IDLE = "register", "join 1000", "idle 10000"
ROWS = [
    row(ONE, "100 members, 1 in flight", *PEERS),
    row(MANY, "100 members, 32 in flight", *(set(PEERS) - {LECTURE, PLAIN})),
    row(RATE, "500 texts/s offered to 100", WEFT, PLAIN, LECTURE, *OTHERS),
    row(THOUSAND, "1,000 members, 32 in flight", WEFT, BARE, *LARGE),
    row(ROOMS, "100 rooms of 50, 1 in flight in each", WEFT, BARE, *LARGE),
    row(REGISTER, "one registers", WEFT, REFERENCE, "ngircd"),
    row(JOIN, "1,000 join", WEFT, REFERENCE, rounds=5),
    row(IDLE, "10,000 idle in one room", TAGS, TAGGED, "NATS", "mosquitto", rounds=1),
]
FIGURES = [
    Figure("cpu", "CPU of the server, µs a delivery", 2),
    Figure("rate", "thousand deliveries a second (more is better)"),
    Figure("p50", "latency, ms, 50 %", 2),
    Figure("p99", "latency, ms, 99 %", 2),
    Figure("worst", "latency, ms, the worst", 2),
    Figure("register", "until one is welcome, ms", 2),
    Figure("join", "until all are in, s", 2),
    Figure("memory", "KiB of a member that says nothing", 2),
]


def goal(name, figure, of=None, peer=WEFT, **limit):
    return Goal(peer, name, figure, of=of or "", **limit)


KERNEL = ("nine tenths of it are the kernel's send to each member, which every server makes; the row "
          "without history says what that costs")
TURNS = ("the history, which no peer keeps, takes its turns on the server's one core; the row without it "
         "says how much")
GOALS = [
    goal(ONE, "cpu", (*OTHERS, LECTURE), at_most=0.75, why=KERNEL),
    goal(ONE, "p99", (*OTHERS, LECTURE), at_most=0.7, why=TURNS),
    goal(MANY, "rate", OTHERS, at_least=1.3, why=KERNEL),
    goal(MANY, "cpu", OTHERS, at_most=0.5, why=TURNS),
    goal(MANY, "p99", OTHERS, at_most=0.5, why=TURNS),
    goal(RATE, "p99", (*OTHERS, LECTURE), at_most=0.5, why=TURNS),
    *(goal(name, figure, LARGE, **limit) for name in (THOUSAND, ROOMS)
      for figure, limit in (("rate", {"at_least": 1}), ("cpu", {"at_most": 1}), ("p99", {"at_most": 1}))),
    goal(REGISTER, "register", at_most=5),
    goal(JOIN, "join", at_most=1),
    goal(IDLE, "memory", peer=TAGS, at_most=6,
         why="a page of stack with its task and parker, 2.9 KiB of user, session and connection, and what "
         "10,000 who came in have left in between"),
    *(goal(name, "cpu", WEFT, peer=carried, at_most=most,
           why="a record of its own for each member, which is OpenSSL's work")
      for carried, most in ((WEB, 1.3), (TLS, 1.5)) for name in (ONE, MANY)),
]
