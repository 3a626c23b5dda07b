#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sweep - each unit test with one fault after the other (faults.c).

    sweep.py KIND PROGRAM...        KIND: memory, thread, descriptor: the Nth call fails
                                          interrupt, short, again, clock: every Nth is hit

A call that fails must be told to the caller, or done without; nothing else may come of it: no
signal, no abort, no hang, no failed assertion. What only delays must change nothing at all.
WEFT_FAULTS_LONG=1 fails every call up to LONG_ALL and one of each hundredth part after, not a few.
"""
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

KIND, PROGRAMS = sys.argv[1], sys.argv[2:]
LONG = os.environ.get("WEFT_FAULTS_LONG") == "1"
LONG_ALL = 200
AT_ONCE = 12 if LONG else 4 # a test sleeps nine parts in ten of its time
ONE_FAILS = "memory", "thread", "descriptor"
EACH = {"interrupt": [2, 7], "short": [2, 7], "again": [2, 7], "clock": [1]}
BLOCKS = "blocks a loop until another loop goes on"
ENDS = "who closes says that the stream ends only while the socket takes it"
FULL = "a look at a pipe that gives EAGAIN says that it is full, or empty"
# What a fault changes by contract, and the test relies on.
NOT_FOR = {
    ("again", "net_post_test"): "a post goes out at once only while the socket takes it",
    ("again", "pipe_test"): FULL,
    ("again", "pipe_peers_test"): FULL,
    ("again", "tls_test"): ENDS,
    ("again", "tls_test_on_fibers"): ENDS,
    ("short", "overflow_test"): "the kernel tells its limits in one piece, or not at all",
    ("thread", "rwlock_test_on_fibers"): BLOCKS,
    ("descriptor", "rwlock_test_on_fibers"): BLOCKS,
    ("memory", "rwlock_test_on_fibers"): BLOCKS,
}
TOLD, WITHOUT_TEXT, ABORTED = 90, 91, 92 # faults.h
# The one place where a call cannot fail: a thread that is not weft's has no room for its own state.
ALLOWED = "out of memory for a thread's control block"

# A message for which there was no memory, in an assertion: the words of its code are left.
LOST_TEXT = re.compile('"(?:[^"]*: )?(?:' + "|".join(re.escape(os.strerror(n)) for n in range(1, 133))
                       + ')" != "')


def play(program, n, **environment):
    """(what became of it, what it said)"""
    environment = {**os.environ, "WEFT_FAULT": f"{KIND}:{n}", "CMOCKA_TEST_ABORT": "1",
                   **environment}
    if KIND not in ONE_FAILS:
        del environment["CMOCKA_TEST_ABORT"] # nothing may fail: show all that does
    process = subprocess.Popen([program], env=environment, text=True, errors="replace",
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    try:
        said = process.communicate(timeout=65)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return "hangs", process.communicate()[0]
    status = process.returncode
    if status == TOLD and KIND in ONE_FAILS:
        return "told", said
    if status == ABORTED and ALLOWED in said:
        return "told", said
    if status == 0:
        return "without", said
    if KIND == "memory" and status == -signal.SIGABRT and LOST_TEXT.search(said):
        return "told", said
    words = {WITHOUT_TEXT: "a call failed without a text", ABORTED: "aborted", 1: "a test failed",
             -signal.SIGABRT: "a test failed"}
    return words.get(status, f"status {status}"), said


def count(program):
    """How many calls of the kind there are in a run in which none fails."""
    with tempfile.TemporaryDirectory(prefix="weft-faults-") as folder:
        path = pathlib.Path(folder) / "count"
        end, said = play(program, 0, WEFT_FAULT_COUNT=str(path))
        if end != "without" or not path.exists():
            raise RuntimeError(f"{end} where nothing fails\n{said}")
        return int(path.read_text())


def few(calls):
    """1, 2, 3, 5, 8, 13... and the last."""
    a, b = 1, 2
    while a < calls:
        yield a
        a, b = b, a + b
    if calls:
        yield calls


def many(calls):
    return sorted({*range(1, min(calls, LONG_ALL) + 1),
                   *range(LONG_ALL, calls, max(1, calls // 100))})


def sweep(program):
    """(a line about it, whether it is good)"""
    name = pathlib.Path(program).name
    reason = NOT_FOR.get((KIND, name)) or NOT_FOR.get((KIND, name.removesuffix("_on_fibers")))
    if reason:
        return f"{name} # SKIP {reason}", []
    if KIND not in ONE_FAILS:
        each = EACH[KIND]
        bad = [(n, *played) for n in each if (played := play(program, n))[0] != "without"]
        return f"{name}: one call in " + ", ".join(map(str, each)), bad
    calls = count(program)
    ends, bad = [], []
    picked = list((many if LONG else few)(calls))
    for n in picked:
        end, said = play(program, n)
        ends.append(end)
        if end not in ("told", "without"):
            bad.append((n, end, said))
    line = f"{name}: {len(picked)} of {calls} calls fail: {ends.count('told')} told, "
    return line + f"{ends.count('without')} done without", bad


def main():
    print(f"1..{len(PROGRAMS)}", flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for number, (line, bad) in enumerate(pool.map(sweep, PROGRAMS), 1):
            failed += bool(bad)
            print(f"{'not ok' if bad else 'ok'} {number} - {line}", flush=True)
            for n, end, said in bad:
                print(f"# WEFT_FAULT={KIND}:{n}: {end}")
                for text in said.splitlines()[-12:]:
                    print(f"#     {text}")
    sys.exit(1 if failed else 0)


main()
