// SPDX-License-Identifier: MIT
// chat_store_test.c - messages are appended, committed, there again; one server for a folder.
#include "chat_store.h"

#include <sys/syscall.h>

// ---- what is appended is there -----------------------------------------------------------

static void what_was_committed_is_there_after_a_restart(void **state)
{
    (void)state;
    const char *folder = new_folder();
    struct store *store = open_in(folder);
    say(store, "1", 10, "first");
    say(store, "2", 20, "second");
    assert_string_equal(everything(store), "1 2");
    close_store(store);
    store = open_in(folder);
    assert_string_equal(everything(store), "1 2");
    say(store, "3", 30, "third");
    assert_string_equal(everything(store), "1 2 3");
    close_store(store);
}

static void a_message_comes_back_as_it_was(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    struct store_message m = {
        .msgid = "m-1",
        .time_ms = 1700000000123,
        .kind = 7,
        .where = {.first = "zoe", .second = "alice"},
        .source = "alice!a@example.org",
        .account = "Alice",
        .target = "zoe",
        .text = "多线程 and threads",
        .tags = "+typing=active",
    };
    assert_int_equal(outcome_of(store, append(store, m)), 0);
    struct store_rows *rows;
    struct store_query q = {.where = {.first = "alice", .second = "zoe"},
                            .range = STORE_LATEST,
                            .limit = 5,
                            .events = true};
    assert_int_equal(store_ask(store, &q, &rows), 0);
    assert_int_equal(rows->count, 1);
    const struct store_message *back = &rows->messages[0];
    assert_string_equal(back->msgid, m.msgid);
    assert_int_equal(back->time_ms, m.time_ms);
    assert_int_equal(back->kind, 7);
    assert_false(back->is_text);
    assert_string_equal(back->where.first, "alice");
    assert_string_equal(back->where.second, "zoe");
    assert_string_equal(back->source, m.source);
    assert_string_equal(back->account, "Alice");
    assert_string_equal(back->target, "zoe");
    assert_string_equal(back->text, m.text);
    assert_string_equal(back->tags, m.tags);
    store_rows_free(&rows);
    close_store(store);
}

static void what_a_message_lacks_comes_back_as_nothing(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    struct store_message m = {.msgid = "1", .where = lobby, .is_text = true};
    assert_int_equal(outcome_of(store, append(store, m)), 0);
    struct store_rows *rows;
    struct store_query q = {.where = lobby, .range = STORE_LATEST, .limit = 5};
    assert_int_equal(store_ask(store, &q, &rows), 0);
    assert_int_equal(rows->count, 1);
    assert_null(rows->messages[0].account);
    assert_null(rows->messages[0].tags);
    assert_null(rows->messages[0].where.second);
    assert_string_equal(rows->messages[0].text, "");
    store_rows_free(&rows);
    close_store(store);
}

static void closing_writes_what_waits(void **state)
{
    (void)state;
    const char *folder = new_folder();
    struct store *store = open_in(folder);
    enum { MANY = 20000 };
    char msgid[16];
    for (int i = 1; i <= MANY; i++) {
        snprintf(msgid, sizeof msgid, "%d", i);
        assert_int_equal(append(store, text_of(msgid, i, "x")), i);
    }
    close_store(store);
    assert_int_equal(number_in(file_in(folder, "history.db"), "SELECT count(*) FROM messages"),
                     MANY);
}

// Calls of SQLite's for the file that a commit of the history goes to.
static int syncs;
int fdatasync(int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    if (strstr(path, "/history.db-wal"))
        __atomic_fetch_add(&syncs, 1, __ATOMIC_SEQ_CST);
    return (int)syscall(SYS_fdatasync, fd);
}

static int syncs_of_a_message(bool full_sync)
{
    const char *folder = new_folder();
    struct store *store = open_with(
        (struct store_options){.folder = folder, .full_sync = full_sync});
    say(store, "1", 1, "the first");
    int before = __atomic_load_n(&syncs, __ATOMIC_SEQ_CST);
    say(store, "2", 2, "durable");
    int more = __atomic_load_n(&syncs, __ATOMIC_SEQ_CST) - before;
    close_store(store);
    store = open_in(folder);
    assert_string_equal(everything(store), "1 2");
    close_store(store);
    return more;
}

