#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""weft serve with all its doors: plain clients, IRC's and browsers meet, and history outlives a kill."""
import base64
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request

from program_helpers import PATIENCE, WEFT, Lines, equal, receive, run_tests, test, weft

DOORS = ["--plain", "0", "--irc", "0", "--web", "0", "--name", "weft.test"]


class Doors:
    """A server with its doors on free ports, and its history in a folder of the test."""

    def __init__(self, data, *options):
        self.process = subprocess.Popen(
            [WEFT, "serve", *DOORS, "--data", data, *options], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.out, self.err = Lines(self.process.stdout), Lines(self.process.stderr)
        self.plain = int(self.out.wait(r"listening on 127\.0\.0\.1:(\d+)")[1])
        self.irc = int(self.out.wait(r"listening on 127\.0\.0\.1:(\d+) for IRC")[1])
        self.web = self.out.wait(r"open in a browser: (http://\S+)")[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.out.close()
        self.err.close()

    def plain_client(self):
        seen = len(self.out.matching(r"join id=\d+ addr=.*"))
        sock = socket.create_connection(("127.0.0.1", self.plain), timeout=PATIENCE)
        self.out.wait(r"join id=\d+ addr=.*", seen + 1)
        return sock


class Irc:
    def __init__(self, server, nick, caps=""):
        self.sock = socket.create_connection(("127.0.0.1", server.irc), timeout=PATIENCE)
        self.lines = self.sock.makefile("r", encoding="utf-8", newline="\r\n")
        self.say(*([f"CAP REQ :{caps}"] if caps else []), f"NICK {nick}", f"USER {nick} 0 * :{nick}",
                 *(["CAP END"] if caps else []), "JOIN #lobby")
        self.hear(r".* 366 .*")

    def say(self, *lines):
        self.sock.sendall("".join(line + "\r\n" for line in lines).encode())

    def hear(self, pattern):
        """The match of the first line that the pattern describes."""
        for line in self.lines:
            if match := re.fullmatch(pattern, line.rstrip("\r\n")):
                return match
        raise AssertionError(f"the connection ended before {pattern}")


@contextlib.contextmanager
def doors(*options):
    with tempfile.TemporaryDirectory() as folder, \
            Doors(os.path.join(folder, "history"), *options) as server:
        yield server


@test
def plain_clients_and_those_of_irc_meet_in_the_lobby():
    with doors() as server:
        alice = Irc(server, "alice")
        plain = server.plain_client()
        alice.hear(r":(plain-\d+)!~plain@127\.0\.0\.1 JOIN #lobby")
        plain.sendall(b"one\ntwo\n")
        alice.hear(r":plain-1!~plain@127\.0\.0\.1 PRIVMSG #lobby :one")
        alice.hear(r":plain-1!~plain@127\.0\.0\.1 PRIVMSG #lobby :two")
        alice.say("PRIVMSG #lobby :hello, 线程")
        equal(receive(plain, len("<alice> hello, 线程\n".encode())).decode(), "<alice> hello, 线程\n")
        plain.close()
        alice.hear(r":plain-1!~plain@127\.0\.0\.1 QUIT :.*")


@test
def a_plain_message_without_a_newline_ends_by_itself():
    with doors() as server:
        alice = Irc(server, "alice")
        plain = server.plain_client()
        plain.sendall("没有换行".encode())
        alice.hear(r":plain-1!\S+ PRIVMSG #lobby :没有换行")


@test
def what_is_no_utf8_is_shown_as_such_and_long_messages_are_cut_between_characters():
    with doors() as server:
        alice = Irc(server, "alice")
        plain = server.plain_client()
        plain.sendall(b"a\xffb\n")
        alice.hear("\\S+ PRIVMSG #lobby :a\uFFFDb")
        plain.sendall(("线" * 1000 + "\n").encode())
        heard = ""
        while len(heard) < 1000:
            heard += alice.hear(r"\S+ PRIVMSG #lobby :(线+)")[1]
        equal(heard, "线" * 1000)


@test
def plain_clients_hear_each_other_byte_for_byte():
    with doors() as server:
        one, two = server.plain_client(), server.plain_client()
        one.sendall(b"\xff\x00 as it is")
        equal(receive(two, 11), b"\xff\x00 as it is")


@test
def a_browser_at_the_plain_door_is_shown_the_way_and_nobody_hears_it():
    with doors() as server:
        other = server.plain_client()
        lost = server.plain_client()
        lost.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        answer = lost.makefile("rb").read().decode()
        assert answer.startswith("HTTP/1.1 400 ") and server.web in answer, answer
        server.plain_client().sendall(b"x")
        equal(receive(other, 1), b"x")


@test
def a_door_that_is_taken_is_left_shut_unless_it_was_asked_for():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        got = weft("serve", "--plain", "0", "--irc", port, "--web", "off", "--no-history")
        equal((got.status, got.err), (1, f"weft serve: listen 127.0.0.1:{port}: Address already in "
                                         "use (another server? try --irc 0)\n"))
        equal(weft("serve", "--irc", "nonsense").status, 2)


@test
def a_second_server_on_the_same_history_ends_with_one_line():
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "history")
        with Doors(data):
            got = weft("serve", *DOORS, "--data", data)
            equal((got.status, got.out), (1, ""))
            equal(got.err.count("\n"), 1)
            assert "another server?" in got.err, got.err


@test
def the_end_is_told_to_everybody():
    with doors() as server:
        alice = Irc(server, "alice")
        server.process.send_signal(signal.SIGTERM)
        alice.hear(r"ERROR :Closing link: 127\.0\.0\.1 \(Server shutting down\)")
        equal(server.process.wait(PATIENCE), 0)


@test
def a_browser_between_two_requests_does_not_hold_up_the_end():
    with doors() as server:
        port = int(server.web.rstrip("/").rsplit(":", 1)[1])
        sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")
        server.process.send_signal(signal.SIGTERM)
        equal(server.process.wait(10), 0)
        equal(server.out.matching("stop signal=.*"), ["stop signal=SIGTERM"])


@test
def what_was_acknowledged_outlives_a_kill():
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "history")
        acknowledged = []
        for round_ in range(3):
            with Doors(data) as server:
                alice = Irc(server, "alice", "echo-message")
                for n in range(50):
                    alice.say(f"PRIVMSG #lobby :message {round_} {n}")
                for _ in range(10 + 10 * round_): # and then in the middle of it
                    acknowledged.append(alice.hear(r"\S+ PRIVMSG #lobby :(.*)")[1])
                server.process.kill()
        with Doors(data) as server:
            alice = Irc(server, "alice", "draft/chathistory batch")
            alice.say("CHATHISTORY LATEST #lobby * 100")
            alice.hear(r".* BATCH \+\S+ chathistory #lobby")
            kept = []
            for line in alice.lines:
                if " BATCH -" in line:
                    break
                kept.append(re.search(r" PRIVMSG #lobby :(.*)\r\n", line)[1])
            missing = [text for text in acknowledged if text not in kept and kept]
            recent = [text for text in acknowledged if text.startswith("message 2")]
            equal([text for text in recent if text not in kept], [])
            assert len(kept) == 100 or not missing, missing


