#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gdb_test.py GDB_FIBERS SLOW - gdb lists fibers and shows stacks, with tools/gdb/weft_gdb.py.

Looked at is tests/gdb_fibers.c, stopped where all of its fibers wait, and a core of it; SLOW is the
same, built without optimization.
"""
import functools
import pathlib
import re
import shutil
import sys
import tempfile

PROGRAM, SLOW = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
HERE = pathlib.Path(__file__).resolve().parent
SCRIPT = HERE.parent / "tools" / "gdb" / "weft_gdb.py"
sys.path.insert(0, str(HERE / "house"))
from tap import Skip, main, run, test

# Name of the task, loop, what it waits in, the functions on its stack, innermost first.
FIBERS = [
    ("Fiber-2 (postman)", "weft-loop-1", r"weft_get_\(0x[0-9a-f]+\)",
     ["fiber_sleeps", "weft_get_", "wait_for_a_letter", "postman", "wf_future_run"]),
    ("Fiber-3 (locked_out)", "weft-loop-1", r"weft_lock\(mutex 0x[0-9a-f]+\)",
     ["fiber_sleeps", "weft_lock", "wait_for_a_key", "locked_out", "wf_future_run"]),
    ("Fiber-4 (reader)", "weft-loop-1", r"weft_wait_fd, descriptor \d+",
     ["fiber_sleeps", "weft_wait_fd", "wait_for_bytes", "reader", "wf_future_run"]),
    ("Fiber-5 (dreamer)", "weft-loop-1", r"weft_sleep",
     ["fiber_sleeps", "weft_sleep", *["dream"] * 11, "dreamer", "wf_future_run"]),
]


def gdb(*commands, program=(PROGRAM,)):
    """What gdb says to these commands, after it has read the script."""
    options = [part for command in commands for part in ("-ex", command)]
    done = run("gdb", "-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "set width 0",
               "-ex", f"source {SCRIPT}", *options, "--args", *program)
    return done.stdout


def stopped(*commands, program=PROGRAM):
    return gdb("break all_are_parked", "run", *commands, "kill", program=[program])


def is_listed(name, listing):
    found = re.search(rf"^ *(\d+)  {re.escape(name)} ", listing, re.M)
    assert found, f"{name} is not listed:\n{listing}"


def functions_of(backtrace):
    """Innermost first; inlined ones too, which have no address."""
    return re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\w+)", backtrace, re.M)


def come_in_order(wanted, functions):
    rest = iter(functions)
    missing = [name for name in wanted if name not in rest]
    assert not missing, f"no {missing} in this order in {functions}"


@functools.cache
def listing():
    return stopped("weft fibers")


@test
def each_fiber_is_listed_with_its_loop_and_what_it_waits_in():
    for name, loop, waits_in, _ in FIBERS:
        line = rf"^ *\d+  {re.escape(name)} +{loop} +waits in {waits_in}$"
        assert re.search(line, listing(), re.M), f"{line}\n{listing()}"
    assert re.search(r"^ *\d+  team-1 \(in_a_pool\) +team-1 ", listing(), re.M), listing()
    assert re.search(r"^6 fibers$", listing(), re.M), listing()


@test
def so_it_is_where_the_call_itself_has_no_frame():
    shown = stopped("weft fibers", program=SLOW)
    for name, loop, waits_in, _ in FIBERS:
        line = rf"^ *\d+  {re.escape(name)} +{loop} +waits in {waits_in.replace('_get_', '_get_?')}$"
        assert re.search(line, shown, re.M), f"{line}\n{shown}"


@test
def the_one_that_runs_is_said_to_run():
    line = r"^ *\d+  Fiber-1 \(overseer\) +weft-loop-1 +runs$"
    assert re.search(line, listing(), re.M), listing()


def part_of(name, shown):
    """What `weft fiber all` said of one. Not asked for by number: that differs from run to run."""
    parts = re.split(r"^ *\d+  (?=\S)", shown, flags=re.M)
    part = next((part for part in parts if part.startswith(name)), None)
    assert part, f"{name} is not shown:\n{shown}"
    return part


def backtraces_are_right(shown):
    for name, _, _, functions in FIBERS:
        part = part_of(name, shown)
        come_in_order(functions, functions_of(part))
        assert functions_of(part)[-1] == "wf_context_begin", part


@test
def a_backtrace_has_the_functions_that_wait_and_their_callers():
    backtraces_are_right(stopped("weft fiber all bt"))


@test
def the_backtrace_of_the_one_that_runs_is_its_threads():
    part = part_of("Fiber-1 (overseer)", stopped("weft fiber all bt"))
    come_in_order(["all_are_parked", "overseer", "wf_future_run"], functions_of(part))


@test
def who_is_on_his_loops_stack_runs_and_has_both_stacks():
    shown = gdb("break is_below", "run", "weft fibers", "weft fiber all bt", "kill")
    assert re.search(r"^ *\d+  Fiber-1 \(overseer\) +weft-loop-1 +runs$", shown, re.M), shown
    part = part_of("Fiber-1 (overseer)", shown[shown.index("6 fibers"):])
    come_in_order(["is_below", "wf_loop_run", "go_below", "overseer", "wf_future_run"],
                  functions_of(part))
    assert functions_of(part)[-1] == "wf_context_begin", part


FROM_END_TO_NEXT = """python
while not gdb.selected_frame().name() == "fiber_begins":
    gdb.selected_frame().older().select()
