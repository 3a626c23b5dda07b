// SPDX-License-Identifier: MIT
// output.h - what a program says: bytes that all arrive, errors of one line, its last word.
#ifndef WEFT_PROGRAMS_OUTPUT_H
#define WEFT_PROGRAMS_OUTPUT_H

#include <stddef.h>

// All of it, also where fd is a slow pipe or does not block. 0 or a negative errno. The task waits.
int write_all(int fd, const void *bytes, size_t size);

// One line on stderr: "who: what happened". Control characters from elsewhere, an address or an
// argument, become '?', so that one mistake stays one line; and so do all that steer a terminal
// (utf8_is_unsafe). Long ones are cut.
void complain(const char *who, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// From now on these signals end the program at once with STATUS_SIGNAL + sig. A signal that the
// program was started to ignore (nohup, a shell's background job) stays ignored, unless `insist`.
void end_by_signals(const int *signals, size_t n, int insist);

// timeout(1) sends its signal to the program and to its group, and who passes on what a terminal
// has told all does the same: so long after a signal, another is the same wish.
enum { SIGNAL_ECHO_MS = 500 };
// end_by_signals, insisting, for the second of two signals: echoes of the one just now are ignored.
void end_by_second_signals(const int *signals, size_t n);

// Descriptors 0 to 2, where the program was started without, become an empty input and outputs
// that fail: otherwise its first socket would be its output.
void hold_standard_descriptors(void);

#endif
