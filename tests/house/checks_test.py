#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""checks_test - the checks of the tree find what they are there for, and nothing else."""
from tap import ROOT, main, run, test, tree

BODY = "int f(void)\n{\n    return 0;\n}\n"


def found(check, *expected, **files):
    """The check finds exactly these: path:line, and a part of what it says."""
    with tree(**files) as root:
        done = run(ROOT / "tools" / check, root)
    lines = done.stdout.splitlines()
    assert done.returncode == (1 if expected else 0), done
    assert len(lines) == (len(expected) + 1 if expected else 0), done.stdout
    for line, (place, words) in zip(lines, expected):
        assert line.startswith(f"{place}: ") and words in line, f"{line}\nexpected: {place} {words}"


# ---- layers ------------------------------------------------------------------------------------

@test
def a_file_may_include_its_own_layer_and_those_below():
    found("check_layers", **{
        "src/os/clock.h": "", "src/core/park.h": "", "src/exec/pool.h": "",
        "src/exec/pool.c": '#include "exec/pool.h"\n#include "core/park.h"\n#include "os/clock.h"\n'
                           "#include <weft/pool.h>\n#include <weft/sync.h>\n#include <stdio.h>\n"})


@test
def an_include_of_a_higher_layer_is_found():
    found("check_layers", ("src/core/park.c:2", 'core includes "exec/pool.h", which is of exec'), **{
        "src/exec/pool.h": "", "src/core/park.c": '// up\n#include "exec/pool.h"\n'})


@test
def an_include_of_a_higher_layer_by_a_relative_path_is_found():
    found("check_layers", ("src/os/clock.c:1", "which is of core"), **{
        "src/core/park.h": "", "src/os/clock.c": '#include "../core/park.h"\n'})


@test
def a_commented_include_does_not_count():
    found("check_layers", **{
        "src/exec/pool.h": "", "src/core/park.c": '// #include "exec/pool.h"\n'})


@test
def a_public_header_of_a_higher_layer_is_found():
    found("check_layers", ("src/core/park.c:1", "<weft/pool.h>, which is of exec"),
          ("src/net/conn.c:1", "<weft/weft.h>"), **{
              "src/core/park.c": "#include <weft/pool.h>\n",
              "src/net/conn.c": "#include <weft/weft.h>\n"})


@test
def a_public_header_that_includes_a_private_one_is_found():
    found("check_layers", ("include/weft/sync.h:2", "a public header includes the private core/park.h"),
          ("include/weft/time.h:1", "a public header includes the private os/clock.h"), **{
              "include/weft/sync.h": '#include <weft/time.h>\n#include "core/park.h"\n',
              "include/weft/time.h": "#include <os/clock.h>\n", "src/core/park.h": ""})


@test
def a_public_header_that_includes_a_higher_one_is_found():
    found("check_layers", ("include/weft/sync.h:1", "core includes <weft/net.h>"), **{
        "include/weft/sync.h": "#include <weft/net.h>\n"})


@test
def a_new_public_header_needs_a_layer():
    found("check_layers", ("src/net/udp.c:1", "has no layer"), **{
        "include/weft/udp.h": "", "src/net/udp.c": "#include <weft/udp.h>\n"})


@test
def a_new_folder_in_src_is_found():
    found("check_layers", ("src/misc/a.c:1", "no such layer"), **{"src/misc/a.c": BODY})


@test
def a_program_or_example_that_includes_a_private_header_is_found():
    found("check_layers", ("examples/01_a.c:1", '"core/park.h"'),
          ("programs/chat/serve.c:1", '"core/park.h"'), **{
              "src/core/park.h": "", "programs/chat/serve.c": '#include "core/park.h"\n',
              "examples/01_a.c": '#include "core/park.h"\n'})


@test
def programs_know_their_own_folder_and_common():
    found("check_layers", ("programs/common/options.c:1", '"chat/room.h"'),
          ("programs/fetch/fetch.c:2", '"chat/room.h"'), **{
              "programs/chat/room.h": "", "programs/fetch/page.h": "", "programs/common/options.h": "",
              "programs/common/options.c": '#include "chat/room.h"\n',
              "programs/fetch/fetch.c": '#include "page.h"\n#include "chat/room.h"\n',
              "programs/chat/serve.c": '#include "room.h"\n#include "common/options.h"\n',
              "programs/weft.c": '#include "common/options.h"\n'})


@test
def a_folder_in_a_programs_folder_is_a_part_of_the_program():
    found("check_layers", ("programs/chat/web/web.c:3", '"fetch/page.h"'),
          ("programs/fetch/fetch.c:1", '"chat/web/web.h"'), **{
              "programs/chat/wire.h": "", "programs/chat/web/web.h": "", "programs/fetch/page.h": "",
              "programs/common/options.h": "",
              "programs/chat/web/web.c":
                  '#include "chat/wire.h"\n#include "common/options.h"\n#include "fetch/page.h"\n',
              "programs/chat/serve.c": '#include "chat/web/web.h"\n',
              "programs/fetch/fetch.c": '#include "chat/web/web.h"\n'})


