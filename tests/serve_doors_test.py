#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""weft serve with all its doors: plain clients, IRC's and browsers meet, and history outlives a kill."""
import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

from chat_helpers import doors, fresh_doors, hash_of, irc, talks_on_a_websocket
from program_helpers import (PATIENCE, WEFT, Server, Skip, equal, in_own_network, receive, reset,
                             run_tests, test, weft)


UPGRADE = ("GET / HTTP/1.1\r\nHost: {}:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")


def member(server, nick, **more):
    return irc(server, nick, room="#lobby", **more)


def doors_with_an_operator():
    return fresh_doors("--operator", f"root:{hash_of('secret')}")


def operator(server, nick):
    member_of_rank = member(server, nick)
    member_of_rank.answer("OPER root secret", r":\S+ 381 .*")
    return member_of_rank


def url(server):
    return "http://%s:%d/" % server.address("web")


@test
def plain_clients_and_those_of_irc_meet_in_the_lobby():
    with fresh_doors() as server:
        alice = member(server, "alice")
        plain = server.connect()
        alice.wait(r":(plain-\d+)!~plain@127\.0\.0\.1 JOIN #lobby")
        plain.sendall(b"one\ntwo\n")
        alice.wait(r":plain-1!~plain@127\.0\.0\.1 PRIVMSG #lobby :one")
        alice.wait(r":plain-1!~plain@127\.0\.0\.1 PRIVMSG #lobby :two")
        alice.say("PRIVMSG #lobby :hello, 线程")
        equal(receive(plain, len("<alice> hello, 线程\n".encode())).decode(), "<alice> hello, 线程\n")
        plain.close()
        alice.wait(r":plain-1!~plain@127\.0\.0\.1 QUIT :.*")


@test
def a_plain_message_without_a_newline_ends_by_itself():
    with fresh_doors() as server:
        alice = member(server, "alice")
        plain = server.connect()
        plain.sendall("没有换行".encode())
        alice.wait(r":plain-1!\S+ PRIVMSG #lobby :没有换行")


@test
def what_is_no_utf8_is_shown_as_such_and_long_messages_are_cut_between_characters():
    with fresh_doors() as server:
        alice = member(server, "alice")
        plain = server.connect()
        plain.sendall(b"a\xffb\n")
        alice.wait("\\S+ PRIVMSG #lobby :a\uFFFDb")
        plain.sendall(("线" * 1000 + "\n").encode())
        heard = ""
        while len(heard) < 1000:
            heard += alice.wait(r"\S+ PRIVMSG #lobby :(线+)")[1]
        equal(heard, "线" * 1000)


@test
def plain_clients_see_each_line_of_a_long_message_with_its_author_and_nothing_else():
    with fresh_doors() as server:
        alice = member(server, "alice", caps="batch draft/multiline")
        plain = server.connect()
        alice.wait(r":plain-1!\S+ JOIN #lobby")
        lines = ["%02d" % n + "x" * 100 for n in range(20)]
        alice.say("BATCH +1 draft/multiline #lobby",
                  *(f"@batch=1 PRIVMSG #lobby :{line}" for line in [*lines, "<bob> says", "", "one "]),
                  "@batch=1;draft/multiline-concat PRIVMSG #lobby :line", "BATCH -1",
                  "PRIVMSG #lobby :\x01VERSION\x01", "PRIVMSG #lobby :\x01ACTION waves\x01",
                  "PRIVMSG #lobby :\x1b[2J\x07red \x0304,12is\x03 4 \x02bold\x0f \u009b1m\tone\x04ff0000two",
                  "PRIVMSG #lobby :end")
        wanted = "".join(f"<alice> {line}\n" for line in [*lines, "<bob> says", "one line"])
        wanted += "* alice waves\n<alice> [2Jred is 4 bold 1m\tonetwo\n<alice> end\n"
        equal(receive(plain, len(wanted)).decode(), wanted)


@test
def what_is_said_to_one_plain_client_alone_does_not_look_like_the_rooms():
    with fresh_doors() as server:
        alice = member(server, "alice", caps="batch draft/multiline")
        plain = server.connect()
        alice.wait(r":plain-1!\S+ JOIN #lobby")
        alice.say("PRIVMSG plain-1 :psst", "NOTICE plain-1 :note", "PRIVMSG #lobby,plain-1 :both",
                  "BATCH +1 draft/multiline plain-1", "@batch=1 PRIVMSG plain-1 :two",
                  "@batch=1 PRIVMSG plain-1 :lines", "BATCH -1")
        wanted = "*alice* psst\n*alice* note\n<alice> both\n*alice* both\n*alice* two\n*alice* lines\n"
        equal(receive(plain, len(wanted)).decode(), wanted)


