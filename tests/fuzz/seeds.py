#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""seeds.py ROOT OUTPUT - what fuzzing begins with: OUTPUT/TARGET/NAME, made of things that we have.

Transcripts become inputs of the hub, their lines those of the parsers, MODE lines those of the
modes, docs/weft.ini that of the settings; requests, frames, addresses, budgets, bodies, times and
URLs stand here.
"""
import pathlib
import re
import shutil
import struct
import sys
import zlib

REQUESTS = [
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HEAD /healthz?x=%20 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET http://127.0.0.1:8080/ws HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nOrigin: http://127.0.0.1:8080\r\n"
    "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: binary.ircv3.net, text.ircv3.net\r\n\r\n",
    "GET /../etc/passwd HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 0\r\n\r\n",
    "GET /%2e%2e/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "GET /a HTTP/1.1\nHost: a\n folded\n\n",
    "GET /api/search?text=%E7%BA%BF+b&from=ada&after=2026-01-31T23:59:59.25-01:30 HTTP/1.1\r\nHost: a\r\n"
    "Authorization: Basic OndvcmQ=\r\n\r\n",
    "GET http://a?after=2026-02-29T24:00:00Z&&text=%zz&text= HTTP/1.1\r\nHost: a\r\n\r\n",
]
PLACES = [
    "", "localhost", "::1", "[::1]:6667", "127.0.0.1:12345", "6667", ":80", "irc://host/room",
    "ircs://nick:pass%20@host:6697/#room?key", "irc://h/room?key=word&x",
    "http://10.0.0.1:8080/#%E7%BA%BF", "https://h/",
]
BUDGETS = [
    "# pages\n\nhttps://a.example/ 100\nhttps://a.example/* 200 # all\n* 300\n",
    "http://a/ 1\nhttp://a/b* 2\nhttp://a/bc* 3\r\nhttp://a/bcd/* 4\nhttp://a/* 5\nHTTP://a/?*=* 6",
    "http://a/ 1\nhttp://a/ 2\n", "http://a/\n", "ftp://a/ 1\n", "http://a/ 1 2\n", "a* 5\n",
]
# Brotli's, for Python has none: a text, nothing, 100,000 times the same, a window of 1 KB.
BROTLI = [
    "1b180000041c72a49f076491049c64580ea20b3275784e1f11ef1e03",
    "06",
    "5b9f86815f222c1e0b04b2fc0200",
    "a1f8050020c3f4cacf4b8d48437cc930c10f0b800813caf8fc1800c2d6422a6dacf321a65c6aebc338cdcbba"
    "edc779ddcffbfd0d",
]
TIMES = [
    "0", "1", " 120 ", "-5", "9223372036854775808", "1.5", "soon", "Sun, 06 Nov 1994 08:49:47 GMT",
    "Sunday, 06-Nov-94 08:49:47 GMT", "Sun Nov  6 08:49:47 1994", "Fri, 31 Dec 9999 23:59:60 GMT",
    "Sunday, 06-Nov-45 08:49:47 GMT",
]
URLS = [
    "http://user:word@[::1]:8080/a?b#c", "HTTP://Example.ORG:0080", "https://例子。测试/中文?问=答#完",
    "http://good.example／.evil.example/", "http://x:99999/", "http://x/a b", "www.example.org",
]
HEADS = [0x81, 0x01, 0x80, 0x82, 0x88, 0x89, 0x8A, 0xC1, 0x83]


def frame(first, payload):
    """A client's frame, masked."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
    mask = b"\1\2\3\4"
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes([first]) + length + mask + masked


def frames():
    texts = [b"hello", "线程".encode(), b"NICK a\r\n", b"\x03\xe8bye", b"a" * 300, b""]
    for first in HEADS:
        for text in texts:
            yield b"\x40\x01" + frame(first, text) + frame(0x81, b"next")
    yield b"\x10\x0a" + frame(0x01, b"\xe7\xba") + frame(0x89, b"p") + frame(0x80, b"\xbf")


def zipped(bits, data):
    z = zlib.compressobj(6, zlib.DEFLATED, bits)
    return z.compress(data) + z.flush()