# ---- hooks -------------------------------------------------------------------------------------

RAW = {
    "#include <stdatomic.h>": "atomic",
    "int x = __atomic_load_n(&y, 0);": "atomic",
    "__sync_synchronize();": "atomic",
    "_Atomic int x;": "atomic",
    "int x = atomic_load (&y);": "atomic",
    "int o = __ATOMIC_RELAXED;": "atomic",
    "#include <linux/futex.h>": "futex",
    "syscall(SYS_futex, 0);": "futex",
    "syscall(SYS_futex_waitv, 0);": "futex",
    "clock_gettime(CLOCK_MONOTONIC, &t);": "clock",
    "gettimeofday(&t, NULL);": "clock",
    "time_t now = time(NULL);": "clock",
    "nanosleep(&t, NULL);": "clock",
    "usleep(10);": "clock",
    "int r = rand();": "random",
    "getrandom(b, 4, 0);": "random",
    "pthread_create(&t, NULL, f, NULL);": "thread",
    "clone(f, s, 0, NULL);": "thread",
    "syscall(SYS_clone3, 0);": "thread",
    "pthread_mutex_lock(&m);": "lock",
    "sched_yield();": "lock",
}


@test
def each_raw_use_is_found_in_the_library():
    for line, what in RAW.items():
        found("check_hooks", ("src/core/a.c:2", what), **{"src/core/a.c": f"// a\n{line}\n"})


@test
def each_raw_use_is_found_in_a_public_header():
    for line, what in RAW.items():
        found("check_hooks", ("include/weft/a.h:1", what), **{"include/weft/a.h": f"{line}\n"})


@test
def the_private_headers_themselves_may():
    found("check_hooks", **{"src/os/a.c": "\n".join(RAW)})


@test
def words_in_comments_strings_and_other_names_do_not_count():
    found("check_hooks", **{"src/core/a.c": "\n".join([
        "// pthread_create() is not here, nor rand()",
        "/* __atomic_load_n(", "   time(NULL) */",
        'const char *s = "nanosleep(";',
        "weft_time t = weft_time(3); long r = operand(2); run_time(1); wf_clock_now();",
        "weft_sem_wait(s);"])})


@test
def code_after_a_comment_still_counts():
    found("check_hooks", ("src/core/a.c:3", "clock"), **{
        "src/core/a.c": "/* one\n * two */\nint t = /* now */ time(0); // \"\n"})


# ---- budgets -----------------------------------------------------------------------------------

def function(lines, head="static int f(int a,\n             int b)"):
    """A function of so many lines, head and braces included."""
    body = lines - len(head.splitlines()) - 2
    return f"{head}\n{{\n" + "    a++;\n" * body + "}\n"


@test
def what_is_within_its_budget_passes():
    found("check_budgets", **{
        "src/core/a.c": function(80) + "\n" * 519 + "x\n", "include/weft/a.h": "\n" * 250,
        "src/core/b.c": "x" * 100 + "\n" + "é" * 100 + "\n"})


@test
def a_function_that_is_too_long_is_found():
    found("check_budgets", ("src/core/a.c:3", "81 lines"), **{"src/core/a.c": "\n\n" + function(81)})


@test
def a_table_may_be_longer_than_a_function():
    found("check_budgets", **{
        "src/core/a.c": "static const int a[] =\n{\n" + "    1,\n" * 100 + "};\n"})


@test
def a_file_that_is_too_long_is_found():
    found("check_budgets", ("include/weft/a.h:251", "at most 250"), ("src/core/a.c:601", "at most 600"),
          **{"src/core/a.c": "\n" * 601, "include/weft/a.h": "\n" * 251})


@test
def a_line_that_is_too_wide_is_found():
    found("check_budgets", ("tests/a_test.c:2", "101 columns"), **{
        "tests/a_test.c": "\n" + "x" * 101 + "\n"})


# ---- lists -------------------------------------------------------------------------------------

LISTED = {
    "src/meson.build": "files('os/clock.c')", "src/os/clock.c": "",
    "tests/meson.build": "['mutex_test.c', 'house/a_test.py']", "tests/mutex_test.c": "",
    "tests/house/a_test.py": "", "examples/meson.build": "['01_a.c']", "examples/01_a.c": "",
    "include/meson.build": "'weft/weft.h'", "include/weft/weft.h": "", "tests/helpers.h": "",
}


@test
def files_that_are_listed_pass():
    found("check_lists", **LISTED)


@test
def a_file_that_was_forgotten_is_found():
    found("check_lists", ("src/core/park.c:1", "not in src/meson.build"),
          ("examples/02_b.c:1", "not in examples/meson.build"),
          ("tests/clock_test.c:1", "not in tests/meson.build"),
          ("tests/house/b_test.py:1", "not in tests/meson.build"),
          **LISTED, **{"src/core/park.c": "", "examples/02_b.c": "", "tests/clock_test.c": "",
                       "tests/house/b_test.py": ""})


main()
