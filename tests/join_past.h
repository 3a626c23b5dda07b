// SPDX-License-Identifier: MIT
// join_past.h - ann at a server that keeps a history, which is a row of lines; and what her screen
// has of it, without a screen.
#ifndef WEFT_TESTS_JOIN_PAST_H
#define WEFT_TESTS_JOIN_PAST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chat/join/news.h"

enum { NOW = 1000000 };
#define ALL "batch message-tags server-time echo-message draft/chathistory"

static struct {
    struct model model;
    struct session session;
    char sent[16384];
} here;

static inline void send_line(void *ctx, const char *line)
{
    size_t at = strlen(here.sent);
    (void)ctx;
    (void)snprintf(here.sent + at, sizeof here.sent - at, "%s\n", line);
}

static inline void tell(void *ctx, const struct news *news)
{
    (void)ctx;
    news_take(&here.model, &here.session, news);
}

static inline int64_t now(void *ctx)
{
    (void)ctx;
    return NOW;
}

static inline bool last(void *ctx, const char *room, struct past_mark *mark)
{
    (void)ctx;
    return news_last(&here.model, room, mark);
}

static const struct session_ops ops = {send_line, tell, now, last};

static inline void hear(const char *text)
{
    char line[MESSAGE_MAX];
    (void)snprintf(line, sizeof line, "%s", text);
    session_hear(&here.session, line);
}

static inline void assert_sent(const char *lines)
{
    assert_string_equal(here.sent, lines);
    here.sent[0] = '\0';
}

// A connection to a server that has these capabilities. We are ann.
static inline void connect_with(const char *caps)
{
    const struct session_options options = {.nick = "ann", .password = "", .echo = true};
    char line[512];
    session_begin(&here.session, &options, &ops, NULL);
    (void)snprintf(line, sizeof line, ":srv CAP * LS :%s", caps);
    hear(line);
    (void)snprintf(line, sizeof line, ":srv CAP * ACK :%s", caps);
    hear(line);
    hear(":srv 001 ann :Welcome");
    here.sent[0] = '\0';
}

static inline void lose_connection(void)
{
    session_over(&here.session);
}

static inline int set_up(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC", 1);
    assert_int_equal(model_init(&here.model, "srv"), 0);
    connect_with(ALL);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    session_over(&here.session);
    model_release(&here.model);
    return 0;
}

static inline struct room *weft(void)
{
    struct room *r = model_find(&here.model, "#weft");
    assert_non_null(r);
    return r;
}

// What was said in #weft, one line each: no events.
static inline void assert_said(const char *lines)
{
    static char said[32768];
    const struct said *line;
    said[0] = '\0';
    for (uint64_t n = 1; n <= weft()->added; n++) {
        size_t at = strlen(said);
        if ((line = model_line(weft(), n)) != NULL && line->kind <= SAID_NOTICE)
            (void)snprintf(said + at, sizeof said - at, "%s\n", line->text);
    }
    assert_string_equal(said, lines);
}

static inline void assert_newest(const struct room *r, const char *text)
{
    const struct said *line = model_line(r, r->added);
    assert_non_null(line);
    assert_string_equal(line->text, text);
}

// In #weft at second 1000, with an empty history.
static inline void in_a_room(void)
{
    hear("@time=1970-01-01T00:16:40Z :ann!a@h JOIN #weft");
    hear(":srv BATCH +h chathistory #weft");
    hear(":srv BATCH -h");
    here.sent[0] = '\0';
}

static inline void elsewhere(void)
{
    model_show(&here.model, 0);
}

#define A_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
