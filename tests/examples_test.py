#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples_test.py BUILD/weft EXAMPLES - the examples print what the lecture's programs print.

Every example is run twice over: against an expected text, which needs nothing, and against the
lecture's own Python program, unmodified but for what the test's name says, under this same Python.
The second kind needs the folder with the lecture in WEFT_LECTURE and is skipped without it. Numbers
of threads are masked as ID and durations as T. A second of the examples lasts 50 ms here, for both.

Time decides nothing, with one exception that the lecture itself makes: where only sleeping puts two
threads' lines in order, a held-up machine may turn them round. Such an output has to be right in
one of five runs, and in all of them it has to consist of the right lines, each thread's in order.

The output is TAP. Checks run four at a time, since most of them sleep.
"""

import collections
import concurrent.futures
import itertools
import contextlib
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCALE = 0.05
PATIENCE = 60  # seconds until a program that hangs is given up

WEFT = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) == 3 else None
EXAMPLES = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) == 3 else None
LECTURE = os.environ.get("WEFT_LECTURE")

Checks = []


class Skip(Exception):
    """Raised by a check that cannot be done here."""


def check(function):
    """Register a check; its name is the sentence that it proves."""
    Checks.append(function)
    return function


def against_the_lecture(function):
    def skipping():
        if not LECTURE:
            raise Skip("WEFT_LECTURE is not set")
        function()

    skipping.__name__ = function.__name__
    return check(skipping)


def equal(got, expected, what="output"):
    assert got == expected, f"{what}\n     got: {got!r}\nexpected: {expected!r}"


# ---- running programs -----------------------------------------------------------

Result = collections.namedtuple("Result", "out err status")


def run(command, text="", scale=SCALE, env=None):
    done = subprocess.run(
        [str(part) for part in command],
        input=text.encode(),
        capture_output=True,
        timeout=PATIENCE,
        env={**os.environ, "WEFT_EXAMPLE_SCALE": str(scale), "PYTHONUTF8": "1", **(env or {})},
    )
    return Result(done.stdout.decode(), done.stderr.decode(), done.returncode)


def example(name, text="", scale=SCALE, arguments=()):
    result = run([EXAMPLES / name, *arguments], text, scale)
    assert "Sanitizer" not in result.err, result.err
    return result


# Runs a program of the lecture as it stands, its sleeps shortened.
RUNNER = f"""
import runpy, sys, time
sleep = time.sleep
time.sleep = lambda seconds: sleep(seconds * {SCALE})
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def original(name, text="", env=None):
    return run([sys.executable, "-c", RUNNER, lecture_file(name)], text, env=env)


def edited(name, *changes):
    """A copy of a lecture's program with each (old, new) replaced; old must be there."""
    source = lecture_file(name).read_text()
    for old, new in changes:
        assert old in source, f"{name} has no {old!r}"
        source = source.replace(old, new)
    folder = tempfile.mkdtemp(dir=Temporary)
    copy = pathlib.Path(folder) / name
    copy.write_text(source)
    return copy


def run_edited(name, *changes, text=""):
    return run([sys.executable, "-c", RUNNER, edited(name, *changes)], text)


def lecture_file(name):
    return pathlib.Path(LECTURE) / "python" / name


def until_right(attempt, tries=5):
    """For what only sleeping puts in order: right in one of a few runs."""
    for left in reversed(range(tries)):
        try:
            return attempt()
        except AssertionError:
            if left == 0:
                raise


def interrupted_at_prompt(command, which=signal.SIGINT, again_after=PATIENCE):
    """Start it, wait for the prompt, send the signal, and again if it seems not to be heard."""
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            prompt = process.stdout.read(4)
            for _ in range(round(PATIENCE / again_after)):
                process.send_signal(which)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(again_after)  # its input stays open meanwhile
                    break
            out, err = prompt + process.stdout.read(), process.stderr.read()
        finally:
            process.kill()
    return Result(out.decode(), err.decode(), process.returncode)


def interrupted_python(program):
    # A signal between Python's prompt and its read is noticed only after the read: again, then.
    return interrupted_at_prompt([sys.executable, program], again_after=0.5)


def until(claim, otherwise):
    """Wait for something that will become true; there is no telling when."""
    end = time.monotonic() + PATIENCE
    while not claim():
        assert time.monotonic() < end, otherwise
        time.sleep(0.05)


def last_line(text):
    return text.rstrip("\n").rpartition("\n")[2]


# ---- masks --------------------------------------------------------------------


def mask_ids(text):
    text = re.sub(r"^\d+$", "ID", text, flags=re.M)
    return re.sub(r"started \d+\)", "started ID)", text)


def mask_duration(text):
    return re.sub(r"\d+\.\d+(e-\d+)?$", "T", text, flags=re.M)


# ---- threads --------------------------------------------------------------------

THREAD = "start\nstop\nmy first thread\nTrue\nID\n"
DAEMON = "start\nstop\n"
DAEMON_WAITED_FOR = "start\nmy first thread\nTrue\nID\nstop\n"

TARGET_1 = [
    "TreadingThread-1 (target) is running",
    "TreadingThread-1 (target) sleep 1s",
    "Treading<Thread(Thread-1 (target), started ID)> ended",
]
TARGET_2 = [line.replace("Thread-1", "Thread-2").replace("1s", "5s") for line in TARGET_1]
MAIN = ["TreadingMainThread is running", "TreadingMainThread is ended"]


def lines_of(text, thread):
    return [line for line in text.splitlines() if thread in line]


def each_thread_says_its_own(text):
    equal(lines_of(text, "Thread-1"), TARGET_1)
    equal(lines_of(text, "Thread-2"), TARGET_2)
    equal(lines_of(text, "MainThread"), MAIN)
    equal(len(text.splitlines()), 8, "number of lines")


@check
def ex01_a_thread_that_nobody_joins_still_says_its_lines():
    result = until_right(lambda: masked_is("01_thread", THREAD))
    equal(result.status, 0)


def masked_is(name, expected):
    result = example(name)
    assert sorted(mask_ids(result.out)) == sorted(expected), result.out
    equal(mask_ids(result.out), expected)
    return result


@against_the_lecture
def ex01_prints_what_thread_py_prints():
    until_right(lambda: masked_is("01_thread", mask_ids(original("thread.py").out)))


@check
def ex01_lasts_at_least_as_long_as_its_thread_sleeps():
    start = time.monotonic()
    example("01_thread", scale=0.3)
    assert time.monotonic() - start >= 0.3


