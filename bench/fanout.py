# SPDX-License-Identifier: MIT
"""What does it cost to tell many?"""
from question import Figure, Goal, Row

TITLE = "What does it cost to tell many?"
TEXT = """
A sender on core 0 sends 64 bytes, or 16 times 64 bytes, to each of N connections; a program on core 1
takes them all and then asks for the next round, so that no round's messages meet the next one's in a
buffer. *send()* is one call for each connection, with its 16 messages in one buffer; *bare io_uring* is
one send for each of them, all submitted by one call. weft posts each message by a call of its own;
*weft* is what it takes by itself: io_uring where a system call is dear, else epoll.
"""
ROUNDS = 7
REFERENCE = "send()"
PEERS = {
    "weft": "load fanout_weft",
    "weft, epoll": "load fanout_weft WEFT_IO=epoll",
    "weft, io_uring": "load fanout_weft WEFT_IO=uring",
    "send()": "load fanout_c",
    "bare io_uring": "load fanout_uring",
}
ROWS = [Row(f"fanout {n} {messages}", f"N = {n:,}, {text}", "0,1")
        for messages, text in ((1, "1 message"), (16, "16 queued")) for n in (100, 1000, 5000)]
FIGURES = [
    Figure("cpu", "CPU of the sender, ns for a message delivered", 0),
    Figure("rate", "million messages a second (more is better)", 3),
]
WHY = ("a post takes the connection's lock and copies into its queue, some 100 ns where that is in the "
       "cache, several times as much where it is not; and io_uring saves the bare program itself no more "
       "than the table shows")
GOALS = [
    *(Goal("weft", f"fanout {n} 1", "cpu", at_most=0.85, of="send()", why=WHY)
      for n in (100, 1000, 5000)),
    Goal("weft", "fanout 1000 16", "rate", at_least=1.5, why=WHY),
]
