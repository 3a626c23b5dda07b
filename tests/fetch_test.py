#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch_test.py BUILD/weft [...] - weft fetch against servers that behave, and servers that do not.

What it says is compared with tables below, which need nothing, and with the lecture's own Python
programs under this same Python, which need the folder with the lecture in WEFT_LECTURE and are
skipped without it. Time decides nothing: where the order of results matters, the server holds an
answer until the test has read the line of another.

The output is TAP.
"""

import collections
import contextlib
import gzip
import json
import os
import pathlib
import re
import resource
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True  # no __pycache__ beside the tests
from http_server import (  # noqa: E402
    Server, after, answer, certificate, chunked, drip, endless, head, raw, redirect, reset_after,
    read_target, silence_after, status, to_the_end,
)
from program_helpers import Skip  # noqa: E402

PATIENCE = 100  # seconds until a program that hangs is given up
WEFT = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
LECTURE = os.environ.get("WEFT_LECTURE")

# The proxies of this machine are none of the tests' business.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.lower().endswith("_proxy") and name != "SSL_CERT_FILE"
}

Checks = []


def check(function):
    """Register a check; its name is the sentence that it proves."""
    Checks.append(function)
    return function


def equal(got, expected, what="output"):
    assert got == expected, f"{what}\n     got: {got!r}\nexpected: {expected!r}"


def matches(text, pattern):
    assert re.fullmatch(pattern, text), f"{text!r} does not match {pattern!r}"


# ---- running it -------------------------------------------------------------------

Result = collections.namedtuple("Result", "out err status")


def run(command, text="", env=None):
    done = subprocess.run(
        command,
        input=text.encode() if isinstance(text, str) else text,
        capture_output=True,
        timeout=PATIENCE,
        env={**ENVIRONMENT, "PYTHONUTF8": "1", **(env or {})},
    )
    result = Result(done.stdout.decode(), done.stderr.decode(), done.returncode)
    assert "Sanitizer" not in result.err, result.err
    return result


def fetch(*arguments, text="", env=None):
    return run([WEFT, "fetch", "--retries=0", *arguments], text, env)


def start(*arguments, **kinds):
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([WEFT, "fetch", "--retries=0", *arguments], env=ENVIRONMENT, **{**pipes, **kinds})


def finish(process):
    out, err = process.communicate(timeout=PATIENCE)
    err = err.decode()
    assert "Sanitizer" not in err, err
    return Result(out.decode(), err, process.returncode)


def lines_of(text):
    """The lines of successes, without decoded and claimed sizes and times: status, size, the rest."""
    row = r" *(\d{3}) +(\d+) +(?:\d+|-) +(?:\d+|-) +\d+\.\d{3}s  (.*)"
    return [re.fullmatch(row, line).groups() for line in text.splitlines()]


def failures_of(err):
    """{URL: what broke} of the lines on stderr."""
    return dict(re.findall(r"^weft fetch: (\S+?): (.*)$", err, re.M))


def refusing_port():
    """A port that refuses: bound, so that nobody else gets it, but nobody listens."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder, f"http://127.0.0.1:{holder.getsockname()[1]}/"


@contextlib.contextmanager
def full_port():
    """The URL of a port where a connection neither succeeds nor fails: its queue is full."""
    with socket.socket() as listener, contextlib.ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


# ---- sizes ------------------------------------------------------------------------


@check
def the_size_is_that_of_the_body_however_its_end_is_told():
    with Server() as server:
        urls = [
            server.page("/length", answer(b"x" * 70000)),
            server.page("/chunked", chunked(b"x" * 100, b"x" * 5000)),
            server.page("/close", to_the_end(b"x" * 300)),
            server.page("/empty", answer(b"")),
            server.page("/204", raw(head("204 No Content"))),
            server.page("/long", answer(b"12345", length=3)),
        ]
        result = fetch("-j1", *urls)
        sizes = ["70000", "5100", "300", "0", "0", "3"]
        statuses = ["200"] * 4 + ["204", "200"]
        said = ["", "", " (end not verified)", "", "", " (more than claimed)"]
        rest = [url + words for url, words in zip(urls, said)]
        equal(lines_of(result.out), list(zip(statuses, sizes, rest)))
        matches(result.err, r"6 of 6 pages, 75403 bytes in \d+\.\d{3} s\n")
        equal(result.status, 0, "status")


@check
def what_is_sent_compressed_though_not_asked_for_is_counted_as_sent_and_said():
    body = gzip.compress(b"x" * 100000)
    with Server() as server:
        url = server.page("/", answer(body, "Content-Encoding: gzip"))
        result = fetch(url)
        equal(lines_of(result.out), [("200", str(len(body)), f"{url} (gzip)")])


@check
def interim_answers_are_passed_over():
    with Server() as server:
        url = server.page("/", raw((head("103 Early Hints") * 5) + head("200 OK") + b"abc"))
        equal(lines_of(fetch(url).out), [("200", "3", f"{url} (end not verified)")])


