#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""serve_settings_test.py BUILD/weft - the settings of the chat server, from outside: file and
options, reading them again, TLS, sockets of other kinds, --lan; and weft chat passwd."""

import contextlib
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys

from chat_helpers import Irc, certificate, folder, hash_of, irc, talks_on_a_websocket, tls
from program_helpers import (
    PATIENCE,
    WEFT,
    Server,
    Skip,
    equal,
    hears,
    in_own_network,
    receive_all,
    run_tests,
    test,
    until,
    weft,
)


# ---- files, servers ----------------------------------------------------------------


def write(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def fails(*arguments, line, status=2):
    equal(weft("serve", *arguments), (status, "", f"weft serve: {line}\n"))


def file_server(path, *more, **options):
    return Server("--irc", "0", "--config", str(path), *more, **options)


def reload(server, said="reload"):
    count = len(server.log.matching(said))
    server.process.send_signal(signal.SIGHUP)
    server.log.wait(said, count + 1)


# ---- file and options ----------------------------------------------------------------


@test
def settings_come_from_a_file_and_options_win():
    with folder() as at:
        path = write(at / "weft.ini", "[server]", "network = Net", "name = irc.example.org",
                     "description = of the file", "[limits]", "rooms = 7")
        with file_server(path, "--description", "of the option") as server:
            with irc(server) as client:
                client.say("NICK ada", "USER ada 0 * :Ada")
                client.wait("irc.example.org 001 ada :Welcome to the Net network, ada")
                client.wait("irc.example.org 005 ada .* CHANLIMIT=#:7 .*")
                client.answer("LINKS", r".* 364 .*of the option")


@test
def a_file_is_checked_without_a_server():
    with folder() as at:
        path = write(at / "weft.ini", "[server]", "name = irc.example.org")
        equal(weft("serve", "--check", path), (0, f"{path} is good\n", ""))
        write(path, "[server]", "", "nmae = irc.example.org")
        fails("--check", path, line=f"{path}:3: unknown key 'nmae' (did you mean 'name'?)")
        fails("--config", path, line=f"{path}:3: unknown key 'nmae' (did you mean 'name'?)")
        fails("--check", at, line=f"--check '{str(at)[:40]}' cannot be read: Is a directory")


@test
def a_check_looks_into_the_files_that_are_named():
    with folder() as at:
        text, path = write(at / "x.pem", "no certificate"), at / "weft.ini"
        write(path, "[tls]", f"certificate = {text}")
        why = f"{text}: no certificate in it that is PEM"
        fails("--check", path, line=f"{path}:2: {why}")
        fails("--config", path, line=f"{path}:2: {why}", status=1)
        fails("--tls-cert", text, line=why, status=1)
        (at / "motd").write_bytes(b"a\0b")
        write(path, "[server]", f"motd = {at}/motd")
        why = "the message of the day is no UTF-8 text with lines that end in LF"
        fails("--check", path, line=f"{path}:2: {why}")
        (at / "motd").write_bytes(b"a" * 65537)
        fails("--check", path, line=f"{path}:2: the message of the day is longer than 64 KiB")


@test
def what_would_be_read_for_ever_is_one_clear_line():
    with folder() as at:
        os.mkfifo(at / "pipe")
        fails("--motd", at / "pipe", line=f"--motd '{at}/pipe' is no regular file")
        fails("--check", "/dev/zero", line="--check '/dev/zero' is no regular file")


@test
def a_file_that_is_not_there_is_one_clear_line():
    fails("--config", "/nowhere/weft.ini",
          line="--config '/nowhere/weft.ini' cannot be read: No such file or directory")


@test
def what_needs_something_else_says_so():
    with folder() as at:
        key = write(at / "key.pem", "x")
        fails("--tls-key", key, line="a key for TLS (--tls-key) needs a certificate (--tls-cert)")
        fails("--ircs", 0, line="the door for IRC inside TLS (--ircs) needs a certificate (--tls-cert)")
        fails("--web-tls", line="https on the web door (--web-tls) needs a certificate (--tls-cert)")
        fails("--sts", 3, line="to send IRC clients to TLS (--sts) needs a certificate (--tls-cert)")
        fails("--operator", "ada", line="--operator: has no hash as 'weft chat passwd' prints it")
        fails("--open", line="--open says something about --lan only")
        fails("--irc", 9001, "--web", "127.0.0.1:9001", line="two doors cannot have one address")
        path = write(at / "weft.ini", "[tls]", "web = yes", "[doors]", "irc = 9001", "plain = 9001")
        why = "https on the web door (--web-tls) needs a certificate (--tls-cert)"
        fails("--check", path, line=f"{path}:2: {why}")
        write(path, "[doors]", "irc = 9001", "plain = 9001")
        fails("--check", path, line=f"{path}:2: two doors cannot have one address")
        fails("--config", path, "--irc", 9001, line="two doors cannot have one address")
        why = "every door is off: nobody could come in"
        fails("--plain", "off", "--irc", "off", "--web", "off", line=why)
        write(path, "[doors]", "web = off", "irc = off", "plain = off")
        fails("--check", path, line=f"{path}:2: {why}")


@test
def what_nobody_could_use_is_one_clear_line():
    why = "is not NAME[:PORT] (an IPv6 address in brackets), or *"
    fails("--web-host", "a b", line=f"--web-host 'a b' {why}")
    fails("--web-host", "a.example, b c", line=f"--web-host 'a.example, b c' {why}")
    fails("--password", "x" * 301, line="--password: is longer than 300 bytes")
    with folder() as at:
        path = write(at / "weft.ini", "[server]", "network = Net", "", "[operator ada]", "")
        fails("--check", path,
              line=f"{path}:4: this operator has no password (see weft chat passwd)")


@test
def the_longest_password_lets_in():
    longest = "x" * 300
    with Server("--irc", "0", "--password", longest) as server, \
            irc(server, "ada", password=longest) as client:
        assert any(" 001 ada " in line for line in client.seen), client.seen


@test
def a_door_of_the_file_must_open():
    with folder() as at, Server() as other:
        path = write(at / "weft.ini", "[doors]", f"irc = {other.port}", "plain = off", "web = off")
        fails("--config", path, status=1, line=f"listen 127.0.0.1:{other.port}: Address already in "
              "use (another server? try --irc 0)")


@test
def motd_admin_and_password_are_what_the_file_says():
    with folder() as at:
        motd = write(at / "motd", "first line", "第二行")
        path = write(at / "weft.ini", "[server]", f"motd = {motd}", "password = open sesame",
                     "[admin]", "name = Ada", "place = Room 12", "mail = ada@example.org")
        with file_server(path) as server:
            with irc(server, "ada", password="open sesame") as client:
                assert any("372" in line and line.endswith("第二行") for line in client.seen)
                client.answer("ADMIN", ".* 257 ada :Ada")
                client.wait(".* 258 ada :Room 12")
                client.wait(".* 259 ada :ada@example.org")
            with irc(server, "eve", password="open") as client:
                assert " 464 " in client.seen[-1], client.seen


@test
def the_limit_of_descriptors_is_logged():
    with Server() as server:
        hard = int(re.search(r"open files\s+\S+\s+(\S+)",
                             pathlib.Path(f"/proc/{server.pid}/limits").read_text())[1])
        server.out.wait(f"descriptors limit={hard}")


# ---- operators -------------------------------------------------------------------------


@test
def a_hash_that_was_printed_makes_an_operator():
    with folder() as at:
        path = write(at / "weft.ini", "[operator ada]", f"password = {hash_of('geheim')}")
        with file_server(path, "--operator", f"bob:{hash_of('b:ob')}") as server:
            with irc(server, "one") as client:  # the option's list takes the place of the file's
                client.answer("OPER ada geheim", ".* 464 one .*")
                client.answer("OPER bob wrong", ".* 464 one .*")
                client.answer("OPER bob b:ob", ".* 381 one .*")
        with file_server(path) as server, irc(server, "one") as client:
            client.answer("OPER ada geheim", ".* 381 one .*")


@test
def two_hashes_of_one_password_differ():
    assert hash_of("x") != weft("chat", "passwd", given="x\n").out.strip()


@test
def a_password_that_is_none_is_told():
    me = "weft chat passwd: "
    equal(weft("chat", "passwd", given="\n"), (1, "", f"{me}the password is empty\n"))
    none = f"{me}there is no password, or too long a one\n"
    equal(weft("chat", "passwd", given=""), (1, "", none))
    equal(weft("chat", "passwd", given="x" * 301 + "\n"), (1, "", none))
    assert weft("chat", "passwd", given="x" * 300).status == 0
    equal(weft("chat", "passwd", "geheim"),
          (2, "", f"{me}takes no argument; the password is asked for\n"))
    equal(weft("chat", "passwd", given="a\0b\n"), (1, "", none)) # not the hash of "a"
    never = f"{me}no client can send this password: it is not UTF-8, or has a CR in it\n"
    equal(weft("chat", "passwd", given="geheim\r\n"), (1, "", never))
    equal(weft("chat", "passwd", given=b"caf\xe9\n"), (1, "", never))


@test
def commands_of_chat_are_named():
    equal(weft("chat", "paswd"),
          (2, "", "weft chat: unknown command paswd (did you mean weft chat passwd?)\n"))
    equal(weft("chat", "zzz"), (2, "", "weft chat: unknown command zzz (see weft chat --help)\n"))
    got = weft("chat")
    assert got.status == 2 and got.err.startswith("usage: weft chat COMMAND"), got
    assert weft("chat", "passwd", "--help").out.startswith("usage: weft chat passwd\n")


class Terminal:
    """A program on a terminal of its own; all that the terminal shows is in `seen`."""

    def __init__(self, *command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(command[0], command)
        self.seen = ""
        self.status = None

    def wait(self, pattern):
        def found():
            if select.select([self.fd], [], [], 0.01)[0]:
                with contextlib.suppress(OSError):  # the end
                    self.seen += os.read(self.fd, 65536).decode(errors="replace")
            return re.search(pattern, self.seen)

        try:
            return until(found, repr(pattern))
        except AssertionError as late:
            raise AssertionError(f"{late}; there was {self.seen!r}") from None

    def type(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        """Close the window; how the program ended."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def end(self):
        """Read until it ends by itself; how."""

        def ended():
            if select.select([self.fd], [], [], 0.01)[0]:
                with contextlib.suppress(OSError):
                    self.seen += os.read(self.fd, 65536).decode(errors="replace")
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
            return pid != 0

        until(ended, "its end")
        return self.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
        self.close()


