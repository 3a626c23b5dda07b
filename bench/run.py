#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run - answer one question of the bench: weft and its peers in turn, in one run.

    run.py QUESTION.py FOLDER     the programs are in FOLDER; writes bench/results/QUESTION.md

A round runs all peers for one row, one after the other; there are several rounds, so that what else
the machine does hits all alike. A figure is the median, with the lowest and the highest; a ratio is
the median of the rounds' own ratios. Where half of the runs lie more than a quarter of the median
apart, it was not measured. A peer that is not built is named, and left out; so is one that fails.
"""
import datetime
import importlib.util
import itertools
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

NOT_HERE = 77
PATIENCE = 600


class Failed(Exception):
    """A peer could not do what was asked."""


# ---- measuring -------------------------------------------------------------------------------

def read_question(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_figures(output):
    """{name: figure} of lines that are "name figure", or one figure alone."""
    lines = [line.split() for line in output.splitlines()]
    return {line[0] if len(line) > 1 else "": float(line[-1]) for line in lines}


def reason_in(said):
    """The last line of what a program said before the first traceback, or else of all: behind it come
    those of a server's threads, which are cut where it was ended, and name files of this machine."""
    lines = [line for line in said.splitlines() if line[:1].strip()] # those of a frame are indented
    own = list(itertools.takewhile(
        lambda line: not line.startswith(("Traceback ", "Exception in ")), lines))
    return (own or lines or [""])[-1]


def measure(command, row, folder):
    """{name: figure}, or None: it is not here, or has no such row."""
    given = dict(word.split("=", 1) for word in command.split() if "=" in word)
    program, *arguments = [word for word in command.split() if "=" not in word]
    if not (folder / program).exists():
        return None
    pinned = ["taskset", "-c", row.cores] if shutil.which("taskset") else []
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    try:
        done = subprocess.run([*pinned, program, *row.name.split(), *arguments], text=True,
                              capture_output=True, timeout=PATIENCE, check=False,
                              env={**os.environ, **given, "PATH": path})
    except subprocess.TimeoutExpired:
        raise Failed("no answer in time") from None
    if done.returncode == NOT_HERE:
        return None
    if done.returncode != 0:
        raise Failed(reason_in(done.stderr) or f"status {done.returncode}")
    return read_figures(done.stdout)


class Answers:
    """What the peers answered: figures by row and peer, one of each round; or why they failed."""

    def __init__(self):
        self.rounds, self.failures = {}, {}

    def ask(self, question, folder, row):
        asked = {peer: command for peer, command in question.PEERS.items()
                 if peer not in row.without and (row, peer) not in self.failures}
        for peer, command in asked.items():
            try:
                figures = measure(command, row, folder)
            except Failed as why:
                self.failures[row, peer] = str(why)
                self.rounds.pop((row, peer), None)
                continue
            if figures is not None:
                self.rounds.setdefault((row, peer), []).append(figures)

    def of(self, row, peer, figure):
        return [figures[figure] for figures in self.rounds.get((row, peer), []) if figure in figures]

    def best_of(self, row, peers, figure, best):
        """In each round, of those that have the figure."""
        columns = [values for peer in peers if (values := self.of(row, peer, figure))]
        return [best(values) for values in zip(*columns)]

    def ratios(self, row, peer, figure, reference):
        """In each round; none if the reference has no figure, or 0."""
        return ratios(self.of(row, peer, figure), self.of(row, reference, figure))

    def missing(self, question):
        known = {peer for _, peer in [*self.rounds, *self.failures]}
        return [peer for peer in question.PEERS if peer not in known]


def ratios(values, references):
    return [ours / other for ours, other in zip(values, references)] if all(references) else []


def is_noise(values):
    if len(values) < 2:
        return False
    low, _, high = statistics.quantiles(values, n=4)
    return high - low > 0.25 * statistics.median(values)


# ---- telling ---------------------------------------------------------------------------------

def cell(answers, row, peer, figure, reference):
    if (row, peer) in answers.failures:
        return "failed"
    values = answers.of(row, peer, figure.name)
    if not values:
        return "-"
    middle, low, high = (f"{value:,.{figure.digits}f}"
                         for value in (statistics.median(values), min(values), max(values)))
    text = f"{middle} [{low}-{high}]"
    if is_noise(values):
        return f"not measured: {text}"
    ratios = answers.ratios(row, peer, figure.name, reference) if peer != reference else []
    return f"{text} {statistics.median(ratios):.2f}x" if ratios else text


