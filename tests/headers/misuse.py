#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""misuse - what must not compile does not; the same file with the mistake put right does.

Each file in bad/ has the mistake, and under #ifdef RIGHT what was meant. The second proves that it
is the mistake that the compiler refuses, and not a slip in the file.
"""
import sys

import compilers

STANDARDS = {"c": "gnu17", "c++": "gnu++17"}


def check(source):
    for language, standard in STANDARDS.items():
        for compiler in compilers.present(language):
            accepted, said = compilers.compiles(compiler, standard, source, "-DRIGHT")
            if not accepted:
                return "put right, " + compilers.complaint(compiler, standard, said)
            accepted, _ = compilers.compiles(compiler, standard, source)
            if accepted:
                return f"{compiler[0]} -std={standard} accepts it"
    return None


def main():
    files = [compilers.HERE / name for name in sys.argv[1:]]
    checks = compilers.Checks()
    for source in files or sorted(compilers.HERE.glob("bad/*.c")):
        why = source.read_text().splitlines()[1].removeprefix("// ")
        checks.add(f"{source.stem}: {why}", check, source)
    checks.finish()


main()
