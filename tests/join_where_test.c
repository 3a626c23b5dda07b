// SPDX-License-Identifier: MIT
// join_where_test.c - programs/chat/join/where.h: each row of its table, and what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chat/join/where.h"

enum { PIPE = 0, TERMINAL = 1, PLAIN = 2, IRC = 4, TLS = 8, NAMED = 16 };

// "irc 127.0.0.1:6667, plain 127.0.0.1:12345", or what is wrong.
static const char *tried(const char *server, int how)
{
    static char text[800];
    struct where w;
    size_t size = 0;
    const struct asked asked = {
        .server = server,
        .terminal = how & TERMINAL,
        .plain = how & PLAIN,
        .irc = how & IRC,
        .tls = how & TLS,
        .named = how & NAMED,
    };
    const char *wrong = where_read(&w, &asked);
    if (wrong)
        return wrong;
    for (int i = 0; i < w.count; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s %s", i > 0 ? ", " : "",
                                 w.places[i].tls   ? "tls"
                                 : w.places[i].irc ? "irc"
                                                   : "plain",
                                 w.places[i].address);
    return text;
}

static void without_a_port_a_terminal_tries_irc_first_and_a_pipe_plain(void **state)
{
    (void)state;
    assert_string_equal(tried("", TERMINAL), "irc 127.0.0.1:6667, plain 127.0.0.1:12345");
    assert_string_equal(tried("", PIPE), "plain 127.0.0.1:12345, irc 127.0.0.1:6667");
    assert_string_equal(tried("chat.example", TERMINAL),
                        "irc chat.example:6667, plain chat.example:12345");
    assert_string_equal(tried("::1", PIPE), "plain [::1]:12345, irc [::1]:6667");
    assert_string_equal(tried("[::1]", PIPE), "plain [::1]:12345, irc [::1]:6667");
}

static void a_port_tells_the_protocol(void **state)
{
    (void)state;
    assert_string_equal(tried("h:12345", TERMINAL), "plain h:12345");
    assert_string_equal(tried(":4000", TERMINAL), "plain 127.0.0.1:4000");
    assert_string_equal(tried("4000", PIPE), "plain 127.0.0.1:4000");
    assert_string_equal(tried("[::1]:4000", PIPE), "plain [::1]:4000");
    assert_string_equal(tried("h:6667", PIPE), "irc h:6667");
    assert_string_equal(tried("h:6697", PIPE), "tls h:6697");
}

static void an_option_is_obeyed_on_any_port(void **state)
{
    (void)state;
    assert_string_equal(tried("", PLAIN | TERMINAL), "plain 127.0.0.1:12345");
    assert_string_equal(tried("h:6667", PLAIN), "plain h:6667");
    assert_string_equal(tried("", IRC), "irc 127.0.0.1:6667");
    assert_string_equal(tried("h:4000", IRC), "irc h:4000");
    assert_string_equal(tried("h", TLS), "tls h:6697");
    assert_string_equal(tried("h:4000", TLS), "tls h:4000");
}

static void a_nick_or_a_room_means_irc(void **state)
{
    (void)state;
    assert_string_equal(tried("", NAMED), "irc 127.0.0.1:6667");
    assert_string_equal(tried("h:4000", NAMED), "irc h:4000");
}

static void urls_are_understood(void **state)
{
    (void)state;
    assert_string_equal(tried("irc://h", PIPE), "irc h:6667");
    assert_string_equal(tried("irc://h:4000/", PIPE), "irc h:4000");
    assert_string_equal(tried("ircs://h/room", PIPE), "tls h:6697");
    assert_string_equal(tried("ircs://[::1]:4000", PIPE), "tls [::1]:4000");
    assert_string_equal(tried("http://192.0.2.7:8080/", PIPE),
                        "irc 192.0.2.7:6667, plain 192.0.2.7:12345");
    assert_string_equal(tried("http://192.0.2.7:8080/", PLAIN), "plain 192.0.2.7:12345");
    assert_string_equal(tried("http://192.0.2.7:8080/#password=bo-di", PIPE), "irc 192.0.2.7:6667");
    assert_string_equal(tried("https://h/", TERMINAL), "tls h:6697");
    assert_string_equal(tried("IRCS://h/", PIPE), "tls h:6697");
    assert_string_equal(tried("gopher://h/", PIPE),
                        "is not a URL of a chat server: irc://, ircs://, http:// or https://");
}

