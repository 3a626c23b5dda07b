// SPDX-License-Identifier: MIT
// chat_settings_test.c - programs/chat/settings.h: the table, the file, what may change; and that
// docs/weft.ini (WEFT_INI) tells the truth.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "chat/settings.h"

#define HASH \
    "$argon2id$v=19$m=65536,t=2,p=1$y1qBGwn8SpGG0efvsrpCnw$" \
    "c2+LHY0Ck4O6I4Tr6w1Cz36g3juLt6pLl7qAxvK6ixI"

static char folder[] = "/tmp/weft-settings-XXXXXX";

static char *in_folder(const char *name)
{
    static char path[64];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

// ---- reading a file ------------------------------------------------------------------------

static struct settings set;
static char wrong[512];

static bool read_bytes(const void *bytes, size_t size)
{
    settings_free(&set);
    char *path = in_folder("x.ini");
    write_file(path, bytes, size);
    return settings_read_file(&set, path, wrong, sizeof wrong);
}

static void is_good(const char *text)
{
    wrong[0] = '\0';
    if (!read_bytes(text, strlen(text)))
        fail_msg("%s\n%s", wrong, text);
}

// The words stand behind the file's name.
static void is_wrong_by_bytes(const void *bytes, size_t size, const char *words)
{
    char whole[512];
    (void)snprintf(whole, sizeof whole, "%s:%s", in_folder("x.ini"), words);
    assert_false(read_bytes(bytes, size));
    assert_string_equal(wrong, whole);
}

static void is_wrong(const char *text, const char *words)
{
    is_wrong_by_bytes(text, strlen(text), words);
}

static void every_kind_of_value_is_read(void **state)
{
    (void)state;
    is_good("# comment\n; comment\n\n[doors]\nplain = off\nirc = 127.0.0.1:7000\nweb=unix:/run/w\n"
            "[server]\nname: irc.example.org\ndescription = two words ; and a comment\nqueue = 3\n"
            "[tls]\nweb = yes\n[limits]\nregister = 1.5\nrooms = 7\n"
            "[flood]\nrate = 9\nexempt = none\n"
            "[web]\nhosts = a.example\t,, [fd00::1]:80 ,\nhosts = *\norigins = https://a.example\n"
            "[operator ada]\npassword = " HASH "\n[operator bob]\npassword = " HASH "\n");
    assert_string_equal(set.at[DOOR_PLAIN], "off");
    assert_string_equal(set.at[DOOR_IRC], "127.0.0.1:7000");
    assert_string_equal(set.at[DOOR_WEB], "unix:/run/w");
    assert_string_equal(set.irc.name, "irc.example.org");
    assert_string_equal(set.irc.description, "two words");
    assert_int_equal(set.queue_mb, 3);
    assert_true(set.web_tls);
    assert_int_equal(set.irc.register_ms, 1500);
    assert_int_equal(set.irc.rooms_each, 7);
    assert_int_equal(set.irc.flood_rate, 9);
    assert_int_equal(set.unhurried.count, 0);
    assert_int_equal(set.hosts.count, 3);
    assert_string_equal(set.hosts.items[1], "[fd00::1]:80");
    assert_string_equal(set.hosts.items[2], "*");
    assert_null(set.hosts.items[3]);
    assert_string_equal(set.origins.items[0], "https://a.example");
    assert_int_equal(set.operators.count, 2);
    assert_string_equal(set.operators.items[0].name, "ada");
    assert_string_equal(set.operators.items[1].hash, HASH);
}

static void lines_may_be_indented_and_end_as_on_windows_or_not_at_all(void **state)
{
    (void)state;
    is_good("[doors]\r\n  irc = 1\r\n\tweb = 2\r\n  plain = 3");
    assert_string_equal(set.at[DOOR_IRC], "1");
    assert_string_equal(set.at[DOOR_WEB], "2");
    assert_string_equal(set.at[DOOR_PLAIN], "3");
    is_good("\xEF\xBB\xBF[doors]\nirc = 4\n");
    assert_string_equal(set.at[DOOR_IRC], "4");
    is_good("");
}

static void what_is_unknown_names_its_line_and_the_nearest(void **state)
{
    (void)state;
    is_wrong("[server]\n\nnetwrk = x\n", "3: unknown key 'netwrk' (did you mean 'network'?)");
    is_wrong("[server]\nzzzzzz = x\n", "2: unknown key 'zzzzzz' in [server]");
    is_wrong("[servre]\nname = x\n", "2: unknown section [servre] (did you mean [server]?)");
    is_wrong("[zzzzzz]\nname = x\n", "2: unknown section [zzzzzz]");
    is_wrong("name = a.b\n", "1: a key before the first [section]");
    is_wrong("[operator]\npassword = x\n", "2: [operator] needs a name: [operator NAME]");
    is_wrong("[operator ada]\npasswd = x\n", "2: unknown key 'passwd' (did you mean 'password'?)");
}

#define TEN "xxxxxxxxxx"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void what_makes_no_sense_names_its_line(void **state)
{
    (void)state;
    is_wrong("[doors]\nirc = 70000\n",
             "2: irc '70000' is not [HOST:]PORT, unix:/PATH, systemd:NAME or off");
    is_wrong("[doors]\nweb = a/b:1\n", "2: web 'a/b:1' is not a host name or address");
    is_wrong("[doors]\nweb = unix:\n", "2: web 'unix:' has no path");
    is_wrong("[doors]\nweb = systemd:\n", "2: web 'systemd:' has no name");
    is_wrong("[doors]\nirc = unix:" HUNDRED "12345678\n",
             "2: irc 'unix:" TEN TEN TEN TEN "xxxxxxxxxxxxxxx' has a path of more than 107 bytes");
    is_wrong("[doors]\nhost = a:b\n", "2: host 'a:b' is not a host name or address");
    is_wrong("[server]\nname = x\n",
             "2: name 'x' is not a server's name (with a dot, at most 63 characters)");
    is_wrong(
        "[server]\nname = \"irc.example.org\"\n",
        "2: name '\"irc.example.org\"' is not a server's name (with a dot, at most 63 characters)");
    is_wrong("[server]\nname = a..b\n",
             "2: name 'a..b' is not a server's name (with a dot, at most 63 characters)");
    is_wrong("[server]\nnetwork = a b\n", "2: network 'a b' has a space in it");
    is_wrong("[server]\nnetwork = " HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN "x"
             "\n",
             "2: network '" TEN TEN TEN TEN TEN TEN "' is longer than 180 bytes");
    is_wrong("[irc]\nrefuse-tags = " HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN "x"
             "\n",
             "2: refuse-tags '" TEN TEN TEN TEN TEN TEN "' is longer than 180 bytes");
    is_wrong("[server]\nqueue = 0\n", "2: queue '0' is not a number of megabytes (1 to 1024)");
    is_wrong("[server]\nmotd = /nowhere/x\n",
             "2: motd '/nowhere/x' cannot be read: No such file or directory");
    is_wrong("[server]\nmotd = /tmp\n", "2: motd '/tmp' cannot be read: Is a directory");
    is_wrong("[server]\nmotd = /dev/zero\n", "2: motd '/dev/zero' is no regular file");
    is_wrong("[server]\ndescription = a\xFF\n", "2: description 'a\xFF' is not UTF-8");
    is_wrong("[server]\ndescription = a\x01z\n",
             "2: description 'a\x01z' has a control character in it");
    is_wrong("[tls]\nweb = 1\n", "2: web '1' is neither yes nor no");
    is_wrong("[history]\nsync = yes\n", "2: sync 'yes' is neither normal nor full");
    is_wrong("[tls]\nsts = -1\n", "2: sts '-1' is not a number of days (0 to 3650)");
    is_wrong("[web]\nhosts = a, b/c\n",
             "2: hosts 'a, b/c' is not NAME[:PORT] (an IPv6 address in brackets), or *");
    is_wrong("[web]\nhosts = a b, c\n",
             "2: hosts 'a b, c' is not NAME[:PORT] (an IPv6 address in brackets), or *");
    is_wrong("[web]\norigins = https://a https://b\n",
             "2: origins 'https://a https://b' is not http[s]://HOST[:PORT] without a path, or *");
    is_wrong("[web]\norigins = a.example\n",
             "2: origins 'a.example' is not http[s]://HOST[:PORT] without a path, or *");
    is_wrong("[web]\norigins = https://a.example/x\n",
             "2: origins 'https://a.example/x' is not http[s]://HOST[:PORT] without a path, or *");
    is_wrong("[web]\nhosts = ,\n", "2: hosts ',' is empty");
    is_wrong("[flood]\nexempt = 127.0.0.1, here\n",
             "2: exempt '127.0.0.1, here' is not ADDRESS or ADDRESS/BITS");
    is_wrong("[flood]\nbacklog = 2000\n",
             "2: backlog '2000' is not a number of kilobytes (1 to 1024)");
    is_wrong("[limits]\nnetwork-v4 = 33\n", "2: network-v4 '33' is not a number of bits (1 to 32)");
    is_wrong("[limits]\nnetwork-v6 = 0\n", "2: network-v6 '0' is not a number of bits (1 to 128)");
    is_wrong("[limits]\nrooms = 0\n", "2: rooms '0' is not a count (1 to 100000)");
    is_wrong("[limits]\nping = 1e9\n", "2: ping '1e9' is not a time in seconds (0.001 to 1000000)");
    is_wrong("[server]\npassword =\n", "2: 'password' has no value");
    is_wrong("[server]\nqueue = 1\nqueue = 2\n", "3: 'queue' is there twice");
}

static void an_operator_without_a_password_names_the_line_of_its_section(void **state)
{
    static const char told[] = "2: this operator has no password (see weft chat passwd)";
    (void)state;
    is_wrong("\n[operator ada]", told);
    is_wrong("\n  [operator ada]\n\n# password = " HASH "\n", told);
    is_wrong("\n[operator ada]\n[server]\nnonsense\n", told);
    is_wrong("[operator ada]\npassword = " HASH "\n[operator bob]\n",
             "3: this operator has no password (see weft chat passwd)");
    is_wrong("[operator ada]\nnonsense\n", "2: is no [section], no 'key = value' and no comment");
    is_good("[operator ada]\n\n; her own\npassword = " HASH "\n\n[server]\n\n[web]\n");
}

static void what_is_no_ini_names_its_line(void **state)
{
    static const char nul[] = "[doors]\nirc = 1\0 2\n";
    char text[3000] = "[server]\npassword = ";
    (void)state;
    is_wrong("[server]\nnonsense\n", "2: is no [section], no 'key = value' and no comment");
    is_wrong("[server\nname = a.b\n", "1: is no [section], no 'key = value' and no comment");
    is_wrong("nonsense\n[doors]\nzzzzz = 1\n",
             "1: is no [section], no 'key = value' and no comment");
    is_wrong("[server] password = word\n",
             "1: something stands behind the [section]: it needs a line of its own");
    is_wrong("[irc]\n [server]x ; y\n",
             "2: something stands behind the [section]: it needs a line of its own");
    is_good("[server]\t \r\n[irc] ; for clients\n[web]# and pages\n");
    is_wrong_by_bytes(nul, sizeof nul - 1, "2: has a NUL byte: this is no text file");
    memset(text + strlen(text), 'x', 2000);
    assert_false(read_bytes(text, strlen(text)));
    assert_non_null(strstr(wrong, "x.ini:2: is longer than "));
}

static void a_comment_may_be_longer_than_any_line(void **state)
{
    static const char *const begins[] = {"# ", "; ", "\t # 线程 = "};
    char xs[2001] = "", text[3000];
    (void)state;
    memset(xs, 'x', sizeof xs - 1);
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        (void)snprintf(text, sizeof text, "%s%s\n[irc\n", begins[i], xs);
        is_wrong(text, "2: is no [section], no 'key = value' and no comment");
    }
}

