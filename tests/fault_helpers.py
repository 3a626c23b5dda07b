# SPDX-License-Identifier: MIT
"""fault_helpers.py - the fault server, weft fetch run against it, and what a page should come to.

    with FaultServer(PROGRAM) as server:
        row = fetch_row(server.url("/short"))
        FAULT("cut", "cut off after 3 of 100 bytes", partial=3, claimed=100).compare(row, ...)
"""

import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request

PATIENCE = 60  # seconds until a program that hangs is killed; nothing else is decided by it
WEFT = str(pathlib.Path(sys.argv[1]).resolve()) if len(sys.argv) > 1 else ""
SANITIZED = bool(WEFT) and any(
    mark in pathlib.Path(WEFT).read_bytes() for mark in (b"__asan_init", b"__tsan_init"))

# The proxies and certificates of this machine are none of the tests' business.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.lower().endswith("_proxy") and not name.startswith("SSL_CERT")
}


def equal(got, expected, what):
    assert got == expected, f"{what}\n     got: {got!r}\nexpected: {expected!r}"


def matches(text, pattern, what):
    assert text is not None and re.fullmatch(pattern, text), (
        f"{what}\n     got: {text!r}\nexpected: {pattern}")


# ---- the server -------------------------------------------------------------------

Asked = collections.namedtuple("Asked", "ms now earlier target")


class FaultServer:
    """The program of the folder fault_server, and the ports of its doors."""

    def __init__(self, program, **certificates):
        self.command = [program, *(f"{name}={path}" for name, path in certificates.items())]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.doors = {}
        for line in self.process.stdout:
            door, *address = line.decode().split()
            if door == "ready":
                return self
            self.doors[door] = address[0]
        raise AssertionError(f"the fault server ended with {self.process.wait(PATIENCE)}")

    def __exit__(self, *_):
        self.process.stdin.close()
        self.status = self.process.wait(PATIENCE)
        self.process.stdout.close()

    def url(self, path="/", door="plain", scheme=None, host=None):
        """The address of a page; of a door with a certificate, for the name in it."""
        address = self.doors[door]
        tls = door not in ("plain", "other", "mute", "rude", "refused")
        if host or tls:
            address = f"{host or 'localhost'}:{address.split(':')[1]}"
        return f"{scheme or ('https' if tls else 'http')}://{address}{path}"

    def get(self, path):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url(path), timeout=PATIENCE) as page:
            return page.read().decode()

    def count(self, key):
        return int(self.get(f"/count?{key}"))

    def log(self, key):
        """Each request for this target or of this group, in order."""
        lines = [line.split(" ", 3) for line in self.get(f"/log?{key}").splitlines()]
        return [Asked(int(ms), int(now), int(earlier), target)
                for ms, now, earlier, target in lines]

    def pages(self):
        return {line.split()[0] for line in self.get("/").splitlines()}


# ---- weft fetch -------------------------------------------------------------------

Result = collections.namedtuple("Result", "out err status kilobytes")


