// SPDX-License-Identifier: MIT
// options_test.c - programs/common/options.h: what is read, what is refused, and in which words.
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/options.h"
#include "common/status.h"

// ---- a command line, read while its output is caught ----------------------------------------

struct settings {
    const char *host;
    int port, count;
    double seconds;
    bool lecture, loud;
};

struct outcome {
    struct settings set;
    int first;
    char out[2048], err[2048];
    char *argv[8]; // as options_read left it
};

// What went to the descriptor since caught() replaced it by `file`; puts the old one back.
static void read_back(int fd, int saved, FILE *file, char *text, size_t size)
{
    (void)fflush(NULL);
    assert_int_equal(dup2(saved, fd), fd);
    assert_int_equal(close(saved), 0);
    rewind(file);
    size_t n = fread(text, 1, size - 1, file);
    text[n] = '\0';
    assert_int_equal(fclose(file), 0);
}

static FILE *catch (int fd, int *saved)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    (void)fflush(NULL);
    *saved = dup(fd);
    assert_true(*saved >= 0);
    assert_int_equal(dup2(fileno(file), fd), fd);
    return file;
}

static struct outcome read_line(char *arguments[]) // NULL at the end; at most 7
{
    struct outcome o = {.set = {.host = "default", .port = 1}};
    const struct option_row rows[] = {
        {"host", 0, "ADDR", "where", option_text, &o.set.host},
        {"port", 'p', "N", "which port", option_port, &o.set.port},
        {"count", 'c', "N", "how many", option_count, &o.set.count},
        {"seconds", 0, "S", "how long", option_seconds, &o.set.seconds},
        {"lecture", 'l', NULL, "as the lecture", option_flag, &o.set.lecture},
        {"loud", 0, NULL, "a flag with a beginning that another has", option_flag, &o.set.loud},
        {0},
    };
    const struct command_line line = {"weft try", "[OPTION...] [WORD...]", "For the test.", rows};
    int argc = 1, saved_out, saved_err;
    o.argv[0] = (char[]){"try"};
    for (; arguments[argc - 1]; argc++)
        o.argv[argc] = arguments[argc - 1];
    FILE *out = catch (STDOUT_FILENO, &saved_out);
    FILE *err = catch (STDERR_FILENO, &saved_err);
    o.first = options_read(&line, argc, o.argv);
    read_back(STDERR_FILENO, saved_err, err, o.err, sizeof o.err);
    read_back(STDOUT_FILENO, saved_out, out, o.out, sizeof o.out);
    return o;
}
// Strings that getopt may permute: an array of char *, ended by NULL.
#define READ(...) read_line((char *[]){__VA_ARGS__, NULL})

static void assert_refused(const struct outcome *o, const char *message)
{
    char line[512];
    (void)snprintf(line, sizeof line, "weft try: %s\n", message);
    assert_true(o->first < 0);
    assert_int_equal(options_status(o->first), STATUS_USAGE);
    assert_string_equal(o->err, line);
    assert_string_equal(o->out, "");
}

// ---- reading ----------------------------------------------------------------------------------

static void without_options_everything_keeps_its_default(void **state)
{
    (void)state;
    struct outcome o = READ("word");
    assert_int_equal(o.first, 1);
    assert_string_equal(o.set.host, "default");
    assert_int_equal(o.set.port, 1);
    assert_false(o.set.lecture);
    assert_string_equal(o.err, "");
}

static void names_letters_and_abbreviations_are_understood(void **state)
{
    (void)state;
    struct outcome o = READ("--host", "h", "-p80", "--count=7", "--sec", "0.5", "-l");
    assert_int_equal(o.first, 8);
    assert_string_equal(o.set.host, "h");
    assert_int_equal(o.set.port, 80);
    assert_int_equal(o.set.count, 7);
    assert_true(o.set.seconds == 0.5);
    assert_true(o.set.lecture);
    assert_false(o.set.loud);
}

static void options_may_follow_arguments(void **state)
{
    (void)state;
    struct outcome o = READ("one", "--port", "80", "two");
    assert_int_equal(o.first, 3);
    assert_string_equal(o.argv[o.first], "one");
    assert_string_equal(o.argv[o.first + 1], "two");
    assert_int_equal(o.set.port, 80);
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    struct outcome o = READ("--", "--port");
    assert_int_equal(o.first, 2);
    assert_string_equal(o.argv[o.first], "--port");
}

static void the_last_of_two_counts(void **state)
{
    (void)state;
    struct outcome o = READ("-p", "1", "-p", "2");
    assert_int_equal(o.set.port, 2);
}

static void the_limits_of_numbers_are_within(void **state)
{
    (void)state;
    assert_int_equal(READ("--port", "0").set.port, 0);
    assert_int_equal(READ("--port", "65535").set.port, 65535);
    assert_int_equal(READ("--count", "1").set.count, 1);
    assert_int_equal(READ("--count", "1000000").set.count, 1000000);
    assert_true(READ("--seconds", "1e6").set.seconds == 1e6);
    assert_true(READ("--seconds", ".001").set.seconds == .001);
}

