#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""chat_load_test - the load of the chat question of the bench notices what a server does wrong.

    chat_load_test.py CHAT_LOAD

The server is this file too: `chat_load_test.py FAULT PORT` speaks as much IRC as is needed, and does
one thing wrong to one member. That one who makes no mistake is not found fault with shows that the
others are found for theirs.
"""
import os
import pathlib
import selectors
import socket
import subprocess
import sys

ROOM, MEMBERS, FAULTY = b"#r0", 4, 60  # the text of this number is the one that goes wrong


# ---- the server -------------------------------------------------------------------------------

class Member:
    def __init__(self, sock):
        self.sock, self.rest, self.nick, self.kept = sock, b"", b"?", None

    def send(self, line):
        self.sock.sendall(line + b"\r\n")


def good(member, line):
    member.send(line)


def lost(_, __):
    pass


def lost_for_ever(member, _):
    member.send = lambda _: None


def doubled(member, line):
    member.send(line)
    member.send(line)


def reordered(member, line):
    member.kept = line  # goes out behind the next one


def altered(member, line):
    member.send(line[:-1] + b"!")


def cut(member, line):
    member.send(line[:-1])


def longer(member, line):
    member.send(line + b"!")


def of_another(member, line):
    member.send(line.replace(b":m0!", b":m1!"))


FAULTS = {fault.__name__: fault for fault in
          (good, lost, lost_for_ever, doubled, reordered, altered, cut, longer, of_another)}


class Server:
    def __init__(self, fault, port):
        self.fault, self.members, self.told = fault, [], 0
        self.selector, self.listener = selectors.DefaultSelector(), socket.socket()
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(64)
        self.selector.register(self.listener, selectors.EVENT_READ, None)

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.data:
                    self.read(key.data)
                else:
                    member = Member(self.listener.accept()[0])
                    self.selector.register(member.sock, selectors.EVENT_READ, member)

    def read(self, member):
        data = member.sock.recv(1 << 16)
        if not data:
            sys.exit(0)
        *lines, member.rest = (member.rest + data).split(b"\r\n")
        for line in lines:
            self.act(member, *line.split(b" ", 1))

    def act(self, member, command, rest):
        if command == b"NICK":
            member.nick = rest
            member.send(b":s 001 " + rest + b" :welcome")
        elif command == b"JOIN":
            self.members.append(member)
            for other in self.members:
                other.send(b":" + member.nick + b"!m@h JOIN " + ROOM)
            member.send(b":s 366 " + member.nick + b" " + ROOM + b" :end")
        elif command == b"PRIVMSG":
            self.tell(member, b":" + member.nick + b"!m@h PRIVMSG " + rest)

    def tell(self, author, line):
        self.told += 1
        for other in self.members:
            if other is author:
                continue
            is_due = other is self.members[-1] and self.told == FAULTY
            (self.fault if is_due else good)(other, line)
            if other.kept and not is_due:
                other.send(other.kept)
                other.kept = None


if len(sys.argv) == 3:
    Server(FAULTS.get(sys.argv[1]) or sys.exit(1), int(sys.argv[2])).run()

# ---- the test ----------------------------------------------------------------------------------

from program_helpers import Skip, equal, run_tests, test  # it reads the command line

CHAT_LOAD = pathlib.Path(sys.argv[1]).resolve()


def load(fault, in_flight):
    """(the status, what it said) with a server that makes this mistake."""
    if not {0, 1} <= os.sched_getaffinity(0):
        raise Skip("two cores are needed")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = str(s.getsockname()[1])
    done = subprocess.run([CHAT_LOAD, "irc", "rooms", "1", str(MEMBERS), str(in_flight), port,
                           sys.executable, __file__, fault, port],
                          capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stderr.strip() or done.stdout


def is_noticed(fault, words, in_flight=8):
    status, said = load(fault, in_flight)
    assert status == 1 and words in said, f"{fault}: status {status}: {said}"


@test
def a_server_without_fault_gets_its_figures():
    status, said = load("good", 8)
    equal(status, 0, said)
    figures = {line.split()[0]: float(line.split()[1]) for line in said.splitlines()}
    equal(sorted(figures), ["cpu", "p50", "p99", "rate", "worst"])
    assert all(figure > 0 for figure in figures.values()), figures
    assert figures["p50"] <= figures["p99"] <= figures["worst"], figures


@test
def a_lost_text_is_noticed_by_the_next():
    is_noticed("lost", "came too early: one was lost or overtaken")


@test
def a_lost_text_is_noticed_if_there_is_no_next():
    is_noticed("lost_for_ever", "a text was lost", in_flight=1)


@test
def a_doubled_text_is_noticed():
    is_noticed("doubled", "came twice")


@test
def a_text_out_of_order_is_noticed():
    is_noticed("reordered", "came too early: one was lost or overtaken")


@test
def an_altered_text_is_noticed():
    for fault in "altered", "cut", "longer":
        is_noticed(fault, "was altered")


@test
def a_text_of_another_is_noticed():
    is_noticed("of_another", "the server says: :m1!")


@test
def a_server_that_ends_before_it_listens_has_a_status_of_its_own():
    equal(load("no_such_fault", 1), (75, "the server ended before it listened"))


run_tests()