@test
def a_password_is_typed_twice_and_not_shown():
    with Terminal(WEFT, "chat", "passwd") as terminal:
        terminal.wait("password: $")
        terminal.type("geheim\n")
        terminal.wait("once more: $")
        terminal.type("geheim\n")
        terminal.wait(r"\$argon2id\$\S+\r\n")
        equal(terminal.end(), 0)
        assert "geheim" not in terminal.seen, terminal.seen
    with Terminal(WEFT, "chat", "passwd") as terminal:
        terminal.wait("password: $")
        terminal.type("geheim\n")
        terminal.wait("once more: $")
        terminal.type("gehiem\n")
        terminal.wait("weft chat passwd: the two are not the same")
        equal(terminal.end(), 1)


@test
def ctrl_c_leaves_a_terminal_that_shows_what_is_typed():
    with Terminal("/bin/sh", "-c", f"trap : INT; {WEFT} chat passwd; stty -a; read end") as terminal:
        terminal.wait("password: $")
        terminal.type("\x03")
        terminal.wait(r"[ -]echo ")
        assert re.search(r" echo ", terminal.seen), terminal.seen


# ---- reading again -----------------------------------------------------------------------


@test
def sighup_reads_the_file_again():
    with folder() as at:
        motd, path = write(at / "motd", "old words"), at / "weft.ini"
        write(path, "[server]", f"motd = {motd}", "password = old", "[limits]", "list = 5")
        with file_server(path) as server, irc(server, "ada", password="old") as ada:
            write(motd, "new words")
            write(path, "[server]", f"motd = {motd}", "password = new", "[limits]", "list = 6",
                  "[operator ada]", f"password = {hash_of('geheim')}")
            ada.answer("OPER ada geheim", ".* 491 ada .*")
            reload(server)
            ada.answer("MOTD", ".* 372 ada :- new words")
            ada.answer("VERSION", ".* 005 ada .*MAXLIST=b:6,e:6,I:6 .*")
            ada.answer("OPER ada geheim", ".* 381 ada .*")
            with irc(server, "bob", password="old") as bob:
                assert " 464 " in bob.seen[-1], bob.seen
            with irc(server, "bob", password="new") as bob:
                assert " 376 " in bob.seen[-1], bob.seen


