// SPDX-License-Identifier: MIT
// join_older_test.c - what is older than all that the screen has of a room, asked for as the reader
// goes back: past.h, the ring of model.h and desk_ask_older of commands.h in programs/chat/join.
#include "chat/join/commands.h"
#include "join_past.h"

static void go_back(void)
{
    struct desk d = {
        .model = &here.model, .session = &here.session, .now_s = NOW, .connected = true};
    desk_ask_older(&d);
}

// One line of an answer, said at so many seconds on the first of January 1970.
static void hear_old(const char *batch, const char *id, int second, const char *text)
{
    char line[256];
    (void)snprintf(
        line, sizeof line,
        "@batch=%s;msgid=%s;time=1970-01-01T00:%02d:%02d.250Z :bob!b@h PRIVMSG #weft :%s", batch,
        id, second / 60, second % 60, text);
    hear(line);
}

// The lines of #weft from the oldest, events and dates too; no others.
static void assert_lines(const char *lines)
{
    static char all[32768];
    const struct room *r = weft();
    all[0] = '\0';
    for (uint64_t n = r->added - r->count + 1; n <= r->added; n++) {
        size_t at = strlen(all);
        (void)snprintf(all + at, sizeof all - at, "%s\n", model_line(r, n)->text);
    }
    assert_string_equal(all, lines);
}

// In #weft, where the last two of what was said before are known: 11 and 12.
static void in_a_room_with_a_past(void)
{
    hear("@time=1970-01-01T00:20:00Z :ann!a@h JOIN #weft");
    hear(":srv BATCH +h chathistory #weft");
    hear_old("h", "11", 1011, "eleven");
    hear_old("h", "12", 1012, "twelve");
    hear(":srv BATCH -h");
    here.sent[0] = '\0';
}

static void an_older_page_comes_before_what_was_said_in_its_order(void **state)
{
    (void)state;
    in_a_room_with_a_past();
    hear("@msgid=13;time=1970-01-01T00:20:01Z :bob!b@h PRIVMSG #weft :thirteen");
    uint64_t added = weft()->added;
    weft()->bottom = added - 1; // one reads "twelve"
    go_back();
    assert_sent("CHATHISTORY BEFORE #weft msgid=11 100\nPING :past-2\n");
    hear(":srv BATCH +o chathistory #WEFT");
    hear_old("o", "9", 1009, "nine");
    hear("@msgid=14;time=1970-01-01T00:20:02Z :bob!b@h PRIVMSG #weft :fourteen"); // not held
    assert_newest(weft(), "<bob> fourteen");
    hear_old("o", "10", 1010, "ann: ten");
    hear(":srv BATCH -o");
    assert_lines("-- you have joined\n<bob> nine\n<bob> ann: ten\n<bob> eleven\n<bob> twelve\n"
                 "<bob> thirteen\n<bob> fourteen\n");
    assert_string_equal(model_line(weft(), weft()->bottom)->text, "<bob> twelve");
    assert_true(model_said(weft(), "10")->mention);
    go_back();
    assert_sent("CHATHISTORY BEFORE #weft msgid=9 100\nPING :past-3\n");
}

static void it_is_no_news(void **state)
{
    (void)state;
    in_a_room_with_a_past();
    hear(":srv 353 ann = #weft :ann bob");
    uint64_t spoke = model_member(&here.model, weft(), "bob")->spoke;
    go_back();
    elsewhere();
    hear(":srv BATCH +o chathistory #weft");
    hear_old("o", "9", 1009, "ann: nine");
    hear_old("o", "10", 1010, "\1PING 1\1");
    hear(":srv BATCH -o");
    assert_newest(weft(), "<bob> twelve");
    assert_int_equal(weft()->unread, 0);
    assert_int_equal(weft()->mentions, 0);
    assert_int_equal(model_member(&here.model, weft(), "bob")->spoke, spoke);
}

static void only_one_question_about_a_room_is_under_way(void **state)
{
    (void)state;
    in_a_room_with_a_past();
    go_back();
    here.sent[0] = '\0';
    go_back();
    hear(":srv BATCH +o chathistory #weft");
    hear_old("o", "9", 1009, "nine");
    go_back(); // within the answer: the place of its next line stays
    hear_old("o", "10", 1010, "ten");
    assert_sent("");
    hear(":srv BATCH -o");
    assert_said("<bob> nine\n<bob> ten\n<bob> eleven\n<bob> twelve\n");
    hear(":ann!a@h JOIN #other");
    here.sent[0] = '\0';
    model_show(&here.model, model_index(&here.model, model_find(&here.model, "#other")));
    go_back(); // we have asked for its latest lines
    assert_sent("");
    model_show(&here.model, model_index(&here.model, weft()));
    go_back(); // another room
    assert_sent("CHATHISTORY BEFORE #weft msgid=9 100\nPING :past-4\n");
    hear(":srv PONG srv :past-4"); // no answer comes: it may be asked again
    go_back();
    assert_sent("CHATHISTORY BEFORE #weft msgid=9 100\nPING :past-5\n");
}

