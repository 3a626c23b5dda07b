// SPDX-License-Identifier: MIT
// join_found_test.c - what is told of messages beside their words: what a search has found, which
// rooms keep them, which were deleted (past.h, news.h and model.h of programs/chat/join).
#include "join_past.h"

// ---- what was found ------------------------------------------------------------------------

static void what_was_found_is_shown_where_one_looks(void **state)
{
    static const char *const types[] = {"soju.im/search", "weft/mentions", "chathistory #else"};
    char line[128];
    (void)state;
    in_a_room();
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(line, sizeof line, ":srv BATCH +f %s", types[i]);
        hear(line);
        hear("@batch=f;msgid=1;time=1970-01-01T10:20:30Z :bob!b@h PRIVMSG #else :about ann");
        assert_newest(weft(), "-- 1970-01-01 10:20 #else <bob> about ann");
        hear("@batch=f :bob!b@h PRIVMSG ann :\1ACTION waves\1");
        const struct said *line_of_it = model_line(weft(), weft()->added);
        assert_non_null(strstr(line_of_it->text, "bob * bob waves"));
        assert_int_equal(line_of_it->time_s, NOW); // else there would be lines with dates
        hear("@batch=f :bob!b@h JOIN #else");
        hear(":srv BATCH -f");
        assert_newest(weft(), "-- found: 2");
    }
    assert_null(model_find(&here.model, "#else"));
    assert_null(model_find(&here.model, "bob"));
    assert_null(model_said(weft(), "1"));
    hear(":srv BATCH +f soju.im/search");
    hear(":srv BATCH -f");
    assert_newest(weft(), "-- nothing was found");
}

static void in_other_batches_lines_are_what_they_are(void **state)
{
    char line[128];
    (void)state;
    in_a_room();
    hear(":srv BATCH +n netsplit a b");
    hear("@batch=n :bob!b@h PRIVMSG #weft :one");
    hear(":srv BATCH +o what/ever");
    hear("@batch=unknown :bob!b@h PRIVMSG #weft :two");
    hear(":srv BATCH -n");
    hear(":srv BATCH -n");
    hear(":srv BATCH +");
    hear(":srv BATCH");
    for (int i = 0; i < PAST_BATCHES; i++) { // none of them takes a place
        (void)snprintf(line, sizeof line, ":srv BATCH +%070d weft/mentions", i);
        hear(line);
    }
    for (int i = 0; i < PAST_BATCHES + 2; i++) { // more than there is place for
        (void)snprintf(line, sizeof line, ":srv BATCH +%d weft/mentions", i);
        hear(line);
    }
    hear("@batch=0 :bob!b@h PRIVMSG #weft :found");
    (void)snprintf(line, sizeof line, "@batch=%d :bob!b@h PRIVMSG #weft :three", PAST_BATCHES + 1);
    hear(line);
    assert_said("<bob> one\n<bob> two\n<bob> three\n");
}

// ---- notes and deletions -------------------------------------------------------------------

static void that_a_room_keeps_history_is_told_once(void **state)
{
    (void)state;
    in_a_room();
    hear(":srv NOTE JOIN HISTORY_KEPT #weft :This room keeps its messages, for ever");
    assert_newest(weft(), "-- This room keeps its messages, for ever");
    uint64_t added = weft()->added;
    hear(":srv NOTE JOIN HISTORY_KEPT #weft :This room keeps its messages, for ever");
    hear(":srv NOTE JOIN HISTORY_KEPT #nowhere :This room keeps its messages, for ever");
    assert_int_equal(weft()->added, added);
    assert_null(model_find(&here.model, "#nowhere"));
}

static void of_a_deleted_message_the_words_are_gone(void **state)
{
    (void)state;
    in_a_room();
    hear("@msgid=1 :bob!b@h PRIVMSG #weft :ann: a slip that is longer than what stands there then");
    hear("@msgid=2 :ann!a@h PRIVMSG #weft :x");
    weft()->bottom = weft()->added - 1; // one has scrolled back to it
    weft()->hidden = 1;
    hear(":bob!b@h REDACT #weft 1");
    hear(":ann!a@h REDACT #weft 2");
    assert_said("<bob> (deleted)\n<ann> (deleted)\n");
    assert_newest(weft(), "-- you have deleted a message");
    const struct said *line = model_said(weft(), "1");
    assert_int_equal(line->size, strlen(line->text));
    assert_int_equal(line->head, strlen("<bob>"));
    assert_false(line->mention);
    assert_int_equal(weft()->hidden, 0);
    uint64_t added = weft()->added;
    hear(":bob!b@h REDACT #weft 3"); // nobody here has seen it
    hear(":bob!b@h REDACT #nowhere 1");
    assert_int_equal(weft()->added, added);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        A_TEST(what_was_found_is_shown_where_one_looks),
        A_TEST(in_other_batches_lines_are_what_they_are),
        A_TEST(that_a_room_keeps_history_is_told_once),
        A_TEST(of_a_deleted_message_the_words_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
