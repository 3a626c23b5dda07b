// SPDX-License-Identifier: MIT
// join_session_test.c - IRC as a client speaks it: programs/chat/join/session.h, with message.h and
// names.h. The server is a row of lines.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chat/join/session.h"

enum { NOW = 1000 };

static char sent[8192]; // lines, each with '\n'
static char told[8192]; // "said #room alice: hello\n"

static void send_line(void *ctx, const char *line)
{
    size_t at = strlen(sent);
    (void)ctx;
    (void)snprintf(sent + at, sizeof sent - at, "%s\n", line);
}

static void tell(void *ctx, const struct news *n)
{
    static const char *const names[] = {
        [NEWS_WELCOME] = "welcome", [NEWS_REFUSED] = "refused",  [NEWS_SAID] = "said",
        [NEWS_ACTION] = "action",   [NEWS_NOTICE] = "notice",    [NEWS_JOIN] = "join",
        [NEWS_PART] = "part",       [NEWS_KICK] = "kick",        [NEWS_QUIT] = "quit",
        [NEWS_NICK] = "nick",       [NEWS_TOPIC] = "topic",      [NEWS_MEMBERS] = "members",
        [NEWS_MEMBERS_END] = "end", [NEWS_TELL] = "tell",        [NEWS_ERROR] = "error",
        [NEWS_KEPT] = "kept",       [NEWS_REDACTED] = "deleted", [NEWS_FOUND_END] = "found",
        [NEWS_INVITE] = "invite",   [NEWS_CLOSING] = "closing",
    };
    size_t at = strlen(told);
    (void)ctx;
    (void)snprintf(told + at, sizeof told - at, "%s%s room=%s who=%s other=%s %s\n",
                   n->mine ? "my " : "", names[n->kind], n->room, n->who, n->other, n->text);
    if (n->time_s != NOW) {
        at = strlen(told);
        (void)snprintf(told + at, sizeof told - at, "at %lld\n", (long long)n->time_s);
    }
}

static int64_t now(void *ctx)
{
    (void)ctx;
    return NOW;
}

static const struct session_ops ops = {send_line, tell, now, NULL};

static void forget(void)
{
    sent[0] = told[0] = '\0';
}

static void hear(struct session *s, const char *text)
{
    char line[MESSAGE_MAX];
    (void)snprintf(line, sizeof line, "%s", text);
    session_hear(s, line);
}

static struct session fresh(bool echo)
{
    struct session s;
    session_begin(&s, &(struct session_options){.nick = "ann", .password = "", .echo = echo}, &ops,
                  NULL);
    forget();
    return s;
}

// Registered, in nothing yet.
static struct session welcome(void)
{
    struct session s = fresh(false);
    hear(&s, ":srv 001 ann :Welcome");
    forget();
    return s;
}

// ---- coming in -----------------------------------------------------------------------------

static void it_introduces_itself(void **state)
{
    (void)state;
    struct session s = fresh(false);
    session_greet(&s);
    assert_string_equal(sent, "NICK ann\nUSER weft 0 * :ann\n");
    forget();
    hear(&s, ":srv 001 ann2 :Welcome to it");
    assert_string_equal(told, "welcome room= who=ann2 other= Welcome to it\n");
    assert_string_equal(s.nick, "ann2"); // the server has the last word
    assert_true(s.registered);
}

static void a_password_goes_first(void **state)
{
    struct session s;
    (void)state;
    forget();
    session_begin(&s, &(struct session_options){.nick = "ann", .password = "a b", .echo = true},
                  &ops, NULL);
    session_greet(&s);
    assert_string_equal(sent, "CAP LS 302\nPASS :a b\nNICK ann\nUSER weft 0 * :ann\n");
}

static void it_asks_for_what_it_knows_of_what_is_there(void **state)
{
    (void)state;
    struct session s = fresh(true);
    hear(&s, ":srv CAP * LS * :away-notify server-time sasl=PLAIN");
    assert_string_equal(sent, "");
    hear(&s, ":srv CAP * LS :echo-message chghost cap-notify=x echo-message-not");
    assert_string_equal(sent, "CAP REQ :server-time echo-message cap-notify\n");
    forget();
    hear(&s, ":srv CAP ann ACK :server-time echo-message cap-notify");
    assert_string_equal(sent, "CAP END\n");
    assert_true(s.echo);
    hear(&s, ":srv CAP ann DEL :echo-message");
    assert_false(s.echo);
}

