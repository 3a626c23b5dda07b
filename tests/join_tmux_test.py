#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""join_tmux_test.py BUILD/weft [EXAMPLES] - the chat client as a full screen, looked at in tmux.

Each test has a tmux of its own, on a socket in its own folder. What is shown is waited for, never
slept for. The server is weft's, or one that the test plays.
"""

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from chat_helpers import Irc, fresh_doors, irc, threads_may_be_left
from program_helpers import PATIENCE, WEFT, Server, Skip, equal, in_own_network, run_tests, test, until

threads_may_be_left()


class Screen:
    """A terminal of tmux with a shell that says `before`, runs the command, and tells how it ended
    and whether the terminal echoes again."""

    def __init__(self, command, columns=80, rows=24, shell=None):
        if not shutil.which("tmux"):
            raise Skip("tmux is not here")
        self.folder = tempfile.TemporaryDirectory()
        script = (f"echo before; {command}; echo status $?; stty -a | tr ' ;' '\\n\\n' |"
                  " grep -x -e -echo -e echo -e -icanon -e icanon; exec cat")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  shell or script)
        self.pid = int(self.tmux("display", "-p", "#{pane_pid}"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.tmux("kill-server")
        self.folder.cleanup()

    def tmux(self, *arguments, **more):
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "SHELL": "/bin/sh", "TZ": "UTC"}
        environment.pop("TMUX", None)
        return subprocess.run(
            ["tmux", "-u", "-S", f"{self.folder.name}/socket", *arguments],
            check=True, capture_output=True, env=environment, timeout=PATIENCE, **more,
        ).stdout.decode()

    def rows(self):
        return self.tmux("capture-pane", "-p").split("\n")

    def shows(self, pattern):
        """Wait until a row matches, and return all of them."""

        def found():
            rows = self.rows()
            return rows if any(re.fullmatch(pattern, row) for row in rows) else None

        try:
            return until(found, f"a row {pattern!r}")
        except AssertionError as late:
            raise AssertionError(f"{late}; there was only:\n" + "\n".join(self.rows())) from None

    def keys(self, *names):
        self.tmux("send-keys", *names)

    def types(self, text):
        self.tmux("send-keys", "-l", text)

    def enters(self, text):
        self.types(text)
        self.keys("Enter")

    def pastes(self, text):
        self.tmux("load-buffer", "-", input=text.encode())
        self.tmux("paste-buffer", "-p")

    def client(self):
        """The process id of the program in the shell."""

        def child():
            out = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(self.pid)],
                                 capture_output=True, check=False).stdout.decode()
            match = re.search(r"^\s*(\d+) \S*weft\S* join", out, re.M)
            return match and int(match[1])

        return until(child, "the program")

    def is_itself_again(self, status):
        """The screen of before the program, with echo and whole lines."""
        rows = self.shows(rf"status {status}")
        equal(rows[0], "before")
        self.has_its_modes_again()

    def has_its_modes_again(self):
        self.shows("-?icanon")
        rows = self.shows("-?echo")
        assert "-echo" not in rows and "-icanon" not in rows, rows


def join(*arguments):
    return shlex.join([WEFT, "join", *map(str, arguments)])


def lets_in(peer, nick="ann"):
    """As the server that the test plays: `weft join` is in the lobby, with two others."""
    peer.wait("CAP LS 302")
    peer.wait(f"NICK {nick}")
    peer.say(":srv CAP * LS :echo-message server-time")
    peer.wait("CAP REQ :.*")
    peer.say(":srv CAP * ACK :echo-message server-time")
    peer.wait("CAP END")
    peer.say(f":srv 001 {nick} :Welcome")
    peer.wait("JOIN #lobby")
    peer.say(f":{nick}!u@h JOIN #lobby", f":srv 353 {nick} = #lobby :{nick} @bob bonnie",
             f":srv 366 {nick} #lobby :End")


def screen_of(server, *arguments, before="", **more):
    """A screen with `weft join` as ann at the IRC door of a server. `before` stands before it."""
    command = join("--irc", server.address("irc")[1], "-n", "ann", *arguments)
    return Screen(f"{before} {command}", **more)


def member(server, nick):
    """Another client in the lobby."""
    return irc(server, nick, room="#lobby")


@contextlib.contextmanager
def played(*arguments, **more):
    """A screen, and the server's side of its connection, let in."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        port = listener.getsockname()[1]
        with Screen(join("--irc", port, "-n", "ann", *arguments), **more) as screen:
            with Irc(listener.accept()[0]) as peer:
                lets_in(peer)
                screen.shows(r"\d\d:\d\d -- 3 here")
                yield screen, peer, listener