// ---- refusing ---------------------------------------------------------------------------------

static void a_value_that_makes_no_sense_is_named(void **state)
{
    (void)state;
    static const char *const ports[] = {
        "", "x", "-1", "+1", " 1", "1x", "65536", "0x10", "99999999999999999999"};
    static const char *const counts[] = {"0", "1000001", "", "1.5"};
    static const char *const seconds[] = {"0",     "-1", "",    "nan",  "inf",
                                          "0x1p3", "1s", "1e7", "1e999"};
    char message[256];
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        struct outcome o = READ("--port", (char *)ports[i]);
        (void)snprintf(message, sizeof message, "--port '%s' is not a port (0 to 65535)", ports[i]);
        assert_refused(&o, message);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct outcome o = READ("-c", (char *)counts[i]);
        (void)snprintf(message, sizeof message, "--count '%s' is not a count (1 to 1000000)",
                       counts[i]);
        assert_refused(&o, message);
    }
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        struct outcome o = READ("--seconds", (char *)seconds[i]);
        (void)snprintf(message, sizeof message,
                       "--seconds '%s' is not a time in seconds (more than 0, at most 1000000)",
                       seconds[i]);
        assert_refused(&o, message);
    }
    struct outcome o = READ("--host=");
    assert_refused(&o, "--host '' is empty");
}

static void an_unknown_option_names_the_nearest(void **state)
{
    (void)state;
    struct outcome o = READ("--prot", "80");
    assert_refused(&o, "unknown option --prot (did you mean --port?)");
    o = READ("--lectrue=x");
    assert_refused(&o, "unknown option --lectrue (did you mean --lecture?)");
    o = READ("--hlep");
    assert_refused(&o, "unknown option --hlep (did you mean --help?)");
    o = READ("--nothing-like-it");
    assert_refused(&o, "unknown option --nothing-like-it (see weft try --help)");
    o = READ("-lx");
    assert_refused(&o, "unknown option -x (see weft try --help)");
    o = READ("word", "--prot", "80");
    assert_refused(&o, "unknown option --prot (did you mean --port?)");
}

static void an_abbreviation_of_two_names_both(void **state)
{
    (void)state;
    struct outcome o = READ("--l");
    assert_refused(&o, "--l could be --lecture or --loud");
}

static void a_missing_and_a_needless_value_are_told(void **state)
{
    (void)state;
    struct outcome o = READ("--port");
    assert_refused(&o, "--port needs a value");
    o = READ("-p");
    assert_refused(&o, "-p needs a value");
    o = READ("--lecture=yes");
    assert_refused(&o, "--lecture takes no value");
    o = READ("--help=me");
    assert_refused(&o, "--help takes no value");
}

static void help_is_printed_and_is_no_mistake(void **state)
{
    (void)state;
    struct outcome o = READ("--help", "--prot");
    assert_int_equal(options_status(o.first), STATUS_OK);
    assert_string_equal(o.err, "");
    assert_string_equal(o.out, "usage: weft try [OPTION...] [WORD...]\n"
                               "For the test.\n"
                               "\n"
                               "      --host ADDR       where\n"
                               "  -p, --port N          which port\n"
                               "  -c, --count N         how many\n"
                               "      --seconds S       how long\n"
                               "  -l, --lecture         as the lecture\n"
                               "      --loud            a flag with a beginning that another has\n"
                               "  -h, --help            print this\n");
    assert_int_equal(options_status(READ("-h").first), STATUS_OK);
}

// ---- long helps, and tables that are shown ------------------------------------------------------

static struct outcome read_long(char *word)
{
    struct outcome o = {.set = {.host = "default"}};
    const struct option_row rows[] = {
        {"", 0, NULL, "What", NULL, NULL},
        {"host", '4', "ADDR", "where\nmore of it", option_text, &o.set.host},
        {"", 0, NULL, "How", NULL, NULL},
        {"loud", 0, NULL, "as it says", option_flag, &o.set.loud},
        {0},
    };
    static const char *const brief[] = {"host", NULL};
    const struct command_manual manual = {"  an example\n", brief, "The end.\n"};
    const struct command_line line = {"weft try", "[OPTION...]", "For the test.", rows};
    int saved_out, saved_err;
    o.argv[0] = (char[]){"try"};
    o.argv[1] = word;
    FILE *out = catch (STDOUT_FILENO, &saved_out);
    FILE *err = catch (STDERR_FILENO, &saved_err);
    o.first = options_read_long(&line, &manual, 2, o.argv);
    read_back(STDERR_FILENO, saved_err, err, o.err, sizeof o.err);
    read_back(STDOUT_FILENO, saved_out, out, o.out, sizeof o.out);
    return o;
}