@check
def a_body_of_any_size_takes_little_memory():
    with Server() as server:
        piece = b"x" * 1048576

        def big(connection, _):
            connection.sendall(head("200 OK", f"Content-Length: {300 * len(piece)}"))
            for _ in range(300):
                connection.sendall(piece)

        process = start(server.page("/", big), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, wait_status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(wait_status)
        equal(process.returncode, 0, "status")
        assert usage.ru_maxrss < 250 * 1024, f"{usage.ru_maxrss} KB"


@check
def pages_of_one_host_share_a_connection():
    with Server() as server:
        urls = [server.page(f"/{i}", answer(b"x")) for i in range(5)]
        equal(len(lines_of(fetch("-j1", *urls).out)), 5, "pages")
        equal(server.connections, 1, "connections")


@check
def a_server_that_ends_each_connection_when_it_is_used_again_loses_no_page():
    for end in raw(b""), reset_after(b""):
        used = set()

        def once(connection, target, end=end, used=used):
            if connection in used:
                return end(connection, target)  # without an answer
            used.add(connection)
            return answer(b"x", "Connection: keep-alive")(connection, target)

        with Server() as server:
            urls = [server.page(f"/{i}", once) for i in range(20)]
            result = fetch("-j1", *urls)
            equal((failures_of(result.err), result.status), ({}, 0))
            equal(server.connections, 20, "connections")  # each but the first was tried in vain
            equal(len(server.asked), 39, "requests")


@check
def a_url_given_twice_is_fetched_twice_if_that_is_wanted():
    with Server() as server:
        url = server.page("/", answer(b"x"))
        equal(len(lines_of(fetch("--duplicates", url, url, url).out)), 3, "pages")
        equal(server.asked, ["/"] * 3)


# ---- what breaks ------------------------------------------------------------------

# A page, what weft fetch says of it, and what Python's urllib does.
HTTP_FAULTS = [
    ("/401", status("401 Unauthorized"), "401 Unauthorized (HTTP)",
     "HTTP Error 401: Unauthorized"),
    ("/404", status("404 Not Found"), "404 Not Found (HTTP)", "HTTP Error 404: Not Found"),
    ("/503", status("503 Service Unavailable"), "503 Service Unavailable (HTTP)",
     "HTTP Error 503: Service Unavailable"),
    ("/418", status("418 Caf\xe9 ferm\xe9"), "418 Café fermé (HTTP)",
     "HTTP Error 418: Café fermé"),
    ("/410", status("410 页面不存在".encode().decode("latin-1")), "410 页面不存在 (HTTP)",
     "HTTP Error 410: " + "页面不存在".encode().decode("latin-1")),
    ("/nowhere", raw(head("302 Found", "Content-Length: 0")),
     "302 Found, which is not a page (HTTP)", "HTTP Error 302: Found"),
    ("/cut", answer(b"abc", length=100), "cut off after 3 of 100 bytes",
     "IncompleteRead(3 bytes read, 97 more expected)"),
    ("/cutchunks", chunked(b"abc", end=b""), "cut off after 3 bytes",
     "IncompleteRead(3 bytes read)"),
    ("/closed", raw(b""), "closed the connection without an answer",
     "Remote end closed connection without response"),
    ("/garbage", raw(b"what is HTTP?\r\nnothing\r\n"),
     "the answer is not HTTP: what is HTTP?", "what is HTTP?\r\n"),
    ("/short", raw(b"hi\n"), "the answer is not HTTP: hi", "hi\n"),
    ("/loop", redirect("/loop"), "redirected too often, next to {server}/loop",
     "HTTP Error 302: The HTTP server returned a redirect error that would lead to an infinite "
     "loop.\nThe last 30x error message was:\nFound"),
    ("/tofile", redirect("file:///etc/passwd"),
     "redirected to what is neither http: nor https: file:///etc/passwd",
     "HTTP Error 302: Found - Redirection to url 'file:///etc/passwd' is not allowed"),
    ("/header", raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000 + b"\r\n\r\nabc"),
     "refused: a header line of more than 65536 bytes",
     "got more than 65536 bytes when reading header line"),
    ("/hugeheader", raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300000 + b"\r\n\r\nabc"),
     "refused: a header line of more than 65536 bytes",
     "got more than 65536 bytes when reading header line"),
    ("/reset", reset_after(b""), "the connection broke: Connection reset by peer",
     "[Errno 104] Connection reset by peer"),
]

# The same for URLs that come to no answer; {url} stands for the URL itself.
OTHER_FAULTS = [
    ("{refused}", "cannot connect: Connection refused",
     "<urlopen error [Errno 111] Connection refused>"),
    ("{https}", "no safe connection: the server speaks plain HTTP there (TLS)",
     "<urlopen error [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)>"),
    ("FOO:bar", "it begins with FOO:, and only http:// and https:// are fetched",
     "<urlopen error unknown url type: foo>"),
    ("127.0.0.1:80/", "it begins with 127.0.0.1:, and only http:// and https:// are fetched",
     "<urlopen error unknown url type: 127.0.0.1>"),
    ("www.x/", "not a URL: it begins with neither http:// nor https://",
     "unknown url type: 'www.x/'"),
]


def all_faults(server, refused):
    """[(URL, our words, urllib's words)] of every row above."""
    places = {
        "server": server.url(),
        "refused": refused,
        "https": f"https://127.0.0.1:{server.port}/plain",
    }
    server.page("?", status("400 Bad Request"))  # a server's answer to a TLS greeting
    rows = [
        (server.page(target, behaviour), ours.format(**places), urllib)
        for target, behaviour, ours, urllib in HTTP_FAULTS
    ]
    return rows + [(url.format(**places), ours, urllib) for url, ours, urllib in OTHER_FAULTS]


@check
def each_fault_is_named_in_a_line_on_stderr():
    holder, refused = refusing_port()
    with holder, Server() as server:
        rows = all_faults(server, refused)
        result = fetch("-j1", *[url for url, _, _ in rows])
        equal(result.err.splitlines()[:-1], [f"weft fetch: {url}: {ours}" for url, ours, _ in rows])
        n = len(rows)
        matches(result.err.splitlines()[-1], rf"0 of {n} pages, 0 bytes in .* s; {n} failed \(.*\)")
        equal(result.out, "")
        equal(result.status, 1, "status")


@check
def each_fault_has_urllibs_words_in_the_lectures_mode():
    holder, refused = refusing_port()
    with holder, Server() as server:
        rows = all_faults(server, refused)
        result = fetch("--lecture", "-j1", *[url for url, _, _ in rows])
        expected = "".join(f"'{url}' generated an exception: {text}\n" for url, _, text in rows)
        equal(result, Result(expected, "", 1))


