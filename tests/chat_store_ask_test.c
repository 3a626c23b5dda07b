// SPDX-License-Identifier: MIT
// chat_store_ask_test.c - parts of a conversation, and conversations.
#include "chat_store.h"

#include <semaphore.h>

#include "chat/store/parts.h"

// ---- parts -------------------------------------------------------------------------------

// 1 to 9 at 10, 20... 90; 4 is an event; 5 and 6 are of one moment, written in that order.
static struct store *nine(void)
{
    struct store *store = open_with(
        (struct store_options){.folder = new_folder(), .no_index = true});
    int64_t last = 0;
    for (int i = 1; i <= 9; i++) {
        char msgid[] = {(char)('0' + i), '\0'};
        struct store_message m = text_of(msgid, i == 6 ? 50 : i * 10, "text");
        m.is_text = i != 4;
        last = append(store, m);
    }
    struct store_message elsewhere = text_of("x", 55, "elsewhere");
    elsewhere.where.first = "#other";
    last = append(store, elsewhere);
    assert_int_equal(outcome_of(store, last), 0);
    return store;
}

static struct store_point id(const char *msgid)
{
    return (struct store_point){.msgid = msgid};
}

static struct store_point at(int64_t time_ms)
{
    return (struct store_point){.time_ms = time_ms};
}

#define EVERY (size_t)100

static void expect(struct store *store, const char *ids, enum store_range range,
                   struct store_point from, struct store_point to, size_t limit)
{
    struct store_query q = {.range = range, .from = from, .to = to, .limit = limit, .events = true};
    assert_string_equal(asked(store, q), ids);
}

static void before_gives_the_last_ones_before_a_point(void **state)
{
    (void)state;
    struct store *store = nine();
    expect(store, "3 4", STORE_BEFORE, id("5"), at(0), 2);
    expect(store, "1 2 3 4 5", STORE_BEFORE, id("6"), at(0), EVERY);
    expect(store, "3 4", STORE_BEFORE, at(50), at(0), 2);
    expect(store, "5 6", STORE_BEFORE, at(51), at(0), 2);
    expect(store, "", STORE_BEFORE, id("1"), at(0), 2);
    expect(store, "", STORE_BEFORE, at(90), at(0), 0);
    close_store(store);
}

static void after_gives_the_first_ones_after_a_point(void **state)
{
    (void)state;
    struct store *store = nine();
    expect(store, "6 7", STORE_AFTER, id("5"), at(0), 2);
    expect(store, "7 8", STORE_AFTER, at(50), at(0), 2);
    expect(store, "5 6", STORE_AFTER, at(49), at(0), 2);
    expect(store, "", STORE_AFTER, id("9"), at(0), 2);
    close_store(store);
}

static void latest_gives_the_end_as_far_as_it_is_after_a_point(void **state)
{
    (void)state;
    struct store *store = nine();
    expect(store, "8 9", STORE_LATEST, at(0), at(0), 2);
    expect(store, "7 8 9", STORE_LATEST, id("6"), at(0), EVERY);
    expect(store, "9", STORE_LATEST, at(80), at(0), EVERY);
    expect(store, "8 9", STORE_LATEST, id("3"), at(0), 2);
    close_store(store);
}

static void around_has_the_point_itself_in_the_middle(void **state)
{
    (void)state;
    struct store *store = nine();
    expect(store, "4 5 6", STORE_AROUND, id("5"), at(0), 3);
    expect(store, "3 4 5 6", STORE_AROUND, id("5"), at(0), 4);
    expect(store, "5", STORE_AROUND, id("5"), at(0), 1);
    expect(store, "1 2", STORE_AROUND, id("1"), at(0), 4);
    expect(store, "8 9", STORE_AROUND, id("9"), at(0), 3);
    expect(store, "3 4 5 6", STORE_AROUND, at(50), at(0), 4);
    expect(store, "6 7", STORE_AROUND, at(55), at(0), 2);
    close_store(store);
}

