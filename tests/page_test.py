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
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent / "page"
FETCH_SECONDS = 120


def names():
    text = "".join(path.read_text() for path in sorted(HERE.glob("*_cases.mjs")))
    return re.findall(r'^ *test\(\s*(?:"([^"]+)"|`([^`]+)`)', text, re.M)


def skip(reason):
    every = names()
    print(f"1..{len(every)}")
    for number, (plain, pattern) in enumerate(every, 1):
        print(f"ok {number} - {plain or pattern.replace('$', '')} # SKIP {reason}")
    sys.exit(0)


def program(*candidates):
    for name in candidates:
        if path := shutil.which(name):
            return path
    return skip(f"{candidates[0]} is not here: tools/deps test")


def modules(folder, npm):
    """The folder with node_modules in it, filled if it is not, or of another version."""
    wanted = (HERE / "package-lock.json").read_text()
    done = folder / "fetched"  # of which lock
    if done.exists() and done.read_text() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in "package.json", "package-lock.json":
        shutil.copy(HERE / name, folder)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True,
                             timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        skip(f"npm did not fetch playwright-core within {FETCH_SECONDS} s")
    if run.returncode:
        why = (run.stderr.strip().splitlines() or ["it says nothing"])[0]
        skip(f"npm cannot fetch playwright-core: {why}")
    done.write_text(wanted)
    return folder


def main():
    weft, folder = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    node, npm = program("node", "nodejs"), program("npm")
    chromium = program("chromium", "chromium-browser", "google-chrome")
    where = modules(folder, npm)
    sys.exit(subprocess.run([node, HERE / "page_test.mjs", weft, where, chromium]).returncode)


if __name__ == "__main__":
    main()
