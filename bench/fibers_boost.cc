// SPDX-License-Identifier: MIT
// fibers_boost.cc - the same with Boost.Fiber.
#include <boost/fiber/all.hpp>

#include "measure.h"

namespace fibers = boost::fibers;

NOT_INLINED static void keep_yielding(long n)
{
    for (long i = 0; i < n; i++)
        boost::this_fiber::yield();
}

static double yield()
{
    const long n = 1000000;
    double begin = now_ns();
    fibers::fiber other(keep_yielding, n);
    keep_yielding(n);
    other.join();
    return (now_ns() - begin) / (2.0 * n);
}

static double start_join()
{
    const long n = 300000;
    fibers::pooled_fixedsize_stack stacks(65536);
    double begin = now_ns();
    for (long i = 0; i < n; i++)
        fibers::fiber(std::allocator_arg, stacks, [] {}).join();
    return (now_ns() - begin) / n;
}

using channel = fibers::buffered_channel<long>;

// What comes goes on, n times.
static void relay(channel &there, channel &back, long n)
{
    for (long i = 0, item; i < n; i++) {
        there.pop(item);
        back.push(item);
    }
}

static double ping_pong()
{
    const long n = 300000;
    channel there(2), back(2); // its smallest: a ring of 2 holds 1
    double begin = now_ns();
    fibers::fiber one(relay, std::ref(there), std::ref(back), n);
    fibers::fiber other(relay, std::ref(back), std::ref(there), n);
    there.push(1);
    one.join();
    other.join();
    return (now_ns() - begin) / n;
}

static double buffered()
{
    const long n = 2000000;
    fibers::buffered_channel<long> queue(128);
    double begin = now_ns();
    fibers::fiber producer([&] {
        for (long i = 0; i < n; i++)
            queue.push(i);
        queue.close();
    });
    long count = 0;
    for (long item : queue) {
        (void)item;
        count++;
    }
    producer.join();
    if (count != n)
        die("lost items");
    return (now_ns() - begin) / n;
}

int main(int argc, char **argv)
{
    const struct row rows[] = {{"yield", yield},
                               {"start_join", start_join},
                               {"ping_pong", ping_pong},
                               {"buffered", buffered}};
    return measure_row(rows, sizeof rows / sizeof *rows, argc, argv);
}
