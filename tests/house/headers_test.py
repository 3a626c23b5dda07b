#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""headers_test - the checks of the public headers find mistakes that are planted in a copy."""
import contextlib
import os
import shutil

from tap import ROOT, main, run, test, tree

HEADERS = ROOT / "tests" / "headers"
FIXED = ROOT / "tests" / "headers" / "bad" / "put_void.c"


@contextlib.contextmanager
def copy(header, old, new):
    """An include folder in which one thing is different."""
    with tree() as root:
        shutil.copytree(ROOT / "include", root / "include")
        path = root / "include" / "weft" / header
        text = path.read_text()
        assert old in text, f"{header} has no more: {old}"
        path.write_text(text.replace(old, new, 1))
        yield root / "include"


def says(script, include, *arguments):
    done = run("python3", HEADERS / script, *arguments,
               env={**os.environ, "WEFT_TEST_INCLUDE": str(include)})
    wrong = [line.split(" - ", 1)[1] for line in done.stdout.splitlines()
             if line.startswith("not ok")]
    assert done.returncode == (1 if wrong else 0), done.stdout
    return wrong


@test
def a_header_that_does_not_compile_alone_is_found():
    with copy("base.h", "#include <stdint.h>\n", "") as include:
        assert "weft/time.h alone, as C" in says("alone.py", include, "time.h")


@test
def a_header_without_a_guard_is_found():
    with copy("time.h", "#define WEFT_TIME_H\n", "") as include:
        assert "weft/time.h alone, as C++" in says("alone.py", include, "time.h")


@test
def a_warning_in_a_header_is_found():
    new = "static inline int weft_wrong_(long n)\n{\n    return n;\n}\nWEFT_C_END\n"
    with copy("time.h", "WEFT_C_END\n", new) as include:
        assert "weft/time.h alone, as C" in says("alone.py", include, "time.h")


@test
def what_only_c_understands_is_found():
    with copy("time.h", "WEFT_C_END\n", "void weft_wrong_(int class);\nWEFT_C_END\n") as include:
        wrong = says("alone.py", include, "time.h")
        assert "weft/time.h alone, as C++" in wrong and "weft/time.h alone, as C" not in wrong, wrong


@test
def a_macro_that_nobody_tries_is_found():
    with copy("time.h", "WEFT_C_END\n", "#define weft_untried(x) (x)\nWEFT_C_END\n") as include:
        assert says("alone.py", include, "time.h") == [
            "all.c leaves no macro out", "all.cc leaves no macro out"]


@test
def an_example_that_does_not_compile_is_found():
    with copy("time.h", "weft_time patience = ", "weft_time patience == ") as include:
        wrong = says("examples.py", include, "time.h")
        assert [name.split(",")[0] for name in wrong] == ["weft/time.h"], wrong


@test
def a_misuse_that_compiles_is_found():
    old = "weft_future *weft_submit_(weft_pool *, weft_time, const struct weft_task *, " \
          "const void *arg)\n    WEFT_OWNED_ "
    with copy("pool.h", old, old.removesuffix("WEFT_OWNED_ ")) as include:
        wrong = says("misuse.py", include, "bad/submit_dropped.c", "bad/put_void.c")
        assert [name.split(":")[0] for name in wrong] == ["submit_dropped"], wrong


@test
def a_misuse_whose_right_form_does_not_compile_is_found():
    with tree() as root:
        shutil.copy(HEADERS / "bad" / "misuse.h", root)
        text = FIXED.read_text()
        assert "weft_put(queue, number" in text
        (root / "slip.c").write_text(text.replace("weft_put(queue, number", "weft_put(queues, number"))
        wrong = says("misuse.py", ROOT / "include", root / "slip.c")
        assert [name.split(":")[0] for name in wrong] == ["slip"], wrong


main()
