#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""serve_search_test.py BUILD/weft - the history for programs, GET /api/search: what it finds, what
nobody may find who could not come in and read it, and how a mistake is told. What a query may look
like is in chat_query_test.c and chat_web_test.c."""
import base64
import contextlib
import http.client
import json
import re
import socket
import sqlite3
import sys
import urllib.parse

from chat_helpers import doors, folder, fresh_doors, irc
from program_helpers import PATIENCE, Server, equal, run_tests, test


@contextlib.contextmanager
def web(server):
    """A connection that stays, for one question after the other."""
    host, port = server.address("web")
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        yield connection
    finally:
        connection.close()


def asked(connection, password=None, method="GET", **parameters):
    """(status, the JSON, the fields) of one question."""
    if "from_" in parameters:
        parameters["from"] = parameters.pop("from_")
    fields = {}
    if password is not None:
        fields["Authorization"] = "Basic " + base64.b64encode(f"me:{password}".encode()).decode()
    connection.request(method, "/api/search?" + urllib.parse.urlencode(parameters), headers=fields)
    answer = connection.getresponse()
    body = answer.read().decode()
    equal((answer.headers["Content-Type"], answer.headers["Cache-Control"]),
          ("application/json", "no-store"))
    return answer.status, json.loads(body) if body else None, answer.headers


def search(server, **parameters):
    with web(server) as connection:
        return asked(connection, **parameters)[:2]


def texts(server, **parameters):
    """What was found, the newest first."""
    status, found = search(server, **parameters)
    equal(status, 200, found)
    return [message["text"] for message in found["messages"]]


def error(server, **parameters):
    status, found = search(server, **parameters)
    equal(found["status"], status)
    return status, found["error"]


def client(server, nick, *rooms, caps="", **more):
    """One that is told what it said once that is on disk, with its msgid and its time."""
    who = irc(server, nick, **more)
    who.answer(f"CAP REQ :echo-message message-tags server-time {caps}", r".* CAP \S+ ACK .*")
    enter(who, *rooms)
    return who


def say(who, room, *said, command="PRIVMSG"):
    """Say it, and wait until it is on disk: the msgid of the last."""
    for text in said:
        who.say(f"{command} {room} :{text}")
        tags = who.wait(r"@(\S+) :\S+ " + re.escape(f"{command} {room} :{text}"))[1]
    return dict(tag.partition("=")[::2] for tag in tags.split(";"))


def enter(who, *rooms):
    for room in rooms:
        who.answer(f"JOIN {room}", r"(?:@\S+ )?:\S+ 366 .*")


def settle(who):
    who.answer("PING x", r".*PONG.*")


@test
def what_was_said_is_found_by_words_room_author_and_time():
    with fresh_doors() as server, client(server, "ada", "#one", "#two") as ada, \
            client(server, "bob", "#one") as bob:
        say(ada, "#one", "多线程 means threads")
        tags = say(bob, "#one", "Threads, said \"bob\" \\ </script>")
        say(ada, "#two", "threads of a cloth", command="NOTICE")
        say(ada, "#two", "\001ACTION weaves\001")
        equal(texts(server, text="threads"),
              ["threads of a cloth", "Threads, said \"bob\" \\ </script>", "多线程 means threads"])
        equal(texts(server, text="线程"), ["多线程 means threads"])
        equal(texts(server, room="#ONE"),
              ["Threads, said \"bob\" \\ </script>", "多线程 means threads"])
        equal(texts(server, from_="ADA", room="#one"), ["多线程 means threads"])
        equal(texts(server, after=tags["time"], before=tags["time"], from_="bob"),
              ["Threads, said \"bob\" \\ </script>"])
        equal(texts(server, before="2001-01-01T00:00:00+01:00"), [])
        equal(texts(server, after="2001-01-01T00:00:00Z", limit=1), ["weaves"])
        equal(texts(server, mentions="bob"), []) # by others
        say(ada, "#one", "bob: look", "bobby")
        equal(texts(server, mentions="BOB"), ["bob: look"])
        equal(texts(server, mentions="bob", room="#two"), [])
        equal(texts(server, text="nothing"), [])
        status, found = search(server, from_="bob")
        equal((status, found["messages"]),
              (200, [{"room": "#one", "id": tags["msgid"], "time": tags["time"], "from": "bob",
                      "kind": "message", "text": "Threads, said \"bob\" \\ </script>"}]))
        kinds = [m["kind"] for m in search(server, room="#two")[1]["messages"]]
        equal(kinds, ["action", "notice"])


@test
def one_goes_on_where_the_answer_ended_whatever_is_said_meanwhile():
    with fresh_doors() as server, client(server, "ada", "#one", "#two") as ada:
        say(ada, "#one", "word 1", "word 2", "word 3")
        tags = say(ada, "#two", "word 4")
        say(ada, "#two", "word 5")
        for question in {"text": "word"}, {"from_": "ada"}, {"after": "2001-01-01T00:00:00Z"}:
            said, got, where = texts(server, **question), [], {}
            for _ in range(99):
                status, found = search(server, limit=2, **where, **question)
                equal(status, 200, found)
                got += [message["text"] for message in found["messages"]]
                if "next" not in found:
                    break
                where = {"next": found["next"]}
                say(ada, "#one", f"a word in between, {len(got)}")
            equal(got, said)
        # the id of any message serves
        equal(texts(server, text="word", next=tags["msgid"]), ["word 3", "word 2", "word 1"])
        wrong = (400, "next is the id of no message in these rooms")
        equal(error(server, text="word", next="nonsense"), wrong)
        equal(error(server, room="#one", next=tags["msgid"]), wrong)
        equal(error(server, next=tags["msgid"])[0], 400)


@test
def a_message_that_was_deleted_is_not_found():
    with fresh_doors() as server:
        with client(server, "ada", "#one", caps="draft/message-redaction") as ada:
            tags = say(ada, "#one", "a secret")
            ada.answer(f"REDACT #one {tags['msgid']}", r".* REDACT #one .*")
            equal(texts(server, text="secret"), [])
            equal(texts(server, room="#one"), [])


@test
def what_nobody_could_read_who_just_comes_in_is_not_found():
    rooms = "#open", "#secret", "#invited", "#keyed", "#full", "#banned"
    with fresh_doors() as server, client(server, "ada", *rooms) as ada, client(server, "bob") as bob:
        for room in rooms:
            say(ada, room, f"needle in {room}")
        ada.say("PRIVMSG bob :needle for you only")
        bob.wait(r".*needle for you only")
        equal(len(texts(server, text="needle")), 6) # all but what is private
        ada.say("MODE #secret +s", "MODE #invited +i", "MODE #keyed +k key", "MODE #full +l 1",
                "MODE #banned +b *!*@127.0.0.1")
        settle(ada)
        equal(texts(server, text="needle"), ["needle in #open"])
        equal(texts(server, from_="ada"), ["needle in #open"])
        equal(texts(server, mentions="in"), ["needle in #open"])
        equal(error(server, room="#secret"), error(server, room="#nowhere"))
        equal(error(server, room="#secret"), (404, "no such room is here"))
        for room in "#invited", "#keyed", "#full", "#banned":
            equal(error(server, room=room), (403, "not everybody may join this room"))
        equal(error(server, room="bob"), (404, "no such room is here"))
        # an exception for those who are invited is no exception for everybody
        ada.say("MODE #invited +I *!*@*", "MODE #banned +e *!*@127.0.0.1", "MODE #full -l")
        settle(ada)
        equal(error(server, room="#invited")[0], 403)
        equal(texts(server, room="#banned"), ["needle in #banned"])
        equal(texts(server, room="#full"), ["needle in #full"])
        # nobody is in it any more: there is no such room
        ada.answer("PART #open", r".*PART #open.*")
        equal(error(server, room="#open")[0], 404)
        equal(texts(server, text="needle"), ["needle in #banned", "needle in #full"])


@test
def what_others_wrote_into_the_history_is_json_all_the_same():
    with folder() as at:
        with doors(at / "history"):
            pass # it makes the file
        with contextlib.closing(sqlite3.connect(at / "history" / "history.db")) as history:
            history.execute("INSERT INTO conversations VALUES (1, '#one', '', 0)")
            history.execute("INSERT INTO messages VALUES (1, ?, 1000, 1, 0, 1, 0, ?, NULL, '#one',"
                            " CAST(? AS TEXT), NULL)",
                            ('a"b\\\1', '"ada"!~a@b', b'\xff "\x1b\0'))
            history.execute("UPDATE meta SET value = 1 WHERE name = 'last_id'")
            history.commit()
        with doors(at / "history") as server, client(server, "bob", "#one"):
            equal(search(server, room="#one"),
                  (200, {"messages": [{"room": "#one", "id": 'a"b\\\1',
                                       "time": "1970-01-01T00:00:01.000Z", "from": '"ada"',
                                       "kind": "message", "text": '\ufffd "\x1b'}]}))


@test
def where_there_is_a_password_it_must_be_given():
    with fresh_doors("--password", "s3cret: of 线") as server:
        with client(server, "ada", "#one", password="s3cret: of 线") as ada:
            say(ada, "#one", "needle")
            for wrong in None, "", "s3cret", "s3cret: of 线程", "x" * 600:
                with web(server) as connection:
                    status, found, fields = asked(connection, password=wrong, text="needle")
                    equal((status, found), (401, {"status": 401, "error": "this server has a password"}))
                    assert fields["WWW-Authenticate"].startswith("Basic realm="), fields
                    # before anything is looked at
                    equal(asked(connection, password=wrong, room="#none", x="y")[0], 401)
            equal(texts(server, password="s3cret: of 线", text="needle"), ["needle"])
    for field in "Bearer s3cret", "Basic", "Basic !!!", "Basic c3 NyZXQ=", "basic OnMzY3JldA==":
        with fresh_doors("--password", "s3cret") as server, web(server) as connection:
            connection.request("GET", "/api/search?text=x", headers={"Authorization": field})
            equal(connection.getresponse().status, 200 if field.startswith("basic") else 401, field)


@test
def a_mistake_is_told_in_json_and_the_connection_goes_on():
    with fresh_doors() as server, client(server, "ada", "#one") as ada, web(server) as connection:
        say(ada, "#one", "needle")
        none = "room, text, from, mentions, after or before must be there"
        time = "is a time as 2026-01-31T23:59:59Z (a + is written %2B)"
        for parameters, why in [
            ({}, none), ({"limit": 5}, none), ({"text": ""}, none),
            ({"text": "!!"}, "text has no word to look for"),
            ({"text": "x", "limit": 0}, "limit is a number above 0"),
            ({"text": "x", "limit": "many"}, "limit is a number above 0"),
            ({"after": "yesterday"}, "after " + time), ({"before": "2026-01-31"}, "before " + time),
            ({"mentions": "a b"}, "mentions is a nick"),
            ({"mentions": "a", "text": "b"}, "mentions goes with neither text nor from"),
            ({"words": "x"}, "there is no such parameter"),
            ({"text": "x" * 600}, "a value in the query is too long"),
            ({"text": "a\0b"}, "a control character in the query"),
        ]:
            status, found, _ = asked(connection, **parameters)
            equal((status, found), (400, {"status": 400, "error": why}), str(parameters))
            status, found, _ = asked(connection, text="needle", limit=10**9)
            equal((status, [m["text"] for m in found["messages"]]), (200, ["needle"]))
        status, found, fields = asked(connection, method="HEAD", text="needle")
        equal((status, found), (200, None))
        assert int(fields["Content-Length"]) > len("needle"), fields
        status, found, fields = asked(connection, method="POST", text="needle")
        equal((status, fields["Allow"]), (405, "GET, HEAD"))


@test
def a_giant_query_is_refused():
    with fresh_doors() as server:
        for size in 5000, 100000:
            equal(error(server, text="x" * size), (414, "the request line is too long"))


@test
def a_question_may_come_byte_by_byte():
    with fresh_doors() as server, client(server, "ada", "#one") as ada:
        say(ada, "#one", "needle")
        with socket.create_connection(server.address("web"), timeout=PATIENCE) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in b"GET /api/search?text=needle HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":
                sock.sendall(bytes([byte]))
            got = b"".join(iter(lambda: sock.recv(4096), b""))
        assert got.startswith(b"HTTP/1.1 200 OK\r\n") and b'"text":"needle"' in got, got


@test
def where_no_history_is_kept_it_says_so():
    with Server("--no-history", "--irc", "0", "--web", "0") as server:
        equal(error(server, text="x"), (503, "no history is kept here"))


@test
def pages_of_others_and_names_of_others_are_refused():
    with fresh_doors() as server:
        for fields in {"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}:
            with web(server) as connection:
                connection.request("GET", "/api/search?text=x", headers=fields)
                answer = connection.getresponse()
                equal((answer.status, json.loads(answer.read())["status"]), (403, 403))


@test
def a_network_has_a_budget_over_all_its_connections():
    with folder() as at:
        for exempt in ["--limit-network-exempt", "none"], []: # counted by itself, and with others
            with Server("--irc", "0", "--web", "0", "--data", str(at / "history"), "--flood-exempt",
                        "none", "--flood-burst", "8", "--flood-rate", "1", *exempt) as server:
                for answered in range(100):
                    with web(server) as connection:
                        status, found, fields = asked(connection, text="x")
                    if status != 200:
                        break
                assert answered >= 2, answered # each costs 4
                equal((status, found["error"]),
                      (429, "your network asks too much; try again later"))
                assert 1 <= int(fields["Retry-After"]) <= 8, fields
        with Server("--irc", "0", "--web", "0", "--data", str(at / "history"), "--flood-burst", "1",
                    "--flood-rate", "1") as server: # this machine is exempt
            for _ in range(20):
                equal(search(server, text="x")[0], 200)


@test
def a_crowd_that_searches_at_once_is_answered_one_and_all():
    for limits in [], ["--limit-network-exempt", "none"]: # each alone; as one network
        with fresh_doors(*limits) as server, contextlib.ExitStack() as stack:
            crowd = [stack.enter_context(client(server, f"ada{i}", "#one", caps="batch"))
                     for i in range(12)]
            pages = [stack.enter_context(web(server)) for _ in crowd]
            say(crowd[0], "#one", "needle")
            for who in crowd:
                who.say("SEARCH text=needle", "SEARCH from=nobody", "MENTIONS", "PING done")
            for page in pages:
                page.request("GET", "/api/search?text=needle")
            for who in crowd[:2]:
                who.close() # while it waits, perhaps
            for who in crowd[2:]:
                who.wait(r"@batch=\S+ \S+ PRIVMSG #one :needle")
                line = who.wait(r".*(?:FAIL|PONG).*")[0]
                assert line.endswith("done"), line
            for page in pages:
                equal(page.getresponse().status, 200)


if __name__ == "__main__":
    sys.exit(run_tests())
