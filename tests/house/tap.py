# SPDX-License-Identifier: MIT
"""tap - tests of the tools: functions whose name is a sentence, reported as TAP."""
import contextlib
import pathlib
import subprocess
import sys
import tempfile
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

tests = []


class Skip(Exception):
    """Raised by a test that cannot be done here."""


def test(function):
    tests.append(function)
    return function


def run(*command, **options):
    """The finished process, with what it said in stdout."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True,
               "stdin": subprocess.DEVNULL, "timeout": 60, **options}
    return subprocess.run([str(part) for part in command], **options)


@contextlib.contextmanager
def tree(**files):
    """A folder with these files: tree(**{"src/os/clock.c": "..."})."""
    with tempfile.TemporaryDirectory(prefix="weft-house-") as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        yield root


def main():
    failed = 0
    print(f"1..{len(tests)}")
    for number, function in enumerate(tests, 1):
        wrong = left_out = ""
        try:
            function()
        except Skip as reason:
            left_out = f" # SKIP {reason}"
        except Exception: # one that fails does not keep the others from running
            wrong = traceback.format_exc()
        failed += bool(wrong)
        name = function.__name__.replace("_", " ")
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}{left_out}")
        for line in wrong.splitlines():
            print(f"# {line}")
    sys.exit(1 if failed else 0)