# ---- talking -------------------------------------------------------------------------------


@test
def people_talk_in_the_lobby_of_weft_serve_in_chinese_too():
    with Server("--irc", "0") as server, screen_of(server) as ann:
        ann.shows(r"\d\d:\d\d -- you have joined")
        with member(server, "bob") as bob, server.connect() as sock:
            bob.say("PRIVMSG #lobby :ann: 线程和进程")
            ann.shows(r"\d\d:\d\d <bob> ann: 线程和进程")
            ann.enters("你好，世界 hello")
            ann.shows(r"\d\d:\d\d <ann> 你好，世界 hello")
            bob.wait(":ann!.* PRIVMSG #lobby :你好，世界 hello")
            sock.sendall("plain 你好\n".encode())
            ann.shows(r"\d\d:\d\d <plain-\d+> plain 你好")
            ann.enters("/me waves")
            bob.wait(":ann!.* PRIVMSG #lobby :\x01ACTION waves\x01")
            rows = ann.shows(r"\d\d:\d\d \* ann waves")
            equal(rows[0].strip(), "#lobby")
            equal(rows[23], "#lobby>")
            assert re.fullmatch(r" ann  1:127\.0\.0\.1  \[2:#lobby\]\s*", rows[22]), rows[22]


@test
def ones_own_line_is_shown_as_the_server_has_it():
    with played() as (screen, peer, _):
        screen.enters("as typed")
        peer.wait("PRIVMSG #lobby :as typed")
        peer.say("@time=2026-01-02T03:04:05.000Z :ann!u@h PRIVMSG #lobby :as the server has it")
        rows = screen.shows("03:04 <ann> as the server has it")
        assert not any("as typed" in row for row in rows), rows


@test
def long_texts_are_wrapped_and_again_when_the_terminal_changes():
    text = "线程" * 30
    with played() as (screen, peer, _):
        peer.say(f"@time=2026-01-01T10:00:00Z :bob!b@h PRIVMSG #lobby :{text}")
        screen.shows("10:00 <bob> " + text[:34])
        screen.shows("      " + text[34:])
        screen.tmux("resize-window", "-x", "40", "-y", "12")
        rows = screen.shows("      " + text[48:])
        at = rows.index("10:00 <bob> " + text[:14])
        equal(rows[at + 1 : at + 4],
              ["      " + text[14:31], "      " + text[31:48], "      " + text[48:]])
        equal(rows[11], "#lobby>")
        assert rows[10].startswith(" ann  1:127.0.0.1  [2:#lobby]"), rows[10]


@test
def a_strangers_control_characters_are_not_obeyed():
    with played() as (screen, peer, _):
        title = screen.tmux("display", "-p", "#{pane_title}")
        peer.say(":bob!b@h PRIVMSG #lobby :\x1b[2J\x1b]2;evil\x07\x9b1m\x03" "4red \x0fend",
                  ":bob!b@h TOPIC #lobby :\x1b[1;1Htopic")
        rows = screen.shows(r"\d\d:\d\d <bob> \^\[\[2J\^\[\]2;evil\^G\ufffd1mred end")
        screen.shows(r" #lobby  \^\[\[1;1Htopic\s*")
        equal(screen.tmux("display", "-p", "#{pane_title}"), title)
        assert any("3 here" in row for row in rows), rows


# ---- rooms ---------------------------------------------------------------------------------


