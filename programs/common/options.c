// SPDX-License-Identifier: MIT
// options.c - see options.h.
//
// getopt_long does the splitting, the permuting and the abbreviations; the messages are ours,
// because getopt's do not name the nearest option. Each row of the table becomes one long option
// whose number is FIRST_ROW + its place; a letter is looked up in the table again.
#define _GNU_SOURCE
#include "common/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/output.h"
#include "common/status.h"

enum {
    FIRST_ROW = 256, // beyond every letter
    WAS_HELP = -1,   // results of options_read
    WAS_WRONG = -2,
    LONGEST_NAME = 64,  // that nearest_name compares
    LONGEST_VALUE = 40, // bytes of a wrong value that a message repeats
};

// What getopt_long wants to see of a table.
struct getopt_view {
    const struct option_row *rows[OPTIONS_MAX]; // without headings
    struct option names[OPTIONS_MAX + 2];       // "help" and the end
    char letters[2 * OPTIONS_MAX + 3];          // ":", "h" and the end
    int help;                                   // the number of --help
};

// ---- the readers ---------------------------------------------------------------------------

bool option_whole(const char *text, int least, int most, int *number)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    bool digits_only = *text >= '0' && *text <= '9'; // no sign, no space
    if (!digits_only || *end || errno != 0 || value < least || value > most)
        return false;
    *number = (int)value;
    return true;
}

const char *option_flag(const char *value, void *target)
{
    (void)value;
    *(bool *)target = true;
    return NULL;
}

const char *option_text(const char *value, void *target)
{
    if (!*value)
        return "is empty";
    *(const char **)target = value;
    return NULL;
}

const char *option_port(const char *value, void *target)
{
    return option_whole(value, 0, 65535, target) ? NULL : "is not a port (0 to 65535)";
}

const char *option_count(const char *value, void *target)
{
    return option_whole(value, 1, 1000000, target) ? NULL : "is not a count (1 to 1000000)";
}

const char *option_seconds(const char *value, void *target)
{
    char *end;
    double seconds = strtod(value, &end);
    bool plain = *value && strspn(value, "0123456789.eE+-") == strlen(value); // no nan, no hex
    if (!plain || *end || !isfinite(seconds) || seconds <= 0 || seconds > 1e6)
        return "is not a time in seconds (more than 0, at most 1000000)";
    *(double *)target = seconds;
    return NULL;
}

// ---- the nearest name ----------------------------------------------------------------------

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