static void a_url_may_name_the_room_the_nick_and_the_password(void **state)
{
    static const struct {
        const char *url, *nick, *password, *room;
    } rows[] = {
        {"irc://h/weft", "", "", "#weft"},
        {"irc://h/#weft", "", "", "#weft"},
        {"irc://h/%23weft?", "", "", "#weft"},
        {"irc://h/&local,ischannel", "", "", "&local"},
        {"irc://h/weft?key=", "", "", "#weft"},
        {"irc://h/a,isnicker", "", "", "#a"},
        {"http://h:8080/?key=k#weft", "", "", "#weft"}, // the page asks its server so, not us
        {"irc://h/", "", "", ""},
        {"irc://h/#", "", "", ""},
        {"ircs://ann:s%20s@h/a", "", "", ""},
        {"ircs://ann:s%3As@h/%E7%BA%BF", "ann", "s:s", "#线"},
        {"ircs://ann@h", "ann", "", ""},
        {"http://h:8080/#weft", "", "", "#weft"},
        {"http://h:8080/weft", "", "", ""},
        {"http://h:8080/#password=bo-di", "", "bo-di", ""}, // as `weft serve --lan` prints it
        {"https://h/#password=s%3As&x", "", "s:s", "#x"},
        {"http://h/#tea&password=bo-di", "", "bo-di", "#tea"},
        {"http://h/#%23tea&password=bo&x", "", "bo", "#tea"},
        {"http://h/#password=bo-di&%23tea", "", "bo-di", "#tea"},
        {"http://h/#password=bo-di&", "", "bo-di", ""},
        {"http://h/#r&d", "", "", "#r&d"},
        {"http://h/#r&d&password=s", "", "s", "#r&d"},
        {"http://h/##tea", "", "", "##tea"},
        {"http://h/#", "", "", ""},
        {"irc://h/#password=bo-di", "", "", "#password=bo-di"},
    };
    struct where w;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *wrong = where_read(&w, &(struct asked){.server = rows[i].url});
        if (strstr(rows[i].url, "%20")) {
            assert_non_null(wrong); // a space would be another word of the line
            continue;
        }
        assert_null(wrong);
        assert_string_equal(w.host, "h");
        assert_string_equal(w.nick, rows[i].nick);
        assert_string_equal(w.password, rows[i].password);
        assert_string_equal(w.room, rows[i].room);
        assert_string_equal(w.key, "");
    }
}

static void a_url_may_have_the_key_of_its_room(void **state)
{
    static const char *const rows[][3] = {
        {"irc://h/weft,needkey?key=s%26cret", "#weft", "s&cret"},
        {"irc://h/#weft?key=s#1&", "#weft", "s#1"},
        {"ircs://h?key=k", "", "k"},
    };
    struct where w;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_null(where_read(&w, &(struct asked){.server = rows[i][0]}));
        assert_string_equal(w.host, "h");
        assert_string_equal(w.room, rows[i][1]);
        assert_string_equal(w.key, rows[i][2]);
    }
    assert_string_equal(tried("irc://h:4000?key=k", PIPE), "irc h:4000"); // as a room does
    assert_null(where_read(&w, &(struct asked){.server = "irc://h?key=k", .plain = true}));
    assert_true(w.names);
}

// It would be dropped without a word else.
static void what_a_url_asks_for_in_vain_is_told(void **state)
{
    static const struct {
        const char *url, *told;
    } rows[] = {
        {"irc://h/weft?msg=hi", "asks for more than a room's key (?key=WORD)"},
        {"irc://h/weft?key=a&x", "asks for more than a room's key (?key=WORD)"},
        {"irc://h/weft?key=a,b", "has a key that no room can have"},
        {"irc://h/weft?key=%3Aa", "has a key that no room can have"},
        {"irc://h/weft?key=a%20b", "is not a URL of a chat server"},
        {"irc://h/ann,isnick", "names a person, and not a room"},
        {"irc://h/ann,needpass,isuser?key=k", "names a person, and not a room"},
        {"irc://h/a%2Cb", "is not a URL of a chat server"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(tried(rows[i].url, PIPE), rows[i].told);
}

static void what_is_no_server_is_refused(void **state)
{
    static const char *const wrong[] = {
        "irc://",     "http:///",          "ftp://h",       "irc://h:0",
        "irc://h:x/", "irc://h/a%0d%0aQ",  "irc://a b@h",   "irc://h/\x7f",
        "irc://[::1", "http://a:b:c:80:/", "irc://u:p:q@/", "a/b",
    };
    char text[400] = "irc://h/";
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *told = tried(wrong[i], PIPE);
        if (strncmp(told, "is ", 3) != 0 && strncmp(told, "has ", 4) != 0)
            fail_msg("%s was taken for %s", wrong[i], told);
    }
    memset(text + 8, 'x', 300);
    assert_string_equal(tried(text, PIPE), "is not a URL of a chat server");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_port_a_terminal_tries_irc_first_and_a_pipe_plain),
        cmocka_unit_test(a_port_tells_the_protocol),
        cmocka_unit_test(an_option_is_obeyed_on_any_port),
        cmocka_unit_test(a_nick_or_a_room_means_irc),
        cmocka_unit_test(urls_are_understood),
        cmocka_unit_test(a_url_may_name_the_room_the_nick_and_the_password),
        cmocka_unit_test(a_url_may_have_the_key_of_its_room),
        cmocka_unit_test(what_a_url_asks_for_in_vain_is_told),
        cmocka_unit_test(what_is_no_server_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
