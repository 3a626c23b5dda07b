#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""serve_test.py BUILD/weft [EXAMPLES] - the chat server, from outside.

Most tests are named after a defect of the lecture's server (docs/lecture.md, rows 1 to 11) and fail
on it. Those that run the lecture's own programs need its folder in WEFT_LECTURE and port 12345, for
which they make a network of their own; beside each stands one that needs neither.
"""

import contextlib
import hashlib
import os
import pathlib
import random
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from program_helpers import (
    LECTURE,
    PATIENCE,
    WEFT,
    Lines,
    Server,
    Skip,
    equal,
    hears,
    hears_nothing,
    in_own_network,
    receive,
    receive_all,
    reset,
    run_tests,
    test,
    until,
    weft,
)

MEGABYTE = 1 << 20


# ---- starting ----------------------------------------------------------------------


@test
def it_says_where_it_listens_and_how_to_connect():
    with Server() as server:
        port = server.port
        server.out.wait(f"connect with: weft join 127.0.0.1:{port}, or: nc 127.0.0.1 {port}")


@test
def port_0_is_any_free_one():
    with Server() as one, Server() as other:
        assert one.port > 0 and other.port > 0 and one.port != other.port


@test
@in_own_network
def the_default_is_the_port_of_the_lecture():
    with Server(port=12345) as server:
        server.out.wait("connect with: weft join, or: nc 127.0.0.1 12345")
        server.end()  # one that is killed frees its port only when the kernel is done with its ring
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen([WEFT, "serve"], stdout=subprocess.PIPE,
                                   env={**os.environ, "XDG_STATE_HOME": home})
        try:
            equal(process.stdout.readline().decode(), f"history in {home}/weft\n")
            equal(process.stdout.readline(), b"listening on 127.0.0.1:12345\n")
        finally:
            process.kill()
            process.communicate()


@test
def a_port_that_is_taken_is_one_clear_line():
    with Server() as server:
        got = weft("serve", "--port", server.port)
        reason = "Address already in use (another server? try --port 0)"
        equal(got, (1, "", f"weft serve: listen 127.0.0.1:{server.port}: {reason}\n"))


@test
def an_address_that_is_not_ours_is_one_clear_line():
    got = weft("serve", "--host", "192.0.2.1", "--port", 0)
    equal(got, (1, "", "weft serve: listen 192.0.2.1:0: Cannot assign requested address\n"))


@test
def every_address_is_reached_over_loopback():
    with Server("--host", "0.0.0.0") as server:
        server.out.wait(rf"connect with: weft join 127.0.0.1:{server.port}, or: nc 127.0.0.1 \d+")
        server.host = "127.0.0.1"
        server.connect().close()


@test
def ipv6_works_too():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        raise Skip(f"no IPv6 here: {error}") from None
    for host in "::1", "[::1]":
        with Server("--host", host) as server, server.connect() as a, server.connect() as b:
            a.sendall(b"six\n")
            hears(b, "six\n")


@test
def a_server_can_be_started_again_at_once():
    """Row 1: a connection in TIME_WAIT holds the port of the lecture's server for a minute."""
    with Server() as first:
        client = first.connect()
        equal(first.end(), 0)
        client.close()
    with Server(port=first.port) as second, second.connect() as a, second.connect() as b:
        a.sendall(b"again")
        hears(b, "again")


@test
def more_connections_wait_in_the_queue_than_one():
    """Row 1: listen(1). A stopped server accepts none; all of them are served later."""
    with Server() as server, contextlib.ExitStack() as stack:
        os.kill(server.pid, signal.SIGSTOP)
        crowd = [stack.enter_context(server.connect_unseen()) for _ in range(50)]
        os.kill(server.pid, signal.SIGCONT)
        server.out.wait(r"join .* n=50")
        crowd[0].sendall(b"hello")
        for client in crowd[1:]:
            hears(client, "hello")


# ---- talking -----------------------------------------------------------------------


@test
def a_client_costs_no_thread():
    """Row 2: each has a handler of its own, a fiber."""
    with Server() as server, contextlib.ExitStack() as stack:
        stack.enter_context(server.connect())
        before = server.tasks()
        for _ in range(20):
            stack.enter_context(server.connect())
        equal(server.tasks(), before, "threads")


