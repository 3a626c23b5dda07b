// SPDX-License-Identifier: MIT
// replace.h - a file that is written beside its place and put there when it is whole: who looks
// sees the old one or the new one.
//
// A link is followed: what it points to is replaced. What is no regular file (a pipe, /dev/stdout)
// cannot be replaced and is written to. The messages, in weft_error(), name the path.
#ifndef WEFT_PROGRAMS_REPLACE_H
#define WEFT_PROGRAMS_REPLACE_H

#include <stdbool.h>
#include <stdio.h>

struct replace;

// Whether the path can be replaced: 0, or -EISDIR, -EACCES, -ENOENT (no such folder)... Writes
// nothing that is left. For who begins long before there is anything to write.
int replace_check(const char *path);

// A file without a name in the path's folder (in /tmp, where the path is no regular file), to be
// read again later; it goes with its stream. NULL: the reason is in weft_error().
FILE *replace_scratch(const char *path);

// Whether all that was written to a stream so far is written: 0, or -errno. For any stream.
int replace_flush(FILE *stream);

// NULL: the reason is in weft_error(). Blocks on the disk, as all here.
struct replace *replace_open(const char *path);
FILE *replace_stream(struct replace *r);
// With `keep`, put it in its place, with the mode of what was there; else, or if anything failed,
// leave the old one. 0, or -errno: a full disk is told of here at the latest.
int replace_close(struct replace **r, bool keep);

#endif
