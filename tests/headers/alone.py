#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""alone - every public header compiles alone and twice, as C17 and C++17, with every compiler.

    alone.py [HEADER...]            only these: time.h

Beside them all.c and all.cc, which use every macro once.
"""
import pathlib
import re
import sys

import compilers

STANDARDS = {"c": ["c17", "gnu17"], "c++": ["c++17", "gnu++17"]}


def check(language, source):
    """The dialect that GNU allows is tried by the compiler that builds only: what it has more is the
    same for all."""
    strict, dialect = STANDARDS[language]
    for number, compiler in enumerate(compilers.present(language)):
        for standard in [strict] if number else [strict, dialect]:
            ok, said = compilers.compiles(compiler, standard, source)
            if not ok:
                return compilers.complaint(compiler, standard, said)
    return None


def unused_macros(user):
    """The public macros that `user` does not use; those that end in _ are weft's own."""
    text = user.read_text()
    names = {name
             for header in compilers.INCLUDE.glob("weft/*.h")
             for name in re.findall(r"^#define (\w+)", header.read_text(), re.M)
             if not name.endswith("_") and not re.fullmatch(r"WEFT_(\w+_)?H|WEFT_C_\w+", name)}
    unused = sorted(name for name in names if not re.search(rf"\b{name}\b", text))
    return f"{user.name} does not use {', '.join(unused)}" if unused else None


def main():
    checks = compilers.Checks()
    with compilers.temporary() as folder:
        for header in sorted(compilers.INCLUDE.glob("weft/*.h")):
            if sys.argv[1:] and header.name not in sys.argv[1:]:
                continue
            source = pathlib.Path(folder) / f"{header.stem}.c"
            source.write_text(f"#include <weft/{header.name}>\n" * 2)
            checks.add(f"weft/{header.name} alone, as C", check, "c", source)
            checks.add(f"weft/{header.name} alone, as C++", check, "c++", source)
        if not sys.argv[1:]:
            checks.add("every macro, as C", check, "c", compilers.HERE / "all.c")
            checks.add("every macro, as C++", check, "c++", compilers.HERE / "all.cc")
        checks.add("all.c leaves no macro out", unused_macros, compilers.HERE / "all.c")
        checks.add("all.cc leaves no macro out", unused_macros, compilers.HERE / "all.cc")
        checks.finish()


main()
