# SPDX-License-Identifier: MIT
"""program_helpers.py - what the tests of the weft command share: TAP, servers, clients, patience.

No test is decided by time. Whatever should happen is waited for, up to PATIENCE seconds, which only
a program that hangs uses up.
"""

import argparse
import collections
import contextlib
import ctypes
import fcntl
import functools
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

PATIENCE = 60

# Who runs the tests by nohup or in the background ignores some signals; the programs would too.
for ignored in signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT:
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, signal.SIG_DFL)


def arguments():
    """BUILD/weft, and what else the build hands to every such test."""
    parser = argparse.ArgumentParser()
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("rest", nargs="*")
    return parser.parse_args()


WEFT = str(arguments().weft.resolve())
LECTURE = os.environ.get("WEFT_LECTURE")

# Where a server keeps its history that is not told where: nothing of who runs the tests.
STATE = tempfile.TemporaryDirectory()
os.environ["XDG_STATE_HOME"] = STATE.name


class Skip(Exception):
    """Raised by a test that cannot be done here."""


Tests = []


def test(function):
    """Register a test; its name is the sentence that it proves."""
    Tests.append(function)
    return function


def equal(got, expected, what="got"):
    assert got == expected, f"{what}\n     got: {short(got)}\nexpected: {short(expected)}"


def short(value):
    text = repr(value)
    return text if len(text) < 600 else f"{text[:300]} ... {text[-300:]} ({len(text)} characters)"