static void what_is_told_is_on_the_disk_if_that_was_asked_for(void **state)
{
    (void)state;
    assert_int_equal(syncs_of_a_message(true), 1);
    assert_int_equal(syncs_of_a_message(false), 0);
}

// ---- outcomes ------------------------------------------------------------------------------

static void each_append_is_told_once_and_in_order(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    enum { MANY = 3000 };
    char msgid[16];
    for (int i = 1; i <= MANY; i++) {
        snprintf(msgid, sizeof msgid, "%d", i);
        append(store, text_of(msgid, i, "x"));
    }
    struct store_progress p = {.last = 0};
    for (int64_t seen = 0; seen < MANY; seen = p.last) {
        assert_int_equal(store_wait_progress(store, seen, &p, much_later()), 0);
        assert_int_equal(p.first, seen + 1);
        assert_true(p.last >= p.first && p.last <= MANY);
        assert_int_equal(p.code, 0);
    }
    assert_int_equal(store_wait_progress(store, MANY, &p, WEFT_POLL), -ETIMEDOUT);
    store_end(store);
    assert_int_equal(store_wait_progress(store, MANY, &p, much_later()), -EPIPE);
    close_store(store);
}

static void a_msgid_that_was_there_fails_alone(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    say(store, "1", 1, "the first");
    int64_t again = append(store, text_of("1", 2, "the same"));
    int64_t other = append(store, text_of("2", 3, "another"));
    assert_int_equal(outcome_of(store, again), -EEXIST);
    assert_int_equal(outcome_of(store, other), 0);
    assert_string_equal(everything(store), "1 2");
    struct store_status status;
    store_status(store, &status);
    assert_int_equal(status.appended, 3);
    assert_int_equal(status.oldest_ms, 0);
    assert_int_equal(status.committed, 2);
    assert_int_equal(status.failed, 1);
    assert_int_equal(status.queued, 0);
    assert_int_equal(status.code, 0);
    close_store(store);
}

static void what_is_no_message_is_refused(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    struct store_message m = text_of("123456789012345678901234567890123", 1, "a long msgid");
    assert_int_equal(store_append(store, &m), -EINVAL);
    m.msgid = "";
    assert_int_equal(store_append(store, &m), -EINVAL);
    m.msgid = NULL;
    assert_int_equal(store_append(store, &m), -EINVAL);
    m = text_of("1", 1, "nowhere");
    m.where.first = NULL;
    assert_int_equal(store_append(store, &m), -EINVAL);
    append(store, text_of("12345678901234567890123456789012", 1, "just short enough"));
    close_store(store);
}

// Filled faster than a thread that has not begun can empty it; if it was faster once, again.
static void a_full_queue_refuses(void **state)
{
    (void)state;
    struct store *store = open_with(
        (struct store_options){.folder = new_folder(), .queue_messages = 3, .no_index = true});
    char msgid[16];
    int64_t rc = 0;
    for (int i = 1; rc != -ENOBUFS && i < 1000000; i++) {
        snprintf(msgid, sizeof msgid, "%d", i);
        struct store_message m = text_of(msgid, i, "x");
        rc = store_append(store, &m);
        assert_true(rc > 0 || rc == -ENOBUFS);
    }
    assert_int_equal(rc, -ENOBUFS);
    close_store(store);
}