static void a_file_that_is_not_there_is_told(void **state)
{
    (void)state;
    settings_free(&set);
    assert_false(settings_read_file(&set, "/nowhere/weft.ini", wrong, sizeof wrong));
    assert_string_equal(wrong, "/nowhere/weft.ini: No such file or directory");
    assert_false(settings_read_file(&set, folder, wrong, sizeof wrong));
    assert_non_null(strstr(wrong, "cannot be read"));
}

static void secrets_are_not_repeated(void **state)
{
    (void)state;
    is_wrong("[operator ada]\npassword = geheim\n",
             "2: 'password' has no hash as 'weft chat passwd' prints it");
    is_wrong("[server]\npassword = gehe\x02im\n", "2: 'password' has a control character in it");
    is_wrong("[operator ada]\npassword = " HASH "\n[operator ada]\npassword = " HASH "\n",
             "4: 'password' is an operator that was named before");
    is_wrong("[operator a b]\npassword = " HASH "\n",
             "2: 'password' does not begin with a name (at most 32 characters, no space)");
    is_wrong("[operator a:b]\npassword = " HASH "\n", "2: the name of an operator has no colon");
}

#define COSTS(memory, times) \
    "[operator ada]\npassword = $argon2id$v=19$m=" memory ",t=" times \
    ",p=1$y1qBGwn8SpGG0efvsrpCnw$c2+LHY0Ck4O6I4Tr6w1Cz36g3juLt6pLl7qAxvK6ixI\n"

