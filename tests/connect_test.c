// SPDX-License-Identifier: MIT
// connect_test.c - a host with several addresses: in which order they are tried, what becomes of
// those that do not answer, and which error it is when none does. net_test.c has hosts with one.
#include "deaf.h"
#include "resolver.h"
#include "shortage.h"

// ---- the attempts, as they come ----------------------------------------------------------

// An attempt on port SCRIPTED + N fails with errno N. No system gives out such ports.
enum { MOST = 64, SCRIPTED = 600 };

static struct {
    uint16_t ports[MOST];
    int64_t at_ns[MOST];
    atomic_int count;
} attempts;

static uint16_t port_in(const struct sockaddr *address)
{
    return ntohs(address->sa_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                                                : ((const struct sockaddr_in *)address)->sin_port);
}

IN_PLACE_OF(int, connect, int fd, const struct sockaddr *address, socklen_t size)
{
    int i = atomic_load(&attempts.count);
    uint16_t port = port_in(address);
    if (i < MOST) {
        attempts.ports[i] = port;
        attempts.at_ns[i] = weft_now().ns;
        atomic_store(&attempts.count, i + 1);
    }
    if (port <= SCRIPTED || port > SCRIPTED + 200)
        return real_connect(fd, address, size);
    errno = port - SCRIPTED;
    return -1;
}

static void await_attempts(int n)
{
    while (atomic_load(&attempts.count) < n)
        nap_ms(1);
}

static void forget_attempts(void)
{
    atomic_store(&attempts.count, 0);
}

static void host_fails_with(int error)
{
    resolver_adds(address_of("127.0.0.1", (uint16_t)(SCRIPTED + error)));
}

// A host of one address that never answers, and one that does.
struct halves {
    struct deaf deaf;
    weft_listener *listener;
};

static void half_a_host(struct halves *h)
{
    go_deaf(&h->deaf);
    h->listener = weft_listen("127.0.0.1:0");
    forget_attempts();
    resolver_adds(address_of("127.0.0.1", h->deaf.port));
}

static void rest_of_it(struct halves *h)
{
    resolver_adds(address_of("127.0.0.1", port_of(weft_listener_address(h->listener))));
}

static void end_host(struct halves *h)
{
    end_deaf(&h->deaf);
    weft_listener_close(&h->listener);
}

// ---- the order ---------------------------------------------------------------------------

static void the_families_take_turns(void **state)
{
    (void)state;
    static const struct {
        const char *given, *tried;
    } orders[] = {
        {"446646", "464646"}, {"664444", "646444"}, {"4444", "4444"}, {"644", "644"}, {"46", "46"},
    };
    if (!have_v6())
        skip();
    for (size_t i = 0; i < COUNT(orders); i++) {
        // The third 4 of the host fails with errno 23, the second 6 with errno 42, and so on.
        int fours = 20, sixes = 40;
        for (const char *g = orders[i].given; *g; g++) {
            int error = *g == '4' ? ++fours : ++sixes;
            resolver_adds(
                address_of(*g == '4' ? "127.0.0.1" : "::1", (uint16_t)(SCRIPTED + error)));
        }
        forget_attempts();
        assert_null(connect_by_name(WEFT_FOREVER));
        assert_int_equal(atomic_load(&attempts.count), strlen(orders[i].given));
        fours = 20, sixes = 40;
        for (size_t j = 0; orders[i].tried[j]; j++)
            assert_int_equal(attempts.ports[j] - SCRIPTED,
                             orders[i].tried[j] == '4' ? ++fours : ++sixes);
    }
}

static void a_silent_address_has_a_head_start_and_then_company(void **state)
{
    (void)state;
    struct halves h;
    int before = open_descriptors();
    half_a_host(&h);
    rest_of_it(&h);
    weft_conn *c = connect_by_name(much_later());
    assert_non_null(c);
    assert_string_equal(weft_peer(c), weft_listener_address(h.listener));
    assert_int_equal(atomic_load(&attempts.count), 2);
    assert_true(attempts.at_ns[1] - attempts.at_ns[0] >= 250 * 1000 * 1000);
    weft_conn_close(&c);
    end_host(&h);
    assert_in_range(open_descriptors(), before, before + 1); // the bell of this thread
}