@check
def ex02_a_thread_is_named_after_its_order_and_function():
    result = example("02_names")
    expected = (
        "MainThread is alive\n"
        "Thread-1 (target) is alive\n"
        "Thread-2 (target) is alive\n"
        "my first thread is alive\n"
        "my first thread is not alive\n"
    )
    equal(result, Result(expected, "", 0))


@check
def ex03_joining_in_the_loop_runs_one_thread_after_the_other():
    result = example("03_join_in_loop")
    equal(mask_ids(result.out).splitlines(), [MAIN[0], *TARGET_1, *TARGET_2, MAIN[1]])


@against_the_lecture
def ex03_prints_what_join_py_prints():
    equal(mask_ids(example("03_join_in_loop").out), mask_ids(original("join.py").out))


@check
def ex04_joining_after_the_loop_leaves_the_last_word_to_the_main_thread():
    def once():
        out = mask_ids(example("04_join_after").out)
        each_thread_says_its_own(out)
        equal(out.splitlines()[0], MAIN[0])
        equal(out.splitlines()[-1], MAIN[1])
        return out

    once()
    until_right(lambda: equal(once().splitlines()[-3:], [TARGET_1[2], TARGET_2[2], MAIN[1]]))


@against_the_lecture
def ex04_prints_what_join_py_prints_when_its_join_is_moved_behind_the_loop():
    behind = (
        ("for i in", "threads = []\nfor i in"),
        ("    t.join()\n", "    threads.append(t)\nfor t in threads: t.join()\n"),
    )
    expected = run_edited("join.py", *behind).out
    # Python's print may put its newline behind another thread's text (row 58).
    ours, theirs = (
        sorted(mask_ids(out).replace("\n", "").split("Treading"))
        for out in (example("04_join_after").out, expected)
    )
    equal(ours, theirs)


def the_ends_come_last(out):
    """Which thread speaks first is chance; but both sleep, and the main thread does not."""
    each_thread_says_its_own(out)
    equal(out.splitlines()[0], MAIN[0])
    equal(out.splitlines()[-2:], [TARGET_1[2], TARGET_2[2]])


@check
def ex05_without_join_only_the_last_line_of_the_main_thread_comes_earlier():
    until_right(lambda: the_ends_come_last(mask_ids(example("05_no_join").out)))


@against_the_lecture
def ex05_prints_what_join_py_prints_without_its_line_15():
    source = lecture_file("join.py").read_text().splitlines()
    equal(source[14].strip(), "t.join()")

    def once():
        ours, theirs = example("05_no_join").out, run_edited("join.py", ("    t.join()\n", "")).out
        the_ends_come_last(mask_ids(theirs))
        equal(sorted(mask_ids(ours).splitlines()), sorted(mask_ids(theirs).splitlines()))

    until_right(once)


@check
def ex06_a_daemon_is_not_waited_for():
    # It would sleep for 600 s: that the program ends at all is the proof.
    result = example("06_daemon", scale=600)
    equal((result.out, result.status), (DAEMON, 0))


@check
def ex06_a_daemon_cleans_up_when_the_program_ends():
    until_right(
        lambda: equal(example("06_daemon", scale=600).err, "my first thread: cleaned up\n")
    )


@against_the_lecture
def ex06_prints_what_daemon_py_prints():
    equal(example("06_daemon", scale=600).out, original("daemon.py").out)


@check
def ex07_waiting_for_a_daemon_lets_it_finish_first():
    result = example("07_daemon_wait", scale=0.5)
    equal((mask_ids(result.out), result.status), (DAEMON_WAITED_FOR, 0))


@against_the_lecture
def ex07_prints_what_daemon_sleep_py_prints():
    out = mask_ids(example("07_daemon_wait", scale=0.5).out)
    until_right(lambda: equal(out, mask_ids(original("daemon_sleep.py").out)))


# ---- the pool of a hundred ------------------------------------------------------

HUNDRED = sorted([str(number) for number in range(100)] + [":>>>> T"])

# The four calls of the package `threadpool` that the lecture makes.
THREADPOOL = """
import queue, threading

class ThreadPool:
    def __init__(self, size):
        self.jobs = queue.Queue()
        for _ in range(size):
            threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while True:
            function, argument = self.jobs.get()
            function(argument)
            self.jobs.task_done()

    def putRequest(self, request):
        self.jobs.put(request)

    def wait(self):
        self.jobs.join()

def makeRequests(function, arguments):
    return [(function, argument) for argument in arguments]
"""


@check
def ex08_a_hundred_jobs_print_a_line_each_and_then_the_time():
    result = example("08_thread_pool")
    lines = mask_duration(result.out).splitlines()
    equal(sorted(lines), HUNDRED)
    equal(lines[-1], ":>>>> T")
    equal(result.status, 0)


@against_the_lecture
def ex08_prints_what_threadpool_100_py_prints_but_for_its_glued_lines():
    folder = pathlib.Path(tempfile.mkdtemp(dir=Temporary))
    (folder / "threadpool.py").write_text(THREADPOOL)

    theirs = mask_duration(original("threadpool_100.py", env={"PYTHONPATH": str(folder)}).out)
    ours = mask_duration(example("08_thread_pool").out)
    # The original glues some of its lines: "12", "3", and two newlines come as "123" and "".
    equal(collections.Counter(ours), collections.Counter(theirs), "characters")
    equal(last_line(ours), last_line(theirs))


@check
def ex08_takes_at_least_as_long_as_one_job():
    out = example("08_thread_pool").out
    assert float(out.split()[-1]) >= 3 * SCALE, out


@check
def ex08_no_lines_are_glued_in_a_thousand_runs():
    # As many of the thousand as fit into 20 s: a sanitizer build is slower.
    loop = 'n=0; while [ $n -lt 10 ]; do "$0"; n=$((n+1)); done'
    end = time.monotonic() + 20
    runs = 0
    while runs < 1000 and time.monotonic() < end:
        out = run(["sh", "-c", loop, EXAMPLES / "08_thread_pool"], scale=0.0005).out
        counted = collections.Counter(mask_duration(out).splitlines())
        equal(counted, collections.Counter(HUNDRED * 10))
        runs += 10
    note(f"{runs} runs of a hundred lines, none glued")


# ---- computing --------------------------------------------------------------------


@check
def ex09_and_10_print_their_seconds_and_nothing_else():
    for name in "09_cpu_sequential", "10_cpu_threads":
        result = example(name)
        assert re.fullmatch(r"\d+\.\d{6}\n", result.out), result.out
        equal((result.err, result.status), ("", 0))


