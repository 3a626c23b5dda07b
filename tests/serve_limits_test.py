#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""serve_limits_test.py BUILD/weft - what one client, or one network, cannot take from the others:
flood control, limits of connections, descriptors, time to register, peers that vanished, and
readers that stand still. What flood control counts is in tests/irc/flood*.irc, by a clock of its
own; here is that it holds at every door."""

import base64
import contextlib
import fcntl
import re
import resource
import socket
import struct
import sys
import threading
import urllib.error
import urllib.request

from chat_helpers import Irc as AnyIrc, certificate, folder, frame, tls
from program_helpers import (
    PATIENCE,
    Server as AnyServer,
    equal,
    hears,
    in_own_network,
    run_tests,
    test,
    until,
)

SHUT_OUT = "too many connections from your network"


class Server(AnyServer):
    """With the plain door, IRC and the page, each on a free port; without a history."""

    def __init__(self, *args, **more):
        super().__init__("--no-history", "--irc", "0", "--web", "0", "--name", "weft.test",
                         *map(str, args), **more)
        self.irc, self.web = self.address("irc")[1], self.address("web")[1]

    def reach(self, port, source="127.0.0.1"):
        return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE,
                                        source_address=(source, 0))

    def dropped(self, reason, count=1):
        """The address of the last of so many clients that were put out for this reason."""
        return self.out.wait(rf'drop id=\d+ .*addr=(\S+) .*reason="{reason}"', count)[1]

    def still_serves(self):
        """Whoever comes now is welcome."""
        with Irc(self.reach(self.irc), "newcomer") as client:
            client.pings()


class Irc(AnyIrc):
    def pings(self):
        self.answer("PING here", r"\S+ PONG \S+ :here")

    def join(self):
        self.answer("JOIN #room", r"\S+ 366 .*")
        return self

    def ends(self, reason):
        self.wait(rf"ERROR :Closing link: 127\.0\.0\.1 \({reason}\)")
        equal(self.line(), None)


def websocket(server):
    sock = server.reach(server.web)
    sock.sendall(f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{server.web}\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                 f"{base64.b64encode(bytes(16)).decode()}\r\n\r\n".encode())
    got = b""
    while b"\r\n\r\n" not in got:
        piece = sock.recv(1)
        assert piece, got
        got += piece
    assert got.startswith(b"HTTP/1.1 101 "), got
    return sock


def all_of(sock):
    """All that still comes, also if the end of it is a reset."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while piece := sock.recv(65536):
            got += piece
    return got


def keep_sending(sock, data):
    """In a thread, until the connection ends."""
    def send():
        with contextlib.suppress(OSError):
            while True:
                sock.sendall(data)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def metrics(server):
    text = urllib.request.urlopen(f"http://127.0.0.1:{server.web}/metrics", timeout=PATIENCE)
    return dict(re.findall(r"^([^#\s]\S*) (\d+)$", text.read().decode(), re.M))


# ---- flood control -----------------------------------------------------------------------------

FLOOD = ["--flood-exempt", "none", "--flood-burst", 5]
LINE = "PRIVMSG #room :" + "x" * 400


@test
def who_sends_on_and_on_is_put_out_with_a_reason_and_the_room_is_told():
    with Server(*FLOOD, "--flood-rate", 1) as server:
        with Irc(server.reach(server.irc), "alice") as alice, \
                Irc(server.reach(server.irc), "flooder") as flooder:
            alice.join()
            flooder.join()
            flooder.say(*[LINE] * 100)
            flooder.ends("Excess Flood")
            alice.wait(r"flooder!\S+ QUIT :Excess Flood")
            alice.sock.sendall(b"PING here\r\n")
            alice.wait(r"\S+ PONG \S+ :here")
            port = server.dropped("Excess Flood").rsplit(":", 1)[1]
            equal(int(port), flooder.sock.getsockname()[1])


@test
def a_websocket_has_a_budget_too():
    with Server(*FLOOD, "--flood-rate", 1) as server, websocket(server) as sock:
        sock.sendall(frame("NICK flooder") + frame("USER flooder 0 * :x"))
        with contextlib.suppress(ConnectionError):
            sock.sendall(frame(LINE) * 100)
        assert b"(Excess Flood)" in all_of(sock)
        server.dropped("Excess Flood")


