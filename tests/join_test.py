#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""join_test.py BUILD/weft [EXAMPLES] - the chat client, against servers that the test plays itself.

The tests are named after the defects of the lecture's client (docs/lecture.md, rows 12 to 16).
"""

import hashlib
import os
import pty
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading

from chat_helpers import Conversation, threads_may_be_left
from program_helpers import (
    PATIENCE,
    WEFT,
    Skip,
    equal,
    hears,
    in_own_network,
    receive_all,
    reset,
    run_tests,
    test,
    weft,
)

threads_may_be_left()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


# ---- connecting ---------------------------------------------------------------------


@test
def nobody_listening_is_one_clear_line():
    """Row 12."""
    address = f"127.0.0.1:{free_port()}"
    message = f"weft join: connect {address}: Connection refused (is the server running?)\n"
    equal(weft("join", address), (1, "", message))


@test
@in_own_network
def the_default_is_the_server_of_the_lecture():
    refused = "Connection refused (is the server running?)"
    for arguments in [], ["127.0.0.1"], ["12345"], [":12345"], ["127.0.0.1:12345"]:
        got = weft("join", *arguments)
        equal(got, (1, "", f"weft join: connect 127.0.0.1:12345: {refused}\n"))


@test
def an_address_that_is_none_is_a_mistake_of_usage():
    for wrong in "host:0", "host:65536", "host:x", "[::1", "[::1]x", "a/b", "[]:1", "host:", \
            "http:///", "ftp://host/", "unix:/a", "a:b:c", "[host]":
        got = weft("join", wrong)
        equal(got.status, 2, wrong)
        line = rf"weft join: '{re.escape(wrong)}' (is not|has no) .*\n"
        assert re.fullmatch(line, got.err), got.err


@test
def ipv6_addresses_are_understood():
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        raise Skip(f"no IPv6 here: {error}") from None
    with listener:
        listener.settimeout(PATIENCE)
        address = "[::1]:%d" % listener.getsockname()[1]
        process = subprocess.Popen([WEFT, "join", address], stdin=subprocess.DEVNULL)
        listener.accept()[0].close()
        equal(process.wait(PATIENCE), 0)


# ---- sending --------------------------------------------------------------------------


@test
def lines_are_sent_with_their_newline():
    """Row 13: hello, an empty line and x arrive as hellox."""
    with Conversation() as c:
        c.types("hello\n\nx\n")
        c.process.stdin.close()
        equal(receive_all(c.server), b"hello\n\nx\n")


@test
def a_line_is_sent_as_soon_as_it_is_whole():
    with Conversation() as c:
        for text in "one\n", "two\n":
            c.types(text)
            hears(c.server, text)


@test
def half_a_line_waits_for_its_end():
    """So that two people's lines do not run into each other."""
    with Conversation() as c:
        c.types("whole\nhal")
        hears(c.server, "whole\n")
        c.types("f")
        c.types("\n")
        if os.environ.get("WEFT_FAULT", "").startswith("short"):
            raise Skip("each byte may be sent alone")
        equal(c.server.recv(100), b"half\n") # in one piece


@test
def a_last_line_without_newline_gets_one():
    with Conversation() as c:
        c.types("first\nlast")
        c.process.stdin.close()
        equal(receive_all(c.server), b"first\nlast\n")


@test
def input_without_any_newline_is_sent_in_pieces():
    text = bytes(random.Random(1).choices(b"abc", k=300_000))
    with Conversation() as c:
        threading.Thread(target=c.types, args=(text,), daemon=True).start()
        hears(c.server, text[:200_000])


@test
def ten_megabytes_from_a_file_arrive_whole():
    data = random.Random(2).randbytes(10 << 20) + b"\n"
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        with Conversation(stdin=file) as c:
            equal(hashlib.sha256(receive_all(c.server)).digest(), hashlib.sha256(data).digest())
            c.server.close()
            c.ends(0)


@test
def the_end_of_the_input_ends_the_sending_but_not_the_listening():
    """Row 16: EOFError in the sender's thread."""
    with Conversation() as c:
        c.types("hi\n")
        c.process.stdin.close()
        c.process.stdin = None
        equal(receive_all(c.server), b"hi\n")
        for text in "still", " here\n":
            c.server.sendall(text.encode())
            c.prints(text)
        c.server.close()
        c.ends(0)


