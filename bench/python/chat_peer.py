#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""chat_peer - ask one chat server one thing: chat_load, with the server's own configuration.

    chat_peer.py PLAN N... PEER

The configuration lies in a temporary folder, which is gone at the end. In it the peers have no
flood control, no look-ups and no limits that this load would meet, so that nobody is hampered;
weft has its defaults. A server that is not here ends this with status 77.
"""
import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

NOT_HERE, NOT_LISTENING = 77, 75
TRIES = 3 # another program may take the port that was free
HERE = pathlib.Path(__file__).resolve().parent
WEFT = HERE.parent / "weft"
SBIN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])

INSPIRCD = """
<server name="irc.bench.test" description="bench" network="bench">
<admin name="bench" nick="bench" email="bench@bench.test">
<bind address="127.0.0.1" port="{port}" type="clients">
<power diepass="none" restartpass="none">
<path configdir="{folder}" datadir="{folder}" logdir="{folder}" runtimedir="{folder}"
      moduledir="/usr/lib/inspircd/modules">
<connect allow="*" timeout="120" pingfreq="600" threshold="1000000" commandrate="1000000000"
         fakelag="no" hardsendq="268435456" softsendq="268435456" recvq="1048576"
         localmax="100000" globalmax="100000" maxconnwarn="no" maxchans="100"
         resolvehostnames="no" useident="no" useconnectban="no" useconnflood="no">
<options prefixquit="" defaultmodes="nt" moronbanner="bye">
<performance somaxconn="4096" netbuffersize="65534" quietbursts="yes" softlimit="100000"
             clonesonconnect="no" timeskipwarn="0">
<module name="cap">
<module name="ircv3">
<module name="ircv3_ctctags">
<module name="ircv3_msgid">
<module name="ircv3_servertime">
<log method="file" type="*" level="sparse" target="{folder}/log">
"""
NGIRCD = """
[Global]
    Name = irc.bench.test
    Info = bench
    Listen = 127.0.0.1
    Ports = {port}
    MotdPhrase = "bench"
    PidFile =
    ServerUID = root
    ServerGID = root
[Limits]
    IdleTimeout = 0
    MaxConnections = 0
    MaxConnectionsIP = 0
    MaxJoins = 0
    MaxPenaltyTime = 0
    PingTimeout = 600
    PongTimeout = 600
[Options]
    DNS = no
    Ident = no
    PAM = no
    Syslog = no
"""
MOSQUITTO = """
listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 0
max_queued_bytes 0
set_tcp_nodelay true
persistence false
log_dest none
user {user}
"""


class NotHere(Exception):
    """The server that is to be asked."""


def program(name):
    found = shutil.which(name, path=SBIN)
    if not found:
        raise NotHere(name)
    return found


def written(folder, name, text, **given):
    path = folder / name
    path.write_text(text.format(folder=folder, **given))
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- the servers: the command, in this folder, at this port ------------------------------------

def weft(door, *options):
    """A function like the others below, for one of weft's doors."""
    def command(folder, port):
        if not WEFT.exists():
            raise NotHere("weft")
        doors = {name: "off" for name in ("plain", "irc", "ircs", "web")} | {door: port}
        told = [word for name, where in doors.items() for word in (f"--{name}", str(where))]
        certificate = make_certificate(folder) if door == "ircs" else []
        return [WEFT, "serve", *told, *certificate, "--data", folder / "data", *options]
    return command


def make_certificate(folder):
    path = folder / "tls.pem"
    subprocess.run([program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-days", "2",
                    "-keyout", path, "-out", folder / "chain.pem"], check=True, capture_output=True)
    return ["--tls-cert", folder / "chain.pem", "--tls-key", path]


def inspircd(folder, port):
    config = written(folder, "inspircd.conf", INSPIRCD, port=port)
    as_root = ["--runasroot"] if os.getuid() == 0 else []
    return [program("inspircd"), "--nofork", "--nopid", *as_root, "--config", config]


def ngircd(folder, port):
    return [program("ngircd"), "-n", "-f", written(folder, "ngircd.conf", NGIRCD, port=port)]


def mosquitto(folder, port):
    user = "root" if os.getuid() == 0 else "mosquitto" # who is not root cannot change it anyway
    return [program("mosquitto"), "-c",
            written(folder, "mosquitto.conf", MOSQUITTO, port=port, user=user)]


def nats(_, port):
    return [program("nats-server"), "-a", "127.0.0.1", "-p", str(port), "-l", os.devnull]


def lecture(folder, port):
    """Its server.py as it is, but for the number of the port."""
    source = pathlib.Path(os.environ.get("WEFT_LECTURE", ""), "python", "server.py")
    if not os.environ.get("WEFT_LECTURE") or not source.exists():
        raise NotHere("WEFT_LECTURE")
    here = folder / "server.py"
    here.write_text(source.read_text(encoding="utf-8").replace("12345", str(port)))
    return [sys.executable, here]


# ---- asking -----------------------------------------------------------------------------------

PEERS = {
    "weft": ("irc", weft("irc")),
    "weft_no_history": ("irc", weft("irc", "--no-history")),
    "weft_plain": ("plain", weft("plain")),
    "weft_tags": ("irc_tags", weft("irc")),
    "weft_websocket": ("irc_websocket", weft("web")),
    "weft_tls": ("irc_tls", weft("ircs")),
    "inspircd": ("irc", inspircd),
    "inspircd_tags": ("irc_tags", inspircd),
    "ngircd": ("irc", ngircd),
    "mosquitto": ("mqtt", mosquitto),
    "nats": ("nats", nats),
    "lecture": ("plain", lecture),
}


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL) # PR_SET_PDEATHSIG


def ask(plan, peer):
    protocol, command = PEERS[peer]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder, port = pathlib.Path(name), free_port()
        load = [HERE / "chat" / "chat_load", protocol, *plan, str(port), *command(folder, port)]
        with subprocess.Popen(load, preexec_fn=die_with_parent) as child:
            try:
                return child.wait()
            finally:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()


def ask_until_it_listens(plan, peer):
    for _ in range(TRIES):
        status = ask(plan, peer)
        if status != NOT_LISTENING:
            break
    return status


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        sys.exit(ask_until_it_listens(sys.argv[1:-1], sys.argv[-1]))
    except NotHere:
        sys.exit(NOT_HERE)


main()
