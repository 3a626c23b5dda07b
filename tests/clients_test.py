#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clients_test.py BUILD/weft FOLDER - the IRC clients that people have, as they come from their makers.

Each is told where the server is, and nothing else; it has a home of its own. It joins a room, says
and hears something there, Chinese too, and quits. One that is not here is skipped by name. npm
fetches irc-framework once into FOLDER, of the build.
"""
import contextlib
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

import node_helpers
from chat_helpers import fresh_doors, irc
from program_helpers import PATIENCE, Lines, Skip, equal, run_tests, test, until

HERE = pathlib.Path(__file__).resolve().parent / "clients"
ROOM, SAID, HEARD = "#clients", "hello, 线程", "你好, client"


def program(name):
    if path := shutil.which(name):
        return path
    raise Skip(f"{name} is not here: tools/deps test")


@contextlib.contextmanager
def scene(name):
    """(the port for IRC, somebody who is in the room, a home for the client)"""
    with fresh_doors() as server, tempfile.TemporaryDirectory(prefix=f"weft-{name}-") as home:
        friend = irc(server, "friend", room=ROOM)
        yield server.address("irc")[1], friend, pathlib.Path(home)


@contextlib.contextmanager
def running(home, *command, **more):
    """The program in that home; ended in any case, and whatever it started with it."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                   "TERM": "xterm", "LOGNAME": "client", "USER": "client"}
    more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT,
            **more}
    process = subprocess.Popen(command, env=environment, cwd=home, start_new_session=True, **more)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def converse(friend, nick, say, hears, end):
    """What each of them must do; `hears` is true when the client has shown HEARD."""
    friend.wait(rf":{nick}!\S+ JOIN {ROOM}")
    say()
    friend.wait(rf":{nick}!\S+ PRIVMSG {ROOM} :{SAID}")
    friend.say(f"PRIVMSG {ROOM} :{HEARD}")
    until(hears, "what was said to it")
    end()
    friend.wait(rf":{nick}!\S+ QUIT :.*")


def write(path, line):
    """Into a FIFO, which somebody reads."""
    with open(path, "wb", buffering=0) as fifo:
        fifo.write(f"{line}\n".encode())


def text_of(path):
    with contextlib.suppress(FileNotFoundError):
        return path.read_text()
    return ""


@test
def weechat_joins_talks_and_quits():
    weechat = program("weechat-headless")
    if not any(pathlib.Path("/usr").glob("lib*/**/weechat/plugins/fifo.so")):
        raise Skip("weechat's plugin fifo is not here: tools/deps test")
    with scene("weechat") as (port, friend, home), running(
            home, weechat, "--dir", str(home), f"irc://wee@127.0.0.1:{port}/{ROOM}") as process:
        def fifo():
            return next(home.glob("weechat_fifo_*"), None)

        def command(words, buffer="core.weechat"):
            write(fifo(), f"{buffer} *{words}")

        def shows(words):
            command("/logger flush")
            return words in text_of(home / "logs" / f"irc.127.0.0.1.{ROOM}.weechatlog")

        def say():
            until(lambda: shows("has joined"), "its own coming")  # only then it has the room
            command(SAID, f"irc.127.0.0.1.{ROOM}")

        until(fifo, "its FIFO")
        converse(friend, "wee", say, lambda: shows(f"friend\t{HEARD}"),
                 lambda: command("/quit bye"))
        equal(process.wait(PATIENCE), 0)


@test
def ii_joins_talks_and_quits():
    ii = program("ii")
    with scene("ii") as (port, friend, home), running(
            home, ii, "-s", "127.0.0.1", "-p", str(port), "-n", "small", "-i",
            str(home / "irc")) as process:
        top = home / "irc" / "127.0.0.1"
        until((top / "in").exists, "its FIFO")
        write(top / "in", f"/j {ROOM}")

        def say():
            until((top / ROOM / "in").exists, "the FIFO of the room")
            write(top / ROOM / "in", SAID)

        converse(friend, "small", say, lambda: f"<friend> {HEARD}" in text_of(top / ROOM / "out"),
                 lambda: write(top / "in", "/q bye"))
        equal(process.wait(PATIENCE), 0)


class Terminal:
    """A terminal's other end: what was shown on it, without what moves the cursor."""

    def __init__(self):
        self.ours, self.theirs = pty.openpty()
        self.bytes = b""
        self.thread = threading.Thread(target=self.collect, daemon=True)
        self.thread.start()

    def collect(self):
        with contextlib.suppress(OSError):  # the end: nobody has the other side open
            while piece := os.read(self.ours, 65536):
                self.bytes += piece

    def shows(self, words):
        return words in re.sub(r"\x1b[\[(][0-9;?]*[A-Za-z]", "", self.bytes.decode(errors="replace"))

    def type(self, line):
        os.write(self.ours, f"{line}\n".encode())

    def close(self):
        os.close(self.theirs)
        self.thread.join(PATIENCE)
        os.close(self.ours)


@test
def irssi_joins_talks_and_quits():
    irssi = program("irssi")
    with scene("irssi") as (port, friend, home), contextlib.closing(Terminal()) as screen, running(
            home, irssi, f"--home={home}", "--connect=127.0.0.1", f"--port={port}",
            "--nick=screen", stdin=screen.theirs, stdout=screen.theirs,
            stderr=screen.theirs) as process:
        until(lambda: screen.shows("is a server for") or screen.shows("Welcome to the"), "a welcome")
        screen.type(f"/join {ROOM}")

        def say():
            until(lambda: screen.shows("has joined"), "its own coming")
            screen.type(SAID)

        converse(friend, "screen", say, lambda: screen.shows(HEARD),
                 lambda: screen.type("/quit bye"))
        equal(process.wait(PATIENCE), 0)


@test
def irc_framework_joins_talks_and_quits():
    try:
        node = node_helpers.program("node", "nodejs")
        where = node_helpers.modules(HERE, pathlib.Path(sys.argv[2]).resolve())
    except node_helpers.Missing as reason:
        raise Skip(reason) from None
    with scene("framework") as (port, friend, home), running(
            home, node, str(HERE / "client.cjs"), str(where), str(port), ROOM,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        out = Lines(process.stdout)
        out.wait(f"joined {ROOM}")

        def say():
            process.stdin.write(f"{SAID}\n".encode())
            process.stdin.flush()

        converse(friend, "framework", say, lambda: out.matching(f"heard friend: {HEARD}"),
                 process.stdin.close)
        equal(process.wait(PATIENCE), 0)
        out.close()


if __name__ == "__main__":
    sys.exit(run_tests())