@test
def no_input_at_all_is_a_listener():
    closed = ["sh", "-c", 'exec "$@" <&-', "sh"]
    for command, stdin in ([], subprocess.DEVNULL), (closed, None):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(PATIENCE)
            process = subprocess.Popen(
                [*command, WEFT, "join", str(listener.getsockname()[1])],
                stdin=stdin,
                stdout=subprocess.PIPE,
            )
            server = listener.accept()[0]
            equal(receive_all(server), b"")
            server.sendall(b"for you\n")
            server.close()
            equal(process.communicate(timeout=PATIENCE)[0], b"for you\n")
            equal(process.returncode, 0)


@test
def input_that_cannot_be_read_is_told():
    directory = os.open("/", os.O_RDONLY)
    with Conversation(stdin=directory) as c:
        equal(receive_all(c.server), b"")
        c.server.close()
        c.ends(1, "", "weft join: standard input: Is a directory\n")
    os.close(directory)


# ---- printing ---------------------------------------------------------------------------


@test
def what_comes_is_printed_as_it_comes():
    with Conversation() as c:
        for text in "no newline", ", ", "then one\n", "\n", "last":
            c.server.sendall(text.encode())
            c.prints(text)
        c.server.close()
        c.ends(0)


@test
def a_character_that_comes_in_pieces_is_put_together():
    """Row 14: UnicodeDecodeError. Nothing of it is printed before it is whole."""
    with Conversation() as c:
        for character in "é", "€", "𝄞":
            *first, last = character.encode()
            c.server.sendall(b"x" + bytes(first))
            equal(os.read(c.process.stdout.fileno(), 100), b"x")
            c.server.sendall(bytes([last]))
            equal(os.read(c.process.stdout.fileno(), 100), character.encode())


@test
def what_is_no_character_is_shown_as_a_replacement():
    """The same bytes as Python's errors='replace' shows, however they are cut."""
    chance = random.Random(14)
    kinds = [b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9d\x84", b"\xf4\x90\x80\x80"]
    kinds += [b"\xc0\xaf", "plain", "é", "€", "𝄞", "\x00", "\x1b[2J"]
    for _ in range(20):
        parts = chance.choices(kinds, k=200) + [chance.randbytes(100)]
        chance.shuffle(parts)
        data = b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)
        with Conversation(stdin=subprocess.DEVNULL) as c:
            at = 0
            while at < len(data):
                size = chance.randint(1, 40)
                c.server.sendall(data[at : at + size])
                at += size
            c.server.close()
            c.ends(0, data.decode(errors="replace"))


@test
def ten_megabytes_are_printed_whole():
    data = ("0123456789abcdé" * 700_000).encode()
    with Conversation(stdin=subprocess.DEVNULL) as c:

        def talk():
            c.server.sendall(data)
            c.server.close()

        threading.Thread(target=talk, daemon=True).start()
        out, _ = c.process.communicate(timeout=PATIENCE)
        equal(hashlib.sha256(out).digest(), hashlib.sha256(data).digest())


@test
def an_output_that_is_full_is_told():
    with open("/dev/full", "wb") as full, Conversation(stdout=full) as c:
        c.server.sendall(b"x")
        c.ends(1, "", "weft join: standard output: No space left on device\n")


@test
def an_output_whose_reader_is_gone_ends_it_quietly():
    with Conversation() as c:
        c.process.stdout.close()
        c.process.stdout = None
        c.server.sendall(b"x")
        c.ends(141)


