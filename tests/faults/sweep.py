#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sweep - each unit test with one fault after the other (faults.c).

    sweep.py one PROGRAM...     the Nth call of memory, of a thread, of a descriptor fails
    sweep.py KIND PROGRAM...    KIND: interrupt, short, again, clock: every Nth is hit

A call that fails must be told to the caller, or done without; nothing else may come of it: no
signal, no abort, no hang, no failed assertion. What only delays must change nothing at all.

What a program does first, all of them do: open a pool, or a queue. So each way through the library
to a call is made to fail once, in the first program that goes it. WEFT_FAULTS_LONG=1 fails every call
of each program up to LONG_ALL and one of each hundredth part after.
"""
import bisect
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

ONE_FAILS = "memory", "thread", "descriptor"
KINDS, PROGRAMS = ONE_FAILS if sys.argv[1] == "one" else [sys.argv[1]], sys.argv[2:]
LONG = os.environ.get("WEFT_FAULTS_LONG") == "1"
LONG_ALL = 200
AT_ONCE = 12 if LONG else 4 # a test sleeps nine parts in ten of its time
EACH = {"interrupt": [3], "short": [3], "again": [3], "clock": [1]}
EACH_LONG = {"interrupt": [2, 3, 7], "short": [2, 3, 7], "again": [2, 3, 7], "clock": [1]}
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


def play(program, kind, n, **environment):
    """(what became of it, what it said)"""
    environment = {**os.environ, "WEFT_FAULT": f"{kind}:{n}", "CMOCKA_TEST_ABORT": "1",
                   **environment}
    if kind not in ONE_FAILS:
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
    if status == TOLD and kind in ONE_FAILS:
        return "told", said
    if status == ABORTED and ALLOWED in said:
        return "told", said
    if status == 0:
        return "without", said
    if kind == "memory" and status == -signal.SIGABRT and LOST_TEXT.search(said):
        return "told", said
    words = {WITHOUT_TEXT: "a call failed without a text", ABORTED: "aborted", 1: "a test failed",
             -signal.SIGABRT: "a test failed"}
    return words.get(status, f"status {status}"), said


def functions(path):
    """The addresses and the names of the functions in a program or a library, by address."""
    listed = subprocess.run(["nm", "--defined-only", "--numeric-sort", path], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    found = re.findall(r"^([0-9a-f]+) ([tTwW]|\w(?= __executable_start$)) (\S+)$", listed, re.M)
    return [(int(address, 16), name) for address, _, name in found]


LIBRARY = {name for _, name in functions(pathlib.Path(PROGRAMS[0]).parent / "libweft_faulty.a")}


def within_library(frames, symbols, base):
    """Where in the library its calls of itself return to, from the inside outwards."""
    way = []
    for frame in frames:
        address = int(frame, 16) + base - 1 # in the call, which may be the last of its function
        at, name = symbols[max(bisect.bisect(symbols, (address, "\uffff")) - 1, 0)]
        if name in LIBRARY:
            way.append((name, address - at))
        elif way:
            break
    return tuple(way)


def count(program):
    """{kind: how many calls there are in a run in which none fails}, {(kind, way): the first}."""
    with tempfile.TemporaryDirectory(prefix="weft-faults-") as folder:
        path = pathlib.Path(folder) / "count"
        end, said = play(program, "any", 0, WEFT_FAULT_COUNT=str(path))
        if end != "without" or not path.exists():
            raise RuntimeError(f"{program}: {end} where nothing fails\n{said}")
        lines = [line.split() for line in path.read_text().splitlines()]
    symbols = functions(program)
    base = next(address for address, name in symbols if name == "__executable_start")
    calls = {kind: int(number) for kind, number in lines[:len(ONE_FAILS)]}
    ways = {}
    for kind, number, *frames in lines[len(ONE_FAILS):]:
        way = kind, within_library(frames, symbols, base)
        ways[way] = min(int(number), ways.get(way, sys.maxsize))
    return calls, ways


def many(calls):
    return sorted({*range(1, min(calls, LONG_ALL) + 1),
                   *range(LONG_ALL, calls, max(1, calls // 100))})


def why_not(kind, program):
    name = pathlib.Path(program).name
    return NOT_FOR.get((kind, name)) or NOT_FOR.get((kind, name.removesuffix("_on_fibers")))


def pick(pool):
    """{(kind, program): (its calls, those that fail)}: each way once."""
    picked, gone = {}, set()
    for program, (calls, ways) in zip(PROGRAMS, pool.map(count, PROGRAMS)):
        for kind in ONE_FAILS:
            if why_not(kind, program):
                continue
            new = {way: first for way, first in ways.items() if way[0] == kind and way not in gone}
            gone.update(new)
            numbers = many(calls[kind]) if LONG else sorted(set(new.values()))
            picked[kind, program] = calls[kind], numbers
    return picked


def sweep(kind, program, picked):
    """(a line about it, what went wrong)"""
    name = f"{kind}, {pathlib.Path(program).name}"
    if reason := why_not(kind, program):
        return f"{name} # SKIP {reason}", []
    if kind not in ONE_FAILS:
        each = (EACH_LONG if LONG else EACH)[kind]
        bad = [(f"{kind}:{n}", *played) for n in each
               if (played := play(program, kind, n))[0] != "without"]
        return f"{name}: one call in " + ", ".join(map(str, each)), bad
    calls, numbers = picked[kind, program]
    ends, bad = [], []
    for n in numbers:
        end, said = play(program, kind, n)
        ends.append(end)
        if end not in ("told", "without"):
            bad.append((f"{kind}:{n}", end, said))
    line = f"{name}: {len(numbers)} of {calls} calls fail: {ends.count('told')} told, "
    return line + f"{ends.count('without')} done without", bad


def main():
    jobs = [(kind, program) for kind in KINDS for program in PROGRAMS]
    print(f"1..{len(jobs)}", flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        picked = pick(pool) if KINDS is ONE_FAILS else {}
        swept = pool.map(lambda job: sweep(*job, picked), jobs)
        for number, (line, bad) in enumerate(swept, 1):
            failed += bool(bad)
            print(f"{'not ok' if bad else 'ok'} {number} - {line}", flush=True)
            for fault, end, said in bad:
                print(f"# WEFT_FAULT={fault}: {end}")
                for text in said.splitlines()[-12:]:
                    print(f"#     {text}")
    sys.exit(1 if failed else 0)


main()
