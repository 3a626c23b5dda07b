// SPDX-License-Identifier: MIT
// fibers_boost.cc - the same with Boost.Fiber.
#include <boost/fiber/all.hpp>

#include "measure.h"

namespace fibers = boost::fibers;

static double yield()
{
    const long n = 1000000;
    auto keep = [n] {
        for (long i = 0; i < n; i++)
            boost::this_fiber::yield();
    };
    double begin = now_ns();
    fibers::fiber other(keep);
    keep();
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

static double ping_pong()
{
    const long n = 300000;
    fibers::buffered_channel<long> there(2), back(2); // its smallest: a ring of 2 holds 1
    fibers::fiber other([&] {
        for (long item : there)
            back.push(item);
    });
    double begin = now_ns();
    for (long i = 0, item; i < n; i++) {
        there.push(i);
        back.pop(item);
    }
    double took = now_ns() - begin;
    there.close();
    other.join();
    return took / n;
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
