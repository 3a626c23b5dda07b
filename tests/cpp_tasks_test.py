#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cpp_tasks_test.py PROGRAM - the example in C++ prints what it should."""
import subprocess
import sys

EXPECTED = """\
start and join: 49
submit and join: 21 digits
queue and lock: 5050
"""

done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                      timeout=50)
right = done.returncode == 0 and done.stdout == EXPECTED
print("1..1")
print(f"{'ok' if right else 'not ok'} 1 - tasks, a queue and a lock from C++")
for line in [] if right else [f"status {done.returncode}", *done.stdout.splitlines()]:
    print(f"# {line}")
sys.exit(0 if right else 1)
