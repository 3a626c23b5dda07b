// SPDX-License-Identifier: MIT
// fetch_driver_test.c - programs/fetch/driver.h: a transfer comes back to its task however it ends,
// and only when the driver has let go of it.
//
// Each test runs its tasks twice: as fibers, whose driver is one on their loop, and as threads,
// whose driver is a thread.
#include "contract.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>

#include "fetch/driver.h"

enum { MANY = 40, HOUR_MS = 3600000 };

// ---- servers --------------------------------------------------------------------------------

struct server {
    int fd;
    char url[40];
    weft_future *task; // NULL: connections stand, and nothing comes
};

static int answer_all(const int *listener, weft_none *none)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
                               "12345";
    (void)none;
    for (;;) {
        int fd = accept(*listener, NULL, NULL);
        if (fd < 0)
            return 0; // it was shut down
        char bytes[4096];
        if (recv(fd, bytes, sizeof bytes, 0) > 0)
            (void)send(fd, text, sizeof text - 1, MSG_NOSIGNAL); // he may have been stopped
        close(fd);
    }
}
WEFT_TASK(answer_all, int, weft_none);

static int serve(struct server *s, bool answers)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    *s = (struct server){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    CHECK(s->fd >= 0 && bind(s->fd, (struct sockaddr *)&at, size) == 0);
    CHECK(listen(s->fd, MANY) == 0 && getsockname(s->fd, (struct sockaddr *)&at, &size) == 0);
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d/", ntohs(at.sin_port));
    if (answers)
        s->task = weft_start(WEFT_THREADS, answer_all, &s->fd);
    return 0;
}

static int stop(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    if (s->task)
        CHECK(weft_join(&s->task, NULL, 0) == 0);
    close(s->fd);
    return 0;
}

// ---- tasks with a transfer ------------------------------------------------------------------

struct order {
    struct driver *d;
    const char *url;
    weft_time due;
};

static size_t drop(char *bytes, size_t one, size_t size, void *arg)
{
    (void)bytes;
    *(size_t *)arg += size;
    return one * size;
}

// Ask once, from memory that is gone when it returns. *code is libcurl's.
static int ask(const struct order *o, CURLcode *code)
{
    size_t got = 0;
    struct transfer *t = malloc(sizeof *t);
    CHECK(t != NULL);
    *t = (struct transfer){.easy = curl_easy_init(), .due = o->due};
    CHECK(t->easy && curl_easy_setopt(t->easy, CURLOPT_URL, o->url) == CURLE_OK);
    CHECK(curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK);
    CHECK(curl_easy_setopt(t->easy, CURLOPT_PROXY, "") == CURLE_OK);
    CHECK(curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, drop) == CURLE_OK);
    CHECK(curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, &got) == CURLE_OK);
    *code = driver_run(o->d, t);
    CHECK((*code == CURLE_OK) == (got == 5));
    curl_easy_cleanup(t->easy);
    memset(t, 0xa5, sizeof *t); // who still believes in it is found
    free(t);
    return 0;
}
WEFT_TASK(ask, struct order, CURLcode);

// What a test does, in a task of the kind whose driver it is to have.
struct act {
    enum weft_kind kind;
    int (*play)(enum weft_kind kind);
};

static int play(const struct act *scene, weft_none *none)
{
    (void)none;
    return scene->play(scene->kind);
}
WEFT_TASK(play, struct act, weft_none);

static void play_twice(int (*scene)(enum weft_kind kind))
{
    static const enum weft_kind kinds[] = {WEFT_FIBERS, WEFT_THREADS};
    for (size_t i = 0; i < 2; i++) {
        struct act s = {kinds[i], scene};
        weft_future *f = weft_start(kinds[i], play, &s);
        assert_non_null(f);
        assert_int_equal(weft_join(&f, NULL, 0), 0);
    }
}

static CURLcode code_of(weft_future **f)
{
    CURLcode code;
    return weft_join_as(f, ask, &code) == 0 ? code : CURLE_FAILED_INIT;
}

// ---- the tests ------------------------------------------------------------------------------