static void all_that_it_knows_fits_into_one_line(void **state)
{
    static const char list[] = "server-time echo-message multi-prefix cap-notify standard-replies "
                               "batch message-tags draft/chathistory draft/message-redaction "
                               "draft/multiline soju.im/search";
    char line[512];
    (void)state;
    struct session s = fresh(true);
    (void)snprintf(line, sizeof line, ":srv CAP * LS :%s", list);
    hear(&s, line);
    (void)snprintf(line, sizeof line, "CAP REQ :%s\n", list);
    assert_string_equal(sent, line);
}

static void without_capabilities_it_goes_on(void **state)
{
    (void)state;
    struct session s = fresh(true);
    hear(&s, ":srv CAP * LS :sasl");
    assert_string_equal(sent, "CAP END\n");
    forget();
    hear(&s, ":srv CAP * NAK :server-time echo-message");
    assert_string_equal(sent, "CAP END\n");
    assert_false(s.echo);
}

static void a_nick_that_is_taken_gets_a_line_behind_it(void **state)
{
    (void)state;
    struct session s = fresh(false);
    hear(&s, ":srv 433 * ann :Nickname is already in use");
    hear(&s, ":srv 433 * ann_ :Nickname is already in use");
    assert_string_equal(sent, "NICK ann_\nNICK ann__\n");
    for (int i = 0; i < 4; i++)
        hear(&s, ":srv 433 * ann_ :Nickname is already in use");
    assert_string_equal(told, "refused room= who=srv other= Nickname is already in use\n");
    forget();
    hear(&s, ":srv 432 * 1x :Erroneous nickname");
    assert_string_equal(sent, "");
    assert_string_equal(told, "refused room= who=srv other= Erroneous nickname\n");
}

static void a_refusal_is_told(void **state)
{
    (void)state;
    struct session s = fresh(false);
    hear(&s, ":srv 464 * :Password incorrect");
    hear(&s, "ERROR :Closing link");
    assert_string_equal(told, "refused room= who=srv other= Password incorrect\n"
                              "refused room= who= other= Closing link\n");
    s = welcome();
    hear(&s, "ERROR :Closing link");
    hear(&s, ":srv 433 ann bob :Nickname is already in use");
    assert_string_equal(told, "closing room= who= other= Closing link\n"
                              "error room= who=srv other= bob Nickname is already in use\n");
}

static void a_ping_is_answered(void **state)
{
    (void)state;
    struct session s = fresh(false);
    hear(&s, "PING :a b");
    hear(&s, "PING x");
    hear(&s, ":srv PONG srv :x");
    assert_string_equal(sent, "PONG :a b\nPONG :x\n");
    assert_string_equal(told, "");
}

// ---- hearing -------------------------------------------------------------------------------

static void speech_is_of_a_room_or_of_a_partner(void **state)
{
    (void)state;
    struct session s = welcome();
    hear(&s, ":bob!b@h PRIVMSG #weft :hello there");
    hear(&s, ":bob!b@h PRIVMSG ann :psst");
    hear(&s, ":ann!a@h PRIVMSG bob :yes?"); // an echo
    hear(&s, ":ann!a@h PRIVMSG #weft :mine");
    hear(&s, ":bob!b@h NOTICE @#weft :ops");
    hear(&s, ":srv NOTICE ann :from the server");
    hear(&s, ":bob!b@h PRIVMSG #weft :\1ACTION waves\1");
    hear(&s, ":bob!b@h PRIVMSG ann :\1VERSION\1");
    hear(&s, ":bob!b@h PRIVMSG");
    assert_string_equal(told, "said room=#weft who=bob other= hello there\n"
                              "said room=bob who=bob other= psst\n"
                              "my said room=bob who=ann other= yes?\n"
                              "my said room=#weft who=ann other= mine\n"
                              "notice room=#weft who=bob other= ops\n"
                              "notice room= who=srv other= from the server\n"
                              "action room=#weft who=bob other= waves\n"
                              "tell room=bob who=bob other= bob asks for VERSION\n");
}

static void a_question_of_a_program_is_told_and_not_answered(void **state)
{
    (void)state;
    struct session s = welcome();
    hear(&s, ":bob!b@h PRIVMSG #weft :\1PING 12 34\1");
    hear(&s, ":ann!a@h PRIVMSG bob :\1VERSION\1"); // an echo
    hear(&s, ":bob!b@h NOTICE ann :\1VERSION irssi 1.4");
    hear(&s, ":bob!b@h PRIVMSG ann :\1\1");
    hear(&s, ":bob!b@h PRIVMSG #weft :\1ACTION\1");
    hear(&s, ":bob!b@h PRIVMSG #weft :\1ACTIONS\1");
    assert_string_equal(told, "tell room=#weft who=bob other= bob asks for PING 12 34\n"
                              "my tell room=bob who=ann other= you ask for VERSION\n"
                              "tell room=bob who=bob other= bob answers VERSION irssi 1.4\n"
                              "action room=#weft who=bob other= \n"
                              "tell room=#weft who=bob other= bob asks for ACTIONS\n");
    assert_string_equal(sent, "");
}

