#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""join_irc_test.py BUILD/weft [EXAMPLES] - the chat client in a pipe, against servers of IRC that the
test plays itself, and against weft's own."""

import contextlib
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys

from chat_helpers import Conversation, Irc, certificate, folder, threads_may_be_left
from program_helpers import (
    PATIENCE,
    WEFT,
    Lines,
    Server,
    equal,
    in_own_network,
    run_tests,
    test,
    weft,
)

threads_may_be_left()


class Talk(Conversation):
    """`weft join` as ann in a pipe on one end, a server of IRC that the test plays on the other. It is
    None where no TLS came about."""

    def __init__(self, *args, context=None, url="irc://127.0.0.1:{port}/weft", **more):
        super().__init__("-n", "ann", *args, url=url, **more)
        sock = self.server
        try:
            self.server = Irc(context.wrap_socket(sock, server_side=True) if context else sock)
        except ssl.SSLError:
            sock.close()
            self.server = None

    def comes_in(self):
        self.server.hears("NICK ann", "USER weft 0 * :ann")
        self.server.say(":srv 001 ann :Welcome")
        self.server.hears("JOIN #weft")
        self.server.say(":ann!weft@here JOIN #weft")


# ---- talking -------------------------------------------------------------------------------


@test
def lines_are_said_to_the_room_once_it_is_joined():
    with Talk() as t:
        t.types("before it could\n")
        t.comes_in()
        t.server.hears("PRIVMSG #weft :before it could")
        t.types("two\r\n\n线程")
        t.process.stdin.close()
        t.process.stdin = None
        t.server.hears("PRIVMSG #weft :two", "PRIVMSG #weft :线程")
        t.server.say(":bob!b@h PRIVMSG #weft :still heard")
        t.prints("<bob> still heard\n")
        t.server.close()
        t.ends(0)


@test
def what_is_said_is_printed_with_the_name():
    with Talk() as t:
        t.comes_in()
        t.server.say(
            ":bob!b@h PRIVMSG #weft :你好",
            ":bob!b@h PRIVMSG ann :for you alone",
            ":bob!b@h PRIVMSG #weft :\x01ACTION waves\x01",
            ":bob!b@h NOTICE #weft :a note",
            ":srv NOTICE ann :not of a room",
            ":cid!c@h JOIN #weft",
            ":ann!weft@here PRIVMSG #weft :an echo that was not asked for",
            "@time=2026-01-01T00:00:00Z :bob!b@h PRIVMSG #WEFT :last",
        )
        t.prints("<bob> 你好\n*bob* for you alone\n* bob waves\n-bob- a note\n<bob> last\n")
        t.server.close()
        t.ends(0)


@test
def a_ping_is_answered():
    with Talk() as t:
        t.server.say("PING :first")
        t.server.hears("NICK ann", "USER weft 0 * :ann", "PONG :first")


@test
def a_nick_that_is_taken_gets_another():
    with Talk() as t:
        t.server.hears("NICK ann", "USER weft 0 * :ann")
        t.server.say(":srv 433 * ann :Nickname is already in use")
        t.server.hears("NICK ann_")
        t.server.say(":srv 001 ann_ :Welcome")
        t.server.hears("JOIN #weft")


@test
def what_irc_cannot_carry_is_made_fit():
    with Talk() as t:
        t.comes_in()
        t.types(b"a\xff\xe7\xbab\0c\n")
        t.server.hears("PRIVMSG #weft :a\ufffd\ufffdb c")
        t.types("10 %\r100 %\r\n\r\n\rdone\n")
        t.server.hears("PRIVMSG #weft :10 % 100 %", "PRIVMSG #weft : done")


@test
def a_line_without_end_is_said_in_lines_that_others_can_hear():
    text = "线" * 30_000
    with Talk() as t:
        t.comes_in()
        t.types(text)
        t.process.stdin.close()
        t.process.stdin = None
        got = ""
        while len(got) < len(text):
            line = t.server.line()
            assert len(f":ann!weft@here {line}\r\n".encode()) <= 512, line
            if line.startswith("PING"):
                t.server.say(line.replace("PING", ":srv PONG srv"))
            else:
                got += line.removeprefix("PRIVMSG #weft :")
        equal(got, text)