@test
def what_one_says_goes_to_all_others_but_not_back():
    """Row 5."""
    with Server() as server, server.connect() as a, server.connect() as b, server.connect() as c:
        a.sendall(b"from a\n")
        hears(b, "from a\n")
        hears(c, "from a\n")
        b.sendall(b"from b\n")
        hears(a, "from b\n")
        hears(c, "from b\n")
        hears_nothing(b)


@test
def a_client_is_in_the_list_before_its_first_byte_is_read():
    """Row 3: whoever has been heard hears what is said next."""
    with Server() as server, server.connect() as old:
        for _ in range(100):
            with server.connect_unseen() as newcomer:
                newcomer.sendall(b"here")
                hears(old, "here")
                old.sendall(b"welcome")
                hears(newcomer, "welcome")


@test
def bytes_arrive_unchanged_and_without_waiting_for_a_newline():
    """Row 4."""
    everything = bytes(range(256)) * 3
    with Server() as server, server.connect() as a, server.connect() as b:
        for piece in b"hello", b"\n", b"\r\n", "é".encode()[:1], "é".encode()[1:], everything:
            a.sendall(piece)
            hears(b, piece)


def speak(sock, data):
    thread = threading.Thread(target=sock.sendall, args=(data,), daemon=True)
    thread.start()
    return thread


@test
def ten_megabytes_arrive_whole_at_every_client():
    """Row 5: send can be partial."""
    data = random.Random(5).randbytes(10 * MEGABYTE)
    with Server() as server, server.connect() as a, contextlib.ExitStack() as stack:
        others = [stack.enter_context(server.connect()) for _ in range(3)]
        sums = {}

        def listen(number, sock):
            sums[number] = hashlib.sha256(receive(sock, len(data))).digest()

        threads = [threading.Thread(target=listen, args=x, daemon=True) for x in enumerate(others)]
        for thread in threads:
            thread.start()
        for thread in [speak(a, data), *threads]:
            thread.join(PATIENCE)
        equal(sums, dict.fromkeys(range(3), hashlib.sha256(data).digest()))


@test
def each_senders_bytes_keep_their_order():
    with Server() as server, server.connect() as ear, contextlib.ExitStack() as stack:
        senders = [stack.enter_context(server.connect()) for _ in range(4)]
        lines = 500

        def talk(number, sock):
            for i in range(lines):
                sock.sendall(b"%d %03d\n" % (number, i))
                receive(sock, 6 * 3)  # about as much as the others say: none is too slow

        threads = [threading.Thread(target=talk, args=x, daemon=True) for x in enumerate(senders)]
        for thread in threads:
            thread.start()
        heard = receive(ear, 4 * lines * 6).decode().splitlines()
        for number in range(4):
            own = [line for line in heard if line.startswith(f"{number} ")]
            equal(own, [f"{number} {i:03d}" for i in range(lines)])


# ---- going --------------------------------------------------------------------------


def replay_of_row_6(leave):
    with Server() as server, server.connect() as a, server.connect() as c:
        b = server.connect()
        a.sendall(b"m0")
        hears(b, "m0")
        hears(c, "m0")
        leave(b)
        for message in "m1", "m2", "m3":
            a.sendall(message.encode())
            hears(c, message)
        for message in "c0", "c1":
            c.sendall(message.encode())
            hears(a, message)
        server.out.wait(r"(leave|drop) id=3 .* n=2( reason=.*)?")
        equal(server.clients(), 2, "clients")


@test
def a_dead_peer_removes_only_itself():
    """Row 6: the lecture's server is mute from m1 on."""
    replay_of_row_6(lambda sock: sock.close())


@test
def a_peer_that_resets_removes_only_itself():
    replay_of_row_6(reset)