gdb.execute("finish")
gdb.execute("set scheduler-locking step")
at = gdb.selected_frame()
while at.name() in ("wf_context_begin", "wf_context_switch"):
    print("step:", at.name(), at.older().name() if at.older() else "none")
    gdb.execute("stepi")
    at = gdb.selected_frame()
"""


@test
def between_a_fibers_end_and_the_next_a_backtrace_ends_or_is_the_nexts():
    with tempfile.NamedTemporaryFile("w", prefix="weft-gdb-", suffix=".gdb") as script:
        script.write(FROM_END_TO_NEXT)
        script.flush()
        shown = stopped(f"source {script.name}")
    steps = re.findall(r"^step: (\w+) (\w+)$", shown, re.M)
    assert len(steps) > 8, shown
    for here, caller in steps:
        ends = here == "wf_context_begin"
        assert caller in (["none"] if ends else ["wf_fiber_leave", "run_fibers"]), shown


@test
def other_commands_for_frames_see_the_fibers_variables():
    part = part_of("Fiber-5 (dreamer)", stopped("weft fiber all frame apply all -q info locals"))
    kept = [int(value) for value in re.findall(r"^kept = \{(\d+),", part, re.M)]
    assert kept == list(range(11)), part


@test
def one_is_shown_by_its_number():
    python = "python n = fibers_now()[-1].number; gdb.execute(f'weft fiber {n} bt')"
    assert len(re.findall(r"^ *\d+  \S.* weft-loop-1 ", stopped(python), re.M)) == 1


@test
def the_thread_and_the_program_go_on_as_if_nothing_had_been_shown():
    shown = gdb("break all_are_parked", "run", "weft fibers", "weft fiber all bt", "bt 1",
                "continue")
    assert re.search(r"^#0 .*all_are_parked", shown, re.M), shown
    assert "exited normally" in shown, shown


@test
def a_number_that_nobody_has_is_an_error_of_one_line():
    for wrong in "weft fiber 999 bt", "weft fiber x", "weft fiber":
        shown = stopped(wrong)
        assert "Traceback" not in shown and "Python Exception" not in shown, shown
    assert "there is no fiber 999" in stopped("weft fiber 999 bt")
    shown = gdb("weft fibers", program=[sys.executable])
    assert "no weft here" in shown or "nothing runs" in shown, shown


@test
def a_core_has_them_too():
    with tempfile.TemporaryDirectory(prefix="weft-gdb-") as folder:
        run("sh", "-c", 'ulimit -c unlimited; exec "$0" crash', PROGRAM, cwd=folder)
        cores = list(pathlib.Path(folder).glob("*core*"))
        if not cores:
            raise Skip("the kernel leaves no core here")
        is_listed("Fiber-2 (postman)", gdb(f"core-file {cores[0]}", "weft fibers"))
        backtraces_are_right(gdb(f"core-file {cores[0]}", "weft fiber all bt"))


def missing():
    if not shutil.which("gdb"):
        return "gdb is not here: tools/deps test"
    if "yes" not in run("gdb", "-nx", "-batch", "-ex", 'python print("yes")').stdout:
        return "this gdb has no Python"
    shown = stopped("weft fibers")
    if "hit Breakpoint" not in shown:
        return "gdb may not start a program here"
    if "without debug information" in shown:
        return "this build has no debug information"
    return None


if __name__ == "__main__":
    if why := missing():
        print(f"1..1\nok 1 - fibers in gdb # SKIP {why}")
        sys.exit(0) # a status of 77 beside TAP is an error to meson
    main()