@test
def bytes_of_others_that_are_no_text_are_shown_as_such():
    with Talk() as t:
        t.comes_in()
        t.server.say(b":bob!b@h PRIVMSG #weft :a\xff\xe7\xba")
        t.prints("<bob> a\ufffd\ufffd\n")


@test
def the_room_the_nick_and_the_password_come_from_the_url_too():
    url = "irc://eve:s%3Acret@127.0.0.1:{}/%23other"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        process = subprocess.Popen(
            [WEFT, "join", url.format(listener.getsockname()[1])], stdin=subprocess.DEVNULL
        )
        server = Irc(listener.accept()[0])
        server.hears("PASS :s:cret", "NICK eve", "USER weft 0 * :eve")
        server.say(":srv 001 eve :Welcome")
        server.hears("JOIN #other")
        process.kill()
        process.wait()
        server.close()


@test
def the_key_of_a_room_comes_from_the_url():
    with Talk(url="irc://127.0.0.1:{port}/weft?key=s%26cret") as t:
        t.server.hears("NICK ann", "USER weft 0 * :ann")
        t.server.say(":srv 001 ann :Welcome")
        t.server.hears("JOIN #weft s&cret")


@test
def the_password_comes_from_the_environment_unless_it_is_written():
    env = {**os.environ, "WEFT_PASSWORD": "of the environment"}
    with Talk(env=env) as t:
        t.server.hears("PASS :of the environment", "NICK ann")
    with Talk("--password", "written", env=env) as t:
        t.server.hears("PASS :written", "NICK ann")
    with Talk(env=env, url="irc://eve:url@127.0.0.1:{port}") as t:
        t.server.hears("PASS :url", "NICK ann")