@test
def tls_has_a_budget_too():
    with folder() as at:
        key, chain = certificate(at, "weft.test")
        with Server(*FLOOD, "--flood-rate", 1, "--ircs", 0, "--tls-cert", chain, "--tls-key", key,
                    "--limit-network", 1, "--limit-network-exempt", "none") as server:
            address = server.address("ircs")
            with Irc(tls(address, at, "weft.test"), "flooder") as flooder:
                with server.reach(address[1]) as second: # nothing is said inside TLS, nor before it
                    equal(all_of(second), b"")
                flooder.say(*[LINE] * 100)
                flooder.ends("Excess Flood")


@test
def what_is_over_the_budget_comes_later_and_in_order():
    with Server(*FLOOD, "--flood-rate", 100) as server:
        with Irc(server.reach(server.irc), "alice") as alice, \
                Irc(server.reach(server.irc), "bob") as bob:
            bob.join()
            alice.join()
            alice.say(*(f"PRIVMSG #room :{n}" for n in range(60)))
            for n in range(60):
                bob.wait(rf"alice!\S+ PRIVMSG #room :{n}")


@test
def clients_of_this_machine_may_ask_as_they_like_and_others_get_their_turn():
    with Server("--flood-burst", 1, "--flood-rate", 1, "--flood-backlog", 1) as server:
        with Irc(server.reach(server.irc), "flooder") as flooder:
            flooder.say(*[LINE] * 1000)
            flooder.pings()
            talking = keep_sending(flooder.sock, b"PONG x\r\n" * 10000)
            endless = server.reach(server.irc)
            server.out.wait(r"join id=\d+ door=irc .*", 2)
            unending = keep_sending(endless, b"x" * 100000) # a line without end
            pinging = websocket(server)
            noisy = keep_sending(pinging, (bytes([0x89, 0x80]) + bytes(4)) * 10000)
            plain = server.reach(server.port)
            shouting = keep_sending(plain, b"x" * 100000)
            server.still_serves()
            for sock in flooder.sock, endless, pinging, plain:
                sock.shutdown(socket.SHUT_RDWR)
            for thread in talking, unending, noisy, shouting:
                thread.join(PATIENCE)
            for sock in endless, pinging, plain:
                sock.close()


@test
def flood_control_can_be_switched_off():
    with Server(*FLOOD, "--flood-rate", 1, "--no-flood-control") as server:
        with Irc(server.reach(server.irc), "alice") as alice:
            alice.say(*[LINE] * 1000)
            alice.pings()


# ---- connections -------------------------------------------------------------------------------


def is_refused(server, port, reason, source="127.0.0.1"):
    with server.reach(port, source) as sock:
        got = all_of(sock).decode()
    if port == server.irc:
        equal(got, f"ERROR :Closing link: {source} ({reason})\r\n")
    elif port == server.port:
        equal(got, f"{reason}\n")
    else:
        status = "503 Service Unavailable" if "full" in reason else "429 Too Many Requests"
        assert got.startswith(f"HTTP/1.1 {status}\r\n"), got
        assert got.endswith(f"\r\n\r\n{status}: {reason}\n") and "\r\nRetry-After: " in got, got


@test
def of_one_network_only_so_many_come_in_at_once_by_whichever_door():
    with Server("--limit-network", 2, "--limit-network-exempt", "none") as server:
        one, other = Irc(server.reach(server.irc), "one"), server.connect()
        for port in server.irc, server.port, server.web:
            is_refused(server, port, SHUT_OUT)
        server.out.wait(rf'refuse addr=127\.0\.0\.1:\d+ reason="{SHUT_OUT}"')
        equal(len(server.out.matching("refuse .*")), 1, "lines of the log")
        with Irc(server.reach(server.irc, "127.0.0.2"), "neighbour") as neighbour:
            neighbour.pings()
        one.say("QUIT")
        server.out.wait("leave id=.*", 2)
        with contextlib.closing(server.reach(server.port)) as plain: # there is room again
            server.out.wait(r"join id=\d+ addr=.* n=2")
            plain.sendall(b"hello")
            hears(other, "hello")


