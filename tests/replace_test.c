// SPDX-License-Identifier: MIT
// replace_test.c - programs/common/replace.h: the old file or the new one, and nothing beside it.
#include "disk_helpers.h"

#include "common/replace.h"

static int replaced(const char *path, const char *text)
{
    struct replace *r = replace_open(path);
    if (!r)
        return weft_error_code();
    if (fputs(text, replace_stream(r)) < 0)
        return -EIO;
    int rc = replace_close(&r, true);
    assert_null(r);
    return rc;
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode;
}

static void a_new_file_is_there_when_it_is_whole(void **state)
{
    (void)state;
    empty_folder();
    const char *path = in_folder("new");
    struct replace *r = replace_open(path);
    assert_non_null(r);
    assert_true(fputs("new", replace_stream(r)) >= 0);
    assert_int_equal(fflush(replace_stream(r)), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(replace_close(&r, true), 0);
    assert_null(r);
    assert_file(path, "new");
    assert_int_equal(files_in_folder(), 1);
}

static void an_old_file_is_replaced_with_its_mode(void **state)
{
    (void)state;
    empty_folder();
    const char *path = in_folder("old");
    put_file(path, "old and longer");
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(replaced(path, "new"), 0);
    assert_file(path, "new");
    assert_int_equal(mode_of(path), S_IFREG | 0640);
    assert_int_equal(files_in_folder(), 1);
}

static void a_new_file_has_the_mode_that_the_user_gives_to_files(void **state)
{
    (void)state;
    empty_folder();
    mode_t mask = umask(027);
    assert_int_equal(replaced(in_folder("new"), "x"), 0);
    (void)umask(mask);
    assert_int_equal(mode_of(in_folder("new")), S_IFREG | 0640);
}

static void what_is_not_kept_leaves_the_old_file(void **state)
{
    (void)state;
    empty_folder();
    put_file(in_folder("old"), "old");
    struct replace *r = replace_open(in_folder("old"));
    assert_non_null(r);
    assert_true(fputs("half", replace_stream(r)) >= 0);
    assert_int_equal(replace_close(&r, false), 0);
    assert_file(in_folder("old"), "old");
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(replace_close(&r, true), 0); // NULL
}

static void a_link_stays_and_its_target_is_replaced(void **state)
{
    (void)state;
    empty_folder();
    put_file(in_folder("target"), "old");
    assert_int_equal(symlink("target", in_folder("link")), 0);
    assert_int_equal(replaced(in_folder("link"), "new"), 0);
    assert_true(S_ISLNK(mode_of(in_folder("link"))));
    assert_true(S_ISREG(mode_of(in_folder("target"))));
    assert_file(in_folder("target"), "new");
}

static void two_at_once_are_both_whole(void **state)
{
    (void)state;
    empty_folder();
    struct replace *one = replace_open(in_folder("file")), *two = replace_open(in_folder("file"));
    assert_true(one && two);
    assert_true(fputs("one", replace_stream(one)) >= 0);
    assert_true(fputs("the other", replace_stream(two)) >= 0);
    assert_int_equal(replace_close(&two, true), 0);
    assert_file(in_folder("file"), "the other");
    assert_int_equal(replace_close(&one, true), 0);
    assert_file(in_folder("file"), "one");
    assert_int_equal(files_in_folder(), 1);
}

// Renaming over a device would put a file where the system expects the device.
static void a_pipe_is_written_to_and_stays_one(void **state)
{
    (void)state;
    empty_folder();
    const char *path = in_folder("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    int end = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(end >= 0);
    assert_int_equal(replace_check(path), 0);
    assert_int_equal(replaced(path, "through"), 0);
    char text[16] = "";
    assert_int_equal(read(end, text, sizeof text - 1), 7);
    assert_string_equal(text, "through");
    close(end);
    assert_true(S_ISFIFO(mode_of(path)));
}

static void a_pipe_without_a_name_is_written_to(void **state)
{
    (void)state;
    empty_folder();
    int ends[2];
    char path[64], text[16] = "";
    assert_int_equal(pipe(ends), 0);
    (void)snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
    assert_int_equal(replace_check(path), 0);
    FILE *scratch = replace_scratch(path);
    assert_non_null(scratch);
    (void)fclose(scratch);
    assert_int_equal(replaced(path, "through"), 0);
    assert_int_equal(read(ends[0], text, sizeof text - 1), 7);
    assert_string_equal(text, "through");
    close(ends[0]);
    close(ends[1]);
}

static void assert_refused(const char *path, int code)
{
    assert_int_equal(replace_check(path), code);
    assert_non_null(strstr(weft_error(), path));
    assert_non_null(strstr(weft_error(), strerror(-code)));
    assert_null(strchr(weft_error(), '\n'));
    weft_fail(-EIO, "another");
    assert_null(replace_open(path));
    assert_int_equal(weft_error_code(), code);
    assert_non_null(strstr(weft_error(), path));
    weft_fail(-EIO, "another");
    assert_null(replace_scratch(path));
    assert_int_equal(weft_error_code(), code);
}

static void a_path_that_cannot_be_written_is_refused_by_name(void **state)
{
    (void)state;
    empty_folder();
    put_file(in_folder("file"), "x");
    assert_refused(folder, -EISDIR);
    assert_refused(in_folder("file/report.html"), -ENOTDIR);
    assert_refused(in_folder("missing/report.html"), -ENOENT);
    assert_refused("", -ENOENT);
    char longest[PATH_MAX + 1];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(replace_check(longest), -ENAMETOOLONG);
    assert_int_equal(files_in_folder(), 1);
}

static void a_folder_that_may_not_be_written_to_is_refused(void **state)
{
    (void)state;
    empty_folder();
    assert_int_equal(chmod(folder, 0555), 0);
    be_nobody(true);
    int rc = replace_check(in_folder("file"));
    struct replace *r = replace_open(in_folder("file"));
    be_nobody(false);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(rc, -EACCES);
    assert_null(r);
    assert_int_equal(weft_error_code(), -EACCES);
}

static void a_check_leaves_nothing(void **state)
{
    (void)state;
    empty_folder();
    assert_int_equal(replace_check(in_folder("file")), 0);
    assert_int_equal(files_in_folder(), 0);
}

static void a_long_name_has_room_beside_it(void **state)
{
    (void)state;
    empty_folder();
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    assert_int_equal(replaced(in_folder(name), "x"), 0);
    assert_file(in_folder(name), "x");
}

// Small, so that stdio writes at the end; and large, so that it has failed long before.
static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    for (int size = 8; size < 100000; size *= 1000) {
        empty_folder();
        put_file(in_folder("old"), "old");
        struct replace *r = replace_open(in_folder("old"));
        assert_non_null(r);
        limit_files(4);
        for (int i = 0; i < size; i++)
            (void)putc('x', replace_stream(r));
        int rc = replace_close(&r, true);
        limit_files(RLIM_INFINITY);
        assert_int_equal(rc, -EFBIG);
        assert_non_null(strstr(weft_error(), in_folder("old")));
        assert_file(in_folder("old"), "old");
        assert_int_equal(files_in_folder(), 1);
    }
    assert_int_equal(replaced("/dev/full", "x"), -ENOSPC);
    assert_string_equal(weft_error(), "cannot write /dev/full: No space left on device");
}

static void a_scratch_file_has_no_name_and_is_read_back(void **state)
{
    (void)state;
    empty_folder();
    const char *const paths[] = {in_folder("file"), "/dev/full"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        FILE *scratch = replace_scratch(paths[i]);
        assert_non_null(scratch);
        assert_int_equal(files_in_folder(), 0);
        assert_true(fputs("kept\n", scratch) >= 0);
        assert_int_equal(replace_flush(scratch), 0);
        rewind(scratch);
        char line[16];
        assert_non_null(fgets(line, sizeof line, scratch));
        assert_string_equal(line, "kept\n");
        assert_int_equal(fclose(scratch), 0);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_new_file_is_there_when_it_is_whole),
    cmocka_unit_test(an_old_file_is_replaced_with_its_mode),
    cmocka_unit_test(a_new_file_has_the_mode_that_the_user_gives_to_files),
    cmocka_unit_test(what_is_not_kept_leaves_the_old_file),
    cmocka_unit_test(a_link_stays_and_its_target_is_replaced),
    cmocka_unit_test(two_at_once_are_both_whole),
    cmocka_unit_test(a_pipe_is_written_to_and_stays_one),
    cmocka_unit_test(a_pipe_without_a_name_is_written_to),
    cmocka_unit_test(a_path_that_cannot_be_written_is_refused_by_name),
    cmocka_unit_test(a_folder_that_may_not_be_written_to_is_refused),
    cmocka_unit_test(a_check_leaves_nothing),
    cmocka_unit_test(a_long_name_has_room_beside_it),
    cmocka_unit_test(a_full_disk_leaves_the_old_file),
    cmocka_unit_test(a_scratch_file_has_no_name_and_is_read_back),
};

static const struct scene scenes[] = {{0}};

TEST_MAIN_IN_FOLDER(tests, scenes, 0)
