#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run_tests_test - the last line of a test run counts what ran, and what did not."""
import json

from tap import ROOT, main, run, test, tree

CMOCKA = """\
[==========] Running 4 test(s).
[ RUN      ] one_is_one
[       OK ] one_is_one
[ RUN      ] two_is_one
[  ERROR   ] --- 2 != 1
[   LINE   ] --- a_test.c:7: error: Failure!
[  FAILED  ] two_is_one
[ RUN      ] three_is_skipped
[  SKIPPED ] three_is_skipped
[ RUN      ] four_is_four
[       OK ] four_is_four
[==========] 4 test(s) run.
[  PASSED  ] 2 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] three_is_skipped
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] two_is_one

 1 FAILED TEST(S)
"""
TAP = """\
1..4
ok 1 - it works
# ok this is a comment
ok 2 - it compares # SKIP without the original
not ok 3 - it breaks
# why
ok 4 - it ends
"""


def entry(result, stdout="", name="a", stderr=""):
    return json.dumps({"name": name, "result": result, "stdout": stdout, "stderr": stderr}) + "\n"


def total(*logs):
    """The status, and the lines but for what the programs that failed had said."""
    status, lines = total_with_reasons(*logs)
    return status, [line for line in lines if not line.startswith(("-- ", "   "))]


def total_with_reasons(*logs):
    folders = [f"build{number}" for number in range(len(logs))]
    files = {f"{folder}/meson-logs/testlog.json": log for folder, log in zip(folders, logs)}
    with tree(**files) as root:
        done = run(ROOT / "tools" / "run_tests", "--total", *folders, cwd=root)
    return done.returncode, done.stdout.splitlines()


@test
def programs_without_cases_count_as_one():
    assert total(entry("OK") + entry("OK", name="b") + entry("SKIP", name="c")) == (
        0, ["skipped: build0: c", "2 passed, 0 failed, 1 skipped"])


@test
def every_bad_result_is_a_failure():
    for bad in "FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS":
        assert total(entry("OK") + entry(bad, name="b")) == (
            1, ["failed: build0: b", "1 passed, 1 failed, 0 skipped"])


@test
def cases_of_cmocka_are_counted():
    status, lines = total(entry("FAIL", CMOCKA))
    assert (status, lines[-1]) == (1, "2 passed, 1 failed, 1 skipped"), lines
    assert lines[:2] == ["skipped: build0: a: three_is_skipped", "failed: build0: a: two_is_one"]


@test
def cases_of_tap_are_counted():
    status, lines = total(entry("FAIL", TAP))
    assert (status, lines[-1]) == (1, "2 passed, 1 failed, 1 skipped"), lines
    assert lines[:2] == ["skipped: build0: a: it compares", "failed: build0: a: it breaks"], lines


@test
def a_program_that_fails_beyond_its_cases_is_a_failure():
    assert total(entry("ERROR", "1..1\nok 1 - it works\n")) == (
        1, ["failed: build0: a: ERROR", "1 passed, 1 failed, 0 skipped"])
    assert total(entry("TIMEOUT", "[       OK ] one_is_one\n")) == (
        1, ["failed: build0: a: TIMEOUT", "1 passed, 1 failed, 0 skipped"])


@test
def what_failed_is_told_in_the_words_of_its_program():
    cmocka, tap = entry("FAIL", CMOCKA, stderr="it leaks\n"), entry("FAIL", TAP, name="b")
    _, lines = total_with_reasons(entry("OK", "fine\n", stderr="all is well\n"), cmocka + tap)
    said = lines[lines.index("-- build1: a: FAIL"):lines.index("failed: build1: a: two_is_one")]
    assert "   [   LINE   ] --- a_test.c:7: error: Failure!" in said and "   it leaks" in said, said
    assert not any("[       OK ]" in line for line in said), said
    assert said[-3:] == ["-- build1: b: FAIL", "   not ok 3 - it breaks", "   # why"], said
    assert not any("well" in line or "fine" in line for line in lines), lines
    many = "".join(f"line {n}\n" for n in range(100))
    _, lines = total_with_reasons(entry("TIMEOUT", many))
    assert lines[1:-2] == [f"   line {n}" for n in range(75, 100)], lines


@test
def several_folders_are_added_up():
    assert total(entry("OK"), entry("OK") + entry("SKIP", name="b")) == (
        0, ["skipped: build1: b", "2 passed, 0 failed, 1 skipped"])


@test
def other_things_that_were_done_count_too():
    with tree(**{"build/meson-logs/testlog.json": entry("OK")}) as root:
        for result, status, last in (("passed", 0, "2 passed, 0 failed, 0 skipped"),
                                     ("failed", 1, "1 passed, 1 failed, 0 skipped"),
                                     ("skipped", 0, "1 passed, 0 failed, 1 skipped")):
            done = run(ROOT / "tools" / "run_tests", "--total", "build", f"lint={result}", cwd=root)
            assert (done.returncode, done.stdout.splitlines()[-1]) == (status, last), done


@test
def no_log_and_no_test_are_failures():
    assert total("") == (1, ["failed: build0: there are no tests", "0 passed, 1 failed, 0 skipped"])
    with tree() as root:
        done = run(ROOT / "tools" / "run_tests", "--total", "build", cwd=root)
    assert done.returncode == 1 and "0 passed, 1 failed, 0 skipped" in done.stdout, done


@test
def the_log_of_the_run_before_does_not_count():
    with tree(**{"build/meson-logs/testlog.json": entry("OK")}) as root:
        done = run(ROOT / "tools" / "run_tests", "build", cwd=root)
    assert done.returncode == 1, done
    assert done.stdout.splitlines()[-1] == "0 passed, 1 failed, 0 skipped", done.stdout


main()