static void the_time_is_the_servers_if_it_says_one(void **state)
{
    (void)state;
    struct session s = welcome();
    hear(&s, "@time=1970-01-02T00:00:01.500Z :bob!b@h PRIVMSG #weft :x");
    hear(&s, "@a=b;time=1970-01-01T00:00:02Z;c :bob!b@h PRIVMSG #weft :x");
    hear(&s, "@time=yesterday :bob!b@h PRIVMSG #weft :x");
    hear(&s, "@time :bob!b@h PRIVMSG #weft :x");
    assert_string_equal(told, "said room=#weft who=bob other= x\nat 86401\n"
                              "said room=#weft who=bob other= x\nat 2\n"
                              "said room=#weft who=bob other= x\n"
                              "said room=#weft who=bob other= x\n");
}

static void who_comes_and_goes_is_told(void **state)
{
    (void)state;
    struct session s = welcome();
    hear(&s, ":ann!~a@host JOIN #weft");
    assert_string_equal(s.mask, "~a@host");
    hear(&s, ":bob!b@h JOIN :#weft");
    hear(&s, ":bob!b@h PART #weft :bye");
    hear(&s, ":bob!b@h KICK #weft ANN :out");
    hear(&s, ":bob!b@h INVITE Ann #gate");
    hear(&s, ":bob!b@h INVITE cid #gate");
    hear(&s, ":bob!b@h QUIT :gone");
    hear(&s, ":bob!b@h NICK :rob");
    hear(&s, ":ann!a@h NICK eve");
    assert_string_equal(s.nick, "eve");
    assert_string_equal(told, "my join room=#weft who=ann other= \n"
                              "join room=#weft who=bob other= \n"
                              "part room=#weft who=bob other= bye\n"
                              "my kick room=#weft who=bob other=ANN out\n"
                              "invite room=#gate who=bob other= \n"
                              "tell room=#gate who=bob other= INVITE cid #gate\n"
                              "quit room= who=bob other= gone\n"
                              "nick room= who=bob other=rob \n"
                              "my nick room= who=ann other=eve \n");
}

static void topics_and_members_are_told(void **state)
{
    (void)state;
    struct session s = welcome();
    hear(&s, ":srv 332 ann #weft :the topic");
    hear(&s, ":srv 333 ann #weft bob 1");
    hear(&s, ":bob!b@h TOPIC #weft :new");
    hear(&s, ":srv 353 ann = #weft :@bob ann");
    hear(&s, ":srv 366 ann #weft :End");
    assert_string_equal(told, "topic room=#weft who= other= the topic\n"
                              "topic room=#weft who=bob other= new\n"
                              "members room=#weft who=srv other= @bob ann\n"
                              "end room=#weft who=srv other= End\n");
}

static void whatever_else_is_said_is_shown(void **state)
{
    (void)state;
    struct session s = welcome();
    hear(&s, ":srv 311 ann bob b h * :Bob B.");
    hear(&s, ":srv 442 ann #weft :You're not there");
    hear(&s, ":bob!b@h MODE #weft +o ann");
    hear(&s, "FAIL HISTORY FULL :No room");
    hear(&s, "NOTE * SOMETHING :to know");
    hear(&s, ":srv NEVERHEARD of this");
    hear(&s, "");
    hear(&s, "@only=tags");
    hear(&s, ":srv");
    hear(&s, "@time=x;PRIVMSG :");
    assert_string_equal(told, "tell room= who=srv other= bob b h * Bob B.\n"
                              "error room=#weft who=srv other= #weft You're not there\n"
                              "tell room=#weft who=bob other= MODE #weft +o ann\n"
                              "error room= who= other= FAIL HISTORY FULL No room\n"
                              "tell room= who= other= NOTE * SOMETHING to know\n"
                              "tell room= who=srv other= NEVERHEARD of this\n");
}