@check
def ex09_really_counts():
    # Ten times a hundred million turns: no machine does that in a millisecond.
    result = example("09_cpu_sequential", arguments=[100_000_000])
    assert float(result.out) > 0.001, result.out


@against_the_lecture
def ex10_prints_what_cpu_threads_py_prints():
    out = original("cpu_threads.py").out
    equal(mask_duration(example("10_cpu_threads").out), mask_duration(out))


@against_the_lecture
def ex09_prints_what_cpu_threads_py_prints_in_its_commented_form():
    head, _, rest = lecture_file("cpu_threads.py").read_text().partition("# TODO")
    commented = rest.partition("\n\n")[0].splitlines()[2:]
    path = pathlib.Path(tempfile.mkdtemp(dir=Temporary)) / "sequential.py"
    path.write_text(head + "\n".join(line[2:] for line in commented))
    out = run([sys.executable, path]).out
    assert re.fullmatch(r"[\d.e-]+\n", out), out
    equal(mask_duration(example("09_cpu_sequential").out), mask_duration(out))


# ---- try, except, finally ---------------------------------------------------------

NUMBER_PLEASE = "需要正常数字"
NINES = "9" * 23


@check
def ex11_an_integer_is_even_or_odd_and_nothing_else_is():
    table = {
        "4": "even",
        "5": "odd",
        "-4": "even",
        "-7": "odd",
        "007": "odd",
        NINES: "odd",
        **dict.fromkeys(["+4", " 4", "4_0", "", "-", "x", "0x10", "4.0", "²"], NUMBER_PLEASE),
    }
    for text, answer in table.items():
        equal(example("11_even_odd", text + "\n"), Result(f":>>>{answer}\n", "", 0), repr(text))


@against_the_lecture
def ex11_prints_what_even_odd_isdigit_py_prints():
    for text in ["4", "5", "+4", " 4", "4_0", "", "x", "0x10", "4.0", "007", NINES]:
        theirs = original("even_odd_isdigit.py", text + "\n")
        equal(example("11_even_odd", text + "\n"), theirs, repr(text))


@against_the_lecture
def ex11_takes_minus_4_that_the_lecture_refuses_and_refuses_superscript_2_that_crashes_it():
    equal(original("even_odd_isdigit.py", "-4\n").out, f":>>>{NUMBER_PLEASE}\n")
    equal(example("11_even_odd", "-4\n").out, ":>>>even\n")
    equal(original("even_odd_isdigit.py", "²\n").status, 1)
    equal(example("11_even_odd", "²\n"), Result(f":>>>{NUMBER_PLEASE}\n", "", 0))


@check
def ex11_refuses_digits_of_other_scripts_that_python_takes():
    equal(example("11_even_odd", "٤\n").out, f":>>>{NUMBER_PLEASE}\n")


VALID = {"4": "even", "5": "odd", "-4": "even", "+4": "even", " 4": "even", "4_0": "even"}
VALID |= {"007": "odd", NINES: "odd", "-7 ": "odd"}
INVALID = ["", "x", "0x10", "4.0", "²", "-", "_4", "4_", "4__0", "4 0", "a"]

# print(even) is a NameError: what the lecture meant is the word.
QUOTED = (("print(even)", "print('even')"), ("print(odd)", "print('odd')"))
# input() stands before the try: what the lecture meant is the prompt inside.
ASKED_INSIDE = (
    ("user_input = input(':>>>')\ntry:\n", "try:\n"),
    ("int(user_input)", "int(input(':>>>'))"),
)


@check
def ex12_what_is_no_integer_is_invalid_and_4_is_even():
    for text, answer in VALID.items():
        equal(example("12_except", text + "\n"), Result(f":>>>{answer}\n", "", 0), repr(text))
    for text in INVALID:
        equal(example("12_except", text + "\n"), Result(":>>>Invalid\n", "", 0), repr(text))


@against_the_lecture
def ex12_prints_what_the_bare_except_and_the_value_error_print_with_their_words_quoted():
    for name in "except_bare.py", "except_valueerror.py":
        for text in [*VALID, *INVALID]:
            expected = run_edited(name, *QUOTED, text=text + "\n")
            equal(example("12_except", text + "\n"), expected, f"{name} {text!r}")


@against_the_lecture
def ex12_says_even_where_the_bare_except_of_the_lecture_hides_a_name_error():
    equal(original("except_bare.py", "4\n"), Result(":>>>Invalid\n", "", 0))
    equal(example("12_except", "4\n").out, ":>>>even\n")


@check
def ex12_the_end_of_the_input_is_not_an_invalid_number():
    result = example("12_except", "")
    equal(result, Result(":>>>", "input: EOF when reading a line\n", 1))


@check
def ex12_a_last_line_needs_no_newline():
    equal(example("12_except", "4").out, ":>>>even\n")


@check
def ex13_an_error_of_another_kind_goes_on_up_with_its_message():
    expected = "ValueError: invalid literal for int() with base 10: 'a'"
    equal(example("13_except_other_kind", "a\n"), Result(":>>>", expected + "\n", 1))
    equal(example("13_except_other_kind", "4\n"), Result(":>>>even\n", "", 0))


@against_the_lecture
def ex13_ends_as_except_typeerror_py_ends():
    for text in "a", "", "4.0", "0x10":
        ours = example("13_except_other_kind", text + "\n")
        theirs = original("except_typeerror.py", text + "\n")
        equal((ours.out, ours.status), (theirs.out, theirs.status), repr(text))
        equal(last_line(ours.err), last_line(theirs.err), repr(text))


@check
def ex14_two_kinds_are_invalid():
    equal(example("14_except_several", "4\n"), Result(":>>>even\n", "", 0))
    equal(example("14_except_several", "a\n"), Result(":>>>Invalid\n", "", 0))
    equal(example("14_except_several", "4" * 300 + "\n"), Result(":>>>Invalid\n", "", 0))


@check
def ex14_ctrl_c_at_the_prompt_is_a_kind_of_error_like_any_other():
    result = interrupted_at_prompt([EXAMPLES / "14_except_several"])
    equal(result, Result(":>>>Interrupted\n", "", 0))


@against_the_lecture
def ex14_prints_what_except_several_py_prints_with_its_words_quoted():
    for text in "4", "5", "a", "":
        expected = run_edited("except_several.py", *QUOTED, text=text + "\n")
        equal(example("14_except_several", text + "\n"), expected, repr(text))


