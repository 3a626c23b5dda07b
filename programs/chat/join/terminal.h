// SPDX-License-Identifier: MIT
// terminal.h - the terminal as a full screen, and back: whatever ends the program.
//
// It is given back by terminal_leave, and, where nobody can call that any more, by handlers of
// SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT, and at exit. Only SIGKILL leaves it as it is.
#ifndef WEFT_CHAT_JOIN_TERMINAL_H
#define WEFT_CHAT_JOIN_TERMINAL_H

// Standard input and output are a terminal that can be moved about in (not TERM=dumb).
int terminal_is_there(void);
// Alternate screen, no echo, bracketed paste. 0 or a negative errno. Again: after a stop.
int terminal_enter(void);
void terminal_leave(void); // harmless where it was not entered
// Put handlers in front of those that are there: once the library's are.
void terminal_guard(void);
void terminal_size(int *rows, int *columns); // at least 1 and 10

#endif
