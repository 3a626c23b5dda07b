// SPDX-License-Identifier: MIT
// fetch_progress_test.c - programs/fetch/progress.h: what is drawn, when, and where not.
//
// The clock is a number here, and the terminal a pair of them (openpty): what is drawn is read from
// its other side, byte for byte.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "fetch/progress.h"

#define SECOND INT64_C(1000000000)

struct screen {
    int master;
    FILE *terminal;
    struct progress progress;
    char text[1024];
};

static void set_columns(const struct screen *s, int columns)
{
    const struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    assert_int_equal(ioctl(s->master, TIOCSWINSZ, &size), 0);
}

static void open_screen(struct screen *s, int columns)
{
    int slave;
    assert_int_equal(openpty(&s->master, &slave, NULL, NULL, NULL), 0);
    struct termios raw;
    assert_int_equal(tcgetattr(slave, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
    s->terminal = fdopen(slave, "w");
    assert_non_null(s->terminal);
    assert_int_equal(setvbuf(s->terminal, NULL, _IONBF, 0), 0); // as stderr
    set_columns(s, columns);
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    progress_open(&s->progress, s->terminal, 0);
}

static void close_screen(struct screen *s)
{
    assert_int_equal(fclose(s->terminal), 0);
    assert_int_equal(close(s->master), 0);
}

// What was drawn since the last look. It takes the system a moment to pass on what is written, so a
// mark is sent behind it.
static const char *drawn(struct screen *s)
{
    size_t size = 0;
    assert_int_equal(write(fileno(s->terminal), "|", 1), 1);
    while (size == 0 || s->text[size - 1] != '|') {
        ssize_t n = read(s->master, s->text + size, sizeof s->text - size);
        assert_true(n > 0);
        size += (size_t)n;
    }
    s->text[size - 1] = '\0';
    return s->text;
}

static const char *draw(struct screen *s, const struct progress_now *now, int64_t ns)
{
    progress_show(&s->progress, now, ns);
    return drawn(s);
}

static void the_line_says_what_is_known(void **state)
{
    struct screen s;
    (void)state;
    open_screen(&s, 100);
    struct progress_now now = {.total = -1, .under_way = -1};
    assert_string_equal(draw(&s, &now, SECOND / 10), "\r0 pages, 0, 0/s\x1b[K");
    now = (struct progress_now){.done = 1, .total = -1, .under_way = 5, .bytes = 1024};
    assert_string_equal(draw(&s, &now, SECOND / 2), "\r1 page, 5 under way, 1.00K, 2.00K/s\x1b[K");
    now = (struct progress_now){
        .done = 25, .failed = 2, .total = 100, .under_way = 5, .bytes = 2097152};
    assert_string_equal(draw(&s, &now, 4 * SECOND),
                        "\r25 of 100 pages, 2 failed, 5 under way, 2.00M, 512K/s, 0:12 left\x1b[K");
    now.done = 100;
    now.total = 200000;
    assert_string_equal(
        draw(&s, &now, 8 * SECOND),
        "\r100 of 200000 pages, 2 failed, 5 under way, 2.00M, 256K/s, 4:26:32 left\x1b[K");
    close_screen(&s);
}

static void it_is_drawn_ten_times_a_second_at_most(void **state)
{
    struct screen s;
    struct progress_now now = {.total = -1, .under_way = -1};
    int times = 0;
    (void)state;
    open_screen(&s, 100);
    for (int64_t ns = 0; ns <= 2 * SECOND; ns += SECOND / 1000)
        times += draw(&s, &now, ns)[0] != '\0';
    assert_int_equal(times, 20);
    close_screen(&s);
}

static void the_rate_is_that_of_the_last_seconds(void **state)
{
    struct screen s;
    struct progress_now now = {.total = -1, .under_way = -1};
    (void)state;
    open_screen(&s, 100);
    for (int i = 1; i <= 50; i++) {
        now.bytes += 102400;
        (void)draw(&s, &now, i * SECOND / 10);
    }
    now.bytes += 102400;
    assert_string_equal(draw(&s, &now, 51 * SECOND / 10), "\r0 pages, 4.98M, 1000K/s\x1b[K");
    for (int i = 52; i < 84; i++) // nothing more comes
        (void)draw(&s, &now, i * SECOND / 10);
    assert_string_equal(draw(&s, &now, 84 * SECOND / 10), "\r0 pages, 4.98M, 0/s\x1b[K");
    close_screen(&s);
}

static void it_keeps_within_the_width_that_the_terminal_has_now(void **state)
{
    struct screen s;
    const struct progress_now now = {.done = 25, .total = 100, .under_way = 5, .bytes = 1};
    (void)state;
    open_screen(&s, 10);
    assert_string_equal(draw(&s, &now, 1 * SECOND), "\r25 of 100\x1b[K"); // not the last column
    set_columns(&s, 17);
    assert_string_equal(draw(&s, &now, 2 * SECOND), "\r25 of 100 pages,\x1b[K");
    set_columns(&s, 0); // it does not say
    assert_string_equal(draw(&s, &now, 3 * SECOND),
                        "\r25 of 100 pages, 5 under way, 1, 0/s, 0:09 left\x1b[K");
    s.progress.columns = 3;
    assert_string_equal(draw(&s, &now, 4 * SECOND), "\r25\x1b[K");
    close_screen(&s);
}

static void it_is_cleared_once_and_only_if_it_is_there(void **state)
{
    struct screen s;
    const struct progress_now now = {.total = -1, .under_way = -1};
    (void)state;
    open_screen(&s, 80);
    progress_clear(&s.progress);
    assert_string_equal(drawn(&s), "");
    (void)draw(&s, &now, SECOND);
    progress_clear(&s.progress);
    assert_string_equal(drawn(&s), "\r\x1b[K");
    progress_clear(&s.progress);
    assert_string_equal(drawn(&s), "");
    assert_string_equal(draw(&s, &now, SECOND + SECOND / 20), ""); // not sooner for being away
    assert_string_equal(draw(&s, &now, SECOND + SECOND / 10), "\r0 pages, 0, 0/s\x1b[K");
    close_screen(&s);
}

static void a_dumb_terminal_and_a_pipe_see_nothing(void **state)
{
    struct screen s;
    const struct progress_now now = {.total = -1, .under_way = -1};
    static const char *const terms[] = {"dumb", "", NULL};
    (void)state;
    open_screen(&s, 80);
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        assert_int_equal(terms[i] ? setenv("TERM", terms[i], 1) : unsetenv("TERM"), 0);
        progress_open(&s.progress, s.terminal, 0);
        assert_string_equal(draw(&s, &now, SECOND), "");
    }
    close_screen(&s);

    int ends[2];
    char byte;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    FILE *out = fdopen(ends[1], "w");
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    progress_open(&s.progress, out, 0);
    progress_show(&s.progress, &now, SECOND);
    progress_clear(&s.progress);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    assert_int_equal(close(ends[0]), 0);
    progress_clear(&(struct progress){0});
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_says_what_is_known),
        cmocka_unit_test(it_is_drawn_ten_times_a_second_at_most),
        cmocka_unit_test(the_rate_is_that_of_the_last_seconds),
        cmocka_unit_test(it_keeps_within_the_width_that_the_terminal_has_now),
        cmocka_unit_test(it_is_cleared_once_and_only_if_it_is_there),
        cmocka_unit_test(a_dumb_terminal_and_a_pipe_see_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