@against_the_lecture
def ex14_is_interrupted_as_except_several_py_is_with_its_prompt_inside_the_try():
    copy = edited("except_several.py", *ASKED_INSIDE, *QUOTED)
    equal(
        interrupted_at_prompt([EXAMPLES / "14_except_several"]),
        interrupted_python(copy),
    )


@against_the_lecture
def ex14_says_interrupted_where_the_lecture_ends_in_a_traceback():
    theirs = interrupted_python(lecture_file("except_several.py"))
    equal((theirs.out, theirs.status), (":>>>", -signal.SIGINT))


@check
def ex15_finally_is_done_after_a_result_and_after_an_error():
    equal(example("15_finally", "4\n"), Result(":>>>even\na\n", "", 0))
    equal(example("15_finally", "h\n"), Result(":>>>Invalid\na\n", "", 0))


@check
def ex15_finally_is_done_at_the_end_of_the_input():
    equal(example("15_finally", ""), Result(":>>>a\n", "input: EOF when reading a line\n", 1))


@check
def ex15_finally_is_done_at_ctrl_c():
    result = interrupted_at_prompt([EXAMPLES / "15_finally"])
    equal(result, Result(":>>>a\n", "", 128 + signal.SIGINT))


@check
def ex15_finally_is_not_done_after_sigkill():
    result = interrupted_at_prompt([EXAMPLES / "15_finally"], signal.SIGKILL)
    equal(result, Result(":>>>", "", -signal.SIGKILL))


@against_the_lecture
def ex15_prints_what_except_finally_py_prints_with_its_words_quoted():
    for text in "4", "5", "h", "":
        expected = run_edited("except_finally.py", *QUOTED, text=text + "\n")
        equal(example("15_finally", text + "\n"), expected, repr(text))


@against_the_lecture
def ex15_says_a_at_the_end_of_the_input_where_the_lecture_does_not():
    equal(original("except_finally.py", "").out, ":>>>")
    inside = run([sys.executable, edited("except_finally.py", *ASKED_INSIDE)], "")
    equal((inside.out, inside.status), (":>>>a\n", 1))


# ---- pages ------------------------------------------------------------------------

FOX = "'http://www.foxnews.com/' page is 283456 bytes"
CNN = "'http://www.cnn.com/' page is 1123456 bytes"
WSJ = "'http://europe.wsj.com/' generated an exception: HTTP Error 401: Unauthorized"
BBC = "'http://www.bbc.co.uk/' page is 345678 bytes"
MADE_UP = (
    "'http://some-made-up-domain.com/' generated an exception: "
    "HTTP Error 502: Name or service not known"
)


class Proxy(http.server.BaseHTTPRequestHandler):
    """Answers for the lecture's five sites as examples/pages.h does."""

    pages = {
        "http://www.foxnews.com/": (0.3, 200, 283456, "OK"),
        "http://www.cnn.com/": (0.5, 200, 1123456, "OK"),
        "http://europe.wsj.com/": (0.2, 401, 0, "Unauthorized"),
        "http://www.bbc.co.uk/": (0.4, 200, 345678, "OK"),
        "http://some-made-up-domain.com/": (0.1, 502, 0, "Name or service not known"),
    }

    def do_GET(self):
        seconds, status, size, reason = self.pages[self.path]
        time.sleep(seconds)
        self.send_response(status, reason)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(b"x" * size)

    def log_message(self, *_):
        pass


def through_proxy(name):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        here = f"http://127.0.0.1:{server.server_port}"
        return original(name, env={"http_proxy": here, "no_proxy": "", "NO_PROXY": ""}).out
    finally:
        server.shutdown()
        server.server_close()


@check
def ex16_pages_come_in_the_order_of_the_list_and_errors_with_their_words():
    result = example("16_pages_in_order")
    equal(result.out.splitlines(), [FOX, CNN, WSJ, BBC, MADE_UP])
    equal((result.err, result.status), ("", 0))


@against_the_lecture
def ex16_prints_what_urls_sequential_py_prints():
    equal(example("16_pages_in_order").out, through_proxy("urls_sequential.py"))


@check
def ex17_pages_come_as_they_complete():
    def once():
        result = example("17_pages_as_completed", scale=0.5)
        lines = result.out.splitlines()
        equal((result.err, result.status), ("", 0))
        assert sorted(lines) == sorted([MADE_UP, WSJ, FOX, BBC, CNN]), lines
        equal(lines, [MADE_UP, WSJ, FOX, BBC, CNN])

    until_right(once)


@against_the_lecture
def ex17_prints_what_urls_concurrent_py_prints_in_any_order():
    equal(
        sorted(example("17_pages_as_completed").out.splitlines()),
        sorted(through_proxy("urls_concurrent.py").splitlines()),
    )


# ---- the chat -----------------------------------------------------------------------


class Server:
    """An example that serves, on a free port."""

    def __init__(self, name="18_server", *arguments):
        self.command = [str(EXAMPLES / name), "0", *arguments]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        self.port = int(self.process.stderr.readline().rpartition(":")[2])
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def end(self, which):
        self.process.send_signal(which)
        return self.process.wait(PATIENCE)


def hears(listener, expected):
    got = b""
    while len(got) < len(expected):
        some = listener.recv(len(expected) - len(got))
        assert some, f"the connection ended after {got!r}"
        got += some
    equal(got, expected)


def introduce(speaker, *listeners):
    """A newcomer hears what is sent once it is in the list: repeat until all have heard."""
    for listener in listeners:
        listener.settimeout(0.1)
        heard = b""
        end = time.monotonic() + PATIENCE
        while not heard and time.monotonic() < end:
            speaker.sendall(b".")
            try:
                heard = listener.recv(1)
            except TimeoutError:
                pass
        assert heard == b".", "never heard a word"
        listener.settimeout(PATIENCE)
    speaker.sendall(b"!")
    for listener in listeners:
        while listener.recv(1) != b"!":
            pass


@check
def ex18_what_one_sends_goes_to_all_others_and_not_back():
    with Server() as server, server.connect() as a, server.connect() as b, server.connect() as c:
        introduce(a, b, c)
        introduce(b, a, c)
        a.sendall(b"hello\n")
        hears(b, b"hello\n")
        hears(c, b"hello\n")
        b.sendall("\u00e9 without newline".encode())
        hears(a, "\u00e9 without newline".encode())
        hears(c, "\u00e9 without newline".encode())


