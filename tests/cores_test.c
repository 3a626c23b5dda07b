// SPDX-License-Identifier: MIT
// cores_test.c - how many cores: the affinity mask and the quotas of the control groups, each of
// which the test invents. The linker's --wrap (tests/meson.build) leads the library's looks at them
// here; real quotas take root, and a control group of one's own.
#include "exec_helpers.h"

#include <sched.h>

struct file {
    const char *path, *text;
};

static const struct file *files; // what there is to open; ends with an empty one
static int cpus, mask_bytes;     // in the affinity mask; the kernel's size of it

// Named by the linker: __wrap_open and so on take the place of libc's.
int find_file(const char *path, int flags, ...) __asm__("__wrap_open");
int find_file_64(const char *path, int flags, ...) __asm__("__wrap_open64");
int find_cpus(pid_t pid, size_t size, cpu_set_t *set) __asm__("__wrap_sched_getaffinity");

static int open_invented(const char *path)
{
    for (const struct file *f = files; f && f->path; f++) {
        if (strcmp(f->path, path) != 0)
            continue;
        int fd = memfd_create("invented", MFD_CLOEXEC);
        if (fd < 0 || pwrite(fd, f->text, strlen(f->text), 0) < 0)
            abort();
        return fd;
    }
    errno = ENOENT;
    return -1;
}

int find_file(const char *path, int flags, ...)
{
    (void)flags;
    return open_invented(path);
}

int find_file_64(const char *path, int flags, ...)
{
    (void)flags;
    return open_invented(path);
}

int find_cpus(pid_t pid, size_t size, cpu_set_t *set)
{
    (void)pid;
    if (cpus == 0 || size < (size_t)mask_bytes) {
        errno = cpus == 0 ? EPERM : EINVAL;
        return -1;
    }
    CPU_ZERO_S(size, set);
    for (int i = 0; i < cpus; i++)
        CPU_SET_S((size_t)(mask_bytes * 8 - 1 - i), size, set); // the last ones
    return 0;
}

static int cores_with(const struct file *those)
{
    files = those;
    int n = weft_cores();
    files = NULL;
    return n;
}

#define cores_if(...) cores_with((const struct file[]){__VA_ARGS__, {NULL, NULL}})
#define OURS(folder) \
    { \
        "/proc/self/cgroup", "0::" folder "\n" \
    }
#define QUOTA(folder, text) \
    { \
        "/sys/fs/cgroup" folder "/cpu.max", text "\n" \
    }

static void without_control_groups_the_affinity_counts(void **state)
{
    (void)state;
    cpus = 8, mask_bytes = 128;
    assert_int_equal(cores_with(NULL), 8);
    cpus = 1;
    assert_int_equal(cores_with(NULL), 1);
    cpus = 0; // it cannot be read
    assert_int_equal(cores_with(NULL), 1);
}

static void a_machine_may_have_more_than_1024_processors(void **state)
{
    (void)state;
    for (mask_bytes = 128; mask_bytes <= 8192; mask_bytes *= 2)
        for (cpus = 1; cpus <= mask_bytes * 8; cpus = cpus * 5 + 3)
            assert_int_equal(cores_with(NULL), cpus);
    cpus = 1, mask_bytes = 16384; // beyond all that there is: one is always right
    assert_int_equal(cores_with(NULL), 1);
}

static void a_quota_counts_rounded_up(void **state)
{
    (void)state;
    cpus = 8, mask_bytes = 128;
    assert_int_equal(cores_if(OURS("/a"), QUOTA("/a", "max 100000")), 8);
    assert_int_equal(cores_if(OURS("/a"), QUOTA("/a", "100000 100000")), 1);
    assert_int_equal(cores_if(OURS("/a"), QUOTA("/a", "100001 100000")), 2);
    assert_int_equal(cores_if(OURS("/a"), QUOTA("/a", "150000 50000")), 3);
    assert_int_equal(cores_if(OURS("/a"), QUOTA("/a", "1000 100000")), 1);
    assert_int_equal(cores_if(OURS("/a"), QUOTA("/a", "6400000 100000")), 8); // not more than that
    assert_int_equal(cores_if(OURS("/a"), QUOTA("/a", "9000000000000000 1")), 8);
}

static void the_least_quota_counts_ours_or_one_above(void **state)
{
    (void)state;
    cpus = 8, mask_bytes = 128;
    assert_int_equal(
        cores_if(OURS("/a/b"), QUOTA("/a", "500000 100000"), QUOTA("/a/b", "300000 100000")), 3);
    assert_int_equal(
        cores_if(OURS("/a/b"), QUOTA("/a", "200000 100000"), QUOTA("/a/b", "300000 100000")), 2);
    assert_int_equal(cores_if(OURS("/a/b/c"), QUOTA("/a", "400000 100000")), 4);
    assert_int_equal(
        cores_if(OURS("/a"), QUOTA("/a/b", "100000 100000"), QUOTA("/ab", "100000 100000")),
        8);                                                               // others'
    assert_int_equal(cores_if(OURS("/"), QUOTA("", "600000 100000")), 6); // in a container
    assert_int_equal(cores_if(QUOTA("", "600000 100000")), 6); // whose /proc is not there
}

static void the_second_version_is_found_beside_the_first(void **state)
{
    (void)state;
    cpus = 8, mask_bytes = 128;
    static const struct file ours = {"/proc/self/cgroup", "5:cpu,cpuacct:/x\n1:name=y:/\n0::/a\n"};
    assert_int_equal(cores_if(ours, QUOTA("/a", "300000 100000")), 3);
    static const struct file first_only = {"/proc/self/cgroup", "5:cpu:/a\n4:memory:/b\n"};
    assert_int_equal(cores_if(first_only, QUOTA("/a", "300000 100000")), 8);
}

static void what_is_no_quota_does_not_count(void **state)
{
    (void)state;
    cpus = 8, mask_bytes = 128;
    static const char *const odd[] = {"",         "max",      "nonsense",   "100000",
                                      "0 100000", "100000 0", "-1 5",       "5 -1",
                                      " ",        "max max",  "x 100000 1", "\n1 2 x"};
    for (size_t i = 0; i < COUNT(odd); i++) {
        const struct file those[] = {
            OURS("/a"), {"/sys/fs/cgroup/a/cpu.max", odd[i]}, {NULL, NULL}};
        int n = cores_with(those);
        if (n != (i + 1 < COUNT(odd) ? 8 : 1)) // the last one is two numbers
            fail_msg("'%s': %d cores", odd[i], n);
    }
    assert_int_equal(cores_if({"/proc/self/cgroup", "0::"}), 8);
    assert_int_equal(cores_if({"/proc/self/cgroup", "0::/no/end"}), 8);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(without_control_groups_the_affinity_counts),
    cmocka_unit_test(a_machine_may_have_more_than_1024_processors),
    cmocka_unit_test(a_quota_counts_rounded_up),
    cmocka_unit_test(the_least_quota_counts_ours_or_one_above),
    cmocka_unit_test(the_second_version_is_found_beside_the_first),
    cmocka_unit_test(what_is_no_quota_does_not_count),
};
TEST_MAIN(tests)
