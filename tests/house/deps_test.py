#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""deps_test - tools/deps finds what is missing, asks where it should, and installs.

On a machine of its own: dpkg-query, apt-get, sudo and id are scripts in a folder that is the whole
PATH, and apt-get writes down what it was asked for.
"""
import contextlib
import os
import pty
import select
import shutil
import subprocess

from tap import ROOT, main, run, test, tree

DEPS = ROOT / "tools" / "deps"
NEEDED = ["sh", "echo", "cat"]


@contextlib.contextmanager
def machine(installed, user=1000, apt=True, sudo=True, broken=False):
    """A PATH; what apt-get was told lies in its file `log`."""
    scripts = {
        "id": f"echo {user}",
        # As the real one: unknown packages make it fail, and are not mentioned.
        "dpkg-query": "".join(f"echo 'installed {name}'\n" for name in installed) + "exit 1",
    }
    if apt:
        scripts["apt-get"] = f'echo "apt-get $*" >> "${{0%/*}}/log"\nexit {int(broken)}'
    if sudo:
        scripts["sudo"] = 'echo sudo >> "${0%/*}/log"\nexec "$@"'
    with tree(**{name: f"#!/bin/sh\n{text}\n" for name, text in scripts.items()}) as folder:
        for name in scripts:
            (folder / name).chmod(0o755)
        for name in NEEDED:
            (folder / name).symlink_to(shutil.which(name))
        yield folder


def deps(folder, *arguments, **environment):
    done = run(DEPS, *arguments, env={"PATH": str(folder), **environment})
    log = folder / "log"
    return done.returncode, done.stdout, log.read_text().splitlines() if log.exists() else []


def packages(name):
    return run(DEPS, name, "--list").stdout.split()


def answer(folder, text):
    """Like deps, on a terminal where somebody types `text`."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([str(DEPS), "build"], stdin=theirs, stdout=theirs, stderr=theirs,
                               env={"PATH": str(folder)})
    os.close(theirs)
    said = b""
    while select.select([ours], [], [], 30)[0]:
        try:
            part = os.read(ours, 4096)
        except OSError: # the other end is closed
            break
        said += part
        if b"[y/N]" in part:
            os.write(ours, text.encode())
    status = process.wait(30)
    os.close(ours)
    log = folder / "log"
    return status, said.decode(), log.read_text().splitlines() if log.exists() else []


@test
def each_list_contains_the_first():
    for name in "test", "bench":
        assert set(packages("build")) < set(packages(name)), name


@test
def running_needs_no_test_tool_and_testing_no_peer():
    extra = set(packages("test")) - set(packages("build"))
    assert {"libcmocka-dev", "clang-format-14"} <= extra
    assert not set(packages("bench")) & (extra - {"python3", "g++", "openssl"})


@test
def nothing_missing_is_silent_and_asks_nobody():
    with machine(packages("build"), apt=True) as folder:
        assert deps(folder, "build") == (0, "", [])


@test
def without_a_terminal_it_says_what_is_missing_and_stops():
    with machine(packages("build")[2:]) as folder:
        status, said, log = deps(folder, "build")
        missing = " ".join(packages("build")[:2])
        assert (status, log) == (1, []), (status, log)
        assert f"missing packages: {missing}\n" in said, said
        command = f"apt-get install -y --no-install-recommends {missing}"
        assert f": sudo apt-get update && sudo {command}\n" in said, said


@test
def a_package_is_not_taken_for_another_that_begins_alike():
    with machine([name + "-doc" for name in packages("build")]) as folder:
        assert " ".join(packages("build")) in deps(folder, "build")[1]


def installs(expected, **how):
    environment = how.pop("environment", {})
    with machine([], **how) as folder:
        status, said, log = deps(folder, "build", **environment)
        assert status == 0, said
        every = "apt-get install -y --no-install-recommends " + " ".join(packages("build"))
        assert log == [line.replace("INSTALL", every) for line in expected], log


@test
def yes_1_installs_without_a_question():
    installs(["sudo", "apt-get update", "sudo", "INSTALL"], environment={"YES": "1"})


@test
def ci_installs_without_a_question():
    installs(["sudo", "apt-get update", "sudo", "INSTALL"], environment={"CI": "true"})


@test
def root_installs_without_a_question_and_without_sudo():
    installs(["apt-get update", "INSTALL"], user=0, sudo=False)


@test
def on_a_terminal_yes_installs():
    with machine([]) as folder:
        status, said, log = answer(folder, "y\n")
        assert status == 0 and log[-1].startswith("apt-get install"), (status, said, log)


@test
def on_a_terminal_no_and_nothing_install_nothing():
    for text in "n\n", "\n", "\x04":
        with machine([]) as folder:
            status, said, log = answer(folder, text)
            assert (status, log) == (1, []) and "not installed" in said, (text, status, said, log)


@test
def an_apt_that_fails_is_reported():
    with machine([], user=0, broken=True) as folder:
        status, said, log = deps(folder, "build")
        assert status == 1 and log == ["apt-get update"], (status, log)
        assert said.endswith("weft: apt-get failed: see above\n"), said


@test
def without_apt_it_prints_the_list():
    with machine([], apt=False) as folder:
        status, said, log = deps(folder, "build")
        assert status == 1 and " ".join(packages("build")) in said, (status, said)


@test
def without_sudo_a_user_is_told_so_and_not_asked():
    with machine([], sudo=False) as folder:
        for status, said, log in deps(folder, "build", YES="1"), answer(folder, "y\n"):
            assert (status, log) == (1, []) and "there is no sudo here" in said, (status, said)
            assert "install them: apt-get update && apt-get install" in said, said
            assert "[y/N]" not in said, said


@test
def an_unknown_list_is_a_usage_error():
    for arguments in [], ["x"], ["build", "--lists"], ["build", "--list", "x"]:
        done = run(DEPS, *arguments)
        assert done.returncode == 2 and "usage" in done.stdout, (arguments, done)


main()
