// SPDX-License-Identifier: MIT
// retry.h - what may be tried again, and when.
//
// What passes by itself is tried again, and nothing else; all requests are GET or HEAD, so a second
// one harms nobody (RFC 9110, 9.2.2).
// - Statuses 408, 429, 500, 502, 503 and 504, as curl --retry has it; other errors are answers.
// - A connection that breaks at any point, closes without an answer or in the body; one that is
//   not accepted in time; one that this machine could not make for want of ports or descriptors.
//   But not one that is refused, nor a host that no way leads to: that is an answer, and most dead
//   links end so. (curl asks for --retry-connrefused, and lychee does not try again either.)
// - An answer that does not begin in time, or falls silent: as with both. But not one that is still
//   coming when the whole time is over: the next would take as long.
// - A name whose server does not answer; not one that does not exist, which curl asks for thrice.
// - A compressed body without an end, where nothing but the end of the connection said that the
//   body is whole. Where its length was right, the server has it so.
// Not: whom the certificate names, limits of size, answers that break the rules, redirects.
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
// text or NULL: seconds, or a date in one of HTTP's three forms; what is neither, or is over, is as
// if it were not there. now is the time of day, for the dates; random any number. *retry is filled
// in any case: a host that asked for a pause has it also when this page is given up, ns being 0
// only if there is nothing to wait for. A 429 without a time asks for our own pause.
bool retry_page(const struct retry_set *set, const struct page *page, const char *retry_after,
                time_t now, uint64_t random, struct retry *retry);

#endif
