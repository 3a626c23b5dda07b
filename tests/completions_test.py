#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""completions_test.py BUILD/weft [...] - what `weft completions` prints, asked by the shells themselves.

Of bash and fish the answer is looked at; of zsh, which completes only on a terminal, that it takes the
script. A shell that is not here is skipped.
"""

import re
import shutil
import subprocess
import sys

from program_helpers import PATIENCE, Skip, equal, run_tests, test, weft

COMMANDS = {"serve", "join", "chat", "fetch", "completions", "help"}


def shell(name, program, before=""):
    """What this shell prints for a program in which its script comes first, but for `before`."""
    if not shutil.which(name):
        raise Skip(f"there is no {name} here")
    script = weft("completions", name)
    equal((script.status, script.err), (0, ""))
    options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[name]
    done = subprocess.run([name, *options, "-c", before + script.out + program], capture_output=True,
                          text=True, timeout=PATIENCE, check=False)
    equal(done.stderr, "")
    return done.stdout.splitlines()


def bash(*words):
    """What bash offers for the last of these words."""
    quoted = " ".join(f"'{word}'" for word in words)
    return set(shell("bash", f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}\n"
                             "_weft; printf '%s\\n' \"${COMPREPLY[@]}\"")) - {""}


def fish(line):
    return {row.split("\t")[0] for row in shell("fish", f"complete -C '{line}'")}


def options(*command):
    return set(re.findall(r"^  (?:-.,|   ) (--[a-z0-9.-]+)", weft(*command, "--help").out, re.M))


@test
def bash_completes_commands():
    equal(bash("weft", ""), COMMANDS | {"--help", "--version"})
    equal(bash("weft", "fe"), {"fetch"})
    equal(bash("weft", "help", "fe"), {"fetch"})
    equal(bash("weft", "chat", ""), {"backup", "passwd", "--help"})


@test
def each_option_of_each_command_is_completed():
    for command in ["serve"], ["join"], ["fetch"], ["chat", "backup"], ["chat", "passwd"]:
        there = options(*command)
        assert "--help" in there, there
        equal(bash("weft", *command, "--"), there, command)
        equal(fish(f"weft {' '.join(command)} --"), there, command)
        script = weft("completions", "zsh").out.split(f"('{' '.join(command)} '*)")[1].split(";;")[0]
        equal(set(re.findall(r"'\*?(--[a-z0-9.-]+)", script)), there, command)


@test
def a_value_that_is_a_file_is_completed_and_another_is_not():
    there = bash("weft", "fetch", "--file", sys.argv[0][:-1])
    equal(there, {sys.argv[0]})
    equal(bash("weft", "fetch", "--file", "=", sys.argv[0][:-1]), {sys.argv[0]})
    equal(bash("weft", "fetch", "--jobs", ""), set())
    equal(bash("weft", "chat", "backup", sys.argv[0][:-1]), {sys.argv[0]})


@test
def fish_completes_commands():
    equal(fish("weft "), COMMANDS)
    equal(fish("weft chat "), {"backup", "passwd"})


@test
def zsh_takes_the_script():
    there = shell("zsh", "whence -w _weft; echo $_comps[weft]",
                  before="autoload -Uz compinit; compinit -D -u\n")
    equal(there, ["_weft: function", "_weft"])


@test
def another_shell_is_refused():
    for arguments, line in (
        (["tcsh"], "knows bash, zsh and fish, not 'tcsh'"),
        ([], "takes the name of one shell: bash, zsh or fish"),
        (["bash", "zsh"], "takes the name of one shell: bash, zsh or fish"),
    ):
        equal(weft("completions", *arguments), (2, "", f"weft completions: {line}\n"))


if __name__ == "__main__":
    sys.exit(run_tests())
