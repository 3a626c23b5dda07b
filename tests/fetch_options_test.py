#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch_options_test.py BUILD/weft [...] - what weft fetch reads: its options, its URLs, Ctrl+C."""

import array
import fcntl
import gzip
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
import zlib

sys.dont_write_bytecode = True  # no __pycache__ beside the tests
from http_server import Server, after, answer, redirect, silence_after  # noqa: E402
from program_helpers import PATIENCE, WEFT, Skip, equal, run_tests, test, until  # noqa: E402

# The proxies of this machine are none of the tests' business.
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not name.lower().endswith("_proxy") and name != "SSL_CERT_FILE"}


def fetch(*arguments, text="", **env):
    done = subprocess.run([WEFT, "fetch", *arguments], input=text.encode(), capture_output=True,
                          timeout=PATIENCE, env={**ENVIRONMENT, **env}, check=False)
    assert b"Sanitizer" not in done.stderr, done.stderr
    return done.stdout.decode(), done.stderr.decode(), done.returncode


# ---- options ------------------------------------------------------------------------

MANUAL = pathlib.Path(__file__).resolve().parent.parent / "docs" / "weft-fetch.1"


def options_of(text):
    return re.findall(r"^  (?:-(.),|   ) --([a-z0-9.-]+)", text, re.M)


@test
def without_urls_the_short_help_is_an_error():
    out, err, status = fetch()
    equal((out, status), ("", 2))
    equal(err, fetch("-h")[0])


@test
def the_short_help_is_one_screen_and_begins_with_examples():
    out, err, status = fetch("-h")
    lines = out.splitlines()
    equal((err, status), ("", 0))
    assert len(lines) <= 24 and max(map(len, lines)) <= 80, out
    equal([line[:13] for line in lines[3:6]], ["  weft fetch "] * 3)
    assert len(options_of(out)) >= 12, out


@test
def the_long_help_tells_all_in_groups_and_fits_80_columns():
    out, err, status = fetch("--help")
    equal((err, status), ("", 0))
    assert max(map(len, out.splitlines())) <= 80, out
    equal(len(re.findall(r"^[A-Z].*:$", out, re.M)), 6)
    assert set(options_of(fetch("-h")[0])) - {("", "help")} < set(options_of(out)), out
    equal(fetch("-h")[0].splitlines()[:6], out.splitlines()[:6])


@test
def what_steers_a_terminal_is_not_repeated_to_it():
    for name, shown in (("a\x1b[31m\nb\x7f", "a?[31m?b?"), ("\u009b31m", "?31m"), ("\u202eb", "?b"),
                        ("a\u2028b\ufeff", "a?b?"), ("ü\u0301例", "ü\u0301例")):
        equal(fetch("-f", name), ("", f"weft fetch: {shown}: No such file or directory\n", 1))
    done = subprocess.run([WEFT, "fetch", "-f", b"\x9b31m\xe4"], capture_output=True,
                          timeout=PATIENCE, env=ENVIRONMENT, check=False)
    equal(done.stderr, b"weft fetch: ?31m\xe4: No such file or directory\n")


@test
def each_example_of_the_help_is_understood():
    for line in re.findall(r"^  weft fetch (.*)$", fetch("-h")[0], re.M):
        words = re.sub(r" >\S+|https?://\S+|-f \S+", "", line).split()
        with tempfile.TemporaryDirectory() as folder:
            words = [f"{folder}/{word}" if word.endswith(".db") else word for word in words]
            out, err, status = fetch(*words, "-", text="x\n")
            equal(status, 1, f"{line}: {err}")


@test
def the_manual_names_each_option_and_no_other():
    described = set()
    for line in re.findall(r"^\.It (Fl .*)$", MANUAL.read_text(), re.M):
        flags = re.findall(r"Fl ([^ ]+)", line)
        letters = [flag for flag in flags if not flag.startswith("-")]
        names = [flag[1:] for flag in flags if flag.startswith("-")]
        equal(len(names), 1, line)
        described.add((letters[0] if letters else "", names[0]))
    equal(described, set(options_of(fetch("--help")[0])))


@test
def the_manual_tells_the_defaults_of_the_help():
    manual = MANUAL.read_text()
    for name, default in re.findall(r"--([a-z-]+) (?:N|S|SIZE)\n? +[^\n]*\[([0-9]+[KMG]?)\]",
                                    fetch("--help")[0]):
        part = manual.split(f"-{name} Ar")[1].split(".It")[0]
        assert f"The default is {default}." in part, (name, default, part)