@test
def an_output_that_is_closed_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        port = str(listener.getsockname()[1])
        process = subprocess.Popen(
            ["sh", "-c", 'exec "$@" >&-', "sh", WEFT, "join", port],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        with listener.accept()[0] as server:
            server.sendall(b"x")
            _, err = process.communicate(timeout=PATIENCE)
        equal(err, b"weft join: standard output: Bad file descriptor\n")
        equal(process.returncode, 1)


# ---- the end ---------------------------------------------------------------------------------


@test
def it_ends_with_0_when_the_server_closes_while_input_could_come():
    """Row 15, on a pipe."""
    with Conversation() as c:
        c.server.close()
        c.ends(0)


@test
def a_connection_that_breaks_is_told():
    with Conversation() as c:
        c.types("x\n")
        hears(c.server, "x\n")
        reset(c.server)
        c.ends(1, "", "weft join: the connection broke: Connection reset by peer\n")


@test
def a_signal_ends_it_with_128_and_its_number():
    for sig in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        with Conversation() as c:
            c.types("x\n")
            hears(c.server, "x\n")
            c.process.send_signal(sig)
            c.ends(128 + sig)


@test
def a_signal_that_is_ignored_stays_ignored():
    def nohup():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with Conversation(preexec_fn=nohup) as c:
        c.types("x\n")
        hears(c.server, "x\n")
        c.process.send_signal(signal.SIGHUP)
        c.types("y\n")
        hears(c.server, "y\n")


# ---- on a terminal ------------------------------------------------------------------------


class Terminal(Conversation):
    """The same with a terminal for input and output. self.screen is its other side."""

    def __init__(self, echo=False):
        self.screen, inner = pty.openpty()
        if not echo:
            mode = termios.tcgetattr(inner)
            mode[3] &= ~termios.ECHO
            mode[1] &= ~termios.OPOST
            termios.tcsetattr(inner, termios.TCSANOW, mode)

        def own_terminal():
            os.setsid()
            os.close(os.open(os.ttyname(0), os.O_RDWR))  # now the controlling one

        super().__init__(stdin=inner, stdout=inner, preexec_fn=own_terminal)
        os.close(inner)

    def __exit__(self, *problem):
        super().__exit__(*problem)
        os.close(self.screen)

    def types(self, text):
        os.write(self.screen, text.encode())

    def shows(self, text):
        expected, got = text.encode(), b""
        while len(got) < len(expected):
            got += os.read(self.screen, len(expected) - len(got))
        equal(got, expected, "shown")


@test
def it_ends_at_once_when_the_server_closes_while_a_line_is_typed():
    """Row 15: Fatal Python error, SIGABRT."""
    with Terminal() as c:
        c.types("said\n")
        hears(c.server, "said\n")
        c.types("half a li")
        c.server.close()
        c.ends(0)


@test
def ctrl_c_ends_it_with_130():
    with Terminal() as c:
        c.types("said\n")
        hears(c.server, "said\n")
        c.types("\x03")
        c.ends(130)


@test
def ctrl_d_ends_the_sending_but_not_the_listening():
    with Terminal() as c:
        c.types("said\n")
        hears(c.server, "said\n")
        c.types("\x04")
        equal(receive_all(c.server), b"")
        c.server.sendall(b"heard\n")
        c.shows("heard\n")
        c.server.close()
        c.ends(0)


@test
def a_strangers_control_characters_are_shown_and_not_obeyed():
    with Terminal() as c:
        c.server.sendall("a\x1b[2Jb\x07\x7f\tc\r\nd\x9b1me\x00é\n".encode())
        c.shows("a^[[2Jb^G^?\tc\nd\ufffd1me^@é\n")


@test
def who_talks_to_a_server_of_irc_is_told_how():
    if os.environ.get("WEFT_FAULT", "").startswith("short"):
        raise Skip("the first line that a read gives is looked at, and here it gives two bytes")
    with Terminal() as c:
        c.server.sendall(b":srv 451 * :You have not registered\r\n:srv 451 * :Again\r\n")
        c.shows(":srv 451 * :You have not registered\n:srv 451 * :Again\n")
        c.server.close()
        hint = f"weft join: this server seems to speak IRC: weft join --irc {c.address}\n"
        equal(c.process.stderr.read().decode(), hint)
    for text in b":-) 451 \xe2\x98\xba", b":srv", b"a 451 b":
        with Terminal() as c:
            c.server.sendall(text + b"\n")
            c.shows(text.decode() + "\n")
            c.server.close()
            c.ends(0)


@test
def the_prompt_that_follows_begins_a_line():
    with Terminal() as c:
        c.server.sendall(b"no newline")
        c.shows("no newline")
        c.server.close()
        c.shows("\n")
        c.ends(0)


if __name__ == "__main__":
    sys.exit(run_tests())
