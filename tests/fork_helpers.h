// SPDX-License-Identifier: MIT
// fork_helpers.h - children of a plain fork, asked what they find.
//
// A child answers by its exit status, and says on stderr what was not so.
#ifndef WEFT_TESTS_FORK_HELPERS_H
#define WEFT_TESTS_FORK_HELPERS_H

#include "fork_tsan.h"
#include "mutex_helpers.h"

// Fork here and call fn(arg) in the child: 0, or what it returned.
SHARED int in_child(int (*fn)(void *arg), void *arg)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(10);
        _exit(fn(arg));
    }
    int status;
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    if (WIFSIGNALED(status))
        print_message("the child ended by signal %d\n", WTERMSIG(status));
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

// The same, and it must abort with one line that has these words.
SHARED void child_aborts(int (*fn)(void *arg), void *arg, const char *const *words)
{
    struct ran ran;
    int out = memfd_create("stdout", MFD_CLOEXEC), err = memfd_create("stderr", MFD_CLOEXEC);
    assert_true(out >= 0 && err >= 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        alarm(10);
        dup2(err, 2);
        _exit(fn(arg));
    }
    await_end(pid, out, err, &ran);
    show_unless(has_aborted(&ran, words) && is_one_line(ran.err), "child", &ran);
}

SHARED int find_it_free(void *m)
{
    CHECK(weft_trylock(m));
    CHECK(!weft_trylock(m));
    CHECK(weft_lock_until(m, soon()) == -ETIMEDOUT);
    weft_unlock(m);
    CHECK(weft_lock_until(m, WEFT_POLL) == 0);
    weft_unlock(m);
    return lock_and_unlock(m);
}

SHARED int use_rwlock(weft_rwlock *l)
{
    weft_read_lock(l);
    weft_read_unlock(l);
    weft_write_lock(l);
    weft_write_unlock(l);
    return 0;
}

#endif