@check
def ex18_one_that_has_left_takes_nobody_else_along():
    with Server() as server, server.connect() as a, server.connect() as c:
        introduce(a, c)
        introduce(c, a)
        with server.connect() as b:
            introduce(a, b, c)
        for word in b"m0", b"m1", b"m2", b"m3":
            a.sendall(word)
            hears(c, word)
        for word in b"n0", b"n1":
            c.sendall(word)
            hears(a, word)


@check
def ex18_descriptors_of_those_who_left_are_given_back():
    with Server() as server, server.connect() as a:
        with server.connect() as first:
            introduce(a, first)
        before = server.descriptors()
        for _ in range(100):
            with server.connect() as b:
                introduce(a, b)
        # A thread that has once waited may keep one descriptor to be woken by: a few, not 100.
        until(lambda: server.descriptors() <= before + 8, "descriptors are kept")


@check
def ex18_ends_with_0_at_sigint_and_sigterm_and_its_clients_see_it():
    for which in signal.SIGINT, signal.SIGTERM:
        with Server() as server, server.connect() as a, server.connect() as b:
            introduce(a, b)
            equal(server.end(which), 0)
            equal(a.recv(1), b"")


def a_taken_port_is_one_line(name, *arguments):
    with Server() as server:
        result = run([EXAMPLES / name, server.port, *arguments])
        equal(result.status, 1)
        assert result.err.startswith("listen: ") and result.err.count("\n") == 1, result.err


@check
def ex18_a_taken_port_is_one_line():
    a_taken_port_is_one_line("18_server")


@check
def ex18_more_clients_than_a_pool_has_spares_by_itself_all_hear():
    with Server() as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(300)]
        introduce(clients[0], *clients[1:])
        clients[0].sendall(b"hello\n")
        for client in clients[1:]:
            hears(client, b"hello\n")
        assert server.threads() >= 300, server.threads()


def chatting(*command):
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


class OneClient:
    """A server for one client, played by the check: 19_client is connected to `peer`."""

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(PATIENCE)
            self.client = chatting(EXAMPLES / "19_client", listener.getsockname()[1])
            self.peer, _ = listener.accept()
        self.peer.settimeout(PATIENCE)
        return self

    def __exit__(self, *_):
        self.peer.close()
        with self.client:
            self.client.kill()

    def ends(self):
        status = self.client.wait(PATIENCE)
        out, err = self.client.stdout.read(), self.client.stderr.read()
        return Result(out.decode(), err.decode(), status)


@check
def ex19_sends_its_lines_with_their_newlines_and_goes_on_listening_after_the_last():
    with OneClient() as one:
        one.client.stdin.write(b"hello\n\nx\n")
        one.client.stdin.close()
        hears(one.peer, b"hello\n\nx\n")
        equal(one.peer.recv(1), b"", "after the last line")
        one.peer.sendall(b"\xc3")
        one.peer.sendall(b"\xa9\n")
        one.peer.close()
        equal(one.ends(), Result("\u00e9\n", "", 0))


@check
def ex19_ends_when_the_server_closes_although_its_input_goes_on():
    with OneClient() as one:
        one.peer.close()
        equal(one.ends(), Result("", "", 0))


@check
def ex19_talks_through_18():
    with Server() as server, server.connect() as b:
        with chatting(EXAMPLES / "19_client", server.port) as a:
            talk_through(a, b, b"hello\n")


@against_the_lecture
def ex18_serves_the_client_py_of_the_lecture_with_its_port_replaced():
    with Server() as server, server.connect() as b:
        copy = edited("client.py", ("12345", str(server.port)))
        with chatting(sys.executable, "-u", copy) as a:
            talk_through(a, b, b"hello")


def talk_through(client, peer, heard):
    """The client says hello until the peer, a newcomer itself, is there to hear it."""
    try:
        peer.settimeout(0.2)
        got = b""
        end = time.monotonic() + PATIENCE
        while not got and time.monotonic() < end:
            client.stdin.write(b"hello\n")
            client.stdin.flush()
            try:
                got = peer.recv(len(heard))
            except TimeoutError:
                pass
        equal(got, heard)
        peer.sendall(b"hi\n")
        equal(client.stdout.readline(), b"hi\n")
    finally:
        client.kill()


@check
def ex19_says_in_one_line_that_nobody_listens():
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        result = run([EXAMPLES / "19_client", taken.getsockname()[1]])
        equal((result.out, result.status), ("", 1))
        assert "refused" in result.err and result.err.count("\n") == 1, result.err


# ---- fibers ------------------------------------------------------------------------


def stops_at_both_signals(name, *arguments):
    """With clients that wait: status 0, nothing on stderr, and the clients see the end."""
    for which in signal.SIGINT, signal.SIGTERM:
        with Server(name, *arguments) as server, server.connect() as a, server.connect() as b:
            for client in a, b:  # one that still waits to be accepted is reset
                client.sendall(b"x")
                hears(client, b"x")
            equal(server.end(which), 0)
            equal(server.process.stderr.read(), "")
            equal((a.recv(1), b.recv(1)), (b"", b""))


def sends(sock, data):
    """All of it and the end, beside whoever reads the answer."""

    def send():
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)

    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    return sending


def hears_all(sock):
    got = bytearray()
    while some := sock.recv(1 << 16):
        got += some
    return bytes(got)


def different_bytes(number, size=1 << 20):
    return random.Random(number).randbytes(size)


def is_echoed(server, number):
    """A mebibyte, sent and read at the same time, ended by a half-close."""
    data = different_bytes(number)
    with server.connect() as client:
        sending = sends(client, data)
        assert hears_all(client) == data, f"client {number} got other bytes than it sent"
        sending.join(PATIENCE)


@check
def ex21_echoes_what_each_of_several_clients_sends_to_the_end():
    with Server("21_echo") as server:
        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            list(clients.map(lambda number: is_echoed(server, number), range(8)))


@check
def ex21_one_that_says_nothing_or_breaks_off_keeps_nobody_waiting():
    with Server("21_echo") as server, server.connect() as silent, server.connect() as broken:
        broken.sendall(b"x" * 100000)
        broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        broken.close()  # a reset
        is_echoed(server, 1)
        silent.sendall(b"now")
        hears(silent, b"now")


@check
def ex21_three_hundred_clients_need_no_more_threads_than_one():
    with Server("21_echo") as server, contextlib.ExitStack() as stack:
        is_echoed(server, 1)
        before = server.threads()
        clients = [stack.enter_context(server.connect()) for _ in range(300)]
        for client in clients:
            client.sendall(b"hello")
        for client in clients:
            hears(client, b"hello")
        equal(server.threads(), before, "threads")


