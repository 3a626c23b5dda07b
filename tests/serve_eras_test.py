#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""serve_eras_test.py BUILD/weft - a room with a key, over the ends of real servers: what was said in
it is for who has the key, by whatever way one asks. The rules are in tests/irc/history-key.irc."""
import contextlib
import json
import os
import re
import sqlite3
import sys
import urllib.error
import urllib.parse
import urllib.request

from chat_helpers import doors, folder, irc
from program_helpers import PATIENCE, equal, run_tests, test

CAPS = "batch draft/chathistory draft/event-playback echo-message message-tags server-time"
OPEN, SECRET = "open words to eve and bob", "secret words to eve and bob"
EVER = "timestamp=2020-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z"


def enter(server, nick, rooms):
    """One with all that the history can tell; its lines begin with tags."""
    who = irc(server, nick)
    who.answer(f"CAP REQ :{CAPS}", r".* CAP \S+ ACK .*")
    who.answer(f"JOIN {rooms}", r".* 366 .*")
    return who


def said(who, text):
    """Says it, and waits until it is on disk: its msgid."""
    who.say(f"PRIVMSG #room :{text}")
    return who.wait(rf"@(\S+) :\S+ PRIVMSG #room :{re.escape(text)}")[1].split("msgid=")[1].split(";")[0]


def told(who, line):
    """All that the client is told until the command is done."""
    before = len(who.seen)
    who.say(line, "PING done")
    who.wait(r"(?:@\S+ )?:\S+ PONG .*done")
    return who.seen[before:-1]


def texts(who, line):
    """Of messages only."""
    return [found[1] for row in told(who, line) if (found := re.search(r" PRIVMSG #room :(.*)", row))]


def by_http(server, **parameters):
    host, port = server.address("web")
    url = f"http://{host}:{port}/api/search?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return [message["text"] for message in json.load(answer)["messages"]]
    except urllib.error.HTTPError as refused:
        return refused.code


def speak_behind_a_key(server):
    """Their msgids: of what was said in the open, and behind the key."""
    ada = enter(server, "ada", "#room")
    open_one = said(ada, OPEN)
    ada.say("MODE #room +k sesame")
    hidden = said(ada, SECRET)
    return open_one, hidden


def assert_hidden(who, server, open_one, hidden):
    """Whatever is asked, the stranger is told of the open message alone."""
    for line in ["CHATHISTORY LATEST #room * 100", f"CHATHISTORY BEFORE #room {EVER.split()[1]} 100",
                 f"CHATHISTORY AFTER #room {EVER.split()[0]} 100", f"CHATHISTORY BETWEEN #room {EVER} 100",
                 f"CHATHISTORY AROUND #room msgid={open_one} 100", "SEARCH in=#room;text=words",
                 "SEARCH text=words", "SEARCH from=ada", "SEARCH in=#room",
                 "MENTIONS timestamp=2020-01-01T00:00:00.000Z 100"]:
        equal(texts(who, line), [OPEN], line)
    for line in [f"CHATHISTORY BEFORE #room msgid={hidden} 100",
                 f"CHATHISTORY AFTER #room msgid={hidden} 100",
                 f"CHATHISTORY AROUND #room msgid={hidden} 100", "SEARCH in=#room;text=secret"]:
        equal(texts(who, line), [], line)
    events = "\n".join(told(who, "CHATHISTORY LATEST #room * 100"))
    assert "sesame" not in events and hidden not in events, events
    equal([line.split(" ", 2)[2] for line in told(who, f"REDACT #room {hidden}")],
          [f"FAIL REDACT UNKNOWN_MSGID #room {hidden} :This message does not exist"])
    equal(by_http(server, room="#room"), [OPEN])
    equal(by_http(server, text="words"), [OPEN])
    equal(by_http(server, mentions="eve"), [OPEN])
    equal(by_http(server, text="words", next=hidden), 400)


def assert_seen(who, server):
    both = [OPEN, SECRET]
    assert any(re.search(r" 324 \S+ #room \+knt sesame$", line) for line in told(who, "MODE #room"))
    equal(texts(who, "CHATHISTORY LATEST #room * 100")[:2], both)
    equal(texts(who, "SEARCH in=#room;text=words"), both)
    equal(by_http(server, room="#room"), 403)
    equal(by_http(server, text="words"), [])


def goes_round(end):
    """A server that ends by `end` while the room is there; then strangers, and who has the key."""
    with folder() as at:
        data = at / "history"
        with doors(data) as server:
            ids = speak_behind_a_key(server)
            end(server)
        assert b"sesame" not in b"".join((data / name).read_bytes() for name in os.listdir(data))
        with doors(data) as server:
            with enter(server, "eve", "#room") as eve:
                assert_hidden(eve, server, *ids)
                eve.say("MODE #room +k another")
                equal(texts(eve, "SEARCH in=#room;text=words"), [OPEN])
                eve.answer("PART #room", r".* PART #room")
                eve.answer("JOIN #room open-sesame", r".* 366 .*")
                assert_hidden(eve, server, *ids)
                with enter(server, "bob", "#room sesame") as bob:
                    assert_hidden(bob, server, *ids)  # it is open, and not his
                    eve.say("MODE #room +o bob")
                    bob.wait(r".* MODE #room \+o bob")
                    bob.say("MODE #room +k sesame")
                    assert_seen(bob, server)
            equal(server.end(), 0)
        with doors(data) as server:
            with enter(server, "bob", "#room sesame") as bob, irc(server, "eve") as eve:
                assert_seen(bob, server)
                eve.answer("JOIN #room", r":\S+ 475 eve #room :.*")
            equal(server.end(), 0)


@test
def what_was_said_behind_a_key_is_for_who_has_it_after_a_restart():
    goes_round(lambda server: equal(server.end(), 0))


@test
def what_was_said_behind_a_key_is_for_who_has_it_after_a_kill():
    goes_round(lambda server: (server.process.kill(), server.process.wait(PATIENCE)))


@test
def keys_that_an_older_weft_has_kept_are_told_no_more():
    with folder() as at:
        with doors(at / "history"):
            pass  # it makes the file
        with contextlib.closing(sqlite3.connect(at / "history" / "history.db")) as history:
            history.execute("INSERT INTO conversations VALUES (1, '#room', '', 0)")
            history.execute("INSERT INTO messages VALUES (1, 'old', 1000, 1, 8, 0, 0, 'ada!~ada@host', NULL,"
                            " '#room', '+okl-v ada sesame 5 bob', NULL)")
            history.execute("UPDATE meta SET value = 1 WHERE name = 'last_id'")
            history.commit()
        with doors(at / "history") as server, enter(server, "eve", "#room") as eve:
            events = told(eve, "CHATHISTORY AFTER #room timestamp=1970-01-01T00:00:00.000Z 1")
            equal([line.split(" ", 2)[2] for line in events if " MODE " in line],
                  ["MODE #room +okl-v ada * 5 bob"])


if __name__ == "__main__":
    sys.exit(run_tests())
