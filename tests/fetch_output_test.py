#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch_output_test.py BUILD/weft [...] - what weft fetch prints: into a pipe, on a terminal, as
JSON, JSON lines and CSV, read as its users would.

What each form is to the byte, the unit tests say; here it is that of whole runs. The output is TAP.
"""

import contextlib
import csv
import errno
import fcntl
import io
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

sys.dont_write_bytecode = True  # no __pycache__ beside the tests
from http_server import (  # noqa: E402
    Server, after, answer, chunked, head, redirect, silence_after, status, to_the_end,
)
from program_helpers import PATIENCE, WEFT, equal, run_tests, test, weft  # noqa: E402

# Neither the proxies of this machine nor its wishes about colors are the tests' business.
for name in list(os.environ):
    if name.lower().endswith("_proxy") or name in ("NO_COLOR", "SSL_CERT_FILE"):
        del os.environ[name]

FIELDS = """url target ok error message stage status http encoding encoded decoded claimed
partial_encoded partial_decoded excess unverified head seconds begin_seconds name_seconds
connect_seconds tls_seconds first_byte_seconds request_seconds attempts redirects address
header_bytes request_bytes before growth budget over_budget""".split()

SUMMARY = """interrupted seconds pages failed failed_by over_budget encoded decoded received heads
claimed_by_heads decoded_at seconds_at largest slowest changes budgets""".split()


def fetch(*arguments, **more):
    return weft("fetch", "--retries", "0", *arguments, **more)


def start(*arguments, **pipes):
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **pipes}
    return subprocess.Popen([WEFT, "fetch", "--retries", "0", *arguments], **pipes)


def matches(text, pattern):
    assert re.fullmatch(pattern, text), f"{text!r} does not match {pattern!r}"


def three_pages(server):
    """Two that are whole, and one that is cut."""
    end = server.page("/end", answer(b"x" * 2048))
    return [server.page("/moved", redirect("/end")), server.page("/chunked", chunked(b"y" * 10)),
            server.page("/cut", answer(b"abc", length=100))], end


@test
def json_is_whole_where_the_list_breaks_off():
    with Server() as server:
        url = server.page("/", answer(b"x"))
        for bad in "x" * 70000, "http://x/\0":
            result = fetch("--json", "-j1", "-", given=f"{url}\n{bad}\n")
            run = json.loads(result.out)
            equal([page["encoded"] for page in run["pages"]], [1])
            equal((run["summary"]["interrupted"], result.status), (True, 1))
            equal(result.err.count("\n"), 1, "lines that say why")
            result = fetch("--jsonl", "-j1", "-", given=f"{url}\n{bad}\n")
            equal([json.loads(line)["type"] for line in result.out.splitlines()],
                  ["page", "summary"])


# ---- on a terminal ------------------------------------------------------------------


def on_terminal(*arguments, columns=100, env=None, look=None, **pipes):
    """What a run prints on a terminal, with its status. Pipes may take it elsewhere; `look` is
    shown what there is so far, each time when there is more."""
    master, slave = pty.openpty()
    raw = termios.tcgetattr(slave)
    raw[1] &= ~termios.OPOST  # "\n" stays as it is
    termios.tcsetattr(slave, termios.TCSANOW, raw)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = start(*arguments, **{"stdout": slave, "stderr": slave, **pipes},
                    env={**os.environ, "TERM": "xterm", **(env or {})})
    os.close(slave)
    printed = b""
    with contextlib.closing(os.fdopen(master, "rb", buffering=0)) as screen:
        while True:
            try:
                more = screen.read(65536)
            except OSError as gone:  # the other side was closed
                assert gone.errno == errno.EIO, gone
                break
            if not more:
                break
            printed += more
            if look:
                look(printed)
    return printed.decode(), process.wait(PATIENCE)


PROGRESS = re.compile(r"\r([^\r\n\x1b]*)\x1b\[K")


def seen(printed):
    """The lines that stay on the screen: \\r goes back, ESC [K clears what is behind."""
    lines, line, at = [], "", 0
    for piece in re.findall(r"\r|\n|\x1b\[K|[^\r\n\x1b]+|\x1b\[\d*m", printed):
        if piece == "\r":
            at = 0
        elif piece == "\x1b[K":
            line = line[:at]
        elif piece == "\n":
            lines.append(line)
            line, at = "", 0
        else:
            line = line[:at] + piece + line[at + len(piece):]
            at += len(piece)
    return lines + ([line] if line else [])


def slow_pages(server, n, seconds=0.05):
    """Pages that take so long each that after a few of them the progress line has been drawn."""

    def late(connection, target):
        time.sleep(seconds)
        return answer(b"x" * 2048)(connection, target)

    return [server.page(f"/{i}", late) for i in range(n)]


@test
def a_terminal_gets_headings_human_units_and_a_progress_line_that_is_cleared():
    with Server() as server:
        urls = slow_pages(server, 12)
        printed, ended = on_terminal("-j1", *urls)
        drawn = [text for text in PROGRESS.findall(printed) if text]
        assert drawn, printed
        for text in drawn:
            matches(text, r"\d+ of 12 pages, [01] under way, [\d.]+K?(, [\d.]+K?/s)?"
                          r"(, \d+:\d\d left)?")
        # The rows are whole: nothing of the progress line is left in them.
        lines = seen(printed)
        matches(lines[0], "HTTP +ENCODED +DECODED +CLAIMED +TIME  URL")
        for line, url in zip(lines[1:13], urls):
            matches(line, rf" 200 +2\.00K +2\.00K +2\.00K +\d+\.\d{{3}}s  {re.escape(url)}")
            equal(line.index("http"), lines[0].index("URL"), "where the column begins")
        matches(lines[13], r"12 of 12 pages, 24\.0K in \d+\.\d{3} s")
        equal(len(lines), 22, "lines")
        equal(ended, 0, "status")


@test
def the_progress_line_moves_while_no_page_completes():
    with Server() as server:
        gate = threading.Event()
        urls = [server.page(f"/{i}", after(gate, answer(b"x"))) for i in range(3)]

        def look(printed):
            if printed.count(b"\r0 of 3 pages, 2 under way, 0, 0/s\x1b[K") >= 3:
                gate.set()

        again = [urls[0], urls[1] + "#part"]  # fetched once: there are no more than three
        printed, _ = on_terminal("-j2", *urls, *again, look=look)
        assert gate.is_set(), printed


@test
def the_progress_line_counts_what_came_of_a_page_that_is_not_complete():
    with Server() as server:
        gate = threading.Event()

        def behave(connection, _):
            connection.sendall(head("200 OK", "Content-Length: 2048") + b"x" * 1024)
            gate.wait(PATIENCE)
            connection.sendall(b"x" * 1024)

        def look(printed):
            if b"\r0 of 1 page, 1 under way, 1.00K, " in printed:
                gate.set()

        printed, _ = on_terminal(server.page("/", behave), look=look)
        assert gate.is_set(), printed


@test
def the_progress_line_counts_only_what_is_under_way_and_not_what_waits_for_its_turn():
    with Server() as server:
        gate = threading.Event()
        urls = [server.page(f"/{i}", after(gate, answer(b"x"))) for i in range(6)]

        def look(printed):
            if b"\r0 of 6 pages, 2 under way, 0, 0/s\x1b[K" in printed:
                gate.set()

        printed, _ = on_terminal("-j6", "--per-host", "2", *urls, look=look)
        assert gate.is_set(), printed


@test
def the_progress_line_knows_how_long_a_list_is():
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        first = server.page("/", answer(b"x"))
        gate, path = threading.Event(), pathlib.Path(folder, "urls.txt")
        late = [server.page(f"/late{i}", after(gate, answer(b"x"))) for i in range(3)]
        # Four pages: a comment is none, and what comes again is fetched once.
        path.write_text("\n".join(["# four", first, *late, first + "#part", ""]))
        for arguments in (["-f", path], ["-"]):
            gate.clear()

            def look(printed):
                if b"\r1 of 4 pages, 1 under way, 1, " in printed:
                    gate.set()

            with path.open() as given:
                printed, ended = on_terminal("-j1", *arguments, look=look, stdin=given)
            assert gate.is_set(), printed
            matches(seen(printed)[-2], r"4 of 4 pages, 4 in .*")  # each was still read
            equal(ended, 0, "status")


@test
def the_progress_line_knows_how_long_a_pipe_was_when_it_has_ended():
    with Server() as server:
        gate = threading.Event()
        urls = [server.page("/", answer(b"x")), server.page("/late", after(gate, answer(b"x")))]
        ours, given = os.pipe()
        os.write(given, "\n".join(urls).encode())

        def look(printed):
            if b"\r1 of 2 pages, 1 under way, 1, " in printed:
                gate.set()

        os.close(given)
        printed, _ = on_terminal("-", look=look, stdin=ours)
        os.close(ours)
        assert gate.is_set(), printed


@test
def the_progress_line_of_a_resumed_run_is_about_what_is_left():
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        gate, save = threading.Event(), f"{folder}/runs.db"
        done = [server.page(f"/done{i}", answer(b"x")) for i in range(2)]
        late = [server.page(f"/late{i}", after(gate, answer(b"x"))) for i in range(3)]
        with start("--jsonl", "-j1", "--save", save, *done, *late) as cut_short:
            for _ in done:
                assert cut_short.stdout.readline()
            cut_short.send_signal(signal.SIGINT)

        def look(printed):
            if b"\r0 of 3 pages, 2 under way, 0, 0/s\x1b[K" in printed:
                gate.set()

        printed, _ = on_terminal("-j2", "--resume", save, *done, *late, look=look)
        assert gate.is_set(), printed


@test
def the_progress_line_keeps_within_a_narrow_terminal():
    with Server() as server:
        printed, _ = on_terminal("-j1", *slow_pages(server, 8), columns=20)
        drawn = PROGRESS.findall(printed)
        assert any(drawn), printed
        assert max(map(len, drawn)) == 19, drawn


@test
def there_is_no_progress_line_when_it_is_not_wanted_or_cannot_be():
    with Server() as server:
        urls = slow_pages(server, 6)
        for arguments, env in ((["--quiet"], {}), ([], {"TERM": "dumb"}), ([], {"TERM": ""})):
            printed, ended = on_terminal("-j1", *arguments, *urls, env=env)
            assert "\r" not in printed and "\x1b" not in printed, printed
            equal(len(printed.splitlines()), 7 if arguments else 8, "lines")  # a summary, or none
            equal(ended, 0, "status")


@test
def a_failure_on_a_terminal_is_a_row_and_red_unless_no_color_is_wanted():
    with Server() as server:
        urls = [server.page("/gone", status("404 Not Found")), server.page("/", answer(b"x"))]
        printed, ended = on_terminal("-j1", "-q", *urls)
        lines = printed.splitlines()
        matches(lines[1], rf" 404( +-){{3}} +\d+\.\d{{3}}s  {urls[0]} +"
                r"\x1b\[31m404 Not Found \(HTTP\)\x1b\[0m")
        matches(lines[2], rf" 200( +1){{3}} +\d+\.\d{{3}}s  {urls[1]}")
        equal((len(lines), ended), (3, 1))
        printed, _ = on_terminal("-j1", "-q", *urls, env={"NO_COLOR": "1"})
        matches(printed.splitlines()[1], rf" 404.*{urls[0]} +404 Not Found \(HTTP\)")
        assert "\x1b" not in printed, printed


@test
def each_of_the_two_outputs_is_a_terminal_for_itself():
    with Server() as server:
        gone = server.page("/gone", status("404 Not Found"))
        urls = [*slow_pages(server, 1, 0.15), gone]
        with open(os.devnull, "wb") as nowhere:
            printed, _ = on_terminal("-j1", *urls, stderr=nowhere)
            equal(len(printed.splitlines()), 2, "lines")  # headings and a page
            printed, _ = on_terminal("-j1", *urls, stdout=nowhere)
            assert PROGRESS.search(printed), printed
            lines = seen(printed)
            equal(lines[0], f"weft fetch: {gone}: 404 Not Found (HTTP)")
            matches(lines[1], r"1 of 2 pages, 2\.00K in .* s; 1 failed \(1 http\)")
            printed, _ = on_terminal("--bytes", "-q", urls[0])
            matches(printed.splitlines()[1], r" 200( +2048){3} .*")


@test
def chinese_names_are_as_wide_as_they_look():
    urls = ["http://例子.测试 /", "http://nine.wide /"]  # as wide, and neither is a URL
    printed, _ = on_terminal("-j1", "-q", *urls)
    rows = printed.splitlines()[1:]
    wide = [row.index("\x1b[31m") for row in rows]
    equal(wide[1] - wide[0], len(urls[1]) - len(urls[0]), "columns that are two cells wide")


# ---- in a pipe ----------------------------------------------------------------------


@test
def a_pipe_gets_plain_columns_and_only_sizes_that_are_true():
    with Server() as server:
        urls, end = three_pages(server)
        closed = server.page("/close", to_the_end(b"z" * 5))
        result = fetch("-j1", *urls, closed)
        rows = [line.split() for line in result.out.splitlines()]
        equal([row[:4] + row[5:] for row in rows],
              [["200", "2048", "2048", "2048", urls[0], "->", end],
               ["200", "10", "10", "-", urls[1]],
               ["200", "5", "5", "-", closed, "(end", "not", "verified)"]])
        for row in rows:
            matches(row[4], r"\d+\.\d{3}s")
        failure, summary = result.err.splitlines()
        equal(failure, f"weft fetch: {urls[2]}: cut off after 3 of 100 bytes")
        matches(summary, r"3 of 4 pages, 2063 bytes in \d+\.\d{3} s; 1 failed \(1 cut\)")
        equal(result.status, 1, "status")


@test
def of_many_pages_the_summary_has_percentiles_and_extremes():
    with Server() as server:
        urls = [server.page(f"/{i}", answer(b"x" * 10 * i)) for i in range(1, 21)]
        lines = fetch(*urls).err.splitlines()
        matches(lines[0], r"20 of 20 pages, 2100 bytes in .* s")
        equal(lines[1:5], ["decoded: 50 % up to 100, 90 % up to 180, 99 % up to 200",
                           f"  largest      200  {urls[19]}", f"  largest      190  {urls[18]}",
                           f"  largest      180  {urls[17]}"])
        matches(lines[5], r"time: 50 % up to [\d.]+ s, 90 % up to [\d.]+ s, 99 % up to [\d.]+ s")
        equal(len(lines), 9, "lines")
        equal(fetch("--quiet", *urls).err, "")


# ---- JSON ---------------------------------------------------------------------------


@test
def json_is_one_object_with_all_pages_failed_or_not():
    with Server() as server:
        urls, end = three_pages(server)
        result = fetch("-j1", "--json", *urls)
        equal((result.err, result.status), ("", 1))
        told = json.loads(result.out)
        equal(list(told), ["run", "pages", "summary"])
        equal(told["run"]["format"], 1)
        matches(told["run"]["begun"], r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
        for page in told["pages"]:
            equal(list(page), [*FIELDS, "hops"])
        moved, plain, cut = told["pages"]
        equal([page["url"] for page in told["pages"]], urls)
        equal((moved["ok"], moved["target"], moved["encoded"], moved["redirects"]),
              (True, end, 2048, 1))
        equal(moved["hops"], [{"status": 302, "url": urls[0]}])
        for page in told["pages"]:
            equal((page["http"], page["address"], page["attempts"]), ("1.1", "127.0.0.1", 1))
            times = [page[name] for name in ("first_byte_seconds", "request_seconds", "seconds")]
            assert 0 < times[0] and times == sorted(times), page
        equal((plain["encoded"], plain["decoded"], plain["claimed"]), (10, 10, None))
        equal((cut["ok"], cut["error"], cut["message"], cut["stage"], cut["encoded"],
               cut["decoded"], cut["claimed"], cut["partial_encoded"]),
              (False, "cut", "cut off after 3 of 100 bytes", "body", None, None, 100, 3))
        summary = told["summary"]
        equal(list(summary), SUMMARY)
        equal((summary["pages"], summary["failed"], summary["failed_by"], summary["encoded"],
               summary["received"], summary["interrupted"]), (3, 1, {"cut": 1}, 2058, 2061, False))
        equal(summary["largest"], [{"url": urls[0], "decoded": 2048},
                                   {"url": urls[1], "decoded": 10}])


@test
def json_lines_come_as_pages_complete_and_a_summary_at_the_end():
    with Server() as server:
        gates = [threading.Event() for _ in range(3)]
        urls = [server.page(f"/{i}", after(gate, answer(b"x" * i)))
                for i, gate in enumerate(gates)]
        process = start("--jsonl", *urls, stderr=subprocess.PIPE)
        for i in (1, 0, 2):  # each is let go when the line before it has been read
            gates[i].set()
            row = json.loads(process.stdout.readline())
            equal(list(row), ["type", *FIELDS, "hops"])
            equal((row["type"], row["url"], row["encoded"]), ("page", urls[i], i))
        # Not communicate(): what came with the last line lies in the buffer of readline().
        summary = json.loads(process.stdout.readline())
        equal(process.stdout.read(), b"")
        _, err = process.communicate(timeout=PATIENCE)
        equal(list(summary), ["type", "run", *SUMMARY])
        equal((summary["type"], summary["pages"], summary["encoded"]), ("summary", 3, 3))
        equal((err, process.returncode), (b"", 0))


@test
def an_interrupted_run_is_valid_json_that_says_so():
    with Server() as server:
        urls = [server.page("/", answer(b"x")), server.page("/never", silence_after(b"", server))]
        for form in ("--json", "--jsonl"):
            process = start(form, *urls, stderr=subprocess.PIPE)
            read = b""
            while b'"hops":[]}' not in read:
                more = os.read(process.stdout.fileno(), 65536)
                assert more, read
                read += more
            process.send_signal(signal.SIGINT)
            rest, err = process.communicate(timeout=PATIENCE)
            text = (read + rest).decode()
            told = (json.loads(text)["summary"] if form == "--json"
                    else json.loads(text.splitlines()[-1]))
            equal((told["interrupted"], told["pages"]), (True, 1))
            equal((err, process.returncode), (b"", 130))


@test
def what_a_server_or_a_list_says_breaks_no_row():
    hostile = "=1+2,\"x\"\x1b[2J\u202e"
    with Server() as server:
        urls = [server.page("/", status("404 \x1b[31m,\"\x9b")), hostile]
        result = fetch("-j1", "--jsonl", *urls)
        rows = [json.loads(line) for line in result.out.splitlines()]
        equal([row["url"] for row in rows[:2]], urls)
        equal(rows[0]["message"], r'404 \x1b[31m,"\x9b (HTTP)')
        result_csv = fetch("-j1", "--csv", *urls)
        for text in (result.out, result_csv.out):
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text), text
        rows = list(csv.DictReader(io.StringIO(result_csv.out)))
        equal(len(result_csv.out.splitlines()), 3, "lines")
        equal([row["message"] for row in rows][0], r'404 \x1b[31m,"\x9b (HTTP)')
        equal(rows[1]["url"], "'=1+2,\"x\"\\x1b[2J\\xe2\\x80\\xae")


# ---- CSV ----------------------------------------------------------------------------


@test
def csv_has_a_row_of_names_and_one_for_each_page():
    with Server() as server:
        urls, end = three_pages(server)
        result = fetch("-j1", "--csv", *urls)
        reader = csv.DictReader(io.StringIO(result.out))
        rows = list(reader)
        equal(reader.fieldnames, FIELDS)
        equal([row["url"] for row in rows], urls)
        equal([(row["ok"], row["error"], row["encoded"], row["claimed"], row["partial_encoded"])
               for row in rows],
              [("true", "", "2048", "2048", ""), ("true", "", "10", "", ""),
               ("false", "cut", "", "100", "3")])
        equal(rows[0]["target"], end)
        matches(result.err, r"2 of 3 pages, 2058 bytes in .* s; 1 failed \(1 cut\)\n")
        equal(result.status, 1, "status")


# ---- together -----------------------------------------------------------------------


@test
def the_forms_exclude_each_other():
    for arguments in (["--json", "--csv"], ["--jsonl", "--lecture"], ["--bench", "2", "--json"]):
        result = fetch(*arguments, "http://127.0.0.1:1/")
        equal((result.status, result.out), (2, ""))
        matches(result.err, r"weft fetch: .*\n")


@test
def what_cannot_be_written_ends_the_run_in_every_form():
    with Server() as server:
        # More than are fetched ahead of what is printed, which may be a thousand on a busy machine.
        urls = [server.page(f"/{i}", answer(b"x")) for i in range(1200)]
        for form in ("--bytes", "--json", "--jsonl", "--csv", "--lecture"):
            with open("/dev/full", "wb") as full:
                process = start(form, *urls, stdout=full, stderr=subprocess.PIPE)
                _, err = process.communicate(timeout=PATIENCE)
            equal((err, process.returncode),
                  (b"weft fetch: standard output: No space left on device\n", 1), form)
            asked = len(server.asked)
            process = start(form, "-j1", *urls, stderr=subprocess.PIPE)
            process.stdout.close()
            equal(process.stderr.read(), b"", form)
            process.stderr.close()
            equal(process.wait(PATIENCE), 128 + signal.SIGPIPE, form)
            assert len(server.asked) - asked < len(urls), "it went on"


sys.exit(run_tests())
