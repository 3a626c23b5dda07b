# SPDX-License-Identifier: MIT
"""chat_helpers.py - what the tests of the chat share beyond program_helpers.py: servers with more
doors than the plain one, lines of IRC from either side, certificates."""

import base64
import contextlib
import functools
import os
import pathlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile

from program_helpers import PATIENCE, WEFT, Server, Skip, equal, weft


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="weft-chat-") as name:
        yield pathlib.Path(name)


# ---- servers -----------------------------------------------------------------------


def doors(data, *options, **more):
    """A server with a plain, an IRC and a web door, whose history lies in the folder `data`."""
    return Server("--irc", "0", "--web", "0", "--name", "weft.test", "--data", str(data), *options,
                  **more)


@contextlib.contextmanager
def fresh_doors(*options, **more):
    """The same, with a history of its own."""
    with folder() as at, doors(at / "history", *options, **more) as server:
        yield server


@functools.cache
def hash_of(password):
    """As the settings have it: what `weft chat passwd` prints. It is slow by design: asked for once."""
    got = weft("chat", "passwd", given=password + "\n")
    equal((got.status, got.err), (0, ""))
    return got.out.strip()


# ---- IRC ---------------------------------------------------------------------------


class Irc:
    """Lines of IRC on a connected socket: from a client, or from a server that the test plays.

    As a client it comes in with `nick`, if it has one, and joins `room`. `seen` has all lines that
    were read, without their ends."""

    def __init__(self, sock, nick=None, password=None, caps=None, room=None):
        sock.settimeout(PATIENCE)
        self.sock = sock
        self.seen = []
        self._file = sock.makefile("rb")
        if nick:
            self._come_in(nick, password, caps)
        if room:
            self.answer(f"JOIN {room}", r":\S+ 366 .*")

    def _come_in(self, nick, password, caps):
        self.say(*([f"PASS :{password}"] if password else []),
                 *([f"CAP REQ :{caps}"] if caps else []),
                 f"NICK {nick}", f"USER {nick} 0 * :{nick}",
                 *(["CAP END"] if caps else []))
        self.wait(r"\S+ (422|376|464) .*")

    def say(self, *lines):
        """Lines as they are: text, or bytes that are none."""
        every = (line if isinstance(line, bytes) else line.encode() for line in lines)
        self.sock.sendall(b"".join(line + b"\r\n" for line in every))

    def line(self):
        """The next one; None at the end."""
        if not (line := self._file.readline()):
            return None
        self.seen.append(line.decode().rstrip("\r\n"))
        return self.seen[-1]

    def wait(self, pattern):
        """The match of the next line that the pattern describes; others are passed over. The colon
        of its source may be left out."""
        while (line := self.line()) is not None:
            if match := re.fullmatch(":?" + pattern, line):
                return match
        raise AssertionError(f"the end, without {pattern!r}; there was\n" + "\n".join(self.seen))

    def hears(self, *lines):
        """Assert that exactly these come next."""
        for line in lines:
            equal(self.line(), line, "received")

    def answer(self, line, pattern):
        self.say(line)
        return self.wait(pattern)

    def close(self):
        self._file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def irc(server, *more, **options):
    """A client at the IRC door of a server."""
    return Irc(socket.create_connection(server.address("irc"), timeout=PATIENCE), *more, **options)


# ---- WebSockets ----------------------------------------------------------------------


def frame(text):
    """A client's frame of text; the mask is nothing."""
    data = text.encode()
    size = bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack(">BH", 0xFE, len(data))
    return b"\x81" + size + bytes(4) + data


def talks_on_a_websocket(sock, host, alice):
    """What bob says on a WebSocket is heard by alice in #lobby, and the reverse."""
    key = base64.b64encode(bytes(16)).decode()
    sock.sendall(f"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
                 f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: text.ircv3.net\r\n\r\n"
                 .encode())
    sock.sendall(frame("NICK bob") + frame("USER bob 0 * :bob") + frame("JOIN #lobby") +
                 frame("PRIVMSG #lobby :from the web"))
    alice.wait(r":bob!~bob@127\.0\.0\.1 PRIVMSG #lobby :from the web")
    alice.say("PRIVMSG #lobby :to the web")
    got = b""
    while b":alice!~alice@127.0.0.1 PRIVMSG #lobby :to the web" not in got:
        piece = sock.recv(65536)
        assert piece, got
        got += piece


# ---- weft join -----------------------------------------------------------------------

def threads_may_be_left():
    """A program that a signal ends leaves its threads behind, and TSan would have them joined."""
    os.environ["TSAN_OPTIONS"] = os.environ.get("TSAN_OPTIONS", "") + " report_thread_leaks=0"


class Conversation:
    """`weft join` on one end, the test on the other: self.server is its connection."""

    def __init__(self, *args, url="{address}", host="127.0.0.1", stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE, **more):
        with socket.create_server((host, 0)) as listener:
            port = listener.getsockname()[1]
            self.address = f"{host}:{port}"
            self.process = subprocess.Popen(
                [WEFT, "join", url.format(address=self.address, port=port), *args],
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.PIPE,
                **more,
            )
            listener.settimeout(PATIENCE)
            self.server = listener.accept()[0]
            self.server.settimeout(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.server:
            self.server.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in self.process.stdin, self.process.stdout, self.process.stderr:
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def types(self, text):
        self.process.stdin.write(text if isinstance(text, bytes) else text.encode())
        self.process.stdin.flush()

    def prints(self, text):
        """Assert that exactly this comes next on stdout."""
        expected = text if isinstance(text, bytes) else text.encode()
        equal(self.process.stdout.read(len(expected)), expected, "printed")

    def ends(self, status, out="", err=""):
        """Assert how it ends, and what it says until then."""
        said, told = self.process.communicate(timeout=PATIENCE)
        got = self.process.returncode, (said or b"").decode(), told.decode()
        equal(got, (status, out, err))


# ---- TLS ---------------------------------------------------------------------------


def certificate(at, name):
    """Make a key and a certificate that vouches for itself; their paths."""
    if not shutil.which("openssl"):
        raise Skip("there is no openssl command here")
    key, chain = at / f"{name}.key", at / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", chain, "-days", "30",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
        check=True, capture_output=True, timeout=PATIENCE)
    return key, chain


def tls(address, at, name):
    """A socket inside TLS to a server that must have the certificate of this name."""
    context = ssl.create_default_context(cafile=str(at / f"{name}.pem"))
    sock = socket.create_connection(address, timeout=PATIENCE)
    return context.wrap_socket(sock, server_hostname=name)
