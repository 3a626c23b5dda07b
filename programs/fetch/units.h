// SPDX-License-Identifier: MIT
// units.h - sizes and times as text, by hand: a printf of a float costs as much as half a row.
#ifndef WEFT_PROGRAMS_FETCH_UNITS_H
#define WEFT_PROGRAMS_FETCH_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UNITS_TEXT = 32 };

// These return the length; there is a NUL behind it.

// "48374"; for people "47.2K": three digits, and K, M, G, T, P or E for a power of 1024, as the
// options take sizes, and as curl and ls -h show them. bytes may be negative.
size_t size_text(char out[UNITS_TEXT], int64_t bytes, bool human);

// "0.402": seconds with 3 or 6 decimals, rounded.
size_t seconds_text(char out[UNITS_TEXT], int64_t ns, int decimals);

// "+3276" or "+3.20K", and the share of what was before, unless that was nothing: "+3.20K (+5 %)",
// "-512 (-0.4 %)".
size_t growth_text(char out[2 * UNITS_TEXT], int64_t before, int64_t now, bool human);

#endif
