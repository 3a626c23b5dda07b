#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""pipe_python - what a message costs through multiprocessing.Pipe: pipe_python ROW prints ns."""
import multiprocessing
import sys
import time

SIZES = {"stream": 64, "large": 65536, "round_trip": 64}
COUNTS = {"stream": 200000, "large": 20000, "round_trip": 50000}


def send_all(end, count, size):
    message = bytes(size)
    for _ in range(count):
        end.send_bytes(message)


def echo_all(end, count, _):
    for _ in range(count):
        end.send_bytes(end.recv_bytes())


def main():
    row = sys.argv[1]
    count, size = COUNTS[row], SIZES[row]
    ours, theirs = multiprocessing.Pipe()
    run = echo_all if row == "round_trip" else send_all
    child = multiprocessing.Process(target=run, args=(theirs, count, size))
    message = bytes(size)
    begin = time.monotonic_ns()
    child.start()
    for _ in range(count):
        if row == "round_trip":
            ours.send_bytes(message)
        ours.recv_bytes()
    child.join()
    print((time.monotonic_ns() - begin) / count)


main()