@test
def a_browser_that_is_refused_hears_why():
    with Server("--limit-network", 1, "--limit-network-exempt", "none") as server:
        with Irc(server.reach(server.irc), "one"):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{server.web}/", timeout=PATIENCE)
                raise AssertionError("it was let in")
            except urllib.error.HTTPError as answer:
                equal((answer.code, answer.read().decode()),
                      (429, f"429 Too Many Requests: {SHUT_OUT}\n"))


@test
def of_one_network_only_so_many_come_within_a_window():
    with Server("--limit-network-new", 3, "--limit-network-exempt", "none") as server:
        for _ in range(3):
            server.connect().close()
        reason = "too many new connections from your network; try again later"
        is_refused(server, server.irc, reason)
        is_refused(server, server.web, reason)
        with Irc(server.reach(server.irc, "127.0.0.2"), "neighbour") as neighbour:
            neighbour.pings()


@test
def the_bits_of_a_network_and_who_is_exempt_are_settings():
    with Server("--limit-network", 1, "--limit-network-v4", 24, "--limit-network-exempt",
                "127.0.1.0/24") as server:
        with server.connect():
            is_refused(server, server.irc, SHUT_OUT, "127.0.0.9")
            for n in range(3):
                Irc(server.reach(server.irc, "127.0.1.9"), f"exempt{n}").pings()


@test
def all_together_are_bounded_and_counted():
    with Server("--limit-clients", 3) as server:
        crowd = [server.connect(), server.connect()]
        with Irc(server.reach(server.irc), "third"):
            for port in server.irc, server.port, server.web:
                is_refused(server, port, "the server is full")
        server.out.wait("leave .*")
        seen = metrics(server)
        here = [seen[f'weft_connections{{door="{door}"}}'] for door in ("plain", "irc", "web")]
        equal((seen['weft_refused_total{reason="full"}'], here), ("3", ["2", "0", "1"]))
        equal(len(server.out.matching('refuse addr=.* reason="the server is full"')), 1)
        for sock in crowd:
            sock.close()


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


@test
def the_last_descriptors_are_not_given_away_and_nothing_spins():
    """Under `ulimit -n 64`. Twice as many come: the others are told, and those inside go on."""
    with Server(preexec_fn=few_descriptors) as server, contextlib.ExitStack() as stack:
        room = int(server.out.wait(r"clients limit=(\d+)")[1])
        server.out.wait("descriptors limit=64")
        assert 20 <= room < 60, room
        guests = [stack.enter_context(server.connect()) for _ in range(room)]
        crowd = [stack.enter_context(server.reach(server.irc)) for _ in range(100)]
        for sock in crowd:
            equal(all_of(sock), b"ERROR :Closing link: 127.0.0.1 (the server is full)\r\n")
        server.assert_idle()
        equal(server.out.matching("wait .*"), [])
        equal(len(server.out.matching("refuse .*")), 1)
        guests[0].sendall(b"life goes on")
        for guest in guests[1:]:
            hears(guest, "life goes on")
        guests[0].close()
        server.out.wait("leave .*")
        server.still_serves()


# ---- those who say nothing ---------------------------------------------------------------------


@test
def who_does_not_say_who_he_is_is_dropped_at_every_door_of_irc():
    with Server("--limit-register", 0.3) as server:
        with Irc(server.reach(server.irc)) as silent, websocket(server) as other:
            silent.ends("Registration timeout")
            assert b"(Registration timeout)" in all_of(other)
        server.dropped("Registration timeout", 2)
        equal(sorted(re.findall(r"drop id=\d+ door=(\w+)", "\n".join(server.out.seen))),
              ["irc", "web"])


@test
def to_talk_without_end_is_no_way_to_stay_unregistered():
    with Server("--limit-register", 0.3) as server:
        with server.reach(server.irc) as talker, server.reach(server.irc) as slow:
            keep_sending(talker, b"PONG x\r\n" * 1000)
            keep_sending(slow, b"x")
            server.dropped("Registration timeout", 2)