static void a_hash_that_would_stop_the_server_is_refused(void **state)
{
    static const char told[] =
        "2: 'password' has a hash that costs more than 1 GiB of memory, or too much time";
    (void)state;
    is_good(COSTS("1048576", "4"));
    is_good(COSTS("8192", "512"));
    is_wrong(COSTS("1048577", "1"), told);
    is_wrong(COSTS("1048576", "5"), told);
    is_wrong(COSTS("65536", "4000000"), told);
    is_wrong(COSTS("4000000000", "2"), told);
}

// ---- the table -----------------------------------------------------------------------------

static void every_default_is_one_that_could_be_given(void **state)
{
    union {
        uint64_t words[8];
        unsigned char bytes[64];
    } place;
    (void)state;
    for (const struct setting *row = settings_table; row->option; row++) {
        memset(&place, 0, sizeof place);
        assert_true(row->kind->size <= sizeof place);
        assert_true(row->place + row->kind->size <= sizeof(struct settings));
        assert_true((row->section == NULL) == (row->key == NULL));
        assert_true((row->value == NULL) == row->kind->flag);
        if (row->fallback && row->kind->read(row->fallback, &place))
            fail_msg("--%s: its default '%s' is refused", row->option, row->fallback);
        if (row->kind->release)
            row->kind->release(&place);
    }
}