@test
def a_plain_client_that_was_put_out_or_has_no_voice_is_not_heard_in_the_lobby():
    with doors_with_an_operator() as server:
        alice = operator(server, "alice")
        alice.answer("MODE #lobby +o alice", r":\S+ MODE #lobby \+o alice")
        one, two = server.connect(), server.connect()
        alice.wait(r":plain-2!\S+ JOIN #lobby")
        one.sendall(b"before\n")
        alice.wait(r":plain-1!\S+ PRIVMSG #lobby :before")
        alice.answer("KICK #lobby plain-1", r":alice!\S+ KICK #lobby plain-1 :alice")
        one.sendall(b"put out\n")
        equal(receive(two, len("before\nput out\n")), b"before\nput out\n")
        alice.answer("MODE #lobby +m", r":\S+ MODE #lobby \+m")
        two.sendall(b"without a voice\n")
        equal(receive(one, len("without a voice\n")), b"without a voice\n")
        alice.answer("MODE #lobby +v plain-2", r":\S+ MODE #lobby \+v plain-2")
        two.sendall(b"with a voice\n")
        alice.wait(r":plain-2!\S+ PRIVMSG #lobby :with a voice")
        one.close()
        two.close()
        alice.wait(r":plain-2!\S+ QUIT :.*")
        alice.answer("PING end", r":\S+ PONG .*")
        wrong = "put out", "without a voice", ":plain-1!~plain@127.0.0.1 QUIT"
        equal([line for line in alice.seen if any(word in line for word in wrong)], [])


@test
def a_lobby_without_ctcp_takes_none_from_a_plain_client_either():
    with doors_with_an_operator() as server:
        alice = operator(server, "alice")
        alice.answer("MODE #lobby +C", r":\S+ MODE #lobby \+C")
        one, two = server.connect(), server.connect()
        alice.wait(r":plain-2!\S+ JOIN #lobby")
        said = b"\1VERSION\1\n\1ACTION waves\1\n"
        one.sendall(said)
        equal(receive(two, len(said)), said)
        alice.wait(r":plain-1!\S+ PRIVMSG #lobby :\x01ACTION waves\x01")
        equal([line for line in alice.seen if "VERSION" in line], [])


@test
def others_are_told_why_a_plain_client_was_killed():
    with doors_with_an_operator() as server:
        alice = operator(server, "alice")
        with server.connect() as plain:
            alice.wait(r":plain-1!\S+ JOIN #lobby")
            alice.answer("KILL plain-1 :too loud",
                         r":plain-1!\S+ QUIT :Killed \(alice \(too loud\)\)")
            equal(plain.recv(1), b"")


@test
def who_was_killed_did_not_leave_of_its_own():
    with doors_with_an_operator() as server:
        alice, bob = operator(server, "alice"), member(server, "bob")
        with server.connect():
            alice.wait(r":plain-1!\S+ JOIN #lobby")
            alice.say("KILL plain-1 :too loud", "KILL bob :likewise")
            server.log.wait(r'drop id=1 addr=\S+ n=0 reason="?Killed"?')
            server.log.wait(r'drop id=2 door=irc addr=\S+ reason="?Killed"?')
            host, port = server.address("web")
            with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=PATIENCE) as page:
                equal(re.findall(r'reason="killed"} (\d+)', page.read().decode()), ["2"])
        bob.close()


@test
def a_connection_that_breaks_is_no_leave_in_the_log_either():
    with fresh_doors() as server:
        reset(member(server, "bob").sock)
        server.log.wait(r'drop id=1 door=irc addr=\S+ reason="Connection reset by peer"')
        with socket.create_connection(server.address("web"), timeout=PATIENCE) as sock:
            sock.sendall(UPGRADE.format(*server.address("web")).encode())
            assert receive(sock, 12) == b"HTTP/1.1 101"
            sock.sendall(b"\x81\x01x") # a frame without a mask
            server.log.wait(r'drop id=2 door=web addr=\S+ reason="Protocol error"')


@test
def the_address_of_a_plain_client_is_a_word_of_irc_also_in_version_6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        raise Skip(f"no IPv6 here: {error}") from None
    with fresh_doors("--host", "::1") as server:
        alice = member(server, "alice")
        with server.connect():
            alice.wait(r":plain-1!~plain@0::1 JOIN #lobby")
            alice.answer("WHO plain-1", r":\S+ 352 alice \* ~plain 0::1 \S+ plain-1 H :0 .*")


