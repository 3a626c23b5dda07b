// SPDX-License-Identifier: MIT
// chat_gate_test.c - programs/chat/gate.h and network.h: who may come in, and what is remembered.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chat/gate.h"
#include "chat/setting_kinds.h"

static struct gate gate;
static struct networks exempt;
static int64_t now;
static bool first;

// From `now` on; most, most of each network, new ones of each.
static void begin(int most, int most_each, int new_each)
{
    gate_init(&gate);
    gate.rules = (struct gate_rules){.most = most,
                                     .most_each = most_each,
                                     .new_each = new_each,
                                     .window_ms = 1000,
                                     .bits_v4 = 32,
                                     .bits_v6 = 64,
                                     .exempt = &exempt};
    now = 5000;
}

static void end(void)
{
    gate_free(&gate);
    assert_int_equal(gate.remembered, 0);
    kind_networks.release(&exempt);
}

static struct neighbours *enter(const char *host)
{
    struct neighbours *of;
    assert_int_equal(gate_enter(&gate, host, now, &of, &first), GATE_OPEN);
    return of;
}

static void is_refused(const char *host, enum gate_answer answer)
{
    struct neighbours *of;
    size_t here = gate.here;
    assert_int_equal(gate_enter(&gate, host, now, &of, &first), answer);
    assert_null(of);
    assert_int_equal(gate.here, here);
    assert_non_null(gate_reason(answer));
}

// ---- networks ------------------------------------------------------------------------------

static void reads_as(const char *text, const char *word)
{
    struct network n;
    char out[NETWORK_TEXT];
    assert_null(network_read(text, strlen(text), &n));
    network_word(&n, out);
    assert_string_equal(out, word);
}

static void networks_are_read_and_cut_to_their_bits(void **state)
{
    (void)state;
    reads_as("192.0.2.7", "192.0.2.7");
    reads_as("192.0.2.7/32", "192.0.2.7");
    reads_as("192.0.2.7/24", "192.0.2.0/24");
    reads_as("192.0.2.255/25", "192.0.2.128/25");
    reads_as("0.0.0.0/0", "0.0.0.0/0");
    reads_as("2001:db8:1:2:3::9/64", "2001:db8:1:2::/64");
    reads_as("2001:db8::1", "2001:db8::1");
    reads_as("::ffff:192.0.2.7", "192.0.2.7");
    reads_as("::/0", "::/0");
}

static void what_is_no_network_is_not_read(void **state)
{
    static const char *const wrong[] = {
        "",
        "x",
        "192.0.2",
        "192.0.2.7/",
        "192.0.2.7/33",
        "192.0.2.7/-1",
        "192.0.2.7/ 1",
        "::1/129",
        "192.0.2.7/24x",
        "[::1]",
        "::1%lo",
        "1111111111111111111111111111111111111111111111111111111111111111111111111111111111",
    };
    struct network n;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(network_read(wrong[i], strlen(wrong[i]), &n));
}

static void a_list_takes_the_place_of_the_one_before(void **state)
{
    (void)state;
    assert_null(kind_networks.read("192.0.2.0/24, 2001:db8::/32", &exempt));
    assert_true(networks_have(&exempt, "192.0.2.77"));
    assert_true(networks_have(&exempt, "2001:db8:9::1"));
    assert_false(networks_have(&exempt, "192.0.3.1"));
    assert_false(networks_have(&exempt, "2001:db9::1"));
    assert_false(networks_have(&exempt, "nonsense"));
    assert_null(kind_networks.read("127.0.0.0/8 ::1", &exempt));
    assert_int_equal(exempt.count, 2);
    assert_true(networks_have(&exempt, "localhost"));
    assert_true(networks_have(&exempt, "::1"));
    assert_true(networks_have(&exempt, "127.9.9.9"));
    assert_string_equal(kind_networks.read("192.0.2.1, x", &exempt),
                        "is not ADDRESS or ADDRESS/BITS");
    assert_string_equal(kind_networks.read(",", &exempt), "is empty (none are 'none')");
    assert_int_equal(exempt.count, 2);
    struct networks other = {0};
    assert_false(kind_networks.same(&exempt, &other));
    assert_null(kind_networks.read("none", &exempt));
    assert_true(kind_networks.same(&exempt, &other));
    assert_false(networks_have(&exempt, "127.0.0.1"));
    kind_networks.release(&exempt);
}

