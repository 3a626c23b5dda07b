#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch_runs_test.py BUILD/weft [...] - weft fetch over several runs: what is kept, compared, resumed."""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True  # no __pycache__ beside the tests
from http_server import Server, after, answer, silence_after, status  # noqa: E402
from program_helpers import PATIENCE, WEFT, equal, run_tests, test, until  # noqa: E402

ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not name.lower().endswith("_proxy")}


def fetch(*arguments, text=""):
    done = subprocess.run([WEFT, "fetch", "--retries=0", *arguments], input=text.encode(),
                          capture_output=True, timeout=PATIENCE, env=ENVIRONMENT, check=False)
    assert b"Sanitizer" not in done.stderr, done.stderr
    return done.stdout.decode(), done.stderr.decode(), done.returncode


def rows(*arguments):
    """{end of the URL: row} of the rows of JSON lines, and the exit status."""
    out, _, code = fetch("--jsonl", *arguments)
    found = [json.loads(line) for line in out.splitlines()]
    return {row["url"].rpartition("/")[2]: row for row in found if row["type"] == "page"}, code


def in_folder(function):
    """A test that gets a folder of its own and a server."""
    def inside():
        with tempfile.TemporaryDirectory() as folder, Server() as server:
            function(pathlib.Path(folder), server)
    inside.__name__ = function.__name__
    return test(inside)


@in_folder
def what_grew_since_the_last_run_is_said_and_can_be_too_much(folder, server):
    save = ["--save", folder / "runs.db"]
    one, two = server.page("/one", answer(b"x" * 1000)), server.page("/two", answer(b"x" * 500))
    equal(rows(*save, one, two)[1], 0)
    server.page("/one", answer(b"x" * 1200))
    there, code = rows(*save, "--compare", "--max-growth", "20%", one, two)
    equal((code, there["one"]["before"], there["one"]["growth"]), (0, 1000, 200))
    equal((there["two"]["before"], there["two"]["growth"]), (500, 0))
    server.page("/one", answer(b"x" * 1300))
    out, err, code = fetch(*save, "--compare", "--max-growth", "5", one)
    equal(code, 3)
    assert "largest growth: " in err and "1200 -> 1300 bytes" in err, err
    assert f"gone: {two}" in err, err


@in_folder
def a_budget_that_is_missed_is_status_3_also_where_a_page_failed(folder, server):
    small, large = server.page("/small", answer(b"x" * 10)), server.page("/large", answer(b"x" * 5000))
    broken = server.page("/broken", status("404 Not Found"))
    equal(fetch("--budget", "5000", small, large)[2], 0)
    equal(fetch("--budget", "4999", small, large)[2], 3)
    equal(fetch("--budget", "4999", broken, large)[2], 3)
    equal(fetch("--budget", "5000", broken, large)[2], 1)
    budgets = folder / "budgets"
    budgets.write_text(f"{large} 1K\n{server.url()}/* 1M # the others\n")
    there, code = rows("--budgets", budgets, small, large)
    equal((code, there["small"]["budget"], there["small"]["over_budget"]), (3, 1 << 20, False))
    equal((there["large"]["budget"], there["large"]["over_budget"]), (1024, True))
    budgets.write_text(f"{server.url()}/typing-error 1K\n")
    out, err, code = fetch("--budgets", budgets, small)
    equal(code, 3)
    assert f"{server.url()}/typing-error" in err, err


