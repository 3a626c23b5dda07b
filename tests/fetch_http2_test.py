#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch_http2_test.py BUILD/weft [...] - weft fetch against an HTTP/2 server that breaks the rules.

The server answers each request with frames that a test has put together byte by byte (RFC 9113),
and knows nothing else of HTTP/2. The output is TAP.
"""

import contextlib
import json
import os
import socket
import struct
import sys
import tempfile
import threading

sys.dont_write_bytecode = True  # no __pycache__ beside the tests
from http_server import KEEP, Server, answer, certificate, close  # noqa: E402
from program_helpers import PATIENCE, equal, run_tests, test, weft  # noqa: E402

for variable in list(os.environ):
    if variable.lower().endswith("_proxy") or variable == "SSL_CERT_FILE":
        del os.environ[variable]

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
NO_ERROR, REFUSED_STREAM = 0, 7
END, WHOLE = 1, 4  # flags: of the stream; all headers are in this frame
STREAM = 1
THREE = ("/1", "/2", "/3")
OK = b"\x88"  # ":status: 200", from HPACK's table


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(
        ">I", stream) + payload


def wait_for(stream, kind):
    got = None
    while got != kind:
        head = stream.read(9)
        got = head[3]
        stream.read(int.from_bytes(head[:3], "big"))


def serve(listener, context, frames, requests=1, then=b"", goodbye=False, reset=False):
    """One connection and its first request, or so many, answered with these bytes, and then, when
    they have arrived, with more, or a reset; closed by the client, or, without any, by us, or as
    TLS has it."""
    with contextlib.suppress(OSError):  # TLS errors too
        plain, _ = listener.accept()
        plain.settimeout(PATIENCE)
        with context.wrap_socket(plain, server_side=True) as connection:
            stream = connection.makefile("rb")
            stream.read(24)  # the preface
            connection.sendall(frame(SETTINGS, 0, 0))
            for _ in range(requests):
                wait_for(stream, HEADERS)
            connection.sendall(frame(SETTINGS, 1, 0) + frames)
            if then or reset:
                connection.sendall(frame(PING, 0, 0, bytes(8)))
                wait_for(stream, PING)
                connection.sendall(then)
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                stream.close()  # which holds it open else
                return
            if goodbye:
                connection.unwrap()
            if not frames:  # its end alone, not a reset because of what comes still
                connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass


def pages_of(frames, *options, servers=1, paths=("/",), **how):
    """The rows of pages of so many servers, which are answered so."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        cert, context = certificate(folder, "IP:127.0.0.1")
        context.set_alpn_protocols(["h2"])
        urls = []
        for _ in range(servers):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = threading.Thread(target=serve, args=(listener, context, frames, len(paths)),
                                      kwargs=how)
            thread.start()
            stack.callback(thread.join)
            stack.callback(close, listener)
            urls += [f"https://127.0.0.1:{listener.getsockname()[1]}{path}" for path in paths]
        result = weft("fetch", "--retries", "0", "--jsonl", "--cacert", cert, "--idle-timeout", 5,
                      *options, *urls)
    return [json.loads(line) for line in result.out.splitlines()[:-1]]


def page_of(frames):
    return pages_of(frames)[0]


def answered(*behind, flags=WHOLE, stream=STREAM):
    return frame(HEADERS, flags, stream, OK) + b"".join(behind)


@test
def a_body_whose_end_is_told_is_verified():
    end = frame(DATA, END, STREAM, b"hello")
    goodbye = frame(GOAWAY, 0, 0, struct.pack(">II", STREAM, 0))  # it closes, and the body is whole
    for frames in answered(end), goodbye + answered(end), answered(end) + goodbye:
        row = page_of(frames)
        equal((row["http"], row["ok"], row["encoded"], row["unverified"]), ("2", True, 5, False))


@test
def a_body_whose_connection_breaks_the_rules_before_its_end_is_not_verified():
    too_large = frame(DATA, END, STREAM, b"x" * 20000)  # 16,384 at most were agreed on
    for before in b"", frame(DATA, 0, STREAM, b"hello"):
        row = page_of(answered(before, too_large))
        assert not row["ok"] or row["unverified"], row


def begun(*streams):
    """An answer for each of them whose body goes on."""
    return b"".join(frame(HEADERS, WHOLE, n, OK) + frame(DATA, 0, n, b"hello") for n in streams)


@test
def none_of_the_bodies_on_a_connection_that_breaks_the_rules_is_verified():
    too_large = frame(DATA, END, 1, b"x" * 20000)
    for row in pages_of(begun(1, 3, 5), paths=THREE, then=too_large):
        assert not row["ok"] or row["unverified"], row


@test
def all_bodies_are_cut_whose_connection_is_closed():
    for row in pages_of(begun(1, 3, 5), paths=THREE, goodbye=True):
        equal((row["error"], row["message"]), ("cut", "cut off after 5 bytes"))


@test
def no_body_is_whole_whose_connection_is_reset():
    # Who reads on after the first learns of the end alone.
    for row in pages_of(begun(1, 3, 5), paths=THREE, reset=True):
        assert row["error"] in ("broken", "cut") and row["partial_encoded"] == 5, row["message"]


@test
def all_questions_are_without_an_answer_whose_connection_is_closed():
    for row in pages_of(begun(1), paths=THREE, goodbye=True):
        equal(row["error"], "cut" if row["status"] else "no-answer")


@test
def bodies_are_verified_also_where_more_servers_are_asked_than_connections_kept():
    rows = pages_of(answered(frame(DATA, END, STREAM, b"hello")), "-j", "1", servers=4)
    equal([(row["encoded"], row["unverified"]) for row in rows], [(5, False)] * 4)


