// SPDX-License-Identifier: MIT
// join_past_test.c - what was said before we came, and while we were away: past.h of
// programs/chat/join as the screen shows it (news.h, model.h).
#include "join_past.h"

// ---- the first time ------------------------------------------------------------------------

static void a_room_that_is_joined_is_asked_for_its_past(void **state)
{
    (void)state;
    hear(":ann!a@h JOIN #weft");
    assert_sent("CHATHISTORY LATEST #weft * 100\nPING :past-1\n");
    hear(":bob!b@h JOIN #weft");
    assert_sent("");
    hear(":srv 005 ann CHATHISTORY=50 :are supported");
    hear(":ann!a@h JOIN #other");
    assert_sent("CHATHISTORY LATEST #other * 50\nPING :past-2\n");
}

static void without_what_it_needs_nothing_is_asked(void **state)
{
    static const char *const all[] = {"batch", "message-tags", "server-time", "echo-message",
                                      "draft/chathistory"};
    char line[256];
    (void)state;
    for (size_t missing = 0; missing < 5; missing++) {
        lose_connection();
        line[0] = '\0';
        for (size_t i = 0; i < 5; i++)
            if (i != missing)
                (void)strcat(strcat(line, i ? " " : ""), all[i]);
        connect_with(line);
        hear(":ann!a@h JOIN #weft");
        assert_sent("");
        lose_connection();
        connect_with(ALL);
        (void)snprintf(line, sizeof line, ":srv CAP ann DEL :%s", all[missing]);
        hear(line);
        hear(":ann!a@h JOIN #weft");
        assert_sent("");
    }
}

static void what_was_said_before_is_shown_and_not_marked(void **state)
{
    (void)state;
    hear(":ann!a@h JOIN #weft");
    elsewhere();
    hear(":srv BATCH +h chathistory #weft");
    hear("@batch=h;msgid=1;time=1970-01-02T00:00:01.000Z :bob!b@h PRIVMSG #weft :ann: one");
    hear("@batch=h;msgid=2 :ann!a@h NOTICE #weft :two");
    hear(":srv BATCH -h");
    assert_said("<bob> ann: one\n-ann- two\n");
    assert_int_equal(weft()->unread, 0);
    assert_int_equal(weft()->mentions, 0);
    assert_int_equal(model_said(weft(), "1")->time_s, 86401);
    assert_true(model_said(weft(), "1")->mention); // it is coloured
    assert_true(model_said(weft(), "2")->mine);
    hear(":bob!b@h PRIVMSG #weft :now");
    assert_int_equal(weft()->unread, 1);
}

static void what_is_said_meanwhile_comes_after_it_and_once(void **state)
{
    (void)state;
    hear(":ann!a@h JOIN #weft");
    hear("@msgid=3 :bob!b@h PRIVMSG #weft :three");
    hear("@msgid=4 :bob!b@h PRIVMSG #weft :four");
    hear(":bob!b@h PRIVMSG #weft :without an id");
    hear("@msgid=x :bob!b@h PRIVMSG ann :psst"); // is not of the room
    assert_non_null(model_find(&here.model, "bob"));
    hear(":srv BATCH +h chathistory #WEFT");
    hear("@batch=h;msgid=2 :bob!b@h PRIVMSG #weft :two");
    hear("@msgid=5 :bob!b@h PRIVMSG #weft :five");
    hear("@batch=h;msgid=3 :bob!b@h PRIVMSG #weft :three");
    hear(":bob!b@h REDACT #weft 3");
    assert_said("<bob> two\n<bob> three\n");
    hear(":srv BATCH -h");
    assert_said("<bob> two\n<bob> (deleted)\n<bob> four\n<bob> without an id\n<bob> five\n");
    assert_sent("CHATHISTORY LATEST #weft * 100\nPING :past-1\n"); // and nothing more
    hear("@msgid=4 :bob!b@h PRIVMSG #weft :four");                 // it was under way
    hear("@msgid=6 :bob!b@h PRIVMSG #weft :six");
    assert_said("<bob> two\n<bob> (deleted)\n<bob> four\n<bob> without an id\n<bob> five\n"
                "<bob> six\n");
}