static int six_pages(enum weft_kind kind)
{
    struct server s;
    CHECK(serve(&s, true) == 0);
    struct driver *d = driver_open(4);
    CHECK(d != NULL);
    for (int i = 0; i < 6; i++) {
        struct order o = {d, s.url, WEFT_FOREVER};
        weft_future *f = weft_start(kind, ask, &o);
        CHECK(code_of(&f) == CURLE_OK);
    }
    driver_close(&d);
    driver_close(&d); // a NULL one is closed already
    return stop(&s);
}

TEST(pages_come_one_after_another)
{
    play_twice(six_pages);
}

static int overdue(enum weft_kind kind)
{
    struct server s;
    CHECK(serve(&s, false) == 0);
    struct driver *d = driver_open(MANY);
    weft_future *f[3];
    weft_time due[3] = {weft_after_ms(HOUR_MS), weft_after_ms(30), weft_after_ms(10)};
    for (int i = 0; i < 3; i++) {
        struct order o = {d, s.url, due[i]};
        f[i] = weft_start(kind, ask, &o);
    }
    CHECK(code_of(&f[1]) == CURLE_OPERATION_TIMEDOUT);
    CHECK(code_of(&f[2]) == CURLE_OPERATION_TIMEDOUT);
    CHECK(weft_wait(f[0], WEFT_POLL) == -ETIMEDOUT); // an hour is not over
    weft_cancel(f[0]);
    CHECK(code_of(&f[0]) == CURLE_ABORTED_BY_CALLBACK);
    driver_close(&d);
    return stop(&s);
}

TEST(what_is_overdue_ends_and_the_others_go_on)
{
    play_twice(overdue);
}

static int cancelled(enum weft_kind kind)
{
    struct server s;
    CHECK(serve(&s, false) == 0);
    struct driver *d = driver_open(MANY);
    struct order o = {d, s.url, WEFT_FOREVER};
    weft_future *f[MANY];
    for (int i = 0; i < MANY; i++) {
        f[i] = weft_start(kind, ask, &o);
        if (i % 4 == 0) // some while they are in the inbox or not even there, some under way
            weft_cancel(f[i]);
        if (i % 8 == 0)
            weft_yield();
    }
    CHECK(weft_sleep(soon()) == 0);
    for (int i = 0; i < MANY; i++)
        weft_cancel(f[i]);
    for (int i = 0; i < MANY; i++)
        CHECK(code_of(&f[i]) == CURLE_ABORTED_BY_CALLBACK);
    driver_close(&d);
    return stop(&s);
}

TEST(who_is_asked_to_stop_gets_his_transfer_back)
{
    play_twice(cancelled);
}

// Each a step later than the one before: not there yet, in the inbox, taken in.
static int cancelled_at_each_step(enum weft_kind kind)
{
    struct server s;
    CHECK(serve(&s, false) == 0);
    struct driver *d = driver_open(MANY);
    struct order o = {d, s.url, WEFT_FOREVER};
    for (int steps = 0; steps < 12; steps++) {
        weft_future *f = weft_start(kind, ask, &o);
        for (int i = 0; i < steps; i++)
            weft_yield();
        weft_cancel(f);
        CHECK(code_of(&f) == CURLE_ABORTED_BY_CALLBACK);
    }
    driver_close(&d);
    return stop(&s);
}

TEST(who_is_asked_to_stop_between_any_two_steps_gets_his_transfer_back)
{
    play_twice(cancelled_at_each_step);
}

static int racing(enum weft_kind kind)
{
    struct server s;
    CHECK(serve(&s, true) == 0);
    struct driver *d = driver_open(MANY);
    for (int round = 0; round < 60; round++) {
        struct order o = {d, s.url, weft_after_ms(HOUR_MS)};
        weft_future *f = weft_start(kind, ask, &o);
        for (int i = 0; i < round; i++)
            weft_yield();
        weft_cancel(f);
        CURLcode code = code_of(&f);
        CHECK(code == CURLE_OK || code == CURLE_ABORTED_BY_CALLBACK);
    }
    driver_close(&d);
    return stop(&s);
}

TEST(a_stop_that_comes_with_the_end_of_a_transfer_loses_nothing)
{
    play_twice(racing);
}

