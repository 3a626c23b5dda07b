// SPDX-License-Identifier: MIT
// secret.h - a line that nobody is to see: a password.
#ifndef WEFT_PROGRAMS_SECRET_H
#define WEFT_PROGRAMS_SECRET_H

enum { SECRET_MAX = 300 }; // OPER's line has no room for more

// One line of the standard input, without its end. Its length, or -1: none, too long a one, or one
// with a NUL in it.
int secret_read(char line[SECRET_MAX + 2]);
// The same, asked for on standard error, from a terminal that does not show what is typed. Ctrl+C
// ends the program, but not before the terminal shows again what is typed. -1 also if the standard
// input is no terminal. The thread waits.
int secret_ask(const char *question, char line[SECRET_MAX + 2]);

#endif