@test
def plain_clients_hear_each_other_byte_for_byte():
    with fresh_doors() as server:
        one, two = server.connect(), server.connect()
        one.sendall(b"\xff\x00 as it is")
        equal(receive(two, 11), b"\xff\x00 as it is")


@test
def a_browser_at_the_plain_door_is_shown_the_way_and_nobody_hears_it():
    with fresh_doors() as server:
        other = server.connect()
        lost = server.connect()
        lost.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        answer = lost.makefile("rb").read().decode()
        assert answer.startswith("HTTP/1.1 400 ") and url(server) in answer, answer
        server.connect().sendall(b"x")
        equal(receive(other, 1), b"x")


@test
def who_comes_while_a_labelled_command_waits_is_no_part_of_its_answer():
    with doors_with_an_operator() as server:
        alice = irc(server, "alice", caps="batch labeled-response message-tags")
        alice.answer("MONITOR + bob", r":\S+ 731 alice :bob")
        bob = irc(server)
        bob.say("NICK bob")
        bob.answer("PING here", r":\S+ PONG .*")
        alice.say("@label=x OPER root wrong")  # which takes a while, on purpose
        bob.say("USER bob 0 * :bob")
        heard = sorted(re.sub(r":\S+ (\d+) .*", r"\1", alice.line()) for _ in range(2))
        equal(heard, ["730", "@label=x 464"])


@test
def who_says_something_and_goes_is_told_that_it_is_kept_and_then_goodbye():
    with fresh_doors() as server, irc(server, "bob", room="#room") as bob:
        with irc(server, "alice", room="#room", caps="echo-message") as alice:
            alice.say("PRIVMSG #room :last", "QUIT :bye")
            alice.wait(r":alice!\S+ PRIVMSG #room :last")
            alice.hears("ERROR :Closing link: 127.0.0.1 (Quit: bye)")
            equal(alice.line(), None)
        bob.wait(r":alice!\S+ PRIVMSG #room :last")
        bob.wait(r":alice!\S+ QUIT :Quit: bye")
        with irc(server, "carol", room="#room", caps="echo-message") as carol:
            carol.say("PRIVMSG #room :last", "PING end")
            carol.sock.shutdown(socket.SHUT_WR)  # it listens on
            carol.wait(r":carol!\S+ PRIVMSG #room :last")
            carol.hears(":weft.test PONG weft.test :end")
            equal(carol.line(), None)


@test
def a_door_that_is_taken_is_left_shut_unless_it_was_asked_for():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        got = weft("serve", "--plain", "0", "--irc", port, "--web", "off", "--no-history")
        equal((got.status, got.err), (1, f"weft serve: listen 127.0.0.1:{port}: Address already in "
                                         "use (another server? try --irc 0)\n"))
        equal(weft("serve", "--irc", "nonsense").status, 2)


@test
@in_own_network
def a_default_door_leaves_its_port_to_one_that_was_asked_for():
    with Server("--irc", "12345", "--web", "off", port=None) as server:
        server.log.wait(r"the plain door stays shut: .*already in use.*")
        server.out.wait("listening on 127.0.0.1:12345 for IRC")


@test
@in_own_network
def a_second_server_that_finds_every_door_taken_ends():
    """It would wait for ever for nobody; and whoever started it in a script would not hear of it."""
    with Server("--no-history", port=None):
        got = weft("serve", "--no-history")
        equal((got.status, got.err), (1, "weft serve: no door is open (another server?)\n"))
        equal(got.out.count(" door stays shut: "), 3)


@test
def a_second_server_on_the_same_history_ends_with_one_line():
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "history")
        with doors(data):
            got = weft("serve", "--plain", "0", "--irc", "0", "--web", "0", "--data", data)
            equal((got.status, got.out), (1, ""))
            equal(got.err, f"weft serve: the history in {data} is in use by another server"
                           " (--data FOLDER or --no-history)\n")


@test
def a_history_that_has_no_place_is_told_with_what_to_do():
    """The path alone says nothing to who did not know that there is a history."""
    for data, told in ("/dev/null", "/dev/null/lock: Not a directory"), \
                      ("/dev/null/deep", "/dev/null/deep: Not a directory"):
        got = weft("serve", "--plain", "0", "--irc", "0", "--web", "off", "--data", data)
        equal((got.status, got.err),
              (1, f"weft serve: {told} (--data FOLDER or --no-history)\n"))


