// SPDX-License-Identifier: MIT
// fault_name.h - a word for each kind of fault: for files and for programs that read them.
#ifndef WEFT_PROGRAMS_FETCH_FAULT_NAME_H
#define WEFT_PROGRAMS_FETCH_FAULT_NAME_H

#include "fetch/page.h"

// "timeout", "tls"...; NULL for FAULT_NONE. They do not change from one version to the next, as the
// numbers may.
const char *fault_name(enum page_fault fault);

#endif
