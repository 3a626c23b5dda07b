#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fetch_peer - ask one fetcher one thing, with servers of the run's own.

    fetch_peer.py ROW PEER

Prints what the client took, itself: pages a second, seconds, CPU seconds a thousand pages, MiB. It
counts only if each page was told once, with its size. All of it is on loopback and in a temporary
folder, which is gone at the end. Who is not here, or is not asked this, ends it with status 77.
"""
import collections
import contextlib
import csv
import ctypes
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

NOT_HERE, PATIENCE = 77, 120
HERE = pathlib.Path(__file__).resolve().parent
SBIN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
SYSTEM_CAS = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
OTHER_CAS = ("SSL_CERT_DIR", "CURL_CA_BUNDLE", "SSL_CERT_FILE") # of who runs this
SMALL, LARGE, LATE_MS, HOSTS = 1024, 2000000, 100, 1000

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
worker_rlimit_nofile {files};
events {{ worker_connections 8192; multi_accept on; }}
http {{
    access_log off;
    default_type text/html;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    sendfile on;
    open_file_cache max=10;
    open_file_cache_valid 1h;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {tls}
    server {{
        {listen}
        root {folder};
        location /small {{ return 200 "{small}"; }}
    }}
}}
"""
TLS = "ssl_certificate {0}/chain.pem; ssl_certificate_key {0}/key.pem; ssl_protocols TLSv1.3;"


class NotHere(Exception):
    """The peer, or what it needs."""


def program(name):
    found = shutil.which(name, path=SBIN)
    if not found:
        raise NotHere(name)
    return found


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


# ---- the servers -------------------------------------------------------------------------------

def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL) # PR_SET_PDEATHSIG


@contextlib.contextmanager
def running(command, **how):
    with subprocess.Popen(command, preexec_fn=die_with_parent, **how) as child:
        try:
            yield child
        finally:
            child.kill()


def wait_for(child, port):
    for _ in range(1000):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        if child.poll() is not None:
            break
        time.sleep(0.01)
    sys.exit("nginx does not listen")


def addresses():
    return {f"h{i:04d}.bench.test": f"127.1.{i // 250}.{i % 250 + 1}" for i in range(HOSTS)}


@contextlib.contextmanager
def nginx(folder, listen, tls=""):
    """At a free port; each of `listen` is an address, and words."""
    port = free_port()
    lines = [f"listen {line.replace(' ', f':{port} ', 1)} backlog=4096;" for line in listen]
    text = NGINX.format(folder=folder, tls=tls, listen="\n".join(lines), small="x" * SMALL,
                        files=os.sysconf("SC_OPEN_MAX"))
    config = written(folder / "nginx.conf", text)
    command = [program("nginx"), "-p", folder, "-e", folder / "error.log", "-c", config]
    with running(command, stderr=subprocess.DEVNULL) as child:
        wait_for(child, port)
        yield port


