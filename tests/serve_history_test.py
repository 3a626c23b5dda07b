#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The history of weft serve on its worst days: killed under load, and on a disk that is full."""
import collections
import contextlib
import os
import random
import re
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from chat_helpers import doors, hash_of, irc
from program_helpers import PATIENCE, Skip, equal, run_tests, test, until, weft

# ---- kill -9 ---------------------------------------------------------------------------------------

KILLS = 100 if os.environ.get("WEFT_TEST_LONG") else 10
ROOMS = ["#one", "#two"]
AUTHORS, DOERS = 3, 2
UNDER_WAY = 200  # messages of each author, so that none is too slow a reader
KINDS = {"JOIN": 3, "PART": 4, "KICK": 6, "TOPIC": 7, "MODE": 8}  # as event.h numbers them


class Author:
    """Says numbered messages without a pause; writes down which of them came back."""

    def __init__(self, server, round_, number):
        self.nick, self.room = f"n{number}", ROOMS[number % len(ROOMS)]
        self.mark, self.acknowledged = f"{round_}/{number}", []
        self.room_for = threading.Semaphore(UNDER_WAY)
        self.irc = irc(server, self.nick, room=self.room,
                       caps="echo-message batch labeled-response message-tags")
        self.threads = [threading.Thread(target=work) for work in (self.talk, self.listen)]

    def talk(self):
        try:
            for n in range(1_000_000):
                self.room_for.acquire()
                self.irc.say(f"@label=l{n} PRIVMSG {self.room} :word {self.mark}/{n}.")
        except OSError:  # the server is no more
            pass

    def listen(self):
        mine = re.compile(rf"(?:@\S+ )?:{self.nick}!\S+ PRIVMSG \S+ :(word {self.mark}/\d+\.)")
        try:
            while (line := self.irc.line()) is not None:
                if match := mine.fullmatch(line):
                    self.acknowledged.append(match[1])
                    self.room_for.release()
        except (OSError, UnicodeDecodeError):  # the same, or a line cut short
            pass
        self.room_for.release(UNDER_WAY)  # the talker is to see that it is over


class Doer:
    """Does one thing after another in a room of its own, each with a label; counts the answers."""

    def __init__(self, server, round_, number):
        self.nick, self.room = f"d{number}", f"#doer-{round_}-{number}"
        self.acknowledged = 0
        self.irc = irc(server, self.nick, caps="batch labeled-response")
        self.threads = [threading.Thread(target=self.work)]

    def deeds(self):
        """What is said, and what the history then has: a kind and a text."""
        n = 0
        while True:
            yield f"JOIN {self.room}", ("JOIN", self.nick)
            yield f"TOPIC {self.room} :topic {n}", ("TOPIC", f"topic {n}")
            yield f"MODE {self.room} +l {n + 1}", ("MODE", f"+l {n + 1}")
            yield f"PART {self.room} :part {n}", ("PART", f"part {n}")
            yield f"JOIN {self.room}", ("JOIN", self.nick)
            yield f"KICK {self.room} {self.nick} :kick {n}", ("KICK", f"{self.nick} kick {n}")
            n += 1

    def work(self):
        try:
            for n, (line, _) in enumerate(self.deeds()):
                self.irc.say(f"@label=d{n} {line}")
                while (answer := self.irc.line()) and not answer.startswith(f"@label=d{n} "):
                    pass
                if not answer:
                    return
                self.acknowledged += 1
        except (OSError, UnicodeDecodeError):  # the server is no more
            pass


def load_until_killed(data, round_, pause, authors, doers):
    """Those who were at work when the server was killed under them."""
    with doors(data) as server:
        clients = [of(server, round_, number) for of, count in ((Author, authors), (Doer, doers))
                   for number in range(count)]
        threads = [thread for client in clients for thread in client.threads]
        for thread in threads:
            thread.start()
        until(lambda: all(client.acknowledged for client in clients), "an answer for each")
        time.sleep(pause)  # when, is what is random; nothing is decided by it
        server.process.kill()
        for client in clients[:authors]:
            client.irc.sock.close()  # its reader has what came
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        for client in clients[authors:]:
            client.irc.close()
    return clients[:authors], clients[authors:]


