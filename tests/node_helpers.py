# SPDX-License-Identifier: MIT
"""node_helpers.py - programs of node for tests, and what npm fetches for them."""
import shutil
import subprocess

FETCH_SECONDS = 120


class Missing(Exception):
    """Something that is needed is not here, and why."""


def program(*candidates):
    for name in candidates:
        if path := shutil.which(name):
            return path
    raise Missing(f"{candidates[0]} is not here: tools/deps test")


def modules(source, folder):
    """The folder with node_modules in it, as source/package-lock.json pins them: filled if it is
    not, or of other versions."""
    npm = program("npm")
    wanted = (source / "package-lock.json").read_text()
    done = folder / "fetched"  # of which lock
    if done.exists() and done.read_text() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in "package.json", "package-lock.json":
        shutil.copy(source / name, folder)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True,
                             timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        raise Missing(f"npm fetched nothing within {FETCH_SECONDS} s") from None
    if run.returncode:
        why = (run.stderr.strip().splitlines() or ["it says nothing"])[0]
        raise Missing(f"npm cannot fetch what is needed: {why}")
    done.write_text(wanted)
    return folder
