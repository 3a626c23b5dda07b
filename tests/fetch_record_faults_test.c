// SPDX-License-Identifier: MIT
// fetch_record_faults_test.c - a run that is killed, a disk that is full, files that are not
// what they should be, other schemas.
#include "fetch_record.h"
#include "fetch_record_v1.h"

#include <sys/prctl.h>

#include "fetch/change.h"

#define A "https://example.org/a"
#define B "https://example.org/b"
#define C "https://example.org/c"

// ---- kill -9 --------------------------------------------------------------------------

// Keeps pages until it is killed, and says so now and then.
static int keeps_on(void)
{
    struct record *r = record_open(&(struct fetch_settings){.save = getenv(FILE_OF_SCENE)});
    CHECK(r);
    for (int i = 0;; i++) {
        char url[64];
        snprintf(url, sizeof url, "https://example.org/%d", i);
        struct page page = page_of(i);
        CHECK(record_page(r, url, &page) == 0);
        if (i % 500 != 0)
            continue;
        CHECK(write(1, "x", 1) == 1);
        nap_ms(20);
    }
}

static void kill_after(int times)
{
    int from, status;
    char byte;
    pid_t pid = start_scene("keeps_on", &from);
    for (int i = 0; i < times; i++)
        assert_int_equal(read(from, &byte, 1), 1);
    kill(pid, SIGKILL);
    close(from);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_killed_run_is_resumed(void **state)
{
    (void)state;
    need_scenes();
    for (int i = 0; i < 4; i++) {
        const char *file = new_file();
        kill_after(20 + 7 * i);
        struct record *r = resume_run(file);
        int64_t done = record_past(r)->done;
        assert_true(done > 0);
        char url[64];
        snprintf(url, sizeof url, "https://example.org/%lld", (long long)done - 1);
        assert_int_equal(had(r, url), done - 1); // without a gap
        snprintf(url, sizeof url, "https://example.org/%lld", (long long)done);
        assert_int_equal(had(r, url), -1);
        keep(r, url, 1);
        end_run(r);
        assert_int_equal(number_in(file, "SELECT count(*) FROM pages"), done + 1);
        assert_string_equal(text_in(file, "PRAGMA integrity_check"), "ok");
    }
}

// ---- troubles -------------------------------------------------------------------------

static void a_second_run_on_the_same_file_is_refused(void **state)
{
    (void)state;
    const char *file = new_file();
    struct record *r = begin_run(file);
    keep(r, A, 1);
    assert_refused(file, NULL, -EBUSY, "is in use by another weft fetch");
    assert_refused(NULL, file, -EBUSY, "is in use by another weft fetch");
    keep(r, B, 1);
    end_run(r);
    assert_int_equal(number_in(file, "SELECT count(*) FROM pages"), 2);
}

#define ASKED "WEFT_TEST_ASKED"

static void keep_one(const char *file)
{
    struct record *r = begin_run(file);
    keep(r, A, 1);
    end_run(r);
}

static int allow_files_of(rlim_t size)
{
    struct rlimit limit = {size, RLIM_INFINITY};
    return setrlimit(RLIMIT_FSIZE, &limit);
}

// The disk is full in the middle of a run: said once, and the run goes on.
static int full_disk(void)
{
    struct record *r = record_open(&(struct fetch_settings){.save = getenv(FILE_OF_SCENE)});
    CHECK(r && allow_files_of(200000) == 0);
    int told = 0;
    for (int i = 0; i < 20000; i++) {
        char url[64];
        snprintf(url, sizeof url, "https://example.org/%d", i);
        struct page page = page_of(i);
        int rc = record_page(r, url, &page);
        if (rc == 0)
            continue;
        told++;
        CHECK(rc == -EFBIG && strstr(weft_error(), "File too large; nothing is kept any more"));
        CHECK(strstr(weft_error(), getenv(FILE_OF_SCENE)));
    }
    CHECK(told == 1);
    int64_t decoded;
    CHECK(record_before(r, "https://example.org/1", &decoded) == 0);
    CHECK(record_gone(r, add_line, NULL) == 1);
    CHECK(record_close(&r, true) == 0);
    return 0;
}

// In its last pages: nobody was told yet.
static int full_at_last(void)
{
    struct fetch_settings set = {.save = getenv(FILE_OF_SCENE), .compare = true, .max_growth = -1};
    struct record *r = record_open(&set);
    struct change *c = change_open(&set, r, NULL);
    CHECK(r && c && allow_files_of(4096) == 0);
    struct page page = page_of(5);
    CHECK(record_page(r, A, &page) == 0);
    if (getenv(ASKED)) {
        CHECK(change_end(c, true) == -EFBIG && change_sum(c)->gone == -1);
        change_print(c, stdout);
        CHECK(record_close(&r, true) == 0);
    } else {
        CHECK(record_close(&r, true) == -EFBIG);
    }
    CHECK(strstr(weft_error(), "File too large"));
    change_free(&c);
    return 0;
}

static void a_full_disk_is_told_once_whoever_asks_first(void **state)
{
    (void)state;
    const char *file = new_file();
    keep_one(file);
    assert_ends("full_at_last", 0, "");
    setenv(ASKED, "1", 1);
    keep_one(new_file());
    struct ran ran;
    run_scene("full_at_last", false, &ran);
    show_unless(ran.status == 0 && strstr(ran.out, "gone: not known, for not all was kept\n"),
                "full_at_last", &ran);
    unsetenv(ASKED);
}

static void a_full_disk_ends_the_keeping_and_not_the_run(void **state)
{
    (void)state;
    const char *file = new_file();
    assert_ends("full_disk", 0, "");
    struct record *r = resume_run(file); // not finished, though it was whole
    keep(r, "https://example.org/more", 1);
    end_run(r);
    assert_string_equal(text_in(file, "PRAGMA integrity_check"), "ok");
}

static int no_room_at_all(void)
{
    struct fetch_settings set = {.save = getenv(FILE_OF_SCENE)};
    CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && allow_files_of(4096) == 0);
    CHECK(!record_open(&set) && weft_error_code() == -EFBIG);
    CHECK(allow_files_of(RLIM_INFINITY) == 0);
    struct record *r = record_open(&set); // what was made is no obstacle
    CHECK(r && record_close(&r, true) == 0);
    return 0;
}