@check
def silence_ends_with_the_time_limit_which_says_what_was_waited_for():
    with full_port() as connecting, Server() as server, Server() as greeted:
        begun = head("200 OK", "Content-Length: 100")
        waits = {
            server.page("/never", silence_after(b"", server)): "waiting for an answer",
            server.page("/headers", silence_after(begun[:-4], server)): "in the answer's headers",
            server.page("/body", silence_after(begun + b"abc", server)):
                "in the body, after 3 of 100 bytes",
        }
        steps = {
            connecting: "connecting",
            f"https://127.0.0.1:{greeted.port}/": "agreeing on TLS",
        }
        greeted.page("?", silence_after(b"", greeted))
        result = fetch("--timeout", "3", *waits, *steps)
        equal(failures_of(result.err),
              {url: f"timed out {text} (3 s, --timeout)"
               for url, text in [*waits.items(), *steps.items()]})
        equal(result.status, 1, "status")
        result = fetch("--timeout", "3", "--lecture", *waits, *steps)
        texts = dict(zip(steps, ["<urlopen error timed out>",
                                 "<urlopen error _ssl.c:989: The handshake operation timed out>"]))
        lines = [f"'{url}' generated an exception: {texts.get(url, 'timed out')}"
                 for url in [*waits, *steps]]
        equal(sorted(result.out.splitlines()), sorted(lines))


@check
def a_page_that_drips_for_ever_ends_with_the_time_limit():
    with Server() as server:
        url = server.page("/", drip(head("200 OK"), server))
        result = fetch("--timeout", "2", url)
        matches(result.err,
                rf"weft fetch: {url}: timed out in the body, after \d+ bytes \(2 s, --timeout\)\n")
        equal(result.status, 1, "status")


@check
def a_page_over_the_size_limit_is_stopped_announced_or_not():
    with Server() as server:
        huge = head("200 OK", "Content-Length: 5000000000")
        announced = server.page("/announced", silence_after(huge, server))
        unsaid = server.page("/endless", endless(head("200 OK")))
        allowed = server.page("/allowed", answer(b"x" * 2048))
        result = fetch("--max-size", "2K", announced, unsaid, allowed)
        equal(lines_of(result.out), [("200", "2048", allowed)])
        said = failures_of(result.err)
        equal(said[announced], "its size of 5000000000 bytes is over the limit (--max-size)")
        matches(said[unsaid], r"stopped after \d+ bytes: its size is over the limit \(--max-size\)")
        equal(result.status, 1, "status")


@check
def headers_without_end_are_refused():
    with Server() as server:
        piece = b"X: %b\r\n" % (b"x" * 1000)
        urls = [server.page("/headers", endless(b"HTTP/1.1 200 OK\r\n", piece)),
                server.page("/interim", endless(b"", head("103 Early Hints", "X: 1")))]
        text = "refused: headers of more than 262144 bytes"
        equal(failures_of(fetch(*urls).err), {url: text for url in urls})


@check
def an_answer_that_breaks_off_in_its_headers_is_no_page():
    with Server() as server:
        url = server.page("/", raw(b"HTTP/1.1 200 OK\r\nServer: x\r\n"))
        result = fetch(url)
        equal(result.out, "")
        equal(failures_of(result.err), {url: "not a valid HTTP answer: it ends inside the headers"})


@check
def a_first_header_that_begins_with_a_space_is_refused():
    long = b"y" * 200  # libcurl 7.88 took it for more of the last answer's last header, which is freed
    with Server() as server:
        good = server.page("/good", answer(b"x", "X-Last: of this answer"))
        bad = {
            server.page("/bad", raw(b"HTTP/1.1 200 OK\r\n X: %b\r\nContent-Length: 0\r\n\r\n" % long)),
            server.page("/tab", raw(b"HTTP/1.1 200 OK\r\n\tX: %b\r\nContent-Length: 0\r\n\r\n" % long)),
            server.page("/interim", raw(b"HTTP/1.1 103 Soon\r\n X: y\r\n\r\n")),
        }
        result = fetch("-j1", "--duplicates", *[url for each in bad for url in (good, each)] * 5)
    equal((len(lines_of(result.out)), result.status), (15, 1))
    words = "not a valid HTTP answer: its first header begins with a space"
    equal(failures_of(result.err), dict.fromkeys(bad, words))