@test
def a_peer_that_is_killed_removes_only_itself():
    with Server() as server, server.connect() as a, server.connect() as c:
        victim = subprocess.Popen(
            [WEFT, "join", f"{server.host}:{server.port}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        a.sendall(b"x")
        hears(c, "x")
        server.out.wait("join id=3 .*")
        victim.kill()
        victim.communicate()
        a.sendall(b"y")
        hears(c, "y")
        server.out.wait("(leave|drop) id=3 .*")


@test
def a_client_that_leaves_is_noticed_though_nobody_speaks():
    """Row 7: its descriptors are closed."""
    with Server() as server:
        server.connect().close()
        server.out.wait(r"leave id=1 addr=\S+ n=0")
        before = server.descriptors(), len(server.tasks())
        for number in range(2, 12):
            server.connect().close()
            server.out.wait(rf"leave id={number} addr=\S+ n=0")
        until(lambda: (server.descriptors(), len(server.tasks())) == before, f"{before} again")


@test
def a_leave_costs_no_processor_time_afterwards():
    """Row 8: no busy loop on a socket at its end, also where one has only half left."""
    with Server() as server, server.connect(), server.connect() as listener:
        server.connect().close()
        server.out.wait(r"leave id=3 .*")
        listener.shutdown(socket.SHUT_WR)
        server.assert_idle()


def thousand_leave_nothing_behind(come_and_go):
    """Row 3: the lecture's list only grows. A first round fills what is kept for reuse, and so may
    others, where more are there at once; but what grows by each is lost."""
    def round_of_thousand(server, n):
        come_and_go(server)
        until(lambda: len(server.log.matching("join .*")) >= 1000 * n and server.clients() == 0,
              f"the end of thousand {n}")
        equal(len(server.out.matching("join .*")), 1000 * n, "joins")
        return server.descriptors(), server.kilobytes()

    with Server() as server:
        descriptors, kilobytes = round_of_thousand(server, 1)
        for n in range(2, 6):
            before = kilobytes
            now, kilobytes = round_of_thousand(server, n)
            equal(now, descriptors, "descriptors")
            if kilobytes - before < 2048 or server.is_sanitized():
                return
        raise AssertionError(f"{kilobytes - before} KB more after the last thousand, too")


@test
def a_thousand_clients_one_after_another_leave_nothing_behind():
    def come_and_go(server):
        for _ in range(1000):
            server.connect_unseen().close()

    thousand_leave_nothing_behind(come_and_go)


@contextlib.contextmanager
def room_for_descriptors(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count:
        raise Skip(f"only {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@test
def a_thousand_clients_at_once_leave_nothing_behind():
    def come_and_go(server):
        full = len(server.out.matching("join .* n=1000")) + 1
        crowd = [server.connect_unseen() for _ in range(1000)]
        server.out.wait("join .* n=1000", full)
        for client in crowd:
            client.close()

    with room_for_descriptors(2600):
        thousand_leave_nothing_behind(come_and_go)


@test
def ten_thousand_that_say_nothing_fit_into_64_megabytes():
    with room_for_descriptors(10100), Server() as server, contextlib.ExitStack() as stack:
        if server.is_sanitized():
            raise Skip("a sanitizer needs more for itself")
        crowd = [stack.enter_context(server.connect_unseen()) for _ in range(10000)]
        server.out.wait("join .* n=10000")
        assert server.kilobytes() < 64 * 1000, f"{server.kilobytes()} KB"
        server.assert_idle()
        crowd[0].sendall(b"anybody?")
        for client in crowd[1:]:
            hears(client, "anybody?")


# ---- listening on ---------------------------------------------------------------------


@test
def a_client_that_ended_its_input_hears_on():
    with Server() as server, server.connect() as a, server.connect() as b:
        a.sendall(b"my last\n")
        a.shutdown(socket.SHUT_WR)
        hears(b, "my last\n")
        for i in range(20):
            b.sendall(b"for the listener %d\n" % i)
            hears(a, f"for the listener {i}\n")
        equal(server.out.matching("(leave|drop) .*"), [])


@test
def a_listener_gets_a_lot_whole():
    data = random.Random(6).randbytes(10 * MEGABYTE)
    with Server() as server, server.connect() as a, server.connect() as b:
        a.shutdown(socket.SHUT_WR)
        thread = speak(b, data)
        hears(a, data)
        thread.join(PATIENCE)
        b.sendall(b"end")
        hears(a, "end")


@test
def a_listener_that_goes_away_is_removed():
    with Server() as server, server.connect() as b:
        with server.connect() as first: # so the loop has opened all that it needs
            first.sendall(b"hello")
            hears(b, "hello")
            baseline = server.descriptors() - 1
        for leave in socket.socket.close, reset:
            a = server.connect()
            a.shutdown(socket.SHUT_WR)
            b.sendall(b"still there?")
            hears(a, "still there?")
            leave(a)
            b.sendall(b"and now?")  # a closed socket answers this with a reset
            until(lambda: server.descriptors() == baseline, "its descriptors")
        server.out.wait("(leave|drop) .*", 3)


@test
def a_listener_is_told_of_the_end():
    with Server() as server, server.connect() as a, server.connect() as b:
        a.shutdown(socket.SHUT_WR)
        b.sendall(b"last words")
        equal(server.end(), 0)
        equal(receive_all(a), b"last words")
        equal(receive_all(b), b"")


# ---- slow ones --------------------------------------------------------------------------


def stalled_client(server):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(PATIENCE)
    sock.connect((server.host, server.port))
    server.out.wait(rf"join id=\d+ addr=127.0.0.1:{sock.getsockname()[1]} .*")
    return sock


@test
def a_stalled_reader_is_dropped_and_the_others_lose_nothing():
    """Row 9: the lecture's sender stops, and with it everybody. Here each message is waited for at
    all the healthy ones before the next is sent, so only the stalled one can be too slow."""
    with Server("--queue", "1") as server, contextlib.ExitStack() as stack:
        a = stack.enter_context(server.connect())
        healthy = [stack.enter_context(server.connect()) for _ in range(5)]
        stalled = stack.enter_context(stalled_client(server))
        piece = random.Random(9).randbytes(65536)
        dropped = r'drop id=7 addr=\S+ n=6 reason="too slow"'
        for _ in range(1000):
            a.sendall(piece)
            for client in healthy:
                hears(client, piece)
            if server.out.matching(dropped):
                break
        server.out.wait(dropped)
        a.sendall(b"done")
        for client in healthy:
            hears(client, "done")
        try:
            while stalled.recv(65536):
                pass
            raise AssertionError("its stream looks as if it had ended well")
        except ConnectionResetError:
            pass


@test
def a_slow_listener_is_dropped_too():
    with Server("--queue", "1") as server, server.connect() as a, stalled_client(server) as slow:
        slow.shutdown(socket.SHUT_WR)
        dropped = r'drop id=2 addr=\S+ n=1 reason="too slow"'
        for _ in range(1000):
            a.sendall(bytes(65536))
            if server.out.matching(dropped):
                break
        server.out.wait(dropped)


@test
def a_client_that_reads_later_gets_all():
    """Slow for a while is not too slow: what waits is within the limit."""
    data = random.Random(10).randbytes(4 * MEGABYTE)
    with Server() as server, server.connect() as a, server.connect() as b:
        thread = speak(a, data)
        thread.join(PATIENCE)
        hears(b, data)


# ---- ending -------------------------------------------------------------------------------


def ends_well(sig, name):
    with Server() as server, server.connect() as a, server.connect() as b:
        equal(server.end(sig), 0, "status")
        equal(receive_all(a), b"")
        equal(receive_all(b), b"")
        server.out.wait(f"stop signal={name}")
        equal(server.err.seen, [])


@test
def sigint_ends_it_with_0():
    """Row 11: KeyboardInterrupt, and death by the signal."""
    ends_well(signal.SIGINT, "SIGINT")


@test
def sigterm_ends_it_with_0():
    ends_well(signal.SIGTERM, "SIGTERM")


@test
def it_ends_without_clients_too():
    with Server() as server:
        equal(server.end(signal.SIGINT), 0)


@test
def no_tail_is_lost_at_the_end():
    """What was said before the signal is heard by all, also by those who speak at that moment."""
    for _ in range(10):
        with Server() as server, server.connect() as a, server.connect() as b:
            said = b"words of a " * 1000
            a.sendall(said)
            b.sendall(b"words of b")
            server.process.send_signal(signal.SIGTERM)
            equal(receive_all(b), said)
            equal(receive_all(a), b"words of b")
            equal(server.process.wait(PATIENCE), 0)


@test
def what_is_queued_is_sent_before_the_end():
    """All of it, or, on a machine so busy that two seconds are too short, the log says so."""
    data = random.Random(11).randbytes(8 * MEGABYTE)
    with Server() as server, server.connect() as a, server.connect() as b:
        speak(a, data).join(PATIENCE)
        hears(b, data[:1])  # the rest waits: in the system, and in the server
        server.process.send_signal(signal.SIGTERM)
        try:
            equal(receive_all(b), data[1:])
        except ConnectionResetError:
            server.out.wait('drop id=2 .* reason="too slow"')
        equal(server.process.wait(PATIENCE), 0)


@test
def a_stalled_client_cannot_hold_up_the_end():
    with Server() as server, server.connect() as a, stalled_client(server):
        speak(a, bytes(12 * MEGABYTE)).join(PATIENCE)
        equal(server.end(), 0)
        server.out.wait(r'drop id=2 addr=\S+ n=\d reason="too slow"')


@test
def a_second_signal_ends_it_at_once():
    """The first end is held up by a log that nobody reads."""
    for sig, status in (signal.SIGINT, 130), (signal.SIGTERM, 143):
        read, write = os.pipe()
        with Server(stdout=write, log="err_none") as server:
            with open(read, "rb", buffering=0) as pipe:
                said = b""
                while b"descriptors limit=" not in said: # the welcome's last line
                    said += pipe.read(4096)
                fill(write)
                server.process.send_signal(sig)
                bit = 1 << (sig - 1)
                until(lambda: not int(server.status("SigBlk"), 16) & bit, "the first to be taken")

                def is_over(sig=sig):
                    server.process.send_signal(sig)
                    return server.process.poll() is not None

                until(is_over, "the end")
                equal(server.process.wait(PATIENCE), status)
        os.close(write)


def fill(pipe):
    os.set_blocking(pipe, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(pipe, bytes(4096)):
            pass
    os.set_blocking(pipe, True)


@test
def a_log_that_nobody_reads_holds_up_the_end_for_a_moment_only():
    """Both ends of the pipe stay open. The client hears that it is the end, and how it went is told
    on the standard error; but there may be the same pipe, and then nowhere."""
    for sig in signal.SIGTERM, signal.SIGINT:
        read, write = os.pipe()
        with Server(stdout=write, log="err_none") as server, open(read, "rb", buffering=0) as pipe:
            said = b""
            while b"descriptors limit=" not in said:
                said += pipe.read(4096)
            fill(write)
            port = int(re.search(rb"listening on \S+:(\d+)", said)[1])
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
                equal(server.end(sig), 1)
                equal(receive_all(client), b"")
            equal(server.err.wait(".*nobody.*")[0],
                  "weft serve: nobody reads the log: ending without it")
        os.close(write)


@test
def it_can_be_ended_while_it_starts_on_a_log_that_nobody_reads():
    for same in False, True:
        read, write = os.pipe()
        fill(write)
        process = subprocess.Popen([WEFT, "serve", "--port", "0", "--no-history"], stdout=write,
                                   stderr=write if same else subprocess.DEVNULL)
        status = pathlib.Path(f"/proc/{process.pid}/status")

        def is_held(status=status):
            blocked = int(re.search(r"SigBlk:\s*(\w+)", status.read_text())[1], 16)
            return blocked & 1 << (signal.SIGTERM - 1)

        try:
            until(is_held, "the order to be held back")
            process.send_signal(signal.SIGTERM)
            equal(process.wait(PATIENCE), 1)
        finally:
            process.kill()
            process.wait()
            os.close(read)
            os.close(write)


@test
def two_signals_at_once_are_one():
    """As timeout(1) sends them, and what hands on Ctrl+C to those whom it has reached already."""
    with Server() as server, server.connect() as client:
        server.process.send_signal(signal.SIGSTOP)
        server.process.send_signal(signal.SIGINT)
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGCONT)
        equal(server.process.wait(PATIENCE), 0)
        equal(receive_all(client), b"")


@test
def sighup_does_not_cut_the_end_short():
    """A reload that comes late; and who closes a window may send it twice, as the kernel and as bash."""
    with Server() as server, server.connect() as a, stalled_client(server):
        speak(a, bytes(12 * MEGABYTE)).join(PATIENCE)
        server.process.send_signal(signal.SIGTERM)
        server.out.wait("stop signal=SIGTERM")
        server.process.send_signal(signal.SIGHUP)
        equal(server.process.wait(PATIENCE), 0)
        server.out.wait(r'drop id=2 addr=\S+ n=\d reason="too slow"')


# ---- running out ------------------------------------------------------------------------------


@test
def the_soft_limit_of_descriptors_is_raised():
    def few():
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, hard))

    with Server(preexec_fn=few) as server, contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(server.connect()) for _ in range(50)]
        crowd[0].sendall(b"hello")
        hears(crowd[-1], "hello")


@test
def without_descriptors_it_waits_and_does_not_spin():
    """A plain accept loop fails 200,000 times a second."""
    with Server() as server, contextlib.ExitStack() as stack:
        guests = [stack.enter_context(server.connect()) for _ in range(3)]
        limit = server.descriptors() + 5
        hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, hard))
        queue = [stack.enter_context(server.connect_unseen()) for _ in range(10)]
        server.out.wait('wait reason="Too many open files"')
        server.assert_idle()
        equal(len(server.out.matching("wait .*")), 1, "complaints")
        guests[0].sendall(b"life goes on")
        for guest in guests[1:]:
            hears(guest, "life goes on")
        equal(server.out.matching("(drop|refuse) .*"), [])

        for guest in guests:  # room for others: those in the queue come in
            guest.close()
        server.out.wait("leave .*", 3)
        server.out.wait("join .*", 11)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (hard, hard))
        server.out.wait("join .*", 13)
        server.out.wait("resume")
        queue[0].sendall(b"at last")
        for client in queue[1:]:
            # who came in last without descriptors was in the room, though not yet read from
            if receive(client, 1) == b"l":
                hears(client, "ife goes on")
                equal(receive(client, 1), b"a")
            hears(client, "t last")


