// SPDX-License-Identifier: MIT
// join_editor_test.c - the line being typed: programs/chat/join/editor.h, with the grid that it
// stands on (width.h) and the keys that come to it (keys.h).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chat/join/editor.h"
#include "chat/join/keys.h"
#include "common/width.h"

// ---- width ---------------------------------------------------------------------------------

static int columns(const char *text)
{
    return text_columns(text, strlen(text));
}

static void ideographs_take_two_columns_and_accents_none(void **state)
{
    (void)state;
    assert_int_equal(columns("abc"), 3);
    assert_int_equal(columns("线程"), 4);
    assert_int_equal(columns("e\xCC\x81"), 1);
    assert_int_equal(columns("\xF0\x9F\x98\x80"), 2);
    assert_int_equal(columns("，。"), 4);
}

static void a_control_character_is_never_shown(void **state)
{
    static const char *const bad[] = {"\x1b",     "\x07", "\x7f",         "\r",
                                      "\xC2\x9B", "\xFF", "\xED\xA0\x80", "\xE2\x80\xA8"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct glyph g = glyph_first(bad[i], strlen(bad[i]));
        assert_int_equal(g.size, 3);
        assert_memory_equal(g.bytes, "\xEF\xBF\xBD", 3);
        assert_int_equal(g.columns, 1);
    }
    struct glyph turn = glyph_first("\xE2\x80\xAE", 3); // right-to-left override
    assert_int_equal(turn.size, 0);
    assert_int_equal(turn.taken, 3);
}

static void a_wide_character_is_not_cut_at_the_edge(void **state)
{
    int used;
    (void)state;
    assert_int_equal(text_fit("a线b", 5, 2, &used), 1);
    assert_int_equal(used, 1);
    assert_int_equal(text_fit("a线b", 5, 3, &used), 4);
    assert_int_equal(used, 3);
}

static void assert_rows(const char *text, int width, const char *const *rows)
{
    size_t at = 0, size = strlen(text);
    for (; *rows; rows++) {
        size_t taken = text_row(text + at, size - at, width);
        assert_int_equal(taken, strlen(*rows));
        assert_memory_equal(text + at, *rows, taken);
        at += taken;
    }
    assert_int_equal(at, size);
}

static void rows_end_at_spaces_or_ideographs(void **state)
{
    (void)state;
    assert_rows("one two three", 8, (const char *const[]){"one two ", "three", NULL});
    assert_rows("one two", 3, (const char *const[]){"one ", "two", NULL});
    assert_rows("abcdefgh", 3, (const char *const[]){"abc", "def", "gh", NULL});
    assert_rows("线程与进程", 5, (const char *const[]){"线程", "与进", "程", NULL});
    assert_rows("ab线程 english", 8, (const char *const[]){"ab线程 ", "english", NULL});
    assert_rows("线", 1, (const char *const[]){"线", NULL}); // it has to go somewhere
}

// ---- the editor ----------------------------------------------------------------------------

static struct editor *edit(const char *text)
{
    struct editor *e = calloc(1, sizeof *e);
    assert_non_null(e);
    editor_insert(e, text, strlen(text));
    return e;
}

static void done(struct editor *e, const char *text, size_t cursor)
{
    assert_string_equal(e->text, text);
    assert_int_equal(e->size, strlen(text));
    assert_int_equal(e->cursor, cursor);
    editor_release(e);
    free(e);
}

static void text_is_inserted_at_the_cursor(void **state)
{
    (void)state;
    struct editor *e = edit("ad");
    editor_left(e);
    editor_insert(e, "bc", 2);
    done(e, "abcd", 3);
}

static void the_cursor_moves_by_what_a_person_calls_a_character(void **state)
{
    (void)state;
    struct editor *e = edit("ae\xCC\x81线");
    editor_left(e);
    assert_int_equal(e->cursor, 4);
    editor_left(e);
    assert_int_equal(e->cursor, 1);
    editor_right(e);
    assert_int_equal(e->cursor, 4);
    editor_backspace(e);
    assert_string_equal(e->text, "a线");
    editor_delete(e);
    done(e, "a", 1);
}

