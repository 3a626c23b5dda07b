#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples - the examples in the headers' comments compile.

An example is a run of comment lines indented by five spaces or more. One that defines a function
or a task is compiled as it stands, any other as the body of a function, amid names that it takes
for granted (CONTEXT). Left out are the prototypes that describe a macro - they have a parameter
`fn`, or a type that is a single letter - the table of error codes, and lines of "...".

The bodies are compiled together first, each as its own function; where that gives no error none is
compiled alone.

    examples.py [HEADER...]         only these: time.h
"""
import pathlib
import re
import sys

import compilers

HEAD = """\
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <weft/explore.h>
#include <weft/weft.h>
"""

CONTEXT = """\
static int square(const int *n, long *out) { *out = (long)*n * *n; return 0; }
WEFT_TASK(square, int, long);
struct request { const char *url; int limit_ms; };
static int page_size(const struct request *r, long *out) { *out = r->limit_ms; return 0; }
WEFT_TASK(page_size, struct request, long);
struct address { int port; };
struct name { const char *host; int port; };
static int resolve(const struct name *n, struct address *a) { a->port = n->port; return 0; }
WEFT_TASK(resolve, struct name, struct address);
struct job { int id; };
void handle(const struct job *job);
extern struct job job;
extern struct request request;
extern weft_pool *pool;
extern weft_queue *queue;
extern weft_future *f;
extern const char *path, *url;
extern size_t size;
extern long out[3];
extern int rc;
"""

# An example may declare names that the context has too, and need not use what it makes.
OPTIONS = ["-D_GNU_SOURCE", "-Wno-shadow", "-Wno-unused"]

STANDS_ALONE = re.compile(r"^(#include|WEFT_TASK\(|int main\()", re.M)
PROTOTYPE = re.compile(r"^(?:int|weft_future \*) ?weft_\w+\(.*\b(?:fn|[ATR] \*).*\);$")
ERROR_CODE = re.compile(r"^-E[A-Z]+\s")


def blocks(text):
    """The runs of indented comment lines; an empty comment line within a run belongs to it."""
    block = []
    for line in [*text.splitlines(), ""]:
        found = re.match(r"\s*//     (.*)$", line)
        if found:
            block.append(found.group(1))
        elif block and line.strip() == "//":
            block.append("")
        elif block:
            yield block
            block = []


def examples(header):
    for block in blocks(header.read_text()):
        lines = [line for line in block if line.strip() != "..."
                 and not PROTOTYPE.match(line) and not ERROR_CODE.match(line)]
        text = "\n".join(lines).strip("\n")
        if text:
            yield text


def is_body(text):
    return not STANDS_ALONE.search(text)


def body(text, name="example"):
    return f"int {name}(void);\nint {name}(void)\n{{\n{text}\nreturn 0;\n}}\n"


def program(text):
    return HEAD + (CONTEXT + body(text) if is_body(text) else f"{text}\n")


def program_of_all(texts):
    return HEAD + CONTEXT + "".join(body(text, f"example_{n}") for n, text in enumerate(texts))


def check(source, known=()):
    for compiler in compilers.present("c"):
        if compiler[0] in known:
            continue
        ok, said = compilers.compiles(compiler, "gnu17", source, *OPTIONS)
        if not ok:
            return compilers.complaint(compiler, "gnu17", said)
    return None


def takes_all(compiler, source):
    return compilers.compiles(compiler, "gnu17", source, *OPTIONS)[0]


def main():
    found = {(header, number): text
             for header in sorted(compilers.INCLUDE.glob("weft/*.h"))
             if not sys.argv[1:] or header.name in sys.argv[1:]
             for number, text in enumerate(examples(header), 1)}
    checks = compilers.Checks()
    with compilers.temporary() as folder:
        folder = pathlib.Path(folder)
        together = {text for text in found.values() if is_body(text) and "#" not in text}
        batch = folder / "all.c"
        batch.write_text(program_of_all(sorted(together)))
        taken = checks.each({compiler[0]: (takes_all, compiler, batch)
                             for compiler in compilers.present("c")})
        known = {compiler for compiler, ok in taken.items() if ok}
        for (header, number), text in found.items():
            source = folder / f"{header.stem}_{number}.c"
            source.write_text(program(text))
            checks.add(f"weft/{header.name}, example {number}: {text.splitlines()[0].strip()}",
                       check, source, known if text in together else ())
        checks.finish()


if __name__ == "__main__":
    main()
