// SPDX-License-Identifier: MIT
// scenes.h - how a program ends, and the main of every unit test. Part of unit.h.
//
// The test program runs again as one of its scenes: what is seen is neither a forked copy of half
// a test nor under its environment, which the library reads once, at its start.
#ifndef WEFT_TESTS_SCENES_H
#define WEFT_TESTS_SCENES_H

enum { SCENE_S = 20, PROGRAM_S = 100 }; // then it has hung

struct scene {
    const char *name;
    int (*play)(void); // its status, unless it aborts
};
#define SCENE(fn) \
    { \
#fn, fn \
    }

struct ran {
    int status; // as from waitpid
    char out[8192], err[8192];
};

SHARED void read_back(int fd, char *text, size_t size)
{
    ssize_t n = pread(fd, text, size - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    close(fd);
}

SHARED void await_end(pid_t pid, int out, int err, struct ran *ran)
{
    while (waitpid(pid, &ran->status, 0) < 0)
        assert_int_equal(errno, EINTR);
    read_back(out, ran->out, sizeof ran->out);
    read_back(err, ran->err, sizeof ran->err);
}

extern char **environ;

// This environment, but for WEFT_CHECK, which is 1 or not there.
SHARED char **environment(bool checked)
{
    static char *vars[512];
    static char on[] = "WEFT_CHECK=1";
    size_t n = 0;
    for (char **e = environ; *e && n < COUNT(vars) - 2; e++)
        if (strncmp(*e, "WEFT_CHECK=", 11) != 0)
            vars[n++] = *e;
    if (checked)
        vars[n++] = on;
    vars[n] = NULL;
    return vars;
}

// Under an emulator a program cannot run itself again: the kernel would have to know of it.
SHARED void need_scenes(void)
{
    if (getenv("WEFT_TEST_EMULATED"))
        skip();
}

// It writes to out and err.
SHARED pid_t spawn_scene(const char *name, int out, int err, char **variables)
{
    posix_spawn_file_actions_t files;
    assert_int_equal(posix_spawn_file_actions_init(&files), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&files, out, 1), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&files, err, 2), 0);
    char self[] = "test", option[] = "--scene", *copy = strdup(name);
    char *argv[] = {self, option, copy, NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", &files, NULL, argv, variables), 0);
    posix_spawn_file_actions_destroy(&files);
    free(copy);
    return pid;
}

SHARED void run_scene(const char *name, bool checked, struct ran *ran)
{
    need_scenes();
    int out = memfd_create("stdout", MFD_CLOEXEC), err = memfd_create("stderr", MFD_CLOEXEC);
    assert_true(out >= 0 && err >= 0);
    await_end(spawn_scene(name, out, err, environment(checked)), out, err, ran);
}

// One that goes on by itself; what it prints comes from *from.
SHARED pid_t start_scene(const char *name, int *from)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = spawn_scene(name, ends[1], STDERR_FILENO, environ);
    close(ends[1]);
    *from = ends[0];
    return pid;
}

SHARED void show_unless(bool good, const char *name, const struct ran *ran)
{
    if (!good)
        print_message("%s: wait status %#x\n-- stdout:\n%s\n-- stderr:\n%s\n", name,
                      (unsigned)ran->status, ran->out, ran->err);
    assert_true(good);
}

SHARED bool is_one_line(const char *text)
{
    const char *end = strchr(text, '\n');
    return end && end != text && end[1] == '\0';
}

SHARED bool has_all(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (!strstr(text, *words))
            return false;
    return true;
}

SHARED bool has_aborted(const struct ran *ran, const char *const *words)
{
    return WIFSIGNALED(ran->status) && WTERMSIG(ran->status) == SIGABRT && has_all(ran->err, words);
}

SHARED void scene_aborts(const char *name, bool checked, const char *const *words)
{
    struct ran ran;
    run_scene(name, checked, &ran);
    show_unless(has_aborted(&ran, words) && is_one_line(ran.err), name, &ran);
}

SHARED void scene_deadlocks(const char *name, const char *const *words)
{
    struct ran ran;
    run_scene(name, true, &ran);
    show_unless(has_aborted(&ran, words), name, &ran);
}

SHARED void scene_ends(const char *name, bool checked, int status, const char *out)
{
    struct ran ran;
    run_scene(name, checked, &ran);
    bool good = WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == status &&
                strcmp(ran.out, out) == 0 && ran.err[0] == '\0';
    show_unless(good, name, &ran);
}

#define WORDS_(...) ((const char *const[]){__VA_ARGS__, NULL})
// It aborts, with exactly one line on stderr, in which each of the words is found.
#define expect_abort(scene, ...) scene_aborts(#scene, false, WORDS_(__VA_ARGS__))
// The same under WEFT_CHECK=1.
#define expect_checked_abort(scene, ...) scene_aborts(#scene, true, WORDS_(__VA_ARGS__))
// Under WEFT_CHECK=1 it aborts with a report, of any number of lines, with these words.
#define expect_deadlock(scene, ...) scene_deadlocks(#scene, WORDS_("deadlock", __VA_ARGS__))
// It ends with status 0 and is silent, also under WEFT_CHECK=1.
#define expect_clean_end(scene) (scene_ends(#scene, false, 0, ""), scene_ends(#scene, true, 0, ""))

// By name, where one function plays several: it aborts, in a line with the call and the reason.
SHARED void assert_aborts(const char *name, const char *call, const char *reason)
{
    scene_aborts(name, false, WORDS_(call, reason));
}

// It ends by itself with this status and this output, silent on stderr.
SHARED void assert_ends(const char *name, int status, const char *out)
{
    scene_ends(name, false, status, out);
}

// ---- main -------------------------------------------------------------------------------

SHARED bool is_scene(int argc, char **argv)
{
    return argc == 3 && strcmp(argv[1], "--scene") == 0;
}

SHARED int play_scene(const char *name, const struct scene *scenes, size_t n)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none); // aborting is the point: no core files
    alarm(SCENE_S);
    for (size_t i = 0; i < n; i++)
        if (scenes[i].name && strcmp(scenes[i].name, name) == 0)
            return scenes[i].play();
    return 126;
}

// WEFT_TEST_ONLY picks tests by a pattern.
SHARED void prepare_tests(void)
{
    alarm(PROGRAM_S);
    if (getenv("WEFT_TEST_ONLY"))
        cmocka_set_test_filter(getenv("WEFT_TEST_ONLY"));
}

// A failed test may have left tasks that never end: then do not wait for them.
SHARED int end_tests(int failed)
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

// With what is called before the first test and after the last.
#define TEST_MAIN_AROUND(tests, scenes, count, before, after) \
    int main(int argc, char **argv) \
    { \
        if (is_scene(argc, argv)) \
            return play_scene(argv[2], (scenes), (count)); \
        prepare_tests(); \
        return end_tests(cmocka_run_group_tests(tests, before, after)); \
    }

#define TEST_MAIN_WITH_SCENES(tests, scenes) \
    TEST_MAIN_AROUND(tests, scenes, COUNT(scenes), NULL, NULL)

#endif
