// SPDX-License-Identifier: MIT
// all.c - every macro of the headers at least once, in C; only compiled. See alone.py.
#include <stdlib.h>
#include <string.h>

#include <weft/explore.h>
#include <weft/weft.h>

struct request {
    const char *url;
    int limit_ms;
};
struct range {
    long low, high;
};
struct name {
    char text[64];
};

static int square(const int *n, long *out)
{
    *out = (long)*n * *n;
    return 0;
}
WEFT_TASK(square, int, long);

static int page(const struct request *r, long *out)
{
    *out = (long)strlen(r->url) + r->limit_ms;
    return 0;
}
WEFT_TASK(page, struct request, long);

static int length(const char *const *s, size_t *out)
{
    *out = strlen(*s);
    return 0;
}
WEFT_TASK(length, const char *, size_t);

static int nothing(const weft_none *argument, weft_none *result)
{
    (void)argument, (void)result;
    return 0;
}
WEFT_TASK(nothing, weft_none, weft_none);

static int name_length(const struct name *n, size_t *out)
{
    *out = strlen(n->text);
    return 0;
}
WEFT_TASK(name_length, struct name, size_t);

struct job {
    weft_end in, out;
};
static int serve(const struct job *job, long *out)
{
    WEFT_SCOPED(weft_end_close) weft_end in = job->in;
    *out = weft_recv(in, NULL, 0, WEFT_POLL);
    return weft_send(job->out, NULL, 0, WEFT_POLL);
}
WEFT_TASK(serve, struct job, long, .ends = {WEFT_END(struct job, in), WEFT_END(struct job, out)});

int elsewhere(const int *argument, long *result) __attribute__((warn_unused_result));
WEFT_TASK(elsewhere, int, long);

// Hands over itself: prototype and WEFT_TASK come before the body.
static int sum(const struct range *r, long *out);
WEFT_TASK(sum, struct range, long);
static int sum(const struct range *r, long *out)
{
    if (r->high - r->low < 2) {
        *out = r->low;
        return 0;
    }
    long middle = r->low + (r->high - r->low) / 2, left, right;
    weft_future *f = weft_start(WEFT_THREADS, sum, &(struct range){r->low, middle});
    int rc = weft_block(sum, &right, &(struct range){middle, r->high});
    int left_rc = weft_join_as(&f, sum, &left);
    if (rc == 0 && left_rc == 0)
        *out = left + right;
    return rc < 0 ? rc : left_rc;
}

static int set_up(void *ctx)
{
    (void)ctx;
    return 0;
}

int use_pool(int *numbers);
int use_pool(int *numbers)
{
    WEFT_SCOPED(weft_pool_close) weft_pool *plain = weft_pool_open(WEFT_THREADS);
    WEFT_SCOPED(weft_pool_close)
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 4, .max_spares = 8,
                                     .on_start = set_up, .name = "pool");
    WEFT_SCOPED(weft_drop) weft_future *f = weft_submit(plain, square, &(int){7});
    weft_future *g = weft_submit(pool, page, &(struct request){.url = "u", .limit_ms = 500});
    weft_future *h = weft_submit_until(pool, weft_after_ms(5), length, &(const char *){"abc"});
    weft_future *i = weft_start(WEFT_THREADS, nothing, &(weft_none){0});
    weft_future *j = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .name = "first", .daemon = true),
                                   square, numbers++);
    weft_future *k = weft_start(WEFT_THREADS, name_length, &(struct name){"abc"});
    weft_future *l = weft_submit(pool, elsewhere, numbers);
    weft_drop(&i), weft_drop(&j), weft_drop(&k), weft_drop(&l);
    if (!f || !g)
        return weft_fail(weft_error_code(), "pool: %s", weft_error());
    long out, outs[3];
    size_t size;
    if (weft_wait(f, weft_after_ms(3)) == -ETIMEDOUT)
        weft_cancel(f);
    int rc = weft_join_as(&f, square, &out);
    rc = rc ? rc : weft_join(&g, NULL, 0);
    rc = rc ? rc : weft_join_as(&h, length, &size);
    rc = rc ? rc : weft_spawn(plain, page, &(struct request){"x", 3});
    rc = rc ? rc : weft_map(plain, WEFT_FOREVER, square, 3, outs, (int[]){1, 2, 3});
    return rc;
}