@check
def an_empty_line_instead_of_an_answer_is_named():
    with Server() as server:
        url = server.page("/", raw(b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
        equal(failures_of(fetch(url).err), {url: "the answer is not HTTP: an empty line"})


@check
def a_carriage_return_where_none_belongs_makes_no_page():
    with Server() as server:
        words = {
            server.page(f"/{i}", raw(b"HTTP/1.1 200 OK\r\nA: b\r\n%b\r\n\r\nhello" % line)): why
            for i, (line, why) in enumerate((
                (b"\r X: y", "a header begins with a carriage return"),
                (b"\rContent-Length: 5", "a header begins with a carriage return"),
                (b"X\r: y", "a line among its headers is none"),
            ))}
        result = fetch("-j1", *words)
    equal((result.out, result.status), ("", 1))
    equal(failures_of(result.err),
          {url: f"not a valid HTTP answer: {why}" for url, why in words.items()})


@check
def a_connection_that_is_reset_in_the_body_is_a_fault():
    with Server() as server:
        url = server.page("/", reset_after(head("200 OK", "Content-Length: 100") + b"abc"))
        result = fetch(url)
        equal(result.out, "")
        matches(failures_of(result.err)[url],
                "the connection broke: Connection reset by peer(, after 3 of 100 bytes)?")


@check
def a_bad_chunk_is_a_fault():
    with Server() as server:
        url = server.page("/", raw(head("200 OK", "Transfer-Encoding: chunked") + b"zz\r\nabc\r\n"))
        result = fetch(url)
        equal((result.out, result.status), ("", 1))
        matches(failures_of(result.err)[url], "not a valid HTTP answer: .*chunk.*")


@check
def a_name_that_is_not_known_is_a_fault_of_dns():
    # Without a network a name server cannot say no, and another text is right as well.
    url = "http://no-such-name.invalid/"
    result = fetch("--timeout", "20", url)
    matches(failures_of(result.err)[url], r".* \(DNS\)")
    equal(result.status, 1, "status")
    result = fetch("--timeout", "20", "--lecture", url)
    matches(result.out, rf"'{url}' generated an exception: <urlopen error \[Errno -\d\] [\w ]+>\n")


@check
def a_url_that_is_none_says_where():
    result = fetch("-j1", "http://x/a b", "http://x:99999/", "http://")
    said = result.err.splitlines()[:-1]
    equal(said[0], "weft fetch: http://x/a b: not a URL: byte 11 is a space")
    for line in said[1:]:
        matches(line, r"weft fetch: http://\S*: not a URL: .+")
    equal((len(said), result.status), (3, 1))
    neither = "not a URL: it begins with neither http:// nor https://"
    for wrong, shown in ("www.cnn.com", "www.cnn.com"), ("", "''"):
        result = fetch(wrong)
        equal((result.err, result.status), (f"weft fetch: {shown}: {neither}\n", 1))


@check
def control_characters_from_a_server_reach_no_terminal():
    with Server() as server:
        url = server.page("/", status("404 \x1b[2J\x9bgone"))
        equal(failures_of(fetch(url).err), {url: r"404 \x1b[2J\x9bgone (HTTP)"})


# ---- redirects --------------------------------------------------------------------


@check
def redirects_are_followed_and_shown():
    with Server() as server:
        end = server.page("/end", answer(b"12345"))
        for number in (301, 302, 303, 307, 308):
            server.page(f"/{number}", redirect("end", f"{number} Moved"))
        absolute = server.page("/absolute", redirect(end))
        urls = [server.url(f"/{number}") for number in (301, 302, 303, 307, 308)] + [absolute]
        result = fetch("-j1", *urls)
        equal(lines_of(result.out), [("200", "5", f"{url} -> {end}") for url in urls])
        equal(result.status, 0, "status")


@check
def ten_redirects_are_followed_and_an_eleventh_is_not():
    with Server() as server:
        for i in range(11):
            server.page(f"/{i}", redirect(f"/{i + 1}"))
        end = server.page("/11", answer(b"12345"))
        said = f"{server.url('/1')} -> {end} (10 redirects)"
        equal(lines_of(fetch(server.url("/1")).out), [("200", "5", said)])
        result = fetch(server.url("/0"))
        equal(failures_of(result.err), {server.url("/0"): f"redirected too often, next to {end}"})


@check
def a_page_that_redirects_to_itself_is_asked_for_five_times():
    with Server() as server:  # as urllib does: a cookie might have made a difference
        fetch(server.page("/", redirect("/")))
        equal(server.asked, ["/"] * 5)


# ---- so many at once --------------------------------------------------------------


@check
def one_at_a_time_is_in_order():
    with Server() as server:
        urls = [server.page(f"/{i}", answer(b"x" * i)) for i in range(20)]
        result = fetch("-j1", *urls)
        equal([url for _, _, url in lines_of(result.out)], urls)
        equal(server.asked, [f"/{i}" for i in range(20)])
        equal(server.most, 1, "requests at once")


@check
def five_are_fetched_at_once_by_default_and_no_more():
    with Server() as server:
        together = threading.Barrier(5)  # no answer until five have asked

        def meet(connection, target):
            together.wait(PATIENCE)
            return answer(b"x")(connection, target)

        urls = [server.page(f"/{i}", meet) for i in range(20)]
        equal(len(lines_of(fetch(*urls).out)), 20, "pages")
        equal(server.most, 5, "requests at once")


@check
def results_are_printed_as_they_complete():
    with Server() as server:
        names = ["a", "b", "c", "d"]
        order = ["c", "a", "d", "b"]
        gates = {name: threading.Event() for name in names}
        urls = [server.page(f"/{n}", after(gates[n], answer(n.encode()))) for n in names]
        process = start("-j4", *urls)
        for name in order:  # each is let go when the line before it has been read
            gates[name].set()
            equal(lines_of(process.stdout.readline().decode())[0][2], server.url(f"/{name}"))
        result = finish(process)
        equal((result.out, result.status), ("", 0))


@check
def a_page_that_hangs_holds_up_no_other():
    with Server() as server:
        hanging = server.page("/hanging", silence_after(b"", server))
        urls = [server.page(f"/{i}", answer(b"x")) for i in range(10)]
        result = fetch("-j2", "--timeout", "3", hanging, *urls)
        equal([url for _, _, url in lines_of(result.out)], urls)
        equal(failures_of(result.err), {hanging: "timed out waiting for an answer (3 s, --timeout)"})


# ---- input ------------------------------------------------------------------------

LIST = """\
# pages, one a line

  {0}/1   # the first
\t{0}/2#part
#{0}/never
{0}/3\r
{0}/4"""


def sizes(result):
    equal(result.status, 0, "status")
    return "".join(size for _, size, _ in lines_of(result.out))


@check
def urls_come_from_arguments_files_and_stdin_in_order():
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        for i in range(1, 10):
            server.page(f"/{i}", answer(b"x" * i))
        path = pathlib.Path(folder, "list")
        path.write_bytes(LIST.format(server.url()).encode())
        other = pathlib.Path(folder, "other")
        other.write_text(server.url("/5\n"))
        text = path.read_bytes()
        equal(sizes(fetch("-j1", "-f", path)), "1234")
        equal(sizes(fetch("-j1", "-", text=text)), "1234")
        equal(sizes(fetch("-j1", "-f", "-", text=text)), "1234")
        equal(sizes(fetch("-j1", f"--file={path}", "-f", other)), "12345")
        equal(sizes(fetch("-j1", "-f", other, server.url("/8"), "-", server.url("/9"), text=text)),
              "8123495")


@check
def a_page_is_fetched_before_the_list_ends():
    with Server() as server:
        process = start("-", stdin=subprocess.PIPE)
        for i in range(3):
            url = server.page(f"/{i}", answer(b"x"))
            process.stdin.write(f"{url}\n".encode())
            process.stdin.flush()
            equal(lines_of(process.stdout.readline().decode()), [("200", "1", url)])
        equal(finish(process).status, 0, "status")


@check
def a_list_that_cannot_be_read_is_an_error():
    with tempfile.TemporaryDirectory() as folder:
        missing = pathlib.Path(folder, "missing")
        result = fetch("-f", missing, "http://127.0.0.1:1/")
        equal(result, Result("", f"weft fetch: {missing}: No such file or directory\n", 1))
        result = fetch("-f", folder)
        equal(result, Result("", f"weft fetch: {folder}: Is a directory\n", 1))
    result = fetch("-", text="# a comment\n\nhttp://" + "x" * 100000)
    equal(result, Result("", "weft fetch: standard input:3: a line of more than 65536 bytes\n", 1))


@check
def a_zero_byte_in_a_list_is_an_error_and_no_end_of_a_url():
    with Server() as server:
        url = server.page("/", answer(b"x"))
        result = fetch("-", text=f"\n{url}\0/more\n")
        equal(result, Result("", "weft fetch: standard input:2: there is a zero byte\n", 1))
        equal(server.asked, [])


@check
def a_mark_at_the_beginning_of_a_file_is_no_part_of_its_first_url():
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder, name) for name in "ab"]
        for file in files:
            url = server.page(f"/{file.name}", answer(b"x"))
            file.write_text(f"\ufeff{url}\r\n", encoding="utf-8")
        result = fetch("-f", files[0], "-f", files[1])
        equal((sorted(server.asked), result.status), (["/a", "/b"], 0), result.err)
        equal(fetch("-", text=f"{url}\n\ufeff{url}\n").status, 1)  # later it is some character