def run_tests():
    """Run them all, in order, as TAP, which tells what was skipped. The status to end with."""
    print(f"1..{len(Tests)}", flush=True)
    failed = 0
    for number, function in enumerate(Tests, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception:  # a failed test must not keep the next from running
            failed += 1
            print(f"not ok {number} - {name}")
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            sys.stdout.flush()
    return 1 if failed else 0


def until(condition, what):
    """Wait until condition() is true, and return what it was."""
    end = time.monotonic() + PATIENCE
    while not (result := condition()):
        assert time.monotonic() < end, f"waited {PATIENCE} s in vain for {what}"
        time.sleep(0.005)
    return result


# ---- programs --------------------------------------------------------------------

Result = collections.namedtuple("Result", "status out err")


def weft(*args, given="", **more):
    """Run the command to its end. `given` is its input; bytes go in and come out as they are."""
    text = given if isinstance(given, bytes) else given.encode()
    done = subprocess.run(
        [WEFT, *map(str, args)], input=text, capture_output=True, timeout=PATIENCE, **more
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


# What an event of the server's log begins with.
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")


class Lines:
    """The lines of a pipe, collected by a thread as they come; those of a log without the time."""

    def __init__(self, pipe):
        self.seen = []
        self._pipe = pipe
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self):
        for line in self._pipe:
            self.seen.append(TIME.sub("", line.decode().rstrip("\n")))

    def wait(self, pattern, count=1):
        """The matches of the first `count` lines that the pattern describes; the last of them."""

        def found():
            matches = [m for m in (re.fullmatch(pattern, line) for line in list(self.seen)) if m]
            return matches[:count] if len(matches) >= count else None

        try:
            return until(found, f"{count} x {pattern!r}")[-1]
        except AssertionError as late:
            raise AssertionError(f"{late}; there were only:\n" + "\n".join(self.seen)) from None

    def matching(self, pattern):
        return [line for line in list(self.seen) if re.fullmatch(pattern, line)]

    def close(self):
        self._thread.join(PATIENCE)
        self._pipe.close()


# What a server says of a door that it opens.
LISTENING = {
    "plain": r"listening on \[?([^]]*?)\]?:(\d+)",
    "irc": r"listening on \[?([^]]*?)\]?:(\d+) for IRC",
    "ircs": r"listening on \[?([^]]*?)\]?:(\d+) for IRC with TLS",
    "web": r"open in a browser: https?://\[?([^]/]*?)\]?:(\d+)/",
}


class Server:
    """A running `weft serve`: its plain door on a free port unless told otherwise, and the doors that
    options open. port=None: options say all of it; it is waited for until it is about to serve.
    Without an option that says where, a history is not kept: it would be this user's."""

    def __init__(self, *args, port=0, stdout=subprocess.PIPE, log="out", **more):
        plain = [] if port is None else ["--port", str(port)]
        self.process = subprocess.Popen(
            [WEFT, "serve", *plain, *([] if "--data" in args else ["--no-history"]), *args],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            **more,
        )
        self.pid = self.process.pid
        self.err = Lines(self.process.stderr)
        self.out = Lines(self.process.stdout) if self.process.stdout else None
        self.log = getattr(self, log, None)
        self.host = self.port = None
        if self.log and port is None:
            self.log.wait("descriptors limit=.*")
        elif self.log:
            self.host, self.port = self.address("plain")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for lines in (self.out, self.err):
            if lines:
                lines.close()

    def address(self, door):
        """Host and port of a door that was opened."""
        listening = self.log.wait(LISTENING[door])
        return listening[1], int(listening[2])

    def connect(self):
        """A client that the server has in its list."""
        sock = socket.create_connection((self.host, self.port), timeout=PATIENCE)
        host, port = sock.getsockname()[:2]
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.log.wait(rf"join id=\d+ addr={re.escape(where)} n=\d+")
        return sock

    def connect_unseen(self):
        return socket.create_connection((self.host, self.port), timeout=PATIENCE)

    def end(self, sig=signal.SIGTERM):
        """Ask it to stop; its exit status."""
        self.process.send_signal(sig)
        return self.process.wait(PATIENCE)

    # What the kernel knows of it.
    def descriptors(self):
        """How many, once it has all that it opens for itself: its main thread, which waits for
        signals by a descriptor, may come to that only after the first clients."""
        until(self._waits_for_signals, "its main thread")
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def _waits_for_signals(self):
        opened = []
        for fd in pathlib.Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                opened.append(os.readlink(fd))
        return "anon_inode:[signalfd]" in opened and self.status("State").startswith("S")

    def tasks(self):
        """The names of its threads."""
        names = []
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # ended meanwhile
                names.append((task / "comm").read_text().strip())
        return names

    def clients(self):
        """How many are there, by its log."""
        return len(self.log.matching("join .*")) - len(self.log.matching("(leave|drop) .*"))

    def status(self, field):
        """A line of /proc/PID/status, in its own unit."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return re.search(rf"^{field}:\s*(.*)$", text, re.M)[1]

    def kilobytes(self, field="VmRSS"):
        return int(self.status(field).split()[0])

    def is_sanitized(self):
        """ASan and TSan reserve terabytes of addresses, and keep memory for themselves."""
        return self.kilobytes("VmSize") > 1 << 30

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def assert_idle(self):
        """It uses no processor for a second: one that spins would use all it can get."""
        before = self.cpu_seconds()
        time.sleep(1)
        used = self.cpu_seconds() - before
        assert used < 0.2, f"{used} s of CPU in one idle second"


# ---- sockets -----------------------------------------------------------------------


def receive(sock, size):
    """Exactly so many bytes, or what came before the end."""
    pieces = []
    while size > 0 and (piece := sock.recv(min(size, 1 << 20))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def receive_all(sock):
    return receive(sock, 1 << 62)


def hears(sock, text):
    """Assert that exactly these bytes come next."""
    expected = text if isinstance(text, bytes) else text.encode()
    equal(receive(sock, len(expected)), expected, "received")


def hears_nothing(sock):
    """Assert that nothing is there. Only useful when something sent later has arrived elsewhere."""
    sock.setblocking(False)
    try:
        got = sock.recv(1000)
        raise AssertionError(f"received {got!r}")
    except BlockingIOError:
        pass
    finally:
        sock.settimeout(PATIENCE)


def reset(sock):
    """Close with a reset instead of a goodbye."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()


def in_own_network(function):
    """Run a test in a network of its own, where every port is free. It is skipped where the system
    does not allow that. Done in a child, because a process cannot come back from there."""

    @functools.wraps(function)
    def inside():
        answer, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(answer)
            os._exit(_child_of_own_network(function, tell))
        os.close(tell)
        with open(answer, encoding="utf-8") as pipe:
            told = pipe.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 77:
            raise Skip(told)
        assert status == 0, told or f"the child ended with {status}"

    return inside


def _child_of_own_network(function, tell):
    def end(status, text):
        os.write(tell, text.encode())
        return status

    try:
        _enter_own_network()
    except OSError as error:
        return end(77, f"no network namespace can be made here: {error}")
    try:
        function()
        return end(0, "")
    except Skip as reason:
        return end(77, str(reason))
    except BaseException:  # the child must not run on into the parent's code
        return end(1, traceback.format_exc())


def _enter_own_network():
    new_user, new_net, set_flags, up = 0x10000000, 0x40000000, 0x8914, 1
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(new_net | (0 if os.geteuid() == 0 else new_user)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, set_flags, struct.pack("16sH14x", b"lo", up))
