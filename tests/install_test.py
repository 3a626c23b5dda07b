#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""install_test - an installed weft is what a user's program finds: headers, library, weft.pc.

    install_test.py BUILD_FOLDER COMPILER [OPTION...]

Installs to a temporary DESTDIR and works from there, as pkg-config with a sysroot sees it. The
user's program is the example in weft/weft.h.
"""
import os
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "house"), str(HERE / "headers")]
import examples
from tap import ROOT, main, run, test

BUILD, COMPILER = sys.argv[1], sys.argv[2:]
FOLDER = tempfile.TemporaryDirectory(prefix="weft-install-")
# Where libssl is found, which weft.pc asks for.
SYSTEM = run("pkg-config", "--variable", "pc_path", "pkg-config").stdout.strip()
STAGE = pathlib.Path(FOLDER.name) / "stage"


def checked(*command, **options):
    done = run(*command, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def installed(name):
    """The path of the one installed file of this name."""
    found = list(STAGE.rglob(name))
    assert len(found) == 1, f"{name}: {found}"
    return found[0]


def pkg_config(*arguments):
    environment = {**os.environ, "PKG_CONFIG_LIBDIR": f"{installed('weft.pc').parent}:{SYSTEM}",
                   "PKG_CONFIG_SYSROOT_DIR": str(STAGE)}
    return checked("pkg-config", *arguments, "weft", env=environment).split()


def user_program(name, *link):
    source, program = STAGE / f"{name}.c", STAGE / name
    source.write_text(next(examples.examples(ROOT / "include" / "weft" / "weft.h")))
    checked(*COMPILER, "-std=c17", "-Wall", "-Werror", source, "-o", program,
            *pkg_config("--cflags"), *link)
    return program


def dynamic(path):
    return checked("readelf", "--dynamic", "--wide", path)


@test
def it_installs_below_destdir():
    checked("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", STAGE)
    for name in ("libweft.a", "libweft.so", "libweft.so.0", "weft.pc", "weft.h", "weft_gdb.py",
                 "weft.ini", "weft.service", "weft-fetch.1", "weft-join.1", "weft-serve.1", "weft.fish", "_weft"):
        installed(name)
    assert len(list(STAGE.rglob("bash-completion/completions/weft"))) == 1


@test
def the_headers_in_place_are_those_of_the_tree():
    ours = {path.name: path.read_text() for path in (ROOT / "include" / "weft").glob("*.h")}
    theirs = {path.name: path.read_text() for path in installed("weft.h").parent.glob("*.h")}
    assert ours == theirs, sorted(ours.keys() ^ theirs.keys())


@test
def a_users_program_runs_on_the_shared_library():
    program = user_program("shared", *pkg_config("--libs"))
    assert "[libweft.so.0]" in dynamic(program), dynamic(program)
    checked(program, env={**os.environ, "LD_LIBRARY_PATH": str(installed("libweft.so.0").parent)})


@test
def a_users_program_runs_on_the_static_library():
    libs = pkg_config("--static", "--libs")
    assert "-lweft" in libs, libs
    program = user_program("static", *[
        str(installed("libweft.a")) if part == "-lweft" else part for part in libs])
    assert "libweft" not in dynamic(program)
    checked(program)


@test
def a_users_test_is_explored():
    if not any(STAGE.rglob("libweft_explore.a")):
        return # not with a thread sanitizer
    source, program = STAGE / "explored.c", STAGE / "explored"
    example = next(examples.examples(ROOT / "include" / "weft" / "explore.h"))
    source.write_text(example)
    environment = {**os.environ, "PKG_CONFIG_LIBDIR": f"{installed('weft-explore.pc').parent}:{SYSTEM}",
                   "PKG_CONFIG_SYSROOT_DIR": str(STAGE)}
    flags = checked("pkg-config", "--cflags", "--libs", "--static", "weft-explore",
                    env=environment).split()
    checked(*COMPILER, "-std=gnu17", "-Wall", "-Werror", source, "-o", program, *flags)
    found = run(program)
    assert found.returncode == 1 and "not so: counter == 2" in found.stdout, found.stdout
    assert "WEFT_SCHEDULE='adders@" in found.stdout, found.stdout


@test
def the_shared_library_has_a_soname_and_stays_loaded():
    said = dynamic(installed("libweft.so.0").resolve())
    assert "soname: [libweft.so.0]" in said, said
    assert "NODELETE" in said, said


@test
def only_names_of_weft_are_dynamic():
    lines = checked("nm", "--dynamic", "--defined-only", "--with-symbol-versions",
                    installed("libweft.so.0").resolve()).splitlines()
    names = [line.split()[-1] for line in lines]
    functions = [name for name in names if name.startswith("weft_")]
    assert len(functions) > 50, names
    assert all(name.endswith("@@WEFT_0") for name in functions), functions
    assert set(names) - set(functions) <= {"WEFT_0", "WEFT_0@@WEFT_0"}, names # the version itself


@test
def what_the_headers_declare_is_there():
    names = checked("nm", "--dynamic", "--defined-only", installed("libweft.so.0").resolve())
    there = {line.split()[-1].split("@")[0] for line in names.splitlines()}
    missing = sorted(declared() - there)
    assert len(declared()) > 50 and not missing, missing


def declared():
    """The functions that the public headers declare and do not define."""
    text = checked(*COMPILER, "-std=gnu17", "-E", "-P", ROOT / "include" / "weft" / "weft.h",
                   f"-I{ROOT / 'include'}")
    deeper = None
    while deeper != text: # without bodies and members, from the inside out
        deeper, text = text, re.sub(r"\{[^{}]*\}", ";", text)
    found = [re.search(r"\b(weft_\w+)\(", part) for part in text.split(";")
             if not part.strip().startswith("static")]
    return {match.group(1) for match in found if match}


@test
def the_version_is_the_same_everywhere():
    text = (ROOT / "include" / "weft" / "base.h").read_text()
    parts = [line.split()[-1] for line in text.splitlines() if line.startswith("#define WEFT_VERSION_")]
    version = ".".join(parts)
    assert pkg_config("--modversion") == [version], (version, pkg_config("--modversion"))
    assert f"version: '{version}'" in (ROOT / "meson.build").read_text()
    assert installed("libweft.so." + version).is_file()


main()