static void at_the_ends_there_is_nothing_to_take(void **state)
{
    (void)state;
    struct editor *e = edit("a");
    editor_delete(e);
    editor_right(e);
    editor_home(e);
    editor_left(e);
    editor_backspace(e);
    editor_word_left(e);
    editor_cut_word(e);
    editor_cut_start(e);
    assert_int_equal(e->cursor, 0);
    editor_end(e);
    editor_cut_end(e);
    editor_word_right(e);
    done(e, "a", 1);
}

static void words_are_jumped_over(void **state)
{
    (void)state;
    struct editor *e = edit("one  two three");
    editor_word_left(e);
    assert_int_equal(e->cursor, 9);
    editor_word_left(e);
    assert_int_equal(e->cursor, 5);
    editor_word_right(e);
    done(e, "one  two three", 8);
}

static void what_was_cut_can_be_put_back(void **state)
{
    (void)state;
    struct editor *e = edit("one two 线程");
    editor_cut_word(e);
    assert_string_equal(e->text, "one two ");
    editor_put_back(e);
    editor_home(e);
    editor_word_right(e);
    editor_cut_start(e);
    assert_string_equal(e->text, " two 线程");
    editor_end(e);
    editor_put_back(e);
    assert_string_equal(e->text, " two 线程one");
    editor_home(e);
    editor_cut_end(e);
    assert_string_equal(e->text, "");
    editor_put_back(e);
    done(e, " two 线程one", strlen(" two 线程one"));
}

static void a_full_line_takes_no_half_characters(void **state)
{
    char text[EDITOR_MAX + 10];
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text + EDITOR_MAX - 3, "线线", 6);
    struct editor *e = calloc(1, sizeof *e);
    assert_non_null(e);
    editor_insert(e, text, sizeof text);
    assert_int_equal(e->size, EDITOR_MAX - 3);
    editor_insert(e, "线", 3);
    assert_int_equal(e->size, EDITOR_MAX - 3);
    editor_insert(e, "bcd", 3);
    assert_int_equal(e->size, EDITOR_MAX - 1);
    assert_int_equal(e->text[e->size], '\0');
    free(e);
}

static void lines_of_before_come_back_and_the_line_of_now_too(void **state)
{
    (void)state;
    struct editor *e = edit("one");
    editor_enter(e);
    editor_insert(e, "two", 3);
    editor_enter(e);
    editor_insert(e, "two", 3);
    editor_enter(e); // not twice
    editor_insert(e, "now", 3);
    editor_older(e);
    assert_string_equal(e->text, "two");
    editor_older(e);
    assert_string_equal(e->text, "one");
    editor_older(e);
    assert_string_equal(e->text, "one");
    editor_newer(e);
    editor_newer(e);
    assert_string_equal(e->text, "now");
    editor_newer(e);
    done(e, "now", 3);
}

static void only_so_many_lines_are_remembered(void **state)
{
    char text[16];
    (void)state;
    struct editor *e = edit("");
    editor_enter(e); // nothing is no line
    assert_int_equal(e->history_count, 0);
    for (int i = 0; i < EDITOR_HISTORY + 5; i++) {
        int size = snprintf(text, sizeof text, "%d", i);
        editor_insert(e, text, (size_t)size);
        editor_enter(e);
    }
    for (int i = 0; i < EDITOR_HISTORY + 5; i++)
        editor_older(e);
    done(e, "5", 1);
}

// ---- keys ----------------------------------------------------------------------------------

static char pressed[4096];

