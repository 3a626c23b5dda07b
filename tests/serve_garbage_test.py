#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is no IRC, no HTTP, no WebSocket and no TLS, at the doors of a running weft serve.

What each part does with it is tested where that part is (chat_http_test.c, chat_websocket_test.c,
tests/irc); here it comes over sockets. Each row of a table is a connection of its own. The server
answers as the row says, or closes; and after each row two others talk as before.
"""
import base64
import contextlib
import os
import random
import re
import socket
import sys

from chat_helpers import certificate, folder, fresh_doors, irc, tls
from program_helpers import PATIENCE, equal, receive_all, run_tests, test

CLOSED = rb""  # an end without a word
ANYTHING = rb"(?s).*"
NOISE = random.Random(7).randbytes(65536)
HELLO = bytes.fromhex("16030100") # the beginning of TLS
GET, HOST, END = b"GET / HTTP/1.1\r\n", b"Host: 127.0.0.1\r\n", b"\r\n"
NEXT = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

# name, what is sent before the client says that it is done, what comes back
IRC_ROWS = [
    ("a line of a megabyte", b"x" * (1 << 20) + b"\r\nPING a\r\n", rb"(?s).* 417 .*PONG .*"),
    ("a megabyte of tags", b"@" + b"a=b;" * (1 << 18) + b" PING a\r\nPING b\r\n", rb"(?s).* 417 .*PONG .*"),
    ("a megabyte without an end", b"x" * (1 << 20), ANYTHING),
    ("NULs", b"PING a\0b\r\nNICK \0\r\n\0\0\r\nPING z\r\n", rb":\S+ PONG \S+ :z\r\n.*"),
    ("no UTF-8", b"PING \xff\xfe\r\n", rb"(?s):\S+ FAIL PING INVALID_UTF8 .*"),
    ("ends of lines only", b"\r\n" * 50000 + b"PING z\r\n", rb":\S+ PONG \S+ :z\r\n.*"),
    ("carriage returns only", b"\r" * 4000 + b"\nPING z\r\n", rb":\S+ PONG \S+ :z\r\n.*"),
    ("escapes of a terminal", b"\x1b[2J\x1b]0;x\x07\r\nPING z\r\n", rb"(?s).* 421 .*PONG .*"),
    ("noise", NOISE, ANYTHING),
    ("a browser", GET + HOST + END, ANYTHING),
    ("TLS", HELLO + NOISE[:600], ANYTHING),
    ("nothing", b"", ANYTHING),
]
TLS_ROWS = [
    ("IRC without TLS", b"NICK a\r\nUSER a 0 * :a\r\n", ANYTHING),
    ("noise", NOISE, ANYTHING),
    ("half a greeting", HELLO + b"\x02\x00\x01", ANYTHING),
    ("a greeting of noise", HELLO + b"\x02\x00" + NOISE[:512], ANYTHING),
    ("a record that is too long", b"\x16\x03\x03\xff\xff" + NOISE, ANYTHING),
    ("a browser", GET + HOST + END, ANYTHING),
    ("nothing", b"", ANYTHING),
]


def refused(status):
    """One answer and no second: what comes behind is not read as a request."""
    return rb"HTTP/1\.1 %d (?:(?!HTTP/1\.1 \d)[^\0])*" % status


WEB_ROWS = [
    *[(f"the path {path.decode()}", b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n" + END,
       rb"HTTP/1\.1 40[04] (?:(?!root:|HTTP/1\.1 \d)[^\0])*") for path in (
           b"/../../../../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"/..%2f..%2fetc/passwd",
           b"/....//etc/passwd", b"//etc/passwd", b"/\\..\\..\\etc\\passwd", b"/%00/etc/passwd",
           b"/healthz/../etc/passwd", b"/%252e%252e/etc/passwd")],
    ("two lengths", GET + HOST + b"Content-Length: 0\r\nContent-Length: 47\r\n" + END + NEXT, refused(400)),
    ("a length and chunks",
     b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + END
     + b"0\r\n\r\n" + NEXT, refused(400)),
    ("chunks and a length", GET + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n" + END
     + b"0\r\n\r\n" + NEXT, refused(400)),
    ("chunks that hide", GET + HOST + b"Transfer-Encoding : chunked\r\n" + END + b"0\r\n\r\n" + NEXT,
     refused(400)),
    ("a folded field", GET + HOST + b"X: a\r\n Transfer-Encoding: chunked\r\n" + END + NEXT, refused(400)),
    ("a bare LF", b"GET / HTTP/1.1\nHost: 127.0.0.1\n\n" + NEXT, refused(400)),
    ("a bare CR", GET + HOST + b"X: a\rY: b\r\n" + END + NEXT, refused(400)),
    ("NUL in a field", GET + HOST + b"X: a\0b\r\n" + END + NEXT, refused(400)),
    ("no Host", GET + END + NEXT, refused(400)),
    ("two Hosts", GET + HOST + HOST + END + NEXT, refused(400)),
    ("another method", b"DELETE / HTTP/1.1\r\n" + HOST + END + NEXT, refused(405)),
    ("a request line without an end", b"GET /" + b"a" * (1 << 20), refused(414)),
    ("fields without an end", GET + HOST + b"X: y\r\n" * (1 << 16), refused(431)),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", refused(505)),
    ("IRC", b"NICK a\r\nUSER a 0 * :a\r\n", refused(400)),
    ("TLS", HELLO + NOISE[:600], ANYTHING),
    ("noise", NOISE, ANYTHING),
]


def closes(code):
    """The upgrade, then nothing but a close frame with this code."""
    return rb"(?s)HTTP/1\.1 101 .*\r\n\r\n\x88.%s.*" % re.escape(code.to_bytes(2, "big"))


def masked(first, payload, length=None):
    size = len(payload) if length is None else length
    long = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([first]) + long + bytes(4) + payload


UPGRADE = (b"GET /ws HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + base64.b64encode(bytes(16)) + b"\r\n")
WEBSOCKET_ROWS = [
    ("a frame without a mask", b"\x81\x04NICK", closes(1002)),
    ("a reserved bit", masked(0xC1, b"NICK a"), closes(1002)),
    ("a reserved opcode", masked(0x83, b"NICK a"), closes(1002)),
    ("a ping in pieces", masked(0x09, b"x"), closes(1002)),
    ("a ping that is too long", masked(0x89, bytes(126)), closes(1002)),
    ("a rest of nothing", masked(0x80, b"x"), closes(1002)),
    ("a message in a message", masked(0x01, b"x") + masked(0x81, b"y"), closes(1002)),
    ("a length in too many bytes", b"\x81\xfe\x00\x01" + bytes(5), closes(1002)),
    ("a length of eight bytes, too large", b"\x81\xff" + b"\xff" * 8 + bytes(4), closes(1002)),
    ("a message of gigabytes", b"\x81\xff" + (1 << 40).to_bytes(8, "big") + bytes(4), closes(1009)),
    ("no UTF-8", masked(0x81, b"\xff"), closes(1007)),
    ("two lines in binary", masked(0x82, b"NICK a\r\nQUIT"), closes(1007)),
    ("two lines", masked(0x81, b"NICK a\r\nQUIT"), closes(1007)),
    ("NUL", masked(0x81, b"NICK \0"), closes(1007)),
    ("a close with a wrong code", masked(0x88, b"\x03\xec"), closes(1002)),
    ("a close with half a code", masked(0x88, b"\x03"), closes(1002)),
    ("IRC without frames", b"NICK a\r\nUSER a 0 * :a\r\n", closes(1002)),
]


def send_all(sock, bytes_):
    """Whoever refuses early is gone while we still send."""
    with contextlib.suppress(OSError):
        sock.sendall(bytes_)
        sock.shutdown(socket.SHUT_WR)


def answer_to(address, bytes_):
    with socket.create_connection(address, timeout=PATIENCE) as sock:
        send_all(sock, bytes_)
        try:
            return receive_all(sock)
        except ConnectionError:
            return CLOSED


def healthy(alice, bob, words):
    alice.say(f"PRIVMSG bob :{words}")
    bob.wait(rf":alice!\S+ PRIVMSG bob :{re.escape(words)}")


def play(server, door, rows, before=b""):
    alice, bob = irc(server, "alice"), irc(server, "bob")
    for name, bytes_, expected in rows:
        got = answer_to(server.address(door), before + bytes_)
        assert re.fullmatch(expected, got), f"{name}: {got[:600]!r}"
        healthy(alice, bob, name)
    equal(server.end(), 0)
    equal(server.err.seen, [])
    unfit = [line for line in server.out.seen if re.search(r"[\x00-\x1f\x7f]", line)]
    equal(unfit, [], "in the log")


@test
def what_is_no_irc_harms_nobody():
    with fresh_doors() as server:
        play(server, "irc", IRC_ROWS)


@test
def what_is_no_request_is_refused_once():
    with fresh_doors() as server:
        play(server, "web", WEB_ROWS)


@test
def what_is_no_frame_closes_its_websocket():
    with fresh_doors() as server:
        play(server, "web", WEBSOCKET_ROWS, UPGRADE + END)


@test
def any_bytes_at_the_plain_door_reach_irc_as_text():
    with fresh_doors() as server:
        alice = irc(server, "alice", room="#lobby")
        with server.connect() as plain:
            send_all(plain, b"a\0b\x1b[2J\r\xff\xfe\n" + NOISE + b"\nlast\n")
            alice.wait(r":plain-\d+!\S+ PRIVMSG #lobby :last")
        bob = irc(server, "bob")
        healthy(alice, bob, "after it")


@test
def what_is_no_tls_harms_nobody():
    with folder() as at:
        key, chain = certificate(at, "localhost")
        with fresh_doors("--ircs", "0", "--tls-cert", chain, "--tls-key", key) as server:
            noise_within_tls(server.address("ircs"), at)
            play(server, "ircs", TLS_ROWS)


def noise_within_tls(address, at):
    """A handshake that is fine, and then bytes behind TLS's back: the connection ends."""
    with tls(address, at, "localhost") as sock:
        sock.sendall(b"PING a\r\n")
        assert b"PONG" in sock.recv(4096)
        os.write(sock.fileno(), NOISE[:4096])
        with contextlib.suppress(OSError):
            while sock.recv(4096):
                pass


if __name__ == "__main__":
    sys.exit(run_tests())