int use_group(weft_pool *pool);
int use_group(weft_pool *pool)
{
    WEFT_SCOPED(weft_group_close) weft_group *all = weft_group_open(pool, .cancel_rest = true);
    weft_group *some = weft_group_open(pool);
    weft_group_close(&some);
    int rc = weft_group_add(all, 1, page, &(struct request){"x", 3});
    struct weft_outcome o;
    long out;
    while (weft_group_next(all, &o, &out, sizeof out, WEFT_FOREVER) > 0)
        rc = o.code < 0 ? weft_fail(o.code, "%s", o.message) : rc;
    return rc;
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

int use_queue(void);
int use_queue(void)
{
    WEFT_SCOPED(weft_queue_free) weft_queue *q = weft_queue_new(sizeof(int), .capacity = 3);
    WEFT_SCOPED(weft_queue_free)
    weft_queue *p = weft_queue_new(sizeof(int), .order = WEFT_PRIORITY, .compare = compare);
    WEFT_SCOPED(weft_queue_free)
    weft_queue *l = weft_queue_new(sizeof(struct request), .order = WEFT_LIFO);
    int x = 3;
    int rc = weft_put(q, &x, WEFT_FOREVER);
    rc = rc ? rc : weft_put(l, (&(struct request){"u", 2}), WEFT_POLL);
    return rc ? rc : weft_get(p, &x, WEFT_FOREVER);
}

int use_net(weft_conn *c);
int use_net(weft_conn *c)
{
    WEFT_SCOPED(weft_listener_close) weft_listener *plain = weft_listen(":0");
    WEFT_SCOPED(weft_listener_close)
    weft_listener *shared = weft_listen("[::]:80", .backlog = 16, .reuse_port = true,
                                        .v6_only = true);
    struct iovec parts[] = {{NULL, 0}, {NULL, 0}};
    int rc = plain && shared ? weft_conn_keepalive(c, 60) : weft_error_code();
    return rc ? rc : weft_writev(c, parts, 2, WEFT_POLL);
}

int use_tls(weft_conn *c);
int use_tls(weft_conn *c)
{
    WEFT_SCOPED(weft_tls_free)
    weft_tls *server = weft_tls_server("a.pem", .key = "k", .alpn = "h2");
    WEFT_SCOPED(weft_tls_free) weft_tls *client = weft_tls_client(NULL, .alpn = "h2");
    return server && client ? weft_tls_start(c, client, "a.test", WEFT_POLL) : weft_error_code();
}

static weft_local user = WEFT_LOCAL(free);
static weft_sem slots = WEFT_SEM(3), bounded = WEFT_BOUNDED_SEM(2);
static weft_barrier barrier = WEFT_BARRIER(4);

int use_sync(weft_mutex *m, weft_mutex *n);
int use_sync(weft_mutex *m, weft_mutex *n)
{
    char *text = malloc(10), *more = malloc(10);
    // clang-format off
    weft_defer(free, text); weft_defer(free, more);
    weft_guard(m); weft_guard(n); // two on one line
    // clang-format on
    int rc = weft_acquire(&slots, WEFT_POLL);
    rc = rc ? rc : weft_acquire(&bounded, WEFT_POLL);
    rc = rc ? rc : weft_barrier_wait(&barrier, weft_sooner(weft_after_ms(1), weft_now()));
    return rc ? rc : weft_local_set(&user, weft_local_get(&user));
}

int use_shared(int x);
int use_shared(int x)
{
    WEFT_SCOPED(weft_shared_queue_free)
    weft_shared_queue *q = weft_shared_queue_new(sizeof(int), 3);
    int *number = weft_shared(sizeof *number);
    int rc = weft_shared_put(q, &x, WEFT_FOREVER);
    rc = rc ? rc : weft_shared_get(q, number, WEFT_POLL);
    weft_shared_free(&number);
    return rc;
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

_Static_assert(WEFT_VERSION_MAJOR >= 0 && WEFT_VERSION_MINOR >= 0 && WEFT_VERSION_PATCH >= 0,
               "the version is made of numbers");
_Static_assert(sizeof(weft_mutex) == 16 && sizeof(weft_event) == 16, "locks are two words");
