# SPDX-License-Identifier: MIT
"""compilers - the compilers that are here, and a small runner for checks made of compilations."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# Another folder only for house/headers_test.py, which plants mistakes.
INCLUDE = pathlib.Path(os.environ.get("WEFT_TEST_INCLUDE", HERE.parent.parent / "include"))

STRICT = ["-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]

C = [["gcc"], ["clang-14"], ["clang-19"], ["clang"]]
CXX = [["g++"], ["clang++-14"], ["clang++-19"], ["clang++"]]


def present(language):
    """The C or C++ compilers that are here, the one that builds first, each once."""
    variable, others = {"c": ("CC", C), "c++": ("CXX", CXX)}[language]
    commands, seen = [], set()
    for command in [os.environ.get(variable, "").split(), *others]:
        command = command[pathlib.Path(command[0]).name == "ccache":] if command else command
        program = shutil.which(command[0]) if command else None
        if program and os.path.realpath(program) not in seen:
            seen.add(os.path.realpath(program))
            commands.append(command)
    return commands


def compiles(compiler, standard, source, *options):
    """(did it compile without a word, what the compiler said)

    All the way to assembler: gcc looks for dropped results only after -fsyntax-only stops.
    """
    language = "c++" if "++" in standard else "c"
    run = subprocess.run(
        [*compiler, f"-std={standard}", *STRICT, f"-I{INCLUDE}", *options, "-S", "-o", os.devnull,
         "-x", language, str(source)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return run.returncode == 0, run.stdout


class Checks:
    """Checks run side by side, and end as TAP: one line each, a failure with what was said."""

    def __init__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)
        self.pending = []

    def add(self, name, check, *arguments, **named):
        """check(...) returns None if all is well, else what is wrong."""
        self.pending.append((name, self.pool.submit(check, *arguments, **named)))

    def each(self, jobs):
        """{name: what function(*arguments) gives}, for {name: (function, *arguments)}."""
        pending = {name: self.pool.submit(*job) for name, job in jobs.items()}
        return {name: future.result() for name, future in pending.items()}

    def finish(self):
        failures = 0
        for number, (name, future) in enumerate(self.pending, 1):
            wrong = future.result()
            failures += wrong is not None
            print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
            for line in (wrong or "").splitlines()[:12]:
                print(f"# {line}")
        print(f"1..{len(self.pending)}")
        sys.exit(1 if failures or not self.pending else 0)


def temporary():
    return tempfile.TemporaryDirectory(prefix="weft-headers-")


def complaint(compiler, standard, said):
    """For a report: which compiler, and its first lines."""
    return "\n".join([f"{compiler[0]} -std={standard}:", *said.splitlines()[:6]])
