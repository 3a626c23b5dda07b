// SPDX-License-Identifier: MIT
// limits.h - what the system lets one program have.
#ifndef WEFT_PROGRAMS_LIMITS_H
#define WEFT_PROGRAMS_LIMITS_H

// As many open descriptors as the hard limit allows: each connection takes one, and 1,024 is a
// common soft limit. Returns how many it is then; -1: nobody knows.
long raise_descriptor_limit(void);

// How many are open now; -1: nobody knows.
long count_descriptors(void);

#endif