def make_certificates(folder):
    """One for all names, of an authority that stands last among those of the system."""
    make = [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    of_names = ["-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-addext",
                "subjectAltName=DNS:*.bench.test,IP:127.0.0.1"]
    for name, words in (("ca", []), ("chain", of_names)):
        key = folder / ("key.pem" if words else "ca.key")
        subprocess.run([*make, "-subj", f"/CN=bench {name}", *words, "-keyout", key,
                        "-out", folder / f"{name}.pem"], check=True, capture_output=True)
    system = SYSTEM_CAS.read_text(encoding="utf-8") if SYSTEM_CAS.exists() else ""
    written(folder / "trusted.pem", system + (folder / "ca.pem").read_text())


@contextlib.contextmanager
def plain(folder):
    with nginx(folder, ["127.0.0.1 "]) as port:
        yield lambda i: f"http://127.0.0.1:{port}/small?{i:06d}"


@contextlib.contextmanager
def files(folder):
    with open(folder / "large", "wb") as large:
        large.truncate(LARGE)
    with nginx(folder, ["127.0.0.1 "]) as port:
        yield lambda i: f"http://127.0.0.1:{port}/large?{i:06d}"


@contextlib.contextmanager
def http2(folder):
    make_certificates(folder)
    with nginx(folder, ["127.0.0.1 ssl http2"], TLS.format(folder)) as port:
        yield lambda i: f"https://127.0.0.1:{port}/small?{i:06d}"


@contextlib.contextmanager
def hosts(folder):
    make_certificates(folder)
    named = addresses()
    text = "".join(f"{address} {name}\n" for name, address in named.items())
    written(folder / "hosts", f"127.0.0.1 localhost\n{text}")
    listen = [f"{address} ssl" for address in ["127.0.0.1", *named.values()]]
    with nginx(folder, listen, TLS.format(folder)) as port:
        yield lambda i: f"https://h{i:04d}.bench.test:{port}/small"


@contextlib.contextmanager
def late(_):
    command = [HERE / "fetch_late", str(LATE_MS)]
    with running(command, stdout=subprocess.PIPE, text=True) as child:
        port = child.stdout.readline().strip()
        yield lambda i: f"http://127.0.0.1:{port}/late?{i:06d}"


# server; pages; at once; bytes of each; what is asked for
Row = collections.namedtuple("Row", "server pages at_once size figures")
ROWS = {
    "pages": Row(plain, 10000, 50, SMALL, ("rate", "cpu", "rss")),
    "late": Row(late, 2000, 1000, SMALL, ("wall", "cpu", "rss")),
    "large": Row(files, 200, 5, LARGE, ("wall", "cpu", "rss")),
    "hosts": Row(hosts, HOSTS, 50, SMALL, ("wall", "cpu", "rss")),
    "http2": Row(http2, 5000, 50, SMALL, ("rate", "cpu", "rss")),
    "memory": Row(plain, 100000, 50, SMALL, ("growth",)),
}
FEW = 1000 # pages, with which the memory for many is compared


# ---- the clients: the command for this list, so many at once, in this folder --------------------

class Peer:
    """As most of ours: a line for each page, which begins with status and size."""
    fewer = {} # pages, where its row has more than it does in a moment

    def __init__(self, command):
        self.make = command

    def command(self, urls, at_once, folder):
        given = written(folder / "urls", "".join(f"{url}\n" for url in urls))
        return self.make(given, at_once)

    def told(self, urls, size, folder):
        """How many of the pages it told, with their size."""
        lines = [line.split() for line in (folder / "out").read_text().splitlines()]
        return len({line[-1] for line in lines if line[:2] == ["200", str(size)]} & set(urls))


def ours(name):
    found = HERE / name
    if not found.exists():
        raise NotHere(name)
    return found


def trusting(option, folder):
    """For those that do not look at SSL_CERT_FILE."""
    return [option, folder / "trusted.pem"] if (folder / "trusted.pem").exists() else []


class Curl(Peer):
    """It wants to be told for each URL where the page goes."""
    fewer = {"hosts": 100}

    def command(self, urls, at_once, folder):
        text = "".join(f'url = "{url}"\noutput = /dev/null\n' for url in urls)
        return [program("curl"), "-Z", "--parallel-max", at_once, "--no-progress-meter", "-w",
                r"%{http_code} %{size_download} %{time_total} %{url}\n",
                *trusting("--cacert", folder), "-K", written(folder / "config", text)]


class Wget2(Peer):
    """Its lines are those of its statistics."""

    def command(self, urls, at_once, folder):
        given = written(folder / "urls", "".join(f"{url}\n" for url in urls))
        return [program("wget2"), "-q", "-O", os.devnull, f"--max-threads={at_once}", "-i", given,
                f"--stats-site=csv:{folder}/stats", *trusting("--ca-certificate", folder)]

    def told(self, urls, size, folder):
        with open(folder / "stats", encoding="utf-8", newline="") as lines:
            return len({line["URL"] for line in csv.DictReader(lines)
                        if (line["Status"], line["Size"]) == ("200", str(size))} & set(urls))


class Aria2(Peer):
    """It tells nothing that tells one from another; its files are counted."""
    fewer = {"pages": 500, "hosts": 200}

    def command(self, urls, at_once, folder):
        text = "".join(f"{url}\n out={i}\n" for i, url in enumerate(urls))
        return [program("aria2c"), "-q", "-d", folder / "got", "-j", at_once, "-i",
                written(folder / "urls", text), *trusting("--ca-certificate", folder)]

    def told(self, urls, size, folder):
        return sum(path.stat().st_size == size for path in (folder / "got").iterdir())


class Python(Peer):
    """The lecture's lines."""
    fewer = {"pages": 2000, "hosts": 200}

    def told(self, urls, size, folder):
        lines = set((folder / "out").read_text().splitlines())
        return sum(f"{url!r} page is {size} bytes" in lines for url in urls)


class Load(Peer):
    """h2load measures servers: no line, so that it shows what they can do."""

    def told(self, urls, size, folder):
        out = (folder / "out").read_text()
        good = re.search(r"(\d+) 2xx", out)
        data = re.search(r"headers .*\((\d+)\) data", out)
        whole = data and int(data[1]) == size * len(urls)
        return int(good[1]) if good and whole else 0


def python(workers):
    return Python(lambda given, _: [sys.executable, HERE / "fetch_python.py", workers, given])


def bare(way, threads):
    return Peer(lambda given, n: [ours("fetch_curl"), way, threads, n, given])


def h2load(given, n):
    pages = sum(1 for _ in open(given, encoding="utf-8"))
    way = [] if given.read_text().startswith("https") else ["--h1"]
    clients = [1, "-m", n] if not way else [n]
    return [program("h2load"), *way, "-n", pages, "-c", *clients, "-i", given]


PEERS = {
    "weft": Peer(lambda given, n: [ours("../weft"), "fetch", "-j", n, "-f", given]),
    "curl": Curl(None),
    "wget2": Wget2(None),
    "aria2": Aria2(None),
    "python5": python(5),
    "python50": python(50),
    "go": Peer(lambda given, n: [ours("fetch_go"), n, given]),
    "poll": bare("poll", 1),
    "epoll": bare("epoll", 1),
    "two": bare("epoll", 2),
    "h2load": Load(h2load),
}


# ---- asking -------------------------------------------------------------------------------------

def with_names(folder):
    """Where our names are known, nowhere else: a view of the files that ends with the command."""
    if not (folder / "hosts").exists():
        return []
    as_root = [] if os.getuid() == 0 else ["--map-root-user"]
    return [program("unshare"), "--mount", *as_root, "sh", "-c",
            'mount --bind "$0" /etc/hosts && exec "$@"', folder / "hosts"]


def timed(peer, urls, row, folder):
    command = peer.command(urls, row.at_once, folder)
    words = [str(word) for word in
             [*with_names(folder), ours("fetch_timed"), folder / "out", *command]]
    trusted = folder / "trusted.pem"
    given = {name: text for name, text in os.environ.items() if name not in OTHER_CAS}
    given |= {"SSL_CERT_FILE": str(trusted)} if trusted.exists() else {}
    done = subprocess.run(words, text=True, capture_output=True, timeout=PATIENCE, check=False,
                          cwd=folder, env=given, preexec_fn=die_with_parent)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        sys.exit(f"status {done.returncode}: {said[-1] if said else 'it says nothing'}")
    told = peer.told(urls, row.size, folder)
    if told != len(urls):
        sys.exit(f"{told} of {len(urls)} pages")
    return {line.split()[0]: float(line.split()[1]) for line in done.stdout.splitlines()}


def figures_of(name, peer, row, folder):
    with row.server(folder) as url:
        pages = peer.fewer.get(name, row.pages)
        urls = [url(i) for i in range(pages)]
        took = timed(peer, urls, row, folder)
        if "growth" in row.figures:
            few = timed(peer, urls[:FEW], row, folder)
            text = sum(len(one) + 1 for one in urls[FEW:])
            grown = (took["rss"] - few["rss"]) * 1024 - text
            took["growth"] = grown / (pages - FEW)
    return {
        "rate": pages / took["wall"],
        "wall": took["wall"] * row.pages / pages,
        "cpu": took["cpu"] / pages * 1000,
        "rss": took["rss"] * 1024 / 1e6,
        "growth": took.get("growth"),
    }


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    name, peer = sys.argv[1:]
    row = ROWS[name]
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            found = figures_of(name, PEERS[peer], row, pathlib.Path(folder))
    except NotHere:
        sys.exit(NOT_HERE)
    except subprocess.TimeoutExpired:
        sys.exit(f"more than {PATIENCE} s")
    for figure in row.figures:
        print(figure, found[figure])


main()