@test
def rehash_of_an_operator_does_the_same():
    with folder() as at:
        path = at / "weft.ini"
        oper = "[operator ada]", f"password = {hash_of('geheim')}"
        write(path, "[admin]", "name = Old", *oper)
        with file_server(path) as server, irc(server, "ada") as ada:
            ada.answer("OPER ada geheim", ".* 381 .*")
            write(path, "[admin]", "name = New", *oper)
            ada.answer("REHASH", ".* 382 .*")
            server.out.wait("reload")
            ada.answer("ADMIN", ".* 257 ada :New")


@test
def who_asks_by_rehash_is_told_that_the_file_is_wrong():
    with folder() as at:
        path = at / "weft.ini"
        oper = "[operator ada]", f"password = {hash_of('geheim')}"
        write(path, *oper)
        with file_server(path) as server, irc(server, "ada") as ada, irc(server, "bob") as bob:
            ada.answer("OPER ada geheim", ".* 381 .*")
            write(path, *oper, "[nonsense]", "x = 1")
            ada.answer("REHASH", ".* 382 .*")
            ada.wait(".* NOTICE ada :The settings stay as they were: .*")
            bob.answer("PING x", ".* PONG .*")
            assert not any("settings" in line for line in bob.seen), bob.seen


@test
def a_file_that_is_wrong_changes_nothing():
    with folder() as at:
        path = write(at / "weft.ini", "[admin]", "name = Old")
        with file_server(path) as server, irc(server, "ada") as ada:
            write(path, "[admin]", "name = New", "nmae = x")
            reload(server, 'reload-failed reason="the settings stay as they were"')
            server.err.wait(f"weft serve: {path}:3: unknown key 'nmae' .*")
            ada.answer("ADMIN", ".* 257 ada :Old")
            path.unlink()
            reload(server, 'reload-failed reason="the settings stay as they were"')
            ada.answer("ADMIN", ".* 257 ada :Old")