@test
def a_value_that_makes_no_sense_is_one_line():
    time = "is not a time in seconds (more than 0, at most 1000000)"
    size = "is not a size (500, 500K, 20M or 1G)"
    digits = "is not HOST:PORT:ADDRESS: an address is in digits"
    nothing = "No such file or directory"
    no_pem = "holds no certificates that can be read (PEM)"
    for arguments, wrong in (
        (["-j0"], "--jobs '0' is not a number of pages at once (1 to 10000)"),
        (["-j10001"], "--jobs '10001' is not a number of pages at once (1 to 10000)"),
        (["--per-host", "x"], "--per-host 'x' is not a number of pages at once (1 to 10000)"),
        (["--retries", "-1"], "--retries '-1' is not a number of retries (0 to 100)"),
        (["--redirects", "101"], "--redirects '101' is not a number of redirects (0 to 100)"),
        (["--timeout", "0"], f"--timeout '0' {time}"),
        (["--delay", "-1"], "--delay '-1' is not a time in seconds (0 to 1000000)"),
        (["--max-size", "5X"], f"--max-size '5X' {size}"),
        (["--max-size", "0"], f"--max-size '0' {size}"),
        (["--max-size", "+5"], f"--max-size '+5' {size}"),
        (["--max-size", " 5"], f"--max-size ' 5' {size}"),
        (["--max-size", "9999999999G"], f"--max-size '9999999999G' {size}"),
        (["--max-decoded", "K"], f"--max-decoded 'K' {size}"),
        (["--budget", "5KBB"], f"--budget '5KBB' {size}"),
        (["--max-growth", "-5"], "--max-growth '-5' is not a percentage (10, or 10%)"),
        (["--max-growth", "5%%"], "--max-growth '5%%' is not a percentage (10, or 10%)"),
        (["-H", "no header"], "--header 'no header' is not a header (\"Name: value\")"),
        (["-H", "A b: c"], "--header 'A b: c' is not a header (\"Name: value\")"),
        (["-H", "A: b\nC: d"], "--header 'A: b?C: d' is not a header (\"Name: value\")"),
        (["--resolve", "x:80"], "--resolve 'x:80' is not HOST:PORT:ADDRESS"),
        (["--resolve", "中／:80:1.2.3.4"], "--resolve '中／:80:1.2.3.4' is not HOST:PORT:ADDRESS"),
        (["--resolve", "x:0:1.2.3.4"], "--resolve 'x:0:1.2.3.4' is not HOST:PORT:ADDRESS"),
        (["--resolve", "-x:80:1.2.3.4"], "--resolve '-x:80:1.2.3.4' is not HOST:PORT:ADDRESS"),
        (["--resolve", "+x:80:1.2.3.4"], "--resolve '+x:80:1.2.3.4' is not HOST:PORT:ADDRESS"),
        (["--resolve", "x:+80:1.2.3.4"], "--resolve 'x:+80:1.2.3.4' is not HOST:PORT:ADDRESS"),
        (["--resolve", "x:080:1.2.3.4"], "--resolve 'x:080:1.2.3.4' is not HOST:PORT:ADDRESS"),
        (["--resolve", "x:80:localhost"], f"--resolve 'x:80:localhost' {digits}"),
        (["--resolve", "x:80:1.2.3.4,"], f"--resolve 'x:80:1.2.3.4,' {digits}"),
        (["--resolve", "x:80:[1.2.3.4]"], f"--resolve 'x:80:[1.2.3.4]' {digits}"),
        (["--resolve", "x:80:" + "1" * 99],  # a message shows the first 40 bytes of it
         f"--resolve 'x:80:{'1' * 35}' {digits}"),
        (["--cacert", "/nothing"], f"--cacert '/nothing' cannot be read: {nothing}"),
        (["--cacert", "/"], "--cacert '/' cannot be read: Is a directory"),
        (["--cacert", "/dev/null"], f"--cacert '/dev/null' {no_pem}"),
        (["--cacert", "/etc/passwd"], f"--cacert '/etc/passwd' {no_pem}"),
        (["--budgets", "/nothing"], f"--budgets '/nothing' cannot be read: {nothing}"),
        (["--user-agent", ""], "--user-agent '' is empty"),
        (["--user-agent", "me\r\nX-Two: 2"],
         "--user-agent 'me??X-Two: 2' has a control character"),
        (["--file", ""], "--file '' is empty"),
        (["-f", "x"] * 65, "--file 'x' is one too many (64 at most)"),
        (["--lectrue"], "unknown option --lectrue (did you mean --lecture?)"),
        (["-5"], "unknown option -5 (see weft fetch --help)"),
    ):
        equal(fetch(*arguments, "http://x/"), ("", f"weft fetch: {wrong}\n", 2))


