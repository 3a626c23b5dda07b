// SPDX-License-Identifier: MIT
// options.h - a command line, read by a table.
//
//     struct settings { const char *host; int port; bool lecture; } s = {.host = "127.0.0.1"};
//     const struct option_row rows[] = {
//         {"host", 0, "ADDR", "listen here [127.0.0.1]", option_text, &s.host},
//         {"port", 'p', "N", "listen on this port", option_port, &s.port},
//         {"lecture", 0, NULL, "print as the lecture does", option_flag, &s.lecture},
//         {0},
//     };
//     const struct command_line line = {"weft serve", "[OPTION...]", "A chat server.", rows};
//     int first = options_read(&line, argc, argv); // argv[0] is the command's own name
//     if (first < 0)
//         return options_status(first);
//
// --help, or -h, prints the usage on stdout (status 0). Every mistake is one line on stderr (status
// 2): an unknown option names the nearest one. A table has at most OPTIONS_MAX rows.
//
// A command with many options gives a command_manual too: -h is then one screen, and --help all.
#ifndef WEFT_PROGRAMS_OPTIONS_H
#define WEFT_PROGRAMS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum { OPTIONS_MAX = 64 };

// Reads one value into *target. Returns NULL, or what is wrong with it: "is not a port (0 to
// 65535)". A message repeats the value, unless the reader's words begin with a colon: of a secret.
// value is NULL for an option without one.
typedef const char *option_reader(const char *value, void *target);

struct option_row {
    const char *name;  // without the dashes; NULL ends the table; "": help heads what follows
    char letter;       // 0: none
    const char *value; // what --help calls its value; NULL: it takes none
    const char *help;  // a line, or several: the first must do alone
    option_reader *read;
    void *target;
};

struct command_line {
    const char *command;   // "weft serve", for messages
    const char *arguments; // for the usage line: "[OPTION...] [URL...]"
    const char *summary;   // one or more sentences, for --help
    const struct option_row *rows;
};

struct command_manual {
    const char *examples;     // whole lines, which -h and --help begin with
    const char *const *brief; // the options that -h tells of, by name; NULL ends them
    const char *ending;       // whole lines, at the end of --help
};

option_reader option_flag;    // bool: true
option_reader option_text;    // const char *: the value itself; not empty
option_reader option_port;    // int: 0 to 65535
option_reader option_count;   // int: 1 to 1000000
option_reader option_seconds; // double: more than 0, at most 1e6

// For other readers: the text is one of these numbers, in digits and nothing else. False: *number
// is as it was.
bool option_whole(const char *text, int least, int most, int *number);

// The index of the first argument that is no option, or a negative number: see options_status.
// Options may follow arguments (argv is permuted); "--" ends them.
int options_read(const struct command_line *line, int argc, char **argv);
int options_read_long(const struct command_line *line, const struct command_manual *manual,
                      int argc, char **argv);
int options_status(int first); // the exit status that goes with a negative result

// What --help prints, and -h of a command with a manual. Written in help.c.
void options_usage(const struct command_line *line, bool to_stdout);
void options_manual(const struct command_line *line, const struct command_manual *manual);
void options_brief(const struct command_line *line, const struct command_manual *manual,
                   bool to_stdout);

// From now on, options_read shows the table to `shown` and reads nothing, as if it were --help; so
// a command can be asked for its options by calling it. NULL: as before. For completions.c.
typedef void options_shown(void *ctx, const struct command_line *line);
void options_show_to(options_shown *shown, void *ctx);

// One line on stderr, "weft serve: ...", and STATUS_USAGE.
int usage_error(const struct command_line *line, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

// Likewise, of a word that is none of those in a NULL-terminated list, for a command of commands:
// "weft: unknown command sreve (did you mean weft serve?)".
int unknown_word(const char *command, const char *kind, const char *word, const char *const *names);

// The name in a NULL-terminated list that is most like `word`, or NULL if none is near
// (Damerau-Levenshtein distance of at most a third of the word, and at least 1).
const char *nearest_name(const char *word, const char *const *names);

#endif
