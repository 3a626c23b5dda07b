#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch_faults_test.py BUILD/weft [...] FAULT_SERVER - weft fetch never lies about what broke.

Each page of the fault server, which misbehaves as its table says, is fetched twice: as JSON lines,
whose row is compared with what the page should come to - kind, words, sizes, attempts - and as
text, where a failure must say the same on stderr and have no size on stdout. The numbers are those
of the cases that a page fetcher has to name right; those without one were thought of later.

All of them run side by side. A limit of time is short where it is what ends the page, and long
where it is not, so that a slow machine decides nothing. The output is TAP.
"""

import concurrent.futures
import contextlib
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no __pycache__ beside the tests
from fault_helpers import (  # noqa: E402
    ENVIRONMENT, Fault, FaultServer, Ok, PATIENCE, Result, SANITIZED, WEFT, equal, fetch,
    fetch_rows, make_certificates, matches, outcome, rows_of,
)
from program_helpers import until  # noqa: E402

AT_ONCE = 12
LONG = ["--connect-timeout", "20", "--first-byte-timeout", "20", "--idle-timeout", "20",
        "--timeout", "40", "--retries", "0"]
ESTABLISHED = "01"  # in /proc/net/tcp
MEMORY = 64 << 10  # KB, that no page may make us use

server = None  # of all checks
ca_file = None
Checks = []  # (name, function)
asked = set()  # pages that a check asks for
unique = itertools.count(1)


def check(function):
    """Register a check; its name is the sentence that it proves."""
    Checks.append((function.__name__.replace("_", " "), function))
    return function


def page(path, **where):
    """The address of a page, which nobody else asks for."""
    asked.add(path.split("?")[0])
    return server.url(f"{path}{'&' if '?' in path else '?'}u={next(unique)}", **where)


def target(url):
    return "/" + url.split("/", 3)[3]


# ---- one page, one outcome ----------------------------------------------------------


def case(name, path, expected, *options, also=None, **where):
    """Register the check of one page. `also(row, url)` looks at what is not in its row."""
    both = [expected] if not isinstance(expected, list) else expected

    def run_once(patience):
        url = page(path, **where) if path.startswith("/") else path.format(**server.doors)
        text_url = page(path, **where) if path.startswith("/") else url
        settled = [*LONG, "--cacert", ca_file, *longer(options, patience)]
        result = fetch("--jsonl", *settled, url)
        row = rows_of(result)[url]
        compare_one(both, lambda wanted: wanted.compare(row))
        compare_sum(result, row)
        compare_one(both, lambda wanted: wanted.compare_text(text_url, fetch(*settled, text_url)))
        if not SANITIZED:
            assert result.kilobytes < MEMORY, f"{result.kilobytes} KB"
        if also:
            also(row, url)

    def run():
        patience = 1
        while True:
            try:
                return run_once(patience)
            except AssertionError:  # this machine may have been slower than the limit
                if longer(options, 2) == list(options) or patience == PATIENCES[-1]:
                    raise
            patience *= 2

    Checks.append((name, run))


PATIENCES = [1, 2, 4, 8]


def longer(options, patience):
    """The same, with limits of time so many times as long."""
    before = ["", *options]
    return [str(patience * int(option)) if before[i].endswith("timeout") else option
            for i, option in enumerate(options)]


def compare_sum(result, row):
    """What failed counts nowhere as a size, and what is whole counts with its own."""
    total = json.loads(result.out.splitlines()[-1])
    sizes = [row["encoded"] or 0, row["decoded"] or 0]
    equal([total["pages"], total["failed"], total["encoded"], total["decoded"]],
          [1, 0 if row["ok"] else 1, *sizes], "summary")
    equal(total["largest"],
          [{"url": row["url"], "decoded": sizes[1]}] if row["ok"] and not row["head"] else [],
          "largest")


def compare_one(wanted, compare):
    """One of several outcomes that are right; what the first has against it, if none is."""
    wrong = []
    for one in wanted:
        try:
            return compare(one)
        except AssertionError as why:
            wrong.append(why)
    raise wrong[0]


def asked_times(n):
    return lambda row, url: equal(server.count(target(url)), n, "requests")


def at_least(field, least):
    def look(row, url):
        assert row[field] >= least, f"{field}: {row[field]}"

    return look


def stopped(field, limit, of=None):
    """Ended soon behind the limit, and the message says where."""

    def look(row, url):
        n = row[field]
        assert limit <= n <= limit + (1 << 20), f"{field}: {n}"
        assert str(n) in row["message"], row["message"]
        assert of is None or row[of] < n, f"{of}: {row[of]}"

    return look


def says(words):
    """words(row, url) is the message."""
    return lambda row, url: equal(row["message"], words(row, url), "message")


def header_bytes(least):
    return at_least("header_bytes", least)


def waited(seconds):
    """The server was left alone for so long between two requests."""

    def look(row, url):
        times = [request.ms for request in server.log(target(url))]
        equal(len(times), 2, "requests")
        assert times[1] - times[0] >= seconds * 1000 - 10, f"asked again after {times} ms"

    return look


INVALID = r"not a valid HTTP answer: .+"


def invalid(about, **more):
    return Fault("answer", rf"not a valid HTTP answer: .*(?i:{about}).*", **more)


def http(status, reason, **more):
    tail = "" if status >= 400 else ", which is not a page"
    return Fault("http", rf"{status} {reason}{tail} \(HTTP\)", status=status, **more)


def late(what, option, seconds, **more):
    limits = "|".join(str(patience * int(seconds)) for patience in PATIENCES)
    return Fault("timeout", rf"timed out {what} \((?:{limits}) s, --{option}\)", **more)


def cut(partial, claimed=None, **more):
    of = f" of {claimed}" if claimed is not None else ""
    return Fault("cut", f"cut off after {partial}{of} bytes", partial, claimed=claimed, **more)


def broken(words="", **more):
    return Fault("broken", f"the connection broke: Connection reset by peer{words}", **more)


FIRST = ["--first-byte-timeout", "1"]
IDLE = ["--idle-timeout", "1"]

# ---- the 43 cases --------------------------------------------------------------------

case("1. a page with a length", "/ok?size=70000", Ok(70000, claimed=70000))
case("2. a page in chunks", "/chunked", Ok(5000))
case("3. a page that ends with the connection is not verified", "/close",
     Ok(300, unverified=True))
case("4. a 204 has no bytes", "/204", Ok(0, status=204))
case("5. a 404 is not a page, and not tried again", "/404", http(404, "Not Found"),
     "--retries", "2", also=asked_times(1))
case("6. a 500 is tried again, so often", "/500",
     http(500, "Internal Server Error", attempts=2), "--retries", "1", also=asked_times(2))
case("7. a page that comes at the third attempt", "/500?times=2",
     Ok(5, claimed=5, attempts=3), "--retries", "2", also=asked_times(3))
case("8. a 429 is obeyed, and then the page comes", "/429?times=1&after=1",
     Ok(5, claimed=5, attempts=2), "--retries", "1", also=waited(1))


def five_hops(row, url):
    equal([hop["status"] for hop in row["hops"]], [302] * 5, "statuses")
    equal([re.sub(r"&.*", "", target(hop["url"])) for hop in row["hops"]],
          [f"/redirects?n={n}" for n in (5, 4, 3, 2, 1)], "hops")
    assert row["target"].endswith("/redirects?n=0"), row["target"]


case("9. five redirects are followed and shown", "/redirects?n=5",
     Ok(5, claimed=5, redirects=5), also=five_hops)
def expired_yesterday(row, url):
    # -days -1; the certificate was made a moment ago, perhaps on the day before.
    days = {time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400 * n)) for n in (1, 2)}
    assert any(day in row["message"] for day in days), row["message"]


case("10. a redirect without end", "/redirects?n=1000",
     Fault("redirect-loop", r"redirected too often, next to \S+/redirects\?n=989", redirects=10))
case("11. a cookie is kept along redirects", "/cookie", Ok(5, claimed=5, redirects=1))
case("12. no answer", "/hang", late("waiting for an answer", "first-byte-timeout", "1"), *FIRST)
case("13. headers that stop", "/hang-in-header",
     late("in the answer's headers", "idle-timeout", "1"), *IDLE)
case("14. a body that stops", "/hang-in-body",
     late("in the body, after 3 of 100 bytes", "idle-timeout", "1", partial=3, claimed=100),
     *IDLE)
case("15. a body that drips", "/drip?ms=100",
     late(r"in the body, after \d+ of 1000000 bytes", "timeout", "2", claimed=1000000),
     "--timeout", "2")
case("16. an answer that takes its time", "/slow?ms=300", Ok(5, claimed=5),
     also=at_least("first_byte_seconds", 0.29))
case("17. closed without an answer", "/empty-reply",
     Fault("no-answer", "closed the connection without an answer", status=None))
case("18. not HTTP", "/not-http",
     Fault("not-http", r"the answer is not HTTP: what is HTTP\?", status=None))
case("19. reset before the answer", "/reset", broken(status=None))
case("20. reset in the body", "/reset-in-body",
     broken(", after 3 of 100 bytes", partial=3, claimed=100))
case("21. a body shorter than its length", "/short", cut(3, 100))
case("22. a body longer than its length", "/longer", Ok(5, claimed=5, excess=True))
case("22. a large body longer than its length", "/longer-large",
     Ok(100000, claimed=100000, excess=True))
case("23. two lengths", "/two-lengths", invalid("Content-Length"))
case("24. a negative length", "/negative-length", invalid("Content-Length"))
case("25. a TiB is announced", "/length-1tb",
     Fault("size", r"its size of 1099511627776 bytes is over the limit \(--max-size\)"))
case("26. chunks that end too early", "/chunked-cut", cut(5))
case("27. a chunk size that is none", "/chunk-word", invalid("chunk"))
case("28. a header of 200 KB", "/giant-header",
     Fault("headers", r"refused: .*header.*", encoded=None))
case("29. 5000 headers", "/many-headers", Ok(5, claimed=5), also=header_bytes(55000))
case("30. fifty interim answers", "/interim", Ok(5, claimed=5))
case("31. says keep-alive, and closes", "/stale?now=1", Ok(5, claimed=5))
case("32. says gzip, and is not", "/gzip-lie",
     Fault("encoding", "the body is not what its Content-Encoding says: .+", claimed=11))
case("33. a gzip stream that is cut", "/gzip-cut",
     Fault("encoding-cut", r"the compressed body has no end, after \d+ of \d+ bytes"),
     also=says(lambda row, url: "the compressed body has no end, after "
                                f"{row['partial_encoded']} of {row['claimed']} bytes"))
case("34. a gzip bomb", "/bomb?mb=64",
     Fault("decoded-size", r"stopped after \d+ bytes.* over the limit.*"),
     "--max-decoded", "1M", also=stopped("partial_decoded", 1 << 20, of="partial_encoded"))
case("34. a gzip bomb of a GiB ends without any option", "/bomb",
     Fault("decoded-size", r"stopped after \d+ bytes, 536870912 decoded: its size is over the limit "
                           r"\(--max-decoded\)", partial_decoded=512 << 20))
case("35. a body without end", "/endless",
     Fault("size", r"stopped after \d+ bytes: its size is over the limit \(--max-size\)"),
     "--max-size", "1M", also=stopped("partial_encoded", 1 << 20))
case("36. chunks without end", "/endless-chunked",
     Fault("size", r"stopped after \d+ bytes: its size is over the limit \(--max-size\)"),
     "--max-size", "1M", also=stopped("partial_encoded", 1 << 20))
case("37. refused", "http://{refused}/", Fault("connect", "cannot connect: Connection refused"))
case("37. refused at a name, whose address is shown", "/ok",
     Fault("connect", r"cannot connect: Connection refused \((127\.0\.0\.1|::1)\)", status=None),
     also=says(lambda row, url: f"cannot connect: Connection refused ({row['address']})"),
     door="refused", host="localhost")
case("38. a name that nobody has", "http://no-such-name.invalid/",
     Fault("name", r".+ \(DNS\)", status=None))
case("39. not a URL", "http://{plain}/a b", Fault("url", r"not a URL: byte \d+ is a space"),
     also=says(lambda row, url: f"not a URL: byte {url.index(' ') + 1} is a space"))
case("40. a certificate for another name", "/ok",
     Fault("tls", r"no safe connection: .*(?=.*localhost)(?=.*other\.test).* \(TLS\)"),
     door="tls-other")
case("41. a certificate that nobody signed", "/ok",
     Fault("tls", r"no safe connection: .*self-signed.* \(TLS\)"), door="tls-self")
case("42. a certificate that has expired", "/ok",
     Fault("tls", r"no safe connection: .*expired on \d{4}-\d\d-\d\d \(TLS\)"),
     door="tls-expired", also=expired_yesterday)
case("43. https to a port of plain HTTP", "/ok",
     Fault("tls", r"no safe connection: the server speaks plain HTTP there \(TLS\)"),
     scheme="https")

# ---- more: right ones that look odd ------------------------------------------------------

case("a page that waits for no other", "/gather", Ok(5, claimed=5))
case("chunks with an extension, and headers behind", "/chunked-trailers", Ok(5))
case("headers behind the body that contradict it", "/trailers-lie", Ok(5, encoding=None))
case("the end of the stream is that of the page, though the connection stays", "/half-close",
     Ok(5, unverified=True))
case("HTTP/1.0", "/http10", Ok(5, http="1.0", unverified=True))
case("HTTP/1.0 with keep-alive", "/http10-keep", Ok(5, claimed=5, http="1.0"))
case("an empty page", "/empty", Ok(0, claimed=0))
case("a status line without a reason", "/no-reason", Ok(5, claimed=5))
case("lines without carriage returns", "/bare-newlines", Ok(5, claimed=5))
case("a folded header", "/folded-header", Ok(5, claimed=5))
case("the same length twice", "/same-lengths", Ok(5, claimed=5))
case("the same length twice in one line", "/list-length", [Ok(5, claimed=5), invalid("length")])
case("100 Continue that nobody waits for", "/continue", Ok(5, claimed=5))
case("TLS that is right", "/ok", Ok(5, claimed=5), door="tls-right")
case("a page to the end of TLS", "/close", Ok(300, unverified=True), door="tls-right")

# ---- more: statuses ----------------------------------------------------------------------

case("a 410 is not tried again", "/410", http(410, "Gone"), "--retries", "2", also=asked_times(1))
case("an error page without end", "/404-endless", http(404, "Not Found"))
case("an error page that hangs", "/404-hang",
     [http(404, "Not Found"), late(".*", "idle-timeout", "1", status=404)], *IDLE)
case("a part that nobody asked for is not the page", "/206", http(206, "Partial Content"))
case("not modified is not a page", "/304", http(304, "Not Modified"))
for name, path, claimed in (
        ("5", "/204-length", 5), ("a TiB", "/204-length-1tb", 1 << 40),
        ("5 and a Transfer-Encoding of nothing", "/204-te-identity", 5)):
    case(f"a 204 has no bytes, whatever it claims: {name}", path, Ok(0, claimed=claimed, status=204))
for path in "/304-length-1tb", "/304-te-identity":
    case(f"not modified is not a page, whatever it claims: {path}", path,
         http(304, "Not Modified"))
case("another protocol that nobody asked for", "/101",
     [http(101, "Switching Protocols"), Fault("answer", INVALID)])
case("another protocol that nobody asked for, and that waits", "/101-hang",
     http(101, "Switching Protocols"))
case("a status that is no number", "/status-word",
     [Fault("not-http", "the answer is not HTTP: HTTP/1.1 abc OK"), Fault("answer", INVALID)])
case("a status of two digits", "/status-2-digits",
     [Fault("not-http", "the answer is not HTTP: HTTP/1.1 20 OK"), Fault("answer", INVALID)])
case("a status of four digits", "/status-4-digits",
     [Fault("not-http", "the answer is not HTTP: HTTP/1.1 2000 OK"), Fault("answer", INVALID)])
case("a version that does not exist", "/status-version",
     [Fault("not-http", "the answer is not HTTP: HTTP/9.7 200 OK"), Fault("answer", INVALID)])
case("503 with a time is obeyed", "/503?times=1&after=1", Ok(5, claimed=5, attempts=2),
     "--retries", "1", also=waited(1))
case("a 429 with a date is obeyed", "/429?times=1&after=2&date=1", Ok(5, claimed=5, attempts=2),
     "--retries", "1", also=waited(1))
case("a pause of an hour is cut short", "/429?times=1&after=3600", Ok(5, claimed=5, attempts=2),
     "--retries", "1", "--retry-cap", "0.5", also=asked_times(2))
case("a 429 that stays", "/429?after=0", http(429, "Too Many Requests", attempts=3),
     "--retries", "2", also=asked_times(3))

# ---- more: redirects ---------------------------------------------------------------------

REFUSED = r"redirected to what is neither http: nor https: "
case("a redirect to a file", "/redirect?to=file:///etc/passwd",
     Fault("redirect-scheme", REFUSED + "file:///etc/passwd", status=302))
case("a redirect to ftp", "/redirect?to=ftp://127.0.0.1/x",
     Fault("redirect-scheme", REFUSED + "ftp://127.0.0.1/x", status=302))
case("a redirect to gopher", "/redirect?to=gopher://127.0.0.1:70/x",
     Fault("redirect-scheme", REFUSED + "gopher://127.0.0.1:70/x", status=302))
case("a redirect to javascript", "/redirect?to=javascript:alert(1)",
     Fault("redirect-scheme", REFUSED + r"javascript:alert\(1\)", status=302))
case("a redirect with a fragment", "/redirect?to=/ok%23part", Ok(5, claimed=5, redirects=1),
     also=lambda row, url: equal(server.log(target(url))[0].target, target(url), "asked"))
case("a redirect without a path", "/redirect?to=%3Fu=1", Fault(
    "redirect-loop", "redirected too often, next to .*"), "--redirects", "0")
case("a redirect to a query with a colon, which is no scheme", "/redirect?to=%3Fu=12:30", Fault(
    "redirect-loop", r"redirected too often, next to \S+/redirect\?u=12:30"), "--redirects", "0")
case("a redirect relative to its folder", "/redirect?to=./../ok", Ok(5, claimed=5, redirects=1))
for location in "http:/ok", "http:../ok", "HTTP:/ok", "http:ok":
    case(f"a redirect to the page's scheme without a host: {location}",
         f"/redirect?to={location}", Ok(5, claimed=5, redirects=1))
case("a redirect to a scheme behind a scheme", "/redirect?to=http:file:///etc/passwd",
     Fault("url", "redirected to what is not a URL: .+: http:file:///etc/passwd"))
case("a redirect with a page without end", "/redirect-endless",
     Ok(5, claimed=5, redirects=1), "--max-size", "1M")
case("a redirect whose page would end with the connection", "/redirect-hang-open",
     Ok(5, claimed=5, redirects=1))
case("a redirect whose large page hangs", "/redirect-hang-large", Ok(5, claimed=5, redirects=1))
case("a redirect whose page hangs", "/redirect-hang", Ok(5, claimed=5, redirects=1), *IDLE)
for name, path in {
    "is cut": "/redirect-cut",
    "is reset": "/redirect-reset",
    "has a bad chunk": "/redirect-chunk-word",
}.items():
    case(f"a redirect whose page {name} leads on", path, Ok(5, claimed=5, redirects=1))
case("a redirect whose page hangs until there is no more time", "/redirect-hang",
     late("in the body, after 3 of 100 bytes", "timeout", "1", partial=3, claimed=100,
          status=302, redirects=0), "--timeout", "1")
case("a redirect without a target", "/nowhere", http(302, "Found"))
case("a redirect to an empty target leads to itself", "/redirect?to=",
     Fault("redirect-loop", r"redirected too often, next to \S+/redirect\?to=\S+", redirects=4),
     also=asked_times(5))
case("a redirect to a fragment alone leads to itself", "/redirect?to=%23part",
     Fault("redirect-loop", r"redirected too often, next to \S+/redirect\?to=\S+", redirects=4),
     also=asked_times(5))
case("a redirect to what is no URL", "/redirect?to=http://127.0.0.1:99999/",
     Fault("url", "redirected to what is not a URL: .+: http://127.0.0.1:99999/", redirects=0),
     also=lambda row, url: equal(row["target"], "http://127.0.0.1:99999/", "target"))
case("a redirect beyond --redirects", "/redirects?n=3",
     Fault("redirect-loop", r"redirected too often, next to \S+/redirects\?n=0", redirects=2),
     "--redirects", "2")
for status in (301, 303, 307, 308):
    case(f"a redirect of {status}", f"/redirect?status={status}", Ok(5, claimed=5, redirects=1))

# ---- more: time --------------------------------------------------------------------------

case("nothing behind the headers", "/hang-after-header",
     late("in the body, after 0 of 100 bytes", "idle-timeout", "1", partial=0, claimed=100),
     *IDLE)
case("a chunk that stops", "/hang-in-chunk",
     late("in the body, after 3 bytes", "idle-timeout", "1", partial=3), *IDLE)
case("an interim answer, and no other", "/hang-interim",
     [late("waiting for an answer", "first-byte-timeout", "1"),
      late("in the answer's headers", "idle-timeout", "1"),
      late("waiting for an answer", "idle-timeout", "1")], *FIRST, *IDLE)
case("a header that drips", "/drip-header?ms=100",
     late("in the answer's headers", "timeout", "2"), "--timeout", "2")
case("a gzip stream that drips", "/gzip-chunked?ms=100",
     late(r"in the body, after \d+ bytes", "timeout", "2"), "--timeout", "2")
case("a server that never says a word of TLS", "/ok",
     late("agreeing on TLS", "connect-timeout", "1"), "--connect-timeout", "1",
     door="mute", scheme="https")
case("a server that never says a word", "/ok",
     late("waiting for an answer", "first-byte-timeout", "1"), *FIRST, door="mute")
case("a timeout is tried again", "/hang?times=1", Ok(5, claimed=5, attempts=2),
     "--first-byte-timeout", "2", "--retries", "1", also=asked_times(2))

# ---- more: connections that end ------------------------------------------------------------

case("reset in the headers", "/reset-in-header", broken())
case("reset where a page without length should end", "/reset-at-close",
     broken(", after 3 bytes", partial=3))
case("headers that end too early", "/cut-in-header",
     [Fault("answer", "not a valid HTTP answer: it ends inside the headers"),
      Fault("cut", "cut off .*header.*")])
case("a body of which nothing comes", "/short-of-all", cut(0, 100))
case("a short body, though the connection stays", "/short-half-close", cut(3, 100))
case("a chunk that is cut", "/chunk-cut", cut(3))
case("headers behind the body that are cut", "/trailers-cut", cut(5))
case("a TLS stream that is cut, of a page without length", "/tls-cut",
     [Fault("cut", "cut off after 3 bytes", 3), Ok(3, unverified=True)], door="tls-right")
case("a short body over TLS", "/short", cut(3, 100), door="tls-right")
for door in "plain", "tls-right":
    case(f"a body of its length is whole, however it ends: {door}", "/tls-cut-whole",
         Ok(5, claimed=5), door=door)
    case(f"a body short of its length is cut, however it ends: {door}", "/tls-cut-short",
         cut(3, 100), door=door)
    case(f"the last chunk is the end, whatever follows: {door}", "/tls-cut-last-chunk",
         Ok(5), door=door)
    case(f"a chunk that is not the last is no end: {door}", "/tls-cut-chunk", cut(5), door=door)
    case(f"headers that are cut: {door}", "/tls-cut-header",
         [Fault("answer", "not a valid HTTP answer: it ends inside the headers"),
          Fault("cut", "cut off .*header.*")], door=door)
    case(f"cut instead of an answer: {door}", "/tls-cut-first",
         Fault("no-answer", "closed the connection without an answer", status=None), door=door)
    case(f"bytes behind a body of its length: {door}", "/longer",
         Ok(5, claimed=5, excess=True), door=door)
    case(f"a second answer behind a body: {door}", "/poison",
         Ok(5, claimed=5, excess=True), door=door)
    case(f"a second answer behind no body: {door}", "/poison-empty",
         Ok(0, claimed=0, excess=True), door=door)
    case(f"a second answer behind chunks: {door}", "/poison-chunked", Ok(5), door=door)
# Of a reset that is there before the first look it is known only that connecting came to nothing.
RESET = [broken(), Fault("connect", "cannot connect: Connection reset by peer")]
case("a reset instead of a handshake", "/ok",
     [*RESET,
      Fault("tls", r"no safe connection: .*Connection reset.* \(TLS\)")],
     door="rude", scheme="https")
case("a server that resets whoever comes", "/ok", RESET, door="rude")
case("a reset is tried again", "/reset?times=1", Ok(5, claimed=5, attempts=2), "--retries", "1",
     also=asked_times(2))
case("an empty reply is tried again", "/empty-reply?times=1", Ok(5, claimed=5, attempts=2),
     "--retries", "1")
case("headers that are cut are tried again", "/cut-in-header?times=1",
     Ok(5, claimed=5, attempts=2), "--retries", "1", also=asked_times(2))
case("a cut body is tried again, and only the last attempt counts", "/short?times=1",
     Ok(5, claimed=5, attempts=2), "--retries", "1", also=asked_times(2))

# ---- more: lengths and chunks ----------------------------------------------------------------

for name, path in {
    "two lengths in one line": "/two-in-one",
    "a length of +5": "/plus-length",
    "a length in hex": "/hex-length",
    "a length that is a word": "/word-length",
    "a length with a tail": "/length-tail",
    "a length of 2^64 + 5": "/overflow-length",
}.items():
    case(name, path, invalid("Content-Length"))
case("a length that is empty", "/no-length",
     [invalid("Content-Length"), Ok(5, unverified=True)])
case("a space before the colon", "/space-colon", [Fault("answer", INVALID), Ok(5, unverified=True)])
case("a space before the colon of chunks", "/space-chunked", invalid("Transfer-Encoding"))
case("a space before the colon of gzip", "/space-gzip", invalid("Content-Encoding"))
case("a folded Content-Encoding", "/folded-gzip", invalid("Content-Encoding"))
case("a folded Content-Length", "/folded-length", invalid("Content-Length"))
case("chunks are chunks, whatever a second Transfer-Encoding says", "/chunked-identity", Ok(5))
case("a Transfer-Encoding of nothing: the length counts", "/te-identity", Ok(5, claimed=5))
case("a Transfer-Encoding of nothing, and no bytes", "/te-identity-empty", Ok(0, claimed=0))
case("a Transfer-Encoding of nothing, and more than the length", "/te-identity-long",
     Ok(5, claimed=5, excess=True))
case("a Transfer-Encoding of nothing, and less than the length", "/te-identity-short",
     cut(3, 100))
case("a Transfer-Encoding of nothing, and no length", "/te-identity-close",
     Ok(5, unverified=True))
case("a header that begins as a status line does", "/http-header", Ok(5, claimed=5))
case("more spaces in a status line", "/status-spaces", Ok(5, claimed=5))
case("a length and chunks: the chunks count, or nothing", "/length-and-chunked",
     [Ok(5), invalid("Content-Length|Transfer-Encoding")])
case("a chunk of a negative size", "/chunk-negative", invalid("chunk"))
case("a chunk of 2^64 + 5", "/chunk-overflow", invalid("chunk"))
case("a chunk that does not end where it says", "/chunk-no-end", invalid("chunk"))
case("a line behind the last chunk that is no header", "/trailers-none", invalid("last chunk"))
case("a header behind the body of 5 KB", "/giant-trailer",
     Fault("headers", "refused: a line behind the last chunk of more than 4 KB", 5))
case("a header behind the body of 3 KB", "/giant-trailer?kb=3", Ok(5))
case("a transfer encoding that nobody knows", "/te-unknown",
     [Fault("answer", INVALID), Fault("encoding", ".+")])

# ---- more: headers ---------------------------------------------------------------------------

for name, path in {
    "a header without end": "/endless-header",
    "headers without end": "/endless-headers",
    "interim answers without end": "/endless-interim",
}.items():
    case(name, path, Fault("headers", "refused: .*header.*"))
case("headers over --max-header", "/many-headers?n=500",
     Fault("headers", "refused: headers of more than 4096 bytes.*"), "--max-header", "4K")
case("a zero byte in a header", "/nul-in-header", [Fault("answer", INVALID), Ok(5, claimed=5)])
case("a zero byte in a reason", "/nul-in-status",
     [Fault("answer", INVALID), http(404, ".*")])
case("a header without a colon", "/no-colon", [Fault("answer", INVALID), Ok(5, claimed=5)])

# ---- more: not HTTP --------------------------------------------------------------------------

case("bytes that are not HTTP", "/not-http-binary",
     Fault("not-http", r"the answer is not HTTP: \\x16.*"))
case("another protocol's greeting, which then waits", "/not-http-hangs",
     Fault("not-http", "the answer is not HTTP: SSH-2.0-OpenSSH_9.2p1"))
case("HTTP in small letters", "/http-small",
     Fault("not-http", "the answer is not HTTP: http/1.1 200 OK"))
case("a page of HTTP/0.9", "/http09",
     Fault("not-http", "the answer is not HTTP: <html>a page of HTTP/0.9</html>"))

# ---- more: encodings -------------------------------------------------------------------------


def packed(decoded, encoding):
    def look(row, url):
        equal((row["ok"], row["decoded"], row["encoding"]), (True, decoded, encoding), "row")
        assert 0 < row["encoded"] < decoded, row["encoded"]

    return look


class Packed:
    """A page that was packed: so many bytes when unpacked, fewer on the way."""

    def __init__(self, decoded, encoding, claims=True):
        self.decoded, self.encoding, self.claims = decoded, encoding, claims

    def compare(self, row):
        packed(self.decoded, self.encoding)(row, None)
        Ok(row["encoded"], self.decoded, row["encoded"] if self.claims else None).compare(row)

    def compare_text(self, url, result):
        matches(result.out, rf" *200 +\d+ +{self.decoded} +(\d+|-) +\S+s  {re.escape(url)} "
                rf"\({self.encoding}\)\n", "line")


BAD_ENCODING = Fault("encoding", "the body is not what its Content-Encoding says: .+")
NO_END = Fault("encoding-cut", r"the compressed body has no end, after \d+ of \d+ bytes.*")

case("gzip", "/gzip", Packed(100000, "gzip"))
case("gzip in chunks of a byte", "/gzip-chunked", Packed(100000, "gzip", claims=False))
case("two members of gzip are one body", "/gzip-members", Packed(200000, "gzip"))
case("gzip in gzip", "/gzip-layers", Packed(100000, "gzip, gzip"))
case("deflate", "/deflate", Packed(100000, "deflate"))
case("deflate without its header", "/deflate-raw", Packed(100000, "deflate"))
case("brotli", "/brotli", Packed(100000, "br"))
case("gzip over TLS", "/gzip", Packed(100000, "gzip"), door="tls-right")
case("gzip of no bytes at all", "/gzip-empty", Ok(0, claimed=0, encoding="gzip"))
case("no encoding, and says so", "/identity", Ok(5, claimed=5, encoding=None))
case("bytes behind the end of gzip", "/gzip-garbage", BAD_ENCODING)
case("a wrong checksum in gzip", "/gzip-checksum", BAD_ENCODING)
case("gzip cut in its header", "/gzip-cut?size=0&less=15", NO_END)
case("gzip cut in its checksum", "/gzip-cut?less=4", NO_END)
case("brotli that is cut", "/brotli-cut", NO_END)
case("bytes behind the end of brotli", "/brotli-garbage", BAD_ENCODING)
case("an encoding that nobody asked for", "/encoding-unknown",
     Fault("encoding", "the body cannot be decoded: an encoding that is not known: rot13"))
case("an encoding that nobody asked for, of no bytes", "/encoding-empty",
     Ok(0, claimed=0, encoding="rot13"))
case("an encoding that nobody asked for, of no body", "/204-encoding",
     Ok(0, status=204, encoding="rot13"))
case("seven encodings", "/encodings",
     Fault("encoding", "the body cannot be decoded: it is encoded too often: gzip(, gzip){6}"))
BOMB = Fault("decoded-size", r"stopped after \d+ bytes.* over the limit.*")
case("a bomb is over the limit of sizes too", "/bomb?mb=64", BOMB, "--max-size", "1M")
case("whoever allows more of what is decoded gets it", "/bomb?mb=2", Packed(2 << 20, "gzip"),
     "--max-size", "1M", "--max-decoded", "2M")
case("a bomb in gzip in gzip", "/bomb-layers?mb=64", BOMB, "--max-decoded", "1M")
case("a bomb of brotli", "/bomb-brotli?mb=64", BOMB, "--max-decoded", "1M")
case("a bomb within the limit is a page", "/bomb?mb=2", Packed(2 << 20, "gzip"),
     "--max-decoded", "2M")
case("what is not compressed has that limit too, where one was named", "/ok?size=70000",
     Fault("decoded-size", r"stopped after \d+ bytes.* over the limit.*"), "--max-decoded", "1K")

# ---- more: HEAD ------------------------------------------------------------------------------

HEAD = {"encoded": None, "decoded": None, "head": True}


def claims(size, **more):
    """Of --head: only what is claimed, no size."""
    wanted = Ok(0, claimed=size, **more)
    wanted.fields.update(HEAD)
    wanted.compare_text = lambda url, result: matches(
        result.out, rf" *200 +- +- +({size if size is not None else '-'}) +\S+s  .*\n", "line")
    return wanted


case("HEAD tells the length, and no size", "/ok?size=70000", claims(70000), "--head")
case("HEAD of a page without a length", "/close", claims(None), "--head")
case("HEAD of what is packed", "/gzip?size=0", claims(20, encoding="gzip"), "--head")
case("HEAD of what is missing", "/404", http(404, "Not Found"), "--head")
case("HEAD of two lengths", "/two-lengths", invalid("Content-Length"), "--head")
case("HEAD of a redirect", "/redirect", claims(5, redirects=1), "--head")


# ---- connections ---------------------------------------------------------------------------


def fetched(*paths, options=("-j1",), **where):
    """Rows and addresses of these pages, one after the other on one host."""
    urls = [page(path, **where) for path in paths]
    rows = fetch_rows(*LONG, *options, *urls)
    return [rows[url] for url in urls], urls


def earlier(url):
    """How many requests came before on the connection that this page came on."""
    return server.log(target(url))[-1].earlier


@check
def a_right_answer_leaves_its_connection_to_the_next():
    for path in ("/ok", "/chunked", "/chunked-trailers", "/204", "/empty", "/gzip", "/404",
                 "/redirect", "/http10-keep"):
        rows, urls = fetched(path, "/ok")
        equal(rows[1]["ok"], True, path)
        assert earlier(urls[1]) >= 1, f"{path}: another connection"


@check
def what_broke_leaves_no_connection_to_the_next():
    for path in ("/longer", "/gzip-lie", "/two-lengths", "/chunk-word", "/not-http", "/short"):
        rows, urls = fetched(path, "/ok")
        equal((rows[1]["ok"], rows[1]["encoded"]), (True, 5), path)
        if path != "/gzip-lie":  # that is whole, as HTTP counts
            equal(earlier(urls[1]), 0, f"{path}: requests before on its connection")


@check
def an_answer_that_nobody_asked_for_is_nobodys():
    for path, door in itertools.product(
            ("/poison", "/poison-chunked", "/poison-empty", "/204-with-body", "/longer"),
            ("plain", "tls-right")):
        rows, urls = fetched(path, "/ok?size=9", "/ok?size=8", door=door,
                             options=("-j1", "--cacert", ca_file))
        equal([(row["ok"], row["encoded"], row["excess"]) for row in rows[1:]],
              [(True, 9, False), (True, 8, False)], f"{path} {door}")
        equal([server.count(target(url)) for url in urls], [1, 1, 1], f"{path} {door}: requests")


@check
def the_next_pages_answer_is_not_more_of_the_one_before():
    # 60 pages on connections that go from one to the next at once.
    rows, _ = fetched(*(f"/ok?size=100000&i={i}" for i in range(60)), options=("-j4",))
    equal({(row["ok"], row["encoded"], row["excess"]) for row in rows},
          {(True, 100000, False)}, "rows")


@check
def what_came_while_a_connection_was_idle_answers_nothing():
    # What comes later than the next question, nobody can tell from its answer: so that waits.
    name = group()
    first = page(f"/poison-late?ms=1&group={name}")
    more = [page("/ok?size=9"), page("/ok?size=8")]
    command = [WEFT, "fetch", "--jsonl", *LONG, "-j1", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
        process.stdin.write(f"{first}\n".encode())
        process.stdin.flush()
        until(lambda: has_ended(name), "the end of the first page")
        # What was sent may not be there yet, where the kernel has more to do.
        until(lambda: not is_connected(process), "the end of its connection")
        out, err = process.communicate("\n".join(more).encode(), PATIENCE)
    rows = rows_of(Result(out.decode(), err.decode(), process.returncode, 0))
    equal([(rows[url]["ok"], rows[url]["encoded"]) for url in more], [(True, 9), (True, 8)], "rows")


def is_connected(process):
    """Whether it has a connection that it has not ended."""
    held = set()
    for descriptor in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # it is closed by now
            held.add(str(descriptor.readlink()))
    rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[3] == ESTABLISHED and f"socket:[{row[9]}]" in held for row in rows)


def has_ended(name):
    """Whether the page of this group was asked for, and has said all: one beside it is alone."""
    server.get(f"/ok?group={name}")
    log = server.log(name)
    return log[-1].now == 1 and any("/poison" in request.target for request in log)


@check
def a_connection_that_closed_meanwhile_is_no_fault():
    rows, urls = fetched("/stale", "/ok?size=9", "/stale?now=1", "/ok?size=8")
    equal([(row["ok"], row["encoded"]) for row in rows],
          [(True, 5), (True, 9), (True, 5), (True, 8)], "rows")
    equal([row["attempts"] for row in rows], [1] * 4, "attempts")
    equal(server.count(target(urls[1])), 1, "requests")


@check
def what_is_large_ends_the_connection_and_not_the_others():
    rows, urls = fetched("/endless", "/ok", "/endless-chunked", "/ok",
                         options=("-j1", "--max-size", "1M"))
    equal([row["ok"] for row in rows], [False, True, False, True], "ok")
    equal(earlier(urls[1]), 0, "requests before")


@check
def the_body_that_a_server_sends_to_head_is_nobodys():
    rows, _ = fetched("/identity", "/ok?size=9", options=("-j1", "--head"))
    equal([(row["ok"], row["claimed"]) for row in rows], [(True, 5), (True, 9)], "rows")


# ---- cookies and hosts -----------------------------------------------------------------------


@check
def a_cookie_stays_in_its_chain():
    rows, _ = fetched("/cookie-set", "/cookie-show")
    equal([row["encoded"] for row in rows], [len("been=here"), 0], "bytes of cookies")


@check
def a_cookie_does_not_go_to_another_host():
    there = page("/cookie-show", host="localhost")
    rows, _ = fetched(f"/cookie-set?to={there.replace('&', '%26')}")
    equal((rows[0]["target"], rows[0]["encoded"]), (there, 0), "target, bytes of cookies")


@check
def a_redirect_to_another_host_is_followed():
    there = page("/ok?size=9", door="other")
    rows, _ = fetched(f"/redirect?to={there.replace('&', '%26')}")
    equal((rows[0]["target"], rows[0]["encoded"], rows[0]["redirects"]), (there, 9, 1), "row")


@check
def a_redirect_to_what_is_refused_names_that():
    there = server.url("/", door="refused")
    rows, _ = fetched(f"/redirect?to={there}")
    equal((rows[0]["error"], rows[0]["target"]), ("connect", there), "row")


# ---- manners -------------------------------------------------------------------------------


def group():
    return f"g{next(unique)}"


@check
def a_host_that_asks_for_a_pause_gets_it_and_others_go_on():
    name = group()
    first = page(f"/503?times=1&after=3&group={name}")
    same = [page(f"/ok?group={name}") for _ in range(6)]
    other = page("/ok", door="other")
    rows = fetch_rows(*LONG, "-j", "4", "--per-host", "1", "--retries", "1", first, *same, other)
    assert all(row["ok"] for row in rows.values()), rows
    times = [request.ms for request in server.log(name)]
    equal(len(times), 8, "requests")
    assert times[1] - times[0] >= 2990, f"asked again after {times[1] - times[0]} ms"
    there = server.log(target(other))[0].ms
    assert there < times[1], "the other host had to wait too"


@check
def a_host_gets_the_pause_that_it_asks_for_also_when_a_page_is_given_up():
    name = group()
    urls = [page(f"/429?after=2&group={name}"), page(f"/ok?group={name}")]
    rows = fetch_rows(*LONG, "-j", "1", "--retries", "0", *urls)
    equal([rows[url]["ok"] for url in urls], [False, True], "ok")
    times = [request.ms for request in server.log(name)]
    equal(len(times), 2, "requests")
    assert times[1] - times[0] >= 1990, f"asked again after {times[1] - times[0]} ms"


@check
def the_limit_per_host_is_kept():
    name = group()
    urls = [page(f"/slow?ms=60&group={name}") for _ in range(12)]
    more = [page(f"/slow?ms=60&group={name}-other", door="other") for _ in range(12)]
    rows = fetch_rows(*LONG, "-j", "12", "--per-host", "3", *urls, *more)
    equal(sum(row["ok"] for row in rows.values()), 24, "pages")
    for key in name, f"{name}-other":
        most = max(request.now for request in server.log(key))
        assert most <= 3, f"{most} at once"


@check
def hosts_are_asked_side_by_side():
    name = group()
    urls = [page(f"/slow?ms=1000&group={name}", door=door) for door in ("plain", "other") * 2]
    fetch_rows(*LONG, "-j", "4", "--per-host", "1", *urls)
    equal(max(request.now for request in server.log(name)), 2, "at once")


@check
def the_delay_between_two_requests_is_kept():
    # How far apart they arrive says little, for the first may be held up on its way. But the last
    # cannot come sooner than three delays after all began, by the clock that the server has too.
    name = group()
    urls = [page(f"/ok?group={name}") for _ in range(4)]
    begin = time.monotonic()
    fetch_rows(*LONG, "--delay", "0.5", *urls)
    times = [request.ms / 1000 - begin for request in server.log(name)]
    assert len(times) == 4 and times[-1] >= 1.499, f"asked after {times} s"


@check
def a_redirect_within_a_host_waits_for_the_delay_too():
    name = group()
    there = target(page(f"/ok?group={name}")).replace("&", "%26")
    begin = time.monotonic()
    rows = fetch_rows(*LONG, "--delay", "1", page(f"/redirect?group={name}&to={there}"))
    equal([(row["ok"], row["redirects"]) for row in rows.values()], [(True, 1)], "rows")
    times = [request.ms / 1000 - begin for request in server.log(name)]
    assert len(times) == 2 and times[1] >= 0.999, f"asked after {times} s"


@check
def a_page_that_hangs_holds_up_no_other_host():
    hanging = [page("/hang") for _ in range(3)]
    urls = [page("/ok", door="other") for _ in range(5)]
    result = fetch("--jsonl", *LONG, "--first-byte-timeout", "5", "-j", "4", *hanging, *urls)
    rows = rows_of(result)
    equal(sorted(row["ok"] for row in rows.values()), [False] * 3 + [True] * 5, "ok")
    first = [line.split('"url":"')[1].split('"')[0] for line in result.out.splitlines()[:5]]
    equal(sorted(first), sorted(urls), "the first five")


# ---- all of it -------------------------------------------------------------------------------


@check
def each_page_of_the_server_is_asked_for_by_some_check():
    mine = {"/", "/count", "/log"}
    equal(server.pages() - asked_for() - mine, set(), "not asked for")


def asked_for():
    """Not `asked`, which fills while the checks run: what stands in this file."""
    return set(re.findall(r"/[a-z0-9-]+", pathlib.Path(__file__).read_text()))


def main():
    global server, ca_file
    if not WEFT:
        sys.exit(__doc__.splitlines()[0])
    print(f"1..{len(Checks) + 1}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        certificates, ca_file = make_certificates(folder)
        with FaultServer(sys.argv[-1], **certificates) as server:
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                results = [pool.submit(outcome, number, name, function)
                           for number, (name, function) in enumerate(Checks, 1)]
                right = [show(result.result()) for result in results]
        right.append(show(outcome(len(Checks) + 1, "the fault server ended well",
                                  lambda: equal(server.status, 0, "status"))))
    return 0 if all(right) else 1


def show(line):
    print(line, flush=True)
    return line.startswith("ok")


if __name__ == "__main__":
    sys.exit(main())