static void between_goes_from_the_first_point_toward_the_second(void **state)
{
    (void)state;
    struct store *store = nine();
    expect(store, "4 5 6", STORE_BETWEEN, id("3"), id("7"), EVERY);
    expect(store, "4 5", STORE_BETWEEN, id("3"), id("7"), 2);
    expect(store, "5 6", STORE_BETWEEN, id("7"), id("3"), 2);
    expect(store, "4 5 6", STORE_BETWEEN, id("7"), id("3"), EVERY);
    expect(store, "4 5 6", STORE_BETWEEN, at(30), at(70), EVERY);
    expect(store, "5 6", STORE_BETWEEN, at(70), at(30), 2);
    expect(store, "4 5 6", STORE_BETWEEN, id("3"), at(70), EVERY);
    expect(store, "", STORE_BETWEEN, id("5"), id("5"), EVERY);
    expect(store, "", STORE_BETWEEN, at(50), at(50), EVERY);
    expect(store, "", STORE_BETWEEN, id("5"), id("6"), EVERY);
    close_store(store);
}

static void without_events_only_texts_count(void **state)
{
    (void)state;
    struct store *store = nine();
    struct store_query q = {.range = STORE_BETWEEN, .from = id("2"), .to = id("7"), .limit = 3};
    assert_string_equal(asked(store, q), "3 5 6");
    close_store(store);
}

static void an_unknown_msgid_is_an_error(void **state)
{
    (void)state;
    struct store *store = nine();
    struct store_rows *rows;
    struct store_query q = {.where = lobby, .range = STORE_BEFORE, .from = id("no"), .limit = 3};
    assert_int_equal(store_ask(store, &q, &rows), -ENOENT);
    assert_null(rows);
    assert_non_null(strstr(weft_error(), "no message no"));
    q.from = id("x"); // of another room: not to be found out here
    assert_int_equal(store_ask(store, &q, &rows), -ENOENT);
    q.where.first = "#nowhere";
    assert_int_equal(store_ask(store, &q, &rows), -ENOENT);
    q = (struct store_query){
        .where = lobby, .range = STORE_BETWEEN, .from = id("1"), .to = id("no"), .limit = 3};
    assert_int_equal(store_ask(store, &q, &rows), -ENOENT);
    close_store(store);
}

static void a_room_where_nobody_spoke_is_empty(void **state)
{
    (void)state;
    struct store *store = nine();
    assert_string_equal(asked(store, (struct store_query){.where = {.first = "#nowhere"},
                                                          .range = STORE_LATEST,
                                                          .limit = 3}),
                        "");
    close_store(store);
}

// 1 and 2 at 100 and 200; then the clock is set back, and 3 and 4 are at 110 and 120.
static void what_comes_after_a_clock_was_set_back_is_found(void **state)
{
    (void)state;
    struct store *store = open_with(
        (struct store_options){.folder = new_folder(), .no_index = true});
    say(store, "1", 100, "a");
    say(store, "2", 200, "b");
    say(store, "3", 110, "c");
    say(store, "4", 120, "d");
    expect(store, "3 4", STORE_LATEST, at(0), at(0), 2);
    expect(store, "3 4", STORE_LATEST, at(200), at(0), 2);
    expect(store, "3 4", STORE_AFTER, id("2"), at(0), EVERY);
    expect(store, "3 4", STORE_AFTER, at(200), at(0), EVERY);
    expect(store, "2 3 4", STORE_AFTER, at(100), at(0), EVERY);
    expect(store, "2 3 4", STORE_AFTER, at(105), at(0), EVERY);
    expect(store, "", STORE_AFTER, at(201), at(0), EVERY);
    expect(store, "1 2", STORE_BEFORE, id("3"), at(0), EVERY);
    expect(store, "1 2", STORE_BEFORE, at(110), at(0), EVERY);
    expect(store, "1 2 3", STORE_BEFORE, at(115), at(0), EVERY);
    expect(store, "1 3 4", STORE_BEFORE, at(200), at(0), EVERY);
    expect(store, "2 3", STORE_BETWEEN, id("1"), id("4"), EVERY);
    expect(store, "3", STORE_BETWEEN, id("4"), id("1"), 1);
    expect(store, "2 3 4", STORE_AROUND, id("3"), at(0), 3);
    expect(store, "1 2 3", STORE_AROUND, at(110), at(0), 3);
    close_store(store);
}

// What lies behind the first message since a time, or before the last one until it, as a look at
// each of them tells.
static const char *should_be(const int64_t *times, int count, bool after, int64_t time)
{
    static char ids[400];
    int begin = 0, end = count;
    while (after && begin < count && times[begin] < time)
        begin++;
    while (!after && end > 0 && times[end - 1] > time)
        end--;
    char *to = ids;
    *to = '\0';
    for (int i = begin; i < end; i++)
        if (times[i] != time)
            to += sprintf(to, "%s%d", to > ids ? " " : "", i);
    return ids;
}

