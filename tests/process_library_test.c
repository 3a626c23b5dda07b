// SPDX-License-Identifier: MIT
// process_library_test.c - functions that lie in no executable: those of a library that the program
// is linked with are in every worker, and no others are; why not is said truly.
#include "process_helpers.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

#include "process_library.h"

static int twice_in_a_process(const struct weft_task *twice, long *out)
{
    weft_future *f = weft_start_(WEFT_WITH(.kind = WEFT_PROCESSES), twice, &(int){21});
    return f ? weft_join(&f, out, sizeof *out) : weft_error_code();
}

static void a_linked_library_is_in_every_worker(void **state)
{
    (void)state;
    const struct library *library = linked_library();
    long out = 0, outs[2] = {0, 0};
    assert_int_equal(twice_in_a_process(library->twice, &out), 0);
    assert_int_equal(out, 42);
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2, .on_start = library->on_start);
    assert_non_null(pool);
    assert_int_equal(weft_map_(pool, WEFT_FOREVER, library->twice, 2, outs, (int[]){1, 2}), 0);
    assert_int_equal(outs[1], 4);
    weft_pool_close(&pool);
}

static const struct library *load(void)
{
    void *plugin = dlopen(LOADED, RTLD_NOW);
    if (!plugin)
        fail_msg("%s", dlerror());
    const struct library *(*library)(void);
    *(void **)&library = dlsym(plugin, "loaded_library");
    return library();
}

static void assert_not_there(const char *name, const char *why)
{
    assert_int_equal(weft_error_code(), -ENOTSUP);
    if (!strstr(weft_error(), name) || !strstr(weft_error(), why))
        fail_msg("%s", weft_error());
}

static void a_loaded_one_is_in_none(void **state)
{
    (void)state;
    const struct library *library = load();
    const char *why = "lies in a library that was loaded by dlopen";
    long out;
    weft_pool *pool = pool_of(1);
    assert_int_equal(twice_in_a_process(library->twice, &out), -ENOTSUP);
    assert_not_there("twice", why);
    assert_null(weft_submit_(pool, WEFT_FOREVER, library->twice, &(int){1}));
    assert_not_there("twice", why);
    assert_int_equal(weft_spawn_(pool, library->twice, &(int){1}), -ENOTSUP);
    assert_not_there("twice", why);
    assert_int_equal(weft_map_(pool, WEFT_FOREVER, library->twice, 1, &out, &(int){1}), -ENOTSUP);
    assert_not_there("twice", why);
    weft_group *group = weft_group_open(pool);
    assert_int_equal(weft_group_add_(group, 1, library->twice, &(int){1}), -ENOTSUP);
    assert_not_there("twice", why);
    weft_group_close(&group);
    assert_null(weft_pool_open(WEFT_PROCESSES, .workers = 1, .on_start = library->on_start));
    assert_not_there("on_start", why);
    weft_pool_close(&pool);
}

static void nor_is_what_lies_in_no_file(void **state)
{
    (void)state;
    struct weft_task made = *linked_library()->twice;
    long out;
    assert_int_equal(twice_in_a_process(&made, &out), -ENOTSUP);
    assert_not_there("twice", "lies in no file");
}

// ---- a library that is another one by then ------------------------------------------------------

static void copy_file(const char *from, const char *to, void (*change)(char *bytes, size_t size))
{
    static char bytes[1 << 20];
    FILE *in = fopen(from, "re"), *out = fopen(to, "we");
    size_t size = in && out ? fread(bytes, 1, sizeof bytes, in) : 0;
    if (size == 0 || size == sizeof bytes)
        abort();
    if (change)
        change(bytes, size);
    if (fwrite(bytes, 1, size, out) != size || fclose(out) != 0 || fclose(in) != 0)
        abort();
}

// As if it had been built from other sources: but nothing else than its id tells.
static void change_build_id(char *bytes, size_t size)
{
    const ElfW(Nhdr) note = {.n_namesz = 4, .n_descsz = 20, .n_type = NT_GNU_BUILD_ID};
    char *at = memmem(bytes, size, &note, sizeof note);
    if (!at || memcmp(at + sizeof note, "GNU", 4) != 0)
        abort();
    at[sizeof note + 4] ^= 1;
}

static int scene_of_a_library_that_is_replaced(void)
{
    const char *path = getenv("WEFT_TEST_LIBRARY");
    char other[256];
    snprintf(other, sizeof other, "%s.new", path);
    copy_file(path, other, getenv("WEFT_TEST_SAME") ? NULL : change_build_id);
    if (rename(other, path) < 0)
        return 1;
    long out = 0;
    int rc = twice_in_a_process(linked_library()->twice, &out);
    printf("%d %ld %s", rc, out, rc < 0 ? weft_error() : "");
    return 0;
}

static void replace(struct ran *ran)
{
    char folder[] = "/tmp/weft-library-XXXXXX", path[256];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/%s", folder, strrchr(LINKED, '/') + 1);
    copy_file(LINKED, path, NULL);
    setenv("WEFT_TEST_LIBRARY", path, 1);
    setenv("LD_LIBRARY_PATH", folder, 1);
    run_scene("scene_of_a_library_that_is_replaced", false, ran);
    unsetenv("LD_LIBRARY_PATH");
    unsetenv("WEFT_TEST_LIBRARY");
    unlink(path);
    rmdir(folder);
}