@test
def options_that_contradict_are_one_line():
    form = "one form of output at a time (--json, --jsonl, --csv, --lecture)"
    compare = "to compare with the last run needs the file with the runs (--save FILE)"
    same = "would replace the file with the runs, which has the same name"
    head = "--head asks for no page, so there is no size to compare"
    bench = "--bench prints times alone: no --json, --csv, --html, --save or budgets"
    for arguments, wrong in (
        ("--json --csv", f"--csv: {form}"),
        ("--jsonl --lecture", f"--lecture: {form}"),
        ("-4 -6", "--ipv6: with --ipv4 and --ipv6 there is no address left"),
        ("--insecure --cacert /dev/stdin", "--insecure trusts everybody; --cacert says whom to trust"),
        ("--save x --resume x", "--resume goes on in its own file: leave out --save"),
        ("--save x --html x", f"--html {same}"),
        ("--html x --resume x", f"--html {same}"),
        ("--compare", compare),
        ("--max-growth 5", compare),
        ("--head --budget 5K", head),
        ("--head --compare --save x", head),
        ("--head --lecture", "--head asks for no page, and the lecture prints the sizes of pages"),
        ("--bench 2 --json", bench),
        ("--bench 2 --save x", bench),
        ("--bench 2 --budget 5", bench),
    ):
        equal(fetch(*arguments.split(), "http://x/"), ("", f"weft fetch: {wrong}\n", 2))
    equal(fetch("--json", "--json", "-4", "-4", "x")[2], 1)  # the same twice is no contradiction


@test
def sizes_may_be_written_in_several_ways():
    with Server() as server:
        url = server.page("/", answer(b"x" * 2000))
        for size, status in (("1999", 1), ("2000", 0), ("1K", 1), ("2K", 0), ("2KB", 0), ("2KiB", 0),
                             ("1M", 0), ("1G", 0)):
            equal(fetch("--max-size", size, url)[2], status, size)


@test
def how_to_ask_is_what_the_server_gets():
    with Recorder() as server:
        url = f"http://127.0.0.1:{server.port}/"
        equal(fetch("-H", "X-One: 1", "-H", "X-Two: zwei ü", "--user-agent", "me/1", url)[2], 0)
        for line in (b"Host: 127.0.0.1:%d" % server.port, b"X-One: 1", "X-Two: zwei ü".encode(),
                     b"User-Agent: me/1"):
            assert line in server.heard[0].split(b"\r\n"), server.heard[0]
        equal(fetch("--head", url)[2], 0)
        assert server.heard[1].startswith(b"HEAD / HTTP/1.1\r\n"), server.heard[1]


@test
def an_address_of_the_other_family_is_named_as_that():
    for option, url, family in (("-6", "http://127.0.0.1/", "IPv6"), ("-4", "http://[::1]/", "IPv4")):
        out, err, status = fetch(option, url)
        equal((out, status), ("", 1))
        equal(err, f"weft fetch: {url}: cannot connect: its address is not of {family}\n")


@test
def headers_for_one_host_do_not_go_where_a_redirect_leads():
    with Recorder() as other, Server() as server:
        there = f"127.0.0.1:{other.port}"
        mine = ["Host: mine.test", "Authorization: Basic x", "Cookie: a=b", "X-One: 1"]
        given = [word for header in mine for word in ("-H", header)]
        equal(fetch(*given, server.page("/", redirect(f"http://{there}/")))[2], 0)
        lines = other.heard[0].decode().split("\r\n")
        equal([line for line in lines if line.partition(":")[0] in ("Host", "X-One", "Cookie",
                                                                    "Authorization")],
              [f"Host: {there}", "X-One: 1"])
        equal(fetch(*given, f"http://{there}/")[2], 0)
        assert set(mine) <= set(other.heard[1].decode().split("\r\n")), other.heard[1]