@test
def what_needs_a_restart_is_named_and_stays():
    with folder() as at:
        path = write(at / "weft.ini", "[server]", "network = Old")
        with file_server(path) as server:
            write(path, "[server]", "network = New", "[doors]", "web = 0")
            reload(server)
            equal(server.out.matching("reload-later .*"),
                  ['reload-later option=web reason="changes with a restart only"',
                   'reload-later option=network reason="changes with a restart only"'])
            with irc(server) as client:
                client.say("NICK ada", "USER ada 0 * :Ada")
                client.wait(".* 001 ada :Welcome to the Old network, ada")


@test
def who_is_there_is_told_what_005_says_otherwise_now():
    with folder() as at:
        path = write(at / "weft.ini", "[limits]", "rooms = 7", "list = 9", "[flood]", "burst = 50")
        with file_server(path, "--refuse-tags", "*") as server, irc(server, "ada") as ada:
            write(path, "[limits]", "rooms = 8", "list = 10", "[flood]", "burst = 60")
            greeted = len(ada.seen)
            reload(server)
            ada.answer("PING told", r".* PONG .*told")
            changes = [line for line in ada.seen[greeted:] if " 005 " in line]
            equal([line.split(" ", 1)[1] for line in changes],
                  ["005 ada CHANLIMIT=#:8 MAXLIST=b:10,e:10,I:10 :are supported by this server"])


@test
def reading_again_under_load_loses_nobody():
    with folder() as at:
        path = write(at / "weft.ini", "[operator ada]", f"password = {hash_of('geheim')}")
        with file_server(path) as server, irc(server, "ada") as ada, irc(server, "bob") as bob:
            for number in range(20):
                ada.say("OPER ada geheim")  # which waits for a helper, while the hash is replaced
                server.process.send_signal(signal.SIGHUP)
                bob.answer(f"PING {number}", f".* PONG .*{number}")
                ada.wait(".* 381 ada .*")
            server.out.wait("reload")
            equal(server.end(), 0)


@test
def under_nohup_it_is_read_again_too():
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with Server(preexec_fn=ignore) as server:
        reload(server)


@test
def a_terminal_that_is_closed_ends_the_server():
    with Terminal(WEFT, "serve", "--port", "0") as terminal:
        terminal.wait("descriptors limit=")
        os.kill(terminal.pid, signal.SIGHUP)  # as an administrator
        terminal.wait("reload\r\n")
        assert terminal.close() in (0, 1)  # 1: the log could not be written any more


# ---- TLS -------------------------------------------------------------------------------------


def make_certificate(at, name):
    """The options for a server that has it."""
    key, chain = certificate(at, name)
    return ["--tls-cert", str(chain), "--tls-key", str(key)]


@test
def irc_is_spoken_inside_tls_and_both_doors_meet():
    with folder() as at:
        options = make_certificate(at, "weft.test")
        with Server("--irc", "0", "--ircs", "0", *options) as server:
            inside = tls(server.address("ircs"), at, "weft.test")
            with Irc(inside, "ada") as ada, irc(server, "bob") as bob:
                ada.answer("JOIN #room", ".* 366 .*")
                bob.answer("JOIN #room", ".* 366 .*")
                ada.say("PRIVMSG #room :你好")
                bob.wait(":?ada!.* PRIVMSG #room :你好")
                bob.say("PRIVMSG #room :hello")
                ada.wait(":?bob!.* PRIVMSG #room :hello")
            equal(server.end(), 0)


@test
@in_own_network
def with_a_certificate_port_6697_is_open():
    with folder() as at:
        options = make_certificate(at, "weft.test")
        with Server(*options, port=None) as server:
            equal(server.address("ircs"), ("127.0.0.1", 6697))