static void a_message_larger_than_the_queue_is_refused(void **state)
{
    (void)state;
    struct store *store = open_with(
        (struct store_options){.folder = new_folder(), .queue_bytes = 2000});
    char large[3000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    struct store_message m = text_of("1", 1, large);
    assert_int_equal(store_append(store, &m), -ENOBUFS);
    say(store, "2", 2, "a small one");
    close_store(store);
}

static void an_ended_store_takes_no_more(void **state)
{
    (void)state;
    const char *folder = new_folder();
    struct store *store = open_in(folder);
    append(store, text_of("1", 1, "before"));
    store_end(store);
    struct store_message m = text_of("2", 2, "after");
    assert_int_equal(store_append(store, &m), -EPIPE);
    assert_int_equal(store_remove(store, "1", "alice", much_later()), -EPIPE);
    close_store(store);
    store = open_in(folder);
    assert_string_equal(everything(store), "1");
    close_store(store);
}

static void closing_nothing_is_harmless(void **state)
{
    (void)state;
    struct store *none = NULL;
    assert_int_equal(store_close(&none, WEFT_POLL), 0);
    struct store_rows *rows = NULL;
    store_rows_free(&rows);
}

// A clock that stands while it is held, and with it the writer that asks for the time.
static struct {
    weft_event held, asked, go;
} the_clock;

static int64_t clock_ms(void)
{
    if (weft_event_is_set(&the_clock.held)) {
        weft_event_set(&the_clock.asked);
        (void)weft_event_wait(&the_clock.go, WEFT_FOREVER);
    }
    return 1000;
}

static int release_clock(const pid_t *closer, weft_none *none)
{
    (void)none;
    CHECK(eventually(sleeps_of(*closer) >= 0));
    weft_event_set(&the_clock.go);
    return 0;
}
WEFT_TASK(release_clock, pid_t, weft_none);

static void a_close_that_may_not_wait_says_that_messages_are_lost(void **state)
{
    (void)state;
    const char *folder = new_folder();
    struct store *store = open_with((struct store_options){
        .folder = folder, .keep_days = 1, .tidy_ms = 1, .clock_ms = clock_ms, .no_index = true});
    say(store, "1", 1000, "in time");
    weft_event_set(&the_clock.held);
    assert_int_equal(weft_event_wait(&the_clock.asked, much_later()), 0);
    append(store, text_of("2", 1000, "too late"));
    pid_t self = gettid();
    weft_future *f = weft_start(WEFT_THREADS, release_clock, &self);
    assert_int_equal(store_close(&store, WEFT_POLL), -ECANCELED);
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    assert_int_equal(number_in(file_in(folder, "history.db"), "SELECT count(*) FROM messages"), 1);
}

// ---- a fiber waits alone --------------------------------------------------------------------

static int ask_on_fiber(struct store *const *store, int *count)
{
    struct store_rows *rows;
    struct store_query q = {.where = lobby, .range = STORE_LATEST, .limit = 10};
    CHECK(outcome_of(*store, append(*store, text_of("1", 1, "from a fiber"))) == 0);
    CHECK(store_ask(*store, &q, &rows) == 0);
    *count = (int)rows->count;
    store_rows_free(&rows);
    return 0;
}
WEFT_TASK(ask_on_fiber, struct store *, int);

static void a_fiber_appends_waits_and_asks(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    weft_future *f = weft_start(WEFT_FIBERS, ask_on_fiber, &store);
    int count = 0;
    assert_int_equal(weft_join_as(&f, ask_on_fiber, &count), 0);
    assert_int_equal(count, 1);
    close_store(store);
}

static int ask_cancelled(struct store *const *store, weft_none *none)
{
    (void)none;
    while (weft_check() == 0)
        weft_yield();
    struct store_rows *rows;
    struct store_query q = {.where = lobby, .range = STORE_LATEST, .limit = 10};
    int rc = store_ask(*store, &q, &rows);
    CHECK(!rows);
    return rc;
}
WEFT_TASK(ask_cancelled, struct store *, weft_none);

static void a_cancelled_task_gets_no_answer(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    enum weft_kind kinds[] = {WEFT_FIBERS, WEFT_THREADS};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        weft_future *f = weft_start(kinds[i], ask_cancelled, &store);
        weft_cancel(f);
        assert_int_equal(weft_join(&f, NULL, 0), -ECANCELED);
    }
    close_store(store);
}

// ---- the folder --------------------------------------------------------------------------

static void folder_and_files_are_private(void **state)
{
    (void)state;
    const char *folder = new_folder();
    mode_t before = umask(0);
    struct store *store = open_in(folder);
    say(store, "1", 1, "secret");
    assert_int_equal(mode_of(folder), 0700);
    const char *files[] = {"history.db", "history.db-wal", "words.db", "words.db-wal", "lock"};
    for (size_t i = 0; i < COUNT(files); i++)
        assert_int_equal(mode_of(file_in(folder, files[i])), 0600);
    close_store(store);
    umask(before);
}

static void a_second_store_of_the_folder_is_refused(void **state)
{
    (void)state;
    const char *folder = new_folder();
    struct store *store = open_in(folder), *second;
    assert_int_equal(store_open(&second, &(struct store_options){.folder = folder}), -EBUSY);
    assert_null(second);
    assert_non_null(strstr(weft_error(), folder));
    assert_non_null(strstr(weft_error(), "in use by another server"));
    close_store(store);
    close_store(open_in(folder));
}