// "[up]a[paste:x|y]"
static void note_key(void *ctx, const struct key *key)
{
    static const char *const names[] = {
        [KEY_ENTER] = "enter",     [KEY_TAB] = "tab",           [KEY_BACKSPACE] = "backspace",
        [KEY_DELETE] = "delete",   [KEY_LEFT] = "left",         [KEY_RIGHT] = "right",
        [KEY_WORD_LEFT] = "wleft", [KEY_WORD_RIGHT] = "wright", [KEY_UP] = "up",
        [KEY_DOWN] = "down",       [KEY_HOME] = "home",         [KEY_END] = "end",
        [KEY_PAGE_UP] = "pgup",    [KEY_PAGE_DOWN] = "pgdn",    [KEY_CONTROL] = "ctrl",
        [KEY_ALT] = "alt",         [KEY_PASTE] = "paste:",
    };
    size_t at = strlen(pressed), room = sizeof pressed - at;
    (void)ctx;
    if (key->kind == KEY_TEXT)
        (void)snprintf(pressed + at, room, "%.*s", (int)key->size, key->text);
    else if (key->kind == KEY_PASTE)
        (void)snprintf(pressed + at, room, "[paste:%.*s]", (int)key->size, key->text);
    else if (key->letter)
        (void)snprintf(pressed + at, room, "[%s%c]", names[key->kind], key->letter);
    else
        (void)snprintf(pressed + at, room, "[%s]", names[key->kind]);
}

// Whole, and byte by byte.
static void assert_keys(const char *bytes, const char *expected)
{
    static struct keys whole, pieces;
    whole = pieces = (struct keys){.held_size = 0};
    pressed[0] = '\0';
    keys_feed(&whole, bytes, strlen(bytes), note_key, NULL);
    assert_string_equal(pressed, expected);
    pressed[0] = '\0';
    for (; *bytes; bytes++)
        keys_feed(&pieces, bytes, 1, note_key, NULL);
    assert_string_equal(pressed, expected);
}

static void characters_and_control_keys_are_told_apart(void **state)
{
    (void)state;
    assert_keys("a线é", "a线é");
    assert_keys("\r\n\t\b\x7f", "[enter][enter][tab][backspace][backspace]");
    assert_keys("\x01\x05\x0e\x10\x17", "[ctrla][ctrle][ctrln][ctrlp][ctrlw]");
}

static void sequences_of_terminals_are_known(void **state)
{
    (void)state;
    assert_keys("\x1b[A\x1b[B\x1b[C\x1b[D", "[up][down][right][left]");
    assert_keys("\x1bOA\x1bOH\x1b[4~\x1b[3~", "[up][home][end][delete]");
    assert_keys("\x1b[5~\x1b[6~\x1b[1;5D\x1b[1;5C", "[pgup][pgdn][wleft][wright]");
    assert_keys("\x1b"
                "1\x1b"
                "b\x1b"
                "f",
                "[alt1][wleft][wright]");
}

static void what_is_unknown_is_swallowed_whole(void **state)
{
    (void)state;
    assert_keys("a\x1b[99;99xb", "ab");
    assert_keys("a\x1b[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16mb", "ab");
    assert_keys("\x1b\x1b[A", "[up]");
    assert_keys("\x1b[12\x1b[Ab", "[up]b");
}

static void bytes_that_are_no_character_are_left_out(void **state)
{
    (void)state;
    assert_keys("a\xFF\x80\xE7\xBA", "a");
    assert_keys("\xE7\xBA"
                "b\xE7\r",
                "b[enter]");
}

static void a_paste_of_one_line_is_text_and_of_several_is_one_paste(void **state)
{
    (void)state;
    assert_keys("\x1b[200~one\tline\n\x1b[201~", "one line");
    assert_keys("\x1b[200~one\r\ntwo 线\rthree\n\n\x1b[201~x", "[paste:one\ntwo 线\nthree]x");
    assert_keys("\x1b[200~\x03\x07\x1b[A\x1b[201~\r", "[enter]");
}

static void a_paste_that_is_too_long_is_cut_once(void **state)
{
    static struct keys k;
    static char piece[1000];
    (void)state;
    k = (struct keys){.held_size = 0};
    memset(piece, 'a', sizeof piece);
    pressed[0] = '\0';
    keys_feed(&k, "\x1b[200~", 6, note_key, NULL);
    for (int i = 0; i < PASTE_MAX / 1000 + 10; i++)
        keys_feed(&k, piece, sizeof piece, note_key, NULL);
    keys_feed(&k, "\x1b[201~b", 7, note_key, NULL);
    assert_int_equal(k.paste_size, 0);
    assert_int_equal(strlen(pressed), sizeof pressed - 1);
    assert_false(k.pasting);
}

