// SPDX-License-Identifier: MIT
// page.h - the chat page, as a browser gets it.
//
// One file, page.html, is part of the binary (tools/embed). Its script and its style stand in it;
// no other may run, as the policy names these by their digests. So it has no style="..." and no
// onclick="...": a script sets element.style.x and adds listeners. It may open connections to its
// own server only, and load pictures from there and from data: URLs.
#ifndef WEFT_WEB_PAGE_H
#define WEFT_WEB_PAGE_H

#include <stddef.h>

extern const unsigned char web_page[];
extern const size_t web_page_size;

enum { PAGE_POLICY_MAX = 640 };

// The Content-Security-Policy of a page: the digest of what is between each <script> and </script>,
// and likewise of styles, in lower case and as they stand there. 0, -ENOBUFS: more of them than fit
// into cap bytes, or -ENOMEM.
int page_policy(const void *html, size_t size, char *out, size_t cap);

#endif
