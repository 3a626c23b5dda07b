// SPDX-License-Identifier: MIT
// html.h - text from elsewhere, written into HTML: as content, or in a quoted attribute.
//
// Whatever the bytes are, what comes out is one line of valid UTF-8 in which nothing is markup.
// What would not be seen, or would change how its neighbours are shown (control characters, those
// that turn the direction of writing, private and unassigned ones) is written as \x0a or \u202e;
// a byte that is not UTF-8 as \xff. Errors are the stream's.
#ifndef WEFT_PROGRAMS_HTML_H
#define WEFT_PROGRAMS_HTML_H

#include <stdbool.h>
#include <stdio.h>

enum { HTML_WHOLE = 0 }; // for `most`: all of it

// At most so many characters; where there are more, "…" is one of them and stands for what is left
// out of the middle.
void html_text(FILE *out, const char *text, int most);

// The same for a URL: "%E4%B8%AD" is shown as 中, as a browser does. Only what is visible and not
// ASCII is decoded, so that what is shown still says where the URL goes.
void html_url(FILE *out, const char *url, int most);

// Whether the URL's scheme is http or https: any other may not become a link ("javascript:").
bool html_may_link(const char *url);
// The value of an href: as html_text, but what is not printable ASCII is percent-encoded.
void html_href(FILE *out, const char *url);

#endif
