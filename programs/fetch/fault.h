// SPDX-License-Identifier: MIT
// fault.h - what broke: a name for programs, a few plain words for people.
#ifndef WEFT_PROGRAMS_FETCH_FAULT_H
#define WEFT_PROGRAMS_FETCH_FAULT_H

#include <stddef.h>
#include <stdio.h>

#include "fetch/page.h"

// "timeout", "name", "encoding-cut": lower case, words joined by '-'; of FAULT_NONE "none". These
// stay as they are from version to version: scripts compare them.
const char *fault_name(enum page_fault fault);

// "name not known (DNS)". On one line, whatever the server sent. Prints nothing for FAULT_NONE.
// A timeout names its limit: "timed out connecting (10 s, --connect-timeout)", the "10 s" being
// page.detail, and left out where that is empty.
void fault_print(FILE *out, const struct page *page);

// Text from elsewhere, with what could steer a terminal or end a line (utf8_is_unsafe), and bytes
// that are no UTF-8, as \xNN each.
void print_clean(FILE *out, const char *text);
// How many of so many bytes may be shown as they are.
size_t clean_run(const char *text, size_t size);

#endif