static void every_name_is_there_once(void **state)
{
    (void)state;
    for (const struct setting *a = settings_table; a->option; a++)
        for (const struct setting *b = a + 1; b->option; b++) {
            assert_string_not_equal(a->option, b->option);
            if (a->section && b->section && strcmp(a->section, b->section) == 0)
                assert_string_not_equal(a->key, b->key);
        }
}

// The value of "#key = value" in this section of the example; NULL: it is not there.
static const char *example_of(const struct setting *row, char line[256])
{
    FILE *file = fopen(WEFT_INI, "r");
    char here[64] = "", *at;
    const char *found = NULL;
    assert_non_null(file);
    while (!found && fgets(line, 256, file)) {
        at = line + (*line == '#');
        at[strcspn(at, "\n")] = '\0';
        size_t size = strlen(row->key);
        if (*at == '[')
            (void)sscanf(at, "[%63[^] ]", here);
        else if (strcmp(here, row->section) == 0 && strncmp(at, row->key, size) == 0 &&
                 strncmp(at + size, " = ", 3) == 0)
            found = at + size + 3;
    }
    (void)fclose(file);
    return found;
}

static void the_example_lists_every_setting_with_its_default(void **state)
{
    char line[256];
    (void)state;
    for (const struct setting *row = settings_table; row->option; row++) {
        const char *value = row->key ? example_of(row, line) : "";
        if (!value)
            fail_msg("%s has no '#%s = ' in [%s]", WEFT_INI, row->key, row->section);
        if (row->key && row->fallback)
            assert_string_equal(value, row->fallback);
    }
}

