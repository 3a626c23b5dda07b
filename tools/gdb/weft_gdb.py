# SPDX-License-Identifier: MIT
"""weft_gdb.py - fibers for gdb: who they are, what they wait for, and their stacks.

    (gdb) source .../share/weft/gdb/weft_gdb.py
    (gdb) weft fibers             number, name, loop, state and what it waits for
    (gdb) weft fiber 7 bt         its backtrace; any other command for frames will do too
    (gdb) weft fiber all bt       of all

A number is the task's id, as weft_self() tells it; a pool's fiber between two tasks has none, and
is not shown. In a process and in a core of the kernel's; libweft needs its debug information. (A
core that gdb writes itself, generate-core-file, lacks the stacks: it stops at their guard pages.)

A fiber inside weft_on_thread_stack runs on two stacks: of its backtraces the first is the thread's,
to whatever it called there, and the second its own, from which it called.

Whoever is not running has its registers on its own stack, where wf_context_switch left them
(src/os/context_*.S). No register of a thread is written, which a core would not allow: an unwinder
tells gdb, while a command lasts, that what the loop's thread stopped in was called by the fiber.
"""
import contextlib
import pathlib

import gdb
import gdb.unwinder

PARKED = 4 # of a parker's word: src/core/park.h

# Of each machine: the program counter, the stack pointer, how far a switch moves that, and what
# lies where between the two.
LAYOUTS = {
    "x86-64": ("rip", "rsp", 56, {"r15": 0, "r14": 8, "r13": 16, "r12": 24, "rbx": 32, "rbp": 40,
                                  "rip": 48}),
    "aarch64": ("pc", "sp", 160, {**{f"x{19 + i}": 8 * i for i in range(12)}, "pc": 88}),
}


class Wrong(gdb.GdbError):
    """A mistake of the user's: one line, no traceback."""


# ---- weft's own data --------------------------------------------------------------------


def symbols_of(function):
    """The block of the file that defines it: names there may be in other files too."""
    symbol = gdb.lookup_global_symbol(function)
    if symbol is None:
        raise Wrong("no weft here, or one without debug information")
    return symbol.symtab.static_block()


def static_value(function, name):
    return gdb.lookup_symbol(name, symbols_of(function))[0].value()


def fiber_type():
    return gdb.lookup_type("struct fiber", symbols_of("wf_loop_start_task"))


def through(first, link):
    while first != 0:
        yield first
        first = first[link]


def task_name(task):
    """As wf_task_name puts it together."""
    given, function = task["name"].string(), task["function"]
    if given or function == 0:
        return given
    if task["series"] == 0:
        return function.string()
    return f"{task['series'].string()}{int(task['number'])} ({function.string()})"


class Fiber:
    def __init__(self, parker, fiber):
        self.parker = parker
        self.sp = int(fiber["sp"])
        self.is_new = self.sp % 2 == 1 # by wf_context_new: it has not been left yet
        stack = fiber["stack"]
        self.bottom = int(stack["bottom"])
        self.top = self.bottom + int(stack["size"])
        self.loop = fiber["loop"]
        self.fd = int(fiber["io"]["fd"]) if fiber["io"] != 0 else -1
        self.deadline = int(fiber["timer"]["deadline"])
        self.thread = None # that runs it just now
        here = int(self.loop["pulse"]["here"]) if self.loop != 0 else 0
        self.is_below = here == int(parker) and self.loop["called"] != 0

    @property
    def number(self):
        task = self.parker["task"]
        return int(task["id"]) if task != 0 else 0

    @property
    def name(self):
        task = self.parker["task"]
        if task == 0:
            return "(not begun)"
        name, worker = task_name(task), self.parker["name"].string()
        return f"{worker} ({name})" if worker and task["pooled"] else name

    @property
    def loop_name(self):
        return self.loop["name"].string()

    @property
    def is_between_tasks(self):
        return self.parker["task"] != 0 and self.number == 0

    @property
    def state(self):
        if self.thread:
            return "runs"
        return "waits" if int(self.parker["word"]) == PARKED else "ready"

    def waits_for(self):
        """In words: the call, and the object of it."""
        with unwound(self):
            call, wait = wait_of_frames()
        words = [describe(call, wait)] if call else []
        if self.fd >= 0:
            words.append(f"descriptor {self.fd}")
        return ", ".join(words)


