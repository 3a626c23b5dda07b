#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every command, capability and ISUPPORT token of the server has a transcript in tests/irc.

The server itself is asked what it has. A transcript tells by `# covers:` what it is about; of those
that cover a name, one at least must have it in a line that is played.
"""
import pathlib
import re
import sys

from chat_helpers import fresh_doors, irc
from program_helpers import equal, run_tests, test

TRANSCRIPTS = sorted((pathlib.Path(__file__).parent / "irc").glob("*.irc"))


def ask(question):
    """The server's answer to one line."""
    with fresh_doors() as server, irc(server, "asker") as client:
        greeted = len(client.seen)
        client.say(question)
        client.answer("PING asked", r".* PONG .*asked")
        return client.seen[greeted:-1]


def covered(kind):
    """(name, lines played) for each name of that kind, and each transcript that covers it."""
    for path in TRANSCRIPTS:
        text = path.read_text(encoding="utf-8")
        played = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        for list_ in re.findall(r"^# covers: (.*)$", text, re.M):
            for item in re.split(r", *", list_):
                what, _, name = item.partition(" ")
                if what == kind:
                    yield name, played


def check(kind, names, shows):
    """All names are covered by a transcript that shows them; none is that we do not have."""
    claimed = {name for name, _ in covered(kind)}
    shown = {name for name, played in covered(kind) if shows(name, played)}
    assert names, "the server told none"
    equal((sorted(names - shown), sorted(claimed - names)), ([], []))


@test
def every_command_has_a_transcript():
    names = {line.split(":")[2].split()[0] for line in ask("HELP") if " 705 " in line}
    check("COMMAND", names, lambda name, played: re.search(rf"^\w+: *(@\S+ )?{name}\b", played,
                                                           re.M | re.I))


@test
def every_capability_has_a_transcript():
    names = {re.split("[=]", cap)[0] for line in ask("CAP LS 302")
             for cap in line.split(" LS :")[1].split()}
    check("CAP", names, lambda name, played: re.search(
        rf"^(\+\w+ |\w+: *CAP REQ :?).*(?<![\w/-]){re.escape(name)}(?![\w/-])", played, re.M))


@test
def every_isupport_token_has_a_transcript():
    names = {re.split("=", token)[0] for line in ask("VERSION") if " 005 " in line
             for token in line.split(" :")[0].split()[3:]}
    # Told only where it is set.
    names.add("CLIENTTAGDENY")
    check("ISUPPORT", names, lambda name, played: re.search(rf"\b{name}\b", played))


if __name__ == "__main__":
    sys.exit(run_tests())
