// SPDX-License-Identifier: MIT
// example.h - what nearly every example needs: the lecture's seconds, and a word when it fails.
//
// The lecture's programs sleep for 1, 3, 5 and 20 seconds, and so do these. With
// WEFT_EXAMPLE_SCALE=0.05 in the environment each second lasts 50 ms, for the tests and for the
// impatient; what is printed stays the same.
#ifndef WEFT_EXAMPLE_H
#define WEFT_EXAMPLE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <weft/weft.h>

// The deadline `seconds` from now, on the examples' scale. A scale that is no number counts as 1.
static inline weft_time after_seconds(double seconds)
{
    const char *text = getenv("WEFT_EXAMPLE_SCALE");
    double scale = text ? strtod(text, NULL) : 1.0;

    return weft_after_ms((int64_t)(seconds * 1e3 * (scale > 0 ? scale : 1.0)));
}

static inline double seconds_since(weft_time start)
{
    return (double)(weft_now().ns - start.ns) / 1e9;
}

// One line on stderr with weft's own words; what main returns after it.
static inline int failed(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, weft_error());
    return EXIT_FAILURE;
}

#endif