static void a_command_with_a_manual_has_a_short_help_and_a_long_one(void **state)
{
    (void)state;
    struct outcome o = read_long((char[]){"-h"});
    assert_int_equal(options_status(o.first), STATUS_OK);
    assert_string_equal(o.out, "usage: weft try [OPTION...]\n"
                               "For the test.\n"
                               "\n"
                               "  an example\n"
                               "\n"
                               "  -4, --host ADDR       where\n"
                               "      --help            print all options\n");
    o = read_long((char[]){"--help"});
    assert_string_equal(o.out, "usage: weft try [OPTION...]\n"
                               "For the test.\n"
                               "\n"
                               "  an example\n"
                               "\n"
                               "What:\n"
                               "  -4, --host ADDR       where\n"
                               "                        more of it\n"
                               "\n"
                               "How:\n"
                               "      --loud            as it says\n"
                               "  -h, --help            print this; -h: the most used of it\n"
                               "\n"
                               "The end.\n");
}

static void a_heading_is_no_option(void **state)
{
    (void)state;
    assert_string_equal(read_long((char[]){"-4x"}).set.host, "x");
    assert_true(read_long((char[]){"--loud"}).set.loud);
    struct outcome o = read_long((char[]){"--=x"});
    assert_true(o.first < 0);
    o = read_long((char[]){"--luod"});
    assert_refused(&o, "unknown option --luod (did you mean --loud?)");
}

static void note_command(void *ctx, const struct command_line *line)
{
    *(const char **)ctx = line->command;
}

static void a_table_can_be_shown_instead_of_read(void **state)
{
    (void)state;
    const char *seen = NULL;
    options_show_to(note_command, &seen);
    struct outcome o = READ("--port", "80");
    options_show_to(NULL, NULL);
    assert_string_equal(seen, "weft try");
    assert_int_equal(options_status(o.first), STATUS_OK);
    assert_int_equal(o.set.port, 1);
    assert_string_equal(o.out, "");
    assert_int_equal(READ("--port", "80").set.port, 80);
}

// ---- the nearest name -------------------------------------------------------------------------

static void the_nearest_name_is_at_most_a_third_of_the_word_away(void **state)
{
    (void)state;
    static const char *const names[] = {"serve", "join", "fetch", NULL};
    assert_string_equal(nearest_name("serve", names), "serve");
    assert_string_equal(nearest_name("srve", names), "serve");   // one missing
    assert_string_equal(nearest_name("servee", names), "serve"); // one too many
    assert_string_equal(nearest_name("jain", names), "join");    // one changed
    assert_string_equal(nearest_name("ftech", names), "fetch");  // two swapped
    assert_string_equal(nearest_name("ftechs", names), "fetch"); // two of six
    assert_null(nearest_name("ftxch", names));                   // two of five
    assert_null(nearest_name("", names));
    assert_null(nearest_name("dance", names));
}

static void a_short_word_may_differ_by_one(void **state)
{
    (void)state;
    static const char *const names[] = {"ab", NULL};
    assert_string_equal(nearest_name("a", names), "ab");
    assert_string_equal(nearest_name("ba", names), "ab");
    assert_null(nearest_name("xy", names));
}

static void of_equally_near_names_the_first_is_taken(void **state)
{
    (void)state;
    static const char *const names[] = {"post", "port", NULL};
    assert_string_equal(nearest_name("pot", names), "post");
    assert_string_equal(nearest_name("port", names), "port");
}

static void a_very_long_word_is_near_to_nothing(void **state)
{
    (void)state;
    char word[10000];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    const char *const names[] = {word, "serve", NULL};
    assert_null(nearest_name(word, names));
    assert_string_equal(nearest_name("srve", names), "serve");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_options_everything_keeps_its_default),
        cmocka_unit_test(names_letters_and_abbreviations_are_understood),
        cmocka_unit_test(options_may_follow_arguments),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(the_last_of_two_counts),
        cmocka_unit_test(the_limits_of_numbers_are_within),
        cmocka_unit_test(a_value_that_makes_no_sense_is_named),
        cmocka_unit_test(an_unknown_option_names_the_nearest),
        cmocka_unit_test(an_abbreviation_of_two_names_both),
        cmocka_unit_test(a_missing_and_a_needless_value_are_told),
        cmocka_unit_test(help_is_printed_and_is_no_mistake),
        cmocka_unit_test(a_command_with_a_manual_has_a_short_help_and_a_long_one),
        cmocka_unit_test(a_heading_is_no_option),
        cmocka_unit_test(a_table_can_be_shown_instead_of_read),
        cmocka_unit_test(the_nearest_name_is_at_most_a_third_of_the_word_away),
        cmocka_unit_test(a_short_word_may_differ_by_one),
        cmocka_unit_test(of_equally_near_names_the_first_is_taken),
        cmocka_unit_test(a_very_long_word_is_near_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