def describe(call, wait):
    if wait is None or wait["object"] == 0:
        return call
    thing = wait["thing"].string() + " " if wait["thing"] != 0 else ""
    inner = wait["what"].string()
    within = "" if call.rstrip("_") == inner else f" in {inner}"
    return f"{call}({thing}{hex(int(wait['object']))}{within})"


def is_library(frame):
    """Of the files beside loop.c, or in the folders beside its own."""
    loop = pathlib.PurePath(gdb.lookup_global_symbol("wf_loop_start_task").symtab.fullname())
    symtab = frame.find_sal().symtab
    return symtab is None or loop.parent.parent in pathlib.PurePath(symtab.fullname()).parents


def wait_in(frame):
    """The struct wf_wait that the frame's function has made, or None."""
    with contextlib.suppress(gdb.error, RuntimeError, ValueError): # none, or optimized out
        wait = frame.read_var("wait")
        wait = wait.dereference() if wait.type.code == gdb.TYPE_CODE_PTR else wait
        if str(wait.type.unqualified()) == "struct wf_wait" and wait["what"] != 0:
            return wait
    return None


def wait_of_frames():
    """The outermost call of weft's that the selected stack is in, and its struct wf_wait.

    A call that ended in another's has a frame only where the caller's code tells gdb of it, which
    takes an optimizing compiler; then the wait knows its name."""
    call, wait = "", None
    frame = gdb.newest_frame().older()
    while frame is not None and (is_library(frame) or frame.name() is None):
        if (frame.name() or "").startswith("weft_"):
            call = frame.name()
        wait = wait_in(frame) if wait is None else wait
        frame = frame.older()
    if not call and wait is not None:
        call = wait["what"].string()
    return call, wait


def on_stack_of(thread, fibers):
    """The fiber that runs on this thread, or None."""
    thread.switch()
    sp = int(gdb.newest_frame().read_register("sp"))
    return next((fiber for fiber in fibers if fiber.bottom <= sp < fiber.top), None)


def above_its_loop(fiber, threads):
    """The thread that a fiber in weft_on_thread_stack is on: the nearest to where its loop, whose
    stack that is, had come when it switched to the fiber."""
    loop_sp = int(fiber.loop["sp"])
    deep = {}
    for thread in threads:
        thread.switch()
        deep[loop_sp - int(gdb.newest_frame().read_register("sp"))] = thread
    return deep[min((depth for depth in deep if depth >= 0), default=max(deep))]


@contextlib.contextmanager
def as_it_was():
    """Put the selected thread and frame back."""
    thread, frame = gdb.selected_thread(), gdb.selected_frame()
    try:
        yield
    finally:
        thread.switch()
        with contextlib.suppress(gdb.error, RuntimeError):
            frame.select()


def fibers_now():
    """All of them by number, which is the order of their start."""
    if gdb.selected_thread() is None:
        raise Wrong("nothing runs, and there is no core")
    kind = fiber_type().pointer()
    fibers = [
        Fiber(parker, parker["seat"].cast(kind).dereference())
        for parker in through(static_value("wf_parker_begin", "living"), "next")
        if parker["parking"] != 0 and parker["seat"] != 0
    ]
    if any(fiber.loop == 0 for fiber in fibers):
        raise Wrong("the fibers' stacks are not in this core: did gdb write it?")
    with as_it_was():
        threads = gdb.selected_inferior().threads()
        for thread in threads:
            if fiber := on_stack_of(thread, fibers):
                fiber.thread = thread
        for fiber in fibers:
            fiber.is_below = fiber.is_below and not fiber.thread
            if fiber.is_below:
                fiber.thread = above_its_loop(fiber, threads)
    return sorted((f for f in fibers if not f.is_between_tasks), key=lambda f: f.number)


