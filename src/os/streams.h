// SPDX-License-Identifier: MIT
// streams.h - what was printed goes out: fflush(NULL), without its price when nothing was printed.
#ifndef WF_OS_STREAMS_H
#define WF_OS_STREAMS_H

#include <stdbool.h>

void wf_streams_prepare(void); // once, before anybody else opens or closes a stream
void wf_streams_flush(void);
bool wf_streams_are_empty(void); // nothing waits to be written; false: it may, or it is not known

#endif
