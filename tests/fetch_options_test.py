#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch_options_test.py BUILD/weft [...] - what weft fetch reads: its options, its URLs, Ctrl+C."""

import array
import fcntl
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import termios

sys.dont_write_bytecode = True  # no __pycache__ beside the tests
from http_server import Server, answer  # noqa: E402
from program_helpers import PATIENCE, WEFT, equal, run_tests, test, until  # noqa: E402

# The proxies of this machine are none of the tests' business.
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not name.lower().endswith("_proxy") and name != "SSL_CERT_FILE"}


def fetch(*arguments, text="", **env):
    done = subprocess.run([WEFT, "fetch", *arguments], input=text.encode(), capture_output=True,
                          timeout=PATIENCE, env={**ENVIRONMENT, **env}, check=False)
    assert b"Sanitizer" not in done.stderr, done.stderr
    return done.stdout.decode(), done.stderr.decode(), done.returncode


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


# ---- Ctrl+C -------------------------------------------------------------------------


def unread(pipe):
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


@test
def a_second_ctrl_c_ends_at_once_whatever_holds_it_up():
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


if __name__ == "__main__":
    sys.exit(run_tests())
