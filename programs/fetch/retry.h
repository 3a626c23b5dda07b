// SPDX-License-Identifier: MIT
// retry.h - what may be tried again, and when.
//
// 1 s, 2 s, 4 s... to a minute, each with jitter: a random part of it from half to all ("equal
// jitter": M. Brooker, Exponential Backoff and Jitter, 2015), unless the server says when
// (RFC 9110, 10.2.3), up to a cap.
#ifndef WEFT_PROGRAMS_FETCH_RETRY_H
#define WEFT_PROGRAMS_FETCH_RETRY_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "fetch/page.h"

struct retry_set {
    int retries;
    int64_t cap_ns; // of what a server may ask for
};

struct retry {
    int64_t ns;      // from now
    bool whole_host; // the server asked for it: nobody else goes there meanwhile
};

// Whether to try again after this attempt (page->attempts counts it). retry_after is that header's
// text or NULL; now is the time of day, for its form as a date; random any number.
bool retry_page(const struct retry_set *set, const struct page *page, const char *retry_after,
                time_t now, uint64_t random, struct retry *retry);

#endif