@test
def a_name_is_looked_for_where_resolve_says():
    with Recorder() as server:
        for name, asked in ("Name.example", "name.example"), ("例子.测试", "xn--fsqu00a.xn--0zwm56d"):
            names = ["--resolve", f"{name}:{server.port}:127.0.0.1"]
            out, err, status = fetch(*names, f"http://{name}:{server.port}/", LC_ALL="C")
            equal((err, status), ("", 0))
            assert b"Host: %s:%d" % (asked.encode(), server.port) in server.heard[-1], server.heard
        equal(fetch(*names, "-6", "--retries=0", f"http://{name}:{server.port}/")[2], 1)
        equal(len(server.heard), 2)  # there is an IPv4 address only


class Recorder:
    """A server that keeps each request, and answers with a page of five bytes."""

    def __init__(self):
        self.heard = []

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(PATIENCE)
                request = b""
                while b"\r\n\r\n" not in request and (piece := connection.recv(65536)):
                    request += piece
                self.heard.append(request)
                body = b"" if request.startswith(b"HEAD") else b"12345"
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                                   b"Connection: close\r\n\r\n" + body)


@test
def a_certificate_that_is_not_checked_is_said_loudly():
    out, err, status = fetch("--insecure", "--quiet", "x")
    assert err.startswith("weft fetch: --insecure: no certificate is checked, anybody may be "), err


# ---- URLs ---------------------------------------------------------------------------


@test
def a_url_that_comes_again_is_fetched_once_and_counted():
    with Server() as server:
        one, two = server.page("/1", answer(b"x")), server.page("/2", answer(b"xx"))
        host = server.url().replace("http://", "HTTP://")
        out, err, status = fetch("-j1", one, two, f"{host}/1#part", "-", text=f"{one}\n{two}\n{one}")
        equal((out.count("\n"), status), (2, 0))
        equal(server.asked, ["/1", "/2"])
        equal(err.splitlines()[-1:], ["4 URLs came again, fetched once (--duplicates fetches each)"])
        out, err, status = fetch("-j1", one, one)
        equal(err.splitlines()[-1:], ["1 URL came again, fetched once (--duplicates fetches each)"])
        server.asked.clear()
        out, err, status = fetch("-j1", "--duplicates", one, one, one)
        equal((out.count("\n"), server.asked), (3, ["/1"] * 3))
        assert "again" not in err, err


@test
def the_lecture_asks_as_often_as_its_list_says():
    with Server() as server:
        url = server.page("/", answer(b"x"))
        equal(fetch("--lecture", url, url)[0], f"'{url}' page is 1 bytes\n" * 2)
        equal(server.asked, ["/"] * 2)


@test
def a_list_of_the_bench_has_each_url_once_too():
    with Server() as server:
        url = server.page("/", answer(b"x"))
        fetch("--bench", "2", "-", text=f"{url}\n{url}\n")
        equal(server.asked, ["/"] * 4)


@test
def names_in_any_script_are_understood_in_any_locale():
    with Server() as server:
        page = "http://xn--fsqu00a.xn--0zwm56d/%E4%B8%AD%E6%96%87"
        server.page(page, answer(b"12345"))
        for locale in "C", "POSIX", "C.UTF-8", "zh_CN.GB18030", "nonsense":
            out, err, status = fetch("http://例子.测试/中文", LC_ALL=locale, http_proxy=server.url())
            equal((err, status), ("", 0), locale)
            assert out.rstrip().endswith(" http://例子.测试/中文"), out  # as it was written
        equal(server.asked, [page] * 5)


@test
def a_url_that_is_none_is_told_with_its_place_and_nobody_is_asked():
    with Server() as server:
        for url, wrong in (
            (f"{server.url()}/a b", f"byte {len(server.url()) + 3} is a space"),
            (f"{server.url()}x/", f"byte {len(server.url()) + 1} is no digit of a port"),
            (f"http://user@:{server.port}/", "byte 13 is where a host should be"),
            ("http:例子", "byte 6 is where // should be"),
        ):
            out, err, status = fetch(url)
            equal((out, err, status), ("", f"weft fetch: {url}: not a URL: {wrong}\n", 1))
        equal(server.connections, 0)


