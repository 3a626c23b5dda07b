#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""waits_test.py - every call of the public headers that waits has a row in tests/waits_*.h, where
it is interrupted in all ways; or stands here with the reason why it has none."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]

# They wait, and are not interrupted, as their headers say: they last as long as the task, or
# protect moments.
LAST = {"weft_join", "weft_pool_close", "weft_group_close", "weft_lock", "weft_recursive_lock",
        "weft_read_lock", "weft_write_lock", "weft_once_do"}
# They take no deadline of their own, and can be asked to stop all the same.
WITHOUT_DEADLINE = {"weft_sleep", "weft_submit", "weft_spawn", "weft_group_add", "weft_block",
                    "weft_listen", "weft_map"}
NO_WAIT = {"weft_sooner"} # reckons with deadlines


def declarations(text):
    """(name, parameters) of each function that a header declares."""
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"^#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
    found = re.findall(r"\b(weft_[a-z0-9_]+)\(((?:[^()]|\([^()]*\))*)\)\s*(?:WEFT_OWNED_)?\s*"
                       r"(?:WEFT_NOT_NULL_\([^)]*\)|__attribute__\s*\(\(.*?\)\))?\s*[;{]", text,
                       re.S)
    return [(name.rstrip("_"), parameters) for name, parameters in found]


def of_all_headers():
    return [item for path in sorted((ROOT / "include/weft").glob("*.h"))
            for item in declarations(path.read_text())]


def rows():
    text = "".join(path.read_text() for path in sorted((ROOT / "tests").glob("waits_*.h")))
    return set(re.findall(r'ROW\("(weft_[a-z_]+)"', text))


@tap.test
def every_call_with_a_deadline_has_a_row():
    waiting = {name for name, parameters in of_all_headers()
               if re.search(r"\bweft_time\b", parameters)} - NO_WAIT
    assert len(waiting) >= 25, waiting # the headers were understood
    assert not waiting - rows(), f"no row: {sorted(waiting - rows())}"


@tap.test
def so_has_every_other_that_waits():
    assert not WITHOUT_DEADLINE - rows(), f"no row: {sorted(WITHOUT_DEADLINE - rows())}"


@tap.test
def each_name_is_a_function_that_exists():
    known = {name for name, _ in of_all_headers()}
    named = rows() | LAST | WITHOUT_DEADLINE | NO_WAIT
    assert not named - known, f"unknown: {sorted(named - known)}"


@tap.test
def what_is_not_interrupted_has_no_row():
    assert not rows() & LAST


@tap.test
def a_new_call_would_be_noticed():
    planted = "// Wait for it.\nint weft_linger(weft_conn *c,\n                weft_time deadline);\n"
    assert declarations(planted) == [("weft_linger", "weft_conn *c,\n                weft_time "
                                      "deadline")]
    static = "static inline int weft_now_(void (*fn)(int), weft_time at)\n{\n"
    assert declarations(static) == [("weft_now", "void (*fn)(int), weft_time at")]


tap.main()
