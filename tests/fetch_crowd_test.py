#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch_crowd_test.py BUILD/weft FAULT_SERVER - weft fetch with ten thousand pages under way.

No page is answered before all are asked for, so they were all under way at one time.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no __pycache__ beside the tests
from fault_helpers import ENVIRONMENT, FaultServer, SANITIZED  # noqa: E402
from program_helpers import Skip, WEFT, equal, run_tests, test  # noqa: E402

MANY = 1_000 if SANITIZED else 10_000
THREADS = 3 + SANITIZED  # the first one, which only waits, and two that work; a sanitizer has its own
HOSTS = 100  # libcurl looks at all connections to a host before it opens one
SPARE = 200  # descriptors for all else
SECONDS = 120
PATIENT = [f"{limit}={SECONDS}" for limit in (
    "--connect-timeout", "--first-byte-timeout", "--idle-timeout", "--timeout")]


def threads_of(process):
    """How many it has now; 0: it has ended."""
    try:
        return len(os.listdir(f"/proc/{process.pid}/task"))
    except FileNotFoundError:
        return 0


@test
def ten_thousand_pages_wait_at_once_on_two_threads():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < MANY + SPARE:
        raise Skip(f"the limit of descriptors is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # the server's; weft raises its own
    with FaultServer(sys.argv[2]) as server, tempfile.TemporaryFile("w+") as out, \
            tempfile.NamedTemporaryFile("w") as urls:
        for number in range(MANY):
            print(server.url(f"/gather?n={MANY}&group=all", host=f"h{number % HOSTS}.test"), file=urls)
        urls.flush()
        port = server.doors["plain"].rpartition(":")[2]
        process = subprocess.Popen(
            [WEFT, "fetch", "--jsonl", "--retries=0", "--duplicates", f"-j{MANY}",
             f"--per-host={MANY}", f"--resolve=*:{port}:127.0.0.1", *PATIENT, "-f", urls.name], stdout=out, env=ENVIRONMENT)
        end, most = time.monotonic() + SECONDS, 0
        while process.poll() is None and time.monotonic() < end:
            most = max(most, threads_of(process))
            time.sleep(0.01)
        process.kill()
        equal(process.wait(), 0, "status")
        out.seek(0)
        rows = [row for row in map(json.loads, out) if row["type"] == "page"]
    equal(sum(row["ok"] and row["encoded"] == 5 for row in rows), MANY, "pages")
    assert most <= THREADS, f"{most} threads"


if __name__ == "__main__":
    sys.exit(run_tests())