@check
def ex21_ends_with_0_at_sigint_and_sigterm_and_its_clients_see_it():
    stops_at_both_signals("21_echo")


@check
def ex21_a_taken_port_is_one_line():
    a_taken_port_is_one_line("21_echo")


def address(server):
    return f"127.0.0.1:{server.port}"


class Target:
    """What 22_proxy leads to, played by the check."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.port = self.listener.getsockname()[1]
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        peer = self.listener.accept()[0]
        peer.settimeout(PATIENCE)
        return peer


@check
def ex22_passes_a_mebibyte_of_each_of_several_clients_there_and_back():
    with Server("21_echo") as echo, Server("22_proxy", address(echo)) as proxy:
        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            list(clients.map(lambda number: is_echoed(proxy, number), range(8)))


@check
def ex22_the_clients_end_is_passed_on_and_the_answer_still_comes():
    with Target() as target, Server("22_proxy", address(target)) as proxy:
        with proxy.connect() as client, target.accept() as peer:
            client.sendall(b"question")
            client.shutdown(socket.SHUT_WR)
            equal(hears_all(peer), b"question")
            answer = different_bytes(2)
            sending = sends(peer, answer)
            assert hears_all(client) == answer, "another answer"
            sending.join(PATIENCE)


@check
def ex22_the_servers_end_is_passed_on_and_it_still_hears_the_client():
    with Target() as target, Server("22_proxy", address(target)) as proxy:
        with proxy.connect() as client, target.accept() as peer:
            peer.sendall(b"greeting")
            peer.shutdown(socket.SHUT_WR)
            equal(hears_all(client), b"greeting")
            data = different_bytes(3)
            sending = sends(client, data)
            assert hears_all(peer) == data, "other bytes"
            sending.join(PATIENCE)


@check
def ex22_a_writer_waits_for_a_slow_reader_and_nothing_piles_up_between():
    with Target() as target, Server("22_proxy", address(target)) as proxy:
        with proxy.connect() as client, target.accept() as peer:
            client.settimeout(0.5)
            data, sent = different_bytes(4, 1 << 16), 0
            with contextlib.suppress(TimeoutError):
                while sent < 64 << 20:
                    sent += client.send(data)
            assert sent < 64 << 20, "64 MiB went nowhere, and nobody waited"
            client.shutdown(socket.SHUT_WR)
            equal(len(hears_all(peer)), sent)


@check
def ex22_a_broken_end_breaks_the_other_and_nobody_elses():
    with Target() as target, Server("22_proxy", address(target)) as proxy:
        with proxy.connect() as other, target.accept() as others_peer:
            with proxy.connect() as client, target.accept() as peer:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
                equal(peer.recv(1), b"")
            other.sendall(b"still here")
            hears(others_peer, b"still here")


@check
def ex22_says_which_target_does_not_answer_and_goes_on():
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{taken.getsockname()[1]}"
        with Server("22_proxy", nowhere) as proxy:
            for _ in range(2):
                with proxy.connect() as client:
                    equal(client.recv(1), b"")
                line = proxy.process.stderr.readline()
                assert nowhere in line and "refused" in line, line
            equal(proxy.end(signal.SIGTERM), 0)


@check
def ex22_gives_back_both_descriptors_of_a_connection():
    with Server("21_echo") as echo, Server("22_proxy", address(echo)) as proxy:
        is_echoed(proxy, 1)
        until(lambda: proxy.descriptors() <= 16, "descriptors are kept")
        before = proxy.descriptors()
        for _ in range(50):
            with proxy.connect() as client:
                client.sendall(b"x")
                hears(client, b"x")
        until(lambda: proxy.descriptors() <= before, "descriptors are kept")


@check
def ex22_ends_with_0_at_sigint_and_sigterm_and_its_clients_see_it():
    with Server("21_echo") as echo:
        stops_at_both_signals("22_proxy", address(echo))


@check
def ex22_ends_although_neither_end_reads_what_the_other_sends():
    with Target() as target, Server("22_proxy", address(target)) as proxy:
        with proxy.connect() as client, target.accept() as peer:
            for end in client, peer:
                end.settimeout(0.3)
                with contextlib.suppress(TimeoutError):
                    while True:
                        end.send(b"x" * (1 << 16))
            equal(proxy.end(signal.SIGTERM), 0)


@check
def ex22_a_taken_port_and_a_missing_target_are_one_line():
    a_taken_port_is_one_line("22_proxy", "127.0.0.1:9")
    result = run([EXAMPLES / "22_proxy", "0"])
    equal((result.status, result.err), (2, "usage: 22_proxy PORT TARGET\n"))


@check
def ex23_an_answer_in_time_comes_and_a_late_one_is_cut_off():
    equal(
        example("23_deadline"),
        Result(
            "six by seven: hung up\n"
            "six by seven: 42\n"
            "the meaning of it all: hung up\n"
            "the meaning of it all: no answer in time\n",
            "",
            0,
        ),
    )


@check
def ex24_ten_thousand_fibers_sleep_and_wake_on_one_thread():
    # TSan knows 8,128 stacks at once.
    many = 2000 if b"__tsan_init" in WEFT.read_bytes() else 10000
    result = example("24_sleepers", arguments=[] if many == 10000 else [many])
    said = f"{many} fibers woke, 0 of them on another thread than the first\n"
    equal(result, Result(said, "", 0))


@check
def ex25_results_come_one_by_one_and_then_the_end():
    primes = [97, 101, 103, 107, 109, 113, 127]
    said = "".join(f"{prime}\n" for prime in primes) + f"{len(primes)} in all\n"
    equal(example("25_stream"), Result(said, "", 0))


# ---- what is written about them ----------------------------------------------------


def program_of(readme):
    return (ROOT / readme).read_text().partition("```c\n")[2].partition("```")[0]


def build_folder():
    for folder in WEFT.parents:
        if (folder / "meson-info").is_dir():
            return folder
    return WEFT.parent


def library():
    for name in "libweft.a", "libweft.so":
        for found in sorted(build_folder().rglob(name)):
            return found
    raise Skip(f"no libweft in {build_folder().name}")


def compiler():
    """The compiler of this build, with the sanitizers that are in the weft command."""
    command = [os.environ.get("CC", "cc")]
    targets = build_folder() / "meson-info" / "intro-targets.json"
    if targets.is_file():
        groups = [target["target_sources"] for target in json.loads(targets.read_text())]
        sources = [part for group in groups for part in group]
        command = next(part["compiler"] for part in sources if part.get("language") == "c")
    if not shutil.which(command[0]):
        raise Skip(f"no {command[0]}")
    inside = WEFT.read_bytes()
    known = (("__asan_init", "address"), ("__ubsan_handle", "undefined"), ("__tsan_init", "thread"))
    sanitizers = [name for mark, name in known if mark.encode() in inside]
    return command + ([f"-fsanitize={','.join(sanitizers)}"] if sanitizers else [])


@check
def the_program_of_the_readme_compiles_without_a_warning_and_prints_what_it_says():
    source = pathlib.Path(tempfile.mkdtemp(dir=Temporary)) / "first.c"
    source.write_text(program_of("README.md"))
    warnings = "-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Werror".split()
    link = [library(), f"-Wl,-rpath,{library().parent}", "-pthread", "-luring"]
    program = source.with_suffix("")
    built = run(
        [*compiler(), "-std=gnu17", *warnings, "-I", ROOT / "include", source, "-o", program, *link]
    )
    equal((built.err, built.status), ("", 0))
    result = run([program])
    equal(result, Result("7 squared is 49\n", "", 0))
    for readme in "README.md", "README.zh.md":
        assert result.out.strip() in (ROOT / readme).read_text().replace(program_of(readme), "")


@check
def both_readmes_show_the_same_program_on_their_first_screen():
    equal(program_of("README.zh.md"), program_of("README.md"))
    for readme in "README.md", "README.zh.md":
        before = (ROOT / readme).read_text().partition(program_of(readme))[0]
        assert before.count("\n") + program_of(readme).count("\n") <= 40, readme


@check
def every_link_of_the_readmes_and_of_the_lectures_table_leads_somewhere():
    for page in "README.md", "README.zh.md", "docs/lecture.md":
        path = ROOT / page
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{page}: {target}"


def rows_of_the_table():
    rows = {}
    for line in (ROOT / "docs/lecture.md").read_text().splitlines():
        if found := re.match(r"\| L(\d+) \|", line):
            number = int(found[1])
            assert number not in rows, f"two rows L{number}"
            rows[number] = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    return rows


@check
def the_lectures_table_has_all_72_rows_and_no_empty_cell():
    rows = rows_of_the_table()
    equal(sorted(rows), list(range(1, 73)))
    for number, cells in rows.items():
        equal(len(cells), 5, f"cells of L{number}")
        assert all(cells), f"L{number} has an empty cell"


@check
def what_the_lectures_table_names_exists():
    for number, cells in rows_of_the_table().items():
        for name in re.findall(r"`((?:examples|tests|src|programs|include|docs)/[^`]+)`", cells[3]):
            assert (ROOT / name).exists(), f"L{number}: {name}"


@check
def an_example_that_names_a_row_is_named_by_that_row():
    rows = rows_of_the_table()
    examples = sorted((ROOT / "examples").glob("[0-9][0-9]_*.c"))
    assert examples
    for path in examples:
        head = path.read_text().partition("#include")[0].replace("\n//", " ")
        named = re.search(r"Lecture: (.*?)(\.\s|, put)", head)
        assert named, f"{path.name} names no row"
        text = re.sub(r"L(\d+) to L(\d+)", every_row_between, named[1])
        for number in map(int, re.findall(r"L(\d+)", text)):
            assert path.name in rows[number][3], f"L{number} does not name {path.name}"


def every_row_between(found):
    return " ".join(f"L{number}" for number in range(int(found[1]), int(found[2]) + 1))


# ---- processes -------------------------------------------------------------------


def mask_numbers(text):
    return re.sub(r"\b\d{3,}\b", "ID", text)


FIVE = [f"Process:{i}" for i in range(5)]


@check
def ex26_five_processes_tell_their_numbers():
    result = example("26_processes")
    equal((sorted(result.out.splitlines()), result.err, result.status), (FIVE, "", 0))


@against_the_lecture
def ex26_prints_what_processes_5_py_prints():
    # Python's print may put its newline behind another's text (row 58).
    theirs = original("processes_5.py").out.replace("\n", "").split("Process")
    equal(sorted(theirs), ["", *(line.removeprefix("Process") for line in FIVE)])


@check
def ex27_a_process_knows_its_name_and_that_it_lives():
    result = example("27_process_names")
    lines = result.out.splitlines()
    equal((lines[:4], lines[5:6], result.err), (["start", "stop", "1", "p1"], ["True"], ""))
    assert int(lines[4]) > 1 and int(lines[6]) >= 1, lines


@against_the_lecture
def ex27_prints_what_process_p1_py_prints():
    ours, theirs = (
        mask_numbers(out) for out in (example("27_process_names").out, original("process_p1.py").out)
    )
    # Its last line ignores affinity (row 62).
    equal(ours.splitlines()[:-1], theirs.splitlines()[:-1])


def sorted_children(out):
    return sorted(mask_numbers(out).splitlines())


@check
def ex28_the_living_children_are_listed():
    result = example("28_children", scale=0.5)
    lines = [line for line in sorted_children(result.out) if not line.startswith("CPU number:")]
    children = [line for line in lines if line.startswith("Child process")]
    others = [f"Process: {i}" for i in range(5)] + ["Process Ended"]
    equal((sorted(set(lines) - set(children)), result.err), (sorted(others), ""))
    # On a busy machine more than the first may have ended; the last has the longest to sleep.
    living = [f"Child process name:Process-{i} id:ID" for i in range(2, 6)]
    assert children and children == living[-len(children):], children


@against_the_lecture
def ex28_prints_what_active_children_py_prints():
    def lines_and_children(out):
        lines = sorted_children(out)
        return ([line for line in lines if not line.startswith("Child process")],
                [line for line in lines if line.startswith("Child process")])

    # The child of number n ends after n - 1 seconds, so on a busy machine, where Python takes more
    # than one to start five, it finds fewer.
    def once():
        (ours, our_children), (theirs, their_children) = map(lines_and_children, (
            example("28_children").out, original("active_children.py").out))
        equal(ours, theirs)
        assert their_children and their_children == our_children[-len(their_children):]

    until_right(once)


SQUARES = f"Pool  : {[i * i for i in range(100)]}\n"


@check
def ex29_a_hundred_squares_come_in_order():
    equal(example("29_process_map"), Result(SQUARES, "", 0))


@against_the_lecture
def ex29_prints_what_pool_map_py_prints():
    equal(original("pool_map.py").out, SQUARES)


@check
def ex30_a_call_is_made_elsewhere_and_a_crash_costs_one():
    result = example("30_process_apply")
    equal((result.out, result.status), ("Pool     : 100\n", 0))
    assert re.fullmatch(
        r"lost: square: its process weft-\d was killed by SIGKILL \(Killed\)\n", result.err
    ), result.err


@against_the_lecture
def ex30_prints_what_pool_apply_py_prints():
    equal(original("pool_apply.py").out, "Pool     : 100\n")



# The lecture only names Queue, Lock, Semaphore and Pipe. So what Python's do is asked of a program
# that does with them what ours does.
def python_does(body):
    head = "from multiprocessing import Lock, Pipe, Process, Queue, Semaphore, Value\n"
    done = run([sys.executable, "-c", head + textwrap.dedent(body)])
    equal((done.err, done.status), ("", 0))
    return done.out


QUEUE_PY = """
    def work(jobs, answers):
        while (n := jobs.get()) is not None:
            answers.put((n, n * n))

    jobs, answers = Queue(), Queue()
    workers = [Process(target=work, args=(jobs, answers)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for n in [*range(10), None, None, None]:
        jobs.put(n)
    for n, square in sorted(answers.get() for _ in range(10)):
        print(f"{n} squared is {square}")
    for worker in workers:
        worker.join()
    print("3 processes did 10 jobs")
"""


@check
def ex31_each_job_is_done_once_by_one_of_three_processes():
    result = example("31_process_queue")
    equal((result.err, result.status), ("", 0))
    equal(result.out, python_does(QUEUE_PY))


LOCK_PY = """
    def move_money(lock, left, right):
        for _ in range(1000):
            with lock:
                left.value -= 1
                right.value += 1

    lock, left, right = Lock(), Value("l", -1, lock=False), Value("l", 1, lock=False)
    processes = [Process(target=move_money, args=(lock, left, right)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(f"left {left.value}, right {right.value}")
"""


@check
def ex32_a_lock_keeps_processes_apart_and_survives_its_holder():
    result = example("32_process_lock")
    equal((result.err, result.status), ("", 0))
    # Nobody is told by Python's lock that its holder died: the first line is ours alone.
    equal(result.out, "mended: the sum was -1\n" + python_does(LOCK_PY))


SEMAPHORE_PY = """
    def visit(seats, inside, visits, crowds):
        with seats:
            with inside.get_lock():
                inside.value += 1
                crowds.value += inside.value > 2
            with visits.get_lock():
                visits.value += 1
            with inside.get_lock():
                inside.value -= 1

    seats, numbers = Semaphore(2), [Value("i", 0) for _ in range(3)]
    processes = [Process(target=visit, args=(seats, *numbers)) for _ in range(5)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(f"{numbers[1].value} visits, more than 2 at once: {numbers[2].value}")
"""


@check
def ex33_two_of_five_at_a_time():
    result = example("33_process_semaphore")
    equal((result.err, result.status), ("", 0))
    equal(result.out, python_does(SEMAPHORE_PY))


PIPE_PY = """
    def answer(end):
        for _ in range(3):
            end.send(end.recv() + " to you")

    ours, theirs = Pipe()
    process = Process(target=answer, args=(theirs,))
    process.start()
    theirs.close()
    try:
        for word in "hello", "peace", "goodbye", "anybody there?":
            ours.send(word)
            print(f"{word}: {ours.recv()}")
    except (EOFError, ConnectionError):
        print("the other end is closed")
    process.join()
"""


@check
def ex34_a_conversation_ends_when_the_other_end_is_closed():
    result = example("34_process_pipe")
    equal((result.err, result.status), ("", 0))
    equal(result.out, python_does(PIPE_PY))


@check
def ex35_workers_know_what_on_start_told_them():
    lines = ["without on_start: 7", "with on_start: 42", "with one that fails: a factor of -1", ""]
    equal(example("35_process_setup"), Result("\n".join(lines), "", 0))


# ---- what is seen of them ---------------------------------------------------------------


def kitchen(kind):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "kitchen.json"
        command = [EXAMPLES / "36_trace", kind]
        equal(run(command), Result("6 dishes are served\n", "", 0))
        equal(run(command, env={"WEFT_TRACE": str(path)}), Result("6 dishes are served\n", "", 0))
        return json.loads(path.read_bytes())["traceEvents"]


@check
def ex36_a_trace_shows_two_cooks_who_share_a_stove():
    for kind, suffix in ("threads", ""), ("fibers", " (fiber)"):
        events = kitchen(kind)
        rows = {e["args"]["name"] for e in events if e.get("name") == "thread_name"}
        assert {f"cook Ada{suffix}", f"cook Bo{suffix}", f"waiter{suffix}"} <= rows, rows
        begun = collections.Counter(e["name"] for e in events if e["ph"] == "B")
        equal([begun[name] for name in ("cook Ada", "cook Bo", "chop", "fry")], [1, 1, 6, 6])
        equal(begun["weft_sleep"], 12, "sleeps")


@check
def ex36_a_trace_shows_a_cook_who_waits_for_the_stove():
    """A busy machine may keep the cooks apart for a whole evening, but not for ever."""
    for _ in range(20):
        if any(e.get("name") == "weft_lock" for e in kitchen("threads")):
            return
    raise AssertionError("nobody ever waited for the stove")


# ---- TAP ------------------------------------------------------------------------------

printing = threading.Lock()
printed = itertools.count(1)  # checks end in any order; TAP's numbers do not


def note(text):
    with printing:
        print(f"# {text}", flush=True)


def outcome(function):
    name, left_out, why = function.__name__.replace("_", " "), "", ""
    try:
        function()
    except Skip as skip:
        left_out = f" # SKIP {skip}"
    except subprocess.TimeoutExpired as late:
        why = f"{late.cmd[0]} has not ended after {late.timeout} s"
    except Exception as wrong:  # a check may fail in any way: the others go on
        why = f"{type(wrong).__name__}: {wrong}"
    with printing:
        line = f"{'not ' if why else ''}ok {next(printed)} - {name}{left_out}"
        print("\n".join([line, *("# " + part for part in why.splitlines())]), flush=True)
    return not why


def main():
    global Temporary
    if WEFT is None:
        sys.exit(__doc__.splitlines()[0])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # not ignored, as in a shell's "&"
    with tempfile.TemporaryDirectory(prefix="weft-examples-") as Temporary:
        print(f"1..{len(Checks)}", flush=True)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            right = list(pool.map(outcome, Checks))
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