def rows_of(data, file, sql):
    """Of a history that nobody has open."""
    with sqlite3.connect(os.path.join(data, file)) as database:
        rows = database.execute(sql).fetchall()
    database.close()
    return rows


def assert_deeds_kept(data, doer):
    rows = rows_of(data, "history.db", "SELECT kind, text FROM messages"
                   f" WHERE target = '{doer.room}' ORDER BY id")
    done = [deed for _, (_, deed) in zip(range(len(rows)), doer.deeds())]
    equal(rows, [(KINDS[kind], text) for kind, text in done], f"what is kept of {doer.room}")
    assert len(rows) >= doer.acknowledged, \
        f"{doer.room}: {doer.acknowledged} were acknowledged, {len(rows)} are kept"


def assert_consistent(data, authors, doers):
    equal(rows_of(data, "history.db", "PRAGMA integrity_check"), [("ok",)])
    for doer in doers:
        assert_deeds_kept(data, doer)
    kept = collections.defaultdict(list)
    for (text,) in rows_of(data, "history.db", "SELECT text FROM messages WHERE words ORDER BY id"):
        mark, number = re.fullmatch(r"word (\d+/\d+)/(\d+)\.", text).groups()
        kept[mark].append(int(number))
    for author in authors:
        numbers = kept[author.mark]
        equal(numbers, list(range(len(numbers))), f"what is kept of {author.mark}")
        equal(author.acknowledged,
              [f"word {author.mark}/{n}." for n in range(len(author.acknowledged))], "the echoes")
        assert len(numbers) >= len(author.acknowledged), (len(numbers), len(author.acknowledged))


def assert_all_is_found(data):
    """A server goes on with it; then the index has each message, and finds one of them."""
    (last,), = rows_of(data, "history.db", "SELECT text FROM messages WHERE words ORDER BY id DESC LIMIT 1")
    room, = rows_of(data, "history.db", "SELECT target FROM messages WHERE words ORDER BY id DESC LIMIT 1")
    with doors(data) as server:
        reader = irc(server, "reader", room=room[0], caps="batch soju.im/search")
        reader.say(f"SEARCH in={room[0]};text={last.split()[1][:-1]};limit=10")
        reader.wait(rf".* PRIVMSG {room[0]} :{re.escape(last)}")
        equal(server.end(), 0)
    equal(rows_of(data, "words.db", "PRAGMA integrity_check"), [("ok",)])
    (messages,), = rows_of(data, "history.db", "SELECT max(id) FROM messages WHERE words")
    (indexed,), = rows_of(data, "words.db", "SELECT indexed FROM mark")
    assert indexed >= messages, (indexed, messages)


@test
def what_was_acknowledged_outlives_a_kill_at_any_moment():
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "history")
        for round_ in range(KILLS):
            try:
                # without authors nobody else hurries the disk
                authors, doers = load_until_killed(data, round_, chance.uniform(0, 0.2),
                                                   round_ % 2 * AUTHORS, DOERS)
                assert_consistent(data, authors, doers)
            except AssertionError as wrong:
                raise AssertionError(f"kill {round_} with seed {seed}: {wrong}") from wrong
        assert_all_is_found(data)


# ---- a full disk ----------------------------------------------------------------------------------