// Its queue gets room at last: the kernel asks again after a second.
static void who_has_company_is_still_in_the_race(void **state)
{
    (void)state;
    struct halves h;
    struct deaf other;
    go_deaf(&other);
    half_a_host(&h);
    resolver_adds(address_of("127.0.0.1", other.port));
    struct call call = {.run = call_connect, .deadline = WEFT_FOREVER, .address = "some.where:80"};
    weft_future *f = weft_start(WEFT_THREADS, in_call, &(struct call *){&call});
    await_attempts(2);
    for (size_t i = 0; i < COUNT(h.deaf.knocking); i++) // no longer in the way
        close(h.deaf.knocking[i]);
    while (!weft_done(f)) {
        int fd = accept4(h.deaf.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            close(fd);
        struct pollfd more = {h.deaf.fd, POLLIN, 0};
        (void)poll(&more, 1, 10);
        (void)fcntl(h.deaf.fd, F_SETFL, O_NONBLOCK);
    }
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    resolver.list = NULL;
    for (size_t i = 0; i < COUNT(h.deaf.knocking); i++)
        h.deaf.knocking[i] = -1;
    end_host(&h);
    end_deaf(&other);
}

// Thirty head starts would take longer than the deadline.
static void when_one_fails_the_next_begins_at_once(void **state)
{
    (void)state;
    for (int beside = 0; beside < 2; beside++) {
        struct halves h;
        uint16_t nobody = port_of_nobody();
        half_a_host(&h);
        if (!beside) {
            freeaddrinfo(resolver.list);
            resolver.list = NULL;
        }
        for (int i = 0; i < 15; i++) {
            host_fails_with(ECONNREFUSED);
            resolver_adds(address_of("127.0.0.1", nobody));
        }
        rest_of_it(&h);
        weft_conn *c = connect_by_name(weft_after_ms(5000));
        if (!c)
            fail_msg("%s", weft_error());
        assert_string_equal(weft_peer(c), weft_listener_address(h.listener));
        weft_conn_close(&c);
        end_host(&h);
    }
}

// ---- its end ----------------------------------------------------------------------------

// A host of three addresses, none of which answers.
static void silent_host(struct deaf deaf[3])
{
    for (int i = 0; i < 3; i++) {
        go_deaf(&deaf[i]);
        resolver_adds(address_of("127.0.0.1", deaf[i].port));
    }
    forget_attempts();
}

static void end_silent_host(struct deaf deaf[3])
{
    resolver.list = NULL;
    for (int i = 0; i < 3; i++)
        end_deaf(&deaf[i]);
}

static void a_deadline_ends_the_race(void **state)
{
    (void)state;
    static const int patience_ms[] = {0, 20, 400};
    for (size_t i = 0; i < COUNT(patience_ms); i++) {
        struct deaf deaf[3];
        silent_host(deaf);
        int before = open_descriptors();
        weft_time deadline = patience_ms[i] > 0 ? weft_after_ms(patience_ms[i]) : WEFT_POLL;
        assert_failed_with(connect_by_name(deadline), -ETIMEDOUT);
        assert_true(weft_now().ns >= deadline.ns);
        assert_non_null(strstr(weft_error(), "some.where:80"));
        assert_in_range(open_descriptors(), before, before + 1); // the bell of this thread
        end_silent_host(deaf);
    }
}

static void a_request_to_stop_ends_the_race(void **state)
{
    (void)state;
    struct deaf deaf[3];
    silent_host(deaf);
    struct call call = {.run = call_connect, .deadline = WEFT_FOREVER, .address = "some.where:80"};
    weft_future *f = weft_start(WEFT_THREADS, in_call, &(struct call *){&call});
    await_attempts(3);
    await_asleep(&call.spot);
    weft_cancel(f);
    assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    end_silent_host(deaf);
}

static void the_tasks_own_deadline_ends_the_race(void **state)
{
    (void)state;
    struct deaf deaf[3];
    weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 1);
    silent_host(deaf);
    int before = atomic_load(&resolver.taken);
    struct call call = {.run = call_connect, .deadline = WEFT_FOREVER, .address = "some.where:80"};
    weft_future *f = weft_submit_until(pool, weft_after_ms(600), in_call, &(struct call *){&call});
    assert_int_equal(weft_join(&f, NULL, 0), -ETIMEDOUT);
    weft_pool_close(&pool);
    if (atomic_load(&call.spot.tid) == 0)
        freeaddrinfo(resolver.list); // it never began
    else
        host_is_taken(before);
    end_silent_host(deaf);
}

static const struct {
    int errors[4], told;
} ends[] = {
    {{ECONNREFUSED}, ECONNREFUSED},
    {{ENETUNREACH, ECONNREFUSED}, ECONNREFUSED}, // as where there is no IPv6
    {{ECONNREFUSED, ENETUNREACH}, ECONNREFUSED},
    {{ECONNREFUSED, EHOSTUNREACH}, ECONNREFUSED},
    {{EADDRNOTAVAIL, ETIMEDOUT, ECONNREFUSED}, ETIMEDOUT},
    {{EAFNOSUPPORT, EADDRNOTAVAIL}, EAFNOSUPPORT},
    {{ENETUNREACH, ECONNREFUSED, ENOBUFS, ENOMEM}, ENOBUFS},
};

