# SPDX-License-Identifier: MIT
"""question - the nouns of a question of the bench; run.py asks it.

A question's file has: TITLE; TEXT, what one has to know to read the answer; PEERS, {name: command};
REFERENCE, the peer with which the others are compared; ROWS, what each is asked; FIGURES, what each
answers; GOALS; ROUNDS, how often. A command is a program and arguments, with `NAME=value` for its
environment; the words of the row come before the arguments.
"""
import collections

# name: words for the program; text: for the reader; cores: where it runs; without: peers that are
# not asked this; rounds: at most so many.
Row = collections.namedtuple("Row", "name text cores without rounds", defaults=("0", (), None))

# name: as the program prints it, "" if it prints one figure only; text: with the unit. A figure that
# no peer has in a row has no column for it.
Figure = collections.namedtuple("Figure", "name text digits", defaults=("", 1))

# The figure of `peer` in the row is `at_most` or `at_least` so much; of that of the peer `of`, if
# there is one; of several, that of the best in each round. why: it is missed, as far as we know.
Goal = collections.namedtuple("Goal", "peer row figure at_most at_least of why",
                              defaults=("", None, None, None, ""))
