#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""page_test.py BUILD/weft FOLDER - the chat page in headless Chromium (tests/page/page_test.mjs).

It needs node, npm, Chromium, and what npm fetches once into FOLDER, of the build: playwright-core,
in the version that tests/page/package-lock.json pins. Where one of them is missing, or npm reaches
no registry, every test is skipped by name. WEFT_TEST_SHOTS=FOLDER keeps pictures of the page for eyes;
WEFT_TEST_ONLY=WORDS runs the tests with these words in their names.
"""
import pathlib
import re
import subprocess
import sys

from node_helpers import Missing, modules, program

HERE = pathlib.Path(__file__).resolve().parent / "page"


def names():
    text = "".join(path.read_text() for path in sorted(HERE.glob("*_cases.mjs")))
    return re.findall(r'^ *test\(\s*(?:"([^"]+)"|`([^`]+)`)', text, re.M)


def skip(reason):
    every = names()
    print(f"1..{len(every)}")
    for number, (plain, pattern) in enumerate(every, 1):
        print(f"ok {number} - {plain or pattern.replace('$', '')} # SKIP {reason}")
    sys.exit(0)


def main():
    weft, folder = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    try:
        node = program("node", "nodejs")
        chromium = program("chromium", "chromium-browser", "google-chrome")
        where = modules(HERE, folder)
    except Missing as reason:
        skip(reason)
    sys.exit(subprocess.run([node, HERE / "page_test.mjs", weft, where, chromium]).returncode)


if __name__ == "__main__":
    main()
