// SPDX-License-Identifier: MIT
// join_view_test.c - programs/chat/join/view.h on a terminal of paper, which knows the few codes
// that the view may use, and no others.
#define _GNU_SOURCE // memmem
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chat/join/view.h"
#include "common/width.h"

enum { ROWS = 8, COLUMNS = 30, NOON = 12 * 3600 };

static struct model model;
static struct editor editor;
static struct view view;
static struct room *room;

static int set_up(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC", 1);
    editor = (struct editor){.size = 0};
    view = (struct view){.rows = ROWS, .columns = COLUMNS};
    assert_int_equal(model_init(&model, "srv"), 0);
    (void)snprintf(model.nick, sizeof model.nick, "ann");
    room = model_room(&model, "#weft", true);
    assert_non_null(room);
    model_show(&model, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    view_release(&view);
    model_release(&model);
    return 0;
}

static void said_in(struct room *r, const char *who, const char *text)
{
    model_add(&model, r,
              &(struct speech){.kind = SAID_TEXT, .time_s = NOON, .who = who, .text = text});
}

static void said(const char *text)
{
    said_in(room, "bob", text);
}

// ---- the terminal of paper -----------------------------------------------------------------

static struct {
    char rows[ROWS + 1][400]; // from 1
    int row, cursor_row, cursor_column;
} paper;

// What one escape says; anything that is not expected fails the test. The bytes it took.
static size_t obey(const char *code)
{
    int row, column, taken = 0;
    if (sscanf(code, "\x1b[%d;%dH%n", &row, &column, &taken) == 2 && taken > 0) {
        assert_in_range(row, 1, ROWS);
        assert_in_range(column, 1, COLUMNS);
        paper.row = paper.cursor_row = row;
        paper.cursor_column = column;
        return (size_t)taken;
    }
    if (strncmp(code, "\x1b[K", 3) == 0) {
        paper.rows[paper.row][0] = '\0';
        return 3;
    }
    if (strncmp(code, "\x1b[?25", 5) == 0 && strchr("hl", code[5]))
        return 6;
    size_t size = 2 + strspn(code + 2, "0123456789;");
    assert_int_equal(code[size], 'm');
    return size + 1;
}

static void paint(const char *hint)
{
    view_paint(&view, &model, &editor, hint);
    assert_false(view.failed);
    for (size_t at = 0; at < view.size;) {
        char *row = paper.rows[paper.row];
        if (view.bytes[at] == '\x1b') {
            char code[64] = "";
            memcpy(code, view.bytes + at, view.size - at < 63 ? view.size - at : 63);
            at += obey(code);
            continue;
        }
        assert_true((unsigned char)view.bytes[at] >= ' ' && view.bytes[at] != 0x7F);
        (void)strncat(row, view.bytes + at, 1);
        at++;
        assert_true(strlen(row) < sizeof paper.rows[0] - 1);
    }
    for (int i = 1; i <= ROWS; i++)
        assert_true(text_columns(paper.rows[i], strlen(paper.rows[i])) <= COLUMNS);
}

// As it stands there, without the spaces at its end.
static void assert_row(int row, const char *text)
{
    char *shown = paper.rows[row];
    size_t size = strlen(shown);
    while (size > 0 && shown[size - 1] == ' ')
        shown[--size] = '\0';
    assert_string_equal(shown, text);
}

// ---- what is where -------------------------------------------------------------------------

static void a_screen_has_a_topic_what_was_said_the_rooms_and_a_line(void **state)
{
    (void)state;
    model_set_topic(&model, room, "about 线程");
    said("hello");
    said("你好");
    editor_insert(&editor, "typed", 5);
    paint(NULL);
    assert_row(1, " #weft  about 线程");
    assert_row(2, "");
    assert_row(5, "12:00 <bob> hello");
    assert_row(6, "12:00 <bob> 你好");
    assert_row(7, " ann  1:srv  [2:#weft]");
    assert_row(8, "#weft> typed");
    assert_int_equal(paper.cursor_row, 8);
    assert_int_equal(paper.cursor_column, 13);
}

static void long_lines_go_on_under_their_text(void **state)
{
    (void)state;
    said("one two three four five");
    said("线程线程线程线程线程线程线程");
    paint(NULL);
    assert_row(3, "12:00 <bob> one two three four");
    assert_row(4, "      five");
    assert_row(5, "12:00 <bob> 线程线程线程线程线");
    assert_row(6, "      程线程线程");
}

static void rooms_have_marks(void **state)
{
    (void)state;
    struct room *other = model_room(&model, "#b", true), *talk = model_room(&model, "bob", false);
    said_in(other, "bob", "x");
    said_in(other, "bob", "y");
    said_in(talk, "bob", "z");
    view.columns = 44;
    view_paint(&view, &model, &editor, NULL);
    view.columns = COLUMNS;
    assert_non_null(memmem(view.bytes, view.size, "3:#b+2", 6));
    assert_non_null(memmem(view.bytes, view.size, "4:bob!1", 7));
    paint(NULL); // where there is no place for them there is a sign
    assert_row(7, " ann  1:srv  [2:#weft] !>");
    model_show(&model, 3);
    said("seen by nobody");
    paint(NULL);
    assert_row(7, " ann <+  3:#b+2  [4:bob]");
}

static void the_state_of_the_connection_takes_the_place_of_the_nick(void **state)
{
    (void)state;
    (void)snprintf(model.state, sizeof model.state, "not connected");
    paint(NULL);
    assert_row(7, " not connected  [2:#weft]");
}

static void a_hint_takes_the_place_of_the_line(void **state)
{
    (void)state;
    editor_insert(&editor, "typed", 5);
    paint("3 lines pasted: Enter sends them");
    assert_row(8, "3 lines pasted: Enter sends t");
}

static void a_long_line_is_shown_where_the_cursor_is(void **state)
{
    (void)state;
    editor_insert(&editor, "0123456789 0123456789 线线线线线", 37);
    paint(NULL);
    assert_row(8, "#weft>  0123456789 线线线线线");
    assert_int_equal(paper.cursor_column, 30);
    editor_home(&editor);
    paint(NULL);
    assert_row(8, "#weft> 0123456789 0123456789");
    assert_int_equal(paper.cursor_column, 8);
}

static void nothing_of_others_is_obeyed(void **state)
{
    (void)state;
    struct room *evil = model_room(&model, "#\x1b[2J\x07\xC2\x9B", true);
    assert_non_null(evil);
    said("\x1b]0;title\x07\x1b[31m");
    paint(NULL); // obey() and paint() look at every byte
    assert_row(6, "12:00 <bob> ^[]0;title^G^[[31m");
    model_show(&model, 2);
    paint(NULL);
    assert_row(1, " #\xEF\xBF\xBD[2J\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void tiny_terminals_do_no_harm(void **state)
{
    (void)state;
    said("one two three four five six seven eight nine ten");
    editor_insert(&editor, "线线线线线线", 18);
    for (int rows = 1; rows <= ROWS; rows++)
        for (int columns = 10; columns <= COLUMNS; columns++) {
            view.rows = rows;
            view.columns = columns;
            view_paint(&view, &model, &editor, NULL);
            view_scroll(&view, &model, 1);
            view_scroll(&view, &model, -1);
            assert_false(view.failed);
        }
}

// ---- scrolling -----------------------------------------------------------------------------

static void a_page_goes_up_and_down_and_stops_at_the_ends(void **state)
{
    char text[16];
    (void)state;
    for (int i = 1; i <= 12; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        said(text);
    }
    paint(NULL);
    assert_row(6, "12:00 <bob> 12");
    view_scroll(&view, &model, 4);
    paint(NULL);
    assert_row(6, "12:00 <bob> 8");
    assert_row(1, " #weft          PageDown: more");
    view_scroll(&view, &model, 100);
    paint(NULL);
    assert_row(2, "12:00 <bob> 1");
    assert_row(6, "12:00 <bob> 5");
    view_scroll(&view, &model, -4);
    paint(NULL);
    assert_row(6, "12:00 <bob> 9");
    view_scroll(&view, &model, -100);
    assert_int_equal(room->bottom, 0);
}

static void what_one_looks_at_stays_when_more_is_said(void **state)
{
    char text[16];
    (void)state;
    for (int i = 1; i <= 12; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        said(text);
    }
    view_scroll(&view, &model, 3);
    said("new");
    paint(NULL);
    assert_row(6, "12:00 <bob> 9");
}

static void a_line_higher_than_the_screen_is_scrolled_by_rows(void **state)
{
    char text[400];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text, "begin", 5);
    said("before");
    said(text);
    view_scroll(&view, &model, 2);
    assert_int_equal(room->hidden, 2);
    view_scroll(&view, &model, 100);
    assert_int_equal(room->hidden, 13);
    paint(NULL);
    assert_non_null(strstr(paper.rows[3], "begin"));
    assert_row(2, "12:00 <bob> before");
    view_scroll(&view, &model, -13);
    assert_int_equal(room->bottom, 0);
}

static void an_empty_room_and_a_short_one_do_not_scroll(void **state)
{
    (void)state;
    view_scroll(&view, &model, 5);
    assert_int_equal(room->bottom, 0);
    said("one");
    view_scroll(&view, &model, 5);
    assert_int_equal(room->bottom, 0);
    paint(NULL);
    assert_row(6, "12:00 <bob> one");
}

#define A_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void the_top_is_seen_where_nothing_is_above_the_first_row(void **state)
{
    char text[400];
    (void)state;
    assert_true(view_at_top(&view, &model));
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    said("one");
    assert_true(view_at_top(&view, &model));
    said(text);
    assert_false(view_at_top(&view, &model));
    view_scroll(&view, &model, 12);
    assert_false(view_at_top(&view, &model)); // one row is above
    view_scroll(&view, &model, 1);
    assert_true(view_at_top(&view, &model));
    view_scroll(&view, &model, -1);
    assert_false(view_at_top(&view, &model));
    for (int i = 0; i < MODEL_LINES; i++)
        said("more");
    view_scroll(&view, &model, MODEL_LINES);
    assert_true(view_at_top(&view, &model));
    assert_int_equal(room->bottom, room->added - MODEL_LINES + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        A_TEST(a_screen_has_a_topic_what_was_said_the_rooms_and_a_line),
        A_TEST(long_lines_go_on_under_their_text),
        A_TEST(rooms_have_marks),
        A_TEST(the_state_of_the_connection_takes_the_place_of_the_nick),
        A_TEST(a_hint_takes_the_place_of_the_line),
        A_TEST(a_long_line_is_shown_where_the_cursor_is),
        A_TEST(nothing_of_others_is_obeyed),
        A_TEST(tiny_terminals_do_no_harm),
        A_TEST(a_page_goes_up_and_down_and_stops_at_the_ends),
        A_TEST(what_one_looks_at_stays_when_more_is_said),
        A_TEST(a_line_higher_than_the_screen_is_scrolled_by_rows),
        A_TEST(an_empty_room_and_a_short_one_do_not_scroll),
        A_TEST(the_top_is_seen_where_nothing_is_above_the_first_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