def full_disk(data, make_full, make_room, server):
    """The chat goes on while nothing can be kept, and who asked to know is told, once."""
    alice = irc(server, "alice", room="#lobby", caps="echo-message standard-replies")
    bob = irc(server, "bob", room="#lobby")
    operator = irc(server, "root", room="#lobby", caps="batch labeled-response")
    operator.answer("OPER root secret", r".* 381 .*")
    alice.say("PRIVMSG #lobby :before")
    alice.wait(r":alice!\S+ PRIVMSG #lobby :before")
    make_full()
    filler, n = "x" * 300, 0
    while True:
        n += 1
        alice.say(f"PRIVMSG #lobby :{n} {filler}")
        if alice.wait(rf":\S+ (PRIVMSG #lobby :{n} x+|FAIL HISTORY NOT_STORED :.*)")[1][0] == "F":
            break
        assert n < 100_000, "the disk is never full"
    alice.wait(rf":alice!\S+ PRIVMSG #lobby :{n} x+")  # its echo all the same
    bob.wait(rf":alice!\S+ PRIVMSG #lobby :{n} x+")
    operator.wait(r":\S+ NOTICE root :History has stopped: .*")
    alice.say("PRIVMSG #lobby :still full")
    alice.wait(r":\S+ FAIL HISTORY NOT_STORED :.*")
    alice.wait(r":alice!\S+ PRIVMSG #lobby :still full")
    bob.wait(r":alice!\S+ PRIVMSG #lobby :still full")
    operator.answer("@label=x MODE #lobby +m", r":\S+ FAIL HISTORY NOT_STORED :Your command .*")
    operator.wait(r"@label=x :root!\S+ MODE #lobby \+m")
    operator.answer("MODE #lobby -m", r":root!\S+ MODE #lobby -m")  # no label, no acknowledgement
    make_room()
    kept = goes_on(alice)
    heard = operator.wait(r":\S+ NOTICE root :(History .*)")[1]
    equal(heard, "History goes on.", "the next notice")
    return kept


def goes_on(alice):
    """Speaks until a message is kept again; which."""
    def is_kept(n):
        alice.say(f"PRIVMSG #lobby :again {n}", f"PING {n}")
        told = []
        while not told or " PONG " not in told[-1]:
            told.append(alice.line())
        assert any(f"PRIVMSG #lobby :again {n}" in line for line in told), told
        return not any("NOT_STORED" in line for line in told)

    numbers = iter(range(1 << 30))
    def tried():
        n = next(numbers)
        time.sleep(0.1)
        return [n] if is_kept(n) else None
    return f"again {until(tried, 'history goes on')[0]}"


def assert_kept(data, text):
    equal(rows_of(data, "history.db", "PRAGMA integrity_check"), [("ok",)])
    texts = [row[0] for row in rows_of(data, "history.db", "SELECT text FROM messages WHERE words")]
    assert texts[0] == "before" and text in texts and "still full" not in texts, texts[-5:]


class Disk:
    """A small one of its own, where the system allows that."""

    def __init__(self, folder):
        self.folder = folder
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "weft-test", folder],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Skip(f"no file system can be mounted here: {done.stderr.strip()}")
        self.ballast = os.path.join(folder, "ballast")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.folder], check=True)

    def fill(self):
        with open(self.ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:  # that was all
                pass

    def make_room(self):
        os.remove(self.ballast)


@test
def on_a_full_disk_the_chat_goes_on_and_history_comes_back():
    with tempfile.TemporaryDirectory() as folder, Disk(folder) as disk:
        data = os.path.join(folder, "history")
        with doors(data, "--operator", f"root:{hash_of('secret')}") as server:
            kept = full_disk(data, disk.fill, disk.make_room, server)
            equal(server.end(), 0)
        assert_kept(data, kept)


@test
def where_a_file_may_not_grow_the_chat_goes_on_and_history_comes_back():
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "history")
        with doors(data, "--operator", f"root:{hash_of('secret')}") as server:
            def allow(size):
                resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, -1))
            kept = full_disk(data, lambda: allow(400_000), lambda: allow(-1), server)
            equal(server.end(), 0)
        assert_kept(data, kept)


@test
def a_start_on_a_full_disk_is_one_clear_line():
    with tempfile.TemporaryDirectory() as folder, Disk(folder) as disk:
        data = os.path.join(folder, "history")
        disk.fill()
        got = weft("serve", "--port", 0, "--irc", 0, "--data", data)
        equal((got.status, got.err.count("\n")), (1, 1), got)
        assert re.fullmatch(rf"weft serve: {re.escape(data)}\S*: .*(full|No space left on device)"
                            r" \(make room there, or --no-history\)\n", got.err), got
        disk.make_room()
        with doors(data) as server:
            equal(server.end(), 0)


def small_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (33_000, 33_000))  # a -shm fits