# ---- a stack that no thread is on ---------------------------------------------------------


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class Unwinder(gdb.unwinder.Unwinder):
    """While a fiber is shown, the thread's own frame 0 was called by it."""

    def __init__(self):
        super().__init__("weft")
        self.fiber = None
        self.done = False # the first frame that is asked for is frame 0

    def __call__(self, pending):
        if not self.fiber or self.done:
            return None
        self.done = True
        machine = machine_of(pending.architecture().name())
        pc, sp, size, saved = LAYOUTS[machine]
        word = gdb.lookup_type("unsigned long")
        # Below all of the fiber's frames: gdb stops where a caller lies under what it called.
        made = pending.create_unwind_info(
            FrameId(gdb.Value(self.fiber.sp).cast(word), pending.read_register(pc).cast(word))
        )
        for register, offset in saved.items():
            at = gdb.Value(self.fiber.sp + offset).cast(word.pointer())
            made.add_saved_register(register, at.dereference())
        made.add_saved_register(sp, gdb.Value(self.fiber.sp + size).cast(word))
        return made


def machine_of(architecture):
    machine = {"i386:x86-64": "x86-64"}.get(architecture, architecture)
    if machine not in LAYOUTS:
        raise Wrong(f"weft has no fibers on {architecture}")
    return machine


unwinder = Unwinder()


@contextlib.contextmanager
def unwound(fiber):
    """Let a thread's frames be the fiber's, from frame 1 on."""
    unwinder.fiber, unwinder.done = fiber, False
    gdb.invalidate_cached_frames()
    try:
        yield
    finally:
        unwinder.fiber = None
        gdb.invalidate_cached_frames()


def without_frame_0(text):
    lines = text.splitlines(keepends=True)
    first = next((i for i, line in enumerate(lines) if line.startswith("#1 ")), len(lines))
    return "".join(lines[first:])


def run_in(fiber, command):
    with as_it_was():
        if fiber.thread:
            fiber.thread.switch()
            gdb.execute(command)
        if (fiber.thread and not fiber.is_below) or fiber.is_new:
            return
        with unwound(fiber):
            shown = gdb.execute(command, to_string=True)
        is_backtrace = command.split()[0] in ("bt", "backtrace", "where")
        gdb.write(without_frame_0(shown) if is_backtrace else shown)


# ---- commands -----------------------------------------------------------------------------


def heading(fiber):
    return f"{fiber.number:>6}  {fiber.name:<31}  {fiber.loop_name:<12}  {fiber.state}"


class Weft(gdb.Command):
    """weft fibers, weft fiber NUMBER|all COMMAND: the fibers of libweft and their stacks."""

    def __init__(self):
        super().__init__("weft", gdb.COMMAND_STACK, prefix=True)


class ListFibers(gdb.Command):
    """weft fibers: number, name, loop, state of each fiber, and what it waits for."""

    def __init__(self):
        super().__init__("weft fibers", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        fibers = fibers_now()
        for fiber in fibers:
            with as_it_was():
                waits_for = fiber.waits_for() if fiber.state == "waits" else ""
            gdb.write(f"{heading(fiber)}{' in ' if waits_for else ''}{waits_for}\n")
        gdb.write(f"{len(fibers)} fibers\n")


class ShowFiber(gdb.Command):
    """weft fiber NUMBER|all [COMMAND]: run a command for frames on a fiber's stack; bt without."""

    def __init__(self):
        super().__init__("weft fiber", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        which, _, command = argument.strip().partition(" ")
        if not (which.isdigit() or which == "all"):
            raise Wrong("weft fiber NUMBER|all [COMMAND]")
        chosen = [f for f in fibers_now() if which == "all" or f.number == int(which)]
        if not chosen and which != "all":
            raise Wrong(f"there is no fiber {which}")
        for fiber in chosen:
            gdb.write(heading(fiber) + "\n")
            run_in(fiber, command.strip() or "bt")


gdb.unwinder.register_unwinder(None, unwinder, replace=True)
Weft()
ListFibers()
ShowFiber()
