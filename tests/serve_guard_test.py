#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""serve_guard_test.py BUILD/weft - the chat server behind its filter of system calls, and its log as
text and as JSON: nothing that it does is forbidden, and nothing that is said gets into the log."""

import ctypes
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys

from chat_helpers import Irc, certificate, folder, hash_of, irc, tls
from program_helpers import PATIENCE, TIME, WEFT, Skip, equal, run_tests, test, until, weft


class Server:
    """All doors on free ports, a log that is kept as it came."""

    def __init__(self, at, *options, **more):
        self.at = at
        doors = ["--plain", "0", "--irc", "0", "--web", "0", "--name", "weft.test"]
        self.log = open(self.at / "log", "w+b")
        self.errors = open(self.at / "errors", "w+b")
        self.process = subprocess.Popen(
            [WEFT, "serve", *doors, "--data", str(self.at / "data"), *options],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.errors, **more)
        self.wait("descriptors")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.errors.close()

    def said(self):
        return (self.at / "log").read_bytes().decode() + (self.at / "errors").read_bytes().decode()

    def wait(self, pattern, count=1):
        """The last of so many matches of the pattern in the log."""

        def found():
            assert self.process.poll() is None or "stop" in pattern, self.said()
            matches = list(re.finditer(pattern, self.said()))
            return matches[count - 1] if len(matches) >= count else None

        try:
            return until(found, f"{count} x {pattern!r}")
        except AssertionError as late:
            raise AssertionError(f"{late}; the log is\n{self.said()}") from None

    def port(self, door):
        text = {"plain": r"listening on \S+:(\d+)\n", "irc": r"listening on \S+:(\d+) for IRC\n",
                "ircs": r"listening on \S+:(\d+) for IRC with TLS\n",
                "web": r"open in a browser: https?://\S+:(\d+)/\n"}[door]
        either = rf'{text}|"listening","door":"{door}","addr":"[^"]*:(\d+)"'
        got = self.wait(either)
        return int(got[1] or got[2])

    def address(self, door):
        return "127.0.0.1", self.port(door)

    def threads(self):
        """How each thread is filtered: 0, not at all, or 2."""
        modes = set()
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                modes.add(re.search(r"^Seccomp:\s*(\d)", (task / "status").read_text(), re.M)[1])
            except FileNotFoundError:
                pass  # it has ended meanwhile
        return modes

    def events(self):
        """Of a log in JSON."""
        return [json.loads(line) for line in (self.at / "log").read_text().splitlines()]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        equal(self.process.wait(PATIENCE), 0, f"status; the log is\n{self.said()}\n")


CAPS = "draft/chathistory batch message-tags echo-message soju.im/search"


def joined(room, *clients):
    for client in clients:
        client.answer(f"JOIN {room}", r"\S+ 366 .*")


def get(port, path, *fields, host=None):
    """The status and the body of an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
        head = [f"GET {path} HTTP/1.1", f"Host: {host or f'127.0.0.1:{port}'}", *fields]
        sock.sendall("".join(f"{line}\r\n" for line in [*head, "Connection: close", ""]).encode())
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
    first, _, rest = answer.decode().partition("\r\n")
    return int(first.split()[1]), rest.partition("\r\n\r\n")[2]


# ---- the sandbox ---------------------------------------------------------------------