static void a_server_that_does_not_answer_is_not_waited_for(void **state)
{
    (void)state;
    hear(":ann!a@h JOIN #weft");
    hear(":ann!a@h JOIN #other");
    hear("@msgid=1 :bob!b@h PRIVMSG #weft :one");
    hear(":srv PONG srv :past-2");
    hear(":srv PONG srv :weft");
    assert_said("");
    hear(":srv PONG srv :past-1");
    assert_said("<bob> one\n");
    hear("@msgid=2 :bob!b@h PRIVMSG #weft :two");
    assert_said("<bob> one\n<bob> two\n");
}

static void each_room_has_its_own_lines(void **state)
{
    (void)state;
    hear(":ann!a@h JOIN #weft");
    hear(":ann!a@h JOIN #other");
    hear("@msgid=1 :bob!b@h PRIVMSG #weft :one");
    hear("@msgid=2 :bob!b@h PRIVMSG #other :two");
    hear("@msgid=3 :bob!b@h PRIVMSG #weft :three");
    hear("@msgid=4 :bob!b@h PRIVMSG #other :four");
    hear(":srv PONG srv :past-2");
    assert_newest(model_find(&here.model, "#other"), "<bob> four");
    hear("@msgid=5 :bob!b@h PRIVMSG #weft :five");
    hear(":srv PONG srv :past-1");
    assert_said("<bob> one\n<bob> three\n<bob> five\n");
}

static void a_room_that_was_only_talked_to_is_new(void **state)
{
    (void)state;
    assert_non_null(model_room(&here.model, "#weft", true)); // by /msg
    hear(":ann!a@h JOIN #weft");
    assert_sent("CHATHISTORY LATEST #weft * 100\nPING :past-1\n");
}

static void a_refusal_ends_the_wait_and_is_told(void **state)
{
    (void)state;
    hear(":ann!a@h JOIN #weft");
    hear(":ann!a@h JOIN #other");
    hear("@msgid=1 :bob!b@h PRIVMSG #weft :one");
    hear("FAIL CHATHISTORY INVALID_TARGET LATEST #other :No such conversation");
    assert_newest(model_find(&here.model, "#other"),
                  "!! FAIL CHATHISTORY INVALID_TARGET LATEST #other No such conversation");
    assert_said("");
    hear(":ann!a@h JOIN #third");
    hear("@msgid=2 :bob!b@h PRIVMSG #third :two");
    hear("FAIL CHATHISTORY MESSAGE_ERROR :Not now"); // it says not which: the oldest
    assert_said("<bob> one\n");
    assert_null(model_said(model_find(&here.model, "#third"), "2"));
    hear(":ann!a@h JOIN #fourth"); // takes the place of #weft
    hear("FAIL CHATHISTORY MESSAGE_ERROR :Not now");
    assert_non_null(model_said(model_find(&here.model, "#third"), "2"));
    assert_sent("CHATHISTORY LATEST #weft * 100\nPING :past-1\n"
                "CHATHISTORY LATEST #other * 100\nPING :past-2\n"
                "CHATHISTORY LATEST #third * 100\nPING :past-3\n"
                "CHATHISTORY LATEST #fourth * 100\nPING :past-4\n");
    hear("FAIL CHATHISTORY MESSAGE_ERROR :Not now");
    hear("FAIL CHATHISTORY UNKNOWN :by /raw");
    assert_newest(model_active(&here.model), "!! FAIL CHATHISTORY UNKNOWN by /raw");
}

