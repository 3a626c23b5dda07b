// SPDX-License-Identifier: MIT
// all.cc - every macro of the headers at least once, in C++17; only compiled. See alone.py.
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <weft/explore.h>
#include <weft/weft.h>

struct request {
    const char *url;
    int limit_ms;
};

static int square(const int *n, long *out)
{
    *out = static_cast<long>(*n) * *n;
    return 0;
}
WEFT_TASK(square, int, long);

static int page(const request *r, long *out)
{
    *out = static_cast<long>(std::strlen(r->url)) + r->limit_ms;
    return 0;
}
WEFT_TASK(page, request, long);

static int length(const char *const *s, size_t *out)
{
    *out = std::strlen(*s);
    return 0;
}
WEFT_TASK(length, const char *, size_t);

struct job {
    weft_end in, out;
};
static int serve(const job *j, long *out)
{
    WEFT_SCOPED(weft_end_close) weft_end in = j->in;
    *out = weft_recv(in, nullptr, 0, WEFT_POLL);
    return weft_send(j->out, nullptr, 0, WEFT_POLL);
}
WEFT_TASK(serve, job, long, .ends = {WEFT_END(job, in), WEFT_END(job, out)});

static int quiet(const int *, weft_none *) noexcept
{
    return 0;
}
WEFT_TASK(quiet, int, weft_none);

namespace inner {
static int cube(const int *n, long *out)
{
    *out = static_cast<long>(*n) * *n * *n;
    return 0;
}
WEFT_TASK(cube, int, long);
} // namespace inner

int use_net(weft_conn *c);
int use_net(weft_conn *c)
{
    WEFT_SCOPED(weft_listener_close) weft_listener *plain = weft_listen(":0");
    WEFT_SCOPED(weft_listener_close)
    weft_listener *shared = weft_listen("[::]:80", .backlog = 16, .reuse_port = true,
                                        .v6_only = true);
    iovec parts[] = {{nullptr, 0}, {nullptr, 0}};
    int rc = plain && shared ? weft_conn_keepalive(c, 60) : weft_error_code();
    return rc ? rc : weft_writev(c, parts, 2, WEFT_POLL);
}

int use_tls(weft_conn *c);
int use_tls(weft_conn *c)
{
    WEFT_SCOPED(weft_tls_free)
    weft_tls *server = weft_tls_server("a.pem", .key = "k", .alpn = "h2");
    WEFT_SCOPED(weft_tls_free) weft_tls *client = weft_tls_client(nullptr, .alpn = "h2");
    return server && client ? weft_tls_start(c, client, "a.test", WEFT_POLL) : weft_error_code();
}

int use_pool(int *number);
int use_pool(int *number)
{
    WEFT_SCOPED(weft_pool_close) weft_pool *plain = weft_pool_open(WEFT_THREADS);
    WEFT_SCOPED(weft_pool_close)
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 4, .max_spares = 8);
    request r{"u", 500};
    const char *text = "abc";
    WEFT_SCOPED(weft_drop) weft_future *f = weft_submit(plain, square, number);
    weft_future *g = weft_submit_until(pool, weft_after_ms(3), page, &r);
    weft_future *h = weft_start(WEFT_THREADS, quiet, number);
    weft_future *i = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .name = "first", .daemon = true),
                                   page, &r);
    weft_drop(&h), weft_drop(&i);
    long out, outs[3];
    size_t size;
    int in[3] = {1, 2, 3};
    int rc = weft_wait(f, WEFT_FOREVER);
    rc = rc ? rc : weft_join_as(&f, square, &out);
    rc = rc ? rc : weft_join(&g, nullptr, 0);
    rc = rc ? rc : weft_spawn(plain, page, &r);
    rc = rc ? rc : weft_map(plain, WEFT_FOREVER, square, 3, outs, in);
    rc = rc ? rc : weft_block(length, &size, &text);
    {
        using namespace inner;
        rc = rc ? rc : weft_block(cube, &out, number);
    }
    WEFT_SCOPED(weft_group_close) weft_group *all = weft_group_open(pool, .cancel_rest = true);
    return rc ? rc : weft_group_add(all, 1, page, &r);
}

static int compare(const void *a, const void *b)
{
    return *static_cast<const int *>(a) - *static_cast<const int *>(b);
}

int use_shared(int *number)
{
    WEFT_SCOPED(weft_shared_queue_free)
    weft_shared_queue *q = weft_shared_queue_new(sizeof(int), 3);
    int *region = static_cast<int *>(weft_shared(sizeof *region));
    int rc = weft_shared_put(q, number, WEFT_POLL);
    rc = rc ? rc : weft_shared_get(q, region, WEFT_POLL);
    weft_shared_free(&region);
    return rc;
}

int use_queue(int *number);
int use_queue(int *number)
{
    WEFT_SCOPED(weft_queue_free)
    weft_queue *q = weft_queue_new(sizeof(int), .capacity = 3, .order = WEFT_PRIORITY,
                                   .compare = compare);
    int rc = weft_put(q, number, WEFT_POLL);
    return rc ? rc : weft_get(q, number, WEFT_FOREVER);
}

static weft_local user = WEFT_LOCAL(std::free);
static weft_sem slots = WEFT_SEM(3), bounded = WEFT_BOUNDED_SEM(2);
static weft_barrier barrier = WEFT_BARRIER(4);

int use_sync(weft_mutex *m);
int use_sync(weft_mutex *m)
{
    weft_mutex mine{};
    // clang-format off
    weft_defer(std::free, std::malloc(3)); weft_defer(std::free, std::malloc(3));
    weft_guard(m); weft_guard(&mine); // two on one line
    // clang-format on
    int rc = weft_acquire(&slots, WEFT_POLL);
    rc = rc ? rc : weft_acquire(&bounded, WEFT_POLL);
    rc = rc ? rc : weft_barrier_wait(&barrier, weft_sooner(weft_after_ms(1), weft_now()));
    return rc ? rc : weft_local_set(&user, weft_local_get(&user));
}

int use_explorer(void (*fn)(void *), int *p);
int use_explorer(void (*fn)(void *), int *p)
{
    weft_explore_point();
    weft_explore_reads(p);
    weft_explore_writes(p);
    weft_explore_check(*p == 0);
    return weft_explore(fn) + weft_explore(fn, .name = "all", .bound = 1);
}

static_assert(WEFT_VERSION_MAJOR >= 0 && WEFT_VERSION_MINOR >= 0 && WEFT_VERSION_PATCH >= 0,
              "the version is made of numbers");
static_assert(sizeof(weft_mutex) == 16 && sizeof(weft_event) == 16, "locks are two words");