@check
def a_list_without_any_url_is_an_error():
    equal(fetch("-", text="# nothing\n\n"), Result("", "weft fetch: no URL in the input\n", 1))


@check
def without_urls_the_usage_is_shown():
    result = fetch()
    equal((result.out, result.status), ("", 2))
    assert result.err.startswith("usage: weft fetch "), result.err
    result = fetch("--help")
    equal((result.err, result.status), ("", 0))


@check
def a_wrong_option_is_one_line_and_status_2():
    wrong = [["-j0", "x"], ["-j10001", "x"], ["--timeout", "0", "x"], ["--max-size", "5X", "x"],
             ["--max-size", "9999999999G", "x"], ["--bench", "-1", "x"], ["--lectrue", "x"]]
    for arguments in wrong:
        result = fetch(*arguments)
        matches(result.err, r"weft fetch: .*\n")
        equal((result.out, result.status), ("", 2))
    assert "--lecture" in result.err, result.err


# ---- the end ----------------------------------------------------------------------


@check
def ctrl_c_prints_what_is_done_and_ends_with_130():
    with Server() as server:
        done = server.page("/done", answer(b"12345"))
        hanging = [server.page(f"/{i}", silence_after(b"", server)) for i in range(8)]
        for which, expected in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            process = start(done, *hanging)
            equal(lines_of(process.stdout.readline().decode()), [("200", "5", done)])
            process.send_signal(which)
            result = finish(process)
            matches(result.err, r"interrupted; so far 1 of 1 page, 5 bytes in .* s\n")
            equal((result.out, result.status), ("", expected))


def ignore_hangup():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@check
def under_nohup_a_terminal_that_goes_away_ends_nothing():
    with Server() as server:
        urls = [server.page(f"/{i}", answer(b"12345")) for i in range(2)]
        process = start("-", stdin=subprocess.PIPE, preexec_fn=ignore_hangup)
        for url in urls:
            process.stdin.write(f"{url}\n".encode())
            process.stdin.flush()
            equal(lines_of(process.stdout.readline().decode()), [("200", "5", url)])
            process.send_signal(signal.SIGHUP)
        equal(finish(process).status, 0, "status")


@check
def ctrl_c_ends_a_wait_for_the_next_url():
    with Server() as server:
        url = server.page("/", answer(b"x"))
        process = start("-", stdin=subprocess.PIPE)
        process.stdin.write(f"{url}\n".encode())
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
        equal(finish(process).status, 130, "status")


@check
def ctrl_c_ends_the_reading_of_a_list_for_the_bench():
    process = start("--bench", "2", "-", stdin=subprocess.PIPE)
    wait_until_it_listens_to_signals(process)
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE)
    equal(finish(process).status, 130, "status")


def wait_until_it_listens_to_signals(process):
    tasks = pathlib.Path(f"/proc/{process.pid}/task")
    while not any(path.read_text() == "signals\n" for path in tasks.glob("*/comm")):
        assert process.poll() is None, "it has ended"
        time.sleep(0.01)


@check
def when_nobody_reads_on_it_ends_quietly():
    with Server() as server:
        # Many: a loop that always has work looks at its descriptors only now and then.
        gate = threading.Event()
        urls = [server.page("/0", answer(b"x"))]
        urls += [server.page(f"/{i}", after(gate, answer(b"x"))) for i in range(1, 500)]
        process = start("-j1", *urls)
        process.stdout.readline()
        process.stdout.close()
        gate.set()
        equal(process.stderr.read(), b"")
        process.stderr.close()
        equal(process.wait(PATIENCE), 128 + signal.SIGPIPE, "status")
        assert len(server.asked) < 500, "it went on"


@check
def a_full_disk_is_one_line_and_status_1():
    with Server() as server, open("/dev/full", "wb") as full:
        process = start(server.page("/", answer(b"x")), stdout=full)
        err = process.communicate(timeout=PATIENCE)[1].decode()
        equal(err, "weft fetch: standard output: No space left on device\n")
        equal(process.returncode, 1, "status")


@check
def a_page_that_waits_takes_no_thread():
    with Server() as server:
        hanging = [server.page(f"/{i}", silence_after(b"", server)) for i in range(60)]
        process = start("-j60", *hanging)
        while server.now < 60:
            assert process.poll() is None, "it has ended"
            time.sleep(0.01)
        threads = len(os.listdir(f"/proc/{process.pid}/task"))
        assert threads < 10, f"{threads} threads"
        process.send_signal(signal.SIGINT)
        equal(finish(process).status, 130, "status")


# ---- the bench --------------------------------------------------------------------


