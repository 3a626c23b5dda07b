// SPDX-License-Identifier: MIT
// join_model_test.c - what the screen is about: programs/chat/join/model.h, with the news that
// change it (news.h), the commands that are typed (commands.h) and the completion of names
// (complete.h).
// The server is a row of lines, as in join_session_test.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "chat/join/commands.h"
#include "chat/join/complete.h"
#include "chat/join/news.h"

enum { NOW = 1000000 };

static struct {
    struct model model;
    struct session session;
    char sent[4096];
    struct keyring keyring;
    struct desk desk;
} here;

static void send_line(void *ctx, const char *line)
{
    size_t at = strlen(here.sent);
    (void)ctx;
    (void)snprintf(here.sent + at, sizeof here.sent - at, "%s\n", line);
}

static void tell(void *ctx, const struct news *news)
{
    (void)ctx;
    news_take(&here.model, &here.session, news);
}

static int64_t now(void *ctx)
{
    (void)ctx;
    return NOW;
}

static const struct session_ops ops = {send_line, tell, now, NULL};

static void hear(const char *text)
{
    char line[MESSAGE_MAX];
    (void)snprintf(line, sizeof line, "%s", text);
    session_hear(&here.session, line);
}

// We are ann, registered, in no room.
static int set_up(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC", 1);
    session_begin(&here.session, &(struct session_options){.nick = "ann", .password = ""}, &ops,
                  NULL);
    assert_int_equal(model_init(&here.model, "srv"), 0);
    here.keyring = (struct keyring){.next = 0};
    here.desk = (struct desk){.model = &here.model,
                              .session = &here.session,
                              .keyring = &here.keyring,
                              .now_s = NOW,
                              .connected = true};
    hear(":srv 001 ann :Welcome");
    here.sent[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    model_release(&here.model);
    return 0;
}

// In #weft, with bob and cid.
static void in_a_room(void)
{
    hear(":ann!a@h JOIN #weft");
    hear(":srv 353 ann = #weft :ann @bob +cid");
    hear(":srv 366 ann #weft :End");
}

static struct room *weft(void)
{
    struct room *r = model_find(&here.model, "#weft");
    assert_non_null(r);
    return r;
}

// The newest line but `back`.
static void assert_line(const struct room *r, int back, const char *text)
{
    const struct said *line = model_line(r, r->added - (uint64_t)back);
    assert_non_null(line);
    assert_string_equal(line->text, text);
    assert_int_equal(line->size, strlen(text));
}

static void assert_sent(const char *lines)
{
    assert_string_equal(here.sent, lines);
    here.sent[0] = '\0';
}

// ---- rooms and marks -----------------------------------------------------------------------

static void one_is_taken_to_the_room_that_one_joins(void **state)
{
    (void)state;
    in_a_room();
    assert_ptr_equal(model_active(&here.model), weft());
    assert_true(weft()->joined);
    assert_int_equal(weft()->member_count, 3);
    assert_int_equal(model_member(&here.model, weft(), "BOB")->rank, '@');
    assert_line(weft(), 0, "-- 3 here");
}

static void what_is_not_seen_is_marked(void **state)
{
    (void)state;
    in_a_room();
    hear(":bob!b@h PRIVMSG #weft :seen");
    hear(":ann!a@h JOIN #other");
    hear(":bob!b@h PRIVMSG #weft :one");
    hear(":bob!b@h PRIVMSG #weft :Ann: two");
    hear(":bob!b@h JOIN #weft"); // no speech
    hear(":ann!a@h PRIVMSG #weft :ann said it herself");
    assert_int_equal(weft()->unread, 2);
    assert_int_equal(weft()->mentions, 1);
    model_show(&here.model, model_index(&here.model, weft()));
    assert_int_equal(weft()->unread, 0);
    assert_int_equal(weft()->mentions, 0);
    assert_true(model_line(weft(), weft()->added - 2)->mention);
}

static void a_private_talk_has_a_room_of_its_own_and_is_a_mention(void **state)
{
    (void)state;
    in_a_room();
    hear(":bob!b@h PRIVMSG ann :psst");
    struct room *bob = model_find(&here.model, "Bob");
    assert_non_null(bob);
    assert_int_equal(bob->mentions, 1);
    assert_ptr_equal(model_active(&here.model), weft()); // one is not dragged away
    hear(":bob!b@h NOTICE ann :notices open nothing");
    assert_line(weft(), 0, "-bob- notices open nothing");
    hear(":srv NOTICE ann :from the server");
    assert_line(here.model.rooms[0], 0, "-srv- from the server");
}

static void rooms_are_turned_through_in_a_circle(void **state)
{
    (void)state;
    in_a_room();
    hear(":ann!a@h JOIN #other");
    model_turn(&here.model, 1);
    assert_int_equal(here.model.active, 0);
    model_turn(&here.model, -1);
    assert_int_equal(here.model.active, 2);
    model_show(&here.model, 7);
    model_show(&here.model, -1);
    assert_int_equal(here.model.active, 2);
    model_close(&here.model, weft());
    assert_int_equal(here.model.active, 1);
    assert_string_equal(model_active(&here.model)->name, "#other");
    model_close(&here.model, here.model.rooms[0]); // stays
    assert_int_equal(here.model.count, 2);
}

static void there_are_not_more_rooms_than_there_is_place_for(void **state)
{
    char name[32];
    (void)state;
    for (int i = 0; i < MODEL_ROOMS + 5; i++) {
        (void)snprintf(name, sizeof name, ":n%d!u@h PRIVMSG ann :x", i);
        hear(name);
    }
    assert_int_equal(here.model.count, MODEL_ROOMS);
}

// ---- lines ---------------------------------------------------------------------------------

static void lines_say_who_and_how(void **state)
{
    (void)state;
    in_a_room();
    hear(":bob!b@h PRIVMSG #weft :hello");
    assert_line(weft(), 0, "<bob> hello");
    assert_int_equal(model_line(weft(), weft()->added)->head, 5);
    hear(":bob!b@h PRIVMSG #weft :\1ACTION waves\1");
    assert_line(weft(), 0, "* bob waves");
    hear(":bob!b@h NOTICE #weft :note");
    assert_line(weft(), 0, "-bob- note");
    hear(":srv 404 ann #weft :Cannot send");
    assert_line(weft(), 0, "!! #weft Cannot send");
}

static void control_characters_are_shown_and_colours_left_out(void **state)
{
    (void)state;
    in_a_room();
    hear(":bob!b@h PRIVMSG #weft :a\x1b[2Jb\x07 \x03"
         "04,x\x02y\x0f\x03z \xFFq\xC2\x9B");
    assert_line(weft(), 0, "<bob> a^[[2Jb^G ,xyz \xEF\xBF\xBDq\xEF\xBF\xBD");
    hear(":bob!b@h PRIVMSG #weft :\x03"
         "4,12a\x03"
         "04,123,b \x04"
         "ff0000c\x04"
         "00FF00,0000ffd\x04"
         "abce\x04,1\x03");
    assert_line(weft(), 0, "<bob> a3,b cdabce,1");
    hear(":b\x1bob!b@h PRIVMSG #weft :x");
    assert_line(weft(), 0, "<b^[ob> x");
    hear(":bob!b@h TOPIC #weft :t\x1b[m");
    assert_string_equal(weft()->topic, "t^[[m");
}

static void a_new_day_is_told(void **state)
{
    (void)state;
    in_a_room();
    hear("@time=2026-11-28T23:59:59Z :bob!b@h PRIVMSG #weft :late");
    hear("@time=2026-11-29T00:00:00Z :bob!b@h PRIVMSG #weft :early");
    assert_line(weft(), 0, "<bob> early");
    assert_line(weft(), 1, "-- 2026-11-29");
    assert_line(weft(), 2, "<bob> late");
}

static void only_so_many_lines_are_kept(void **state)
{
    char text[64];
    (void)state;
    in_a_room();
    weft()->bottom = 1;
    for (int i = 0; i < MODEL_LINES + 10; i++) {
        (void)snprintf(text, sizeof text, ":bob!b@h PRIVMSG #weft :%d", i);
        hear(text);
    }
    struct room *r = weft();
    assert_int_equal(r->count, MODEL_LINES);
    assert_null(model_line(r, r->added - MODEL_LINES));
    assert_null(model_line(r, r->added + 1));
    assert_null(model_line(r, 0));
    assert_line(r, MODEL_LINES - 1, "<bob> 10");
    assert_int_equal(r->bottom, r->added - MODEL_LINES + 1); // what was looked at is gone
}

// ---- members -------------------------------------------------------------------------------

static void who_comes_goes_and_is_renamed_is_followed(void **state)
{
    (void)state;
    in_a_room();
    hear(":dan!d@h JOIN #weft");
    assert_line(weft(), 0, "-- dan has joined");
    hear(":bob!b@h NICK rob");
    assert_line(weft(), 0, "-- bob is called rob now");
    hear(":rob!b@h QUIT :tired");
    assert_line(weft(), 0, "-- rob has gone (tired)");
    hear(":cid!c@h PART #weft");
    assert_line(weft(), 0, "-- cid has left");
    hear(":ann!a@h KICK #weft dan :out");
    assert_line(weft(), 0, "-- dan was put out by ann (out)");
    assert_int_equal(weft()->member_count, 1);
    hear(":ann!a@h NICK eve");
    assert_line(weft(), 0, "-- you are called eve now");
    assert_string_equal(here.model.nick, "eve");
    hear(":ghost!g@h QUIT :never here");
    assert_line(weft(), 0, "-- you are called eve now");
}

static void who_is_invited_sees_it_where_he_looks(void **state)
{
    (void)state;
    in_a_room();
    hear(":bob!b@h INVITE ann #gate");
    assert_line(weft(), 0, "-- bob invites you to #gate");
    assert_null(model_find(&here.model, "#gate"));
}

static void who_is_put_out_sees_it(void **state)
{
    (void)state;
    in_a_room();
    hear(":bob!b@h KICK #weft ann");
    assert_line(weft(), 0, "-- you were put out by bob");
    assert_false(weft()->joined);
    assert_int_equal(weft()->member_count, 0);
}

static void a_second_list_of_members_replaces_the_first(void **state)
{
    (void)state;
    in_a_room();
    hear(":srv 353 ann = #weft :ann dan!d@h");
    hear(":srv 353 ann = #weft :eve");
    hear(":srv 366 ann #weft :End");
    assert_int_equal(weft()->member_count, 3);
    assert_non_null(model_member(&here.model, weft(), "dan"));
    assert_null(model_member(&here.model, weft(), "bob"));
}

static void answers_are_shown_where_they_were_asked_for(void **state)
{
    (void)state;
    in_a_room();
    hear(":srv 311 ann bob b h * :Bob");
    assert_line(weft(), 0, "-- bob b h * Bob");
    hear(":srv 251 ann :There are 3 users");
    hear(":srv 372 ann :- be nice");
    assert_line(here.model.rooms[0], 0, "-- - be nice");
    assert_line(here.model.rooms[0], 1, "-- There are 3 users");
    hear(":ann!a@h JOIN #other");
    hear(":srv 332 ann #weft :about weft");
    assert_line(weft(), 0, "-- topic: about weft");
}

// ---- commands ------------------------------------------------------------------------------

static void a_line_is_said_to_the_room(void **state)
{
    (void)state;
    in_a_room();
    assert_true(desk_enter(&here.desk, "hello"));
    assert_true(desk_enter(&here.desk, "//not a command"));
    assert_sent("PRIVMSG #weft :hello\nPRIVMSG #weft :/not a command\n");
    assert_line(weft(), 0, "<ann> /not a command");
    model_show(&here.model, 0);
    assert_true(desk_enter(&here.desk, "hello?"));
    assert_true(desk_enter(&here.desk, "/me too"));
    assert_sent("");
    assert_line(here.model.rooms[0], 0, "!! nobody sees you here: /join #room");
}

static void a_nick_of_two_words_is_refused_and_not_cut_to_the_first(void **state)
{
    (void)state;
    in_a_room();
    assert_true(desk_enter(&here.desk, "/nick Ann Lee"));
    assert_sent("");
    assert_line(weft(), 0, "!! a nick is one word");
    assert_true(desk_enter(&here.desk, "/nick ann "));
    assert_sent("NICK ann\n");
}

static void commands_become_lines(void **state)
{
    static const char *const rows[][2] = {
        {"/join #a key", "JOIN #a key\n"},
        {"/join a", "JOIN #a\n"},
        {"/JOIN #weft", ""}, // we are there
        {"/part", "PART #weft\n"},
        {"/part see you", "PART #weft :see you\n"},
        {"/part #weft bye", "PART #weft :bye\n"},
        {"/nick eve", "NICK eve\n"},
        {"/me waves", "PRIVMSG #weft :\1ACTION waves\1\n"},
        {"/topic", "TOPIC #weft\n"},
        {"/topic #b new one", "TOPIC #b :new one\n"},
        {"/topic new one", "TOPIC #weft :new one\n"},
        {"/names", "NAMES #weft\n"},
        {"/list", "LIST\n"},
        {"/list >3", "LIST >3\n"},
        {"/search two; words\\", "SEARCH in=#weft;limit=20;text=two\\:\\swords\\\\\n"},
        {"/mentions", "MENTIONS\n"},
        {"/whois bob", "WHOIS bob\n"},
        {"/raw MODE #weft +m", "MODE #weft +m\n"},
        {"/msg bob psst you", "PRIVMSG bob :psst you\n"},
        {"/quit", "QUIT\n"},
        {"/quit so long", "QUIT :so long\n"},
    };
    (void)state;
    in_a_room();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        here.desk.quit = false;
        assert_true(desk_enter(&here.desk, rows[i][0]));
        assert_sent(rows[i][1]);
        assert_int_equal(here.desk.quit, strncmp(rows[i][0], "/quit", 5) == 0);
    }
    assert_string_equal(model_active(&here.model)->name, "bob"); // by /msg
    assert_true(desk_enter(&here.desk, "/search x"));
    assert_sent("SEARCH in=bob;limit=20;text=x\n");
    model_show(&here.model, 0);
    assert_true(desk_enter(&here.desk, "/search x"));
    assert_sent("SEARCH limit=20;text=x\n");
}

