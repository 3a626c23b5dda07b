// SPDX-License-Identifier: MIT
// settings_file.c - the file of settings: INI as libinih reads it, looked up in the table.
//
// libinih tells its handler no line (that is a choice of whoever built it), but asks for each line
// through a function of ours, just before it calls the handler: so we count them there. Lines lose
// their indentation there too, which libinih would take for a second value of the key above. And
// the first mistake ends the file there: what comes after it may only be its consequence.
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "chat/settings.h"
#include "common/options.h"

enum { WRONG_MAX = 400, VALUE_SHOWN = 60 };
static const char operator_section[] = "operator ";

struct ini_file {
    FILE *stream;
    struct settings *set;
    int line;       // that was read last, from 1
    int lacking;    // the line of a section of an operator that has no password yet; 0: none has
    int wrong_line; // 0: all is well
    char wrong[WRONG_MAX];
};

static int mistake(struct ini_file *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// The first one counts. What the handler returns then.
static int mistake(struct ini_file *f, const char *fmt, ...)
{
    va_list args;
    if (f->wrong_line == 0) {
        f->wrong_line = f->line;
        va_start(args, fmt);
        (void)vsnprintf(f->wrong, sizeof f->wrong, fmt, args); // a longer one is cut
        va_end(args);
    }
    return 0;
}

// ---- lines ---------------------------------------------------------------------------------

static bool is_operator(const char *section)
{
    return strncmp(section, operator_section, strlen(operator_section)) == 0;
}

// A section ends, of which libinih says nothing if it has no key. Whether all is well.
static bool end_section(struct ini_file *f)
{
    if (f->lacking == 0)
        return true;
    f->line = f->lacking;
    mistake(f, "this operator has no password (see weft chat passwd)");
    return false;
}

// The next line without its indentation, cut if it is too long, which only a comment may be.
// False: there is none.
static bool read_line(struct ini_file *f, char *out, int room)
{
    int size = 0, c = EOF;
    f->line++;
    while ((c = getc(f->stream)) != EOF && c != '\n') {
        if (c == '\0')
            mistake(f, "has a NUL byte: this is no text file");
        else if (size == room - 2 && *out != '#' && *out != ';')
            mistake(f, "is longer than %d bytes", room - 2);
        else if (size < room - 2 && (size > 0 || (c != ' ' && c != '\t')))
            out[size++] = (char)c;
    }
    bool any = c != EOF || size > 0;
    out[size++] = '\n';
    out[size] = '\0';
    return any;
}

// Behind a section libinih passes over what is no comment: "[server] password = word" would be a
// server without one, and a good file.
static bool has_more_behind(const char *section)
{
    const char *end = strchr(section, ']');
    if (!end)
        return false; // which libinih tells
    end += 1 + strspn(end + 1, " \t\r\n");
    return *end && *end != ';' && *end != '#';
}

// As fgets, for libinih, but for lines that it would cut, or not see the whole of.
static char *next_line(char *out, int room, void *stream)
{
    struct ini_file *f = stream;
    if (f->wrong_line != 0)
        return NULL;
    bool any = read_line(f, out, room);
    bool begins = any && *out == '[';
    if ((begins || !any) && !end_section(f))
        return NULL;
    if (begins && has_more_behind(out)) {
        mistake(f, "something stands behind the [section]: it needs a line of its own");
        return NULL;
    }
    if (begins && is_operator(out + 1))
        f->lacking = f->line;
    return any ? out : NULL;
}

// ---- what a line means ---------------------------------------------------------------------

static bool is_of(const struct setting *row, const char *section)
{
    if (!row->section)
        return false;
    if (strcmp(row->section, "operator") == 0)
        return is_operator(section);
    return strcmp(row->section, section) == 0;
}

static const struct setting *find_row(const char *section, const char *key)
{
    for (const struct setting *row = settings_table; row->option; row++)
        if (is_of(row, section) && strcmp(row->key, key) == 0)
            return row;
    return NULL;
}

static int unknown_section(struct ini_file *f, const char *section)
{
    const char *names[SETTINGS_MAX + 1];
    size_t n = 0;
    for (const struct setting *row = settings_table; row->option; row++)
        if (row->section)
            names[n++] = row->section;
    names[n] = NULL;
    const char *near = nearest_name(section, names);
    if (!*section)
        return mistake(f, "a key before the first [section]");
    if (strcmp(section, "operator") == 0)
        return mistake(f, "[operator] needs a name: [operator NAME]");
    if (near)
        return mistake(f, "unknown section [%s] (did you mean [%s]?)", section, near);
    return mistake(f, "unknown section [%s]", section);
}

static int unknown_key(struct ini_file *f, const char *section, const char *key)
{
    const char *names[SETTINGS_MAX + 1];
    size_t n = 0;
    for (const struct setting *row = settings_table; row->option; row++)
        if (is_of(row, section))
            names[n++] = row->key;
    names[n] = NULL;
    if (n == 0)
        return unknown_section(f, section);
    const char *near = nearest_name(key, names);
    if (near)
        return mistake(f, "unknown key '%s' (did you mean '%s'?)", key, near);
    return mistake(f, "unknown key '%s' in [%s]", key, section);
}

static int take(struct ini_file *f, const struct setting *row, const char *key, const char *value)
{
    void *place = (char *)f->set + row->place;
    int *stands = &f->set->lines[row - settings_table];
    if (*stands > 0 && !row->kind->many)
        return mistake(f, "'%s' is there twice", key);
    const char *wrong = row->kind->read(value, place);
    if (wrong && (row->traits & SETTING_SECRET))
        return mistake(f, "'%s' %s", key, wrong);
    if (wrong)
        return mistake(f, "%s '%.*s' %s", key, VALUE_SHOWN, value, wrong);
    *stands = f->line;
    return 1;
}

// [operator NAME] password = HASH is what --operator NAME:HASH says.
static int take_operator(struct ini_file *f, const struct setting *row, const char *section,
                         const char *key, const char *value)
{
    char text[WRONG_MAX];
    const char *name = section + strlen(operator_section);
    if (strchr(name, ':'))
        return mistake(f, "the name of an operator has no colon");
    f->lacking = 0;
    (void)snprintf(text, sizeof text, "%s:%s", name, value); // libinih's lines are shorter
    return take(f, row, key, text);
}

static int handle(void *file, const char *section, const char *key, const char *value)
{
    struct ini_file *f = file;
    const struct setting *row = find_row(section, key);
    if (!row)
        return unknown_key(f, section, key);
    if (!value || !*value)
        return mistake(f, "'%s' has no value", key);
    if (is_operator(section))
        return take_operator(f, row, section, key, value);
    return take(f, row, key, value);
}

bool settings_read_file(struct settings *set, const char *path, char *wrong, size_t room)
{
    struct ini_file f = {.set = set, .stream = fopen(path, "re")};
    if (!f.stream) {
        (void)snprintf(wrong, room, "%s: %s", path, strerror(errno));
        return false;
    }
    int first = ini_parse_stream(next_line, &f, handle, &f);
    bool failed = ferror(f.stream) != 0;
    (void)fclose(f.stream); // was only read
    if (failed || first < 0) {
        (void)snprintf(wrong, room, "%s: %s", path, failed ? "cannot be read" : "out of memory");
        return false;
    }
    if (first > 0 && first != f.wrong_line) { // libinih's own, which does not stop there
        f.wrong_line = first;
        (void)snprintf(f.wrong, sizeof f.wrong, "is no [section], no 'key = value' and no comment");
    }
    if (f.wrong_line > 0)
        (void)snprintf(wrong, room, "%s:%d: %s", path, f.wrong_line, f.wrong);
    return f.wrong_line == 0;
}
