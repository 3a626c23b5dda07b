// SPDX-License-Identifier: MIT
// help.c - what --help prints, and -h where that is another text: see options.h.
//
// Both come from the table, so that neither can tell of an option that there is not. Lines are
// broken by whoever writes the table: a program that breaks them itself breaks examples too.
#include <stdio.h>
#include <string.h>

#include "common/options.h"

enum { COLUMN = 24 }; // where a row begins to explain

// Options and their values, "-j, --jobs N", or nothing for a second line; then one line of help.
static void print_line(FILE *out, const char *left, const char *help, int size)
{
    if (strlen(left) >= COLUMN)
        (void)fprintf(out, "%s\n%*s%.*s\n", left, COLUMN, "", size, help);
    else
        (void)fprintf(out, "%-*s%.*s\n", COLUMN, left, size, help);
}

static void print_row(FILE *out, const struct option_row *row, bool brief)
{
    char left[128];
    char letter[] = {'-', row->letter, ',', '\0'};
    (void)snprintf(left, sizeof left, "  %3s --%s%s%s", row->letter ? letter : "", row->name,
                   row->value ? " " : "", row->value ? row->value : ""); // none is so long
    const char *at = row->help;
    int size = (int)strcspn(at, "\n");
    print_line(out, left, at, size);
    while (!brief && at[size]) {
        at += size + 1;
        size = (int)strcspn(at, "\n");
        print_line(out, "", at, size);
    }
}

// The program's end looks whether stdout took it.
static void print_head(FILE *out, const struct command_line *line)
{
    const char *space = *line->arguments ? " " : "";
    (void)fprintf(out, "usage: %s%s%s\n%s\n\n", line->command, space, line->arguments,
                  line->summary);
}

static void print_rows(FILE *out, const struct command_line *line)
{
    for (const struct option_row *row = line->rows; row->name; row++)
        if (*row->name)
            print_row(out, row, false);
        else
            (void)fprintf(out, "\n%s:\n", row->help);
}

void options_usage(const struct command_line *line, bool to_stdout)
{
    static const struct option_row help = {.name = "help", .letter = 'h', .help = "print this"};
    FILE *out = to_stdout ? stdout : stderr;
    print_head(out, line);
    print_rows(out, line);
    print_row(out, &help, false);
}

void options_manual(const struct command_line *line, const struct command_manual *manual)
{
    static const struct option_row help = {
        .name = "help", .letter = 'h', .help = "print this; -h: the most used of it"};
    print_head(stdout, line);
    (void)fputs(manual->examples, stdout);
    print_rows(stdout, line);
    print_row(stdout, &help, false);
    (void)printf("\n%s", manual->ending);
}

static bool is_brief(const struct command_manual *manual, const char *name)
{
    for (const char *const *brief = manual->brief; *brief; brief++)
        if (strcmp(*brief, name) == 0)
            return true;
    return false;
}

void options_brief(const struct command_line *line, const struct command_manual *manual,
                   bool to_stdout)
{
    static const struct option_row help = {.name = "help", .help = "print all options"};
    FILE *out = to_stdout ? stdout : stderr;
    print_head(out, line);
    (void)fprintf(out, "%s\n", manual->examples);
    for (const struct option_row *row = line->rows; row->name; row++)
        if (*row->name && is_brief(manual, row->name))
            print_row(out, row, true);
    print_row(out, &help, true);
}
