#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""serve_faults_test.py - `weft serve` while the system refuses it memory, a thread, a descriptor.

The command is linked with faults.c (tests/faults/). The Nth call fails, for every N that a short
conversation reaches: the server says in one line why it does not start, or it loses one client at
most and serves the others.
"""

import contextlib
import itertools
import os
import pathlib
import re
import socket
import sys
import tempfile

from program_helpers import PATIENCE, Server, run_tests, test, until

PAIRS = 3 # one may lose a client
numbers = itertools.count(100)


def has_ended(sock):
    try:
        return sock.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def has_heard(sock, words):
    try:
        return words in sock.recv(100, socket.MSG_PEEK)
    except OSError:
        return False


def talk(server):
    """Two new clients; whether one hears the other, or one of them was sent away."""
    words = b"hello %d\n" % next(numbers) # those of the pair before may come late
    with server.connect_unseen() as one, server.connect_unseen() as other:
        for sock in one, other:
            sock.setblocking(False)
            address = "%s:%d" % sock.getsockname()
            joined = rf"join id=\d+ addr={address} n=\d+"
            until(lambda: server.log.matching(joined) or has_ended(sock), "an answer")
        with contextlib.suppress(OSError):
            one.sendall(words)
        until(lambda: has_heard(other, words) or has_ended(one) or has_ended(other), "the words")
        return has_heard(other, words)


def lost_pairs(server):
    lost = 0
    for _ in range(PAIRS):
        try:
            lost += not talk(server)
        except ConnectionError: # it did not start after all
            server.process.wait(PATIENCE)
            return 0
    return lost


def play(kind, number):
    """The Nth call fails; whether there were so many."""
    with tempfile.TemporaryDirectory(prefix="weft-faults-") as folder:
        count = pathlib.Path(folder) / "count"
        environment = {"WEFT_FAULT": f"{kind}:{number}", "WEFT_FAULT_COUNT": str(count)}
        with Server(log="later", env={**os.environ, **environment}) as server:
            listening = r"listening on (.*):(\d+)"
            until(lambda: server.out.matching(listening) or server.process.poll() is not None,
                  "a server, or its end")
            if server.out.matching(listening):
                server.log = server.out
                server.host, server.port = re.fullmatch(listening, server.out.seen[0]).groups()
                assert lost_pairs(server) <= 1, "more than one client lost"
            status = server.end() if server.process.poll() is None else server.process.returncode
            server.err.close()
            said = server.err.seen
            assert (status, said) == (0, []) or status == 1 and is_one_line(said), (status, said)
        return int(count.read_text()) >= number


def is_one_line(said):
    return len(said) == 1 and re.fullmatch("weft serve: .*[^.]", said[0])


def sweep(kind):
    number = 1
    while True:
        try:
            if not play(kind, number):
                break
        except Exception as error:
            raise AssertionError(f"WEFT_FAULT={kind}:{number}") from error
        number += 1
    assert number > 1, "no call was there to fail"


@test
def without_memory_a_client_is_lost_or_the_server_says_why():
    sweep("memory")


@test
def without_a_thread_a_client_is_lost_or_the_server_says_why():
    sweep("thread")


@test
def without_a_descriptor_a_client_is_lost_or_the_server_says_why():
    sweep("descriptor")


sys.exit(run_tests())