static int second_server(void)
{
    struct store *store;
    struct store_options options = {.folder = getenv(FOLDER_OF_SCENE)};
    return store_open(&store, &options) == -EBUSY ? 0 : 1;
}

static void another_process_is_refused_too(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    assert_ends("second_server", 0, "");
    close_store(store);
}

static void a_folder_that_cannot_be_is_an_error(void **state)
{
    (void)state;
    struct store *store;
    struct store_options options = {.folder = file_in(new_folder(), "below/a/missing/one")};
    assert_int_equal(store_open(&store, &options), -ENOENT);
    assert_null(store);
    options.folder = "/dev/null";
    assert_int_equal(store_open(&store, &options), -ENOTDIR);
}

static void status_tells_the_size_of_the_files(void **state)
{
    (void)state;
    struct store *store = open_in(new_folder());
    say(store, "1", 1, "a word");
    wait_indexed(store);
    struct store_status status;
    store_status(store, &status);
    assert_true(status.file_bytes > 4096);
    assert_int_equal(status.unindexed, 0);
    assert_int_equal(status.index_code, 0);
    close_store(store);
}

static long long log_size(const char *folder)
{
    struct stat st;
    assert_int_equal(stat(file_in(folder, "history.db-wal"), &st), 0);
    return st.st_size;
}

// A reader that stays makes it grow.
static void a_log_that_has_grown_is_short_again(void **state)
{
    enum { LOG_MOST = 16 << 20, TEXT = 60000, MESSAGES = 400 };
    const char *folder = new_folder();
    struct store *store = open_in(folder);
    char *text = malloc(TEXT + 1), id[32];
    sqlite3 *reader;
    (void)state;
    assert_non_null(text);
    memset(text, 'x', TEXT);
    text[TEXT] = '\0';
    say(store, "first", 1, "hello");
    assert_int_equal(sqlite3_open(file_in(folder, "history.db"), &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM messages", NULL, NULL, NULL),
                     SQLITE_OK);
    for (int i = 0; i < MESSAGES; i++) {
        snprintf(id, sizeof id, "%d", i);
        say(store, id, 2, text);
    }
    assert_true(log_size(folder) > LOG_MOST);
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    wait_indexed(store);
    for (int i = 0; i < MESSAGES && log_size(folder) > LOG_MOST; i++) {
        snprintf(id, sizeof id, "more-%d", i);
        say(store, id, 3, "hello");
    }
    assert_true(log_size(folder) <= LOG_MOST);
    close_store(store);
    free(text);
}

static const struct scene scenes[] = {SCENE(second_server)};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_was_committed_is_there_after_a_restart),
    cmocka_unit_test(a_message_comes_back_as_it_was),
    cmocka_unit_test(what_a_message_lacks_comes_back_as_nothing),
    cmocka_unit_test(closing_writes_what_waits),
    cmocka_unit_test(what_is_told_is_on_the_disk_if_that_was_asked_for),
    cmocka_unit_test(each_append_is_told_once_and_in_order),
    cmocka_unit_test(a_msgid_that_was_there_fails_alone),
    cmocka_unit_test(what_is_no_message_is_refused),
    cmocka_unit_test(a_full_queue_refuses),
    cmocka_unit_test(a_message_larger_than_the_queue_is_refused),
    cmocka_unit_test(an_ended_store_takes_no_more),
    cmocka_unit_test(closing_nothing_is_harmless),
    cmocka_unit_test(a_close_that_may_not_wait_says_that_messages_are_lost),
    cmocka_unit_test(a_fiber_appends_waits_and_asks),
    cmocka_unit_test(a_cancelled_task_gets_no_answer),
    cmocka_unit_test(folder_and_files_are_private),
    cmocka_unit_test(a_second_store_of_the_folder_is_refused),
    cmocka_unit_test(another_process_is_refused_too),
    cmocka_unit_test(a_folder_that_cannot_be_is_an_error),
    cmocka_unit_test(status_tells_the_size_of_the_files),
    cmocka_unit_test(a_log_that_has_grown_is_short_again),
};

TEST_MAIN_AT_HOME(tests, scenes, COUNT(scenes))