static void a_search_may_name_who_and_when(void **state)
{
    static const char *const rows[][2] = {
        {"from:ada on:2026-11-30 two  words", "from=ada;after=2026-11-30T00:00:00.000Z;before=2026-"
                                              "11-30T23:59:59.999Z;text=two\\swords"},
        {"a From:ada; b", "from=ada\\:;text=a\\sb"},
        {"after:2024-02-29", "after=2024-02-29T00:00:00.000Z"},
        {"BEFORE:2026-1-1", "before=2025-12-31T23:59:59.999Z"},
        {"from: on:2026-02-29 after:26-01-01", "text=from:\\son:2026-02-29\\safter:26-01-01"},
        {"on:2026-+1-01 on:2026--1-3 on:2026-01-01x",
         "text=on:2026-+1-01\\son:2026--1-3\\son:2026-01-01x"},
        {"on: on:today not:2026-01-01", "text=on:\\son:today\\snot:2026-01-01"},
    };
    char line[200], sends[300];
    (void)state;
    in_a_room();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(line, sizeof line, "/search %s", rows[i][0]);
        (void)snprintf(sends, sizeof sends, "SEARCH in=#weft;limit=20;%s\n", rows[i][1]);
        assert_true(desk_enter(&here.desk, line));
        assert_sent(sends);
    }
    (void)setenv("TZ", "CST-8", 1); // days are those of who asks
    tzset();
    assert_true(desk_enter(&here.desk, "/search on:2026-11-30"));
    (void)setenv("TZ", "UTC", 1);
    tzset();
    assert_sent("SEARCH in=#weft;limit=20;after=2026-11-29T16:00:00.000Z;"
                "before=2026-11-30T15:59:59.999Z\n");
}

