// SPDX-License-Identifier: MIT
// streams_test.c - what was printed goes out, whatever stream it is in; and if none has anything,
// that is known.
#include "unit.h"

#include "os/streams.h"

static int kept_output = -1;

// Standard output is a file for the time of a test, and keeps what is printed until it is told.
static int begin_output(void)
{
    static char buffer[1024];
    int file = memfd_create("output", MFD_CLOEXEC);
    assert_true(file >= 0);
    (void)fflush(stdout);
    kept_output = dup(STDOUT_FILENO);
    assert_true(kept_output >= 0);
    assert_int_equal(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
    assert_int_equal(setvbuf(stdout, buffer, _IOFBF, sizeof buffer), 0);
    return file;
}

static void end_output(int file)
{
    (void)fflush(stdout);
    (void)dup2(kept_output, STDOUT_FILENO);
    close(kept_output);
    close(file);
}

static ssize_t written(int file, char text[16])
{
    memset(text, 0, 16);
    return pread(file, text, 15, 0);
}

static void what_was_printed_goes_out(void **state)
{
    (void)state;
    char before[16], after[16];
    int file = begin_output();
    printf("spoken");
    bool was_empty = wf_streams_are_empty();
    ssize_t early = written(file, before);
    wf_streams_flush();
    ssize_t late = written(file, after);
    end_output(file);
    assert_false(was_empty);
    assert_int_equal(early, 0);
    assert_int_equal(late, 6);
    assert_string_equal(after, "spoken");
}

static void what_is_in_a_stream_of_the_program_goes_out(void **state)
{
    (void)state;
    char text[16];
    FILE *stream = tmpfile();
    assert_non_null(stream);
    fputs("kept", stream);
    assert_false(wf_streams_are_empty());
    assert_int_equal(written(fileno(stream), text), 0);
    wf_streams_flush();
    assert_int_equal(written(fileno(stream), text), 4);
    assert_string_equal(text, "kept");
    fclose(stream);
}

// Or each task would ask them all again, and nobody would notice.
static void glibc_shows_that_there_is_nothing(void **state)
{
    (void)state;
#ifndef __GLIBC__
    skip();
#endif
    wf_streams_flush();
    assert_true(wf_streams_are_empty());
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_false(wf_streams_are_empty());
    fclose(file);
    assert_true(wf_streams_are_empty());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_printed_goes_out),
        cmocka_unit_test(what_is_in_a_stream_of_the_program_goes_out),
        cmocka_unit_test(glibc_shows_that_there_is_nothing),
    };
    wf_streams_prepare();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