static void what_a_room_keeps_and_what_is_deleted_is_told(void **state)
{
    (void)state;
    struct session s = welcome();
    hear(&s, ":srv NOTE JOIN HISTORY_KEPT #weft :It keeps all");
    hear(&s, ":srv NOTE JOIN HISTORY_NOT_KEPT #weft :It keeps nothing");
    hear(&s, ":srv NOTE JOIN ROOM_IS_OPEN #weft :It is open");
    hear(&s, ":bob!b@h REDACT #weft m1 :a slip");
    hear(&s, ":bob!b@h REDACT ann m2");
    hear(&s, ":ann!a@h REDACT bob m3");
    hear(&s, ":bob!b@h REDACT #weft");
    assert_string_equal(told, "kept room=#weft who=srv other= It keeps all\n"
                              "kept room=#weft who=srv other= It keeps nothing\n"
                              "tell room=#weft who=srv other= It is open\n"
                              "deleted room=#weft who=bob other= a slip\n"
                              "deleted room=bob who=bob other= \n"
                              "my deleted room=bob who=ann other= \n");
}

static void isupport_is_obeyed(void **state)
{
    (void)state;
    struct session s = welcome();
    hear(&s, ":srv 005 ann PREFIX=(yov)!@+ CHANTYPES=+ CASEMAPPING=rfc1459 EXCEPTS :are supported");
    assert_string_equal(s.ranks, "!@+");
    assert_true(session_is_room(&s, "+weft"));
    assert_false(session_is_room(&s, "#weft"));
    assert_false(session_is_room(&s, ""));
    assert_int_equal(s.casemap, CASEMAP_RFC1459);
}

// ---- saying --------------------------------------------------------------------------------

static void without_the_echo_what_one_says_is_news_at_once(void **state)
{
    (void)state;
    struct session s = welcome();
    session_say(&s, "#weft", "hello", false);
    session_say(&s, "bob", "waves", true);
    session_say(&s, "bob", "", false);
    assert_string_equal(sent, "PRIVMSG #weft :hello\nPRIVMSG bob :\1ACTION waves\1\n");
    assert_string_equal(told, "my said room=#weft who=ann other= hello\n"
                              "my action room=bob who=ann other= waves\n");
    forget();
    s.echo = true;
    session_say(&s, "#weft", "hello", false);
    assert_string_equal(told, "");
}

// All of it arrives, no line is too long for others, and no character is cut.
static void assert_split(struct session *s, const char *text)
{
    char joined[8192] = "", *line, *at = sent;
    forget();
    session_say(s, "#weft", text, false);
    while ((line = strsep(&at, "\n")) && *line) {
        const char *piece = line + strlen("PRIVMSG #weft :");
        assert_memory_equal(line, "PRIVMSG #weft :", strlen("PRIVMSG #weft :"));
        assert_true(strlen(":ann! ") + strlen(s->mask) + strlen(line) + 2 <= 512);
        assert_true(((unsigned char)*piece & 0xC0) != 0x80);
        (void)strncat(joined, piece, sizeof joined - strlen(joined) - 1);
    }
    assert_string_equal(joined, text);
}

static struct session in_a_room(void)
{
    struct session s = welcome();
    hear(&s, ":ann!~a@a.host.of.some.length JOIN #weft");
    return s;
}

// Short enough that no question stands between the pieces.
static void a_long_text_is_split_where_no_character_is_cut(void **state)
{
    char text[901];
    (void)state;
    struct session s = in_a_room();
    for (size_t i = 0; i < 900; i += 3)
        memcpy(text + i, "线", 3);
    text[900] = '\0';
    assert_split(&s, text);
    for (size_t i = 0; i < 900; i++)
        text[i] = i % 7 == 6 ? ' ' : 'a';
    s = in_a_room();
    assert_split(&s, text);
    s = in_a_room();
    forget();
    session_say(&s, "#weft", text, false);
    assert_memory_equal(strchr(sent, '\n') - 1, " ", 1); // at a space
}

static void nothing_can_be_smuggled_into_a_line(void **state)
{
    char text[600];
    (void)state;
    struct session s = welcome();
    session_say(&s, "#weft", "one\r\nQUIT", false);
    session_send(&s, "TOPIC #weft :%s", "a\nQUIT");
    assert_string_equal(sent, "PRIVMSG #weft :one\nTOPIC #weft :a\n");
    forget();
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    session_send(&s, "RAW %s", text);
    assert_int_equal(strlen(sent), 511); // with our '\n'
}

// ---- not faster than the server takes it ---------------------------------------------------

enum { LINES = 200, TEXT = 100 };

static void say_many(struct session *s)
{
    for (int i = 0; i < LINES; i++) {
        char text[TEXT + 1];
        (void)snprintf(text, sizeof text, "%0*d", TEXT, i);
        session_say(s, "#r", text, false);
        told[0] = '\0';
    }
}

