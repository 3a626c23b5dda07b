# SPDX-License-Identifier: MIT
"""source - the tree's C files as the checks see them: line by line, without comments and strings."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# A comment, a string or a character; what a check looks for does not count inside them.
SKIPPED = re.compile(
    r"""//(?:\\\n|[^\n])*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def files(root, *folders, suffixes=(".c", ".h")):
    """The files below these folders, in order; a folder that is not there has none."""
    return sorted(path for folder in folders for path in (root / folder).rglob("*")
                  if path.suffix in suffixes and path.is_file())


def blank(match):
    """As many lines, and no word. Quotes stay, so that an empty string is still one."""
    quote = match.group()[0] if match.group()[0] in "\"'" else ""
    return quote + "\n" * match.group().count("\n") + quote


def includes(path):
    """(line number, '<' or '"', name) of each include."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, *found.groups()


def code_lines(path):
    """(line number, code) of each line that has any, include lines as they are."""
    text = path.read_text()
    plain = text.splitlines()
    for number, line in enumerate(SKIPPED.sub(blank, text).splitlines(), 1):
        line = plain[number - 1] if INCLUDE.match(plain[number - 1]) else line
        if line.strip():
            yield number, line


def main(check, description):
    """Print what check(root) finds, one line each; status 1 if there is any. An argument is the
    root of another tree, for the checks' own tests."""
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    found = list(check(root))
    for path, number, message in found:
        print(f"{path.relative_to(root)}:{number}: {message}")
    if found:
        print(f"{pathlib.Path(sys.argv[0]).name}: {len(found)} found; {description}")
    sys.exit(1 if found else 0)
