// SPDX-License-Identifier: MIT
// join_keyring_test.c - programs/chat/join/keyring.h. That /join fills it, and a connection that is
// made again uses it, is in join_tmux_test.py.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chat/join/keyring.h"

static struct keyring ring;

static const char *key_of(const char *room)
{
    return keyring_find(&ring, CASEMAP_ASCII, room);
}

static void put(const char *room, const char *key)
{
    keyring_put(&ring, CASEMAP_ASCII, room, key);
}

static int empty_it(void **state)
{
    (void)state;
    ring = (struct keyring){.next = 0};
    return 0;
}

static void the_last_key_of_a_room_counts_however_it_is_written(void **state)
{
    (void)state;
    assert_string_equal(key_of("#tea"), "");
    put("#Tea", "old");
    put("#tea", "leaf");
    put("#cafe", "bean");
    put("#tea", ""); // was joined without one
    assert_string_equal(key_of("#TEA"), "leaf");
    assert_string_equal(key_of("#cafe"), "bean");
    assert_string_equal(key_of("#open"), "");
}

static void what_does_not_fit_is_not_kept(void **state)
{
    char key[KEYRING_KEY + 1], room[NAME_ROOM + 1];
    (void)state;
    memset(key, 'k', KEYRING_KEY);
    key[KEYRING_KEY] = '\0';
    memset(room, 'r', NAME_ROOM);
    room[NAME_ROOM] = '\0';
    put("#tea", key);
    put(room, "leaf");
    assert_string_equal(key_of("#tea"), "");
    assert_string_equal(key_of(room), "");
    put("#tea", key + 1);
    assert_string_equal(key_of("#tea"), key + 1);
}

static void the_oldest_is_forgotten(void **state)
{
    char room[16];
    (void)state;
    put("#tea", "leaf");
    for (int i = 0; i < KEYRING_MOST; i++) {
        (void)snprintf(room, sizeof room, "#%d", i);
        put(room, "x");
    }
    assert_string_equal(key_of("#tea"), "");
    assert_string_equal(key_of("#0"), "x");
}

static void learn(const char *modes)
{
    keyring_learn(&ring, CASEMAP_ASCII, "#tea", modes);
}

static void a_key_that_is_set_is_learned_among_other_modes(void **state)
{
    (void)state;
    learn("+k leaf");
    assert_string_equal(key_of("#tea"), "leaf");
    learn("-o+lvk ann 5 bob bag");
    assert_string_equal(key_of("#tea"), "bag");
    learn("-lk+nt *"); // nor does a limit that is taken away have a word
    learn("+k *");     // it is not shown to us
    learn("+k");
    learn("+ok ann");
    learn("+nt");
    learn("");
    learn("k green"); // as it means '+'
    assert_string_equal(key_of("#tea"), "green");
    learn("+b k!*@*");
    learn("-k green");
    assert_string_equal(key_of("#tea"), "green");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_last_key_of_a_room_counts_however_it_is_written, empty_it),
        cmocka_unit_test_setup(what_does_not_fit_is_not_kept, empty_it),
        cmocka_unit_test_setup(the_oldest_is_forgotten, empty_it),
        cmocka_unit_test_setup(a_key_that_is_set_is_learned_among_other_modes, empty_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
