#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make_test - the face of the build: `make run` sets up once; the second time it only starts.

In a copy of the sources. dpkg-query and apt-get are scripts, so that the machine is left alone: the
first says that every package is here, the second writes down that it was called.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import threading

from tap import ROOT, main, run, test, tree

PACKAGES = run(ROOT / "tools" / "deps", "build", "--list").stdout.split()
SCRIPTS = {
    "bin/dpkg-query": "".join(f"echo 'installed {name}'\n" for name in PACKAGES),
    "bin/apt-get": 'echo "$*" >> "${0%/*}/asked"\n',
}


@contextlib.contextmanager
def sources():
    with tree(**{name: f"#!/bin/sh\n{text}" for name, text in SCRIPTS.items()}) as folder:
        for name in SCRIPTS:
            (folder / name).chmod(0o755)
        for part in ROOT.iterdir():
            if part.name.startswith((".", "build")):
                continue
            copy = shutil.copytree if part.is_dir() else shutil.copy2
            copy(part, folder / part.name)
        yield folder


def make_run(folder):
    """What `make run` says until its server listens; then it is told to stop."""
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    make = subprocess.Popen(["make", "run", "SETUP=-Doptimization=0", "ARGS=--port 0"],
                            cwd=folder, env={**os.environ, "PATH": path}, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True)
    too_long = threading.Timer(400, os.killpg, (make.pid, signal.SIGKILL))
    too_long.start()
    said = ""
    try:
        for line in make.stdout: # ends when the server does
            said += line
            if "listening" in line:
                os.killpg(make.pid, signal.SIGTERM)
        make.wait(30)
    finally:
        too_long.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(make.pid, signal.SIGKILL)
    return said


@test
def another_c_library_is_refused_before_anything_is_compiled():
    """Without what features.h says, any other would look like this one."""
    with tree() as folder:
        done = run("meson", "setup", "-Dtests=disabled", "-Dc_args=-D_FEATURES_H", folder / "build",
                   ROOT)
    assert done.returncode != 0, done.stdout
    assert "ERROR: Problem encountered: weft needs Linux with glibc 2.35 or newer" in done.stdout, \
        done.stdout


@test
def what_sudo_built_is_the_users():
    """Else his next make ends with a permission denied."""
    if os.getuid() != 0:
        return
    with sources() as folder:
        for name, text in ("meson", "mkdir -p build; touch build/build.ninja\n"), ("ninja", ""):
            (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}")
            (folder / "bin" / name).chmod(0o755)
        done = run("make", "-C", folder, "install", f"DESTDIR={folder}",
                   env={**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
                        "SUDO_UID": "65534", "SUDO_GID": "65533"})
        assert done.returncode == 0, done.stdout
        for path in folder / "build", folder / "build" / "build.ninja":
            assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65533), path


@test
def a_second_make_run_installs_and_builds_nothing():
    with sources() as folder:
        first, second = make_run(folder), make_run(folder)
        assert "listening" in first and "listening" in second, (first, second)
        assert "Compiling C object" in first or "[1/" in first, first
        assert "no work to do" in second and "[1/" not in second, second
        assert "meson" not in second, second
        assert not (folder / "bin" / "asked").exists(), (folder / "bin" / "asked").read_text()


main()