@test
def the_end_is_told_to_everybody():
    with fresh_doors() as server:
        alice = member(server, "alice")
        server.process.send_signal(signal.SIGTERM)
        alice.wait(r"ERROR :Closing link: 127\.0\.0\.1 \(Server shutting down\)")
        equal(server.process.wait(PATIENCE), 0)


@test
def a_browser_between_two_requests_does_not_hold_up_the_end():
    with fresh_doors() as server:
        sock = socket.create_connection(server.address("web"), timeout=PATIENCE)
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
            with doors(data) as server:
                alice = member(server, "alice", caps="echo-message")
                for n in range(50):
                    alice.say(f"PRIVMSG #lobby :message {round_} {n}")
                for _ in range(10 + 10 * round_): # and then in the middle of it
                    acknowledged.append(alice.wait(r"\S+ PRIVMSG #lobby :(.*)")[1])
                server.process.kill()
        with doors(data) as server:
            alice = member(server, "alice", caps="draft/chathistory batch")
            alice.say("CHATHISTORY LATEST #lobby * 100")
            alice.wait(r".* BATCH \+\S+ chathistory #lobby")
            kept = []
            while " BATCH -" not in (line := alice.line()):
                kept.append(re.search(r" PRIVMSG #lobby :(.*)", line)[1])
            missing = [text for text in acknowledged if text not in kept and kept]
            recent = [text for text in acknowledged if text.startswith("message 2")]
            equal([text for text in recent if text not in kept], [])
            assert len(kept) == 100 or not missing, missing


@test
def a_backup_is_made_while_the_server_runs():
    with tempfile.TemporaryDirectory() as folder:
        data, copy = os.path.join(folder, "history"), os.path.join(folder, "copy.db")
        with doors(data) as server:
            alice = member(server, "alice", caps="echo-message")
            alice.say("PRIVMSG #lobby :kept")
            alice.wait(r"\S+ PRIVMSG #lobby :kept")
            equal(weft("chat", "backup", "--data", data, copy), (0, "", ""))
            again = weft("chat", "backup", "--data", data, copy)
            equal((again.status, again.out, again.err.count("\n")), (1, "", 1))
            equal(os.stat(copy).st_mode & 0o777, 0o600)
        restored = os.path.join(folder, "restored")
        os.mkdir(restored, 0o700)
        os.rename(copy, os.path.join(restored, "history.db"))
        with doors(restored) as server:
            alice = member(server, "alice", caps="batch")
            alice.answer("CHATHISTORY LATEST #lobby * 9", r".* PRIVMSG #lobby :kept")
            alice.answer("SEARCH in=#lobby;text=kept", r".* PRIVMSG #lobby :kept")
    equal(weft("chat", "backup").status, 2)


@test
def a_backup_that_is_ended_by_a_signal_leaves_nothing():
    with tempfile.TemporaryDirectory() as folder:
        data, copies = os.path.join(folder, "history"), os.path.join(folder, "copies")
        with doors(data):
            pass
        with contextlib.closing(sqlite3.connect(os.path.join(data, "history.db"))) as history:
            history.execute("CREATE TABLE much AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                            "SELECT i + 1 FROM n WHERE i < 300000) SELECT i, hex(zeroblob(50)) FROM n")
            history.commit()
        os.mkdir(copies)
        for sig in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            command = [WEFT, "chat", "backup", "--data", data, os.path.join(copies, f"{sig}.db")]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as backup:
                while not os.listdir(copies) and backup.poll() is None:
                    time.sleep(0.001)
                backup.send_signal(sig)
                ended = backup.wait(PATIENCE)
            if ended == 0: # it was faster
                os.remove(os.path.join(copies, f"{sig}.db"))
            else:
                equal(ended, 128 + sig)
            equal(os.listdir(copies), [])


@test
def a_websocket_speaks_irc():
    with fresh_doors() as server:
        alice = member(server, "alice")
        address = server.address("web")
        sock = socket.create_connection(address, timeout=PATIENCE)
        talks_on_a_websocket(sock, "{}:{}".format(*address), alice)


@test
def the_web_door_tells_how_the_server_is():
    with fresh_doors() as server:
        alice = member(server, "alice")
        alice.say("PRIVMSG #lobby :counted", "PING x")
        alice.wait(r".*PONG.*")
        text = urllib.request.urlopen(url(server) + "metrics", timeout=PATIENCE).read().decode()
        assert "\nweft_users 1\n" in text and "\nweft_messages_total 1\n" in text, text
        equal(urllib.request.urlopen(url(server) + "healthz", timeout=PATIENCE).read(), b"ok\n")


if __name__ == "__main__":
    sys.exit(run_tests())