@check
def the_bench_compares_one_at_a_time_with_many_at_once():
    with Server() as server:
        urls = [server.page(f"/{i}", answer(b"x")) for i in range(3)] + [server.url("/missing")]
        result = fetch("--bench", "4", "-j3", "-", text="\n".join(urls))
        figures = r"( +\d+\.\d{3}){5}\n"
        matches(result.out, r"seconds +mean +median +sd +min +max\n"
                rf"one at a time{figures}3 at once    {figures}"
                r"3 at once took \d+\.\d\d of the time of one at a time \(medians of 4 runs\)\n")
        equal(len(server.asked), 2 * 4 * 4, "requests")
        failure, summary = result.err.splitlines()[:2]  # told once, counted each time
        equal(failure, f"weft fetch: {urls[3]}: 404 Not Found (HTTP)")
        matches(summary, r"24 of 32 pages, 24 bytes in .* s; 8 failed \(8 http\)")
        equal(result.status, 1, "status")


# ---- the lecture's mode -----------------------------------------------------------

FIVE = ["http://www.foxnews.com/", "http://www.cnn.com/", "http://europe.wsj.com/",
        "http://www.bbc.co.uk/", "http://some-made-up-domain.com/"]

FIVE_LINES = """\
'http://www.foxnews.com/' page is 283456 bytes
'http://www.cnn.com/' page is 1123456 bytes
'http://europe.wsj.com/' generated an exception: HTTP Error 401: HTTP Forbidden
'http://www.bbc.co.uk/' page is 345678 bytes
'http://some-made-up-domain.com/' generated an exception: HTTP Error 502: Name or service not known
"""


def internet(server):
    """The lecture's five pages, for who takes this server for a proxy."""
    server.page(FIVE[0], answer(b"x" * 283456))
    server.page(FIVE[1], redirect("http://edition.cnn.com/"))
    server.page("http://edition.cnn.com/", chunked(b"x" * 1000000, b"x" * 123456))
    server.page(FIVE[2], status("401 HTTP Forbidden"))
    server.page(FIVE[3], to_the_end(b"x" * 345678))
    server.page(FIVE[4], status("502 Name or service not known"))
    return {"http_proxy": server.url()}


@check
def the_lectures_five_pages_are_its_default():
    with Server() as server:
        env = internet(server)
        equal(fetch("--lecture", "-j1", env=env), Result(FIVE_LINES, "", 1))
        result = fetch("--lecture", env=env)
        equal(sorted(result.out.splitlines()), sorted(FIVE_LINES.splitlines()))
        equal(result.status, 1, "status")


@check
def the_lectures_bench_prints_runs_and_a_mean():
    with Server() as server:
        result = fetch("--lecture", "--bench", "3", env=internet(server))
        *runs, mean = result.out.split("\n\n")
        equal([sorted(one.splitlines()) for one in runs], [sorted(FIVE_LINES.splitlines())] * 3)
        matches(mean, r"\d+\.\d+(e-\d+)?\n")
        assert repr(float(mean)) + "\n" == mean, mean


@check
def a_url_is_quoted_as_python_does():
    texts = ["plain", "it's", 'say "x"', "it's \"x\"", "back\\slash", "tab\tnew\nline\rx",
             "\x01\x7f", "例子/中文", "é\xa0\xad\x85", "a\u200bb\u2028c\u3000d", "\U0001f600\ue000",
             "\udc80x\udcff", "\udced\udca0\udc80", "\udcc0\udc80"]
    texts = [f"{text}/" for text in texts]
    result = fetch("--lecture", "-j1", *map(os.fsencode, texts))
    expected = "".join(
        f"{text!r} generated an exception: unknown url type: {text!r}\n" for text in texts)
    equal(result, Result(expected, "", 1))


@check
def a_proxy_that_refuses_a_tunnel_is_named():
    with Server() as server:
        server.page("x.test:443", status("403 Not Yours"))
        env = {"https_proxy": server.url()}
        result = fetch("https://x.test/", env=env)
        equal(failures_of(result.err), {"https://x.test/": "the proxy refuses: 403 Not Yours"})
        result = fetch("--lecture", "https://x.test/", env=env)
        equal(result.out, "'https://x.test/' generated an exception: "
              "<urlopen error Tunnel connection failed: 403 Not Yours>\n")


@check
def a_proxy_that_closes_instead_of_an_answer_is_named():
    with Server() as server:
        server.page("x.test:443", raw(b""))
        result = fetch("https://x.test/", env={"https_proxy": server.url()})
    equal(failures_of(result.err),
          {"https://x.test/": "the connection broke: Proxy CONNECT aborted"})


@check
def what_a_proxy_says_of_its_tunnel_is_no_answer_of_the_page():
    with Server() as server:
        server.page("x.test:443", raw(head("200 Yours", "Content-Length: 7") + b"no TLS, for sure"))
        result = fetch("--jsonl", "https://x.test/", env={"https_proxy": server.url()})
    row = json.loads(result.out.splitlines()[0])
    equal([row[name] for name in ("error", "status", "http", "claimed", "unverified")],
          ["tls", None, None, None, False])


# ---- TLS --------------------------------------------------------------------------


@check
def a_proxy_that_is_not_there_is_named_and_not_the_page():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        port = taken.getsockname()[1]
        env = {"http_proxy": f"http://127.0.0.1:{port}", "no_proxy": "127.0.0.1"}
        own = f"http://127.0.0.1:{port}/"
        result = fetch("http://x.test/", own, env=env)
        of_ada = f"http://ada:word@127.0.0.1:{port}/"
        named = fetch(of_ada, env=env)
        beside = "http://127.0.0.1:9/"  # the proxy's host, and another port
        beside_it = fetch(beside, env={"http_proxy": f"http://127.0.0.1:{port}"})
    refused = "cannot connect: Connection refused"
    by_proxy = f"{refused}: the proxy 127.0.0.1 port {port}"
    equal(failures_of(result.err), {"http://x.test/": by_proxy, own: refused})
    equal(list(failures_of(named.err).values()), [refused])
    equal(failures_of(beside_it.err), {beside: by_proxy})
    result = fetch("--lecture", "http://x.test/", env=env)
    equal(result.out, "'http://x.test/' generated an exception: "
          "<urlopen error [Errno 111] Connection refused>\n")


