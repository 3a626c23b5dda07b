// SPDX-License-Identifier: MIT
// address_test.c - names: what the resolver answers, or does not; and a host with several
// addresses. The resolver is the test's own: the linker's --wrap (tests/meson.build) leads the
// library's question here, and a machine without network gives the same answers as any.
#include "fork_tsan.h"
#include "net_helpers.h"

#include <netdb.h>

static struct {
    int error, system_error; // what it answers
    struct addrinfo *list;
    bool silent; // it waits between the two
    sem_t asked, answer, answered;
} resolver;

// Named by the linker, which lets __wrap_getaddrinfo take the place of getaddrinfo.
int resolve(const char *host, const char *port, const struct addrinfo *hints,
            struct addrinfo **list) __asm__("__wrap_getaddrinfo");
int real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                     struct addrinfo **list) __asm__("__real_getaddrinfo");

int resolve(const char *host, const char *port, const struct addrinfo *hints,
            struct addrinfo **list)
{
    if (hints->ai_flags & AI_NUMERICHOST)
        return real_getaddrinfo(host, port, hints, list);
    int error = resolver.error, system_error = resolver.system_error;
    *list = resolver.list; // freed by who asks
    if (resolver.silent) {
        sem_post(&resolver.asked); // from here on the test may prepare other answers
        sem_take(&resolver.answer);
        sem_post(&resolver.answered);
    }
    errno = system_error;
    return error;
}

static struct addrinfo *address_of(const char *number, uint16_t port)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char text[8];
    snprintf(text, sizeof text, "%u", port);
    assert_int_equal(real_getaddrinfo(number, text, &hints, &list), 0);
    return list;
}

static const struct {
    int error, system_error, code;
} answers[] = {
    {EAI_NONAME, 0, -ENOENT},      {EAI_AGAIN, 0, -EAGAIN},  {EAI_FAIL, 0, -ENOENT},
    {EAI_MEMORY, 0, -ENOMEM},      {EAI_FAMILY, 0, -ENOENT}, {EAI_SYSTEM, EMFILE, -EMFILE},
    {EAI_SYSTEM, ENFILE, -ENFILE}, {EAI_SYSTEM, EIO, -EIO},
};

static void what_the_resolver_says_is_the_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        resolver.error = answers[i].error;
        resolver.system_error = answers[i].system_error;
        assert_failed_with(weft_connect("some.where:80", much_later()), answers[i].code);
        assert_non_null(strstr(weft_error(), "some.where:80"));
        assert_failed_with(weft_listen("some.where:0"), answers[i].code);
        assert_non_null(strstr(weft_error(), "some.where:0"));
    }
}

// ---- several addresses -----------------------------------------------------------------

static uint16_t port_of_nobody(void)
{
    weft_listener *l = weft_listen("127.0.0.1:0");
    uint16_t port = port_of(weft_listener_address(l));
    weft_listener_close(&l);
    return port;
}

// As real ones are: one after the other, to be freed in one go.
static void resolver_answers(struct addrinfo *first, struct addrinfo *second)
{
    first->ai_next = second;
    resolver.error = 0;
    resolver.list = first;
}

static weft_conn *connect_once(void)
{
    weft_conn *c = weft_connect("some.where:80", much_later());
    resolver.list = NULL; // the library freed it
    return c;
}

static struct addrinfo *no_family_of_ours(void)
{
    struct addrinfo *odd = address_of("127.0.0.1", 1);
    odd->ai_addr->sa_family = 250; // there is no such
    return odd;
}

static void each_address_of_a_host_is_tried(void **state)
{
    (void)state;
    uint16_t nobody = port_of_nobody();
    weft_listener *l = weft_listen("127.0.0.1:0");
    uint16_t somebody = port_of(weft_listener_address(l));
    resolver_answers(address_of("127.0.0.1", nobody), address_of("127.0.0.1", somebody));
    weft_conn *c = connect_once();
    assert_non_null(c);
    assert_string_equal(weft_peer(c), weft_listener_address(l));
    weft_conn_close(&c);
    weft_listener_close(&l);
}

static void if_all_fail_it_is_the_error_of_the_last(void **state)
{
    (void)state;
    uint16_t nobody = port_of_nobody();
    resolver_answers(address_of("127.0.0.1", nobody), no_family_of_ours());
    assert_failed_with(connect_once(), -EAFNOSUPPORT);
    assert_non_null(strstr(weft_error(), "some.where:80"));
    resolver_answers(no_family_of_ours(), address_of("127.0.0.1", nobody));
    assert_failed_with(connect_once(), -ECONNREFUSED);
}

// ---- a resolver that does not answer ---------------------------------------------------

static void fall_silent(void)
{
    resolver.error = EAI_NONAME;
    resolver.silent = true;
}

// Who gave up left the question behind: it ends by itself, and frees what it had.
static void break_silence(void)
{
    resolver.silent = false;
    sem_post(&resolver.answer);
    sem_take(&resolver.answered);
}

static void a_deadline_ends_the_wait_for_a_name(void **state)
{
    (void)state;
    fall_silent();
    weft_time deadline = weft_after_ms(20);
    assert_failed_with(weft_connect("some.where:80", deadline), -ETIMEDOUT);
    assert_true(weft_now().ns >= deadline.ns);
    assert_non_null(strstr(weft_error(), "some.where:80"));
    sem_take(&resolver.asked);
    break_silence();
}

static int call_listen(struct call *c)
{
    weft_listener *l = weft_listen(c->address);
    if (!l)
        return weft_error_code();
    weft_listener_close(&l);
    return 0;
}

static void a_request_to_stop_ends_the_wait_for_a_name(void **state)
{
    (void)state;
    static int (*const calls[])(struct call *) = {call_connect, call_listen};
    for (size_t i = 0; i < COUNT(calls); i++) {
        fall_silent();
        struct call call = {.run = calls[i], .address = "some.where:0", .deadline = WEFT_FOREVER};
        weft_future *f = weft_start(WEFT_THREADS, in_call, &(struct call *){&call});
        sem_take(&resolver.asked);
        assert_false(weft_done(f));
        weft_cancel(f);
        assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
        assert_non_null(strstr(weft_error(), "some.where:0"));
        break_silence();
    }
}

// There are no tasks in the child of a fork: the resolver is asked in place.
static void the_child_of_a_fork_looks_names_up_itself(void **state)
{
    (void)state;
    weft_future *f = weft_start(WEFT_THREADS, in_call,
                                &(struct call *){&(struct call){.run = call_listen}});
    (void)weft_join(&f, NULL, 0); // "" is no address, but a task was started
    resolver.error = EAI_AGAIN;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(10);
        weft_conn *c = weft_connect("some.where:80", much_later());
        _exit(c || weft_error_code() != -EAGAIN);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_the_resolver_says_is_the_error),
    cmocka_unit_test(each_address_of_a_host_is_tried),
    cmocka_unit_test(if_all_fail_it_is_the_error_of_the_last),
    cmocka_unit_test(a_deadline_ends_the_wait_for_a_name),
    cmocka_unit_test(a_request_to_stop_ends_the_wait_for_a_name),
    cmocka_unit_test(the_child_of_a_fork_looks_names_up_itself),
};

int main(void)
{
    sem_init(&resolver.asked, 0, 0);
    sem_init(&resolver.answer, 0, 0);
    sem_init(&resolver.answered, 0, 0);
    prepare_tests();
    return end_tests(cmocka_run_group_tests(tests, NULL, NULL));
}