@test
def rooms_have_marks_and_are_switched_by_keys():
    with Server("--irc", "0") as server, screen_of(server) as ann, \
            member(server, "bob") as bob:
        ann.shows(r"\d\d:\d\d -- (you have joined|bob has joined)")
        ann.enters("/join #weft")
        ann.shows(r" ann  1:127.0.0.1  2:#lobby  \[3:#weft\]\s*")
        bob.say("PRIVMSG #lobby :one", "PRIVMSG #lobby :two")
        ann.shows(r" ann  1:127.0.0.1  2:#lobby\+2  \[3:#weft\]\s*")
        bob.say("PRIVMSG #lobby :ann!", "PRIVMSG ann :psst")
        ann.shows(r" ann  1:127.0.0.1  2:#lobby!1  \[3:#weft\]  4:bob!1\s*")
        ann.keys("M-2")
        ann.shows(r" ann  1:127.0.0.1  \[2:#lobby\]  3:#weft  4:bob!1\s*")
        ann.shows(r"\d\d:\d\d <bob> two")
        ann.keys("C-n", "C-n")
        ann.shows(r"\d\d:\d\d <bob> psst")
        ann.keys("C-p")
        ann.shows(r" ann  1:127.0.0.1  2:#lobby  \[3:#weft\]  4:bob\s*")
        ann.enters("/part bye")
        ann.shows(r"\d\d:\d\d -- you have left \(bye\)")
        ann.enters("/part")
        ann.shows(r" ann  1:127.0.0.1  \[2:#lobby\]  3:bob\s*")


@test
def commands_of_the_server_are_answered_where_they_were_asked():
    with Server("--irc", "0") as server, screen_of(server, "#mine") as ann:
        ann.shows(r"\d\d:\d\d -- 1 here")
        ann.enters("/topic about 线程")
        ann.shows(r" #mine  about 线程\s*")
        ann.enters("/names")
        ann.shows(r"\d\d:\d\d -- @ann")
        ann.enters("/nick eve")
        ann.shows(r"\d\d:\d\d -- you are called eve now")
        ann.enters("/whois eve")
        ann.shows(r"\d\d:\d\d -- eve End of /WHOIS list\.?")
        ann.enters("/list")
        ann.shows(r"\d\d:\d\d -- #mine 1 .*")
        ann.enters("/raw TIME")
        ann.shows(r"\d\d:\d\d -- .*\b20\d\d\b.*")
        ann.enters("/dance")
        ann.shows(r"\d\d:\d\d !! there is no /dance: /help tells what there is")


@test
def pages_go_back_and_stay_while_more_is_said():
    with played() as (screen, peer, _):
        peer.say(*(f":bob!b@h PRIVMSG #lobby :line {i}" for i in range(1, 61)))
        screen.shows(r".* line 60")
        screen.keys("PageUp")
        rows = screen.shows(r" #lobby .* PageDown: more")
        assert not any(row.endswith("line 60") for row in rows), rows
        last = [row for row in rows if "line" in row][-1]
        peer.say(":bob!b@h PRIVMSG #lobby :line 61", ":bob!b@h PRIVMSG ann :seen")
        rows = screen.shows(r" ann .* 3:bob!1\s*")
        equal([row for row in rows if "line" in row][-1], last)
        screen.keys("PageUp", "PageUp", "PageUp")
        screen.shows(r"\d\d:\d\d -- you have joined")
        screen.keys("PageDown", "PageDown", "PageDown", "PageDown")
        screen.shows(r".* line 61")


# ---- what was said before --------------------------------------------------------------------


