// SPDX-License-Identifier: MIT
// summary.h - what is told of the whole run at its end, on stderr.
//
//     98 of 100 pages, 4891234 bytes (10211234 decoded) in 3.204 s; 2 failed (1 timeout, 1 http)
//     decoded: 50 % up to 48374, 90 % up to 102399, 99 % up to 1123456
//       largest  1123456  http://www.cnn.com/
//     time: 50 % up to 0.120 s, 90 % up to 0.402 s, 99 % up to 0.502 s
//       slowest    0.502 s  http://www.bbc.co.uk/
//
// Human units on a terminal, unless --bytes. The lines after the first are for ten pages or more:
// of fewer one sees the list, and a percentile says nothing. Nor are they for --bench, which has a
// table of its own.
#ifndef WEFT_PROGRAMS_FETCH_SUMMARY_H
#define WEFT_PROGRAMS_FETCH_SUMMARY_H

#include "fetch/output.h"
#include "fetch/totals.h"

// Printed in one piece to o->err; in `words` of o, so texts from output_fields end here.
void summary_print(struct output *o, const struct totals *totals, const struct output_end *how);

#endif