@test
def who_does_not_answer_a_ping_is_dropped_and_the_room_is_told():
    with Server("--limit-ping", 0.5, "--limit-answer", 0.5) as server:
        with Irc(server.reach(server.irc), "gone") as gone:
            gone.join()
            with Irc(server.reach(server.irc), "here") as here:
                here.join()
                while (line := here.line()) and "QUIT :Ping timeout" not in line:
                    if line.startswith("PING "): # it answers, and so stays
                        here.say("PONG" + line[4:])
                assert line and line.startswith(":gone!"), line
        server.dropped("Ping timeout")


def shut_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sH14x", b"lo", 0))


@test
@in_own_network
def peers_that_vanish_without_a_word_are_noticed():
    """The network goes away: nothing is sent any more, not even a reset."""
    with Server("--limit-ping", 1, "--limit-answer", 1) as server:
        plain = server.connect()
        irc = Irc(server.reach(server.irc), "vanished")
        shut_loopback()
        server.dropped("Ping timeout")
        server.out.wait(r"(leave|drop) id=\d+ addr=\S+ n=0.*")
        plain.close()
        irc.sock.close()


# ---- those who do not read ---------------------------------------------------------------------


def say_in_turn(talkers, number):
    """Each says 25 lines, and hears those of all others, in the order in which each said them."""
    words = "y" * 400
    for talker in talkers:
        talker.say(*(f"PRIVMSG #room :{number} {n} {words}" for n in range(25)))
    for talker in talkers:
        heard = {}
        while sum(heard.values()) < 25 * (len(talkers) - 1):
            match = talker.wait(rf"(\S+)!\S+ PRIVMSG #room :{number} (\d+) {words}")
            equal(int(match[2]), heard.get(match[1], 0))
            heard[match[1]] = int(match[2]) + 1


@test
def one_who_does_not_read_is_dropped_and_twenty_others_hear_everything():
    with Server("--queue", 1) as server, contextlib.ExitStack() as stack:
        talkers = [stack.enter_context(Irc(server.reach(server.irc), f"talker{n}")).join()
                   for n in range(20)]
        stalled = socket.socket()
        stack.enter_context(stalled)
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(("127.0.0.1", server.irc))
        stalled.sendall(b"NICK stalled\r\nUSER stalled 0 * :x\r\nJOIN #room\r\n")
        talkers[0].wait(r"stalled!\S+ JOIN .*")
        before, most = server.kilobytes(), 0
        for number in range(60):
            say_in_turn(talkers, number)
            most = max(most, server.kilobytes() - before)
            if server.out.matching('drop .* reason="too slow"'):
                break
        address = server.dropped("too slow")
        equal(address, "%s:%d" % stalled.getsockname())
        for talker in talkers:
            talker.pings()
        with Irc(server.reach(server.irc), "witness") as witness:
            witness.say("WHOWAS stalled", "NAMES #room")
            witness.wait(r"\S+ 314 witness stalled .*")
            assert "stalled" not in witness.wait(r"\S+ 353 .*")[0]
        # What a round says to all is 4.7 MB, which wait too where the talkers are slow to read.
        assert most < 16384 or server.is_sanitized(), f"{most} KB waited for one with a queue of 1 MB"


@test
def the_room_is_told_why_the_one_who_did_not_read_went():
    with Server("--queue", 1) as server, socket.socket() as stalled:
        with Irc(server.reach(server.irc), "alice") as alice, \
                Irc(server.reach(server.irc), "bob") as bob:
            alice.join()
            bob.join()
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.connect(("127.0.0.1", server.irc))
            stalled.sendall(b"NICK stalled\r\nUSER stalled 0 * :x\r\nJOIN #room\r\n")
            bob.wait(r"stalled!\S+ JOIN .*")
            keep_sending(alice.sock, (LINE + "\r\n").encode() * 10)
            bob.wait(r"stalled!\S+ QUIT :Too slow")
            alice.sock.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    sys.exit(run_tests())