class Relay:
    """A way to the IRC door of a server that can be cut."""

    def __init__(self, server):
        self.server = server.address("irc")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.port = self.listener.getsockname()[1]
        self.ends = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()
        self.listener.close()

    def take(self):
        """The next one who comes is let through."""
        self.ends = [self.listener.accept()[0], socket.create_connection(self.server)]
        for source, target in self.ends, reversed(self.ends):
            threading.Thread(target=self.pump, args=(source, target), daemon=True).start()

    @staticmethod
    def pump(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def cut(self):
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def said(rows):
    """What was said, of all that is shown."""
    return [row[6:] for row in rows if re.match(r"\d\d:\d\d <", row)]


@test
def what_was_said_before_and_while_one_was_away_is_there_once():
    with fresh_doors() as server, member(server, "bob") as bob, Relay(server) as way:
        bob.say("PRIVMSG #lobby :one", "PRIVMSG #lobby :two")
        for visit in range(2):
            with Screen(join("--irc", way.port, "-n", "ann", "#lobby")) as ann:
                way.take()
                ann.shows(r"\d\d:\d\d -- This room keeps its messages, for ever")
                rows = ann.shows(r"\d\d:\d\d <bob> two")
                equal(said(rows), ["<bob> one", "<bob> two"] + ["<ann> from ann"] * visit)
                ann.enters("from ann")
                ann.shows(r"\d\d:\d\d <ann> from ann")
                if visit == 0:
                    ann.enters("/quit")
                    ann.shows("status 0")
                    continue
                ann.keys("M-1")
                ann.shows(r" ann_?  \[1:127.0.0.1\]  2:#lobby\s*")
                way.cut()
                ann.shows(r"\d\d:\d\d !! the server closed the connection; trying again in 1 s")
                bob.wait(":ann!.* QUIT.*")
                bob.say("PRIVMSG #lobby :ann: missed", "PRIVMSG #lobby :too")
                bob.answer("PING x", r"\S+ PONG .*")
                way.take()
                ann.shows(r" ann_?  \[1:127.0.0.1\]  2:#lobby!1\s*")
                bob.say("PRIVMSG #lobby :heard")
                ann.keys("M-2")
                rows = ann.shows(r"\d\d:\d\d <bob> heard")
                equal(said(rows), ["<bob> one", "<bob> two", *["<ann> from ann"] * 2,
                                   "<bob> ann: missed", "<bob> too", "<bob> heard"])
                equal(sum("This room keeps" in row for row in rows), 1, rows)


@test
def at_the_top_older_lines_are_asked_for_page_by_page():
    lines = [f"<bob> line {i}." for i in range(1, 151)] # the server tells 100 at a time
    with fresh_doors("--no-flood-control") as server, member(server, "bob") as bob:
        bob.say(*(f"PRIVMSG #lobby :{line.removeprefix('<bob> ')}" for line in lines))
        bob.answer("PING x", r"\S+ PONG .*")
        with screen_of(server) as ann:
            ann.shows(r"\d\d:\d\d <bob> line 150\.")

            def at_the_beginning():
                ann.keys("PageUp")
                rows = ann.rows()
                told = sum(row.endswith("-- nothing older is kept") for row in rows)
                return told == 1 and said(rows)[:2] == ["<bob> line 1.", "<bob> line 2."]

            def without_a_gap(): # where the newest page began
                found = said(ann.rows())
                at = lines.index(found[0]) if found and found[0] in lines else 0
                return "<bob> line 51." in found[1:] and found == lines[at : at + len(found)]

            until(at_the_beginning, "the beginning")
            for _ in range(3):
                until(at_the_beginning, "the same")
            ann.keys("PageDown", "PageDown")
            until(without_a_gap, "one page after the other")


@test
def what_was_said_is_searched_and_what_was_deleted_is_gone():
    with fresh_doors() as server, \
            irc(server, "bob", caps="echo-message message-tags draft/message-redaction",
                room="#lobby") as bob, screen_of(server) as ann:
        ann.shows(r"\d\d:\d\d -- 2 here")
        bob.say("PRIVMSG #lobby :ann: 多线程; and a\\b")
        bob.wait(r"@\S+ :bob!\S+ PRIVMSG #lobby :ann: .*")
        ann.shows(r"\d\d:\d\d <bob> ann: 多线程; and a\\b")
        ann.enters("/search from:bob after:2020-01-01 线程; a\\b")
        found = r"\d\d:\d\d -- 20\d\d-\d\d-\d\d \d\d:\d\d #lobby <bob> ann: 多线程; and a\\b"
        ann.shows(found)
        ann.shows(r"\d\d:\d\d -- found: 1")
        ann.enters("/search nowhere")
        ann.shows(r"\d\d:\d\d -- nothing was found")
        ann.keys("M-1")
        ann.enters("/mentions")
        ann.shows(found)
        bob.say("PRIVMSG #lobby :a slip")
        slip = bob.wait(r"@\S*msgid=([^; ]+)\S* :bob!\S+ PRIVMSG #lobby :a slip")[1]
        ann.keys("M-2")
        ann.shows(r"\d\d:\d\d <bob> a slip")
        bob.say(f"REDACT #lobby {slip} :not so")
        rows = ann.shows(r"\d\d:\d\d -- bob has deleted a message \(not so\)")
        assert any(row.endswith("<bob> (deleted)") for row in rows), rows
        assert not any("a slip" in row for row in rows), rows


# ---- typing --------------------------------------------------------------------------------


@test
def a_line_is_edited_as_in_a_shell():
    with played() as (screen, peer, _):
        screen.types("one 线程 three")
        screen.keys("C-w", "BSpace", "BSpace", "Home")
        screen.types("zero ")
        screen.shows("#lobby> zero one 线")
        screen.keys("End", "Left", "DC", "C-a", "C-k", "C-y")
        screen.shows("#lobby> zero one")
        screen.keys("Enter")
        peer.wait("PRIVMSG #lobby :zero one ")
        screen.enters("second")
        peer.wait("PRIVMSG #lobby :second")
        screen.types("draft")
        screen.keys("Up", "Up")
        screen.shows("#lobby> zero one")
        screen.keys("Down", "Down")
        screen.shows("#lobby> draft")
        screen.keys("C-u")
        screen.shows("#lobby>")


@test
def nicks_are_completed_by_tab():
    with played() as (screen, peer, _):
        peer.say(":bonnie!b@h PRIVMSG #lobby :hi")
        screen.shows(r".*<bonnie> hi")
        screen.types("b")
        screen.keys("Tab")
        screen.shows("#lobby> bonnie:")
        screen.keys("Tab")
        screen.shows("#lobby> bob:")
        screen.enters("hi")
        peer.wait("PRIVMSG #lobby :bob: hi")


@test
def who_pastes_sees_his_lines_wherever_he_looked():
    with played() as (screen, peer, _):
        peer.say(*[f":bob!u@h PRIVMSG #lobby :line {i}" for i in range(50)])
        screen.shows(r"\d\d:\d\d <bob> line 49")
        screen.keys("PageUp")
        screen.shows(r" #lobby\s+PageDown: more")
        screen.pastes("one\ntwo\n")
        screen.shows("2 lines pasted.*")
        screen.keys("Enter")
        peer.say(":ann!u@h PRIVMSG #lobby :two")
        screen.shows(r"\d\d:\d\d <ann> two")


@test
def several_pasted_lines_are_sent_only_after_a_word():
    with played() as (screen, peer, _):
        screen.types("see: ")
        screen.pastes("one 一\n/quit\n\nthree\n")
        screen.shows(r"4 lines pasted: Enter sends them, Ctrl\+C does not")
        screen.types("x") # not of the paste, nor an answer
        screen.keys("Enter")
        for text in "see: one 一", "/quit", "three":
            peer.hears(f"PRIVMSG #lobby :{text}")
        screen.shows("#lobby>")
        screen.pastes("secret\nfile\n")
        screen.shows("2 lines pasted.*")
        screen.keys("C-c")
        screen.shows("#lobby>")
        screen.pastes("one line\n")
        screen.shows("#lobby> one line")
        screen.keys("Enter")
        peer.hears("PRIVMSG #lobby :one line")


@test
def a_paste_that_never_ends_takes_no_keys_for_ever():
    with played() as (screen, peer, _):
        screen.keys("-H", *(f"{byte:x}" for byte in b"\x1b[200~one"))
        screen.shows("#lobby> one")  # after a while
        screen.enters(" line")
        peer.hears("PRIVMSG #lobby :one line")


# ---- the connection ------------------------------------------------------------------------


@test
def a_connection_that_breaks_is_made_again_and_the_rooms_too():
    with played() as (screen, peer, listener):
        screen.enters("/join #weft leaf")
        peer.wait("JOIN #weft leaf")
        peer.say(":bob!u@h MODE #lobby +kl tea 5")
        peer.say(":ann!u@h JOIN #weft", ":srv 366 ann #weft :End")
        screen.shows(r" ann  1:127.0.0.1  2:#lobby  \[3:#weft\]\s*")
        peer.sock.shutdown(socket.SHUT_RDWR)
        screen.shows(r"\d\d:\d\d !! the server closed the connection; trying again in 1 s")
        with Irc(listener.accept()[0]) as again:
            again.wait("NICK ann")
            screen.enters("too early")
            screen.shows(r"\d\d:\d\d !! not connected: nothing was sent")
            screen.shows("#weft> too early") # and nothing is lost
            again.say(":srv CAP * LS :", ":srv 001 ann :Welcome back")
            again.wait("JOIN #lobby tea") # with the key that was set meanwhile,
            again.wait("JOIN #weft leaf") # and with the one that was given
            screen.shows(r"\d\d:\d\d -- connected again")
            screen.keys("Enter")
            again.wait("PRIVMSG #weft :too early")
            screen.shows(r"\d\d:\d\d <ann> too early") # this server sends no echo


@test
def a_paste_that_meets_no_connection_waits_for_one_whole():
    with played() as (screen, peer, listener):
        peer.sock.shutdown(socket.SHUT_RDWR)
        with Irc(listener.accept()[0]) as again:
            again.wait("NICK ann")
            screen.pastes("\none\ntwo\n")
            screen.shows("3 lines pasted.*")
            screen.keys("Enter")
            screen.shows(r"\d\d:\d\d !! not connected: nothing was sent")
            again.say(":srv CAP * LS :", ":srv 001 ann :Welcome back")
            screen.shows(r"\d\d:\d\d -- connected again")
            screen.shows("3 lines pasted.*")
            screen.keys("Enter")
            again.wait("PRIVMSG #lobby :one")
            again.wait("PRIVMSG #lobby :two")


@test
def a_server_that_refuses_is_told_on_the_screen_of_before():
    with Server("--irc", "0", "--password", "word") as server:
        with screen_of(server, "--password", "wrong") as screen:
            screen.shows("password of 127.0.0.1:")
            screen.keys("C-d")
            rows = screen.shows("status 1")
            assert rows[1].startswith("weft join: the server refused: Password"), rows
            screen.is_itself_again(1)
        with screen_of(server, "--password", "word") as screen:
            screen.shows(r"\d\d:\d\d -- you have joined")


@test
def a_server_that_refuses_and_waits_is_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        command = join("--irc", listener.getsockname()[1], "-n", "annabella-long")
        with Screen(command) as screen, Irc(listener.accept()[0]) as peer:
            peer.wait("NICK annabella-long")
            peer.say(":srv 432 * annabella-long :Nickname too long, max. 9 characters")
            rows = screen.shows("status 1")
            assert rows[1] == "weft join: the server refused: Nickname too long, max. 9 characters"
            screen.is_itself_again(1)


def asked(screen):
    return sum(row.startswith("password of 127.0.0.1:") for row in screen.rows())


@test
def a_password_is_asked_for_and_not_shown():
    with Server("--irc", "0", "--password", "sesame") as server:
        with screen_of(server) as screen:
            screen.shows("password of 127.0.0.1:")
            screen.enters("wrong")
            until(lambda: asked(screen) == 2, "the second question")
            rows = screen.rows()
            screen.enters("sesame")
            screen.shows(r"\d\d:\d\d -- you have joined")
            with open(f"/proc/{screen.client()}/cmdline", encoding="ascii") as file:
                assert "sesame" not in file.read()
            screen.enters("/quit")
            rows += screen.shows("status 0")
            assert not any("sesame" in row or "wrong" in row for row in rows), rows
            screen.is_itself_again(0)
        with screen_of(server) as screen:
            for count in range(1, 4):
                until(lambda: asked(screen) == count, f"question {count}")
                screen.enters("wrong")
            screen.is_itself_again(1)
        with screen_of(server, before="trap : INT;") as screen: # for the shell, not for the program
            screen.shows("password of 127.0.0.1:")
            screen.keys("C-c")
            screen.is_itself_again(130)
        with screen_of(server, before="WEFT_PASSWORD=sesame") as screen:
            screen.shows(r"\d\d:\d\d -- you have joined")


@test
def nobody_listening_is_one_line_and_no_screen():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Screen(join("--irc", port)) as screen:
        screen.is_itself_again(1)
        screen.shows(rf"weft join: connect 127\.0\.0\.1:{port}: Connection refused \(is the server.*")


@test
@in_own_network
def on_a_terminal_irc_is_tried_first_and_plain_after_it():
    with Server("--irc", "6667", "--plain", "off", "--web", "off", port=None), \
            Screen(join()) as screen:
        screen.shows(r"\d\d:\d\d -- you have joined")
    with Server(port=12345) as server, Screen(join()) as screen:
        server.out.wait("join id=.*")
        screen.enters("plain")
        equal(screen.shows("plain")[:2], ["before", "plain"])


# ---- the end -------------------------------------------------------------------------------


@test
def quitting_gives_the_terminal_back():
    with played() as (screen, peer, _):
        screen.enters("/quit so long")
        peer.wait("QUIT :so long")
        peer.sock.shutdown(socket.SHUT_RDWR)
        screen.is_itself_again(0)


@test
def ctrl_c_asks_first_and_ctrl_d_ends_an_empty_line():
    with played() as (screen, peer, _):
        screen.types("half")
        screen.shows("#lobby> half")
        screen.keys("C-c")
        screen.shows("#lobby>")
        screen.keys("C-c")
        screen.shows(r"\d\d:\d\d -- Ctrl\+C again, or /quit, ends it")
        screen.types("no")
        screen.keys("C-c", "C-c", "C-c")
        peer.wait("QUIT")
        peer.sock.shutdown(socket.SHUT_RDWR)
        screen.is_itself_again(130)
    with played() as (screen, peer, _):
        screen.keys("C-d")
        peer.wait("QUIT") # and a server that does not answer is not waited for long
        screen.is_itself_again(0)


@test
def signals_and_crashes_give_the_terminal_back():
    for sig in signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT:
        with played() as (screen, _, __):
            os.kill(screen.client(), sig)
            screen.is_itself_again(128 + sig)
    for sig in signal.SIGSEGV, signal.SIGABRT:
        with played() as (screen, _, __):
            os.kill(screen.client(), sig)
            screen.shows(rf"status ({128 + sig}|1)") # 1: a sanitizer has told about it, at length
            screen.has_its_modes_again()


@test
def a_stop_gives_the_terminal_to_the_shell_and_fg_takes_it_again():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        shell = "env PS1='$ ' ENV= sh -i"
        with Screen("", shell=shell) as screen:
            screen.enters(join("--irc", listener.getsockname()[1], "-n", "ann"))
            with Irc(listener.accept()[0]) as peer:
                lets_in(peer)
                screen.shows(r"\d\d:\d\d -- 3 here")
                for count in range(1, 4): # the shell and the program read from one terminal
                    screen.keys("C-z")
                    screen.shows(r"\$")
                    screen.enters(f"echo shell $((10 + {count}))")
                    screen.shows(f"shell {10 + count}")
                    peer.say(f":bob!b@h PRIVMSG #lobby :meanwhile {count}")
                    screen.enters("fg")
                    screen.shows(rf"\d\d:\d\d <bob> meanwhile {count}")
                screen.enters("back")
                peer.wait("PRIVMSG #lobby :back")
                screen.enters("/quit")
                peer.wait("QUIT")
                peer.sock.shutdown(socket.SHUT_RDWR)
            screen.shows("shell 13")
            screen.shows(r"\$")
            screen.enters("stty -a | grep -c -e '-echo ' -e -icanon")
            screen.shows("0")


if __name__ == "__main__":
    sys.exit(run_tests())
