// SPDX-License-Identifier: MIT
// name.c - why a name was not found.
//
// libcurl says "could not resolve host" for a name that does not exist and for a name server that
// is silent; the one is the user's to mend, the other not. So a name that failed is looked up once
// more. A server that said no says it again at once, and is most often asked from a cache; for one
// that is silent a second is enough, since libcurl has waited for it already.
//
// getaddrinfo cannot be interrupted. It runs on a thread of its own, a daemon, which is dropped
// when the second is over; neither this page nor the program's end waits for it.
#include "fetch/name.h"

#include <netdb.h>
#include <stdio.h>
#include <weft/weft.h>

struct host {
    char name[256]; // longer ones do not exist in DNS
};

enum { PATIENCE_MS = 1000 };

static int look_up(const struct host *host, int *code)
{
    struct addrinfo *found = NULL;
    *code = getaddrinfo(host->name, NULL, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &found);
    if (found)
        freeaddrinfo(found);
    return 0;
}
WEFT_TASK(look_up, struct host, int);

int why_unknown(const char *name, weft_time deadline)
{
    struct host host;
    int length = snprintf(host.name, sizeof host.name, "%s", name);
    if (length < 0 || (size_t)length >= sizeof host.name)
        return EAI_NONAME;
    weft_future *f = weft_start_as(
        WEFT_WITH(.kind = WEFT_THREADS, .name = "lookup", .daemon = true), look_up, &host);
    if (!f)
        return EAI_AGAIN;
    if (weft_wait(f, weft_sooner(deadline, weft_after_ms(PATIENCE_MS))) < 0) {
        weft_drop(&f);
        return EAI_AGAIN;
    }
    int code = 0;
    if (weft_join_as(&f, look_up, &code) < 0 || code == 0)
        return EAI_AGAIN; // it is known now: it was a passing trouble
    return code;
}
