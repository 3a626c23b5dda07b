// SPDX-License-Identifier: MIT
// retry_fuzz.c - any text as a Retry-After (fetch/retry.h): a pause up to the cap, or ours.
#include "fuzz.h"

#include <string.h>

#include "fetch/retry.h"

static const int64_t second = 1000000000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    must(text);
    memcpy(text, data, size);
    text[size] = '\0';
    struct retry_set set = {.retries = 3, .cap_ns = 100 * second};
    struct page page = {.fault = FAULT_HTTP, .status = 503, .attempts = 1};
    struct retry retry, same;
    time_t now = 784111777; // of the RFC's own example
    must(retry_page(&set, &page, text, now, size, &retry));
    must(retry.whole_host ? retry.ns >= second && retry.ns <= set.cap_ns && retry.ns % second == 0
                          : retry.ns >= second / 2 && retry.ns <= second);
    must(retry_page(&set, &page, text, now, size, &same) && same.ns == retry.ns);
    page.status = 404;
    must(!retry_page(&set, &page, text, now, size, &retry) && retry.ns == 0);
    free(text);
    return 0;
}
