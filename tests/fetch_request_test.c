// SPDX-License-Identifier: MIT
// fetch_request_test.c - programs/fetch/request.h: what is asked of libcurl for a page, how often,
// and on whose stack: the loop's, for a fiber's is small.
#define _GNU_SOURCE // pthread_getattr_np
#define CURL_DISABLE_TYPECHECK
#include "contract.h"

#include <arpa/inet.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <zlib.h>

#include "fetch/fetcher.h"
#include "fetch/memory.h"

enum { MANY = 30, ASKED = 3, HOUR_S = 3600 };

// ---- on whose stack -------------------------------------------------------------------------

static atomic_int calls, added;
static const char *_Atomic on_fiber; // the last call that was not on its thread's own stack

static void see_stack(const char *call)
{
    pthread_attr_t attr;
    void *bottom = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        (void)pthread_attr_getstack(&attr, &bottom, &size);
        (void)pthread_attr_destroy(&attr);
    }
    if ((uintptr_t)__builtin_frame_address(0) - (uintptr_t)bottom >= size)
        atomic_store(&on_fiber, call);
    atomic_fetch_add(&calls, 1);
}

#define WRAPPED(type, name, parameters, ...) \
    type __real_##name parameters; \
    type __wrap_##name parameters; \
    type __wrap_##name parameters \
    { \
        see_stack(#name); \
        return __real_##name(__VA_ARGS__); \
    }
WRAPPED(CURL *, curl_easy_init, (void))
WRAPPED(void, curl_easy_cleanup, (CURL * easy), easy)
WRAPPED(CURLHcode, curl_easy_header,
        (CURL * easy, const char *name, size_t index, unsigned origin, int request,
         struct curl_header **header),
        easy, name, index, origin, request, header)
WRAPPED(CURLM *, curl_multi_init, (void))
WRAPPED(CURLMcode, curl_multi_cleanup, (CURLM * multi), multi)
WRAPPED(CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL *easy), multi, easy)
WRAPPED(CURLMcode, curl_multi_socket_action, (CURLM * multi, curl_socket_t fd, int bits, int *left),
        multi, fd, bits, left)
WRAPPED(CURLMsg *, curl_multi_info_read, (CURLM * multi, int *left), multi, left)
WRAPPED(CURLU *, curl_url, (void))
WRAPPED(void, curl_url_cleanup, (CURLU * url), url)
WRAPPED(CURLUcode, curl_url_set, (CURLU * url, CURLUPart part, const char *text, unsigned flags),
        url, part, text, flags)
WRAPPED(CURLUcode, curl_url_get, (const CURLU *url, CURLUPart part, char **text, unsigned flags),
        url, part, text, flags)
WRAPPED(struct curl_slist *, curl_slist_append, (struct curl_slist * list, const char *text), list,
        text)
WRAPPED(void, curl_slist_free_all, (struct curl_slist * list), list)
WRAPPED(void, X509_free, (X509 * x), x)
WRAPPED(int, inflate, (z_stream * z, int flush), z, flush)
WRAPPED(int, inflateEnd, (z_stream * z), z)

CURLMcode __real_curl_multi_add_handle(CURLM *multi, CURL *easy);
CURLMcode __wrap_curl_multi_add_handle(CURLM *multi, CURL *easy);
CURLMcode __wrap_curl_multi_add_handle(CURLM *multi, CURL *easy)
{
    see_stack("curl_multi_add_handle");
    atomic_fetch_add(&added, 1);
    return __real_curl_multi_add_handle(multi, easy);
}

