# SPDX-License-Identifier: MIT
"""A web server that does what a test says, also what no server should do.

    with Server() as server:
        server.page("/good", answer(b"12345"))
        server.page("/cut", answer(b"123", length=100))
        ... fetch server.url("/good") ...

Each page is a behaviour: a function that gets the connection and the target, and writes what it
likes. A browser that takes this server for its proxy asks for "http://host/path": then that is the
page's name. The server is on 127.0.0.1, on a free port, with a thread a connection; all of them
have ended when the block ends.
"""

import pathlib
import socket
import ssl
import struct
import subprocess
import threading

from program_helpers import PATIENCE, Skip

SECONDS = 60  # until a connection that hangs is given up


def certificate(folder, name):
    """A self-signed one for "DNS:localhost", say: its file, and the server's context."""
    key, cert = pathlib.Path(folder, "key"), pathlib.Path(folder, "cert")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
               "-addext", f"subjectAltName={name}", "-keyout", key, "-out", cert]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    except FileNotFoundError:
        raise Skip("there is no openssl command") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


class Server:
    def __init__(self, context=None):
        self.context = context  # for TLS
        self.pages = {}
        self.asked = []  # targets, in the order of their coming
        self.connections = 0
        self.now = self.most = 0  # requests being answered; the most so far
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.sockets = set()
        self.threads = []

    def page(self, target, behaviour):
        self.pages[target] = behaviour
        return self.url(target)

    def url(self, target=""):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}{target}"

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_):
        self.ended.set()
        close(self.listener)
        with self.lock:
            sockets = list(self.sockets)
        for connection in sockets:
            close(connection)
        for thread in self.threads:
            thread.join()

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments)
        self.threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(SECONDS)
            with self.lock:
                self.connections += 1
                self.sockets.add(connection)
            if self.ended.is_set():  # it came while __exit__ closed the others
                close(connection)
            self._start(self._serve, connection)

    def _serve(self, plain):
        connection = plain
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
                with self.lock:
                    self.sockets.add(connection)
            while self._answer(connection):
                pass
        except OSError:  # the client went away, or the test ended; TLS errors too
            pass
        with self.lock:
            self.sockets -= {plain, connection}
        close(connection)

    def _answer(self, connection):
        """Answer one request. True: another may follow."""
        target = read_target(connection)
        if target is None:
            return False
        with self.lock:
            self.asked.append(target)
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            behaviour = self.pages.get(target, status("404 Not Found"))
            return behaviour(connection, target) == KEEP
        finally:
            with self.lock:
                self.now -= 1


def close(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it
    except OSError:
        pass
    connection.close()


def read_target(connection):
    """What the next request is for; None at the end. A TLS greeting is not HTTP: "?"."""
    request = b""
    while b"\r\n\r\n" not in request:
        more = connection.recv(65536)
        if not more:
            return None
        request += more
        if request[0] == 0x16:
            return "?"
    return request.split(b" ")[1].decode("latin-1")


# ---- behaviours -----------------------------------------------------------------

KEEP = "keep the connection"


def raw(data):
    """Exactly these bytes; then close."""

    def behave(connection, _):
        connection.sendall(data)

    return behave


def head(first, *headers):
    return "\r\n".join([f"HTTP/1.1 {first}", *headers, "", ""]).encode("latin-1")


def answer(body, *headers, length=None, first="200 OK"):
    """A page with a Content-Length; one that lies, if length is given."""
    announced = len(body) if length is None else length

    def behave(connection, _):
        connection.sendall(head(first, f"Content-Length: {announced}", *headers) + body)
        return KEEP if announced == len(body) else None

    return behave


def status(first, body=b"no page", *headers):
    return answer(body, *headers, first=first)


def redirect(target, first="302 Found"):
    return answer(b"elsewhere", f"Location: {target}", first=first)


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunked(*parts, end=b"0\r\n\r\n"):
    return raw(head("200 OK", "Transfer-Encoding: chunked") + b"".join(map(chunk, parts)) + end)


def to_the_end(body):
    """A page without a length: it ends with the connection."""
    return raw(head("200 OK") + body)


def reset_after(data):
    """These bytes, which may still be lost, then a reset (RST) instead of an orderly end."""

    def behave(connection, _):
        connection.sendall(data)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return behave


def silence_after(data, server):
    """These bytes, and then nothing more until the test ends."""

    def behave(connection, _):
        connection.sendall(data)
        server.ended.wait(SECONDS)

    return behave


def drip(data, server, every=0.05):
    """These bytes, and then one more each so many seconds, for ever."""

    def behave(connection, _):
        connection.sendall(data)
        while not server.ended.wait(every):
            connection.sendall(b"x")

    return behave


def endless(data, piece=b"x" * 65536):
    """These bytes, and then more as fast as they are taken."""

    def behave(connection, _):
        connection.sendall(data)
        while True:
            connection.sendall(piece)

    return behave


def after(event, behaviour):
    """The same, once the event is set."""

    def behave(connection, target):
        event.wait(SECONDS)
        return behaviour(connection, target)

    return behave
