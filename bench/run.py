#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run - answer one question of the bench: weft and its peers in turn, in one run.

    run.py QUESTION.py FOLDER     the programs are in FOLDER; writes bench/results/QUESTION.md

Each program prints one figure a run. A round runs all of them for one row; there are ROUNDS rounds,
so that what else the machine does hits all alike. A figure is the median, with the lowest and the
highest, and its ratio to weft's. Where half of the runs of a program lie more than a quarter of the
median apart, it was not measured. A peer that is not built is named, and left out.
"""
import datetime
import importlib.util
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

ROUNDS = int(os.environ.get("WEFT_BENCH_ROUNDS", "7"))
NOT_HERE = 77
PATIENCE = 120


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pinned(command, cores):
    return ["taskset", "-c", cores, *command] if shutil.which("taskset") else command


def measure(program, row, cores):
    done = subprocess.run(pinned([str(program), row], cores), capture_output=True, text=True,
                          timeout=PATIENCE)
    if done.returncode == NOT_HERE:
        return None
    if done.returncode != 0:
        raise RuntimeError(f"{program.name} {row}: status {done.returncode}: {done.stderr.strip()}")
    return float(done.stdout)


def all_rounds(programs, row):
    """{peer: [figure of each round]}"""
    figures = {}
    for _ in range(ROUNDS):
        for peer, program in programs.items():
            figure = measure(program, row.name, row.cores)
            if figure is not None:
                figures.setdefault(peer, []).append(figure)
    return figures


def is_noise(figures):
    low, _, high = statistics.quantiles(figures, n=4)
    return high - low > 0.25 * statistics.median(figures)


def cell(figures, ours):
    if figures is None:
        return "-"
    median = statistics.median(figures)
    text = f"{median:,.1f} [{min(figures):,.1f}-{max(figures):,.1f}]"
    if is_noise(figures):
        return f"not measured: {text}"
    return text if ours is None else f"{text} {median / ours:.2f}x"


def verdict(row, ours):
    if row.goal is None:
        return ""
    median = statistics.median(ours)
    if is_noise(ours):
        return f"at most {row.goal:,g}: not measured"
    if median <= row.goal:
        return f"at most {row.goal:,g}: met"
    return f"at most {row.goal:,g}: **missed, {median / row.goal:.1f} times**"


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.machine())
    kernel = ".".join(platform.release().split(".")[:2])
    return f"{model}, {os.cpu_count()} cores, Linux {kernel}"


def report(question, folder, missing, table):
    peers = [peer for peer in question.PEERS if peer not in missing]
    lines = [f"# {question.TITLE}", "", question.TEXT.strip(), "",
             f"{datetime.date.today()}; {machine()}.",
             f"{(folder / 'flags').read_text().strip()}",
             f"Medians of {ROUNDS} rounds [lowest-highest], and the ratio to weft's.", ""]
    lines += [f"Not here, so not measured: {', '.join(missing)}.", ""] if missing else []
    lines += ["| row | " + " | ".join(peers) + " | goal |", "| --- " * (len(peers) + 2) + "|"]
    reasons = []
    for row, figures in table:
        ours = figures["weft"]
        cells = [cell(figures.get(peer), None if peer == "weft" else statistics.median(ours))
                 for peer in peers]
        goal = verdict(row, ours)
        lines.append(f"| {row.text} | " + " | ".join(cells) + f" | {goal} |")
        if "missed" in goal:
            reasons.append(f"- {row.text}: {row.reason}")
    lines += ["", "Why goals are missed:", "", *reasons] if reasons else []
    return "\n".join(lines) + "\n"


def main():
    path, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    question = load(path)
    programs = {peer: folder / name for peer, name in question.PEERS.items()}
    missing = [peer for peer, program in programs.items() if not program.exists()]
    for peer in missing:
        print(f"{peer}: not here, left out", flush=True)
        del programs[peer]
    table = []
    for row in question.ROWS:
        table.append((row, all_rounds(programs, row)))
        told = {peer: statistics.median(figures) for peer, figures in table[-1][1].items()}
        print(row.text + ": " + ", ".join(f"{p} {f:,.1f}" for p, f in told.items()), flush=True)
    results = path.parent / "results"
    results.mkdir(exist_ok=True)
    target = results / f"{path.stem}.md"
    target.write_text(report(question, folder, missing, table))
    print(f"written: {target}")


main()
