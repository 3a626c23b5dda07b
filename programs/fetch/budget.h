// SPDX-License-Identifier: MIT
// budget.h - how large pages may be: a file with a line each.
//
//     # comments, as in files of URLs
//     https://example.org/        200K
//     https://example.org/app/*   1M     and all that begins so
//     *                           500K   and all others
//
// A URL is compared as it was asked for, byte by byte. Its own line goes before a longer beginning,
// that before a shorter one.
#ifndef WEFT_PROGRAMS_FETCH_BUDGET_H
#define WEFT_PROGRAMS_FETCH_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/options.h"

struct budgets;

// `size` reads a size into an int64_t, as for the option --budget. NULL: the file cannot be read or
// is not so; weft_error() names it, and the line.
struct budgets *budgets_read(const char *path, option_reader *size);
void budgets_free(struct budgets **b);

// The bytes that this URL may have, or -1. That it was asked for is noted with its line, and with
// no other.
int64_t budgets_find(struct budgets *b, const char *url);

// The lines that were never found; `url` as it stands there, with its *.
typedef void budget_seen(void *ctx, const char *url, int64_t size);
void budgets_missing(const struct budgets *b, budget_seen *seen, void *ctx);

#endif