@test
def a_reader_that_reads_nothing_holds_up_the_list():
    line, most = b"ftp:x\n", 100000  # no traffic: the results come as fast as lines can be read
    with subprocess.Popen([WEFT, "fetch", "--csv", "--quiet", "--duplicates", "-"], env=ENVIRONMENT,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        taken = 0  # until it takes no more: without results that are told, it reads no further
        while taken < most and select.select([], [process.stdin], [], 1)[1]:
            os.write(process.stdin.fileno(), line * 100)
            taken += 100
        assert taken < most, "it takes any number of lines"
        reader = threading.Thread(target=process.stdin.close)
        reader.start()
        equal(process.stdout.read().count(b"\n"), taken + 1)
        reader.join()
        equal(process.wait(PATIENCE), 1)


# ---- Ctrl+C -------------------------------------------------------------------------


def unread(pipe):
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


@test
def a_second_ctrl_c_ends_at_once_whatever_holds_it_up():
    if b"__tsan_init" in pathlib.Path(WEFT).read_bytes():
        raise Skip("TSan holds a signal back while a thread is in a call that waits")
    with Server() as server:
        urls = [server.page(f"/{i}{'x' * 3000}", answer(b"x")) for i in range(20)]
        with subprocess.Popen([WEFT, "fetch", *urls], env=ENVIRONMENT, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
            until(lambda: unread(process.stdout) >= 3000, "a pipe that is full")

            def ended():
                process.send_signal(signal.SIGINT)  # two that come together count as one
                return process.poll() is not None

            until(ended, "the end")
            equal(process.returncode, 130)


@test
def a_signal_that_comes_twice_at_once_is_one():
    # Of two kinds, so that both are there when it goes on, as after timeout(1).
    with Server() as server:
        urls = [server.page("/whole", answer(b"x" * 9)),
                server.page("/hangs", silence_after(b"", server))]
        with subprocess.Popen([WEFT, "fetch", "--json", *urls], env=ENVIRONMENT,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            until(lambda: unread(process.stdout) > 500, "a page that is told")
            for sign in signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT:
                process.send_signal(sign)
            out, err = process.communicate(timeout=PATIENCE)
        said = json.loads(out)
        equal((process.returncode, said["summary"]["interrupted"], len(said["pages"])),
              (130, True, 1), err)


def bomb_of_60_gib():
    """In 100 KB: zeros, and these again. It has no end, but nobody lives to see that."""
    zeros = zlib.compressobj(9, zlib.DEFLATED, -15)
    mebibyte = zeros.compress(bytes(1 << 20)) + zeros.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(gzip.compress(b"", mtime=0)[:10] + mebibyte * 60 * 1024)


@test
def what_decodes_to_very_much_holds_up_neither_other_pages_nor_ctrl_c():
    with Server() as server:
        sent = threading.Event()

        def blow_up(connection, target):
            answer(bomb_of_60_gib(), "Content-Encoding: gzip, gzip")(connection, target)
            time.sleep(0.2)  # it is being decoded, if this machine is fast enough
            sent.set()

        urls = [server.page("/bomb", blow_up), server.page("/page", after(sent, answer(b"x")))]
        with subprocess.Popen([WEFT, "fetch", "--jsonl", "--max-decoded=1000G", "--timeout=3600",
                               *urls], env=ENVIRONMENT, stdout=subprocess.PIPE) as process:
            try:
                line = json.loads(process.stdout.readline())
                equal((line["url"], line["error"]), (urls[1], None))
                process.send_signal(signal.SIGINT)
                equal(process.wait(PATIENCE), 130)
            finally:
                process.kill()


@test
def ctrl_c_ends_the_wait_for_who_writes_a_list():
    with tempfile.TemporaryDirectory() as folder:
        pipe = os.path.join(folder, "pipe")
        os.mkfifo(pipe)
        for sign in signal.SIGINT, signal.SIGTERM:
            with subprocess.Popen([WEFT, "fetch", "-f", pipe], env=ENVIRONMENT) as process:
                stat = pathlib.Path(f"/proc/{process.pid}/stat")
                until(lambda: "(weft) S" in stat.read_text(), "the wait")
                process.send_signal(sign)
                try:
                    equal(process.wait(PATIENCE), -sign)
                finally:
                    process.kill()


if __name__ == "__main__":
    sys.exit(run_tests())