static void a_library_that_was_replaced_is_another(void **state)
{
    (void)state;
    struct ran ran;
    setenv("WEFT_TEST_SAME", "1", 1);
    replace(&ran);
    show_unless(ran.status == 0 && strcmp(ran.out, "0 42 ") == 0, "the same", &ran);
    unsetenv("WEFT_TEST_SAME");
    replace(&ran);
    bool is_said = has_all(ran.out, WORDS_("-95 0 ", "twice lies in a file that was replaced"));
    show_unless(ran.status == 0 && is_said, "another", &ran);
}

// ---- before weft itself is there ----------------------------------------------------------------

static char early_error[WEFT_ERROR_MAX];
static int early_code;

__attribute__((constructor(101))) static void start_early(void)
{
    if (!getenv("WEFT_TEST_EARLY"))
        return;
    weft_future *f = weft_start(WEFT_PROCESSES, square, &(int){3});
    early_code = weft_error_code();
    snprintf(early_error, sizeof early_error, "%s", weft_error());
    weft_drop(&f);
}

static int scene_of_an_early_start(void)
{
    long out = 0;
    weft_future *f = weft_start(WEFT_PROCESSES, square, &(int){3});
    int rc = weft_join_as(&f, square, &out);
    printf("%d %s; %d %ld", early_code, early_error, rc, out);
    return 0;
}

static void before_its_constructors_weft_says_so(void **state)
{
    (void)state;
    struct ran ran;
    setenv("WEFT_TEST_EARLY", "1", 1);
    run_scene("scene_of_an_early_start", false, &ran);
    unsetenv("WEFT_TEST_EARLY");
    bool is_said = has_all(ran.out, WORDS_("-95 ", "a constructor that runs before weft", "; 0 9"));
    show_unless(ran.status == 0 && is_said && ran.err[0] == '\0', "an early start", &ran);
}

// ---- a constructor that starts a thread ---------------------------------------------------------

static void *do_nothing(void *arg)
{
    return arg;
}

static void *idle(void *arg)
{
    for (;;)
        pause();
    return arg;
}

__attribute__((constructor(102))) static void start_a_thread(void)
{
    const char *what = getenv("WEFT_TEST_THREAD");
    pthread_t thread;
    if (!what || pthread_create(&thread, NULL, strcmp(what, "ends") ? idle : do_nothing, NULL) != 0)
        return;
    if (strcmp(what, "ends") == 0)
        pthread_join(thread, NULL);
}

static int scene_of_a_thread(void)
{
    long out = 0;
    weft_future *f = weft_start(WEFT_PROCESSES, square, &(int){3});
    int rc = f ? weft_join_as(&f, square, &out) : weft_error_code();
    printf("%d %ld %s", rc, out, rc < 0 ? weft_error() : "");
    if (rc == 0)
        return 0;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    printf("; %d %s", pool ? 0 : weft_error_code(), pool ? "" : weft_error());
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
        return 1;                                    // somebody is left
    f = weft_start(WEFT_THREADS, square, &(int){3}); // all else goes on
    return weft_join_as(&f, square, &out) == 0 && out == 9 ? 0 : 1;
}

static void play_thread(const char *what, struct ran *ran)
{
    setenv("WEFT_TEST_THREAD", what, 1);
    run_scene("scene_of_a_thread", false, ran);
    unsetenv("WEFT_TEST_THREAD");
}

static void a_thread_of_a_constructor_is_refused(void **state)
{
    (void)state;
    struct ran ran;
    play_thread("stays", &ran);
    const char *why = "a constructor of the program or of a library starts";
    const char *first = strstr(ran.out, why);
    bool is_said = strncmp(ran.out, "-95 0 processes: ", 17) == 0 && first &&
                   strstr(first, "; -95 weft_pool_open: processes: ") && strstr(first + 1, why);
    show_unless(ran.status == 0 && is_said && ran.err[0] == '\0', "a thread that stays", &ran);
    play_thread("ends", &ran);
    show_unless(ran.status == 0 && strcmp(ran.out, "0 9 ") == 0, "one that was joined", &ran);
}

static int scene_of_another_executable(void)
{
    CHECK(!weft_start(WEFT_PROCESSES, square, &(int){1}));
    CHECK(weft_error_code() == -ENOTSUP);
    CHECK(strstr(weft_error(), "ended at once; is /proc/self/exe another program"));
    return 0;
}

// As `ld.so ./program` does.
static int scene_through_the_loader(void)
{
    char self[PATH_MAX] = "", option[] = "--scene", scene[] = "scene_of_another_executable";
    Dl_info loader;
    CHECK(dladdr((void *)getauxval(AT_BASE), &loader) != 0);
    CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    char *name = strdup(loader.dli_fname), *argv[] = {name, self, option, scene, NULL};
    (void)execv(name, argv);
    return 1;
}

// A sanitizer starts the program anew by itself, or wants to lie elsewhere.
static void where_the_executable_is_another_it_is_said(void **state)
{
    struct ran ran;
    (void)state;
    if (SANITIZED)
        skip();
    run_scene("scene_through_the_loader", false, &ran);
    show_unless(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0, "scene_through_the_loader",
                &ran);
}

static const struct scene scenes[] = {
    SCENE(scene_of_a_thread),        SCENE(scene_of_another_executable),
    SCENE(scene_through_the_loader), SCENE(scene_of_a_library_that_is_replaced),
    SCENE(scene_of_an_early_start),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_linked_library_is_in_every_worker),
    cmocka_unit_test(a_loaded_one_is_in_none),
    cmocka_unit_test(nor_is_what_lies_in_no_file),
    cmocka_unit_test(a_library_that_was_replaced_is_another),
    cmocka_unit_test(before_its_constructors_weft_says_so),
    cmocka_unit_test(a_thread_of_a_constructor_is_refused),
    cmocka_unit_test(where_the_executable_is_another_it_is_said),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
