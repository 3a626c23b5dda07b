// SPDX-License-Identifier: MIT
// process_spare_test.c - the process that is forked ahead, once a program has started two: it is
// used, it may be killed, it holds nothing, and it goes with its program.
#include "process_helpers.h"

#include <dirent.h>

static int tell_parent(const weft_none *none, pid_t *out)
{
    (void)none;
    *out = getppid();
    return 0;
}
WEFT_TASK(tell_parent, weft_none, pid_t);

static int tell_pid(const weft_none *none, pid_t *out)
{
    (void)none;
    *out = getpid();
    return 0;
}
WEFT_TASK(tell_pid, weft_none, pid_t);

static pid_t ancestor(void)
{
    pid_t pid = 0;
    weft_future *f = weft_start(WEFT_PROCESSES, tell_parent, &(weft_none){0});
    return f && weft_join_as(&f, tell_parent, &pid) == 0 ? pid : 0;
}

static pid_t start_one(void)
{
    pid_t pid = 0;
    weft_future *f = weft_start(WEFT_PROCESSES, tell_pid, &(weft_none){0});
    return f && weft_join_as(&f, tell_pid, &pid) == 0 ? pid : 0;
}

// It is the spare of this ancestor.
static bool is_spare(const char *name, pid_t parent)
{
    char path[300], line[512];
    snprintf(path, sizeof path, "/proc/%s/stat", name);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool read_it = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    const char *end = read_it ? strrchr(line, ')') : NULL;
    return end && strstr(line, "(weft-spare)") && strtol(end + 4, NULL, 10) == parent &&
           end[2] != 'Z';
}

static pid_t find_spare(pid_t parent)
{
    pid_t found = 0;
    DIR *all = opendir("/proc");
    for (struct dirent *d; all && found == 0 && (d = readdir(all));)
        if (d->d_name[0] >= '0' && d->d_name[0] <= '9' && is_spare(d->d_name, parent))
            found = (pid_t)strtol(d->d_name, NULL, 10);
    if (all)
        closedir(all);
    return found;
}

// There is one soon; 0: in ten seconds there was none.
static pid_t await_spare(void)
{
    pid_t parent = ancestor(), spare = 0;
    (void)ancestor();
    for (int ms = 0; ms < 10000 && spare == 0; ms += 5) {
        spare = find_spare(parent);
        nap_ms(5);
    }
    return spare;
}

static int descriptors_of(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    int count = 0;
    DIR *all = opendir(path);
    for (struct dirent *d; all && (d = readdir(all));)
        count += d->d_name[0] != '.';
    if (all)
        closedir(all);
    return count;
}

static void it_becomes_the_next_process(void **state)
{
    (void)state;
    pid_t spare = await_spare();
    assert_true(spare > 0);
    assert_int_equal(start_one(), spare);
}

// The standard streams, its socket, the bell; and the socket that it is about to close.
static void it_holds_nothing_and_is_not_listed(void **state)
{
    (void)state;
    pid_t spare = await_spare();
    assert_true(spare > 0);
    assert_true(descriptors_of(spare) <= 6);
    struct weft_info infos[4];
    assert_int_equal(weft_list(WEFT_PROCESSES, infos, 4), 0);
}

// Its ancestor knows; a process that is about to die, or has died only in part, can be sent to.
static bool is_reaped(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    for (int ms = 0; ms < 10000 && access(path, F_OK) == 0; ms += 5)
        nap_ms(5);
    return access(path, F_OK) != 0;
}

static void one_that_is_killed_is_missed_by_nobody(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        pid_t spare = await_spare();
        assert_true(spare > 0);
        assert_int_equal(kill(spare, SIGKILL), 0);
        assert_true(is_reaped(spare));
        assert_true(start_one() > 0);
    }
}

static int scene_of_a_program_with_a_spare(void)
{
    printf("%d", (int)await_spare());
    return 0;
}

static void it_goes_with_its_program(void **state)
{
    (void)state;
    struct ran ran;
    run_scene("scene_of_a_program_with_a_spare", false, &ran);
    show_unless(ran.status == 0, "scene_of_a_program_with_a_spare", &ran);
    pid_t spare = (pid_t)strtol(ran.out, NULL, 10);
    assert_true(spare > 0);
    assert_true(goes(spare));
}

static const struct scene scenes[] = {SCENE(scene_of_a_program_with_a_spare)};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(it_becomes_the_next_process),
    cmocka_unit_test(it_holds_nothing_and_is_not_listed),
    cmocka_unit_test(one_that_is_killed_is_missed_by_nobody),
    cmocka_unit_test(it_goes_with_its_program),
};

TEST_MAIN_WITH_SCENES(tests, scenes)
