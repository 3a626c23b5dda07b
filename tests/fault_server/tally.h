// SPDX-License-Identifier: MIT
// tally.h - what was asked for: how often, when, and how many at once.
//
// Kept by key: the target of a request, or where it has a parameter "group", that. So tests that
// run at the same time do not disturb each other's counts.
#ifndef WEFT_TESTS_FAULT_SERVER_TALLY_H
#define WEFT_TESTS_FAULT_SERVER_TALLY_H

#include "server.h"

struct tally;

// A request has come; sets v->nth, which counts targets, not groups. NULL: out of memory.
struct tally *tally_begin(struct visit *v);
void tally_end(struct tally *t); // it is answered; NULL is welcome

// GET /count?KEY: how many. GET /log?KEY: a line each, "MS NOW EARLIER TARGET": when, how many of
// the key were being answered with it, how many were on its connection before.
page count_page, log_page;

page gather; // waits until n= of its group are asked for at once

#endif
