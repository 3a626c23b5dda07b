#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""weft_command_test.py BUILD/weft [EXAMPLES] - the command's frame: help, mistakes, statuses."""

import re
import subprocess
import sys

from program_helpers import PATIENCE, WEFT, equal, run_tests, test, weft

COMMANDS = "serve", "join", "chat", "fetch", "completions"


def one_line(got, status, line):
    equal(got, (status, "", f"{line}\n"))


@test
def without_a_command_it_prints_its_usage_and_ends_with_2():
    got = weft()
    equal((got.status, got.out), (2, ""))
    assert got.err.startswith("usage: weft COMMAND [OPTION...]\n"), got.err


@test
def help_goes_to_stdout_and_names_every_command():
    for arguments in ["--help"], ["-h"], ["help"], ["help", "help"]:
        got = weft(*arguments)
        equal((got.status, got.err), (0, ""))
        for name in COMMANDS:
            assert re.search(rf"^  {name} +\S", got.out, re.M), got.out


@test
def the_version_is_one_line():
    got = weft("--version")
    assert got.status == 0 and re.fullmatch(r"weft \d+\.\d+\.\d+\n", got.out), got


@test
def each_command_explains_itself_in_two_ways():
    for name in COMMANDS:
        got = weft(name, "--help")
        equal((got.status, got.err), (0, ""))
        assert got.out.startswith(f"usage: weft {name} "), got.out
        assert "\n  -h, --help " in got.out, got.out
        equal(weft("help", name), got)


@test
def help_fits_a_terminal():
    for arguments in ["--help"], *(["help", name] for name in COMMANDS):
        for line in weft(*arguments).out.splitlines():
            assert len(line) <= 100, line


@test
def an_unknown_command_names_the_nearest():
    one_line(weft("srve"), 2, "weft: unknown command srve (did you mean weft serve?)")
    one_line(weft("jion"), 2, "weft: unknown command jion (did you mean weft join?)")
    one_line(weft("help", "fecth"), 2, "weft: unknown command fecth (did you mean weft fetch?)")


@test
def an_unknown_option_names_the_nearest_too():
    one_line(weft("--versoin"), 2, "weft: unknown option --versoin (did you mean weft --version?)")
    one_line(weft("--hlep"), 2, "weft: unknown option --hlep (did you mean weft --help?)")
    one_line(weft("--serve"), 2, "weft: unknown option --serve (did you mean weft serve?)")


@test
def a_command_that_is_like_none_is_told_too():
    one_line(weft("dance"), 2, "weft: unknown command dance (see weft --help)")
    one_line(weft(""), 2, "weft: unknown command '' (see weft --help)")
    one_line(weft("--nothing"), 2, "weft: unknown option --nothing (see weft --help)")


@test
def a_mistake_is_one_line_whatever_was_written():
    one_line(weft("a\nb\x1b[2J"), 2, "weft: unknown command a?b?[2J (see weft --help)")
    got = weft("é" * 5000)
    assert got.status == 2 and got.err.count("\n") == 1 and len(got.err) < 1000, got


@test
def mistakes_in_options_are_one_line():
    for arguments, line in (
        (["--prot", "1"], "unknown option --prot (did you mean --port?)"),
        (["--zzz"], "unknown option --zzz (see weft serve --help)"),
        (["-z"], "unknown option -z (see weft serve --help)"),
        (["--port"], "--port needs a value"),
        (["-p"], "-p needs a value"),
        (["--lecture=yes"], "--lecture takes no value"),
        (["--port", "x"], "--port 'x' is not a port (0 to 65535)"),
        (["--port=65536"], "--port '65536' is not a port (0 to 65535)"),
        (["-p-1"], "--port '-1' is not a port (0 to 65535)"),
        (["--host", ""], "--host '' is empty"),
        (["--host", "a/b"], "--host 'a/b' is not a host name or address"),
        (["--host", "a:b"], "--host 'a:b' is not a host name or address"),
        (["--host", "1:2:3:4:5:6:7:8:9"], "--host '1:2:3:4:5:6:7:8:9' is not a host name or address"),
        (["-é"], "unknown option: byte 0xc3 is no letter (see weft serve --help)"),
        (["--queue", "0"], "--queue '0' is not a number of megabytes (1 to 1024)"),
        (["now"], "takes options only, not 'now'"),
    ):
        one_line(weft("serve", *arguments), 2, f"weft serve: {line}")


@test
def an_output_that_is_full_is_noticed():
    for arguments in ["--version"], ["--help"], ["serve", "--help"]:
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [WEFT, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE
            )
        equal(done.stderr, b"weft: standard output: No space left on device\n")
        equal(done.returncode, 1)


@test
def an_output_that_is_closed_is_noticed():
    command = ["sh", "-c", 'exec "$1" --version >&-', "sh", WEFT]
    done = subprocess.run(command, stderr=subprocess.PIPE, timeout=PATIENCE)
    equal((done.returncode, done.stderr), (1, b"weft: standard output: Bad file descriptor\n"))


if __name__ == "__main__":
    sys.exit(run_tests())
