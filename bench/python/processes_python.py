#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""processes_python - a task in Python's process pools: processes_python ROW pool|executor, in us."""
import concurrent.futures
import multiprocessing
import os
import signal
import statistics
import sys
import time

ITEMS = range(100000)
FEW = range(3000)  # one by one: a figure for 100,000 is made of it


def square(n):
    return n * n


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


class Pool:
    def __init__(self, workers):
        self.pool = multiprocessing.Pool(workers)

    def map(self, items, chunk):
        return self.pool.map(square, items, chunk)

    def call(self, function, item):
        return self.pool.apply(function, (item,))

    def close(self):
        self.pool.close()
        self.pool.join()


class Executor:
    def __init__(self, workers):
        self.pool = concurrent.futures.ProcessPoolExecutor(workers)

    def map(self, items, chunk):
        return list(self.pool.map(square, items, chunksize=chunk or 1000))

    def call(self, function, item):
        return self.pool.submit(function, item).result()

    def close(self):
        self.pool.shutdown()


def timed(function, *arguments):
    begin = time.monotonic_ns()
    function(*arguments)
    return (time.monotonic_ns() - begin) / 1e3


def trip(pool):
    time.sleep(0.0002)
    return timed(pool.call, square, 7)


def death(_):
    figures = []
    for _ in range(11):
        pool = Executor(1)
        pool.call(square, 1)
        begin = time.monotonic_ns()
        try:
            pool.call(die, 1)
        except concurrent.futures.process.BrokenProcessPool:
            figures.append((time.monotonic_ns() - begin) / 1e3)
        pool.close()
    return statistics.median(figures)


def main():
    row, kind = sys.argv[1:3]
    pool = (Pool if kind == "pool" else Executor)(1 if row == "round_trip" else 2)
    pool.call(square, 1)
    rows = {
        "map": lambda: timed(pool.map, ITEMS, None),
        "submits": lambda: timed(pool.map, FEW, 1) * len(ITEMS) / len(FEW),
        "round_trip": lambda: statistics.median(trip(pool) for _ in range(1000)),
        "death": lambda: death(pool),
    }
    if row not in rows:
        sys.exit(77)
    print(rows[row]())
    pool.close()


main()
