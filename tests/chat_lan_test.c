// SPDX-License-Identifier: MIT
// chat_lan_test.c - programs/chat/qr.h and lan.h: a code that is what the encoder said, and what
// others on the network are told.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <qrencode.h>

#include "chat/lan.h"
#include "chat/qr.h"

enum { QUIET = 4, MOST = 200 };
static const char ink[] = "\x1b[38;5;16;48;5;231m", plain[] = "\x1b[0m\n";

// What one sees: dark modules, two rows a line. How wide it is.
static int look(const char *text, bool dark[MOST][MOST], int *height)
{
    static const char *const blocks[] = {" ", "▀", "▄", "█"};
    int width = -1, y = 0;
    for (; *text; y += 2) {
        int x = 0;
        assert_memory_equal(text, ink, sizeof ink - 1);
        for (text += sizeof ink - 1; *text != '\x1b'; x++) {
            int i = 3;
            while (strncmp(text, blocks[i], strlen(blocks[i])) != 0)
                assert_true(i-- > 0);
            dark[y][x] = i & 1;
            dark[y + 1][x] = i & 2;
            text += strlen(blocks[i]);
        }
        assert_memory_equal(text, plain, sizeof plain - 1);
        text += sizeof plain - 1;
        assert_true(width < 0 || width == x);
        width = x;
    }
    *height = y;
    return width;
}

static void shows(const char *url)
{
    static bool dark[MOST][MOST];
    int height;
    char *text = qr_text(url);
    assert_non_null(text);
    QRcode *code = QRcode_encodeString8bit(url, 0, QR_ECLEVEL_L);
    assert_non_null(code);
    int width = look(text, dark, &height);
    assert_int_equal(width, code->width + 2 * QUIET);
    assert_true(height >= width);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int cx = x - QUIET, cy = y - QUIET;
            bool inside = cx >= 0 && cy >= 0 && cx < code->width && cy < code->width;
            assert_int_equal(dark[y][x], inside && (code->data[cy * code->width + cx] & 1));
        }
    QRcode_free(code);
    free(text);
}

static void every_module_is_shown_with_a_quiet_zone_around(void **state)
{
    (void)state;
    shows("http://192.168.1.5:8080/#password=kavo-tiru-meso-bafi");
    shows("https://[fd00:1234:5678:9abc:def0:1234:5678:9abc]:8443/#password=kavo-tiru-meso-bafi");
    shows("x");
}

static void what_no_code_can_hold_is_refused(void **state)
{
    (void)state;
    char *text = malloc(5000);
    assert_non_null(text);
    memset(text, 'x', 4999);
    text[4999] = '\0';
    assert_null(qr_text(text));
    free(text);
}

static void passwords_are_said_in_four_words_and_are_never_the_same(void **state)
{
    char some[100][LAN_PASSWORD];
    (void)state;
    for (int i = 0; i < 100; i++) {
        lan_make_password(some[i]);
        assert_int_equal(strlen(some[i]), LAN_PASSWORD - 1);
        for (size_t at = 0; some[i][at]; at++) {
            const char *set = at % 5 == 4 ? "-" : at % 5 % 2 == 0 ? "bdfghjklmnprstvz" : "aiou";
            assert_non_null(strchr(set, some[i][at]));
        }
        for (int j = 0; j < i; j++)
            assert_string_not_equal(some[i], some[j]);
    }
}

static void addresses_are_such_as_others_reach(void **state)
{
    struct setting_list hosts = {0}, all = {0};
    (void)state;
    assert_null(lan_add_addresses(&hosts));
    for (size_t i = 0; i < hosts.count; i++) {
        assert_true(strncmp(hosts.items[i], "127.", 4) != 0);
        assert_string_not_equal(hosts.items[i], "[::1]");
        assert_true(strncmp(hosts.items[i], "[fe80:", 6) != 0);
    }
    assert_null(lan_add_hosts(&all));
    assert_true(all.count > hosts.count); // this machine's name too
    kind_hosts.release(&hosts);
    kind_hosts.release(&all);
    assert_null(all.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_module_is_shown_with_a_quiet_zone_around),
        cmocka_unit_test(what_no_code_can_hold_is_refused),
        cmocka_unit_test(passwords_are_said_in_four_words_and_are_never_the_same),
        cmocka_unit_test(addresses_are_such_as_others_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