static void more_than_can_be_held_is_shown_too_early_and_not_lost(void **state)
{
    static char expected[32768];
    char line[128];
    (void)state;
    hear(":ann!a@h JOIN #weft");
    for (int i = 0; i < PAST_HELD + 3; i++) {
        size_t at = strlen(expected);
        (void)snprintf(line, sizeof line, "@msgid=%d :bob!b@h PRIVMSG #weft :%d", i, i);
        hear(line);
        (void)snprintf(expected + at, sizeof expected - at, "<bob> %d\n", i);
    }
    assert_true(weft()->count >= PAST_HELD);
    hear(":srv BATCH +h chathistory #weft");
    hear("@batch=h;msgid=7 :bob!b@h PRIVMSG #weft :7");
    hear(":srv BATCH -h");
    assert_said(expected);
}

static void what_is_no_speech_in_the_past_changes_nothing(void **state)
{
    (void)state;
    hear(":ann!a@h JOIN #weft");
    hear(":srv BATCH +h chathistory #weft");
    hear("@batch=h :ann!a@h PART #weft");
    hear("@batch=h :bob!b@h JOIN #weft");
    hear("@batch=h :bob!b@h TOPIC #weft :old");
    hear(":srv BATCH -h");
    assert_true(weft()->joined);
    assert_int_equal(weft()->member_count, 0);
    assert_null(weft()->topic);
}

// ---- again ---------------------------------------------------------------------------------

static void what_was_missed_is_asked_for_until_nothing_more_comes(void **state)
{
    (void)state;
    in_a_room();
    hear("@msgid=1 :bob!b@h PRIVMSG #weft :one");
    hear(":bob!b@h PRIVMSG #weft :without an id");
    lose_connection();
    connect_with(ALL);
    elsewhere();
    hear(":ann!a@h JOIN #weft");
    assert_sent("CHATHISTORY AFTER #weft msgid=1 100\nPING :past-1\n");
    hear("@msgid=9 :bob!b@h PRIVMSG #weft :nine");
    hear(":srv BATCH +h chathistory #weft");
    hear("@batch=h;msgid=2 :bob!b@h PRIVMSG #weft :two");
    hear("@batch=h;msgid=3 :bob!b@h PRIVMSG #weft :ann!");
    hear(":srv BATCH -h");
    assert_sent("CHATHISTORY AFTER #weft msgid=3 100\nPING :past-2\n");
    hear(":srv PONG srv :past-1"); // of the first question
    hear(":srv BATCH +i chathistory #weft");
    hear("@batch=i;msgid=9 :bob!b@h PRIVMSG #weft :nine");
    hear(":srv BATCH -i");
    assert_sent("CHATHISTORY AFTER #weft msgid=9 100\nPING :past-3\n");
    hear(":srv BATCH +j chathistory #weft");
    hear(":srv BATCH -j");
    assert_sent("");
    assert_said("<bob> one\n<bob> without an id\n<bob> two\n<bob> ann!\n<bob> nine\n");
    assert_int_equal(weft()->unread, 3); // this is new
    assert_int_equal(weft()->mentions, 1);
}

static void by_its_time_where_the_message_is_not_known(void **state)
{
    (void)state;
    in_a_room();
    hear("@msgid=1;time=1970-01-01T00:20:00.700Z :bob!b@h PRIVMSG #weft :one");
    for (int i = 0; i < 2; i++) {
        lose_connection();
        connect_with(ALL);
        hear(":ann!a@h JOIN #weft");
        assert_sent("CHATHISTORY AFTER #weft msgid=1 100\nPING :past-1\n");
        if (i == 0) {
            hear(":srv BATCH +h chathistory #weft");
            hear(":srv BATCH -h");
        } else
            hear("FAIL CHATHISTORY INVALID_MSGREFTYPE AFTER #weft :Never heard of it");
        assert_sent("CHATHISTORY AFTER #weft timestamp=1970-01-01T00:19:59.999Z 100\n"
                    "PING :past-2\n");
        hear("FAIL CHATHISTORY INVALID_PARAMS AFTER :No times");
        assert_newest(model_active(&here.model),
                      "!! FAIL CHATHISTORY INVALID_PARAMS AFTER No times");
        hear("@msgid=1 :bob!b@h PRIVMSG #weft :one"); // the same second
    }
    assert_said("<bob> one\n");
}