// Of two rooms in turn; of the clock's steps as many as are kept, or a few more.
static void a_time_is_found_wherever_the_clock_was_set_back(void **state)
{
    (void)state;
    enum { MANY = 100 };
    unsigned seed = 7;
    const unsigned step_every[] = {50, 12, 2};
    for (size_t round = 0; round < COUNT(step_every); round++) {
        struct store *store = open_with(
            (struct store_options){.folder = new_folder(), .no_index = true});
        int64_t times[MANY], now = 1000, last = 0;
        for (int i = 0; i < MANY; i++) {
            char msgid[16];
            bool back = (unsigned)rand_r(&seed) % step_every[round] == 0;
            now = back && now > 100 ? now - rand_r(&seed) % 90 : now + rand_r(&seed) % 5;
            times[i] = now;
            snprintf(msgid, sizeof msgid, "%d", i);
            append(store, text_of(msgid, now, "text"));
            snprintf(msgid, sizeof msgid, "x%d", i);
            struct store_message other = text_of(msgid, now + rand_r(&seed) % 2, "text");
            other.where.first = "#other";
            now = other.time_ms;
            last = append(store, other);
        }
        assert_int_equal(outcome_of(store, last), 0);
        for (int64_t time = 900; time < 1300; time += 3) {
            struct store_query q = {.from = at(time), .limit = MANY, .range = STORE_AFTER};
            assert_string_equal(asked(store, q), should_be(times, MANY, true, time));
            q.range = STORE_BEFORE;
            assert_string_equal(asked(store, q), should_be(times, MANY, false, time));
        }
        close_store(store);
    }
}

// ---- conversations ---------------------------------------------------------------------------

static void speak(struct store *store, const char *msgid, int64_t time_ms, const char *first,
                  const char *second)
{
    struct store_message m = text_of(msgid, time_ms, "text");
    m.where = (struct store_conversation){.first = first, .second = second};
    assert_int_equal(outcome_of(store, append(store, m)), 0);
}

static const struct store_conversation rooms[] = {
    {.first = "#a"}, {.first = "#b"}, {.first = "#silent"}};

static struct store *talks(void)
{
    struct store *store = open_with(
        (struct store_options){.folder = new_folder(), .no_index = true});
    speak(store, "a1", 10, "#a", NULL);
    speak(store, "d1", 20, "tom", "ann");
    speak(store, "a2", 30, "#a", NULL);
    speak(store, "b1", 40, "#b", NULL);
    speak(store, "e1", 50, "bob", "tom");
    speak(store, "c1", 60, "#c", NULL);
    speak(store, "f1", 70, "ann", "bob");
    return store;
}

static const char *listed(struct store *store, int64_t from, int64_t to, size_t limit)
{
    struct store_rows *rows;
    struct store_targets t = {.user = "tom",
                              .rooms = rooms,
                              .room_count = COUNT(rooms),
                              .from_ms = from,
                              .to_ms = to,
                              .limit = limit};
    assert_int_equal(store_list(store, &t, &rows), 0);
    return ids_of(rows);
}

static void a_user_sees_his_own_conversations_and_the_rooms_named(void **state)
{
    (void)state;
    struct store *store = talks();
    assert_string_equal(listed(store, 0, 100, EVERY), "d1 a2 b1 e1");
    close_store(store);
}

static void only_the_last_text_of_a_conversation_counts(void **state)
{
    (void)state;
    struct store *store = talks();
    assert_string_equal(listed(store, 0, 30, EVERY), "d1"); // #a went on after it
    assert_string_equal(listed(store, 10, 40, EVERY), "d1 a2");
    assert_string_equal(listed(store, 70, 100, EVERY), "");
    close_store(store);
}

static void a_limit_keeps_those_nearest_to_the_first_time(void **state)
{
    (void)state;
    struct store *store = talks();
    assert_string_equal(listed(store, 0, 100, 2), "d1 a2");
    assert_string_equal(listed(store, 100, 0, 2), "b1 e1");
    close_store(store);
}

