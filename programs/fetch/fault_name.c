// SPDX-License-Identifier: MIT
// fault_name.c - see fault_name.h.
#include "fetch/fault_name.h"

static const char *const names[FAULTS] = {
    [FAULT_NO_SCHEME] = "no-scheme",
    [FAULT_SCHEME] = "scheme",
    [FAULT_URL] = "url",
    [FAULT_NAME] = "name",
    [FAULT_CONNECT] = "connect",
    [FAULT_TLS] = "tls",
    [FAULT_PROXY] = "proxy",
    [FAULT_TIMEOUT] = "timeout",
    [FAULT_NO_ANSWER] = "no-answer",
    [FAULT_BROKEN] = "broken",
    [FAULT_NOT_HTTP] = "not-http",
    [FAULT_ANSWER] = "answer",
    [FAULT_HEADERS] = "headers",
    [FAULT_HTTP] = "http",
    [FAULT_REDIRECT_LOOP] = "redirect-loop",
    [FAULT_REDIRECT_SCHEME] = "redirect-scheme",
    [FAULT_CUT] = "cut",
    [FAULT_SIZE] = "size",
    [FAULT_ENCODING] = "encoding",
    [FAULT_ENCODING_CUT] = "encoding-cut",
    [FAULT_DECODED_SIZE] = "decoded-size",
    [FAULT_CANCELED] = "canceled",
    [FAULT_MEMORY] = "memory",
    [FAULT_OTHER] = "other",
};

const char *fault_name(enum page_fault fault)
{
    return names[fault];
}