static void without_room_for_a_file_there_is_no_run(void **state)
{
    (void)state;
    (void)new_file();
    assert_ends("no_room_at_all", 0, "");
}

// Root may write anywhere: so as somebody else.
static int read_only(void)
{
    char file[80];
    if (geteuid() == 0)
        CHECK(setegid(65534) == 0 && seteuid(65534) == 0);
    snprintf(file, sizeof file, "%s", getenv(FILE_OF_SCENE));
    CHECK(!record_open(&(struct fetch_settings){.save = file}));
    CHECK(weft_error_code() == -EACCES && strstr(weft_error(), file));
    CHECK(!record_open(&(struct fetch_settings){.resume = file}));
    CHECK(weft_error_code() == -EACCES && strstr(weft_error(), "Permission denied"));
    CHECK(seteuid(getuid()) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0); // LeakSanitizer looks into it
    return 0;
}

static void a_file_that_cannot_be_written_is_refused(void **state)
{
    (void)state;
    const char *file = new_file();
    struct record *r = begin_run(file);
    keep(r, A, 1);
    cut_run(r);
    assert_int_equal(chmod(file, 0444), 0);
    assert_ends("read_only", 0, "");
}

static void a_folder_that_cannot_be_written_is_refused(void **state)
{
    (void)state;
    const char *file = new_file();
    struct record *r = begin_run(file);
    keep(r, A, 1);
    cut_run(r);
    assert_int_equal(chmod(file, 0666), 0); // but no log can be made beside it
    assert_int_equal(chmod(home, 0555), 0);
    assert_ends("read_only", 0, "");
    assert_int_equal(chmod(home, 0755), 0);
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    const char *pipe = new_file();
    assert_refused(home, NULL, -EISDIR, "Is a directory");
    assert_refused("/nowhere/x.db", NULL, -ENOENT, "/nowhere/x.db: No such file");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_refused(pipe, NULL, -EINVAL, "is not a file");
}

