# SPDX-License-Identifier: MIT
"""door_helpers.py - a `weft serve` with all its doors, and clients of IRC, for the tests of it."""
import contextlib
import os
import re
import socket
import subprocess
import tempfile

from program_helpers import PATIENCE, WEFT, Lines

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


def frame(text):
    """A client's frame of text; the mask is nothing."""
    data = text.encode()
    return bytes([0x81, 0x80 | len(data)]) + bytes(4) + data