// All its lines with settings, without the '#', but those that name files.
static void the_example_without_its_marks_is_good(void **state)
{
    static char text[16384];
    char line[256];
    size_t size = 0;
    FILE *file = fopen(WEFT_INI, "r");
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        bool setting = line[0] == '#' && (strstr(line, " = ") || line[1] == '[') && line[1] != ' ';
        bool names_file = strstr(line, "/etc/weft/") != NULL;
        if ((setting && !names_file) || line[0] == '[')
            size += (size_t)snprintf(text + size, sizeof text - size, "%s", line + setting);
    }
    (void)fclose(file);
    is_good(text);
    for (int i = 0; settings_table[i].option; i++)
        if (settings_table[i].key && settings_table[i].kind != &kind_file)
            assert_true(set.lines[i] > 0);
}

// ---- options, and both ---------------------------------------------------------------------

#define READ(result, ...) \
    do { \
        settings_free(&set); \
        char *argv[] = {"serve", __VA_ARGS__, NULL}; \
        assert_int_equal(settings_read(&set, (int)(sizeof argv / sizeof *argv) - 1, argv), \
                         result); \
    } while (0)

static void an_option_wins_over_the_file_and_that_over_the_default(void **state)
{
    (void)state;
    char *path = in_folder("x.ini");
    is_good("[server]\nqueue = 3\nnetwork = file\n[web]\nhosts = a, b\n[doors]\nirc = off\n");
    READ(SETTINGS_GOOD, "--network", "option", "--config", path, "--web-host", "c", "--web-host",
         "d");
    assert_string_equal(set.irc.network, "option");
    assert_int_equal(set.queue_mb, 3);
    assert_int_equal(set.irc.rooms_each, 100);
    assert_int_equal(set.hosts.count, 2);
    assert_string_equal(set.hosts.items[0], "c");
    assert_null(set.doors[DOOR_IRC].address);
    assert_string_equal(set.doors[DOOR_WEB].address, "127.0.0.1:8080");
    assert_false(set.doors[DOOR_WEB].asked);
    settings_free(&set);
}

static void doors_open_where_they_are_told(void **state)
{
    (void)state;
    READ(SETTINGS_GOOD, "--host", "::1", "--irc", "7", "--web", "[::2]:8", "--plain", "unix:/x");
    assert_string_equal(set.doors[DOOR_IRC].address, "[::1]:7");
    assert_string_equal(set.doors[DOOR_WEB].address, "[::2]:8");
    assert_string_equal(set.doors[DOOR_PLAIN].address, "unix:/x");
    assert_null(set.doors[DOOR_IRCS].address);
    assert_true(set.doors[DOOR_IRC].asked);
    settings_free(&set);
    READ(SETTINGS_GOOD, "--port", "9", "--irc", "systemd:irc");
    assert_string_equal(set.doors[DOOR_PLAIN].address, "127.0.0.1:9");
    assert_string_equal(set.doors[DOOR_IRC].address, "systemd:irc");
    assert_null(set.doors[DOOR_WEB].address);
    settings_free(&set);
    READ(SETTINGS_GOOD, "--tls-cert", in_folder("x.ini"));
    assert_string_equal(set.doors[DOOR_IRCS].address, "127.0.0.1:6697");
    settings_free(&set);
}