// Each has one argument more, of the size of a pointer.
#define WRAPPED_MORE(type, name, handle, option) \
    type __real_##name(handle *at, option what, ...); \
    type __wrap_##name(handle *at, option what, ...); \
    type __wrap_##name(handle *at, option what, ...) \
    { \
        va_list args; \
        va_start(args, what); \
        void *value = va_arg(args, void *); \
        va_end(args); \
        see_stack(#name); \
        return __real_##name(at, what, value); \
    }
WRAPPED_MORE(CURLcode, curl_easy_setopt, CURL, CURLoption)
WRAPPED_MORE(CURLcode, curl_easy_getinfo, CURL, CURLINFO)
WRAPPED_MORE(CURLMcode, curl_multi_setopt, CURLM, CURLMoption)

// ---- a server -------------------------------------------------------------------------------

struct server {
    int fd, port;
    weft_future *task;
};

static int serve(struct server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(s->fd >= 0 && bind(s->fd, (struct sockaddr *)&at, size) == 0);
    CHECK(listen(s->fd, MANY) == 0 && getsockname(s->fd, (struct sockaddr *)&at, &size) == 0);
    s->port = ntohs(at.sin_port);
    return 0;
}

static int stop(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    CHECK(weft_join(&s->task, NULL, 0) == 0);
    close(s->fd);
    return 0;
}

static void answer(int fd)
{
    static const char moved[] = "HTTP/1.1 302 Found\r\nLocation: ../b c/\xc3\xa9?d\r\n"
                                "Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n";
    static const char packed[] = // of "hello\n"
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 26\r\n"
        "Connection: close\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03\xcbH\xcd\xc9\xc9\xe7\x02\0"
        "\x20\x30\x3a\x36\x06\0\0\0";
    char bytes[4096];
    while (recv(fd, bytes, sizeof bytes, 0) > 0) {
        bool first = memcmp(bytes, "GET /a ", 7) == 0;
        const char *text = first ? moved : packed;
        (void)send(fd, text, (first ? sizeof moved : sizeof packed) - 1, MSG_NOSIGNAL);
    }
}

static int redirect_all(const int *listener, weft_none *none)
{
    (void)none;
    for (int fd; (fd = accept(*listener, NULL, NULL)) >= 0; close(fd))
        answer(fd);
    return 0; // it was shut down
}
WEFT_TASK(redirect_all, int, weft_none);

// Answers each of MANY that are there at once, and resets all that are asked again.
static int reset_all(const int *listener, weft_none *none)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1";
    struct pollfd all[1 + MANY] = {{.fd = *listener, .events = POLLIN}};
    char bytes[4096];
    (void)none;
    for (int i = 1; i <= MANY; i++) {
        all[i] = (struct pollfd){.fd = accept(*listener, NULL, NULL), .events = POLLIN};
        CHECK(recv(all[i].fd, bytes, sizeof bytes, 0) > 0);
    }
    for (int i = 1; i <= MANY; i++)
        CHECK(send(all[i].fd, text, sizeof text - 1, MSG_NOSIGNAL) > 0);
    while (poll(all, 1 + MANY, -1) > 0 && !all[0].revents)
        for (int i = 1; i <= MANY; i++) {
            const struct linger reset = {.l_onoff = 1};
            if (all[i].fd < 0 || !all[i].revents)
                continue;
            setsockopt(all[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            close(all[i].fd);
            all[i].fd = -1;
        }
    for (int i = 1; i <= MANY; i++)
        if (all[i].fd >= 0)
            close(all[i].fd);
    return 0;
}
WEFT_TASK(reset_all, int, weft_none);

// ---- pages ----------------------------------------------------------------------------------

static const struct fetch_settings settings = {
    .at_once = MANY,
    .limits = {.total_ns = HOUR_S * INT64_C(1000000000),
               .connect_ns = HOUR_S * INT64_C(1000000000),
               .first_byte_ns = HOUR_S * INT64_C(1000000000),
               .idle_ns = HOUR_S * INT64_C(1000000000),
               .encoded = 1 << 20,
               .decoded = 1 << 20,
               .header = 1 << 16,
               .redirects = 3},
};

struct wish {
    struct fetcher *fetcher;
    char url[64];
};

static int fetch(const struct wish *w, int64_t *decoded)
{
    struct page page;
    enum page_fault fault = fetch_page(w->fetcher, w->url, &page);
    *decoded = page.decoded;
    page_free(&page);
    return (int)fault;
}
WEFT_TASK(fetch, struct wish, int64_t);

static int go_elsewhere(const struct server *s, weft_none *none)
{
    (void)none;
    int64_t decoded = 0;
    struct wish w = {.fetcher = fetcher_open(&settings)};
    CHECK(w.fetcher);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(w.url, sizeof w.url, "http://127.0.0.1:%d/a", s->port);
        CHECK(fetch(&w, &decoded) == FAULT_NONE && decoded == 6);
    }
    fetcher_close(&w.fetcher);
    return 0;
}
WEFT_TASK(go_elsewhere, struct server, weft_none);

TEST(libcurl_and_what_it_brings_are_called_on_the_threads_stack)
{
    struct server s;
    assert_int_equal(serve(&s), 0);
    s.task = weft_start(WEFT_THREADS, redirect_all, &s.fd);
    weft_future *f = weft_start(WEFT_FIBERS, go_elsewhere, &s);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(stop(&s), 0);
    assert_true(atomic_load(&calls) > 100);
    assert_null(atomic_load(&on_fiber));
}

static int ask_again(const struct server *s, weft_none *none)
{
    (void)none;
    int64_t decoded = 0;
    weft_future *all[MANY];
    struct wish w = {.fetcher = fetcher_open(&settings)};
    CHECK(w.fetcher);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(w.url, sizeof w.url, "http://127.0.0.1:%d/%d", s->port, i);
        all[i] = weft_start(WEFT_FIBERS, fetch, &w);
    }
    for (int i = 0; i < MANY; i++)
        CHECK(weft_join_as(&all[i], fetch, &decoded) == FAULT_NONE && decoded == 1);
    atomic_store(&added, 0);
    CHECK(fetch(&w, &decoded) != FAULT_NONE);
    fetcher_close(&w.fetcher);
    return 0;
}
WEFT_TASK(ask_again, struct server, weft_none);

// libcurl itself takes several of them one after the other, each time.
TEST(where_all_kept_connections_are_dead_it_is_asked_three_times)
{
    struct server s;
    assert_int_equal(serve(&s), 0);
    s.task = weft_start(WEFT_THREADS, reset_all, &s.fd);
    weft_future *f = weft_start(WEFT_FIBERS, ask_again, &s);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(stop(&s), 0);
    assert_int_equal(atomic_load(&added), ASKED);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(libcurl_and_what_it_brings_are_called_on_the_threads_stack),
    cmocka_unit_test(where_all_kept_connections_are_dead_it_is_asked_three_times),
};

int main(void)
{
    if (!memory_begin(MANY))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    memory_end();
    return failed;
}
