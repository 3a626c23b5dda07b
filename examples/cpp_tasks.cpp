// SPDX-License-Identifier: MIT
// cpp_tasks.cpp - weft from C++17: start, submit, join, a queue and a lock.
//
// The macros are the same as in C, with three habits of C++. An argument is a named variable,
// because C++ has no compound literals. Options name their fields in the order of their struct.
// And a task lets no exception out: it catches, and returns a negative errno.
#include <cerrno>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

#include <weft/weft.h>

namespace {

int square(const int *n, long *out)
{
    *out = static_cast<long>(*n) * *n;
    return 0;
}
WEFT_TASK(square, int, long);

// What throws stays inside.
int digits(const unsigned long *n, size_t *out) noexcept
try {
    *out = std::to_string(*n).size();
    return 0;
} catch (const std::bad_alloc &) {
    return weft_fail(-ENOMEM, "digits of %lu", *n);
}
WEFT_TASK(digits, unsigned long, size_t);

struct account {
    weft_mutex mu; // guards total
    long total;
};
struct deposits {
    weft_queue *amounts;
    account *into;
};

int collect(const deposits *d, weft_none *)
{
    long amount;
    int rc;
    while ((rc = weft_get(d->amounts, &amount, WEFT_FOREVER)) == 0) {
        weft_guard(&d->into->mu);
        d->into->total += amount;
    }
    return rc == -EPIPE ? 0 : rc; // closed and drained: all is well
}
WEFT_TASK(collect, deposits, weft_none);

int start_and_join()
{
    int seven = 7;
    long out = 0;
    weft_future *f = weft_start(WEFT_THREADS, square, &seven);
    int rc = weft_join_as(&f, square, &out);
    if (rc == 0)
        std::printf("start and join: %ld\n", out);
    return rc;
}

int submit_and_join(weft_pool *pool)
{
    std::vector<weft_future *> futures;
    for (unsigned long n = 1; n <= 100000; n *= 10)
        futures.push_back(weft_submit(pool, digits, &n));
    size_t sum = 0;
    int failure = 0;
    for (weft_future *&f : futures) {
        size_t length = 0;
        int rc = weft_join_as(&f, digits, &length);
        if (rc < 0)
            failure = rc;
        sum += length;
    }
    if (failure == 0)
        std::printf("submit and join: %zu digits\n", sum);
    return failure;
}

int queue_and_lock(weft_pool *pool)
{
    account savings{};
    WEFT_SCOPED(weft_queue_free) weft_queue *amounts = weft_queue_new(sizeof(long), .capacity = 4);
    if (!amounts)
        return weft_error_code();
    deposits work{amounts, &savings};
    weft_future *collectors[2] = {weft_submit(pool, collect, &work),
                                  weft_submit(pool, collect, &work)};
    int failure = collectors[0] && collectors[1] ? 0 : weft_error_code();
    for (long amount = 1; amount <= 100 && failure == 0; amount++)
        failure = weft_put(amounts, &amount, WEFT_FOREVER);
    weft_queue_close(amounts);
    for (weft_future *&f : collectors) {
        int rc = weft_join(&f, nullptr, 0);
        if (rc < 0)
            failure = rc;
    }
    if (failure == 0)
        std::printf("queue and lock: %ld\n", savings.total);
    return failure;
}

} // namespace

int main()
{
    WEFT_SCOPED(weft_pool_close) weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 2);
    if (!pool || start_and_join() < 0 || submit_and_join(pool) < 0 || queue_and_lock(pool) < 0) {
        std::fprintf(stderr, "cpp_tasks: %s\n", weft_error());
        return 1;
    }
    return 0;
}