def get(sock, host):
    with sock:
        sock.settimeout(PATIENCE)
        sock.sendall(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return receive_all(sock).split(b"\r\n")[0].decode()


@test
def the_web_door_speaks_https_if_it_is_told():
    with folder() as at:
        options = make_certificate(at, "weft.test")
        with Server("--web", "0", "--web-tls", "--web-host", "weft.test", *options) as server:
            host, port = server.address("web")
            server.out.wait(f"open in a browser: https://{host}:{port}/")
            sock = tls((host, port), at, "weft.test")
            equal(get(sock, f"weft.test:{port}"), "HTTP/1.1 200 OK")


@test
def a_websocket_inside_tls_speaks_irc():
    with folder() as at:
        options = make_certificate(at, "weft.test")
        with Server("--irc", "0", "--web", "0", "--web-tls", "--web-host", "weft.test",
                    *options) as server, irc(server, "alice", room="#lobby") as alice:
            address = server.address("web")
            with tls(address, at, "weft.test") as sock:
                sock.settimeout(PATIENCE)
                talks_on_a_websocket(sock, f"weft.test:{address[1]}", alice)


@test
def who_speaks_no_tls_to_a_tls_door_is_one_line_of_the_log():
    with folder() as at:
        options = make_certificate(at, "weft.test")
        with Server("--ircs", "0", "--web", "0", "--web-tls", *options) as server:
            address = server.address("ircs")
            for number, (where, door, said) in enumerate([
                (address, "ircs", b"NICK ada\r\nUSER ada 0 * :Ada\r\n"),
                (address, "ircs", os.urandom(3000)),
                (server.address("web"), "web", b"GET / HTTP/1.1\r\n\r\n"),
                (address, "ircs", b"\n drop id=9 reason=\"forged\"\n"),
                (address, "ircs", b"\x16\x03\x01\0\x10" + b"\x63" * 16),
            ], 1):
                with socket.create_connection(where, timeout=PATIENCE) as sock:
                    sock.sendall(said)
                    reason = 'reason="(no TLS, or none that we have in common|went away.*)"'
                    server.out.wait(rf"drop id={number} door={door} addr=127\S+ {reason}")
            with socket.create_connection(address, timeout=PATIENCE):
                pass
            server.out.wait(r'drop id=6 .* reason="went away during the TLS handshake"')
            equal(len(server.out.matching("drop .*")), 6)
            equal(server.err.seen, [])
            Irc(tls(address, at, "weft.test"), "ada").close()


@test
def tls_at_a_door_without_ends_at_once():
    """A client with the wrong port learns it now, and not when registration has taken too long."""
    with folder() as at, Server("--irc", "0") as server:
        door, port = server.address("irc")
        client = subprocess.run(["openssl", "s_client", "-connect", f"{door}:{port}"], check=False,
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
        assert client.returncode != 0, client
        server.out.wait(r'drop id=1 door=irc .* reason="TLS, where none is spoken"')
        irc(server, "ada").close()


@test
def a_handshake_has_a_deadline():
    with folder() as at:
        options = make_certificate(at, "weft.test")
        with Server("--ircs", "0", *options) as server:
            with socket.create_connection(server.address("ircs"), timeout=PATIENCE) as sock:
                sock.sendall(b"\x16\x03\x01")
                equal(sock.recv(100), b"")  # within PATIENCE
                server.out.wait(r'drop id=1 .* reason="no TLS handshake in time"')


@test
def what_is_wrong_with_a_certificate_or_its_key_names_the_line_of_the_file():
    with folder() as at:
        make_certificate(at, "weft.test")
        make_certificate(at, "other.test")
        chain, key, other = at / "weft.test.pem", at / "weft.test.key", at / "other.test.key"
        path = at / "weft.ini"

        def says(begin, *lines, options=()):
            write(path, "[tls]", *lines)
            for status, option in (2, "--check"), (1, "--config"):
                got = weft("serve", option, path, "--irc", 0, *options)
                equal((got.status, got.out, got.err.count("\n")), (status, "", 1))
                assert got.err.startswith(f"weft serve: {begin}: "), got

        says(f"{path}:3: {other}", f"certificate = {chain}", f"key = {other}")
        says(f"{path}:2: {other}", f"key = {other}", f"certificate = {chain}")
        says(f"{path}:2: {key}", f"certificate = {key}", f"key = {other}")
        says(f"{path}:2: {chain}", f"certificate = {chain}")
        says(f"{path}:3: {chain}", f"certificate = {chain}", f"key = {chain}")
        # what an option says stands nowhere in the file
        says(other, f"certificate = {chain}", f"key = {key}", options=["--tls-key", other])
        none = at / "none.pem"
        write(path, "[tls]", f"certificate = {none}")
        fails("--check", path,
              line=f"{path}:2: certificate '{none}' cannot be read: No such file or directory")


@test
def a_new_certificate_is_read_at_sighup():
    with folder() as at:
        options = make_certificate(at, "weft.test")
        make_certificate(at, "new.test")
        with Server("--ircs", "0", *options) as server:
            address = server.address("ircs")
            with Irc(tls(address, at, "weft.test"), "ada") as ada:
                for kind in "pem", "key":
                    os.replace(at / f"new.test.{kind}", at / f"weft.test.{kind}")
                shutil.copy(at / "weft.test.pem", at / "new.test.pem")
                reload(server)
                with Irc(tls(address, at, "new.test"), "bob") as bob:
                    ada.say("PRIVMSG bob :still here")
                    bob.wait(":?ada!.* PRIVMSG bob :still here")
                write(at / "weft.test.pem", "rubbish")
                reload(server, "reload-failed .*")
                Irc(tls(address, at, "new.test"), "eve").close()


@test
def doors_with_tls_keep_their_certificate_when_the_file_names_none():
    with folder() as at:
        make_certificate(at, "weft.test")
        path = write(at / "weft.ini", "[tls]", f"certificate = {at}/weft.test.pem",
                     f"key = {at}/weft.test.key", "[doors]", "ircs = 0")
        with file_server(path) as server:
            write(path, "[admin]", "name = New")
            reload(server, "reload-failed .*")
            server.err.wait("weft serve: doors with TLS are open: no certificate")
            Irc(tls(server.address("ircs"), at, "weft.test"), "ada").close()


@test
def a_key_that_does_not_fit_is_one_clear_line():
    with folder() as at:
        options = make_certificate(at, "weft.test")
        make_certificate(at, "other.test")
        got = weft("serve", "--port", 0, *options[:3], at / "other.test.key")
        assert got.status == 1 and got.out == "" and got.err.count("\n") == 1, got
        assert got.err.startswith("weft serve: "), got


@test
def sts_is_told_only_when_it_is_set():
    with folder() as at:
        options = make_certificate(at, "weft.test")
        with Server("--irc", "0", "--ircs", "0", *options) as server, irc(server) as client:
            assert "sts" not in client.answer("CAP LS 302", ".* CAP .*")[0]
        with Server("--irc", "0", "--ircs", "0", "--sts", "2", *options) as server:
            address = server.address("ircs")
            with irc(server) as client, Irc(tls(address, at, "weft.test")) as safe:
                said = client.answer("CAP LS 302", ".* CAP .*")[0]
                assert said.endswith(f" sts=port={address[1]}"), said
                said = safe.answer("CAP LS 302", ".* CAP .*")[0]
                assert said.endswith(" sts=duration=172800"), said
                assert "sts" not in client.answer("CAP LS", ".* CAP .*")[0], "a value there is none"
                client.answer("CAP REQ :sts", ".* CAP .* NAK :sts")
            with irc(server) as client:
                assert "sts" not in client.answer("CAP LS", ".* CAP .*")[0]


# ---- other kinds of sockets --------------------------------------------------------------------


def on_unix(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(PATIENCE)
    sock.connect(str(path))
    return sock


@test
def every_door_may_be_a_unix_socket():
    with folder() as at:
        doors = [f"--{name}=unix:{at}/{name}" for name in ("plain", "irc", "web")]
        with Server(*doors, port=None) as server:
            equal(server.out.seen[:4],
                  [f"listening on unix:{at}/plain", f"connect with: nc -U {at}/plain",
                   f"listening on unix:{at}/irc for IRC", f"listening on unix:{at}/web for HTTP"])
            with on_unix(at / "plain") as plain, Irc(on_unix(at / "irc"), "ada") as ada:
                ada.answer("JOIN #lobby", ".* 366 .*")
                plain.sendall(b"from the plain one\n")
                ada.wait(".* PRIVMSG #lobby :from the plain one")
                plain.shutdown(socket.SHUT_WR)  # it listens on
                ada.say("PRIVMSG #lobby :from the other")
                hears(plain, "<ada> from the other\n")
                ada.answer("WHO ada", ".* 352 .*[ @]localhost .*")
            equal(get(on_unix(at / "web"), "localhost"), "HTTP/1.1 200 OK")
            equal(get(on_unix(at / "web"), "evil.example"), "HTTP/1.1 403 Forbidden")
            equal(server.end(), 0)
            equal(list(at.iterdir()), [])


@test
def a_file_where_a_unix_socket_should_be_is_told_and_kept():
    with folder() as at:
        path = write(at / "irc", "mine")
        fails("--irc", f"unix:{path}", "--no-history",
              line=f"unix:{path}: a file is there that is no socket", status=1)
        equal(path.read_text(), "mine\n")


@test
def a_listener_on_a_unix_socket_that_goes_away_is_removed():
    with folder() as at:
        with Server(f"--plain=unix:{at}/plain", "--irc=off", "--web=off", port=None) as server:
            with on_unix(at / "plain") as sock:
                sock.shutdown(socket.SHUT_WR)
            server.out.wait("(leave|drop) id=1 addr=unix: n=0.*")


@contextlib.contextmanager
def passed(names, sockets, *options):
    """A server to which these sockets were passed as systemd does it."""
    # by way of numbers that are surely neither 3 nor 4: dup2 of one to itself would close it at exec
    code = ("import fcntl,os,sys\n"
            "a,b=(fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])\n"
            "os.dup2(a,3); os.dup2(b,4)\n"
            f"os.environ.update(LISTEN_PID=str(os.getpid()),LISTEN_FDS='2',LISTEN_FDNAMES='{names}')\n"
            "os.execv(sys.argv[3],sys.argv[3:])\n")
    fds = [one.fileno() for one in sockets]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, fds), WEFT, "serve", "--no-history", "--plain=off",
         *options],
        pass_fds=fds, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@test
def sockets_of_systemd_are_taken_by_name():
    with socket.create_server(("127.0.0.1", 0)) as web, \
            socket.create_server(("127.0.0.1", 0)) as chat, \
            passed("web:chat", [web, chat], "--irc=systemd:chat", "--web=systemd:web") as process:
        address = chat.getsockname()
        line = f"listening on 127.0.0.1:{address[1]} for IRC\n"
        equal(process.stdout.readline().decode(), line)
        Irc(socket.create_connection(address, timeout=PATIENCE), "ada").close()
        where = web.getsockname()
        sock = socket.create_connection(where, timeout=PATIENCE)
        equal(get(sock, f"127.0.0.1:{where[1]}"), "HTTP/1.1 200 OK")


@test
def a_socket_of_systemd_that_no_door_takes_is_told():
    with socket.create_server(("127.0.0.1", 0)) as one, \
            socket.create_server(("127.0.0.1", 0)) as more, \
            passed("web:web", [one, more], "--irc=off", "--web=systemd:web") as process:
        where = "127.0.0.1:{}".format(more.getsockname()[1])
        equal(process.stdout.readline().decode(),
              f"nobody answers on {where}: one more socket named web than doors\n")


@test
def a_socket_that_systemd_did_not_pass_is_one_clear_line():
    got = weft("serve", "--port", 0, "--irc", "systemd:chat")
    assert got.status == 1 and got.err.count("\n") == 1 and "systemd:chat" in got.err, got


# ---- for the whole network ----------------------------------------------------------------------


LAN = "--lan", "--plain", "0", "--irc", "0", "--web", "0"


def lan_server(*more):
    return Server(*LAN, *more, port=None)


def find(lines, pattern):
    matches = [match for match in (re.fullmatch(pattern, line) for line in lines) if match]
    assert matches, (pattern, lines)
    return matches[0]


def the_irc_door_answers(server, nick, password, number):
    """Who comes with this password, or with none, gets this answer."""
    sock = socket.create_connection(("127.0.0.1", server.address("irc")[1]), timeout=PATIENCE)
    with Irc(sock, nick, password=password) as client:
        assert number in client.seen[-1], client.seen


@test
def on_a_lan_there_are_urls_with_a_password_and_only_who_has_it_comes_in():
    with lan_server() as server:
        lines = server.out.seen
        password = find(lines, r"password: ((?:[a-z]{4}-){3}[a-z]{4})")[1]
        find(lines, "warning: no TLS: whoever is on this network can read along")
        find(lines, r"listening on 127.0.0.1:\d+")  # the plain door asks for no password
        the_irc_door_answers(server, "ada", password, " 422 ")
        the_irc_door_answers(server, "bob", "wrong", " 464 ")
        assert not any("\x1b" in line for line in lines), "a code in a pipe"
        if any(line == "this machine has no address that others could reach" for line in lines):
            raise Skip("this machine has no network")
        url = find(lines, rf"on this network: http://([^/]+)/#password={password}")
        host, _, port = url[1].rpartition(":")
        if ":" in host:
            raise Skip("this machine has no IPv4 network")
        sock = socket.create_connection((host, int(port)), timeout=PATIENCE)
        equal(get(sock, f"{host}:{port}"), "HTTP/1.1 200 OK")
        sock = socket.create_connection((host, int(port)), timeout=PATIENCE)
        equal(get(sock, f"evil.example:{port}"), "HTTP/1.1 403 Forbidden")
        name = socket.gethostname()
        sock = socket.create_connection((host, int(port)), timeout=PATIENCE)
        equal(get(sock, f"{name}.local:{port}"), "HTTP/1.1 200 OK")


@test
def on_a_lan_only_what_can_be_reached_is_told():
    """By the address, or its version, that a door was given; --host is not passed over."""
    for more in (("--web", "127.0.0.1:0", "--irc", "127.0.0.1:0"), ("--host", "127.0.0.1")):
        with lan_server(*more) as server:
            lines = server.out.seen
            find(lines, r"listening on 127.0.0.1:\d+ for IRC")
            assert not any(line.startswith("on this network") for line in lines), lines
            assert not any(line.startswith("warning") for line in lines), lines
            if "this machine has no address that others could reach" not in lines:
                find(lines, "nobody on this network can reach the page: it is on 127.0.0.1 only")
    with Server("--lan", port=0, log="out") as server:
        server.log.wait("nobody on this network can come in: no door is open to others")
    with lan_server("--host", "0.0.0.0") as server:
        lines = server.out.seen
        assert not any(re.search(r"on this network.*\[", line) for line in lines), lines


@test
def on_a_lan_the_warning_of_no_tls_is_of_the_doors_that_others_reach():
    with folder() as at:
        tls = make_certificate(at, "lan.example")
        warning = "warning: no TLS on every door: whoever is on this network can read along"
        for more, is_warned in ((("--web", "off", "--irc", "off", "--ircs", "0"), False),
                                (("--web-tls", "--irc", "off"), False),
                                (("--web-tls", "--irc", "off", "--open"), True)):
            with lan_server(*tls, *more) as server:
                equal((more, warning in server.out.seen), (more, is_warned))


@test
def every_start_makes_another_password():
    words = set()
    for _ in range(2):
        with lan_server() as server:
            words.add(find(server.out.seen, "password: (.*)")[1])
    equal(len(words), 2)


@test
def an_open_lan_has_no_password_and_says_so():
    with lan_server("--open") as server:
        lines = server.out.seen
        find(lines, "warning: no password: whoever is on this network can come in")
        assert not any("password=" in line or line.startswith("password:") for line in lines), lines
        the_irc_door_answers(server, "ada", None, " 422 ")


@test
def a_password_of_ones_own_is_not_told():
    with lan_server("--password", "geheim") as server:
        lines = server.out.seen
        assert not any("geheim" in line or "password" in line for line in lines), lines


@test
def the_made_password_lasts_when_settings_are_read_again():
    with lan_server() as server:
        lines = server.out.seen
        password = find(lines, "password: (.*)")[1]
        reload(server)
        the_irc_door_answers(server, "ada", password, " 422 ")
        the_irc_door_answers(server, "bob", "wrong", " 464 ")


@test
def on_a_terminal_there_is_a_code():
    with Terminal(WEFT, "serve", "--no-history", *LAN) as terminal:
        terminal.wait("descriptors limit=")
        if "has no address" in terminal.seen:
            raise Skip("this machine has no network")
        lines = [line for line in terminal.seen.splitlines() if line.startswith("\x1b[38;5;16;48")]
        assert len(lines) > 15 and all(line.endswith("\x1b[0m") for line in lines), terminal.seen
        equal(len({len(line) for line in lines}), 1)


# ---- the manual --------------------------------------------------------------------------------


MANUAL = pathlib.Path(__file__).parent.parent / "docs" / "weft-serve.1"


@test
def the_manual_has_every_option_and_every_key():
    text = MANUAL.read_text()
    options = re.findall(r"^.{6}--(\S+)", weft("serve", "--help").out, re.M)
    assert len(options) > 30, options
    for option in options:
        assert re.search(rf"^\.It .*Fl -{option}( |$)", text, re.M), option
    written = set(re.findall(r"Fl -([a-z0-9-]+)", text))
    equal(written - set(options), set())
    section = ""
    for line in (MANUAL.parent / "weft.ini").read_text().splitlines():
        if match := re.match(r"#?\[(\w+)[^]]*\]$", line):
            section = match[1]
        elif match := re.match(r"#([a-z0-9-]+) = ", line):
            name = "operator name" if section == "operator" else section
            assert f"Bq {name}, {match[1]}\n" in text, (section, match[1])


@test
def the_manual_is_set_without_a_warning():
    if not shutil.which("groff"):
        raise Skip("there is no groff here")
    for page in MANUAL.parent.glob("*.1"):
        done = subprocess.run(["groff", "-mdoc", "-ww", "-Tutf8", "-z", page], capture_output=True,
                              timeout=PATIENCE)
        if b"can't find macro file" in done.stderr or b"cannot open" in done.stderr:
            raise Skip("this groff has no mdoc")
        equal((done.returncode, done.stderr), (0, b""))


# ---- secrets -------------------------------------------------------------------------------------


@test
def no_secret_is_in_a_log():
    with folder() as at:
        oper = hash_of("operatorsword")
        path = write(at / "weft.ini", "[server]", "password = wordofthehouse", "[operator ada]",
                     f"password = {oper}")
        with file_server(path) as server:
            with irc(server, "ada", password="wordofthehouse") as client:
                client.answer("OPER ada operatorsword", ".* 381 .*")
                client.answer("OPER ada typedwrong", ".* 464 .*")
            with irc(server, "bob", password="houseoftheword"):
                pass
            reload(server)
            write(path, "[server]", "password = wordofthehouse", "[operator ada]", f"password = no{oper}")
            reload(server, "reload-failed .*")
            server.end()
            said = "\n".join(server.out.seen + server.err.seen)
        for secret in "wordofthehouse", "operatorsword", oper, "typedwrong", "houseoftheword":
            assert secret not in said, said
    got = weft("serve", "--operator", "ada:geheim")
    equal(got.err, "weft serve: --operator: has no hash as 'weft chat passwd' prints it\n")


if __name__ == "__main__":
    sys.exit(run_tests())