static void the_beginning_is_told_once(void **state)
{
    (void)state;
    in_a_room_with_a_past();
    go_back();
    assert_sent("CHATHISTORY BEFORE #weft msgid=11 100\nPING :past-2\n");
    hear(":srv BATCH +o chathistory #weft");
    hear(":srv BATCH -o");
    assert_sent("CHATHISTORY BEFORE #weft timestamp=1970-01-01T00:16:51.250Z 100\nPING :past-3\n");
    hear(":srv BATCH +o chathistory #weft");
    hear(":srv BATCH -o");
    const char *all = "-- you have joined\n-- nothing older is kept\n<bob> eleven\n<bob> twelve\n";
    assert_lines(all);
    go_back();
    assert_sent("");
    assert_lines(all);
}

static void a_message_that_the_server_does_not_know_is_asked_for_by_its_time(void **state)
{
    (void)state;
    in_a_room_with_a_past();
    go_back();
    here.sent[0] = '\0';
    hear("FAIL CHATHISTORY INVALID_MSGREFTYPE BEFORE #weft :Never heard of it");
    assert_sent("CHATHISTORY BEFORE #weft timestamp=1970-01-01T00:16:51.250Z 100\nPING :past-3\n");
    hear(":srv BATCH +o chathistory #weft");
    hear_old("o", "10", 1010, "ten");
    hear_old("o", "11", 1011, "eleven"); // a double
    hear(":srv BATCH -o");
    assert_lines("-- you have joined\n<bob> ten\n<bob> eleven\n<bob> twelve\n");
}

static void a_refusal_is_told_and_is_not_the_beginning(void **state)
{
    (void)state;
    in_a_room_with_a_past();
    go_back();
    hear("FAIL CHATHISTORY MESSAGE_ERROR BEFORE #weft :Not now");
    hear("FAIL CHATHISTORY MESSAGE_ERROR BEFORE #weft :Not now");
    assert_newest(weft(), "!! FAIL CHATHISTORY MESSAGE_ERROR BEFORE #weft Not now");
    here.sent[0] = '\0';
    go_back();
    assert_sent("CHATHISTORY BEFORE #weft msgid=11 100\nPING :past-4\n");
}

static void where_nothing_was_said_it_is_what_was_before_we_came(void **state)
{
    (void)state;
    in_a_room();
    go_back();
    assert_sent("CHATHISTORY BEFORE #weft timestamp=1970-01-01T00:16:40.000Z 100\nPING :past-2\n");
    hear(":srv BATCH +o chathistory #weft");
    hear_old("o", "9", 900, "nine");
    hear(":srv BATCH -o");
    assert_lines("<bob> nine\n-- you have joined\n");
}

static void nothing_is_asked_where_there_is_no_history(void **state)
{
    (void)state;
    elsewhere();
    go_back();
    assert_sent(""); // the server's own room
    in_a_room_with_a_past();
    struct desk away = {.model = &here.model, .session = &here.session, .now_s = NOW};
    desk_ask_older(&away);
    hear(":ann!a@h PART #weft");
    go_back();
    assert_sent(""); // we are not there
    lose_connection();
    connect_with("message-tags server-time batch echo-message");
    hear(":ann!a@h JOIN #weft");
    go_back();
    assert_sent("");
}

static void a_private_talk_has_a_past_too(void **state)
{
    (void)state;
    hear("@msgid=p2;time=1970-01-01T00:20:00.007Z :bob!b@h PRIVMSG ann :hi");
    struct room *bob = model_find(&here.model, "bob");
    assert_non_null(bob);
    model_show(&here.model, model_index(&here.model, bob));
    go_back();
    assert_sent("CHATHISTORY BEFORE bob msgid=p2 100\nPING :past-1\n");
    hear(":srv BATCH +o chathistory bob");
    hear("@batch=o;msgid=p1;time=1970-01-01T00:19:00Z :ann!a@h PRIVMSG bob :psst");
    hear(":srv BATCH -o");
    assert_string_equal(model_line(bob, 1)->text, "<ann> psst");
    assert_int_equal(bob->count, 2);
}