@check
def a_proxy_whose_name_is_not_known_is_named_and_not_the_page():
    label, own = "a" * 64, "b" * 64  # no name has one so long: nobody need be asked
    env = {"http_proxy": f"http://{label}:3128", "https_proxy": f"http://{label}", "no_proxy": own}
    result = fetch(f"http://{own}/", env=env)
    equal(failures_of(result.err), {f"http://{own}/": "name not known (DNS)"})
    for url in "http://x.test/", "https://x.test/":
        result = fetch(url, env=env)
        equal(failures_of(result.err), {url: f"name not known (DNS): the proxy {label}"})
        result = fetch("--lecture", url, env=env)
        equal(result.out, f"{url!r} generated an exception: "
              "<urlopen error [Errno -2] Name or service not known>\n")


@check
def a_proxy_that_is_none_is_told_and_not_looked_up():
    result = fetch("http://x.test/", env={"http_proxy": "::bad::"})
    equal(failures_of(result.err),
          {"http://x.test/": "cannot connect: Unsupported proxy syntax in '::bad::'"})


@check
def a_connection_that_ends_while_tls_is_agreed_on_is_told_as_that():
    def behave(connection):
        connection.recv(1)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            connection.recv(65536)  # else what is left unread would make it a reset
        connection.close()

    for reset, words in ((True, "cannot connect: Connection reset by peer"),
                         (False, "closed the connection without an answer")):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=lambda: behave(listener.accept()[0]))
            thread.start()
            url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
            result = fetch(url)
            thread.join()
        equal(failures_of(result.err), {url: words})


@check
def a_second_connection_to_a_host_resumes_the_session_of_the_first():
    came = {"/1": threading.Event(), "/2": threading.Event()}
    resumed = {}

    def page(connection, target):
        resumed[target] = connection.session_reused
        came[target].set()
        came["/2"].wait(PATIENCE)  # so it cannot be asked on the first's connection
        return answer(b"12345")(connection, target)

    with tempfile.TemporaryDirectory() as folder:
        cert, context = certificate(folder, "DNS:localhost")
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # the session is there before the request
        with Server(context) as server:
            process = start("--cacert", cert, "-", stdin=subprocess.PIPE)
            for target, event in came.items():
                url = server.page(target, page).replace("127.0.0.1", "localhost")
                process.stdin.write(f"{url}\n".encode())
                process.stdin.flush()
                event.wait(PATIENCE)
            equal(finish(process).status, 0, "status")
    equal(resumed, {"/1": False, "/2": True})


@check
def a_wrong_name_is_told_with_those_that_are_right_also_where_a_session_is_resumed():
    open_still, resumed = [], []  # a connection that is freed early takes its session with it

    def greet(listener, context):
        for _ in range(2):
            plain, _ = listener.accept()
            plain.settimeout(PATIENCE)
            open_still.append(context.wrap_socket(plain, server_side=True))
            resumed.append(open_still[-1].session_reused)

    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        cert, context = certificate(folder, "DNS:localhost")
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # the session is there before it fails
        listener.settimeout(PATIENCE)
        thread = threading.Thread(target=greet, args=(listener, context))
        thread.start()
        port = listener.getsockname()[1]
        urls = [f"https://127.0.0.1:{port}/{page}" for page in (1, 2)]
        failures = failures_of(fetch("-j1", "--cacert", cert, *urls).err)
        thread.join()
        for connection in open_still:
            connection.close()
    for url in urls:
        matches(failures[url], r".* target host name '127.0.0.1'; it is for localhost \(TLS\)")
    equal(resumed, [False, True])


@check
def a_server_that_ends_a_handshake_with_a_session_is_asked_without():
    offered = []

    def serve(listener, context):
        sessions = []
        while len(sessions) < 2:
            plain, _ = listener.accept()
            plain.settimeout(PATIENCE)
            hello = plain.recv(4096, socket.MSG_PEEK)
            offered.append(any(session in hello for session in sessions))
            if offered[-1]:
                plain.recv(4096)  # what is read leaves no reset
                plain.close()
                continue
            connection = context.wrap_socket(plain, server_side=True)
            sessions.append(connection.session.id)
            read_target(connection)
            raw(head("200 OK", "Content-Length: 5", "Connection: close") + b"12345")(connection, "")
            connection.close()

    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        cert, context = certificate(folder, "IP:127.0.0.1")
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # its sessions have names
        listener.settimeout(PATIENCE)
        thread = threading.Thread(target=serve, args=(listener, context))
        thread.start()
        urls = [f"https://127.0.0.1:{listener.getsockname()[1]}/{page}" for page in (1, 2)]
        result = fetch("-j1", "--retries", "0", "--cacert", cert, *urls)
        thread.join()
    equal((result.status, offered), (0, [False, True, False]))


@check
def a_connection_that_is_reset_under_tls_is_a_fault_of_the_connection():
    with tempfile.TemporaryDirectory() as folder:
        cert, context = certificate(folder, "DNS:localhost")
        with Server(context) as server:
            url = server.page("/", reset_after(b"")).replace("127.0.0.1", "localhost")
            result = fetch("--cacert", cert, url)
            again = fetch("--cacert", cert, "--retries=1", url)
    words = "the connection broke: Connection reset by peer"
    equal(failures_of(result.err), {url: words})
    equal(failures_of(again.err), {url: f"{words} (2 attempts)"})  # for it may pass


@check
def a_server_that_wants_our_certificate_says_so_in_words_of_tls():
    with tempfile.TemporaryDirectory() as folder:
        cert, context = certificate(folder, "DNS:localhost")
        context.verify_mode = ssl.CERT_REQUIRED
        with Server(context) as server:
            url = server.url("/").replace("127.0.0.1", "localhost")
            result = fetch("--cacert", cert, url)
    # The alert may come too late, when the request finds the connection closed.
    matches(failures_of(result.err)[url],
            r"no safe connection: .*certificate required.* \(TLS\)|the connection broke: .*")


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


@check
def as_many_pages_at_once_as_there_are_descriptors_for():
    with Server() as server:
        urls = [server.page(f"/{i}", answer(b"12345")) for i in range(200)]
        result = finish(start("-j100", "--retries=0", *urls, preexec_fn=few_descriptors))
    matches(result.err.splitlines()[0],
            r"weft fetch: -j 100: with 64 descriptors \(ulimit -n\) it is \d+ at once")
    equal(failures_of(result.err), {})
    equal(len(lines_of(result.out)), 200)


