// SPDX-License-Identifier: MIT
// answer.h - an HTTP answer, with the fields that keep a browser from doing too much with it.
#ifndef WEFT_WEB_ANSWER_H
#define WEFT_WEB_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <weft/net.h>

struct answer {
    int status;
    const char *type;   // of the body. NULL: plain text
    const char *fields; // more of them, each with its CR LF. NULL: none
    const char *policy; // Content-Security-Policy. NULL: nothing may be loaded or run
    const void *body;
    size_t size;
    bool is_head; // leave the body out; its length is told all the same
    bool close;   // the last one on this connection
    bool json;    // what went wrong is told as JSON
};

// Send it: 0, or as weft_writev. The connection stays open in any case.
int answer_send(weft_conn *c, const struct answer *a, weft_time deadline);
// One line, as what went wrong is told: in text behind the status and its name, or as
// {"status":404,"error":"why"}. 0, or as weft_writev; -ENOMEM.
int answer_error(weft_conn *c, const struct answer *a, const char *why, weft_time deadline);

#endif
