#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The transcripts of tests/irc once more, over TCP, against `weft serve`, each byte a packet.

How they read is told in irc_transcript.c. Played here are those that need no clock of their own, and no
setting that the command does not have. That a client has all that it will get is known by a PING.
"""
import os
import pathlib
import re
import socket
import sys
import tempfile

from chat_helpers import hash_of
from program_helpers import PATIENCE, Server, Skip, run_tests, test

OPTIONS = {
    "admin.email": "--admin-mail",
    "admin.location": "--admin-place",
    "admin.name": "--admin-name",
    "clienttagdeny": "--refuse-tags",
    "history": "--no-history",  # only ever off
    "history.count": "--keep-count",
    "history.days": "--keep-days",
    "limit.channels": "--limit-rooms",
    "limit.list": "--limit-list",
    "limit.monitor": "--limit-monitor",
    "motd": "--motd",
    "oper.root": "--operator",
    "server.name": "--name",
    "server.password": "--password",
}


class Client:
    def __init__(self, server, name):
        self.name, self.lines, self.closed, self.rest = name, [], False, b""
        self.sock = socket.create_connection(server.address("irc"), timeout=PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        try:
            for byte in data + b"\r\n":
                self.sock.send(bytes([byte]))
        except OSError:
            self.closed = True

    def read_until(self, last):
        """All lines up to one that ends so, without it; or up to the end of the connection."""
        while not self.closed:
            while b"\r\n" in self.rest:
                line, self.rest = self.rest.split(b"\r\n", 1)
                if last and line.endswith(last):
                    return
                self.lines.append(line)
            try:
                piece = self.sock.recv(65536)
            except ConnectionResetError:
                piece = b""
            self.closed = piece == b""
            self.rest += piece

    def settle(self):
        if not self.closed:
            self.send(b"PING settled")
            self.read_until(b" :settled")


class Player:
    def __init__(self, path, server):
        self.path, self.server, self.clients, self.words = path, server, {}, {}
        self.gone = 0 # clients that have closed
        self.settled = True # every client has all that it will get

    # ---- patterns ------------------------------------------------------------------------

    def pattern(self, text):
        """A regular expression for one, with the words that it finds as groups, and their names."""
        parts, names = [], []
        text = re.sub(r"([!=][^ @]*@)host\b|( )host(?= )", r"\1\g<2>127.0.0.1", text)
        for piece in re.findall(r"\\x..|\\.|\{[^}]*\}|\*|[^\\{*]+|.", text):
            if piece == "*":
                parts.append(b".*")
            elif piece.startswith("\\x"):
                parts.append(re.escape(bytes.fromhex(piece[2:])))
            elif piece.startswith("\\"):
                parts.append(re.escape(b" " if piece == r"\s" else piece[1:].encode()))
            elif piece[0] == "{" and piece[1:-1] in self.words:
                parts.append(re.escape(self.words[piece[1:-1]]))
            elif piece[0] == "{" and piece[1:-1] in names:
                parts.append(b"\\" + str(names.index(piece[1:-1]) + 1).encode())
            elif piece[0] == "{":
                names.append(piece[1:-1])
                parts.append(b"([^ ;]+)")
            else:
                parts.append(re.escape(piece.encode()))
        return re.compile(b"".join(parts), re.DOTALL), names

    def fits_one(self, pattern, text):
        regex, names = self.pattern(pattern)
        match = regex.fullmatch(text)
        if match:
            self.words.update(zip(names, match.groups()))
        return bool(match)

    def fits(self, pattern, line):
        tags, body = b"", line
        if line.startswith(b"@"):
            tags, body = line[1:].split(b" ", 1)
        known = dict(self.words)
        good = True
        if pattern.startswith("@"):
            wanted, pattern = (pattern[1:].split(" ", 1) + [""])[:2]
            have = tags.split(b";") if tags else []
            good = not have if wanted == "-" else all(
                any(self.fits_one(want, tag) for tag in have) for want in wanted.split(";"))
        good = good and self.fits_one(pattern, body)
        if not good:
            self.words = known
        return good

    def settle(self):
        """Everybody has what he will get, and who has gone is known to be gone."""
        for client in self.clients.values():
            client.settle()
        gone = self.gone + sum(client.closed for client in self.clients.values())
        if gone:
            self.server.out.wait(r"(leave|drop) id=.*", gone)
            for client in self.clients.values():
                client.settle()

    # ---- lines ---------------------------------------------------------------------------

    def expand(self, text):
        text = re.sub(r"\{([^}]*)\}", lambda m: self.words[m[1]].decode() if m[1] in self.words else m[0],
                      text)
        text = re.sub(r"([!?*][^ @]*@)host\b", r"\g<1>127.0.0.1", text)
        out = b""
        for piece in re.findall(r"\\x..|\\s|.", text, re.DOTALL):
            if piece.startswith("\\x"):
                out += bytes.fromhex(piece[2:])
            else:
                out += b" " if piece == "\\s" else piece.encode()
        return out

    def connect(self, name, *caps):
        client = self.clients[name] = Client(self.server, name)
        if caps == ("raw",):
            client.settle()  # the server has it
            return
        if caps:
            client.send(b"CAP REQ :" + " ".join(caps).encode())
        client.send(f"NICK {name}".encode())
        client.send(f"USER {name} 0 * :{name}".encode())
        if caps:
            client.send(b"CAP END")
        client.settle()
        assert any(b" 001 " in line for line in client.lines), client.lines
        client.lines.clear()

    def expect(self, client, what, pattern):
        if what == "x":
            client.sock.settimeout(PATIENCE)
            client.read_until(None)
        elif what == "-":
            client.lines.clear()
        elif what == ".":
            assert not client.lines, f"{client.name} got {client.lines[0]}"
        elif what == "~":
            at = next((i for i, line in enumerate(client.lines) if self.fits(pattern, line)), None)
            assert at is not None, f"{client.name} got no {pattern} but {client.lines}"
            del client.lines[:at + 1]
        elif what == "!":
            found = [line for line in client.lines if self.fits(pattern, line)]
            assert not found, f"{client.name} got {found}"
        else:
            assert client.lines, f"{client.name} got nothing, not {pattern}"
            line = client.lines.pop(0)
            assert self.fits(pattern, line), f"{client.name} got {line}\nnot {pattern}"

    def leave(self, client):
        """Gone without a word, and the server has noticed."""
        port = client.sock.getsockname()[1]
        client.sock.close()
        self.server.out.wait(rf"(leave|drop) id=\d+ door=irc addr=127\.0\.0\.1:{port}\b.*")

    def play(self, line):
        if not line or line[0] == "#" or line.startswith("set "):
            return
        word = re.match(r"[^ :<]+", line)[0]
        if line[0] == "+":
            self.connect(*line[1:].split())
            self.settled = False
        elif line[0] == "-":
            self.leave(self.clients.pop(line[1:]))
            self.gone += 1
            self.settled = False
        elif line[len(word):][:1] == ":":
            text = line[len(word) + 1:]
            client = self.clients[word]
            client.send(self.expand(text[1:] if text[:1] == " " else text))
            client.settle()
            self.settled = False
        elif line[len(word):][:1] == "<":
            rest = line[len(word) + 1:]
            if not self.settled:
                self.settle()
            self.settled = True
            what, pattern = (rest[0], rest[1:]) if rest and rest[0] != " " else (" ", rest)
            self.expect(self.clients[word], what, pattern[1:] if pattern[:1] == " " else pattern)

    def run(self):
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                self.play(line)
            except (AssertionError, OSError) as wrong:
                raise AssertionError(f"{self.path.name}:{number}: {wrong}") from None
        for client in self.clients.values():
            client.sock.close()


def why_not(text):
    """Why a transcript cannot be played over TCP, or None."""
    if re.search(r"^(restart|jump |wait \d+(s|m|h))", text, re.M):
        return "has a clock of its own"
    if re.search(r"^disk ", text, re.M):
        return "has a disk of its own"
    if re.search(r"^reset ", text, re.M):
        return "has other settings while it is played"
    if "Counts its source" in text:
        return "has lines whose length depends on where its clients are"
    for name in re.findall(r"^set ([\w.]+)", text, re.M):
        if name not in OPTIONS:
            return f"the command has no setting {name}"
    return None


def option(name, value, folder):
    """The option that says what a transcript sets."""
    if name == "history":
        return ["--no-history"]
    if name == "oper.root":
        value = f"root:{hash_of(value)}"
    if name == "motd":
        file = pathlib.Path(folder) / "motd"
        file.write_text(value.replace("\\n", "\n"), encoding="utf-8")
        value = str(file)
    return [OPTIONS[name], value]


def play_over_tcp(path):
    text = path.read_text(encoding="utf-8")
    if why := why_not(text):
        raise Skip(why)
    options = ["--plain", "off", "--web", "off", "--irc", "0", "--name", "weft.test"]
    with tempfile.TemporaryDirectory() as data:
        for name, value in re.findall(r"^set ([\w.]+) (.*)$", text, re.M):
            options += option(name, value, data)
        if "--no-history" not in options:
            options += ["--data", os.path.join(data, "history")]
        with Server(*options, port=None) as server:
            Player(path, server).run()


def name_test(path):
    def play():
        play_over_tcp(path)

    play.__name__ = path.stem.replace("-", "_")
    test(play)


if __name__ == "__main__":
    for transcript in sorted((pathlib.Path(__file__).parent / "irc").glob("*.irc")):
        name_test(transcript)
    sys.exit(run_tests())