def live_a_whole_life(server, at):
    """All that a server does in its life, with clients at each door."""
    def inside(nick, age):
        return Irc(tls(server.address("ircs"), at / age, "weft.test"), nick, caps=CAPS)

    needle = r".*:ada!\S+ (PRIVMSG) #room :a needle in the hay"
    with irc(server, "ada", caps=CAPS) as ada, inside("bob", "old") as bob:
        joined("#room", ada, bob)
        ada.answer("PRIVMSG #room :a needle in the hay", needle)  # on disk
        bob.wait(needle)
        bob.answer("CHATHISTORY LATEST #room * 10", needle)
        while not bob.answer("SEARCH in=#room;text=needle", rf"{needle}|.* BATCH -.*")[1]:
            pass  # it is not in the index yet
        ada.answer("OPER ada wrong", r"\S+ (491|464) .*")
        with socket.create_connection(("127.0.0.1", server.port("plain")), timeout=PATIENCE) as plain:
            joined("#lobby", ada)
            plain.sendall(b"from afar\n")
            ada.wait(".* PRIVMSG #lobby :from afar")
        equal(get(server.port("web"), "/healthz"), (200, "ok\n"))
        equal(get(server.port("web"), "/metrics")[0], 200)

        put_in_place(at, "new")
        server.process.send_signal(signal.SIGHUP)
        server.wait(r"Z reload\n")
        with inside("eve", "new") as eve:
            joined("#room", eve)
            eve.say("PRIVMSG #room :new certificate")
            bob.wait(r".*:eve!\S+ PRIVMSG #room :new certificate")
        equal(weft("chat", "backup", "--data", at / "data", at / "copy.db").status, 0)
        assert (at / "copy.db").stat().st_size > 0


def with_certificates(at):
    """The options for a server that has the old one, where the new one may take its place."""
    for age in "new", "old":
        (at / age).mkdir()
        certificate(at / age, "weft.test")
        put_in_place(at, age)
    return ["--ircs", "0", "--tls-cert", str(at / "server.pem"), "--tls-key", str(at / "server.key")]


def put_in_place(at, age):
    for end in "key", "pem":
        shutil.copy(at / age / f"weft.test.{end}", at / f"server.{end}")


@test
def a_whole_life_is_lived_in_the_sandbox():
    with folder() as at:
        with Server(at, *with_certificates(at)) as server:
            live_a_whole_life(server, at)
            if "no-sandbox" in server.said():
                raise Skip("there is no seccomp here")
            equal(server.threads(), {"2"})
            server.end()
            assert "forbidden" not in server.said(), server.said()


@test
def on_a_lan_it_reads_its_settings_again_inside_too():
    """It then looks for the machine's addresses."""
    with folder() as at:
        with Server(at, "--lan") as server:
            server.process.send_signal(signal.SIGHUP)
            server.wait(r"Z reload\n")
            server.end()


@test
def without_the_sandbox_there_is_no_filter():
    with folder() as at:
        (at / "weft.ini").write_text("[sandbox]\noff = yes\n")
        outer = re.search(r"Seccomp:\s*(\d)", pathlib.Path("/proc/self/status").read_text())[1]
        for options in ["--no-sandbox"], ["--config", str(at / "weft.ini")]:
            with Server(at, *options) as server:
                equal(get(server.port("web"), "/healthz")[0], 200)  # it has begun
                equal(server.threads(), {outer})
                server.end()