static void an_interface_behind_an_address_is_no_part_of_it(void **state)
{
    struct network n, same;
    (void)state;
    assert_true(network_of_host("fe80::1%eth0", &n));
    assert_true(network_of_host("fe80::1", &same));
    assert_memory_equal(&n, &same, sizeof n);
}

// ---- the gate ------------------------------------------------------------------------------

static void of_one_network_only_so_many_come_in_at_once(void **state)
{
    (void)state;
    begin(0, 2, 0);
    struct neighbours *a = enter("192.0.2.1"), *b = enter("192.0.2.1"), *c = enter("192.0.2.2");
    is_refused("192.0.2.1", GATE_CROWDED);
    assert_true(first);
    is_refused("192.0.2.1", GATE_CROWDED);
    assert_false(first); // it was told
    gate_leave(&gate, &a);
    assert_null(a);
    a = enter("192.0.2.1");
    now += 1000;
    is_refused("192.0.2.1", GATE_CROWDED);
    assert_true(first); // in a new window
    assert_int_equal(gate.refused[GATE_CROWDED], 3);
    gate_leave(&gate, &a);
    gate_leave(&gate, &b);
    gate_leave(&gate, &c);
    assert_int_equal(gate.here, 0);
    end();
}

static int64_t *budget(struct neighbours *of)
{
    return &gate_account(&gate, of)->budget;
}

static void a_network_has_one_account_also_if_it_is_exempt(void **state)
{
    (void)state;
    begin(0, 0, 0);
    assert_null(kind_networks.read("192.0.2.0/24", &exempt));
    struct neighbours *a = enter("198.51.100.1"), *again = enter("198.51.100.1");
    struct neighbours *b = enter("198.51.100.2"), *c = enter("192.0.2.1"), *d = enter("192.0.2.2");
    assert_int_equal(*budget(a), 0);
    *budget(a) = 5;
    *budget(c) = 6;
    assert_int_equal(*budget(again), 5);
    assert_int_equal(*budget(b), 0);
    assert_int_equal(*budget(d), 0);
    *budget(NULL) = 7; // of those that are counted in none
    assert_int_equal(*budget(NULL), 7);
    assert_int_equal(*budget(b), 0);
    gate_leave(&gate, &a);
    gate_leave(&gate, &again);
    a = enter("198.51.100.1"); // it is remembered
    assert_int_equal(*budget(a), 5);
    gate_leave(&gate, &a);
    gate_leave(&gate, &b);
    gate_leave(&gate, &c);
    gate_leave(&gate, &d);
    end();
}

static void an_account_is_kept_as_long_as_it_says_and_the_window_counts_anew(void **state)
{
    (void)state;
    begin(0, 0, 1);
    struct neighbours *a = enter("198.51.100.1");
    *gate_account(&gate, a) = (struct gate_account){.budget = 5, .keep_until = now + 5000};
    gate_leave(&gate, &a);
    is_refused("198.51.100.1", GATE_HASTY);
    now += 4999; // the window is one second
    a = enter("198.51.100.1");
    assert_int_equal(*budget(a), 5);
    gate_leave(&gate, &a);
    now += 1000;
    a = enter("198.51.100.1");
    assert_int_equal(*budget(a), 0);
    *budget(a) = 6;
    gate_account(&gate, a)->talks.until = (now + 5000) * 1000000;
    gate_leave(&gate, &a);
    now += 4999;
    a = enter("198.51.100.1");
    assert_int_equal(*budget(a), 6);
    gate_leave(&gate, &a);
    end();
}

static void a_network_of_ipv6_is_64_bits_and_both_can_be_set(void **state)
{
    (void)state;
    begin(0, 1, 0);
    struct neighbours *a = enter("2001:db8:0:1::1"), *b = enter("2001:db8:0:2::1");
    is_refused("2001:db8:0:1:ffff::9", GATE_CROWDED);
    gate.rules.bits_v4 = 24;
    gate.rules.bits_v6 = 32;
    struct neighbours *c = enter("192.0.2.1"), *d = enter("2001:db8:0:1::1");
    is_refused("192.0.2.200", GATE_CROWDED);
    is_refused("2001:db8:7::1", GATE_CROWDED);
    gate_leave(&gate, &a);
    gate_leave(&gate, &b);
    gate_leave(&gate, &c);
    gate_leave(&gate, &d);
    end();
}