// Nobody presses what has no end; what comes late is one that nobody waits for.
static void a_paste_whose_end_does_not_come_is_over_when_nothing_comes(void **state)
{
    static const struct {
        const char *paste, *expected;
    } rows[] = {
        {"one", "onex[enter]y"},
        {"one\ntwo\x1b[20", "[paste:one\ntwo]x[enter]y"}, // its end is cut short
        {"", "x[enter]y"},
        {"\x1b", "x[enter]y"},
    };
    static struct keys k;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        k = (struct keys){.held_size = 0};
        pressed[0] = '\0';
        keys_silence(&k, note_key, NULL); // of no paste
        keys_feed(&k, "\x1b[200~", 6, note_key, NULL);
        keys_feed(&k, rows[i].paste, strlen(rows[i].paste), note_key, NULL);
        assert_string_equal(pressed, "");
        keys_silence(&k, note_key, NULL);
        keys_feed(&k, "x\r\x1b[201~y", 9, note_key, NULL);
        assert_string_equal(pressed, rows[i].expected);
    }
}

// A lone Escape waits for what it is of, for any time.
static void silence_ends_nothing_but_a_paste(void **state)
{
    static struct keys k;
    (void)state;
    k = (struct keys){.held_size = 0};
    pressed[0] = '\0';
    keys_feed(&k, "\x1b", 1, note_key, NULL);
    keys_silence(&k, note_key, NULL);
    keys_feed(&k, "1", 1, note_key, NULL);
    assert_string_equal(pressed, "[alt1]");
}

static struct key last_paste;

static void note_paste(void *ctx, const struct key *key)
{
    (void)ctx;
    last_paste = *key;
}

static void of_lines_that_are_too_many_the_first_whole_ones_are_pasted(void **state)
{
    static const char line[] = "a line 线 of some\r";
    static struct keys k;
    (void)state;
    k = (struct keys){.held_size = 0};
    keys_feed(&k, "\x1b[200~", 6, note_paste, NULL);
    for (size_t i = 0; i < PASTE_MAX / 10; i++)
        keys_feed(&k, line, sizeof line - 1, note_paste, NULL);
    keys_feed(&k, "\x1b[201~", 6, note_paste, NULL);
    assert_int_equal(last_paste.kind, KEY_PASTE);
    assert_true(last_paste.cut);
    assert_int_equal((last_paste.size + 1) % (sizeof line - 1), 0);
    assert_in_range(last_paste.size, PASTE_MAX - sizeof line, PASTE_MAX);
    keys_feed(&k, "\x1b[200~a\nb\x1b[201~", 15, note_paste, NULL);
    assert_false(last_paste.cut);
    assert_int_equal(last_paste.size, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ideographs_take_two_columns_and_accents_none),
        cmocka_unit_test(a_control_character_is_never_shown),
        cmocka_unit_test(a_wide_character_is_not_cut_at_the_edge),
        cmocka_unit_test(rows_end_at_spaces_or_ideographs),
        cmocka_unit_test(text_is_inserted_at_the_cursor),
        cmocka_unit_test(the_cursor_moves_by_what_a_person_calls_a_character),
        cmocka_unit_test(at_the_ends_there_is_nothing_to_take),
        cmocka_unit_test(words_are_jumped_over),
        cmocka_unit_test(what_was_cut_can_be_put_back),
        cmocka_unit_test(a_full_line_takes_no_half_characters),
        cmocka_unit_test(lines_of_before_come_back_and_the_line_of_now_too),
        cmocka_unit_test(only_so_many_lines_are_remembered),
        cmocka_unit_test(characters_and_control_keys_are_told_apart),
        cmocka_unit_test(sequences_of_terminals_are_known),
        cmocka_unit_test(what_is_unknown_is_swallowed_whole),
        cmocka_unit_test(bytes_that_are_no_character_are_left_out),
        cmocka_unit_test(a_paste_of_one_line_is_text_and_of_several_is_one_paste),
        cmocka_unit_test(a_paste_that_is_too_long_is_cut_once),
        cmocka_unit_test(a_paste_whose_end_does_not_come_is_over_when_nothing_comes),
        cmocka_unit_test(silence_ends_nothing_but_a_paste),
        cmocka_unit_test(of_lines_that_are_too_many_the_first_whole_ones_are_pasted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