@in_folder
def json_sums_up_what_changed_as_the_text_does(folder, server):
    names = "/grows", "/shrinks", "/stays", "/goes", "/breaks"
    old = [server.page(name, answer(b"x" * 100)) for name in names]
    fetch("--save", folder / "runs.db", *old)
    server.page("/grows", answer(b"x" * 150))
    server.page("/shrinks", answer(b"x" * 90))
    server.page("/breaks", status("404 Not Found"))
    now = [*(page for page in old if not page.endswith("/goes")), server.page("/new", answer(b"x"))]
    out, err, code = fetch("--json", "--save", folder / "runs.db", "--compare", "--budget", "120",
                           "--max-growth", "10%", *now)
    run = json.loads(out)
    changes, budgets = run["summary"]["changes"], run["summary"]["budgets"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", changes.pop("since")), changes
    equal(changes, {"grew": 1, "shrank": 1, "same": 1, "new": 1, "gone": 1, "unknown": 1,
                    "largest_growth": {"url": old[0], "before": 100, "decoded": 150}})
    equal(budgets, {"too_large": 1, "grew_too_much": 1, "not_fetched": 0, "unknown": 1})
    equal({row["url"].rpartition("/")[2]: row["over_budget"] for row in run["pages"]},
          {"grows": True, "shrinks": False, "stays": False, "new": False, "breaks": None})
    equal(code, 3, err)


@in_folder
def over_budget_is_null_where_nothing_limits_a_page(folder, server):
    page = server.page("/", answer(b"x"))
    there, _ = rows("--save", folder / "runs.db", "--compare", page)
    equal(there[""]["over_budget"], None)
    (folder / "budgets").write_text(f"{page} 1K\n")
    there, _ = rows("--budgets", folder / "budgets", page, server.page("/other", answer(b"x")))
    equal({name: row["over_budget"] for name, row in there.items()}, {"": False, "other": None})


@in_folder
def a_file_of_budgets_that_is_none_is_told_before_any_traffic(folder, server):
    budgets = folder / "budgets"
    budgets.write_text(f"{server.url()}/ 5X\n")
    out, err, code = fetch("--budgets", budgets, server.page("/", answer(b"x")))
    equal((out, code, server.asked), ("", 1, []))
    assert re.fullmatch(rf"weft fetch: {re.escape(str(budgets))}.*1.*\n", err), err


@in_folder
def a_file_of_runs_that_is_none_is_told_before_any_traffic(folder, server):
    page = server.page("/", answer(b"x"))
    (folder / "text").write_text("not a database, but some text that is long enough\n" * 100)
    for option, path in ("--save", folder / "text"), ("--save", folder / "none" / "x"), \
                        ("--resume", folder / "none"):
        out, err, code = fetch(option, path, page)
        equal((out, code, server.asked), ("", 1, []))
        assert err.startswith("weft fetch: ") and err.count("\n") == 1 and str(path) in err, err


@in_folder
def a_file_of_runs_is_one_also_where_its_name_means_none_to_sqlite(folder, server):
    page = server.page("/", answer(b"x"))
    for name in ":memory:", "file:x?mode=memory":
        for _ in range(2):
            command = [WEFT, "fetch", "--save", name, page]
            subprocess.run(command, cwd=folder, env=ENVIRONMENT, timeout=PATIENCE, check=True,
                           capture_output=True)
        with contextlib.closing(sqlite3.connect(folder / name)) as runs:
            equal(runs.execute("SELECT count(*) FROM runs").fetchone(), (2,))


@in_folder
def a_run_that_was_cut_short_is_resumed_where_it_was(folder, server):
    save = folder / "runs.db"
    done = [server.page(f"/done{i}", answer(b"x" * 100)) for i in range(5)]
    broken = server.page("/broken", status("503 Not Now"))
    hanging = server.page("/hanging", silence_after(b"", server))
    for sign, code in (signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL):
        save.unlink(missing_ok=True)
        server.page("/broken", status("503 Not Now"))
        server.page("/hanging", silence_after(b"", server))
        with subprocess.Popen([WEFT, "fetch", "--retries=0", "--save", save, *done, broken, hanging],
                              env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
            until(lambda: pages_in(save) == 6, "six pages in the file")
            run.send_signal(sign)
            run.communicate(timeout=PATIENCE)
            equal(run.returncode, code)
        server.asked.clear()
        server.page("/broken", answer(b"y" * 7))
        server.page("/hanging", answer(b"z" * 8))
        out, err, code = fetch("--resume", save, *done, broken, hanging, "--budget", "50")
        equal(sorted(server.asked), ["/broken", "/hanging"])
        equal(code, 3, err)  # by the pages of the first part
        assert "5 pages of this run had been fetched before" in err, err
        equal(fetch("--resume", save, *done)[2], 1)  # it is finished now


@in_folder
def no_line_is_lost_of_a_run_that_is_killed_while_nobody_reads_it(folder, server):
    save = folder / "runs.db"
    pages = [server.page(f"/{i}", answer(b"x" * 100)) for i in range(40)]
    with subprocess.Popen([WEFT, "fetch", "--retries=0", "--jsonl", "--save", save, *pages],
                          env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        fcntl.fcntl(run.stdout, fcntl.F_SETPIPE_SZ, 4096)
        until(lambda: len(server.asked) == len(pages), "all pages are asked for")
        until(lambda: pages_in(save) > 0, "a page in the file")
        time.sleep(0.5)  # for pages that should not be written, which come within 0.1
        run.kill()
        out, _ = run.communicate(timeout=PATIENCE)
    printed = {json.loads(line)["url"] for line in out.split(b"\n")[:-1]}
    kept = urls_in(save)
    assert kept and kept <= printed, kept - printed


def urls_in(path):
    with contextlib.closing(sqlite3.connect(path)) as base:
        return {url for url, in base.execute("SELECT u.url FROM pages p JOIN urls u ON u.id = p.url")}


def pages_in(path):
    """How many pages of a run are on the disk: looked at in a copy, for the file itself is locked."""
    with tempfile.TemporaryDirectory() as folder:
        for part in path.parent.glob(f"{path.name}*"):
            with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                shutil.copy(part, folder)
        try:
            with sqlite3.connect(f"{folder}/{path.name}") as base:
                return base.execute("SELECT count(*) FROM pages").fetchone()[0]
        except sqlite3.Error:  # not yet there, or half copied
            return 0


@in_folder
def a_report_is_written_when_it_is_whole(folder, server):
    report = folder / "report.html"
    report.write_text("the old one")
    gate = threading.Event()
    page = server.page("/例", answer(b"x" * 12345))
    slow = server.page("/slow", after(gate, answer(b"x")))
    server.pages["/%E4%BE%8B"] = server.pages["/例"]
    with subprocess.Popen([WEFT, "fetch", "--html", report, page, slow], env=ENVIRONMENT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        run.stdout.readline()
        equal(report.read_text(), "the old one")
        gate.set()
        run.communicate(timeout=PATIENCE)
        equal(run.returncode, 0)
    text = report.read_text()
    assert text.startswith("<!doctype html>") or text.startswith("<!DOCTYPE html>"), text[:80]
    assert page in text and "<script" not in text, text[:500]
    out, err, code = fetch("--html", folder / "none" / "x", page)
    equal((out, code), ("", 1))
    assert str(folder / "none" / "x") in err, err


@in_folder
def a_report_says_that_a_budget_is_missed_also_where_its_page_is_not_in_it(folder, server):
    report, save, budgets = folder / "report.html", folder / "runs.db", folder / "budgets"
    page = server.page("/", answer(b"x" * 10))
    budgets.write_text(f"{server.url()}/typing-error 1K\n")
    out, err, code = fetch("--html", report, "--budgets", budgets, page)
    equal(code, 3, err)
    equal(verdict(report), ("poor", "The page arrived. 1 budget is of a page that was not fetched."))
    with subprocess.Popen([WEFT, "fetch", "--retries=0", "--save", save, page,
                           server.page("/hanging", silence_after(b"", server))],
                          env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        until(lambda: pages_in(save) == 1, "a page in the file")
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=PATIENCE)
    last = server.page("/hanging", answer(b"x"))
    out, err, code = fetch("--html", report, "--resume", save, "--budget", "5", page, last)
    equal(code, 3, err)
    equal(verdict(report), ("poor", "The page arrived. Of those that were fetched before, "
                                    "1 is over budget."))


def verdict(report):
    return re.search(r'<p class="verdict (\w+)">(.*)</p>', report.read_text()).groups()


@in_folder
def a_report_that_was_cut_short_says_so(folder, server):
    report = folder / "report.html"
    done, hanging = server.page("/done", answer(b"x")), server.page("/h", silence_after(b"", server))
    with subprocess.Popen([WEFT, "fetch", "--html", report, done, hanging], env=ENVIRONMENT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        run.stdout.readline()
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=PATIENCE)
        equal(run.returncode, 130)
    assert done in report.read_text()


if __name__ == "__main__":
    sys.exit(run_tests())
