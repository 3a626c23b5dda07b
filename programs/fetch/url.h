// SPDX-License-Identifier: MIT
// url.h - a URL as a person writes it, into one as HTTP asks for it.
//
//     http://例子.测试/中文?q=a b  ->  not a URL: byte 28 is a space
//     HTTP://例子.测试:80/中文#top  ->  http://xn--fsqu00a.xn--0zwm56d/%E4%B8%AD%E6%96%87
//
// Names go by UTS 46 to IDNA 2008 whatever the locale is: the bytes are UTF-8. Two texts for the
// same page give the same text here: scheme and host in small letters, no port that is the usual
// one, no fragment, "/" where there is no path. What is percent-encoded already stays as it is.
#ifndef WEFT_PROGRAMS_FETCH_URL_H
#define WEFT_PROGRAMS_FETCH_URL_H

#include "fetch/page.h"

// FAULT_NONE: *asked is the caller's to free. Else *asked is NULL, and *page has the fault and its
// words: FAULT_NO_SCHEME, FAULT_SCHEME, FAULT_URL (with the place, in bytes from 1), FAULT_MEMORY.
enum page_fault url_read(const char *written, char **asked, struct page *page);

// Whether that text is one in which libcurl would change nothing: no user, no dots or an empty
// query to take out, no other way to write an address. Else it may be one.
bool url_is_plain(const char *asked);

// The length of the scheme that a URL, or a reference to one, begins with; 0: it has none.
size_t url_scheme(const char *url);

// A name alone, likewise: the caller's to free. NULL: *why is what is wrong; or out of memory, if
// that is NULL too.
char *url_name(const char *name, const char **why);

#endif