def run(command):
    """Run it to its end; its peak of memory too, which only wait4 tells of one child."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                   env=ENVIRONMENT)
        killer = threading.Timer(PATIENCE, process.kill)
        killer.start()
        _, wait_status, usage = os.wait4(process.pid, 0)
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(wait_status)
        out.seek(0)
        err.seek(0)
        result = Result(out.read().decode(), err.read().decode(), process.returncode,
                        usage.ru_maxrss)
    assert "Sanitizer" not in result.err, result.err
    assert result.status >= 0, f"ended by signal {-result.status}: {result.err}"
    return result


def fetch(*arguments):
    return run([WEFT, "fetch", *map(str, arguments)])


def rows_of(result):
    """{URL: row} of what --jsonl printed, and the status against the rows."""
    lines = [json.loads(line) for line in result.out.splitlines()]
    rows = {line["url"]: line for line in lines if line["type"] == "page"}
    equal(result.status, 0 if all(row["ok"] for row in rows.values()) else 1, "status")
    return rows


def fetch_rows(*arguments):
    result = fetch("--jsonl", *arguments)
    rows = rows_of(result)
    assert rows, f"no rows: {result}"
    return rows


# ---- what a page should come to -----------------------------------------------------


class Ok:
    """A page that is whole: its sizes, and any other field of its row."""

    status = 0

    def __init__(self, encoded, decoded=None, claimed=None, **more):
        self.fields = {
            "ok": True, "error": None, "status": 200, "encoded": encoded,
            "decoded": encoded if decoded is None else decoded, "claimed": claimed,
            "partial_encoded": None, "partial_decoded": None, "excess": False,
            "unverified": False, "attempts": 1, "redirects": 0, **more,
        }

    def compare(self, row):
        equal({name: row[name] for name in self.fields}, self.fields, "row")

    def compare_text(self, url, result):
        line = re.fullmatch(r" *(\d+) +(\d+) +(\d+) +(\d+|-) +\d+\.\d{3}s  (.*)\n", result.out)
        assert line, f"no line of a page: {result}"
        sizes = [self.fields[name] for name in ("status", "encoded", "decoded", "claimed")]
        equal(list(line.groups()[:4]), ["-" if n is None else str(n) for n in sizes], "line")
        assert line[5].startswith(url), line[5]
        for field, note in (("excess", "more than claimed"), ("unverified", "end not verified")):
            equal(note in line[5].partition(" (")[2], self.fields[field], f"{field}: {line[5]}")
        for field in ("attempts", "redirects"):
            n = self.fields[field]
            equal(re.findall(rf"[(, ](\d+) {field}\b", line[5]), [str(n)] if n > 1 else [], field)


class Fault:
    """A page that failed: its kind, its words, and any other field of its row. What came of its
    body is `partial`: a number, or None where it must not be told as a size of anything."""

    status = 1

    def __init__(self, kind, words, partial=None, **more):
        self.words = words
        self.fields = {"ok": False, "error": kind, "encoded": None, "decoded": None,
                       "attempts": 1, "redirects": 0, **more}
        self.partial = partial

    def compare(self, row):
        equal({name: row[name] for name in self.fields}, self.fields, "row")
        matches(row["message"], self.words, "message")
        if self.partial is not None:
            equal(row["partial_encoded"], self.partial, "partial")

    def compare_text(self, url, result):
        equal(result.out, "", "stdout of a failed page")
        again = rf" \({self.fields['attempts']} attempts\)" if self.fields["attempts"] > 1 else ""
        line = result.err.splitlines()[0]
        matches(line, rf"weft fetch: {re.escape(url)}( -> \S+)?: {self.words}{again}", "stderr")


# ---- certificates -----------------------------------------------------------------


def make_certificates(folder):
    """{name: PEM with certificate and key} of servers, and the file of who signed them.

    right is for localhost, other for another name, expired ended yesterday; nobody signed self.
    """

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True,
                       capture_output=True, timeout=PATIENCE)

    def request(name, host):
        openssl(*NEW_KEY, "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr")

    def sign(name, days):
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-set_serial", sum(map(ord, name)), "-copy_extensions", "copy", "-days", days,
                "-out", f"{name}.crt")

    folder = pathlib.Path(folder)
    openssl(*NEW_KEY, "-x509", "-days", 2, "-subj", "/CN=weft test", "-keyout", "ca.key",
            "-out", "ca.pem")
    for name, host, days in (("right", "localhost", 2), ("other", "other.test", 2),
                             ("expired", "localhost", -1)):
        request(name, host)
        sign(name, days)
    openssl(*NEW_KEY, "-x509", "-days", 2, "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", "-keyout", "self.key", "-out", "self.crt")
    servers = {}
    for name in ("right", "other", "expired", "self"):
        servers[f"tls-{name}"] = folder / f"{name}.pem"
        both = (folder / f"{name}.crt").read_text() + (folder / f"{name}.key").read_text()
        servers[f"tls-{name}"].write_text(both)
    return servers, folder / "ca.pem"


NEW_KEY = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


# ---- TAP --------------------------------------------------------------------------


def outcome(number, name, function):
    """A TAP line; why not, behind it."""
    line, why = f"ok {number} - {name}", ""
    try:
        function()
    except Exception as wrong:  # a check may fail in any way: the others go on
        line, why = f"not {line}", f"{type(wrong).__name__}: {wrong}"
    return "\n".join([line, *("# " + part for part in why.splitlines())])
