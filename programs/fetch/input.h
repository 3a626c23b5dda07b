// SPDX-License-Identifier: MIT
// input.h - the URLs to fetch: arguments, files, standard input; one after another.
//
// A file has one URL a line. Space around it is not part of it; "#" at the start of a line, or
// after a space, begins a comment; what is empty then is skipped. Lines are read as they are
// needed, so a list may be longer than memory, or come from a program that is still writing it.
//
// A URL that came before is left out and counted, unless duplicates are wanted: one that is asked
// for by the same text (url.h), however it was written. For that up to 43 bytes of memory are kept
// for each URL (seen.h); with duplicates, none.
#ifndef WEFT_PROGRAMS_FETCH_INPUT_H
#define WEFT_PROGRAMS_FETCH_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <weft/sync.h>

struct input;

// Once `stop` is set, no URL is handed out any more. NULL: out of memory.
struct input *input_new(const weft_event *stop, bool duplicates);

// These add to the end. 0, -ENOMEM, or open's errno; the message is in weft_error().
int input_add_url(struct input *in, const char *url);
int input_add_file(struct input *in, const char *path); // "-": standard input

bool input_is_empty(const struct input *in); // nothing was added

// The next URL, the caller's to free: 1; else *url is NULL: 0 at the end; -ECANCELED, -ETIMEDOUT,
// -ENOMEM, -EMSGSIZE (a line too long), -EINVAL (a zero byte in it), or read's errno. Any number of
// tasks may call.
int input_next(struct input *in, char **url);

// Leave out those of which `skip` says so; one task at a time calls it. Before the first URL.
typedef bool input_skipped(void *ctx, const char *url);
void input_skip(struct input *in, input_skipped *skip, void *ctx);

// How many URLs there are, each once unless duplicates are wanted, if no file was added; else 0.
size_t input_known(struct input *in);
// The same with files too, if they can be read twice and it takes but a moment: regular ones, of
// 8 MiB together. `skip`, which may be NULL, says which URLs not to count. Before the first URL.
size_t input_count(struct input *in, input_skipped *skip, void *ctx);

// How many were left out so far, because they came before.
size_t input_repeated(const struct input *in);

// Read the files to their ends, so that the list can be gone through again. 0, or as input_next.
int input_read_all(struct input *in);
void input_rewind(struct input *in); // to the first URL; only after input_read_all

void input_free(struct input **in);

#endif