// How many letters to insert, remove, change or swap with their neighbour to make b of a. Three
// rows of the usual matrix are enough; a swap looks two rows back.
static size_t distance(const char *a, size_t size_a, const char *b, size_t size_b)
{
    size_t rows[3][LONGEST_NAME + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= size_b; j++)
        above[j] = j;
    for (size_t i = 1; i <= size_a; i++) {
        row[0] = i;
        for (size_t j = 1; j <= size_b; j++) {
            size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(change, 1 + least(above[j], row[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[size_b];
}

const char *nearest_name(const char *word, const char *const *names)
{
    size_t size = strlen(word);
    if (size == 0 || size > LONGEST_NAME)
        return NULL;
    size_t best = size < 3 ? 1 : size / 3;
    const char *found = NULL;
    for (; *names; names++) {
        size_t name_size = strlen(*names);
        if (name_size > LONGEST_NAME)
            continue;
        size_t d = distance(word, size, *names, name_size);
        if (d < best || (d == best && !found)) {
            best = d;
            found = *names;
        }
    }
    return found;
}

// ---- messages ------------------------------------------------------------------------------

int usage_error(const struct command_line *line, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); // a longer one is cut
    va_end(args);
    complain(line->command, "%s", text);
    return STATUS_USAGE;
}

// "name" without its dashes and value is what the user wrote after "--".
static void unknown_name(const struct command_line *line, const char *written)
{
    const char *names[OPTIONS_MAX + 2];
    const char *meant[2] = {NULL, NULL};
    size_t n = 0;
    int size = (int)strcspn(written, "=");
    char word[LONGEST_NAME + 2];
    (void)snprintf(word, sizeof word, "%.*s", size, written); // one too long is like no other
    for (const struct option_row *row = line->rows; row->name; row++) {
        if (!*row->name)
            continue;
        names[n++] = row->name;
        if (strncmp(row->name, word, strlen(word)) == 0 && !meant[1])
            meant[meant[0] ? 1 : 0] = row->name;
    }
    names[n++] = "help";
    names[n] = NULL;
    const char *near = nearest_name(word, names);
    if (meant[1])
        (void)usage_error(line, "--%s could be --%s or --%s", word, meant[0], meant[1]);
    else if (near)
        (void)usage_error(line, "unknown option --%s (did you mean --%s?)", word, near);
    else
        (void)usage_error(line, "unknown option --%s (see %s --help)", word, line->command);
}

// getopt_long found nothing to read: `why` is ':' (a value is missing) or '?'.
static void explain(const struct command_line *line, const struct getopt_view *view, int why,
                    const char *argument)
{
    if (optopt >= FIRST_ROW && why == ':')
        (void)usage_error(line, "--%s needs a value", view->names[optopt - FIRST_ROW].name);
    else if (optopt >= FIRST_ROW)
        (void)usage_error(line, "--%s takes no value", view->names[optopt - FIRST_ROW].name);
    else if (why == ':')
        (void)usage_error(line, "-%c needs a value", optopt);
    else if (optopt > ' ' && optopt < 0x7F)
        (void)usage_error(line, "unknown option -%c (see %s --help)", optopt, line->command);
    else if (optopt != 0) // part of a character, perhaps
        (void)usage_error(line, "unknown option: byte 0x%02x is no letter (see %s --help)",
                          (unsigned char)optopt, line->command);
    else
        unknown_name(line, argument + 2);
}

// ---- reading -------------------------------------------------------------------------------

static void view_table(const struct command_line *line, struct getopt_view *view)
{
    int n = 0;
    char *letter = view->letters;
    *letter++ = ':'; // tell a missing value from an unknown option
    *letter++ = 'h';
    for (const struct option_row *row = line->rows; row->name; row++) {
        if (!*row->name)
            continue;
        if (n == OPTIONS_MAX)
            abort(); // a bug of the program: the header says how many
        int wants = row->value ? required_argument : no_argument;
        view->rows[n] = row;
        view->names[n] = (struct option){row->name, wants, NULL, FIRST_ROW + n};
        if (row->letter)
            *letter++ = row->letter;
        if (row->letter && row->value)
            *letter++ = ':';
        n++;
    }
    *letter = '\0';
    view->help = FIRST_ROW + n;
    view->names[n] = (struct option){"help", no_argument, NULL, view->help};
    view->names[n + 1] = (struct option){NULL, 0, NULL, 0};
}

static const struct option_row *row_of(const struct getopt_view *view, int key)
{
    if (key >= FIRST_ROW)
        return view->rows[key - FIRST_ROW];
    int i = 0;
    while (view->rows[i]->letter != key) // NOLINT(clang-analyzer-core.NullDereference)
        i++;                             // getopt_long returns only letters of the table
    return view->rows[i];
}

static void wrong_value(const struct command_line *line, const struct option_row *row,
                        const char *value, const char *wrong)
{
    if (wrong[0] == ':')
        (void)usage_error(line, "--%s%s", row->name, wrong);
    else
        (void)usage_error(line, "--%s '%.*s' %s", row->name, LONGEST_VALUE, value, wrong);
}

// Who is shown tables instead of having them read; there is one command line a program.
static options_shown *shown_to;
static void *shown_ctx;

void options_show_to(options_shown *shown, void *ctx)
{
    shown_to = shown;
    shown_ctx = ctx;
}

static void help(const struct command_line *line, const struct command_manual *manual, bool brief)
{
    if (!manual)
        options_usage(line, true);
    else if (brief)
        options_brief(line, manual, true);
    else
        options_manual(line, manual);
}

int options_read(const struct command_line *line, int argc, char **argv)
{
    return options_read_long(line, NULL, argc, argv);
}

int options_read_long(const struct command_line *line, const struct command_manual *manual,
                      int argc, char **argv)
{
    struct getopt_view view;
    view_table(line, &view);
    if (shown_to) {
        shown_to(shown_ctx, line);
        return WAS_HELP;
    }
    opterr = 0;
    optind = 0; // GNU: start afresh, also after another command line was read
    int key;
    while ((key = getopt_long(argc, argv, view.letters, view.names, NULL)) != -1) {
        if (key == 'h' || key == view.help) {
            help(line, manual, key == 'h');
            return WAS_HELP;
        }
        if (key == '?' || key == ':') {
            explain(line, &view, key, argv[optind - 1]);
            return WAS_WRONG;
        }
        const struct option_row *row = row_of(&view, key);
        const char *wrong = row->read(optarg, row->target);
        if (wrong) {
            wrong_value(line, row, optarg, wrong);
            return WAS_WRONG;
        }
    }
    return optind;
}

int unknown_word(const char *command, const char *kind, const char *word, const char *const *names)
{
    const char *near = nearest_name(word, names), *shown = *word ? word : "''";
    if (near)
        complain(command, "unknown %s %s (did you mean %s %s?)", kind, shown, command, near);
    else
        complain(command, "unknown %s %s (see %s --help)", kind, shown, command);
    return STATUS_USAGE;
}

int options_status(int first)
{
    return first == WAS_HELP ? STATUS_OK : STATUS_USAGE;
}