@check
def a_page_comes_over_tls_if_the_certificate_is_right():
    with tempfile.TemporaryDirectory() as folder:
        cert, context = certificate(folder, "DNS:localhost")
        with Server(context) as server:
            right = server.page("/", answer(b"12345")).replace("127.0.0.1", "localhost")
            other = server.url("/")
            env = {"SSL_CERT_FILE": str(cert)}
            result = fetch("-j1", right, other, env=env)
            equal(lines_of(result.out), [("200", "5", right)])
            matches(failures_of(result.err)[other],
                    r"no safe connection: SSL: no alternative certificate subject name matches "
                    r"target host name '127.0.0.1'; it is for localhost \(TLS\)")
            text = "no safe connection: SSL certificate problem: self-signed certificate (TLS)"
            equal(failures_of(fetch(right).err), {right: text})
            failed = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"
            texts = {
                right: f"{failed}: self-signed certificate",
                other: f"{failed}: Hostname mismatch, certificate is not valid for '127.0.0.1'.",
            }
            for url, text in texts.items():
                result = fetch("--lecture", url, env=env if url == other else None)
                equal(result.out,
                      f"'{url}' generated an exception: <urlopen error {text} (_ssl.c:1006)>\n")


# ---- against the lecture's Python ---------------------------------------------------


def lecture_program(name):
    if not LECTURE:
        raise Skip("WEFT_LECTURE is not set")
    return pathlib.Path(LECTURE, "python", name)


def original(name, env=None):
    return run([sys.executable, lecture_program(name)], env=env)


def same_as_original(folder, urls, timeout=60):
    """Against the sequential program, unmodified but for its list of URLs and its time limit."""
    source = lecture_program("urls_sequential.py").read_text()
    changed, n = re.subn(r"URLS = \[.*?\]", lambda _: f"URLS = {list(urls)!r}", source, flags=re.S)
    equal(n, 1, "lists of URLs")
    assert "load_url(url, 60)" in changed
    copy = pathlib.Path(folder, "urls.py")
    copy.write_text(changed.replace("load_url(url, 60)", f"load_url(url, {timeout})"))
    ours = fetch("--lecture", "-j1", "--timeout", str(timeout), *urls).out
    theirs = run([sys.executable, copy]).out
    line = r"_ssl\.c:\d+"  # of another Python's source
    equal(re.sub(line, "_ssl.c:LINE", ours), re.sub(line, "_ssl.c:LINE", theirs))


@check
def the_sequential_program_prints_the_same():
    with Server() as server:
        env = internet(server)
        equal(fetch("--lecture", "-j1", env=env).out, original("urls_sequential.py", env).out)


@check
def the_concurrent_program_prints_the_same_lines():
    with Server() as server:
        env = internet(server)
        expected = original("urls_concurrent.py", env).out
        equal(sorted(fetch("--lecture", env=env).out.splitlines()), sorted(expected.splitlines()))


@check
def the_timed_program_prints_the_same_lines_and_a_number():
    with Server() as server:
        env = internet(server)
        ours = fetch("--lecture", "--bench", "10", env=env).out.splitlines()
        theirs = original("urls_timeit.py", env).out.splitlines()
        equal(len(ours), 61, "lines")
        equal(sorted(ours[:-1]), sorted(theirs[:-1]))
        for mean in (ours[-1], theirs[-1]):
            matches(mean, r"\d+\.\d+(e-\d+)?")


@check
def each_fault_reads_as_from_the_sequential_program():
    lecture_program("urls_sequential.py")
    holder, refused = refusing_port()
    with holder, Server() as server, tempfile.TemporaryDirectory() as folder:
        urls = [url for url, _, _ in all_faults(server, refused)]
        same_as_original(folder, urls)


@check
def silence_reads_as_from_the_sequential_program():
    lecture_program("urls_sequential.py")
    with Server() as server, full_port() as connecting, tempfile.TemporaryDirectory() as folder:
        server.page("?", silence_after(b"", server))
        urls = [server.page("/never", silence_after(b"", server)),
                server.page("/body", silence_after(head("200 OK") + b"abc", server)),
                connecting, f"https://127.0.0.1:{server.port}/"]
        same_as_original(folder, urls, timeout=1)


@check
def redirects_end_as_in_the_sequential_program():
    lecture_program("urls_sequential.py")
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        for i in range(12):
            server.page(f"/{i}", redirect(f"/{i + 1}", f"30{i % 3 + 1} Go {i}"))
        server.page("/12", answer(b"12345"))
        server.page("/ping", redirect("pong"))
        server.page("/pong", redirect("/ping"))
        server.page("/a/b", redirect("../12"))
        server.page("/space", redirect("/with space"))
        server.page("/with%20space", answer(b"123"))
        server.page("/mail", redirect("mailto:x@y"))
        server.page("/no-host", redirect("http:/12"))
        server.page("/303", redirect("/12", "303 See Other"))
        server.page("/304", status("304 Not Modified", b""))
        server.page("/300", status("300 Multiple Choices"))
        targets = ["/0", "/1", "/2", "/ping", "/a/b", "/space", "/mail", "/no-host", "/303", "/304",
                   "/300"]
        urls = list(map(server.url, targets))
        same_as_original(folder, urls)


# ---- TAP ----------------------------------------------------------------------------


def outcome(number, function):
    line, why = f"ok {number} - {function.__name__.replace('_', ' ')}", ""
    try:
        function()
    except Skip as skip:
        line += f" # SKIP {skip}"
    except Exception as wrong:  # a check may fail in any way: the others go on
        line, why = f"not {line}", f"{type(wrong).__name__}: {wrong}"
    print("\n".join([line, *("# " + part for part in why.splitlines())]), flush=True)
    return not why


def main():
    if WEFT is None:
        sys.exit(__doc__.splitlines()[0])
    print(f"1..{len(Checks)}", flush=True)
    right = [outcome(number, function) for number, function in enumerate(Checks, 1)]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