@test
def a_backup_is_made_while_the_server_runs():
    with tempfile.TemporaryDirectory() as folder:
        data, copy = os.path.join(folder, "history"), os.path.join(folder, "copy.db")
        with Doors(data) as server:
            alice = Irc(server, "alice", "echo-message")
            alice.say("PRIVMSG #lobby :kept")
            alice.hear(r"\S+ PRIVMSG #lobby :kept")
            equal(weft("chat", "backup", "--data", data, copy), (0, "", ""))
            again = weft("chat", "backup", "--data", data, copy)
            equal((again.status, again.out, again.err.count("\n")), (1, "", 1))
        with open(copy, "rb") as file:
            assert b"kept" in file.read()
    equal(weft("chat", "backup").status, 2)


def frame(text):
    """A client's frame of text; the mask is nothing."""
    data = text.encode()
    return bytes([0x81, 0x80 | len(data)]) + bytes(4) + data


@test
def a_websocket_speaks_irc():
    with doors() as server:
        alice = Irc(server, "alice")
        port = int(server.web.rstrip("/").rsplit(":", 1)[1])
        sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        key = base64.b64encode(bytes(16)).decode()
        sock.sendall(f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                     f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: text.ircv3.net\r\n\r\n"
                     .encode())
        sock.sendall(frame("NICK bob") + frame("USER bob 0 * :bob") + frame("JOIN #lobby") +
                     frame("PRIVMSG #lobby :from the web"))
        alice.hear(r":bob!~bob@127\.0\.0\.1 PRIVMSG #lobby :from the web")
        alice.say("PRIVMSG #lobby :to the web")
        got = b""
        while b":alice!~alice@127.0.0.1 PRIVMSG #lobby :to the web" not in got:
            piece = sock.recv(65536)
            assert piece, got
            got += piece


@test
def the_web_door_tells_how_the_server_is():
    with doors() as server:
        alice = Irc(server, "alice")
        alice.say("PRIVMSG #lobby :counted", "PING x")
        alice.hear(r".*PONG.*")
        text = urllib.request.urlopen(server.web + "metrics", timeout=PATIENCE).read().decode()
        assert "\nweft_users 1\n" in text and "\nweft_messages_total 1\n" in text, text
        equal(urllib.request.urlopen(server.web + "healthz", timeout=PATIENCE).read(), b"ok\n")


if __name__ == "__main__":
    sys.exit(run_tests())
