#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""report_test.py BUILD/tests/html_sample FOLDER - the report of weft fetch in headless Chromium
(tests/report/report_test.mjs).

It needs what page_test.py needs, and skips every test by name where that is missing: playwright-core
in the version that tests/page/package-lock.json pins comes into FOLDER. WEFT_TEST_SHOTS=FOLDER keeps
pictures for eyes; WEFT_TEST_ONLY=WORDS runs the tests with these words in their names.
"""
import pathlib
import re
import subprocess
import sys

from node_helpers import Missing, modules, program

HERE = pathlib.Path(__file__).resolve().parent


def names():
    """Of the tests, in order; what stands in a loop is one name here."""
    text = (HERE / "report" / "report_test.mjs").read_text()
    return re.findall(r'^ *test\(\s*["`]([^"`]+)["`]', text, re.M)


def skip(reason):
    every = names()
    print(f"1..{len(every)}")
    for number, name in enumerate(every, 1):
        print(f"ok {number} - {name.replace('$', '')} # SKIP {reason}")
    sys.exit(0)


def main():
    sample, folder = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    try:
        node = program("node", "nodejs")
        chromium = program("chromium", "chromium-browser", "google-chrome")
        where = modules(HERE / "page", folder)
    except Missing as reason:
        skip(reason)
    script = HERE / "report" / "report_test.mjs"
    sys.exit(subprocess.run([node, script, sample, where, chromium]).returncode)


if __name__ == "__main__":
    main()
