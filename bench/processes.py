# SPDX-License-Identifier: MIT
"""What does a task in another process cost?"""
from question import Figure, Goal, Row

TITLE = "What does a task in another process cost?"
TEXT = """
Microseconds of wall clock, two workers on two cores. *map* squares 100,000 integers and waits for all.
*submits* hands 100,000 of them over one by one and joins them then; Python's figure is map with a chunk of
1, the bare program's the same messages of 64 bytes through a ring to one process and back through another,
of which 256 are on their way at most. *messages* are tasks of one worker with 64 bytes each that nobody
joins, 10 ms for 10 million a second; the bare program's go through a ring one way. *round trip* is the median of one task at a time, the worker asleep
in between; *awake* the same without a pause, so that the worker looks for the next task when it comes. The
bare program's are two words on which two processes sleep in turn, or spin. *death* is from the submit of a
task that kills its own process to its future's failure; *replaced*, from there to the result of the next
task, with one worker. *start and join* is one process for one task, one after the other; *after a pause*, 2 ms
after the one before, when the next is forked already. The bare program's is fork, exit and wait.
Python's Pool never ends a future whose worker died, and its ProcessPoolExecutor fails all of them.
"""
ROUNDS = 7
REFERENCE = "weft"
PEERS = {
    "weft": "processes_weft",
    "bare C": "processes_c",
    "Python's Pool": "processes_python.py pool",
    "Python's ProcessPoolExecutor": "processes_python.py executor",
}
FIGURES = [Figure("")]
PYTHON = ("Python's Pool", "Python's ProcessPoolExecutor")
ROWS = [
    Row("map", "map of 100,000", "0,1", without=("bare C",)),
    Row("submits", "100,000 submits and joins", "0,1"),
    Row("messages", "100,000 messages", "0,1", without=PYTHON),
    Row("round_trip", "round trip", "0,1"),
    Row("awake", "awake", "0,1", without=PYTHON),
    Row("death", "death", "0,1", without=("bare C", "Python's Pool")),
    Row("replaced", "replaced", "0,1", without=("bare C", *PYTHON)),
    Row("start", "start and join", "0,1", without=PYTHON),
    Row("paused_start", "after a pause", "0,1", without=PYTHON),
]
PLACED = ("two wake-ups. Some kernels keep the bare pair on one core, where it takes 4 us, and weft, pinned to "
          "one, 8.5; left alone they wake weft's worker on the other")
GOALS = [
    Goal("weft", "map", at_most=5000,
         why="the program's own 200 pages for the results are touched for the first time here, 20 us each on such "
         "a machine; the rest is 2 ms of processor time in all"),
    Goal("weft", "submits", at_most=10000,
         why="root and two workers share two cores, and each has more than 100 ns to do for a task"),
    Goal("weft", "messages", at_most=10000,
         why="a message is a task with a future that is made and ended, with four locked instructions and 800 others in "
         "the root; it is counted, can be cancelled and fails by itself if the worker dies"),
    Goal("weft", "round_trip", at_most=9,
         why=PLACED),
    Goal("weft", "round_trip", at_most=1.5, of="bare C", why=PLACED),
    Goal("weft", "awake", at_most=2,
         why="the kernel had put root and worker on one core"),
    Goal("weft", "death", at_most=1000,
         why="a process that dies gives its pages back first, which takes as long as their first touches"),
    Goal("weft", "replaced", at_most=2000),
    Goal("weft", "start", at_most=2, of="bare C",
         why="after a fork each page is touched for the first time, several us a page on such machines: "
         "the ancestor and a worker have 41 of them, a bare child 21, and four wake-ups lie between"),
    Goal("weft", "paused_start", at_most=2, of="bare C"),
]