static void if_all_fail_it_is_the_error_that_tells_most(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++) {
        for (size_t j = 0; j < COUNT(ends[i].errors) && ends[i].errors[j]; j++)
            host_fails_with(ends[i].errors[j]);
        assert_failed_with(connect_by_name(WEFT_FOREVER), -ends[i].told);
        assert_non_null(strstr(weft_error(), "some.where:80"));
    }
}

static void a_family_that_the_system_does_not_have_is_passed_over(void **state)
{
    (void)state;
    weft_listener *l = weft_listen("127.0.0.1:0");
    struct addrinfo *odd = address_of("127.0.0.1", 1);
    odd->ai_addr->sa_family = 250; // there is no such
    resolver_adds(odd);
    resolver_adds(address_of("127.0.0.1", port_of(weft_listener_address(l))));
    weft_conn *c = connect_by_name(much_later());
    assert_non_null(c);
    weft_conn_close(&c);
    weft_listener_close(&l);
}

// ---- a system that has none left ---------------------------------------------------------

static weft_conn *connect_without(enum resource of, int error, int spared, bool once)
{
    int before = atomic_load(&resolver.taken);
    shortage = (struct shortage){.of = of, .error = error, .spared = spared, .once = once};
    weft_conn *c = weft_connect("some.where:80", much_later());
    (void)end_shortage();
    if (atomic_load(&resolver.taken) == before)
        freeaddrinfo(resolver.list); // it was not asked
    resolver.list = NULL;
    return c;
}

static void two_addresses(weft_listener *l)
{
    resolver_adds(address_of("127.0.0.1", port_of(weft_listener_address(l))));
    resolver_adds(address_of("127.0.0.1", port_of(weft_listener_address(l))));
}

static void without_descriptors_it_says_so_and_leaves_none(void **state)
{
    (void)state;
    static const int errors[] = {EMFILE, ENFILE};
    weft_listener *l = weft_listen("127.0.0.1:0");
    two_addresses(l);
    weft_conn *c = connect_by_name(much_later()); // this thread has its bell
    weft_conn_close(&c);
    int before = open_descriptors();
    for (size_t i = 0; i < COUNT(errors); i++) {
        for (int spared = 0; spared < 2; spared++) { // the epoll; the sockets
            two_addresses(l);
            assert_failed_with(connect_without(FILES, errors[i], spared, false), -errors[i]);
        }
        two_addresses(l);
        c = connect_without(FILES, errors[i], 1, true); // only the first socket
        assert_non_null(c);
        weft_conn_close(&c);
        assert_int_equal(open_descriptors(), before);
    }
    weft_listener_close(&l);
}

static void without_memory_it_says_so_and_leaves_nothing(void **state)
{
    (void)state;
    weft_listener *l = weft_listen("127.0.0.1:0");
    int before = open_descriptors(), spared = 0;
    two_addresses(l);
    weft_conn *c;
    while (!(c = connect_without(MEMORY, ENOMEM, spared, false))) {
        assert_int_equal(weft_error_code(), -ENOMEM);
        two_addresses(l);
        spared++;
    }
    assert_true(spared > 1);
    weft_conn_close(&c);
    assert_in_range(open_descriptors(), before, before + 1); // the bell of this thread
    weft_listener_close(&l);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_families_take_turns),
    cmocka_unit_test(a_silent_address_has_a_head_start_and_then_company),
    cmocka_unit_test(who_has_company_is_still_in_the_race),
    cmocka_unit_test(when_one_fails_the_next_begins_at_once),
    cmocka_unit_test(a_deadline_ends_the_race),
    cmocka_unit_test(a_request_to_stop_ends_the_race),
    cmocka_unit_test(the_tasks_own_deadline_ends_the_race),
    cmocka_unit_test(if_all_fail_it_is_the_error_that_tells_most),
    cmocka_unit_test(a_family_that_the_system_does_not_have_is_passed_over),
    cmocka_unit_test(without_descriptors_it_says_so_and_leaves_none),
    cmocka_unit_test(without_memory_it_says_so_and_leaves_nothing),
};

int main(void)
{
    prepare_resolver();
    prepare_tests();
    return end_tests(cmocka_run_group_tests(tests, NULL, NULL));
}