@test
def a_long_input_goes_as_fast_as_the_server_takes_it():
    """This machine is exempt from flood control by default, and others are not."""
    lines = [f"line {i} " + "x" * 200 for i in range(300)] # 4 times what may wait there
    with Server("--irc", "0", "--flood-exempt", "none", "--flood-rate", "200") as server:
        host, port = server.address("irc")
        bob = Irc(socket.create_connection((host, port)), "bob", room="#tea")
        process = subprocess.Popen([WEFT, "join", f"irc://{host}:{port}/tea", "-n", "ann"],
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        process.stdin.flush()
        equal([bob.wait(r"\S+ PRIVMSG #tea :(.*)")[1] for _ in lines], lines)
        bob.close()
        process.kill()
        process.communicate()


# ---- the end -------------------------------------------------------------------------------


@test
def a_server_that_refuses_is_told():
    with Talk("--password", "wrong") as t:
        t.server.hears("PASS :wrong", "NICK ann", "USER weft 0 * :ann")
        t.server.say(":srv 464 * :Password incorrect", "ERROR :Closing link")
        t.server.close()
        t.ends(1, "", "weft join: the server refused: Password incorrect\n")


@test
def a_room_that_cannot_be_joined_is_told():
    with Talk() as t:
        t.server.hears("NICK ann", "USER weft 0 * :ann")
        t.server.say(":srv 001 ann :Welcome")
        t.server.hears("JOIN #weft")
        t.server.say(":srv 474 ann #weft :Cannot join (+b)")
        t.ends(1, "", "weft join: the room cannot be joined: #weft Cannot join (+b)\n")


@test
def who_is_put_out_of_the_room_ends():
    with Talk() as t:
        t.comes_in()
        t.server.say(":bob!b@h KICK #weft ann :flood")
        t.ends(1, "", "weft join: put out of the room: flood\n")


@test
def who_is_put_off_the_server_is_told_why():
    told = "weft join: the server closed the connection: Closing link: h (Killed (op (spam)))\n"
    with Talk() as t:
        t.comes_in()
        t.server.say(":op!o@h KILL ann :spam", "ERROR :Closing link: h (Killed (op (spam)))")
        t.server.close()
        t.ends(1, "", told)
    with Talk() as t: # before it is in the room
        t.server.hears("NICK ann", "USER weft 0 * :ann")
        t.server.say(":srv 001 ann :Welcome", "ERROR :Closing link: h (Killed (op (spam)))")
        t.server.close()
        t.ends(1, "", told)


@test
def a_message_that_is_not_taken_is_told_and_the_rest_goes_on():
    with Talk() as t:
        t.comes_in()
        t.server.say(":srv 404 ann #weft :Cannot send", ":bob!b@h PRIVMSG #weft :x")
        t.prints("<bob> x\n")
        t.server.close()
        t.ends(0, "", "weft join: #weft Cannot send\n")


@test
def a_server_that_goes_before_one_is_in_is_a_failure():
    with Talk() as t:
        t.server.close()
        t.process.wait(PATIENCE)
        equal(t.process.returncode, 1)
        told = t.process.stderr.read().decode()
        assert re.fullmatch(r"weft join: the (server closed|connection broke).*\n", told), told


@test
def a_line_longer_than_any_of_irc_ends_it():
    with Talk() as t:
        t.comes_in()
        t.server.say(b":bob!b@h PRIVMSG #weft :" + b"x" * 10_000)
        t.ends(1, "", "weft join: the server sent a line that is too long for IRC\n")


@test
def an_output_that_is_full_is_told():
    with open("/dev/full", "wb") as full, Talk(stdout=full) as t:
        t.comes_in()
        t.server.say(":bob!b@h PRIVMSG #weft :x")
        t.ends(1, "", "weft join: standard output: No space left on device\n")


@test
def input_that_cannot_be_read_is_told():
    directory = os.open("/", os.O_RDONLY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        process = subprocess.Popen(
            [WEFT, "join", f"irc://127.0.0.1:{listener.getsockname()[1]}/weft", "-n", "ann"],
            stdin=directory,
            stderr=subprocess.PIPE,
        )
        server = Irc(listener.accept()[0])
        server.say(":srv 001 ann :Welcome", ":ann!weft@here JOIN #weft")
        equal(process.stderr.readline(), b"weft join: standard input: Is a directory\n")
        server.close()
        process.communicate(timeout=PATIENCE)
        equal(process.returncode, 1)
    os.close(directory)


# ---- TLS -----------------------------------------------------------------------------------


@contextlib.contextmanager
def localhost():
    """A server's context, and the file that vouches for it, as localhost."""
    with folder() as at:
        key, chain = certificate(at, "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        yield context, str(chain)


@test
def ircs_is_irc_inside_tls():
    with localhost() as (context, chain), \
            Talk("--ca", chain, context=context, url="ircs://localhost:{port}/weft") as t:
        t.comes_in()
        t.types("secret\n")
        t.server.hears("PRIVMSG #weft :secret")
        t.server.say(":bob!b@h PRIVMSG #weft :too")
        t.prints("<bob> too\n")


@test
def a_certificate_of_a_stranger_is_refused():
    with localhost() as (context, chain):
        with Talk(context=context, url="ircs://localhost:{port}/weft") as t:
            t.process.wait(PATIENCE)
            equal(t.process.returncode, 1)
            told = t.process.stderr.read().decode()
            assert told.endswith(
                ": self-signed certificate (--ca FILE trusts it, if it is in that file)\n"), told
        with Talk("--ca", chain, context=context, url="ircs://127.0.0.1:{port}/weft") as t:
            t.process.wait(PATIENCE)
            equal(t.process.returncode, 1) # it is of another name
            assert b"--ca" not in t.process.stderr.read()


@test
def a_file_of_certificates_that_is_not_there_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        got = weft("join", "--tls", "--ca", "/nowhere", str(listener.getsockname()[1]))
    equal(got.status, 1)
    equal(got.err, "weft join: --ca /nowhere: No such file or directory\n")


@test
def whom_to_trust_is_not_said_of_a_talk_without_tls():
    """It would go out for all to read, though its user thought of certificates."""
    for where in "127.0.0.1:1", "irc://127.0.0.1:1", "--irc", "--plain":
        got = weft("join", "--ca", "/nowhere", where)
        equal(got.status, 2)
        equal(got.err, "weft join: --ca says something about TLS only (--tls, or ircs://)\n")


@test
def a_server_that_does_not_speak_tls_is_named():
    """One of plain IRC waits for a line as long as we wait for its answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        got = weft("join", "--tls", str(port))
    equal(got.status, 1)
    equal(got.err, f"weft join: TLS with 127.0.0.1:{port}: no answer (is that a port with TLS?)\n")


# ---- the command line ----------------------------------------------------------------------


@test
def mistakes_of_usage_are_one_line():
    for arguments, told in [
        (["--plain", "--irc"], "--plain knows no nicks, rooms, passwords or TLS"),
        (["--plain", "-n", "ann"], "--plain knows no nicks, rooms, passwords or TLS"),
        (["--plain", "--password", "x", "127.0.0.1:1"],
         "--plain knows no nicks, rooms, passwords or TLS"),
        (["--plain", "irc://ann:secret@127.0.0.1:1/room"],
         "--plain knows no nicks, rooms, passwords or TLS"),
        (["--plain", "http://127.0.0.1:1/#password=secret"],
         "--plain knows no nicks, rooms, passwords or TLS"),
        (["--plain", "ircs://127.0.0.1:1"], "--plain knows no nicks, rooms, passwords or TLS"),
        (["#a", "#b"], "one room at a time, not '#b' too"),
        (["a", "b"], "one server at a time, not 'b' too"),
        (["#a,b"], "'#a,b' is not a room"),
        (["-n", "a b"], "--nick 'a b' is not a nick"),
        (["-n", "1a"], "--nick '1a' is not a nick"),
        (["irc://"], "'irc://' is not a URL of a chat server"),
        (["irc://127.0.0.1:1/a", "#b"], "one room at a time, not '#b' too"),
        (["--plain", "irc://127.0.0.1:1?key=k"], "--plain knows no nicks, rooms, passwords or TLS"),
        (["irc://127.0.0.1:1/a?msg=x"],
         "'irc://127.0.0.1:1/a?msg=x' asks for more than a room's key (?key=WORD)"),
    ]:
        got = weft("join", *arguments)
        equal((got.status, got.out), (2, ""), arguments)
        assert got.err.startswith("weft join: ") and told in got.err, got.err
        equal(got.err.count("\n"), 1, got.err)


@test
@in_own_network
def where_nothing_plain_listens_a_pipe_finds_irc():
    with socket.create_server(("127.0.0.1", 6667)) as listener:
        listener.settimeout(PATIENCE)
        process = subprocess.Popen([WEFT, "join"], stdin=subprocess.DEVNULL, env={"USER": "ann.1"})
        server = Irc(listener.accept()[0])
        server.hears("NICK ann1", "USER weft 0 * :ann1")
        server.say(":srv 001 ann1 :Welcome")
        server.hears("JOIN #lobby")
        process.kill()
        process.wait()
        server.close()


# ---- the manual ----------------------------------------------------------------------------


@test
def the_manual_has_every_option_and_every_command():
    here = pathlib.Path(__file__).resolve().parent.parent
    text = (here / "docs" / "weft-join.1").read_text()
    options = re.findall(r"^.{6}--(\S+)", weft("join", "--help").out, re.M)
    assert len(options) > 5, options
    for option in options:
        assert re.search(rf"^\.It .*Fl -{option}( |$)", text, re.M), option
    equal(set(re.findall(r"Fl -([a-z-]+)", text)) - set(options), set())
    source = (here / "programs" / "chat" / "join" / "commands.c").read_text()
    commands = re.findall(r'(?:true|false), on_\w+, "(/[a-z]+)', source)
    assert len(commands) > 10, commands
    equal(sorted(re.findall(r"^\.It Li (/[a-z]+)\b", text, re.M)), sorted(commands))


# ---- with weft serve -----------------------------------------------------------------------


class Joined:
    """`weft join` in a pipe, in the lobby of a server of weft's."""

    def __init__(self, server, nick):
        self.process = subprocess.Popen(
            [WEFT, "join", "--irc", str(server.address("irc")[1]), "-n", nick],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.heard = Lines(self.process.stdout)

    def says(self, text):
        self.process.stdin.write(f"{text}\n".encode())
        self.process.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.heard.close()


@test
def two_of_us_and_a_plain_client_meet_in_the_lobby():
    with Server("--irc", "0") as server, contextlib.ExitStack() as stack:
        ann, bob = (stack.enter_context(Joined(server, nick)) for nick in ("ann", "bob"))
        with server.connect() as sock, sock.makefile("rb") as lines:
            ann.says("你好")
            while (line := lines.readline().decode()) != "<ann> 你好\n":
                assert line, "the plain client was put out"
            bob.says("me too")
            ann.heard.wait("<bob> me too")
            sock.sendall("plain 线程\n".encode())
            for one in ann, bob:
                one.heard.wait(r"<plain-\d+> plain 线程")


if __name__ == "__main__":
    sys.exit(run_tests())