@test
def a_log_that_cannot_be_written_does_not_end_it():
    port = free_port()
    with open("/dev/full", "wb") as full:
        with Server(stdout=full, port=port, log="err_none") as server:
            reason = "No space left on device"
            server.err.wait(f"weft serve: the log cannot be written: {reason}; going on without it")
            server.host, server.port = "127.0.0.1", port
            with server.connect_unseen() as a, server.connect_unseen() as b:

                def heard(): # the log does not say when both are there
                    a.sendall(b"unlogged")
                    return select.select([b], [], [], 0.05)[0]

                until(heard, "what the other said")
                hears(b, "unlogged")
            equal(server.end(), 1, "status")
            equal(len(server.err.seen), 1, "complaints")


@test
def a_log_whose_reader_is_gone_does_not_end_it():
    read, write = os.pipe()
    port = free_port()
    os.close(read)
    with Server(stdout=write, port=port, log="err_none") as server:
        os.close(write)
        server.err.wait("weft serve: the log cannot be written: Broken pipe; going on without it")
        equal(server.end(), 1, "status")


def free_port():
    """Free a moment ago, and nobody else's soon: the system hands them out in turn."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


# ---- as the lecture ------------------------------------------------------------------------------


def masked(text):
    """Without the ports: the two numbers that differ from run to run."""
    return re.sub(r"('[\d.:]+'), \d+", r"\1, PORT", text)


ENTRY = (
    "<socket.socket fd={}, family=2, type=1, proto=0, "
    "laddr=('127.0.0.1', PORT), raddr=('127.0.0.1', PORT)>"
)


@test
def the_lectures_list_is_printed_after_each_accept():
    """Row 10."""
    with Server("--lecture", log="err") as server, contextlib.ExitStack() as stack:
        for n in range(1, 4):
            stack.enter_context(server.connect())
            server.out.wait(r"\[.*\]", n)
        expected = ["[" + ", ".join(ENTRY.format(4 + i) for i in range(n)) + "]" for n in (1, 2, 3)]
        equal([masked(line) for line in server.out.seen], expected)
        text = server.out.seen[0]
        assert f"laddr=('127.0.0.1', {server.port}), raddr=('127.0.0.1', " in text, text
        server.err.wait(r"join id=3 .*")


@test
def a_free_number_is_given_out_again():
    with Server("--lecture", log="err") as server, contextlib.ExitStack() as stack:
        crowd = [server.connect() for _ in range(3)]
        crowd[1].close()
        server.err.wait("leave id=2 .*")
        crowd.append(server.connect())
        server.out.wait(r"\[.*\]", 4)
        numbers = re.findall(r"fd=(\d+)", server.out.seen[3])
        equal(numbers, ["4", "6", "5"])
        for client in crowd:
            client.close()


def lecture_program(name):
    if not LECTURE:
        raise Skip("WEFT_LECTURE is not set")
    return [sys.executable, "-u", str(pathlib.Path(LECTURE, "python", name))]


@test
@in_own_network
def the_list_is_that_of_the_lectures_own_server():
    command = lecture_program("server.py")
    lists = []
    for command in command, [WEFT, "serve", "--lecture"]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        lines = Lines(process.stdout)
        crowd = []
        try:
            for n in range(1, 4):
                crowd.append(until(connect_when_it_listens, "the server"))
                lines.wait(r"\[.*\]", n)
        finally:
            for client in crowd:
                reset(client)  # else the lecture's port would stay taken
            process.kill()
            process.wait()
            lines.close()
        lists.append([masked(line) for line in lines.seen])
    equal(lists[1], lists[0], "list")


def connect_when_it_listens():
    try:
        return socket.create_connection(("127.0.0.1", 12345), timeout=PATIENCE)
    except ConnectionRefusedError:
        return None


class Talker:
    """A program with lines in and out that talks to the server."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.out = Lines(self.process.stdout)

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def end(self):
        self.process.kill()
        self.process.communicate()


