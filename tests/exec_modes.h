// SPDX-License-Identifier: MIT
// exec_modes.h - the same program again, to see how it ends. The last part of exec_helpers.h, which
// includes it.
#ifndef WEFT_TESTS_EXEC_MODES_H
#define WEFT_TESTS_EXEC_MODES_H

struct mode {
    const char *name;
    int (*run)(void);
};

struct ran {
    int status; // as from waitpid
    char out[8192], err[8192];
};

SHARED_HELPER void read_back(int fd, char *text, size_t size)
{
    ssize_t n = pread(fd, text, size - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    close(fd);
}

SHARED_HELPER void run_mode(const char *name, struct ran *ran)
{
    int out = memfd_create("stdout", MFD_CLOEXEC), err = memfd_create("stderr", MFD_CLOEXEC);
    assert_true(out >= 0 && err >= 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (dup2(out, 1) >= 0 && dup2(err, 2) >= 0)
            execl("/proc/self/exe", "test", "--mode", name, (char *)NULL);
        _exit(125);
    }
    while (waitpid(pid, &ran->status, 0) < 0)
        assert_int_equal(errno, EINTR);
    read_back(out, ran->out, sizeof ran->out);
    read_back(err, ran->err, sizeof ran->err);
}

SHARED_HELPER void show(const char *name, const struct ran *ran)
{
    print_message("%s: wait status %#x\n-- stdout:\n%s\n-- stderr:\n%s\n", name,
                  (unsigned)ran->status, ran->out, ran->err);
}

SHARED_HELPER bool is_one_line(const char *text)
{
    const char *end = strchr(text, '\n');
    return end && end != text && end[1] == '\0';
}

// The mode aborts and says why in exactly one line, in which each of these words is found.
SHARED_HELPER void assert_aborts(const char *mode, const char *call, const char *reason)
{
    struct ran ran;
    run_mode(mode, &ran);
    bool good = WIFSIGNALED(ran.status) && WTERMSIG(ran.status) == SIGABRT &&
                is_one_line(ran.err) && strstr(ran.err, call) && strstr(ran.err, reason);
    if (!good)
        show(mode, &ran);
    assert_true(good);
}

// The mode ends by itself with this status, silent on stderr.
SHARED_HELPER void assert_ends(const char *mode, int status, const char *out)
{
    struct ran ran;
    run_mode(mode, &ran);
    bool good = WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == status &&
                strcmp(ran.out, out) == 0 && ran.err[0] == '\0';
    if (!good)
        show(mode, &ran);
    assert_true(good);
}

SHARED_HELPER int run_as_mode(const char *name, const struct mode *modes, size_t n)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none); // aborting is the point: no core files
    alarm(20);
    for (size_t i = 0; i < n; i++)
        if (strcmp(modes[i].name, name) == 0)
            return modes[i].run();
    return 126;
}

// WEFT_TEST_ONLY picks tests by a pattern.
SHARED_HELPER void prepare_tests(void)
{
    alarm(60);
    if (getenv("WEFT_TEST_ONLY"))
        cmocka_set_test_filter(getenv("WEFT_TEST_ONLY"));
}

// A failed test may have left tasks that never end: then do not wait for them.
SHARED_HELPER int end_tests(int failed)
{
    fflush(NULL);
    if (failed)
        _exit(1);
    return 0;
}

#define TEST_MAIN(tests) \
    int main(void) \
    { \
        prepare_tests(); \
        return end_tests(cmocka_run_group_tests(tests, NULL, NULL)); \
    }

#define TEST_MAIN_WITH_MODES(tests, modes) \
    int main(int argc, char **argv) \
    { \
        if (argc == 3 && strcmp(argv[1], "--mode") == 0) \
            return run_as_mode(argv[2], (modes), COUNT(modes)); \
        prepare_tests(); \
        return end_tests(cmocka_run_group_tests(tests, NULL, NULL)); \
    }

#endif
