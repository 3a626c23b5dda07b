// SPDX-License-Identifier: MIT
// weft - picks one of its commands from a table, and looks at the end whether all was written.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <weft/base.h>

#include "common/commands.h"
#include "common/completions.h"
#include "common/options.h"
#include "common/output.h"
#include "common/status.h"

static int completions(int argc, char **argv);

static const struct completed commands[] = {
    {"serve", command_serve, "a chat server: what one client says goes to all others", NULL},
    {"join", command_join, "a chat client", NULL},
    {"chat", command_chat, "looks after a chat server: backups, passwords", "backup passwd"},
    {"fetch", command_fetch, "the sizes of web pages, many at once", NULL},
    {"completions", completions, "for a shell: bash, zsh or fish", NULL},
    {.name = NULL},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] - 1 };

static void print_usage(FILE *out)
{
    // A failed write to stdout is noticed in finish(); for stderr there is nobody to tell.
    (void)fputs("usage: weft COMMAND [OPTION...]\n\n", out);
    for (int i = 0; i < COMMANDS; i++)
        (void)fprintf(out, "  %-13s%s\n", commands[i].name, commands[i].summary);
    (void)fputs("\n"
                "weft help COMMAND, or weft COMMAND --help, explains one of them.\n"
                "weft --version prints the version.\n",
                out);
}

static int unknown_command(const char *word)
{
    static const char *const others[] = {"help", "--help", "--version"};
    enum { OTHERS = sizeof others / sizeof others[0] };
    const char *names[COMMANDS + OTHERS + 1] = {NULL};
    for (int i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    for (int i = 0; i < OTHERS; i++)
        names[COMMANDS + i] = others[i];
    return unknown_word("weft", word[0] == '-' ? "option" : "command", word, names);
}

static const struct completed *find_command(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int help(int argc, char **argv)
{
    if (argc < 3 || strcmp(argv[2], "help") == 0) {
        print_usage(stdout);
        return STATUS_OK;
    }
    const struct completed *command = find_command(argv[2]);
    if (!command)
        return unknown_command(argv[2]);
    char ask[] = "--help";
    char *question[] = {argv[2], ask, NULL};
    return command->run(2, question);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return STATUS_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0) {
        (void)printf("weft %s\n", weft_version());
        return STATUS_OK;
    }
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help(argc, argv);
    const struct completed *command = find_command(word);
    return command ? command->run(argc - 1, argv + 1) : unknown_command(word);
}

static int completions(int argc, char **argv)
{
    static const struct option_row rows[] = {{.name = NULL}};
    static const struct command_line line = {
        "weft completions", "SHELL",
        "Print what completes weft's commands and options in bash, zsh or fish, as in\n"
        "    eval \"$(weft completions bash)\"\n"
        "    weft completions fish > ~/.config/fish/completions/weft.fish\n"
        "where weft was not installed; else they are in place.",
        rows};
    int first = options_read(&line, argc, argv);
    if (first < 0)
        return options_status(first);
    if (argc - first != 1)
        return usage_error(&line, "takes the name of one shell: bash, zsh or fish");
    if (completions_print(argv[first], commands) < 0)
        return usage_error(&line, "knows bash, zsh and fish, not '%s'", argv[first]);
    return STATUS_OK;
}

// What stands in a buffer must reach the disk or the pipe before we call it a success.
static int finish(int status)
{
    bool failed = ferror(stdout);
    errno = EIO; // where ferror remembers that a write failed, but not why
    if (fflush(stdout) == 0 && !failed)
        return status;
    complain("weft", "standard output: %s", strerror(errno));
    return status == STATUS_OK ? STATUS_FAILED : status;
}

int main(int argc, char **argv)
{
    hold_standard_descriptors();
    return finish(run(argc, argv));
}
