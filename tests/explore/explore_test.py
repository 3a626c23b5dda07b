#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""explore_test.py EXAMPLE - what somebody sees whose test the explorer breaks."""
import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "house"))
import tap

EXAMPLE = sys.argv[1]


def example(schedule=None):
    env = {key: value for key, value in os.environ.items() if key != "WEFT_SCHEDULE"}
    if schedule is not None:
        env["WEFT_SCHEDULE"] = schedule
    return tap.run(EXAMPLE, env=env).stdout


def table(said, name):
    """The lines that tell of this failure, without addresses."""
    found = re.search(rf"^weft_explore: {name}: .*?^again: WEFT_SCHEDULE='([^']+)'$", said,
                      re.M | re.S)
    assert found, said
    return re.sub(r"0x[0-9a-f]+", "0x", found.group(0)), found.group(1)


@tap.test
def the_lost_update_is_found_and_told_step_by_step():
    told, _ = table(example(), "counter")
    lines = told.splitlines()
    assert "not so: counter == 2" in lines[0]
    points = [line for line in lines if "20_every_order.c:" in line and "plain code" in line]
    assert len(points) == 4 and any("<- switched" in line for line in lines), told
    # One came in between the other's load and store.
    tasks = [line.split()[1] for line in points]
    assert tasks in (["Thread-1", "Thread-2", "Thread-2", "Thread-1"],
                     ["Thread-2", "Thread-1", "Thread-1", "Thread-2"],
                     ["Thread-1", "Thread-2", "Thread-1", "Thread-2"],
                     ["Thread-2", "Thread-1", "Thread-2", "Thread-1"]), told


@tap.test
def the_deadlock_names_who_waits_in_what():
    told, _ = table(example(), "two locks")
    first = told.splitlines()[0]
    assert "deadlock: nobody can go on" in first
    assert re.search(r"Thread-1 \(left_then_right\): weft_lock; Thread-2 \(right_then_left\): "
                     r"weft_lock", first), first
    assert told.count("goes to sleep in weft_lock") == 2, told


@tap.test
def a_lock_makes_every_order_right():
    assert "locked counter: no order breaks it\n" in example()


@tap.test
def the_seed_repeats_the_same_steps():
    for name in "counter", "two locks":
        told, seed = table(example(), name)
        again = example(seed)
        assert table(again, name) == (told, seed), again
        other = "two locks" if name == "counter" else "counter"
        assert f"{other}: no order breaks it" in again # it was not run


@tap.test
def a_seed_of_nothing_is_told():
    assert "weft_explore: counter: no seed: WEFT_SCHEDULE='counter@nonsense'" in example(
        "counter@nonsense")
    assert "nothing went wrong in this order" in example("counter@0")
    assert "no such move at step 1" in example("counter@1:5")


tap.main()