def conversation(server, command, newline):
    """Two of them and a plain socket: each hears the other two. newline: they send theirs."""
    end = b"\n" if newline else b""
    one, two = Talker(command), Talker(command)
    try:
        server.log.wait("join .*", 2)
        with server.connect() as socket_client:
            one.say("from one")
            hears(socket_client, b"from one" + end)
            two.say("from two")
            hears(socket_client, b"from two" + end)
            socket_client.sendall(b"from the socket\n")
            for talker in one, two:
                talker.out.wait(".*from the socket")
            one.out.wait("from two.*")
            two.out.wait("from one.*")
    finally:
        one.end()
        two.end()
    server.log.wait("(leave|drop) .*", 3)


@test
@in_own_network
def the_lectures_own_client_talks_through_it():
    command = lecture_program("client.py")
    with Server(port=12345) as server:
        conversation(server, command, newline=False)


@test
def a_client_with_the_lectures_calls_talks_through_it():
    """The same calls as the lecture's client.py makes, on a port of the test's own."""
    program = """
import socket, sys, threading
sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sock.connect(("127.0.0.1", int(sys.argv[1])))
def send():
    while True:
        sock.send(input().encode())
threading.Thread(target=send, daemon=True).start()
while True:
    data = sock.recv(4098).decode()
    if not data:
        break
    print(data)
"""
    with Server() as server:
        command = [sys.executable, "-u", "-c", program, str(server.port)]
        conversation(server, command, newline=False)


@test
def nc_talks_through_it():
    if not shutil.which("nc"):
        raise Skip("there is no nc here")
    with Server() as server:
        conversation(server, ["nc", server.host, str(server.port)], newline=True)


@test
def weft_join_talks_through_it():
    with Server() as server:
        conversation(server, [WEFT, "join", f"{server.host}:{server.port}"], newline=True)


@test
def a_piped_join_says_its_line_and_listens_until_the_server_ends():
    """Row 16."""
    with Server() as server, server.connect() as other, tempfile.TemporaryFile() as out:
        joiner = subprocess.Popen(
            [WEFT, "join", f"{server.host}:{server.port}"], stdin=subprocess.PIPE, stdout=out
        )
        joiner.stdin.write(b"hi\n")
        joiner.stdin.close()
        hears(other, "hi\n")
        other.sendall(b"heard\n")
        until(lambda: os.fstat(out.fileno()).st_size == 6, "the answer")
        equal(server.end(), 0)
        equal(joiner.wait(PATIENCE), 0)
        out.seek(0)
        equal(out.read(), b"heard\n")


if __name__ == "__main__":
    sys.exit(run_tests())