// How many lines are in what was sent, from line `first` on, each in its place. The last question.
static int count_lines(int first, unsigned long *question)
{
    int n = 0;
    for (const char *at = sent; *at; at = strchr(at, '\n') + 1) {
        if (sscanf(at, "PING :pace-%lu", question) == 1)
            continue;
        assert_memory_equal(at, "PRIVMSG #r :", 12);
        assert_int_equal(strtol(at + 12, NULL, 10), first + n);
        n++;
    }
    return n;
}

static void many_lines_wait_until_the_server_has_taken_those_before(void **state)
{
    struct session s = welcome();
    unsigned long question = 0;
    int turns = 0;
    (void)state;
    say_many(&s);
    assert_true(pace_holds(&s));
    for (int done = 0; done < LINES; turns++) {
        char pong[64];
        done += count_lines(done, &question);
        assert_true(strlen(sent) < 4096); // what servers bear to have waiting, at least
        forget();
        (void)snprintf(pong, sizeof pong, ":srv PONG srv :pace-%lu", question);
        hear(&s, pong);
    }
    assert_true(turns > LINES * TEXT / 4096);
    assert_false(pace_holds(&s));
    forget();
    session_say(&s, "#r", "one more", false);
    assert_string_equal(sent, "PRIVMSG #r :one more\n");
    session_over(&s);
}

static void who_waits_may_still_answer_and_go(void **state)
{
    struct session s = welcome();
    (void)state;
    say_many(&s);
    forget();
    hear(&s, "PING :there?");
    hear(&s, ":srv PONG srv :pace-99"); // no answer to a question of ours
    session_send(&s, "NICK bob");
    session_send(&s, "QUIT");
    assert_string_equal(sent, "PONG :there?\nQUIT\n");
    session_over(&s);
    assert_false(pace_holds(&s));
}

// ---- names ---------------------------------------------------------------------------------

static void names_are_the_same_as_the_server_says(void **state)
{
    (void)state;
    assert_true(names_equal(CASEMAP_ASCII, "Ann", "aNN"));
    assert_false(names_equal(CASEMAP_ASCII, "a[", "a{"));
    assert_true(names_equal(CASEMAP_RFC1459, "A[]\\~", "a{}|^"));
    assert_false(names_equal(CASEMAP_ASCII, "ann", "anna"));
    assert_int_equal(casemap_read("ascii"), CASEMAP_ASCII);
    assert_int_equal(casemap_read("rfc1459-strict"), CASEMAP_RFC1459);
    assert_int_equal(casemap_read("PRECIS"), CASEMAP_ASCII);
}

static void a_name_is_called_as_a_word(void **state)
{
    (void)state;
    assert_true(text_calls(CASEMAP_ASCII, "hi Ann!", "ann"));
    assert_true(text_calls(CASEMAP_ASCII, "ann", "ann"));
    assert_true(text_calls(CASEMAP_ASCII, "请ann看", "ann"));
    assert_true(text_calls(CASEMAP_ASCII, "问小明吧", "小明"));
    assert_true(text_calls(CASEMAP_ASCII, "anna ann", "ann"));
    assert_false(text_calls(CASEMAP_ASCII, "anna, joann", "ann"));
    assert_false(text_calls(CASEMAP_ASCII, "anything", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_introduces_itself),
        cmocka_unit_test(a_password_goes_first),
        cmocka_unit_test(it_asks_for_what_it_knows_of_what_is_there),
        cmocka_unit_test(all_that_it_knows_fits_into_one_line),
        cmocka_unit_test(without_capabilities_it_goes_on),
        cmocka_unit_test(a_nick_that_is_taken_gets_a_line_behind_it),
        cmocka_unit_test(a_refusal_is_told),
        cmocka_unit_test(a_ping_is_answered),
        cmocka_unit_test(speech_is_of_a_room_or_of_a_partner),
        cmocka_unit_test(a_question_of_a_program_is_told_and_not_answered),
        cmocka_unit_test(the_time_is_the_servers_if_it_says_one),
        cmocka_unit_test(who_comes_and_goes_is_told),
        cmocka_unit_test(topics_and_members_are_told),
        cmocka_unit_test(whatever_else_is_said_is_shown),
        cmocka_unit_test(what_a_room_keeps_and_what_is_deleted_is_told),
        cmocka_unit_test(isupport_is_obeyed),
        cmocka_unit_test(without_the_echo_what_one_says_is_news_at_once),
        cmocka_unit_test(a_long_text_is_split_where_no_character_is_cut),
        cmocka_unit_test(nothing_can_be_smuggled_into_a_line),
        cmocka_unit_test(many_lines_wait_until_the_server_has_taken_those_before),
        cmocka_unit_test(who_waits_may_still_answer_and_go),
        cmocka_unit_test(names_are_the_same_as_the_server_says),
        cmocka_unit_test(a_name_is_called_as_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