static void on_a_lan_all_doors_are_for_all_but_the_one_that_asks_for_no_password(void **state)
{
    (void)state;
    READ(SETTINGS_GOOD, "--lan");
    assert_string_equal(set.doors[DOOR_WEB].address, ":8080");
    assert_string_equal(set.doors[DOOR_IRC].address, ":6667");
    assert_string_equal(set.doors[DOOR_PLAIN].address, "127.0.0.1:12345");
    settings_free(&set);
    READ(SETTINGS_GOOD, "--lan", "--open");
    assert_string_equal(set.doors[DOOR_PLAIN].address, ":12345");
    settings_free(&set);
    READ(SETTINGS_GOOD, "--lan", "--open", "--password", "x");
    assert_string_equal(set.doors[DOOR_PLAIN].address, "127.0.0.1:12345");
    settings_free(&set);
}

static void only_what_may_change_is_taken_from_new_settings(void **state)
{
    struct settings next;
    char *motd = strdup(in_folder("motd"));
    char *old[] = {"serve", "--queue", "1", "--irc", "1", "--password", "a", "--motd", motd, NULL};
    char *new[] = {"serve", "--queue", "2", "--irc", "2", "--operator", "ada:" HASH, NULL};
    (void)state;
    write_file(motd, "hello", 5);
    assert_int_equal(settings_read(&set, 9, old), SETTINGS_GOOD);
    assert_string_equal(set.irc.motd, "hello\n");
    assert_int_equal(settings_read(&next, 7, new), SETTINGS_GOOD);
    int row = settings_differ(&set, &next, 0);
    assert_true(row >= 0);
    assert_string_equal(settings_table[row].option, "irc");
    assert_int_equal(settings_differ(&set, &next, row + 1), -1);
    settings_adopt(&set, &next);
    settings_free(&next);
    assert_int_equal(set.queue_mb, 2);
    assert_string_equal(set.at[DOOR_IRC], "1");
    assert_null(set.irc.password);
    assert_null(set.irc.motd);
    assert_int_equal(set.irc.operator_count, 1);
    assert_string_equal(set.irc.operators[0].name, "ada");
    settings_free(&set);
    settings_free(&set);
    free(motd);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    settings_free(&set);
    (void)unlink(in_folder("x.ini")); // those that a failed test did not make are not there
    (void)unlink(in_folder("motd"));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_read),
        cmocka_unit_test(lines_may_be_indented_and_end_as_on_windows_or_not_at_all),
        cmocka_unit_test(what_is_unknown_names_its_line_and_the_nearest),
        cmocka_unit_test(what_makes_no_sense_names_its_line),
        cmocka_unit_test(a_hash_that_would_stop_the_server_is_refused),
        cmocka_unit_test(an_operator_without_a_password_names_the_line_of_its_section),
        cmocka_unit_test(what_is_no_ini_names_its_line),
        cmocka_unit_test(a_comment_may_be_longer_than_any_line),
        cmocka_unit_test(a_file_that_is_not_there_is_told),
        cmocka_unit_test(secrets_are_not_repeated),
        cmocka_unit_test(every_default_is_one_that_could_be_given),
        cmocka_unit_test(every_name_is_there_once),
        cmocka_unit_test(the_example_lists_every_setting_with_its_default),
        cmocka_unit_test(the_example_without_its_marks_is_good),
        cmocka_unit_test(an_option_wins_over_the_file_and_that_over_the_default),
        cmocka_unit_test(doors_open_where_they_are_told),
        cmocka_unit_test(on_a_lan_all_doors_are_for_all_but_the_one_that_asks_for_no_password),
        cmocka_unit_test(only_what_may_change_is_taken_from_new_settings),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
