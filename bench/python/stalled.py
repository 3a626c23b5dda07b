#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""stalled - do those who read notice one who does not?

    bench/python/stalled.py BUILD/weft [ROUNDS]

Twenty clients of IRC are in one room; one after the other says 100 bytes, 100 times a second in all.
Latency is from the call that sends them until each of the other 19 has them. A round is run twice,
in turn first without and first with one more member who reads nothing: it is there from the
beginning, with the smallest buffer that the system allows. Server on core 0, all clients here on
core 1. The goal is a 99th percentile of at most 1.25 times the one without, as the median of the
rounds' ratios.
"""
import os
import re
import selectors
import socket
import statistics
import subprocess
import sys
import time

TALKERS, MESSAGES, RATE = 20, 500, 100
TEXT = "x" * 80


class Server:
    def __init__(self, weft):
        self.process = subprocess.Popen(
            [weft, "serve", "--plain", "off", "--web", "off", "--irc", "0", "--no-history"],
            stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {0}))
        for line in self.process.stdout:
            if match := re.search(r"listening on 127\.0\.0\.1:(\d+) for IRC", line):
                self.port = int(match[1])
            if line.startswith("descriptors limit="):
                break

    def join(self, nick, buffer=None):
        sock = socket.socket()
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(f"NICK {nick}\r\nUSER {nick} 0 * :x\r\nJOIN #room\r\n".encode())
        got = b""
        while b" 366 " not in got:
            got += sock.recv(65536)
        return sock

    def end(self):
        self.process.kill()
        self.process.wait()


def deliver(clients):
    """Seconds of each delivery."""
    every = selectors.DefaultSelector()
    for sock in clients:
        sock.setblocking(False)
        every.register(sock, selectors.EVENT_READ, [b""])
    sent, took, wanted = [], [], MESSAGES * (len(clients) - 1)
    begin = time.perf_counter()
    while len(took) < wanted:
        now = time.perf_counter()
        if len(sent) < MESSAGES and now >= begin + len(sent) / RATE:
            text = f"PRIVMSG #room :<{len(sent)}> {TEXT}\r\n".encode()
            sent.append(time.perf_counter())
            clients[len(sent) % len(clients)].send(text)
        due = begin + len(sent) / RATE - time.perf_counter() if len(sent) < MESSAGES else 10
        ready = every.select(max(due, 0))
        assert ready or len(sent) < MESSAGES, "a delivery is missing"
        for key, _ in ready:
            lines = (key.data[0] + key.fileobj.recv(1 << 20)).split(b"\r\n")
            now = time.perf_counter()
            key.data[0] = lines.pop()
            took += [now - sent[int(m[1])] for line in lines
                     if (m := re.search(rb"PRIVMSG #room :<(\d+)>", line))]
    return sorted(took)


def measure(weft, stalls):
    """The 99th percentile of a run, in milliseconds."""
    server = Server(weft)
    try:
        clients = [server.join(f"talker{n}") for n in range(TALKERS)]
        stalled = server.join("stalled", 1) if stalls else None
        took = deliver(clients)
        if stalled:
            stalled.close()
    finally:
        server.end()
    return took[len(took) * 99 // 100] * 1000


def main(weft, rounds=11):
    os.sched_setaffinity(0, {1})
    runs = {False: [], True: []}
    for number in range(int(rounds)):
        for stalls in (False, True) if number % 2 == 0 else (True, False):
            runs[stalls].append(measure(weft, stalls))
    for stalls, figures in runs.items():
        print(f"p99 {'with   ' if stalls else 'without'} {statistics.median(figures):.3f} ms"
              f" [{min(figures):.3f}-{max(figures):.3f}]")
    ratio = statistics.median(b / a for a, b in zip(runs[False], runs[True]))
    print(f"ratio {ratio:.2f} (goal: at most 1.25)")
    return 0 if ratio <= 1.25 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
