// SPDX-License-Identifier: MIT
// name.h - why a name was not found.
#ifndef WEFT_PROGRAMS_FETCH_NAME_H
#define WEFT_PROGRAMS_FETCH_NAME_H

#include <weft/time.h>

// getaddrinfo's code for a name that libcurl could not resolve: EAI_NONAME, EAI_AGAIN... Takes a
// second at most, and no longer than the deadline.
int why_unknown(const char *name, weft_time deadline);

#endif