static void new_ones_are_counted_for_a_time_also_when_they_have_gone(void **state)
{
    (void)state;
    begin(0, 0, 3);
    for (int i = 0; i < 3; i++) {
        struct neighbours *a = enter("192.0.2.1");
        gate_leave(&gate, &a);
    }
    now += 999;
    is_refused("192.0.2.1", GATE_HASTY);
    struct neighbours *other = enter("192.0.2.2");
    gate_leave(&gate, &other);
    now += 1;
    struct neighbours *a = enter("192.0.2.1");
    gate_leave(&gate, &a);
    end();
}

static void who_is_refused_is_not_counted(void **state)
{
    (void)state;
    begin(0, 1, 2);
    struct neighbours *a = enter("192.0.2.1");
    for (int i = 0; i < 10; i++)
        is_refused("192.0.2.1", GATE_CROWDED);
    gate_leave(&gate, &a);
    a = enter("192.0.2.1");
    gate_leave(&gate, &a);
    is_refused("192.0.2.1", GATE_HASTY);
    end();
}

static void exempt_ones_are_counted_among_all_only(void **state)
{
    (void)state;
    begin(3, 1, 1);
    assert_null(kind_networks.read("192.0.2.0/24", &exempt));
    struct neighbours *a = enter("192.0.2.1"), *b = enter("192.0.2.1"), *c = enter("192.0.2.1");
    assert_int_equal(gate.here, 3);
    is_refused("192.0.2.1", GATE_FULL);
    assert_true(first);
    is_refused("198.51.100.1", GATE_FULL);
    assert_false(first);
    now += 60000;
    is_refused("198.51.100.1", GATE_FULL);
    assert_true(first); // once a minute
    gate_leave(&gate, &a);
    a = enter("198.51.100.1");
    gate_leave(&gate, &a);
    gate_leave(&gate, &b);
    gate_leave(&gate, &c);
    end();
}

static void what_has_gone_is_forgotten_in_time_and_memory_is_bounded(void **state)
{
    char host[32];
    (void)state;
    begin(0, 0, 1);
    struct neighbours *here = enter("192.0.2.1");
    for (int i = 0; i < 2 * GATE_MEMORY; i++) {
        (void)snprintf(host, sizeof host, "10.%d.%d.1", i / 256, i % 256);
        struct neighbours *a = enter(host);
        gate_leave(&gate, &a);
        assert_true(gate.remembered <= GATE_MEMORY + 1);
    }
    is_refused(host, GATE_HASTY);             // the last one is known,
    struct neighbours *a = enter("10.0.0.1"); // the first one not any more
    gate_leave(&gate, &a);
    is_refused("192.0.2.1", GATE_HASTY); // who is here is never forgotten
    now += 1000;
    a = enter("198.51.100.1");
    assert_int_equal(gate.remembered, 0);
    gate_leave(&gate, &a);
    gate_leave(&gate, &here);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_read_and_cut_to_their_bits),
        cmocka_unit_test(what_is_no_network_is_not_read),
        cmocka_unit_test(a_list_takes_the_place_of_the_one_before),
        cmocka_unit_test(an_interface_behind_an_address_is_no_part_of_it),
        cmocka_unit_test(of_one_network_only_so_many_come_in_at_once),
        cmocka_unit_test(a_network_has_one_account_also_if_it_is_exempt),
        cmocka_unit_test(an_account_is_kept_as_long_as_it_says_and_the_window_counts_anew),
        cmocka_unit_test(a_network_of_ipv6_is_64_bits_and_both_can_be_set),
        cmocka_unit_test(new_ones_are_counted_for_a_time_also_when_they_have_gone),
        cmocka_unit_test(who_is_refused_is_not_counted),
        cmocka_unit_test(exempt_ones_are_counted_among_all_only),
        cmocka_unit_test(what_has_gone_is_forgotten_in_time_and_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
