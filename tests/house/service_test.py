#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""service_test - docs/weft.service is a unit that systemd takes, and that may do little."""
import pathlib
import re
import shutil
import sys
import tempfile

from tap import ROOT, Skip, main, run, test

MOST = 1.5  # of "systemd-analyze security": 10 is a program that may do all


def analyze(*arguments):
    """What systemd-analyze says of the unit, with a program that is there in place of weft."""
    if not shutil.which("systemd-analyze"):
        raise Skip("there is no systemd-analyze here")
    with tempfile.TemporaryDirectory(prefix="weft-service-") as folder:
        unit = pathlib.Path(folder) / "weft.service"
        text = (ROOT / "docs" / "weft.service").read_text()
        unit.write_text(text.replace("@weft@", sys.executable))
        return run("systemd-analyze", *arguments, unit)


@test
def it_may_do_little():
    said = analyze("security", "--offline=true", "--no-pager")
    score = re.search(r"Overall exposure level for weft.service: ([0-9.]+)", said.stdout)
    if not score:
        raise Skip(f"this systemd-analyze does not judge: {said.stdout.splitlines()[:1]}")
    assert float(score[1]) <= MOST, said.stdout


@test
def systemd_understands_every_line_of_it():
    said = analyze("verify", "--man=no")
    ours = [line for line in said.stdout.splitlines() if "weft.service" in line]
    assert not ours, said.stdout


if __name__ == "__main__":
    main()
