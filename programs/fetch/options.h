// SPDX-License-Identifier: MIT
// options.h - the options of weft fetch: one table, from which come reading, help and completions.
#ifndef WEFT_PROGRAMS_FETCH_OPTIONS_H
#define WEFT_PROGRAMS_FETCH_OPTIONS_H

#include "common/options.h"
#include "fetch/settings.h"

// Read the command line over the defaults. The index of the first URL; or a negative number, and
// then all is said that is to be said: *status is what to end with. argv is permuted, and its texts
// are kept in *set.
int fetch_options_read(struct fetch_settings *set, int argc, char **argv, int *status);

option_reader fetch_read_size; // int64_t: "500", "500K", "20MB", "1GiB", in powers of 1024

#endif
