#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shared_python - what multiprocessing's Queue and Lock cost: shared_python ROW prints ns."""
import multiprocessing
import sys
import time

STREAMED, ROUND_TRIPS, LOCKED = 100000, 20000, 200000


def send_all(queue, count):
    for _ in range(count):
        queue.put(bytes(64))


def echo_all(there, back, count):
    for _ in range(count):
        back.put(there.get())


def lock_all(lock, count):
    for _ in range(count):
        with lock:
            pass


def measure(child, count, step):
    child.start()
    step()  # it runs
    begin = time.monotonic_ns()
    for _ in range(count - 1):
        step()
    took = time.monotonic_ns() - begin
    child.join()
    return took / (count - 1)


def stream():
    queue = multiprocessing.SimpleQueue()
    return measure(multiprocessing.Process(target=send_all, args=(queue, STREAMED)), STREAMED, queue.get)


def round_trip():
    there, back = multiprocessing.SimpleQueue(), multiprocessing.SimpleQueue()

    def step():
        there.put(bytes(64))
        back.get()

    child = multiprocessing.Process(target=echo_all, args=(there, back, ROUND_TRIPS))
    return measure(child, ROUND_TRIPS, step)


def lock():
    mutex = multiprocessing.Lock()
    begin = time.monotonic_ns()
    lock_all(mutex, LOCKED)
    return (time.monotonic_ns() - begin) / LOCKED


def lock_by_two():
    mutex = multiprocessing.Lock()
    child = multiprocessing.Process(target=lock_all, args=(mutex, LOCKED // 2))
    begin = time.monotonic_ns()
    child.start()
    lock_all(mutex, LOCKED // 2)
    child.join()
    return (time.monotonic_ns() - begin) / LOCKED


print({"stream": stream, "round_trip": round_trip, "lock": lock, "lock_by_two": lock_by_two}[sys.argv[1]]())
