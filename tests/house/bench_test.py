#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_test - bench/run.py tells what the programs answered, and never more.

The programs are scripts: in each round they print the next of their figures.
"""
import contextlib
import importlib
import sys

from tap import ROOT, main, run, test, tree

QUESTION = """
from question import Figure, Goal, Row
TITLE, TEXT, ROUNDS, REFERENCE = "How?", "So.", 5, "other"
PEERS = {{"ours": "ours", "other": "other", "third": "third with=it"}}
ROWS = [Row("row", "a row"), Row("not_asked", "another", without=("third",))]
FIGURES = [Figure("", "ns")]
GOALS = [Goal("ours", "row", {goal}, why="a reason")]
"""
STEADY = [10, 11, 10, 10, 9]


def program(figures, status=0, says=""):
    """A script that prints its n-th figure in its n-th run for a row, and ends with `status`."""
    return f"""#!/bin/sh
        echo >>"$0.$1.runs"
        n=$(wc -l <"$0.$1.runs")
        echo "{says}" >&2
        set -- {" ".join(str(figure) for figure in figures)}
        shift $((n - 1))
        echo "$1"
        exit {status}
    """


@contextlib.contextmanager
def answered(goal="at_most=20", **programs):
    """The lines of the results file."""
    scripts = {f"bin/{name}": text for name, text in programs.items()}
    with tree(**{"how.py": QUESTION.format(goal=goal), "bin/flags": "plain\n", **scripts}) as root:
        for name in scripts:
            (root / name).chmod(0o755)
        done = run(sys.executable, ROOT / "bench" / "run.py", root / "how.py", root / "bin")
        assert done.returncode == 0, done.stdout
        yield (root / "results" / "how.md").read_text().splitlines()


def goal_of(lines):
    return lines[-1].split(" | ")[1:]


@test
def a_figure_is_the_median_with_its_range_and_its_ratio_to_the_reference():
    with answered(ours=program(STEADY), other=program([20] * 5), third=program(STEADY)) as lines:
        assert "| ours | 10.0 [9.0-11.0] 0.50x | 10.0 [9.0-11.0] 0.50x |" in lines, lines
        assert "| other | 20.0 [20.0-20.0] | 20.0 [20.0-20.0] |" in lines, lines
        assert "| third | 10.0 [9.0-11.0] 0.50x | - |" in lines, lines


@test
def a_ratio_is_that_of_the_same_round():
    slower = [10, 20, 30, 40, 50]
    with answered("at_most=0.6, of='other'", ours=program(slower),
                  other=program([2 * n for n in slower])) as lines:
        assert goal_of(lines) == ["at most 0.6 of other", "0.5: met |"], lines


@test
def a_ratio_to_the_best_is_to_the_best_of_each_round():
    others = {"other": program([10, 20, 10, 20, 10]), "third": program([20, 10, 20, 10, 20])}
    for goal, found in (("at_most=1", "1: met |"), ("at_least=1", "0.5: **missed, 2.00 times**: a reason |")):
        with answered(f"{goal}, of=('other', 'third')", ours=program([10] * 5), **others) as lines:
            bound = goal.replace("_", " ").replace("=", " ")
            assert goal_of(lines) == [f"{bound} of the best peer", found], (goal, lines[-1])


@test
def what_spreads_by_more_than_a_quarter_is_not_measured():
    with answered(ours=program([5, 10, 10, 20, 20]), other=program(STEADY)) as lines:
        assert any(line.startswith("| ours | not measured: 10.0 [5.0-20.0] |") for line in lines), lines
        assert goal_of(lines) == ["at most 20", "not measured |"], lines


@test
def a_peer_that_is_not_here_is_named_and_left_out():
    with answered(ours=program(STEADY), other=program(STEADY, status=77)) as lines:
        assert "Not here, so not measured: other, third." in lines, lines
        assert not any(line.startswith(("| other", "| third")) for line in lines), lines


@test
def a_peer_that_fails_is_named_with_its_reason_and_the_others_go_on():
    with answered(ours=program(STEADY), other=program(STEADY, 1, "no luck")) as lines:
        assert "- failed: other, a row: no luck" in lines, lines
        assert any(line.startswith("| other | failed |") for line in lines), lines
        assert any(line.startswith("| ours | 10.0 [9.0-11.0] |") for line in lines), lines


@test
def a_goal_that_is_missed_says_by_how_much_and_why():
    for goal, bound, found in (
            ("at_most=10", "at most 10", "10: met |"),
            ("at_most=8", "at most 8", "10: **missed, 1.25 times**: a reason |"),
            ("at_least=10", "at least 10", "10: met |"),
            ("at_least=20", "at least 20", "10: **missed, 2.00 times**: a reason |"),
            ("at_most=0", "at most 0", "10: **missed**: a reason |"),
            ("at_most=0.9, of='other'", "at most 0.9 of other", "1: **missed, 1.11 times**: a reason |"),
            ("at_most=1, of='third'", "at most 1 of third", "not measured |")):
        with answered(goal, ours=program(STEADY), other=program(STEADY)) as lines:
            assert goal_of(lines) == [bound, found], (goal, lines[-1])


@test
def the_goals_of_every_question_are_of_its_own_peers_rows_and_figures():
    sys.path.insert(0, str(ROOT / "bench"))
    sys.dont_write_bytecode = True
    for path in sorted(set((ROOT / "bench").glob("*.py")) - {ROOT / "bench" / "run.py"}):
        asked = importlib.import_module(path.stem)
        if path.stem == "question":
            continue
        rows, figures = ({item.name for item in items} for items in (asked.ROWS, asked.FIGURES))
        assert asked.REFERENCE in asked.PEERS, path
        for row in asked.ROWS:
            assert set(row.without) < set(asked.PEERS) and isinstance(row.without, tuple), row
        for goal in asked.GOALS:
            of = goal.of if isinstance(goal.of, tuple) else (goal.of or goal.peer,)
            assert {goal.peer, *of} <= set(asked.PEERS), goal
            assert goal.row in rows and goal.figure in figures, goal


main()