static void since_we_came_where_nothing_was_said(void **state)
{
    (void)state;
    in_a_room();
    lose_connection();
    connect_with(ALL);
    elsewhere();
    hear(":ann!a@h JOIN #weft");
    assert_sent("CHATHISTORY AFTER #weft timestamp=1970-01-01T00:16:39.999Z 100\nPING :past-1\n");
    lose_connection();
    connect_with(ALL);
    hear(
        "@time=1970-01-01T00:20:00Z :ann!a@h JOIN #weft"); // it is still the first time that counts
    assert_sent("CHATHISTORY AFTER #weft timestamp=1970-01-01T00:16:39.999Z 100\nPING :past-1\n");
    hear(":srv BATCH +h chathistory #weft");
    hear("@batch=h;msgid=1 :bob!b@h PRIVMSG #weft :one");
    hear(":srv BATCH -h");
    assert_sent("CHATHISTORY AFTER #weft msgid=1 100\nPING :past-2\n");
    assert_int_equal(weft()->unread, 1);
}

static void a_later_page_that_is_refused_is_told(void **state)
{
    (void)state;
    since_we_came_where_nothing_was_said(state);
    hear("FAIL CHATHISTORY MESSAGE_ERROR AFTER #weft :Not now");
    assert_sent("");
    assert_newest(weft(), "!! FAIL CHATHISTORY MESSAGE_ERROR AFTER #weft Not now");
}

static void what_was_held_when_the_connection_broke_is_asked_for(void **state)
{
    (void)state;
    in_a_room();
    hear("@msgid=1 :bob!b@h PRIVMSG #weft :one");
    lose_connection();
    connect_with(ALL);
    hear(":ann!a@h JOIN #weft");
    hear("@msgid=9 :bob!b@h PRIVMSG #weft :nine");
    lose_connection();
    assert_said("<bob> one\n");
    connect_with(ALL);
    hear(":ann!a@h JOIN #weft");
    assert_sent("CHATHISTORY AFTER #weft msgid=1 100\nPING :past-1\n");
}

static void there_is_an_end_to_the_questions_and_it_is_told(void **state)
{
    char line[128];
    (void)state;
    in_a_room();
    hear("@msgid=0 :bob!b@h PRIVMSG #weft :zero");
    lose_connection();
    connect_with(ALL);
    hear(":ann!a@h JOIN #weft");
    for (int i = 1; i <= PAST_PAGES; i++) {
        here.sent[0] = '\0';
        hear(":srv BATCH +h chathistory #weft");
        (void)snprintf(line, sizeof line, "@batch=h;msgid=%d :bob!b@h PRIVMSG #weft :%d", i, i);
        hear(line);
        hear(":srv BATCH -h");
    }
    assert_sent("");
    assert_newest(weft(), "-- more was said meanwhile than is shown here");
}

// ---- messages of several lines -------------------------------------------------------------

static void several(const char *tags, const char *line_tags)
{
    char line[128];
    (void)snprintf(line, sizeof line, "@%smsgid=m :bob!b@h BATCH +m draft/multiline #weft", tags);
    hear(line);
    (void)snprintf(line, sizeof line, "@%sbatch=m :bob!b@h PRIVMSG #weft :one", line_tags);
    hear(line);
    (void)snprintf(line, sizeof line, "@%sbatch=m :bob!b@h PRIVMSG #weft :two", line_tags);
    hear(line);
    hear(":bob!b@h BATCH -m");
}

static void a_message_of_several_lines_is_one(void **state)
{
    (void)state;
    hear(":ann!a@h JOIN #weft");
    several("time=1970-01-01T00:00:07Z;", "");
    hear(":srv BATCH +h chathistory #weft");
    several("batch=h;time=1970-01-01T00:00:07Z;", "");
    hear(":srv BATCH -h");
    assert_said("<bob> one\n<bob> two\n");
    assert_int_equal(model_said(weft(), "m")->time_s, 7);
    assert_int_equal(here.session.past.held_count, 0);
    hear(":bob!b@h REDACT #weft m :why");
    assert_said("<bob> (deleted)\n<bob> (deleted)\n");
    assert_newest(weft(), "-- bob has deleted a message (why)");
}

