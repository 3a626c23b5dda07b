// SPDX-License-Identifier: MIT
// text.h - a line that is put together where stdio is not allowed: in a signal handler, with a spin
// lock held.
#ifndef WF_CORE_TEXT_H
#define WF_CORE_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct wf_text {
    char bytes[256]; // the first `used` of them count; what does not fit is left out. The last one
                     // is kept for the line's end
    size_t used;
};

void wf_text_add(struct wf_text *text, const char *more);
void wf_text_add_some(struct wf_text *text, const char *more, size_t size);
void wf_text_add_number(struct wf_text *text, uint64_t number);
void wf_text_say(struct wf_text *text); // to stderr, as a line

#endif
