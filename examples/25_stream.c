// SPDX-License-Identifier: MIT
// 25_stream.c - results one by one, as they come, through a pipe. Lecture: L66.
//
// A future gives one result at the end. A task that has many sends them through an end of a pipe
// that moves with it: WEFT_END says where it lies in the argument. From then on the task closes it,
// also when it fails, and that is how the reader learns that there is no more.
//
// The same runs in a process: nothing in it knows where the other end is. The end then travels to
// the process that runs the task, and if that is killed, the reader has all that was sent, and then
// the end.
#include <errno.h>

#include "example.h"

struct search {
    long from, to;
    weft_end out;
};

static bool is_prime(long n)
{
    for (long d = 2; d * d <= n; d++)
        if (n % d == 0)
            return false;
    return n > 1;
}

static int find_primes(const struct search *search, long *found)
{
    WEFT_SCOPED(weft_end_close) weft_end out = search->out;
    for (long n = search->from; n < search->to; n++) {
        if (!is_prime(n))
            continue;
        int rc = weft_send(out, &n, sizeof n, WEFT_FOREVER);
        if (rc < 0)
            return rc;
        ++*found;
    }
    return 0;
}
WEFT_TASK(find_primes, struct search, long, .ends = {WEFT_END(struct search, out)});

int main(void)
{
    WEFT_SCOPED(weft_end_close) weft_end in = {-1};
    struct search search = {.from = 90, .to = 130};
    if (weft_pipe(&in, &search.out) < 0)
        return failed("make a pipe");
    weft_future *f = weft_start(WEFT_THREADS, find_primes, &search);
    if (!f) {
        weft_end_close(&search.out); // still ours
        return failed("start the search");
    }
    long prime, found = 0;
    while (weft_recv(in, &prime, sizeof prime, WEFT_FOREVER) == sizeof prime)
        printf("%ld\n", prime);
    if (weft_error_code() != -EPIPE)
        return failed("read the stream");
    if (weft_join_as(&f, find_primes, &found) < 0)
        return failed("search");
    printf("%ld in all\n", found);
    return 0;
}