static void what_makes_no_sense_is_explained(void **state)
{
    static const char *const rows[][2] = {
        {"/join", "!! usage: /join #room [key]"},
        {"/msg ", "!! usage: /msg nick [text]"},
        {"/search", "!! usage: /search words"},
        {"/dance", "!! there is no /dance: /help tells what there is"},
        {"/part", "!! you are not in that room"},
        {"/part #nowhere", "!! you are not in that room"},
        {"/topic x", "!! in which room? It begins with #"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(desk_enter(&here.desk, rows[i][0]));
        assert_sent("");
        assert_line(here.model.rooms[0], 0, rows[i][1]);
    }
    assert_true(desk_enter(&here.desk, "/help"));
    assert_line(here.model.rooms[0], 0, "-- a line that begins with // is said with one of them");
}

static void leaving_a_talk_closes_it(void **state)
{
    (void)state;
    in_a_room();
    assert_true(desk_enter(&here.desk, "/msg bob"));
    assert_int_equal(here.model.count, 3);
    assert_true(desk_enter(&here.desk, "/part"));
    assert_sent("");
    assert_int_equal(here.model.count, 2);
    hear(":ann!a@h PART #weft");
    assert_line(weft(), 0, "-- you have left");
    assert_true(desk_enter(&here.desk, "/part"));
    assert_null(model_find(&here.model, "#weft"));
}

static void without_a_connection_nothing_is_lost(void **state)
{
    (void)state;
    in_a_room();
    here.desk.connected = false;
    assert_false(desk_enter(&here.desk, "hello"));
    assert_false(desk_enter(&here.desk, "/nick eve"));
    assert_line(weft(), 0, "!! not connected: nothing was sent");
    assert_true(desk_enter(&here.desk, "/quit"));
    assert_true(here.desk.quit);
}

static void the_list_of_names_is_shown_when_it_was_asked_for(void **state)
{
    (void)state;
    in_a_room();
    assert_true(desk_enter(&here.desk, "/names"));
    hear(":srv 353 ann = #weft :ann @bob");
    hear(":srv 366 ann #weft :End");
    assert_line(weft(), 1, "-- ann @bob");
    assert_line(weft(), 0, "-- 2 here");
}

// ---- completion ----------------------------------------------------------------------------

static void assert_completed(struct completion *c, struct editor *e, const char *text)
{
    assert_true(complete(c, e, &here.model, command_names));
    assert_string_equal(e->text, text);
    assert_int_equal(e->cursor, e->size);
}

static struct editor *edit(const char *text)
{
    static struct editor e;
    e = (struct editor){.size = 0};
    editor_insert(&e, text, strlen(text));
    return &e;
}

static void nicks_are_completed_who_spoke_last_first(void **state)
{
    struct completion c = {.active = false};
    (void)state;
    hear(":ann!a@h JOIN #weft");
    hear(":srv 353 ann = #weft :ann Bob bonnie +bert 小明");
    hear(":bonnie!b@h PRIVMSG #weft :hi");
    struct editor *e = edit("b");
    assert_completed(&c, e, "bonnie: ");
    assert_completed(&c, e, "Bob: ");
    assert_completed(&c, e, "bert: ");
    assert_completed(&c, e, "bonnie: ");
    c.active = false;
    e = edit("ask 小");
    assert_completed(&c, e, "ask 小明 ");
}

static void rooms_and_commands_are_completed(void **state)
{
    struct completion c = {.active = false};
    (void)state;
    in_a_room();
    assert_completed(&c, edit("look at #w"), "look at #weft ");
    c.active = false;
    assert_completed(&c, edit("/who"), "/whois ");
    c.active = false;
    assert_false(complete(&c, edit("say /who"), &here.model, command_names));
}

static void where_nothing_fits_nothing_changes(void **state)
{
    struct completion c = {.active = false};
    (void)state;
    in_a_room();
    struct editor *e = edit("xyz");
    assert_false(complete(&c, e, &here.model, command_names));
    assert_false(c.active);
    assert_string_equal(e->text, "xyz");
    assert_false(complete(&c, edit(""), &here.model, command_names));
    assert_false(complete(&c, edit("bob "), &here.model, command_names));
    assert_false(complete(&c, edit("an"), &here.model, command_names)); // not ourselves
    hear(":bob!b@h PRIVMSG ann :psst");
    model_show(&here.model, 2);
    assert_completed(&c, edit("bo"), "bob: ");
}

#define A_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        A_TEST(one_is_taken_to_the_room_that_one_joins),
        A_TEST(what_is_not_seen_is_marked),
        A_TEST(a_private_talk_has_a_room_of_its_own_and_is_a_mention),
        A_TEST(rooms_are_turned_through_in_a_circle),
        A_TEST(there_are_not_more_rooms_than_there_is_place_for),
        A_TEST(lines_say_who_and_how),
        A_TEST(control_characters_are_shown_and_colours_left_out),
        A_TEST(a_new_day_is_told),
        A_TEST(only_so_many_lines_are_kept),
        A_TEST(who_comes_goes_and_is_renamed_is_followed),
        A_TEST(who_is_invited_sees_it_where_he_looks),
        A_TEST(who_is_put_out_sees_it),
        A_TEST(a_second_list_of_members_replaces_the_first),
        A_TEST(answers_are_shown_where_they_were_asked_for),
        A_TEST(a_line_is_said_to_the_room),
        A_TEST(a_nick_of_two_words_is_refused_and_not_cut_to_the_first),
        A_TEST(commands_become_lines),
        A_TEST(a_search_may_name_who_and_when),
        A_TEST(what_makes_no_sense_is_explained),
        A_TEST(leaving_a_talk_closes_it),
        A_TEST(without_a_connection_nothing_is_lost),
        A_TEST(the_list_of_names_is_shown_when_it_was_asked_for),
        A_TEST(nicks_are_completed_who_spoke_last_first),
        A_TEST(rooms_and_commands_are_completed),
        A_TEST(where_nothing_fits_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