def table(question, answers, figure):
    """Of the rows that have the figure, and the peers that are asked for it."""
    rows = [row for row in question.ROWS
            if any(answers.of(row, peer, figure.name) for peer in question.PEERS)]
    lines = [f"## {figure.text}", ""] if figure.text else []
    lines += ["| | " + " | ".join(row.text for row in rows) + " |", "| --- " * (len(rows) + 1) + "|"]
    for peer in question.PEERS:
        cells = [cell(answers, row, peer, figure, question.REFERENCE) for row in rows]
        if any(text != "-" for text in cells):
            lines.append(f"| {peer} | " + " | ".join(cells) + " |")
    return lines + [""] if rows else []


def verdict(goal, values):
    if not values or is_noise(values):
        return "not measured"
    found = statistics.median(values)
    limit = goal.at_least if goal.at_most is None else goal.at_most
    worse, better = (limit, found) if goal.at_most is None else (found, limit)
    if worse <= better:
        return f"{found:,.4g}: met"
    times = f", {worse / better:.2f} times" if better else ""
    return f"{found:,.4g}: **missed{times}**" + (f": {goal.why}" if goal.why else "")


def goal_line(question, answers, goal):
    row = next(row for row in question.ROWS if row.name == goal.row)
    figure = next(figure for figure in question.FIGURES if figure.name == goal.figure)
    values = answers.of(row, goal.peer, goal.figure)
    if goal.of:
        several = isinstance(goal.of, tuple)
        best = max if goal.at_most is None else min
        peers = goal.of if several else (goal.of,)
        values = ratios(values, answers.best_of(row, peers, goal.figure, best))
    what = ", ".join(text for text in (goal.peer, row.text, figure.text) if text)
    bound = f"at least {goal.at_least:,g}" if goal.at_most is None else f"at most {goal.at_most:,g}"
    of = (" of the best peer" if several else f" of {goal.of}") if goal.of else ""
    return f"| {what} | {bound}{of} | {verdict(goal, values)} |"


def conditions_of(question, rounds, others):
    return (f"{datetime.date.today()}; {machine()}, of which other work took {others.share():.0%}.\n"
            f"Medians of {rounds} rounds [lowest-highest], and the ratio to {question.REFERENCE}.")


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.machine())
    kernel = ".".join(platform.release().split(".")[:2])
    return f"{model}, {os.cpu_count()} cores, Linux {kernel}"


class Others:
    """How much of the machine other work takes: the kernel's sum less ours and our children's."""

    def __init__(self):
        self.begin = self.now()

    @staticmethod
    def now():
        ticks = [int(word) for word in open("/proc/stat", encoding="utf-8").readline().split()[1:9]]
        busy = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK") # all but idle, iowait
        return busy - sum(os.times()[:4]), os.times().elapsed

    def share(self):
        took, elapsed = (now - then for now, then in zip(self.now(), self.begin))
        return max(0, took / elapsed / os.cpu_count())


def report(question, answers, folder, conditions):
    missing = answers.missing(question)
    lines = [f"# {question.TITLE}", "", question.TEXT.strip(), "",
             conditions, (folder / "flags").read_text().strip(), ""]
    lines += [f"Not here, so not measured: {', '.join(missing)}.", ""] if missing else []
    for figure in question.FIGURES:
        lines += table(question, answers, figure)
    lines += [f"- failed: {peer}, {row.text}: {why}"
              for (row, peer), why in answers.failures.items()]
    lines += [""] if answers.failures else []
    lines += ["## Goals", "", "| | goal | found |", "| --- | --- | --- |"]
    lines += [goal_line(question, answers, goal) for goal in question.GOALS]
    return "\n".join(lines) + "\n"


def say_row(question, answers, row):
    figure = next((figure for figure in question.FIGURES for peer in question.PEERS
                   if answers.of(row, peer, figure.name)), question.FIGURES[0])
    told = [f"{peer} {cell(answers, row, peer, figure, question.REFERENCE)}"
            for peer in question.PEERS if peer not in row.without]
    print(f"{row.text}:\n    " + "\n    ".join(told), flush=True)


def main():
    path, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    question = read_question(path)
    rounds = int(os.environ.get("WEFT_BENCH_ROUNDS", question.ROUNDS))
    answers, others = Answers(), Others()
    for row in question.ROWS:
        for _ in range(min(rounds, row.rounds or rounds)):
            answers.ask(question, folder, row)
        say_row(question, answers, row)
    target = path.parent / "results" / f"{path.stem}.md"
    target.parent.mkdir(exist_ok=True)
    conditions = conditions_of(question, rounds, others)
    target.write_text(report(question, answers, folder, conditions))
    print(f"written: {target}")


main()