def refuse_seccomp():
    """In a child before its program: the kernel as it is in some containers."""
    numbers = {"x86_64": 317, "aarch64": 277}
    if platform.machine() not in numbers:
        os._exit(77)
    rules = [(0x20, 0, 0, 0), (0x15, 0, 1, numbers[platform.machine()]), (6, 0, 0, 0x50001),
             (6, 0, 0, 0x7FFF0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    program = struct.pack("HxxxxxxQ", len(rules), ctypes.addressof(code))
    libc = ctypes.CDLL(None)
    libc.prctl(38, 1, 0, 0, 0)
    libc.prctl(22, 2, ctypes.c_char_p(program), 0, 0)


@test
def where_the_kernel_refuses_it_one_line_says_so_and_the_chat_goes_on():
    with folder() as at:
        with Server(at, preexec_fn=refuse_seccomp) as server:
            server.wait(r"Z no-sandbox reason=\S+.*\n")
            equal(server.said().count("no-sandbox"), 1)
            with irc(server, "ada") as ada:
                joined("#room", ada)
            server.end()


# ---- /metrics ----------------------------------------------------------------------


@test
def metrics_are_for_this_machine_unless_the_setting_says_otherwise():
    with folder() as at:
        config = at / "weft.ini"
        config.write_text("[web]\nhosts = chat.example.org\n")
        with Server(at, "--config", str(config)) as server:
            port = server.port("web")
            for who, here, there in ("local", 200, 403), ("all", 200, 200), ("off", 404, 404):
                config.write_text(f"[web]\nhosts = chat.example.org\nmetrics = {who}\n")
                count = server.said().count("Z reload\n")
                server.process.send_signal(signal.SIGHUP)
                server.wait("Z reload\n", count + 1)
                equal(get(port, "/metrics")[0], here, who)
                equal(get(port, "/metrics", host="chat.example.org")[0], there, who)
                equal(get(port, "/healthz", host="chat.example.org")[0], 200, who)


NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABELS = r'\{([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"\}'


def parse(text):
    """The samples of the text format 0.0.4, strictly: {name: {label value or "": number}}. Each
    metric has its HELP and then its TYPE before its samples, which stand together, and no sample is
    there twice."""
    assert text.endswith("\n"), text[-100:]
    kinds, samples, current = {}, {}, None
    lines = text[:-1].split("\n")
    while lines:
        line = lines.pop(0)
        if line.startswith("#"):
            name, words = re.fullmatch(rf"# HELP ({NAME}) (\S.*)", line).groups()
            kind = re.fullmatch(rf"# TYPE {name} (counter|gauge|histogram)", lines.pop(0))[1]
            assert name not in kinds and (kind != "counter" or name.endswith("_total")), line
            kinds[name] = kind
            current = name
            continue
        name, _, label, value, number = re.fullmatch(rf"({NAME})({LABELS})? (\S+)", line).groups()
        ours = [current + x for x in ("_bucket", "_sum", "_count")] if kinds[current] == "histogram" else [current]
        assert name in ours and (value or "") not in samples.setdefault(name, {}), line
        samples[name][value or ""] = float(number)
        assert (label == "le") == name.endswith("_bucket"), line
    for name, kind in kinds.items():
        if kind == "histogram":
            buckets = samples[name + "_bucket"]
            bounds, counts = [float(x) for x in buckets], list(buckets.values())
            assert bounds == sorted(bounds) and bounds[-1] == float("inf"), name
            assert counts == sorted(counts) and counts[-1] == samples[name + "_count"][""], name
        else:
            assert all(x >= 0 for x in samples[name].values()), name
    return samples


def metrics(server):
    status, text = get(server.port("web"), "/metrics")
    equal(status, 200)
    return parse(text)


@test
def the_strict_parser_is_strict():
    good = "# HELP a_total x\n# TYPE a_total counter\na_total 1\n"
    equal(parse(good), {"a_total": {"": 1}})
    for bad in (good[:-1], good.replace("_total", ""), good + good, good + "a_total 2\n", good + "b 1\n",
                good.replace("# HELP a_total x\n", ""), good.replace(" 1\n", " one\n"), good + "\n",
                good.replace("a_total 1", 'a_total{a="\\x"} 1')):
        try:
            parse(bad)
        except (AssertionError, TypeError, AttributeError, ValueError, IndexError):
            continue
        raise AssertionError(f"taken as good: {bad}")


@test
def what_is_done_is_counted():
    with folder() as at:
        with Server(at, "--password", "word", *with_certificates(at)) as server:
            before = metrics(server)
            equal(before["weft_connections"], {"plain": 0, "irc": 0, "ircs": 0, "web": 1})  # ourselves
            plain = socket.create_connection(("127.0.0.1", server.port("plain")), timeout=PATIENCE)
            ada, bob = (irc(server, nick, password="word", caps=CAPS) for nick in ("ada", "bob"))
            with plain, ada, bob:
                joined("#lobby", ada, bob)
                for i in range(7):
                    ada.answer(f"PRIVMSG #lobby :message {i}", f".* PRIVMSG #lobby :message {i}")
                    bob.wait(f".* PRIVMSG #lobby :message {i}")
                plain.sendall(b"x" * 3000 + b"\n")
                ada.wait(".* PRIVMSG #lobby :x+")
                with irc(server, "eve", password="wrong") as eve:
                    eve.wait("ERROR .*")
                with socket.create_connection(("127.0.0.1", server.port("ircs"))) as rubbish:
                    rubbish.sendall(b"rubbish, and no TLS\r\n" * 100)
                    while rubbish.recv(1000):
                        pass

                def all_there():
                    now = metrics(server)
                    drops, delivered = now["weft_drops_total"], now["weft_delivery_seconds_count"][""]
                    over = drops["tls"] == 1 and drops["refused"] == 1 and delivered > 0
                    indexed = now["weft_index_lag_messages"][""] == now["weft_history_queued_messages"][""] == 0
                    return now if over and indexed and now["weft_loop_lag_seconds_count"][""] > 0 else None

                now = until(all_there, "what was done, in the metrics")
                more = {k: now[k][""] - before[k][""] for k in now if "" in now[k] and k in before}
            equal(now["weft_connections"], {"plain": 1, "irc": 2, "ircs": 0, "web": 1})
            equal(now["weft_connections_total"]["irc"], 3)
            equal(now["weft_drops_total"], {"slow": 0, "lost": 0, "silent": 0, "tls": 1, "refused": 1,
                                            "flood": 0, "killed": 0, "memory": 0})
            equal(more["weft_users"], 3)
            assert more["weft_messages_total"] > 7, more  # those of the plain door too
            assert 1 <= more["weft_delivery_seconds_count"] <= 7, more
            assert 0 < more["weft_delivery_seconds_sum"] < PATIENCE, more
            assert more["weft_history_messages_total"] >= 7, more
            equal((now["weft_history_lag_seconds"][""], now["weft_history_stopped"][""]), (0, 0))
            assert more["weft_received_bytes_total"] > 3000 + 7 * len("PRIVMSG #lobby :message 0"), more
            assert more["weft_sent_bytes_total"] > 3000 + 14 * len(":ada!~ada@127.0.0.1 PRIVMSG"), more
            server.end()


@test
def what_waits_for_a_slow_client_is_seen_until_it_is_dropped():
    with folder() as at:
        with Server(at, "--no-history", "--queue", "1") as server:
            port = server.port("plain")
            with socket.socket() as slow, socket.create_connection(("127.0.0.1", port)) as talker:
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                slow.connect(("127.0.0.1", port))
                server.wait(r"join id=2 ")
                most = 0
                while metrics(server)["weft_drops_total"]["slow"] == 0:
                    talker.sendall(b"y" * 65536)
                    now = metrics(server)
                    equal(now["weft_queued_bytes"], now["weft_queued_bytes_max"])
                    most = max(most, now["weft_queued_bytes"][""])
                assert 0 < most <= 1 << 20, most
                equal(metrics(server)["weft_queued_bytes"][""], 0)


@test
def without_a_history_there_are_no_figures_of_one():
    with folder() as at:
        with Server(at, "--no-history") as server:
            assert not [x for x in metrics(server) if "history" in x or "index" in x]


# ---- the log ---------------------------------------------------------------------------

HOSTILE = [
    b"NICK a\nda", b'NICK "ada"', b"NICK \x1b[2Jada", b"NICK \xff\xfe", b"NICK ada",
    b'USER "x\x07 0 * :re\x1b[31mal" id=9 \xff\n drop id=9',
    b"JOIN #ro\x1bom", b"PRIVMSG #room :2026-11-28T00:00:00.000Z stop signal=SIGTERM",
    b"AWAY :\x1b]0;title\x07", b"OPER ada \x1bsecretword",
    b'QUIT :bye\n2026-11-28T00:00:00.000Z drop id=9 reason="forged"\r{"event":"forged"}',
]


def be_hostile(server):
    with socket.create_connection(("127.0.0.1", server.port("irc")), timeout=PATIENCE) as sock:
        sock.sendall(b"PASS :wordofthehouse\r\n" + b"".join(line + b"\r\n" for line in HOSTILE))
        while sock.recv(65536):
            pass
    port = server.port("web")
    get(port, "/%0a%1b[2J?\"forged\"", "X-Forged: \"forged\"")


def hostile_run(at, *options):
    """The log of a server that hostile clients came to, and every secret that it was told."""
    made = hash_of("operatorsword")
    config = at / "weft.ini"
    config.write_text(f"[server]\npassword = wordofthehouse\n[operator ada]\npassword = {made}\n")
    with Server(at, "--config", str(config), *options) as server:
        be_hostile(server)
        with irc(server, "ada", password="wordofthehouse") as ada:
            ada.answer("OPER ada operatorsword", r"\S+ 381 .*")
            ada.answer("AUTHENTICATE c2FzbHNlY3JldA==", r"\S+ (421|907|908|904|461) .*")
            ada.answer("PRIVMSG nobody :the message itself", r"\S+ 401 .*")
        with irc(server, "bob", password="wrongword") as bob:
            bob.wait("ERROR .*")
        get(server.port("web"), "/?password=urlsecret")
        until(lambda: server.said().count("leave") + server.said().count("drop") >= 5, "their end")
        config.write_text(config.read_text() + "nonsense\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait("reload-failed")
        server.end()
        said = server.said()
    for secret in ("wordofthehouse", "operatorsword", made, "secretword", "c2FzbHNlY3JldA",
                   "wrongword", "urlsecret", "the message itself", "forged", "\x1b", "\x07"):
        assert secret not in said, f"{secret!r} in\n{said}"
    return (at / "log").read_text()


EVENT = r'[a-z-]+( [a-z]+=([\w./:@%+,\[\]~-]+|"([^"\\]|\\.)*"))*'


@test
def whatever_clients_say_the_text_is_one_event_a_line():
    with folder() as at:
        lines = hostile_run(at).splitlines()
        first = next(i for i, line in enumerate(lines) if line.startswith("descriptors"))
        for line in lines[first + 1:]:
            assert TIME.match(line) and re.fullmatch(EVENT, TIME.sub("", line)), line


@test
def in_json_each_line_is_an_object_with_the_same_fields():
    with folder() as at:
        text = hostile_run(at)
        shutil.rmtree(at / "data")
        lines = hostile_run(at, "--log-format", "json").splitlines()
        events = [json.loads(line) for line in lines]
        for event in events:
            assert TIME.fullmatch(event["time"] + " "), event
        equal([event["door"] for event in events if event["event"] == "listening"],
              ["plain", "irc", "web"])
        for kind in "join", "leave", "reload-failed", "stop":
            fields = [list(event)[2:] for event in events if event["event"] == kind]
            words = [re.findall(r" ([a-z]+)=", line) for line in text.splitlines()
                     if TIME.sub("", line).split()[0] == kind]
            assert fields and words, kind
            equal(fields[0], words[0], kind)


@test
def what_the_administrator_names_is_no_less_escaped():
    bad = 'a"b\\ \u202e'
    with folder() as at:
        (at / bad).mkdir()
        with Server(at, "--log-format", "json", "--data", str(at / bad)) as server:
            equal(server.events()[0]["folder"], str(at / bad))
            server.end()
            for line in (at / "log").read_bytes().splitlines():
                assert "\u202e".encode() not in line, line


@test
def a_password_that_is_made_is_not_for_a_log_in_json():
    got = weft("serve", "--lan", "--log-format", "json", "--no-history")
    equal((got.status, got.out), (2, ""))
    equal(got.err, "weft serve: --lan makes a password, which a log in JSON does not tell:"
                   " --password or --open\n")
    with folder() as at:
        with Server(at, "--lan", "--log-format", "json", "--password", "wordofthehouse") as server:
            server.end()
            assert "wordofthehouse" not in server.said()


@test
def of_the_log_there_are_two_formats():
    equal(weft("serve", "--log-format", "xml").err.strip(),
          "weft serve: --log-format 'xml' is neither text nor json")


sys.exit(run_tests())