@test
def bodies_of_a_connection_whose_end_was_told_to_another_page_are_verified():
    first, second = STREAM, STREAM + 2
    goodbye = frame(GOAWAY, 0, 0, struct.pack(">II", second, 0))
    for last, other in (first, second), (second, first):
        frames = answered(stream=first) + answered(stream=second) + goodbye
        frames += frame(DATA, END, other, b"hello") + frame(DATA, END, last, b"hello")
        rows = pages_of(frames, "-j", "2", paths=("/a", "/b"))
        equal([(row["encoded"], row["unverified"]) for row in rows], [(5, False)] * 2)


@test
def a_connection_that_closes_instead_of_an_answer_is_no_body_that_is_cut():
    row = page_of(b"")
    equal((row["error"], row["message"]), ("no-answer", "closed the connection without an answer"))


@test
def what_breaks_the_rules_instead_of_an_answer_is_no_connection_that_closes():
    compressed_wrongly = frame(HEADERS, WHOLE, STREAM, b"\x80")
    given_up = answered(frame(DATA, 0, STREAM, b"hello"), reset_of(NO_ERROR))
    for frames in compressed_wrongly, given_up, b"HTTP/1.1 200 OK\r\n\r\n":
        row = page_of(frames)
        equal((row["error"], row["message"]),
              ("broken", "the connection broke: what came breaks the rules of HTTP/2"))


def reset_of(code):
    return frame(RST_STREAM, 0, STREAM, struct.pack(">I", code))


def refuse_all(listener, context):
    """Each request of each connection, until the listener is closed."""
    while listener.fileno() >= 0:
        serve(listener, context, reset_of(REFUSED_STREAM))


@test
def a_server_that_refuses_every_stream_is_told_as_one():
    with tempfile.TemporaryDirectory() as folder:
        cert, context = certificate(folder, "IP:127.0.0.1")
        context.set_alpn_protocols(["h2"])
        listener = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=refuse_all, args=(listener, context))
        thread.start()
        try:
            result = weft("fetch", "--retries", "0", "--jsonl", "--cacert", cert,
                          f"https://127.0.0.1:{listener.getsockname()[1]}/")
        finally:
            close(listener)
            thread.join()
    row = json.loads(result.out.splitlines()[0])
    equal((row["error"], row["message"]),
          ("broken", "the connection broke: the server refuses all requests (REFUSED_STREAM)"))


@test
def a_stream_that_is_refused_inside_its_body_is_one_that_broke():
    row, = pages_of(answered(frame(DATA, 0, STREAM, b"hello")), then=reset_of(REFUSED_STREAM))
    equal((row["error"], row["partial_encoded"]), ("broken", 5), row["message"])


def literal(name, value):
    """A header that HPACK neither packs nor remembers; its value has 127 bytes at least."""
    rest, length = len(value) - 127, b"\x7f"
    while rest >= 128:
        length += bytes([rest % 128 | 128])
        rest //= 128
    return b"\0" + bytes([len(name)]) + name + length + bytes([rest]) + value


def large(headers, stream):
    """An answer with so many headers of 16,000 bytes, in so many frames, and a body of 5."""
    filler = literal(b"x", b"a" * 16000)
    more = frame(CONTINUATION, 0, stream, filler) * (headers - 2)
    return (frame(HEADERS, 0, stream, OK + filler) + more
            + frame(CONTINUATION, WHOLE, stream, filler) + frame(DATA, END, stream, b"hello"))


@test
def headers_beyond_what_libcurl_takes_are_told_as_that():
    for headers, expected in (2, (True, None, None)), (9, (
            False, "headers", "refused: headers of more than 128 KB")):
        row = page_of(large(headers, STREAM))
        equal((row["ok"], row["error"], row["message"]), expected)


@test
def a_short_body_behind_large_headers_has_its_end():
    for headers in range(3, 9):
        row = page_of(large(headers, STREAM))
        equal((row["message"], row["encoded"], row["unverified"]), (None, 5, False), headers)


@test
def short_bodies_behind_large_headers_have_their_ends_though_they_share_a_connection():
    for order in (1, 3, 5), (5, 3, 1):
        frames = b"".join(large(8, stream) for stream in order)
        rows = pages_of(frames, "-j", "3", paths=THREE)
        equal([(row["message"], row["encoded"]) for row in rows], [(None, 5)] * 3, order)


@test
def a_flood_of_frames_is_told_without_the_names_of_functions():
    row = page_of(frame(SETTINGS, 0, 0) * 5000)
    equal(row["error"], "answer")
    assert "nghttp2" not in row["message"] and "looding" in row["message"], row["message"]


def lie(connection, _):
    connection.sendall(b"HTTP/2 200 OK\r\nContent-Length: 7\r\n\r\n1234567")
    return KEEP


@test
def pages_get_their_own_answers_of_a_server_that_says_http2_and_speaks_1_1():
    with tempfile.TemporaryDirectory() as folder:
        cert, context = certificate(folder, "IP:127.0.0.1")
        with Server(context) as server:
            urls = [server.page(f"/{size}", answer(b"x" * size) if size % 4 else lie)
                    for size in range(100, 300)]
            done = weft("fetch", "--retries", "0", "--jsonl", "-j", "8", "--cacert", cert, *urls)
    rows = [json.loads(line) for line in done.out.splitlines()[:-1]]
    equal(len(rows), 200)
    for row in rows:
        size = int(row["url"].rpartition("/")[2])
        equal((row["encoded"], row["error"]), (size, None) if size % 4 else (None, "answer"),
              row["url"])


sys.exit(run_tests())
