# SPDX-License-Identifier: MIT
"""What does a task in another process cost?"""
from question import Figure, Goal, Row

TITLE = "What does a task in another process cost?"
TEXT = """
Microseconds of wall clock, two workers on two cores. *map* squares 100,000 integers and waits for all.
*submits* hands 100,000 of them over one by one and joins them then; Python's figure is map with a chunk of
1. *round trip* is the median of one task at a time, the worker asleep in between. *death* is from the
submit of a task that kills its own process to its future's failure; *replaced*, from there to the result of the next task, with
one worker. *start and join* is one process for one task; the bare program's is fork, exit and wait.
Python's Pool never ends a future whose worker died, and its ProcessPoolExecutor fails all of them.
"""
ROUNDS = 7
REFERENCE = "weft"
PEERS = {
    "weft": "processes_weft",
    "bare fork": "processes_c",
    "Python's Pool": "processes_python.py pool",
    "Python's ProcessPoolExecutor": "processes_python.py executor",
}
FIGURES = [Figure("")]
PYTHON = ("Python's Pool", "Python's ProcessPoolExecutor")
ROWS = [
    Row("map", "map of 100,000", "0,1", without=("bare fork",)),
    Row("submits", "100,000 submits and joins", "0,1", without=("bare fork",)),
    Row("round_trip", "round trip", "0,1", without=("bare fork",)),
    Row("death", "death", "0,1", without=("bare fork", "Python's Pool")),
    Row("replaced", "replaced", "0,1", without=("bare fork", *PYTHON)),
    Row("start", "start and join", "0,1", without=PYTHON),
]
GOALS = [
    Goal("weft", "map", at_most=5000),
    Goal("weft", "submits", at_most=10000,
         why="each takes the pool's lock twice, two allocations and a slot, and often wakes the worker"),
    Goal("weft", "round_trip", at_most=9,
         why="the result comes by way of the keeper, a third thread that must wake"),
    Goal("weft", "death", at_most=1000),
    Goal("weft", "replaced", at_most=2000),
    Goal("weft", "start", at_most=2, of="bare fork",
         why="the ancestor, the keeper and the channel come between"),
]
