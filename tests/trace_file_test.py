#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""trace_file_test.py TRACE_SCENES - what WEFT_TRACE=FILE writes, of the programs in trace_scenes.c.

Each trace is read as the viewers read it: sorted by time, by track; and in each the same is looked at
first: every "E" ends a "B" of its track, nothing is left open, arrows have two ends, in tasks.
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "house"))
from tap import main, test

SCENES = pathlib.Path(sys.argv[1]).resolve()
PATIENCE = 60

Slice = collections.namedtuple("Slice", "name cat track begin end args above")
Result = collections.namedtuple("Result", "out err status")


def run(scene, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_TRACE")}
    done = subprocess.run([SCENES, *scene.split()], capture_output=True, timeout=PATIENCE,
                          env={**clean, **environment})
    return Result(done.stdout.decode(), done.stderr.decode(), done.returncode)


def equal(got, expected, what=""):
    assert got == expected, f"{what}\n     got: {got!r}\nexpected: {expected!r}"


class Trace:
    """One file, taken apart: slices by track, names of tracks, the rest by phase."""

    def __init__(self, text):
        whole = json.loads(text)
        self.dropped = whole["otherData"]["dropped"]
        self.events = sorted(whole["traceEvents"], key=lambda event: event["ts"])
        self.names = {event["tid"]: event["args"]["name"] for event in self.of("M")
                      if event["name"] == "thread_name"}
        self.processes = {event["pid"]: event["args"]["name"] for event in self.of("M")
                          if event["name"] == "process_name"}
        self.slices = []
        self.read_slices()
        self.check_arrows()
        self.check_queue()

    def of(self, phase):
        return [event for event in self.events if event["ph"] == phase]

    def read_slices(self):
        open_ones = collections.defaultdict(list)
        for event in self.events:
            track = open_ones[event["tid"]]
            if event["ph"] == "B":
                track.append(event)
            elif event["ph"] == "E":
                assert track, f"an end without a begin: {event}"
                begin = track.pop()
                args = {**begin.get("args", {}), **event.get("args", {})}
                self.slices.append(Slice(begin["name"], begin["cat"], event["tid"], begin["ts"],
                                         event["ts"], args, [above["name"] for above in track]))
        left = {tid: track for tid, track in open_ones.items() if track}
        assert not left, f"left open: {left}"

    def check_arrows(self):
        """Each arrow begins in a task, and ends in a wait, later."""
        ends = {event["id"]: event for event in self.of("f")}
        equal(len(ends), len(self.of("s")), "ends of arrows")
        for start in self.of("s"):
            end = ends[start["id"]]
            assert start["ts"] <= end["ts"], (start, end)
            for event, cat in (start, "task"), (end, "wait"):
                assert any(s.track == event["tid"] and s.begin <= event["ts"] <= s.end
                           for s in self.slices if s.cat == cat), f"in no {cat}: {event}"

    def check_queue(self):
        begun = collections.Counter(event["id"] for event in self.of("b"))
        ended = collections.Counter(event["id"] for event in self.of("e"))
        equal(begun, ended, "queued, and no more")
        assert all(n == 1 for n in begun.values()), begun

    def find(self, name, cat=None):
        return [s for s in self.slices if s.name == name and cat in (None, s.cat)]

    def only(self, name, cat=None):
        found = self.find(name, cat)
        assert len(found) == 1, f"{len(found)} of {name}: {found}"
        return found[0]

    def queued(self):
        return [event["name"] for event in self.of("b")]


def traced(scene, status=0, **environment):
    """The trace of a scene that ends well, and what it printed."""
    with tempfile.TemporaryDirectory(prefix="weft-trace-") as folder:
        path = pathlib.Path(folder) / "out.json"
        done = run(scene, WEFT_TRACE=str(path), **environment)
        equal(done.status, status, f"the status of {scene}: {done.err}")
        return Trace(path.read_bytes()), done


# ---- tasks, waits, wake-ups ------------------------------------------------------------------

def check_post(kind):
    trace, done = traced(f"post {kind}")
    equal(done.err, "")
    suffix = " (fiber)" if kind == "fibers" else ""
    reader, writer = trace.only("anna reads", "task"), trace.only("bert writes", "task")
    equal(trace.names[reader.track], "anna reads" + suffix)
    equal(trace.names[writer.track], "bert writes" + suffix)
    equal(sorted(trace.queued()), ["anna reads", "bert writes"])
    gets = trace.find("weft_get", "wait")
    equal(len(gets), 3)
    for get in gets:
        equal(get.above, ["anna reads", "outer", "inner"])
        equal(get.args["woken_by"], "bert writes")
        assert re.fullmatch("0x[0-9a-f]+", get.args["object"]), get
    join = trace.find("weft_join", "wait")[0]
    equal((trace.names[join.track], join.args["woken_by"]), ("MainThread", "anna reads"))
    assert "task" in join.args and join.end >= reader.end
    return trace


@test
def threads_have_tasks_with_names_waits_with_calls_and_objects_and_who_woke_whom():
    check_post("threads")


@test
def fibers_have_the_same_each_on_a_track_of_its_own():
    trace = check_post("fibers")
    equal(len({trace.only(name, "task").track for name in ("anna reads", "bert writes",
                                                           "MainThread")}), 3)


@test
def a_span_left_open_ends_with_its_task_and_one_end_too_many_does_nothing():
    trace, _ = traced("post")
    left, task = trace.only("left open", "span"), trace.only("bert writes", "task")
    equal((left.above, left.end, left.args), (["bert writes"], task.end, {"left_open": True}))
    equal(trace.only("outer").above, ["anna reads"])
    equal([s.above for s in trace.find("inner")], [["anna reads", "outer"]] * 3)
    marks = [event for event in trace.of("i") if event["name"] == "posted"]
    equal([event["tid"] for event in marks], [task.track] * 3)


def check_mill(kind):
    trace, _ = traced(f"mill {kind}")
    grinds = trace.find("grind", "task")
    equal(len(grinds), 4)
    equal(sorted(trace.queued()), ["grind"] * 4 + ["hold"])
    workers = {trace.names[s.track].removesuffix(" (fiber)") for s in grinds}
    assert all(re.fullmatch(r"mill-\d+", worker) for worker in workers), workers
    locks = trace.find("weft_lock", "wait")
    assert locks and all(s.above == ["grind"] and "mutex" in s.args for s in locks), locks
    assert any(s.args.get("woken_by") == "hold" for s in locks), locks
    closes = trace.find("weft_pool_close", "wait")
    assert closes and all(trace.names[s.track] == "MainThread" for s in closes), closes
    idle = [s for s in trace.slices if s.cat == "wait" and not s.above]
    equal(idle, [], "waits outside of tasks: a worker's for work is none")


@test
def a_pool_of_threads_shows_its_workers_time_in_the_queue_a_wait_for_a_lock_the_close():
    check_mill("threads")


@test
def a_pool_of_fibers_shows_the_same():
    check_mill("fibers")


@test
def one_cancelled_in_the_queue_never_begins_and_one_that_is_lent_runs_in_who_joins_it():
    trace, _ = traced("queued")
    assert "grind" in trace.queued()
    equal(trace.find("grind"), [])
    lent = trace.only("nothing", "task")
    equal((trace.names[lent.track], lent.above), ("MainThread", ["MainThread"]))


@test
def a_function_that_weft_block_calls_is_part_of_that_wait_with_its_spans():
    trace, _ = traced("block")
    equal(trace.only("weft_block", "wait").above, ["MainThread", "around"])
    inner = trace.only("in the call")
    equal((inner.above, inner.args), (["MainThread", "around", "weft_block"], {"left_open": True}))


@test
def a_task_of_a_process_is_shown_in_it_with_its_pid_also_one_that_died():
    trace, done = traced("processes")
    runs = trace.of("X")
    equal([event["name"] for event in runs], ["alone"] + ["tell_pid"] * 3 + ["die"])
    pids = [int(line) for line in done.out.split()]
    equal([event["pid"] for event in runs], [*pids, pids[-1]])
    equal([trace.processes[pid] for pid in pids], ["alone", "many-1", "many-1", "many-1"])
    assert all(event["dur"] >= 0 and event["args"]["pid"] == event["pid"] for event in runs)
    begins = {event["id"]: event["ts"] for event in trace.of("b")}
    assert all(begins[event["args"]["task"]] <= event["ts"] for event in runs)
    equal(trace.find("in another process"), [])


# ---- what may be in a name ---------------------------------------------------------------------

@test
def names_come_out_as_they_went_in_and_what_is_no_utf_8_is_replaced():
    for kind in "threads", "fibers":
        trace, _ = traced(f"names {kind}")
        wanted = ['say "hi"', "back\\slash", "tab\tline\nbell\a", "M\u00fcller \U0001F600",
                  "cut\ufffd", "no\ufffd\ufffd\ufffd", "</script>"]
        tasks = [s for s in sorted(trace.slices, key=lambda s: s.begin) if s.cat == "task"]
        equal([s.name for s in tasks if s.name != "MainThread"], wanted)
        equal([event["name"] for event in trace.of("i")], [*wanted, ""])
        suffix = " (fiber)" if kind == "fibers" else ""
        equal([trace.names[s.track] for s in tasks if s.name in wanted],
              [name + suffix for name in wanted])


# ---- what is not written -----------------------------------------------------------------------

@test
def without_the_variable_or_with_an_empty_one_nothing_is_written():
    with tempfile.TemporaryDirectory(prefix="weft-trace-") as folder:
        for environment in {}, {"WEFT_TRACE": ""}:
            done = subprocess.run([SCENES, "names"], cwd=folder, capture_output=True,
                                  timeout=PATIENCE, check=True,
                                  env={"PATH": os.environ["PATH"], **environment})
            equal((done.stdout, done.stderr, os.listdir(folder)), (b"", b"", []))


@test
def a_file_that_cannot_be_written_costs_one_line_and_the_status_is_the_programs_own():
    for path in "/nowhere/out.json", "/":
        done = run("status", WEFT_TRACE=path)
        equal(done.status, 7)
        lines = done.err.splitlines()
        assert len(lines) == 1 and lines[0].startswith(f"weft: WEFT_TRACE={path}: "), done.err


@test
def a_full_disk_costs_one_line_too():
    if not pathlib.Path("/dev/full").exists():
        return
    done = run("status", WEFT_TRACE="/dev/full")
    equal(done.status, 7)
    equal(done.err.splitlines(),
          ["weft: WEFT_TRACE: /dev/full: No space left on device; the trace is not whole"])


@test
def a_relative_name_means_the_folder_that_the_program_began_in():
    with tempfile.TemporaryDirectory(prefix="weft-trace-") as folder:
        done = subprocess.run([SCENES, "status"], cwd=folder, timeout=PATIENCE,
                              env={**os.environ, "WEFT_TRACE": "out.json"})
        equal((done.returncode, os.listdir(folder)), (7, ["out.json"]))
        Trace((pathlib.Path(folder) / "out.json").read_bytes())


@test
def the_child_of_a_fork_leaves_its_parents_file_alone_and_is_not_in_it():
    trace, done = traced("forked")
    equal([event["name"] for event in trace.of("i")], ["parent before", "parent after"])
    equal(done.err, "")


@test
def beyond_the_limit_events_are_dropped_and_counted_and_what_is_there_still_nests():
    trace, done = traced("limit", WEFT_TRACE_MB="1")
    marks = len(trace.of("i"))
    equal(marks + trace.dropped, 100000 + 1, "marks, and the end of the span")
    assert 0 < marks < 30000, marks
    lines = done.err.splitlines()
    assert len(lines) == 1 and f" {trace.dropped} events were dropped" in lines[0], done.err
    equal(trace.only("cut off").args, {"cut_off": True})


@test
def a_limit_that_is_no_number_is_said_and_not_taken():
    for limit in "abc", "5MB", "0", "-3", "99999999999999999999":
        trace, done = traced("many_threads", WEFT_TRACE_MB=limit)
        equal(done.err, f"weft: WEFT_TRACE_MB={limit}: no number of megabytes; it is 64\n")
        equal(trace.dropped, 0)
    _, done = traced("many_threads", WEFT_TRACE_MB="")
    equal(done.err, "")


@test
def threads_that_come_after_others_take_no_memory_of_their_own():
    trace, done = traced("many_threads", WEFT_TRACE_MB="1")
    equal((trace.dropped, done.err), (0, ""))
    equal(len(trace.find("nothing", "task")), 50)


@test
def what_waits_for_ever_is_in_it_up_to_the_end_of_the_program():
    for kind in "threads", "fibers":
        trace, _ = traced(f"daemon {kind}")
        wait = trace.only("weft_event_wait", "wait")
        equal((wait.above, wait.args["at_exit"]), (["daemon", "forlorn"], True))


main()