def bodies():
    """Inputs of decode_fuzz: the number of an encoding, that of a size of pieces, a body."""
    text = "hello hello hello, 线程".encode()
    gzip, deflate, raw = (zipped(bits, text) for bits in (31, 15, -15))
    brotli = [bytes.fromhex(digits) for digits in BROTLI]
    zeros = zipped(31, bytes(3 << 20)) # more than the limit
    of = {0: [gzip, gzip + gzip, gzip + b"x", gzip[:-3], zeros, zipped(31, b"")], 1: [deflate, raw],
          2: brotli, 3: [text], 4: [zipped(31, gzip), zipped(31, zeros)], 5: [zipped(31, raw)],
          6: [zipped(15, gzip)], 7: [zipped(31, brotli[0])], 9: [zipped(-15, brotli[2])]}
    for encoding, all_of_it in of.items():
        for body in all_of_it:
            yield from (bytes([encoding, piece]) + body for piece in (1, 7))


def lines_of(transcript):
    """(who, line) of everything that is said in it."""
    for line in transcript.splitlines():
        if match := re.match(r"(\w+): ?(.*)", line):
            yield match[1], match[2]


def unescaped(line):
    return re.sub(r"\\x(..)", lambda m: chr(int(m[1], 16)), line.replace(r"\s", " "))


def as_steps(transcript):
    """The transcript as an input of hub_fuzz: its clients by numbers, and as `n0`, `n1`."""
    numbers, steps = {}, []
    names = re.findall(r"^\+(\w+)", transcript, re.M)

    def named(line):
        return re.sub(r"\b(\w+)\b", lambda m: f"n{numbers[m[1]]}" if m[1] in numbers else m[1], line)

    for name in dict.fromkeys(names):
        numbers[name] = len(numbers) % 8
    for line in transcript.splitlines():
        if match := re.match(r"\+(\w+) ?(.*)", line):
            number, caps = numbers[match[1]], match[2]
            if caps != "raw":
                steps += [f"{number}CAP REQ :{caps}", f"{number}NICK n{number}",
                          f"{number}USER u 0 * :real", f"{number}CAP END"]
        elif match := re.match(r"-(\w+)", line):
            steps.append(chr(ord("I") + numbers[match[1]]))
        elif match := re.match(r"(\w+): ?(.*)", line):
            labelled = "label=" in match[2]
            text = named(unescaped(re.sub(r"@label=\w+ ", "", match[2])))
            steps += [(chr(ord("a") + numbers[match[1]]) if labelled else str(numbers[match[1]])) + text]
        elif line.startswith("wait "):
            steps += ["w17", "."]
    return "\n".join(steps).encode("utf-8", "surrogateescape") + b"\n.\n"


def settings(root):
    text = (root / "docs" / "weft.ini").read_text()
    yield text
    yield re.sub(r"^[#;] ?(\w[\w-]* = )", r"\1", text, flags=re.M) # what is commented out, too
    yield "[limits]\nrooms = 5\n"


def seeds(root):
    """{target: [input]}"""
    transcripts = [path.read_text() for path in sorted((root / "tests" / "irc").glob("*.irc"))]
    said = [unescaped(line) for text in transcripts for _, line in lines_of(text)]
    modes = [line.split(" ", 2)[2] for line in said if re.match("MODE #room .", line)]
    return {
        "hub": [as_steps(text) for text in transcripts] + [b"ABCD" + b"\nA\nB\nC\n0PRIVMSG #r :x\n."],
        "line": [line.encode() for line in said[::10]],
        "tags": [line[1:].split(" ")[0].encode() for line in said if line.startswith("@")][::5],
        "modes": ["".join(f"{chr(ord('0') + i % 6)}{line}\n" for i, line in enumerate(modes[at:at + 8]))
                  .replace("bob", "n2").replace("alice", "n0").encode()
                  for at in range(0, len(modes), 8)],
        "settings": [text.encode() for text in settings(root)],
        "where": [bytes([n]) + place.encode() for place in PLACES for n in (0, 2, 16)],
        "http": [b"\x80" + request.encode() for request in REQUESTS],
        "frames": list(frames()),
        "budgets": [text.encode() for text in BUDGETS],
        "decode": list(bodies()),
        "retry": [time.encode() for time in TIMES],
        "url": [url.encode() for url in URLS],
    }


def main(root, output):
    shutil.rmtree(output, ignore_errors=True)
    for target, inputs in seeds(pathlib.Path(root)).items():
        folder = pathlib.Path(output) / target
        folder.mkdir(parents=True)
        for number, text in enumerate(dict.fromkeys(inputs)):
            (folder / f"{number:03}").write_bytes(text)


main(*sys.argv[1:])