static void a_page_of_one_message_of_several_lines_is_not_empty(void **state)
{
    (void)state;
    in_a_room();
    hear("@msgid=1 :bob!b@h PRIVMSG #weft :zero");
    lose_connection();
    connect_with(ALL);
    elsewhere();
    hear(":ann!a@h JOIN #weft");
    here.sent[0] = '\0';
    hear(":srv BATCH +l labeled-response"); // around the answer: as if it were not there
    hear("@batch=l :srv BATCH +h chathistory #weft");
    several("batch=h;", "");
    hear(":srv BATCH -h");
    hear(":srv BATCH -l");
    assert_sent("CHATHISTORY AFTER #weft msgid=m 100\nPING :past-2\n");
    assert_said("<bob> zero\n<bob> one\n<bob> two\n");
    assert_int_equal(weft()->unread, 2);
}

static void what_a_server_tells_unasked_is_said_in_its_room(void **state)
{
    (void)state;
    lose_connection();
    connect_with("batch message-tags server-time echo-message");
    hear(":ann!a@h JOIN #weft");
    elsewhere();
    hear(":srv BATCH +h chathistory #weft");
    hear("@batch=h;time=1970-01-02T00:00:01.000Z :bob!b@h PRIVMSG #weft :ann: one");
    hear(":srv BATCH -h");
    assert_said("<bob> ann: one\n");
    assert_int_equal(weft()->unread, 0);
    assert_int_equal(weft()->mentions, 0);
}

static void several_lines_of_old_are_not_marked(void **state)
{
    (void)state;
    hear(":ann!a@h JOIN #weft");
    elsewhere();
    hear(":srv BATCH +h chathistory #weft");
    several("batch=h;", "");
    hear(":srv BATCH -h");
    assert_said("<bob> one\n<bob> two\n");
    assert_int_equal(weft()->unread, 0);
    model_show(&here.model, model_index(&here.model, weft()));
    hear(":srv BATCH +f weft/mentions");
    several("batch=f;", "");
    assert_newest(weft(), "-- 1970-01-12 13:46 #weft <bob> two");
    hear(":srv BATCH -f");
    assert_newest(weft(), "-- found: 1"); // message
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        A_TEST(a_room_that_is_joined_is_asked_for_its_past),
        A_TEST(without_what_it_needs_nothing_is_asked),
        A_TEST(what_was_said_before_is_shown_and_not_marked),
        A_TEST(what_is_said_meanwhile_comes_after_it_and_once),
        A_TEST(a_server_that_does_not_answer_is_not_waited_for),
        A_TEST(each_room_has_its_own_lines),
        A_TEST(a_room_that_was_only_talked_to_is_new),
        A_TEST(a_refusal_ends_the_wait_and_is_told),
        A_TEST(more_than_can_be_held_is_shown_too_early_and_not_lost),
        A_TEST(what_is_no_speech_in_the_past_changes_nothing),
        A_TEST(what_was_missed_is_asked_for_until_nothing_more_comes),
        A_TEST(by_its_time_where_the_message_is_not_known),
        A_TEST(since_we_came_where_nothing_was_said),
        A_TEST(a_later_page_that_is_refused_is_told),
        A_TEST(what_was_held_when_the_connection_broke_is_asked_for),
        A_TEST(there_is_an_end_to_the_questions_and_it_is_told),
        A_TEST(a_message_of_several_lines_is_one),
        A_TEST(a_page_of_one_message_of_several_lines_is_not_empty),
        A_TEST(what_a_server_tells_unasked_is_said_in_its_room),
        A_TEST(several_lines_of_old_are_not_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
