#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""misuse - what must not compile does not; the same file with the mistake put right does.

Each file in bad/ has the mistake, and under #ifdef RIGHT what was meant. The second proves that it
is the mistake that the compiler refuses, and not a slip in the file.

Starting a compiler costs more than what it does here, so that files are compiled together first.
What that proves is left out alone; whatever it leaves open, and each failure, is seen alone.
"""
import pathlib
import re
import sys

import compilers

STANDARDS = {"c": "gnu17", "c++": "gnu++17"}
BAD = compilers.HERE / "bad"

# What a file defines: it has another name for each form of each file when they stand in one.
DEFINED = re.compile(r"^(?:(?:static )?(?:int|long) (\w+)\(|struct (\w+) \{$)", re.M)
# An error in a form of a file, or in a macro that it uses.
ERROR_IN = re.compile(r"^(\w+)\.(right|wrong)\.c:\d+:\d+: (?:(?:fatal )?error: "
                      r"|note: (?:in expansion of|expanded from) macro)", re.M)


def renamed(source, form):
    text = source.read_text()
    names = "|".join(function or struct for function, struct in DEFINED.findall(text))
    # WEFT_TASK(f, ...) defines f_task; misuse.h is no name.
    return re.sub(rf"\b({names})(_task)?\b(?!\.h)", rf"\1_{form}_{source.stem}\2", text)


def together(sources, forms):
    """One file of each source in each of these forms, told apart by #line."""
    parts = [f'#include "{BAD / "misuse.h"}"\n']
    for source in sources:
        for form in forms:
            parts.append(f'{"#define" if form == "right" else "#undef"} RIGHT\n'
                         f'#line 1 "{source.stem}.{form}.c"\n{renamed(source, form)}\n'
                         "#undef RIGHT\n")
    return "".join(parts)


def proved(folder, language, compiler, sources):
    """The sources whose right form this compiler takes, and whose mistake it refuses.

    It may look for some mistakes only where there is no other, so that those that are left are
    compiled once more without those that were found. Beside each mistake stands what is right: an
    error that spoils what follows would be seen there.
    """
    standard = STANDARDS[language]
    batch = pathlib.Path(folder) / f"{pathlib.Path(compiler[0]).name}-{standard}.c"

    def compiled(sources, *forms):
        batch.write_text(together(sources, forms))
        return compilers.compiles(compiler, standard, batch, f"-I{BAD}")

    if not compiled(sources, "right")[0]:
        return set()
    found, left = set(), sources
    while left:
        errors = set(ERROR_IN.findall(compiled(left, "wrong", "right")[1]))
        refused = {source for source in left if (source.stem, "wrong") in errors}
        if not refused or any(form == "right" for _, form in errors):
            break
        found |= refused
        left = [source for source in left if source not in refused]
    return found


def check(source, known):
    for language, standard in STANDARDS.items():
        for compiler in compilers.present(language):
            if source in known[language, compiler[0]]:
                continue
            accepted, said = compilers.compiles(compiler, standard, source, "-DRIGHT")
            if not accepted:
                return "put right, " + compilers.complaint(compiler, standard, said)
            accepted, _ = compilers.compiles(compiler, standard, source)
            if accepted:
                return f"{compiler[0]} -std={standard} accepts it"
    return None


def main():
    files = [compilers.HERE / name for name in sys.argv[1:]] or sorted(BAD.glob("*.c"))
    checks = compilers.Checks()
    with compilers.temporary() as folder:
        known = checks.each({(language, compiler[0]): (proved, folder, language, compiler, files)
                             for language in STANDARDS
                             for compiler in compilers.present(language)})
    for source in files:
        why = source.read_text().splitlines()[1].removeprefix("// ")
        checks.add(f"{source.stem}: {why}", check, source, known)
    checks.finish()


main()