static size_t tighten(char *line, size_t one, size_t size, void *arg)
{
    struct transfer *t = arg;
    (void)line;
    transfer_due(t, (weft_time){transfer_now(t).ns + 10000000});
    return one * size;
}

static int say_half(const int *listener, weft_none *none)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1";
    char bytes[4096];
    (void)none;
    int fd = accept(*listener, NULL, NULL);
    CHECK(recv(fd, bytes, sizeof bytes, 0) > 0);
    CHECK(send(fd, text, sizeof text - 1, MSG_NOSIGNAL) > 0);
    CHECK(recv(fd, bytes, sizeof bytes, 0) <= 0); // until it is given up
    close(fd);
    return 0;
}
WEFT_TASK(say_half, int, weft_none);

static int moved(enum weft_kind kind)
{
    struct server s;
    CHECK(serve(&s, false) == 0);
    struct driver *d = driver_open(MANY);
    (void)kind;
    s.task = weft_start(WEFT_THREADS, say_half, &s.fd);
    struct transfer half = {.easy = curl_easy_init(), .due = WEFT_FOREVER};
    CURL *easy = half.easy;
    size_t got = 0;
    CHECK(curl_easy_setopt(easy, CURLOPT_URL, s.url) == CURLE_OK);
    CHECK(curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK);
    CHECK(curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, tighten) == CURLE_OK);
    CHECK(curl_easy_setopt(easy, CURLOPT_HEADERDATA, &half) == CURLE_OK);
    CHECK(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop) == CURLE_OK);
    CHECK(curl_easy_setopt(easy, CURLOPT_WRITEDATA, &got) == CURLE_OK);
    CHECK(driver_run(d, &half) == CURLE_OPERATION_TIMEDOUT);
    CHECK(got == 1);
    curl_easy_cleanup(easy);
    driver_close(&d);
    return stop(&s);
}

TEST(a_callback_may_bring_the_end_nearer)
{
    play_twice(moved);
}

// Asks while the process has no descriptor left, though it has again when that is told.
static int asked_without_any(struct driver *d, struct transfer *t)
{
    struct rlimit most;
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(next >= 0 && getrlimit(RLIMIT_NOFILE, &most) == 0);
    struct rlimit none = {(rlim_t)next, most.rlim_max};
    close(next);
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CURLcode code = driver_run(d, t);
    CHECK(setrlimit(RLIMIT_NOFILE, &most) == 0);
    CHECK(code == CURLE_COULDNT_CONNECT && transfer_refused(t) == EMFILE);
    return 0;
}

static int refused(enum weft_kind kind)
{
    struct server s;
    CHECK(serve(&s, false) == 0 && stop(&s) == 0); // nobody is there any more
    struct driver *d = driver_open(4);
    struct transfer t = {.easy = curl_easy_init(), .due = WEFT_FOREVER};
    (void)kind;
    CHECK(d && curl_easy_setopt(t.easy, CURLOPT_URL, s.url) == CURLE_OK);
    CHECK(curl_easy_setopt(t.easy, CURLOPT_PROXY, "") == CURLE_OK);
    CHECK(asked_without_any(d, &t) == 0);
    CHECK(driver_run(d, &t) == CURLE_COULDNT_CONNECT && transfer_refused(&t) == 0);
    curl_easy_cleanup(t.easy);
    driver_close(&d);
    return 0;
}

TEST(why_there_was_no_socket_is_known_afterwards)
{
    play_twice(refused);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(pages_come_one_after_another),
    cmocka_unit_test(what_is_overdue_ends_and_the_others_go_on),
    cmocka_unit_test(who_is_asked_to_stop_gets_his_transfer_back),
    cmocka_unit_test(who_is_asked_to_stop_between_any_two_steps_gets_his_transfer_back),
    cmocka_unit_test(a_stop_that_comes_with_the_end_of_a_transfer_loses_nothing),
    cmocka_unit_test(a_callback_may_bring_the_end_nearer),
    cmocka_unit_test(why_there_was_no_socket_is_known_afterwards),
};

int main(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