static void a_target_tells_who_with_whom(void **state)
{
    (void)state;
    struct store *store = talks();
    struct store_rows *rows;
    struct store_targets t = {.user = "tom", .from_ms = 0, .to_ms = 100, .limit = 1};
    assert_int_equal(store_list(store, &t, &rows), 0);
    assert_int_equal(rows->count, 1);
    assert_string_equal(rows->messages[0].where.first, "ann");
    assert_string_equal(rows->messages[0].where.second, "tom");
    assert_int_equal(rows->messages[0].time_ms, 20);
    store_rows_free(&rows);
    close_store(store);
}

static void a_removed_or_wordless_last_message_does_not_count(void **state)
{
    (void)state;
    struct store *store = talks();
    struct store_message event = text_of("e2", 90, "");
    event.where = rooms[1];
    event.is_text = false;
    assert_int_equal(outcome_of(store, append(store, event)), 0);
    assert_int_equal(store_remove(store, "a2", "ann", much_later()), 0);
    assert_string_equal(listed(store, 0, 100, EVERY), "a1 d1 b1 e1");
    close_store(store);
}

// ---- many questions ----------------------------------------------------------------------

enum { LONG = READERS - 1, PATIENCE_S = 10 };
static sem_t begun, may_end;

// A question that takes as long as the others are not done, as its thread sees it: no wait of weft.
static int take_long(sqlite3 *db, const void *question, struct store_rows **rows)
{
    (void)db, (void)question, (void)rows;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    sem_post(&begun);
    return sem_timedwait(&may_end, &until) < 0 ? -errno : 0;
}

static int ask_for_long(struct store *const *store, weft_none *none)
{
    (void)none;
    struct store_rows *rows;
    return reader_run(*store, take_long, NULL, WEFT_FOREVER, &rows);
}
WEFT_TASK(ask_for_long, struct store *, weft_none);

static int ask_beside(struct store *const *store, size_t *count)
{
    struct store_rows *rows;
    struct store_query q = {.where = lobby, .range = STORE_LATEST, .limit = 10};
    CHECK(store_ask(*store, &q, &rows) == 0);
    *count = rows->count;
    store_rows_free(&rows);
    return 0;
}
WEFT_TASK(ask_beside, struct store *, size_t);

static void while_a_reader_is_free_nobody_waits_for_the_others(void **state)
{
    (void)state;
    struct store *store = nine();
    weft_future *others[LONG];
    size_t count = 0;
    sem_init(&begun, 0, 0);
    sem_init(&may_end, 0, 0);
    for (int i = 0; i < LONG; i++)
        others[i] = weft_start(WEFT_FIBERS, ask_for_long, &store);
    for (int i = 0; i < LONG; i++)
        while (sem_wait(&begun) < 0)
            assert_int_equal(errno, EINTR);
    weft_future *f = weft_start(WEFT_FIBERS, ask_beside, &store);
    assert_int_equal(weft_join_as(&f, ask_beside, &count), 0);
    for (int i = 0; i < LONG; i++)
        sem_post(&may_end);
    for (int i = 0; i < LONG; i++)
        assert_int_equal(weft_join(&others[i], NULL, 0), 0);
    assert_int_equal(count, 8);
    close_store(store);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(before_gives_the_last_ones_before_a_point),
    cmocka_unit_test(after_gives_the_first_ones_after_a_point),
    cmocka_unit_test(latest_gives_the_end_as_far_as_it_is_after_a_point),
    cmocka_unit_test(around_has_the_point_itself_in_the_middle),
    cmocka_unit_test(between_goes_from_the_first_point_toward_the_second),
    cmocka_unit_test(without_events_only_texts_count),
    cmocka_unit_test(an_unknown_msgid_is_an_error),
    cmocka_unit_test(a_room_where_nobody_spoke_is_empty),
    cmocka_unit_test(what_comes_after_a_clock_was_set_back_is_found),
    cmocka_unit_test(a_time_is_found_wherever_the_clock_was_set_back),
    cmocka_unit_test(a_user_sees_his_own_conversations_and_the_rooms_named),
    cmocka_unit_test(only_the_last_text_of_a_conversation_counts),
    cmocka_unit_test(a_limit_keeps_those_nearest_to_the_first_time),
    cmocka_unit_test(a_target_tells_who_with_whom),
    cmocka_unit_test(a_removed_or_wordless_last_message_does_not_count),
    cmocka_unit_test(while_a_reader_is_free_nobody_waits_for_the_others),
};

TEST_MAIN_AT_HOME(tests, NULL, 0)