static void write_file(const char *file, const void *bytes, size_t size, long at)
{
    FILE *f = fopen(file, at < 0 ? "w" : "r+");
    assert_non_null(f);
    assert_int_equal(fseek(f, at < 0 ? 0 : at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void what_is_not_ours_is_refused_and_stays_as_it_was(void **state)
{
    (void)state;
    const char *file = new_file();
    static const char text[] = "https://example.org/ is no database, though it is a file of ours..";
    write_file(file, text, sizeof text, -1);
    assert_refused(file, NULL, -EUCLEAN, "file is not a database");
    file = new_file();
    change(file, "PRAGMA journal_mode = WAL; CREATE TABLE somebody_elses (x)");
    assert_refused(file, NULL, -EUCLEAN, "is no record of weft");
    assert_refused(NULL, file, -EUCLEAN, "is no record of weft");
    assert_string_equal(text_in(file, "PRAGMA journal_mode"), "wal");
    change(file, "PRAGMA user_version = 1; PRAGMA application_id = 0x77656674"); // a history
    assert_refused(file, NULL, -EUCLEAN, "is no record of weft");
}

static void a_damaged_file_is_one_error(void **state)
{
    (void)state;
    static const unsigned char rubbish[4096] = {0xff, 1, 0xff, 2};
    for (int i = 0; i < 2; i++) {
        const char *file = new_file();
        struct record *r = begin_run(file);
        keep(r, A, 1);
        cut_run(r);
        int64_t page = number_in(file,
                                 i == 0 ? "SELECT rootpage FROM sqlite_master WHERE name = 'urls'"
                                        : "SELECT rootpage FROM sqlite_master"
                                          " WHERE name = 'pages'");
        write_file(file, rubbish, sizeof rubbish, (long)(page - 1) * 4096);
        assert_refused(NULL, file, -EUCLEAN, "malformed");
    }
}

static void damage_that_is_found_later_ends_the_keeping(void **state)
{
    (void)state;
    static const unsigned char rubbish[4096] = {0xff, 1, 0xff, 2};
    const char *file = new_file();
    struct record *r = begin_run(file);
    keep(r, A, 1);
    end_run(r);
    int64_t page = number_in(file, "SELECT rootpage FROM sqlite_master WHERE name = 'pages'");
    write_file(file, rubbish, sizeof rubbish, (long)(page - 1) * 4096);
    r = begin_run(file); // which needs no page of it
    keep(r, B, 1);
    assert_int_equal(record_close(&r, true), -EUCLEAN);
    assert_non_null(strstr(weft_error(), "malformed"));
}

// ---- schemas --------------------------------------------------------------------------

static void a_file_of_schema_1_is_read(void **state)
{
    (void)state;
    const char *file = new_file();
    change(file, record_v1);
    struct record *r = resume_run(file);
    assert_int_equal(record_past(r)->last_ms, 1795900000000);
    assert_int_equal(record_past(r)->done, 1);
    assert_int_equal(record_past(r)->failed, 1);
    assert_int_equal(had(r, A), 1200);
    assert_int_equal(before(r, A), 1000);
    assert_int_equal(before(r, C), 3000);
    keep(r, B, 2000);
    assert_string_equal(gone(r), C " 3000\n");
    end_run(r);
    r = begin_run(file);
    assert_int_equal(before(r, A), 1200);
    assert_int_equal(before(r, B), 2000);
    assert_int_equal(before(r, C), 3000);
    keep(r, "https://example.org/d", 4000);
    end_run(r);
    assert_string_equal(text_in(file, "SELECT max(id) FROM urls"), "4");
}

static void a_new_file_has_the_schema_of_the_fixture(void **state)
{
    (void)state;
    static const char every[] = "SELECT group_concat(sql, ';') FROM"
                                " (SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name)";
    char new_one[4096];
    const char *file = new_file(), *fixture = new_file();
    change(fixture, record_v1);
    cut_run(begin_run(file));
    snprintf(new_one, sizeof new_one, "%s", text_in(file, every));
    assert_string_equal(text_in(fixture, every), new_one);
    assert_int_equal(number_in(file, "PRAGMA user_version"), 1);
}

static void a_newer_file_is_refused_with_the_version_it_needs(void **state)
{
    (void)state;
    const char *file = new_file();
    change(file, record_v1);
    change(file, "UPDATE meta SET value = '7.8.9' WHERE name = 'needs'; PRAGMA user_version = 99");
    assert_refused(file, NULL, -EPROTO, "schema 99 and needs weft 7.8.9 or newer");
    assert_int_equal(number_in(file, "SELECT count(*) FROM runs"), 2);
}

static void a_number_that_cannot_be_is_damage(void **state)
{
    (void)state;
    static const char *const damages[] = {
        "UPDATE urls SET id = -3 WHERE id = 3",
        "UPDATE urls SET id = 4294967295 WHERE id = 3",
        "UPDATE urls SET decoded = -5 WHERE id = 3",
        "UPDATE urls SET decoded = 9223372036854775807 WHERE id = 3",
        "UPDATE pages SET decoded = -5 WHERE run = 2 AND url = 1",
        "DELETE FROM urls", // which pages have
    };
    for (size_t i = 0; i < COUNT(damages); i++) {
        const char *file = new_file();
        change(file, record_v1);
        change(file, damages[i]);
        assert_refused(NULL, file, -EUCLEAN, "is damaged");
        assert_int_equal(number_in(file, "SELECT sum(parts) FROM runs"), 2); // nothing was begun
    }
}

static const struct scene scenes[] = {
    SCENE(keeps_on), SCENE(full_disk), SCENE(full_at_last), SCENE(no_room_at_all), SCENE(read_only),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_killed_run_is_resumed),
    cmocka_unit_test(a_second_run_on_the_same_file_is_refused),
    cmocka_unit_test(a_full_disk_ends_the_keeping_and_not_the_run),
    cmocka_unit_test(a_full_disk_is_told_once_whoever_asks_first),
    cmocka_unit_test(without_room_for_a_file_there_is_no_run),
    cmocka_unit_test(a_file_that_cannot_be_written_is_refused),
    cmocka_unit_test(a_folder_that_cannot_be_written_is_refused),
    cmocka_unit_test(what_is_no_file_is_refused),
    cmocka_unit_test(what_is_not_ours_is_refused_and_stays_as_it_was),
    cmocka_unit_test(a_damaged_file_is_one_error),
    cmocka_unit_test(damage_that_is_found_later_ends_the_keeping),
    cmocka_unit_test(a_file_of_schema_1_is_read),
    cmocka_unit_test(a_new_file_has_the_schema_of_the_fixture),
    cmocka_unit_test(a_newer_file_is_refused_with_the_version_it_needs),
    cmocka_unit_test(a_number_that_cannot_be_is_damage),
};

TEST_MAIN_AT_HOME(tests, scenes, COUNT(scenes))