@test
def where_no_file_may_be_so_large_a_start_and_a_backup_are_one_clear_line():
    with tempfile.TemporaryDirectory() as folder:
        data, copy = os.path.join(folder, "history"), os.path.join(folder, "copy.db")
        with doors(data) as server:
            equal(server.end(), 0)
        equal(weft("chat", "backup", "--data", data, copy, preexec_fn=small_files),
              (1, "", f"weft chat backup: {copy}: File too large\n"))
        equal(os.listdir(folder), ["history"])
        fresh = os.path.join(folder, "fresh")
        got = weft("serve", "--port", 0, "--irc", 0, "--data", fresh, preexec_fn=small_files)
        equal((got.status, got.err.count("\n")), (1, 1), got)
        assert re.fullmatch(rf"weft serve: {re.escape(fresh)}\S*: File too large"
                            r" \(--data FOLDER or --no-history\)\n", got.err), got


def figure(server, name):
    """One of /metrics."""
    host, port = server.address("web")
    with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=PATIENCE) as page:
        return int(re.search(rf"^weft_{name} (\d+)$", page.read().decode(), re.M)[1])


def kept_and_lost(alice, many):
    """Of her messages, by what comes before each one's echo."""
    told = {False: [], True: []}
    for n in range(many):
        echo = rf"PRIVMSG #lobby :{n} x*"
        lost = alice.wait(rf":\S+ ({echo}|FAIL HISTORY NOT_STORED :.*)")[1][0] == "F"
        if lost:
            assert re.search(echo, alice.line()), alice.seen[-2:]
        told[lost].append(n)
    return told[False], told[True]


@test
def each_message_that_was_not_kept_is_told_and_counted():
    lines = [f"PRIVMSG #lobby :{n} {'x' * 300}" for n in range(3000)]
    with tempfile.TemporaryDirectory() as data:
        with doors(data) as server, \
                irc(server, "alice", room="#lobby", caps="echo-message standard-replies") as alice:
            until(lambda: figure(server, "history_messages_total") == 1, "her coming on disk")
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (400_000, -1))
            talking = threading.Thread(target=alice.say, args=lines)
            talking.start()
            kept, lost = kept_and_lost(alice, len(lines))
            talking.join()
            equal(figure(server, "history_lost_total"), len(lost), "counted")
            equal(server.end(), 0)
            logged = server.out.matching(r"history lost=\d+ .*")
        rows = rows_of(data, "history.db", "SELECT text FROM messages WHERE words")
        equal(kept, [int(text.split()[0]) for text, in rows], "kept")
        numbers = [int(re.search(r"lost=(\d+)", line)[1]) for line in logged]
        equal(sum(numbers), len(lost) + 1, "logged")  # that she has gone was not kept either


# ---- a deletion -----------------------------------------------------------------------------------


@test
def who_is_thrown_out_while_his_message_is_deleted_has_deleted_it():
    with tempfile.TemporaryDirectory() as data, \
            doors(data, "--operator", f"root:{hash_of('secret')}") as server:
        caps = "message-tags echo-message draft/message-redaction"
        with irc(server, "alice", room="#room", caps=caps) as alice, \
                irc(server, "root", room="#room", caps=caps) as root:
            root.answer("OPER root secret", r":\S+ 381 .*")
            alice.say("PRIVMSG #room :in haste")
            said = alice.wait(r"@.*\bmsgid=([^; ]+).* PRIVMSG #room :in haste")[1]  # it is on disk
            # As long as somebody reads, the words are in the log, and she waits for her answer.
            with contextlib.closing(sqlite3.connect(os.path.join(data, "history.db"))) as reader:
                reader.execute("BEGIN")
                rows = "SELECT count(*) FROM messages WHERE words AND NOT removed"
                equal(reader.execute(rows).fetchone(), (1,))
                alice.say(f"REDACT #room {said}")
                until(lambda: rows_of(data, "history.db", rows) == [(0,)], "deleted")
                root.say("KILL alice :out")
                alice.wait("ERROR .*")
            root.wait(rf"(?:@\S+ )?:alice!\S+ REDACT #room {said}")
            root.wait(r"(?:@\S+ )?:alice!\S+ QUIT .*")
            equal(server.end(), 0)


if __name__ == "__main__":
    sys.exit(run_tests())
