// SPDX-License-Identifier: MIT
// output.c - what the forms of output share.
//
// The forms print with fwrite into the stream's own buffer: a row costs no system call then, and
// output_flush is told when there is one to make. stderr has no buffer, so what goes there is put
// together in memory first (output_words), and written in one piece.
#define _GNU_SOURCE
#include "fetch/output.h"

#include <errno.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/error.h>

const struct output_form *output_form(enum fetch_format format)
{
    static const struct output_form *const forms[] = {
        [FORMAT_TEXT] = &output_text, [FORMAT_LECTURE] = &output_lecture,
        [FORMAT_JSON] = &output_json, [FORMAT_JSONL] = &output_jsonl,
        [FORMAT_CSV] = &output_csv,
    };
    return forms[format];
}

static bool is_terminal(FILE *file)
{
    int fd = fileno(file); // -1: memory
    return fd >= 0 && isatty(fd);
}

static bool wants_color(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
}

int output_open(struct output *o, const struct fetch_settings *set, const struct output_form *form,
                FILE *out, FILE *err, time_t begun)
{
    *o = (struct output){
        .set = set,
        .form = form,
        .out = out,
        .err = err,
        .terminal = is_terminal(out),
        .err_terminal = is_terminal(err),
        .begun = begun,
    };
    o->color = o->terminal && o->err_terminal && wants_color();
    o->words = open_memstream(&o->words_text, &o->words_size);
    return o->words ? 0 : weft_fail(-ENOMEM, "out of memory");
}

void output_close(struct output *o)
{
    if (o->words)
        (void)fclose(o->words); // of memory: nothing to lose
    free(o->words_text);
    o->words = NULL;
    o->words_text = NULL;
}

// The stream remembers that a write failed, but not why: that is in errno for as long as nobody
// else fails. Take it after each call that may have written.
static void note_error(struct output *o)
{
    if (o->error == 0 && ferror_unlocked(o->out))
        o->error = errno ? errno : EIO;
}

void output_begin(struct output *o)
{
    errno = 0;
    o->form->begin(o);
    note_error(o);
}

void output_page(struct output *o, const char *url, const struct page *page,
                 const struct page_change *change)
{
    errno = 0;
    o->form->page(o, url, page, change);
    o->rows++;
    if (o->terminal)
        (void)fflush(o->out);
    note_error(o);
}

void output_end(struct output *o, const struct totals *totals, const struct output_end *end)
{
    errno = 0;
    o->form->end(o, totals, end);
    note_error(o);
}

int output_flush(struct output *o)
{
    errno = 0;
    if (o->error == 0)
        (void)fflush(o->out);
    note_error(o);
    int error = o->error;
    if (error == 0)
        return 0;
    o->error = 0;
    __fpurge(o->out); // it was told now: not once more when the program ends
    clearerr(o->out);
    return weft_fail(-error, "standard output: %s", strerror(error));
}

FILE *output_words(struct output *o)
{
    rewind(o->words);
    return o->words;
}

const char *output_said(struct output *o, size_t *size)
{
    bool whole = fflush(o->words) == 0;
    *size = whole || o->words_text ? o->words_size : 0;
    return *size > 0 ? o->words_text : "";
}