static void a_talk_that_the_server_does_not_know_has_nothing_older(void **state)
{
    (void)state;
    hear("@time=1970-01-01T00:20:00.007Z :eve!e@h PRIVMSG ann :hi");
    struct room *eve = model_find(&here.model, "eve");
    assert_non_null(eve);
    model_show(&here.model, model_index(&here.model, eve));
    go_back();
    hear("FAIL CHATHISTORY INVALID_TARGET BEFORE eve :No such conversation");
    assert_int_equal(eve->count, 2);
    assert_string_equal(model_line(eve, 1)->text, "-- nothing older is kept");
    here.sent[0] = '\0';
    go_back();
    assert_sent("");
}

static void a_room_that_was_closed_meanwhile_stays_closed(void **state)
{
    (void)state;
    in_a_room_with_a_past();
    go_back();
    model_close(&here.model, weft());
    hear(":srv BATCH +o chathistory #weft");
    hear_old("o", "9", 1009, "nine");
    hear(":srv BATCH -o");
    assert_null(model_find(&here.model, "#weft"));
}

static void a_room_that_is_joined_again_waits_for_both_answers(void **state)
{
    (void)state;
    in_a_room_with_a_past();
    go_back();
    hear(":ann!a@h PART #weft");
    hear("@time=1970-01-01T00:21:00Z :ann!a@h JOIN #weft");
    assert_sent("CHATHISTORY BEFORE #weft msgid=11 100\nPING :past-2\n"
                "CHATHISTORY AFTER #weft msgid=12 100\nPING :past-3\n");
    hear(":srv BATCH +o chathistory #weft");
    hear_old("o", "10", 1010, "ten");
    hear(":srv BATCH -o");
    hear(":srv BATCH +a chathistory #weft");
    hear_old("a", "13", 1013, "thirteen");
    hear(":srv BATCH -a");
    assert_sent("CHATHISTORY AFTER #weft msgid=13 100\nPING :past-4\n");
    assert_said("<bob> ten\n<bob> eleven\n<bob> twelve\n<bob> thirteen\n");
}

static void each_day_has_its_date(void **state)
{
    (void)state;
    hear("@time=1970-01-05T00:00:01Z :ann!a@h JOIN #weft");
    hear(":srv BATCH +h chathistory #weft");
    hear("@batch=h;msgid=4;time=1970-01-03T10:00:00Z :bob!b@h PRIVMSG #weft :four");
    hear(":srv BATCH -h");
    go_back();
    hear(":srv BATCH +o chathistory #weft");
    hear("@batch=o;msgid=2;time=1970-01-02T10:00:00Z :bob!b@h PRIVMSG #weft :two");
    hear("@batch=o;msgid=3;time=1970-01-03T09:00:00Z :bob!b@h PRIVMSG #weft :three");
    hear(":srv BATCH -o");
    assert_lines("-- you have joined\n-- 1970-01-02\n<bob> two\n-- 1970-01-03\n<bob> three\n"
                 "<bob> four\n");
    go_back();
    hear(":srv BATCH +o chathistory #weft");
    hear("@batch=o;msgid=1;time=1970-01-01T10:00:00Z :bob!b@h PRIVMSG #weft :one");
    hear(":srv BATCH -o");
    assert_lines("-- you have joined\n-- 1970-01-01\n<bob> one\n-- 1970-01-02\n<bob> two\n"
                 "-- 1970-01-03\n<bob> three\n<bob> four\n");
}

static void a_date_comes_between_where_there_was_none(void **state)
{
    (void)state;
    hear("@time=1970-01-05T00:00:01Z :ann!a@h JOIN #weft");
    hear(":srv BATCH +h chathistory #weft");
    hear(":srv BATCH -h");
    hear("@msgid=3;time=1970-01-05T00:00:02Z :bob!b@h PRIVMSG #weft :three");
    go_back();
    hear(":srv BATCH +o chathistory #weft");
    hear("@batch=o;msgid=1;time=1970-01-04T10:00:00Z :bob!b@h PRIVMSG #weft :one");
    hear("@batch=o;msgid=2;time=1970-01-05T00:00:00Z :bob!b@h PRIVMSG #weft :two");
    hear(":srv BATCH -o");
    assert_lines("-- you have joined\n-- 1970-01-04\n<bob> one\n-- 1970-01-05\n<bob> two\n"
                 "<bob> three\n");
}

// ---- the ring ------------------------------------------------------------------------------

static void add(const char *text)
{
    model_add(&here.model, weft(),
              &(struct speech){.kind = SAID_TEXT, .time_s = NOW, .who = "bob", .text = text});
}

static void add_older(const char *text)
{
    model_add_older(&here.model, weft(),
                    &(struct speech){.kind = SAID_TEXT, .time_s = NOW, .who = "bob", .text = text});
}

static void assert_oldest(int index, const char *text)
{
    const struct room *r = weft();
    assert_string_equal(model_line(r, r->added - r->count + 1 + (uint64_t)index)->text, text);
}

static void in_a_room_filled_up_to(size_t count)
{
    char text[16];
    assert_non_null(model_room(&here.model, "#weft", true));
    for (size_t i = 1; i <= count; i++) {
        (void)snprintf(text, sizeof text, "%zu", i);
        add(text);
    }
}

static void in_a_full_room_the_oldest_make_way(void **state)
{
    (void)state;
    in_a_room_filled_up_to(MODEL_LINES - 2);
    weft()->joined = true;
    model_begin_older(weft());
    for (int i = 0; i < 5; i++)
        add_older((const char *[]){"a", "b", "c", "d", "e"}[i]);
    assert_int_equal(weft()->count, MODEL_LINES);
    assert_oldest(0, "<bob> d"); // and there is no gap
    assert_oldest(1, "<bob> e");
    assert_oldest(2, "<bob> 1");
    assert_newest(weft(), "<bob> 4998");
    go_back();
    assert_sent(""); // there is no room for more
    add("new");
    model_begin_older(weft());
    add_older("too old");
    assert_oldest(0, "<bob> e");
    assert_oldest(1, "<bob> 1");
    assert_newest(weft(), "<bob> new");
}

static void what_is_looked_at_stays_in_a_full_room(void **state)
{
    (void)state;
    in_a_room_filled_up_to(MODEL_LINES - 1);
    model_begin_older(weft());
    weft()->bottom = 1;
    weft()->hidden = 3;
    add_older("a");
    assert_int_equal(weft()->bottom, 2);
    assert_int_equal(weft()->hidden, 3);
    weft()->bottom = 1; // "a"
    add_older("b");     // takes its place
    assert_string_equal(model_line(weft(), weft()->bottom)->text, "<bob> b");
    assert_int_equal(weft()->hidden, 0);
    add("new"); // "b" goes, as the oldest
    assert_string_equal(model_line(weft(), weft()->bottom)->text, "<bob> 1");
    add_older("c"); // older than all that is left
    assert_oldest(0, "<bob> 1");
}

static void the_ring_is_right_wherever_it_begins(void **state)
{
    char text[16];
    (void)state;
    for (size_t start = 0; start < 3; start++) {
        in_a_room_filled_up_to(MODEL_LINES + start);
        model_begin_older(weft());
        weft()->older += 7;
        weft()->bottom = weft()->older - 2;
        const char *above = model_line(weft(), weft()->bottom)->text;
        add_older("x");
        (void)snprintf(text, sizeof text, "<bob> %zu", 1 + start + 1);
        assert_oldest(0, text);
        assert_oldest(6, "<bob> x");
        (void)snprintf(text, sizeof text, "<bob> %zu", 8 + start);
        assert_oldest(7, text);
        assert_ptr_equal(model_line(weft(), weft()->bottom)->text, above);
        model_close(&here.model, weft());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        A_TEST(an_older_page_comes_before_what_was_said_in_its_order),
        A_TEST(it_is_no_news),
        A_TEST(only_one_question_about_a_room_is_under_way),
        A_TEST(the_beginning_is_told_once),
        A_TEST(a_message_that_the_server_does_not_know_is_asked_for_by_its_time),
        A_TEST(a_refusal_is_told_and_is_not_the_beginning),
        A_TEST(where_nothing_was_said_it_is_what_was_before_we_came),
        A_TEST(nothing_is_asked_where_there_is_no_history),
        A_TEST(a_private_talk_has_a_past_too),
        A_TEST(a_talk_that_the_server_does_not_know_has_nothing_older),
        A_TEST(a_room_that_was_closed_meanwhile_stays_closed),
        A_TEST(a_room_that_is_joined_again_waits_for_both_answers),
        A_TEST(each_day_has_its_date),
        A_TEST(a_date_comes_between_where_there_was_none),
        A_TEST(in_a_full_room_the_oldest_make_way),
        A_TEST(what_is_looked_at_stays_in_a_full_room),
        A_TEST(the_ring_is_right_wherever_it_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
